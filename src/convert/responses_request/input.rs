//! The members that hold more than a scalar: the input, and the settings that items of the input may change.

use serde_json::value::RawValue;

use super::heads::{Accepted, Items, Kind};
use super::path;
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::format::raw::RawStr;
use crate::format::responses::request::{Item, Reasoning, Request, TextConfig};
use crate::format::walk;

/// What `input` is.
#[derive(Debug, Clone, Copy)]
pub(in crate::convert) enum Input<'a> {
    Text(RawStr<'a>),
    Items,
}

/// Reads `input`; the items are empty where it is a text.
pub(in crate::convert) fn read<'a>(
    request: &Request<'a>,
    accepted: Accepted,
) -> Result<(Input<'a>, Items<'a>), Refusal> {
    let Some(input) = request.input.map(RawValue::get) else {
        // Instructions alone are a request too.
        return Ok((Input::Items, Items::default()));
    };
    if let Some(text) = RawStr::from_json(input) {
        return Ok((Input::Text(text), Items::default()));
    }
    if !walk::is_array(input) {
        return Err(path::wrong_type("input"));
    }
    Ok((Input::Items, Items::read(input, accepted)?))
}

/// Reads `instructions`.
pub(in crate::convert) fn instructions<'a>(
    request: &Request<'a>,
) -> Result<Option<RawStr<'a>>, Refusal> {
    let Some(text) = request.instructions else {
        return Ok(None);
    };
    match RawStr::new(text) {
        Some(text) => Ok(Some(text)),
        None => Err(path::wrong_type("instructions")),
    }
}

/// Nothing is left of the conversation.
pub(in crate::convert) fn nothing_to_send() -> Refusal {
    Refusal::invalid("input", "`input` holds nothing that could be sent")
}

/// `text` and `reasoning`.
#[derive(Debug, Default)]
pub(in crate::convert) struct Settings<'a> {
    pub(in crate::convert) text: TextConfig<'a>,
    pub(in crate::convert) reasoning: Reasoning<'a>,
}

impl<'a> Settings<'a> {
    /// Reads the members, which the request keeps raw for the echo.
    pub(in crate::convert) fn read(request: &Request<'a>) -> Result<Self, Refusal> {
        Ok(Self {
            text: sub_view(request.text, "text")?,
            reasoning: sub_view(request.reasoning, "reasoning")?,
        })
    }

    /// Settings may change inside the conversation: the last word holds.
    pub(in crate::convert) fn update(
        &mut self,
        items: &Items<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        for (index, item) in items.list.iter().enumerate() {
            if item.kind != Kind::ConfigurationUpdate {
                continue;
            }
            cx.report.approximate("input[].type");
            let item: Item<'a> = path::parse(item.text, || format!("input[{index}]"))?;
            if let Some(update) = item.reasoning {
                let reasoning = &mut self.reasoning;
                reasoning.effort = update.effort.or(reasoning.effort);
                reasoning.summary = update.summary.or(reasoning.summary);
            }
            if let Some(update) = item.text {
                self.text.format = update.format.or(self.text.format.take());
            }
            for name in &item.unknown {
                cx.report.drop_field(format!("input[].{name}"));
            }
        }
        Ok(())
    }
}

fn sub_view<'a, T: serde::Deserialize<'a> + Default>(
    raw: Option<&'a RawValue>,
    name: &str,
) -> Result<T, Refusal> {
    raw.map_or_else(
        || Ok(T::default()),
        |raw| path::parse(raw.get(), || name.to_owned()),
    )
}
