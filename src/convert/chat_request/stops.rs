//! Stop sequences.

use serde_json::value::RawValue;

use super::checks::Target;
use super::path;
use crate::convert::report::Refusal;
use crate::convert::stop;
use crate::format::raw::RawStr;
use crate::format::walk;

/// The stop sequences of a request.
#[derive(Debug, Default)]
pub(in crate::convert) struct Stops<'a> {
    /// Those that the provider looks for: JSON strings.
    pub(in crate::convert) sent: Vec<&'a str>,
    /// Those that the gateway looks for itself.
    pub(in crate::convert) emulated: Vec<String>,
}

/// Reads `stop`. `emulates` is for providers that take no stop sequence that is only white space: whether the gateway may look
/// for these itself.
///
/// # Errors
/// It holds something else than strings, or one that neither the provider nor the gateway may look for.
pub(in crate::convert) fn read<'a>(
    stop: Option<&'a RawValue>,
    target: Target,
    emulates: Option<bool>,
) -> Result<Stops<'a>, Refusal> {
    let mut stops = Stops::default();
    let Some(stop) = stop.map(RawValue::get) else {
        return Ok(stops);
    };
    if walk::is_array(stop) {
        for (index, entry) in walk::elements(stop).enumerate() {
            stops.add(entry, target, emulates, || path::element("stop", index, ""))?;
        }
    } else {
        stops.add(stop, target, emulates, || "stop".to_owned())?;
    }
    if stop::are_excessive(&stops.emulated) {
        return Err(Refusal::invalid(
            "stop",
            "there are too many stop sequences, or one is too long",
        ));
    }
    Ok(stops)
}

impl<'a> Stops<'a> {
    fn add(
        &mut self,
        json: &'a str,
        target: Target,
        emulates: Option<bool>,
        at: impl FnOnce() -> String,
    ) -> Result<(), Refusal> {
        let Some(text) = RawStr::from_json(json) else {
            return Err(path::wrong_type(at()));
        };
        if text.is_empty() {
            return Ok(());
        }
        match emulates {
            Some(emulates) if text.is_blank() => {
                if !emulates {
                    return Err(
                        target.unsupported(at(), "takes no stop sequence that is only white space")
                    );
                }
                self.emulated.push(text.decode().into_owned());
            }
            _ => self.sent.push(json),
        }
        Ok(())
    }
}
