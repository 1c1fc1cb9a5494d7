//! OpenAI's encrypted reasoning in a form that Messages clients replay: `tlg1.openai.` and base64url of
//! `{"v":1,"ec":…,"s":[…]}`, the encrypted content and the parts of the summary.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::BytesMut;

use crate::codec::write::Object;
use crate::format::raw::RawStr;
use crate::format::walk;

const PREFIX: &str = "tlg1.openai.";

/// Packs a reasoning item; `encrypted` and the parts of the `summary` are copied as they were written.
///
/// No `summary` says that it is the text beside the envelope, an empty list that the item has none.
pub(crate) fn pack<'a>(
    encrypted: Option<RawStr<'_>>,
    summary: Option<impl IntoIterator<Item = RawStr<'a>>>,
) -> String {
    let mut json = BytesMut::new();
    let mut object = Object::begin(&mut json);
    object.uint("v", 1);
    if let Some(encrypted) = encrypted {
        object.raw("ec", encrypted.json());
    }
    if let Some(summary) = summary {
        let mut parts = object.array("s");
        for part in summary {
            parts.raw(part.json());
        }
        parts.end();
    }
    object.end();
    let mut envelope = String::with_capacity(PREFIX.len() + json.len().div_ceil(3) * 4);
    envelope.push_str(PREFIX);
    URL_SAFE_NO_PAD.encode_string(&json, &mut envelope);
    envelope
}

/// A reasoning item that was packed before: JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Envelope(String);

impl Envelope {
    /// Opens what a client replays; `None` for everything that is no envelope of this kind and version.
    pub(crate) fn open(opaque: RawStr<'_>) -> Option<Self> {
        let text = opaque.decode();
        let json = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let json = String::from_utf8(json).ok()?;
        serde_json::from_str::<&serde_json::value::RawValue>(&json).ok()?;
        (walk::is_object(&json) && walk::member(&json, "v") == Some("1")).then_some(Self(json))
    }

    /// What OpenAI encrypted.
    pub(crate) fn encrypted(&self) -> Option<RawStr<'_>> {
        walk::member(&self.0, "ec")
            .and_then(RawStr::from_json)
            .filter(|encrypted| !encrypted.is_empty())
    }

    /// The parts of the summary, where the envelope has them.
    pub(crate) fn summary(&self) -> Option<impl Iterator<Item = RawStr<'_>>> {
        let parts = walk::member(&self.0, "s").filter(|parts| walk::is_array(parts))?;
        Some(walk::elements(parts).filter_map(RawStr::from_json))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> RawStr<'_> {
        RawStr::from_json(json).unwrap()
    }

    #[test]
    fn envelopes_keep_every_byte() {
        let packed = pack(
            Some(raw(r#""gA\n\u0041""#)),
            Some([raw("\"A\""), raw("\"é\"")]),
        );
        let quoted = format!("\"{packed}\"");
        let open = Envelope::open(raw(&quoted)).unwrap();
        assert_eq!(open.encrypted().unwrap().json(), r#""gA\n\u0041""#);
        let parts: Vec<&str> = open.summary().unwrap().map(RawStr::json).collect();
        assert_eq!(parts, ["\"A\"", "\"é\""]);
        assert_eq!(
            pack(Some(raw("\"gAAAA2\"")), Some([raw("\"A\""), raw("\"B\"")])),
            "tlg1.openai.eyJ2IjoxLCJlYyI6ImdBQUFBMiIsInMiOlsiQSIsIkIiXX0"
        );
        let bare = pack(None, None::<[RawStr<'_>; 0]>);
        let quoted = format!("\"{bare}\"");
        let open = Envelope::open(raw(&quoted)).unwrap();
        assert!(open.encrypted().is_none() && open.summary().is_none());
    }

    #[test]
    fn everything_else_is_foreign() {
        let pack =
            |kind: &str, json: &str| format!("\"tlg1.{kind}.{}\"", URL_SAFE_NO_PAD.encode(json));
        for text in [
            "\"EqQB\"".to_owned(),
            "\"\"".to_owned(),
            "\"tlg1.openai.\"".to_owned(),
            "\"tlg1.openai.!!\"".to_owned(),
            pack("anthropic", r#"{"v":1,"blocks":[]}"#),
            pack("openai", r#"{"v":2,"ec":"x"}"#),
            pack("openai", r#"{"ec":"x"}"#),
            pack("openai", r#"{"v":1,"ec":"#),
            pack("openai", "[1]"),
        ] {
            assert_eq!(Envelope::open(raw(&text)), None, "{text}");
        }
    }
}
