//! Gemini's thought signatures in the gateway's own carrier: `tlg1.gemini.<base64url of JSON>`.
//!
//! The JSON is `{"v":1,"sigs":[{"k":"call","id":…,"v":…},{"k":"msg","v":…}]}`. It holds nothing that the client could not see,
//! and the list may be empty. Signatures are opaque: they are never decoded. Beside the list there may be `parts`, all parts of
//! the answer as they came: what Google's own tools did must return unchanged.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::BytesMut;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::envelope::PREFIX;
use crate::codec::write::Object;
use crate::format::messages::{Count, Text};
use crate::format::walk;

const KIND: &str = "gemini.";

/// A signature and what it belongs to. Values are the inside of JSON strings, escapes as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signature {
    /// Of the tool call with this (decoded) id.
    Call { id: String, value: String },
    /// Of the message's own text.
    Message { value: String },
}

impl Signature {
    /// How much memory it takes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Call { id, value } => id.len() + value.len(),
            Self::Message { value } => value.len(),
        }
    }
}

/// The carrier of these signatures; it needs no escaping.
pub(crate) fn write(signatures: &[Signature]) -> String {
    write_all(signatures, None)
}

/// The carrier of an answer's parts, given as the elements of a JSON array.
pub(crate) fn write_parts(parts: &[u8]) -> String {
    write_all(&[], Some(parts))
}

fn write_all(signatures: &[Signature], parts: Option<&[u8]>) -> String {
    let mut json = BytesMut::new();
    let mut object = Object::begin(&mut json);
    object.uint("v", 1);
    let mut list = object.array("sigs");
    for signature in signatures {
        let mut element = list.object();
        let value = match signature {
            Signature::Call { id, value } => {
                element.string("k", "call").string("id", id);
                value
            }
            Signature::Message { value } => {
                element.string("k", "msg");
                value
            }
        };
        let out = element.key("v");
        out.extend_from_slice(b"\"");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\"");
        element.end();
    }
    list.end();
    if let Some(parts) = parts {
        let out = object.key("parts");
        out.extend_from_slice(b"[");
        out.extend_from_slice(parts);
        out.extend_from_slice(b"]");
    }
    object.end();
    let mut carrier = format!("{PREFIX}{KIND}");
    URL_SAFE_NO_PAD.encode_string(&json, &mut carrier);
    carrier
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Carried<'a> {
    v: Count,
    #[serde(borrow)]
    sigs: Option<Vec<Entry<'a>>>,
    #[serde(borrow)]
    parts: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry<'a> {
    #[serde(borrow)]
    k: Text<'a>,
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    v: Text<'a>,
}

/// The inside of a carrier; `None` where `opaque` is something else.
fn payload(opaque: &str) -> Option<Vec<u8>> {
    let payload = opaque.strip_prefix(PREFIX)?.strip_prefix(KIND)?;
    URL_SAFE_NO_PAD.decode(payload).ok()
}

fn carried(json: &[u8]) -> Option<Carried<'_>> {
    let carried: Carried<'_> = serde_json::from_slice(json).ok()?;
    (carried.v.get() == Some(1)).then_some(carried)
}

/// The parts in a carrier, as the text of a JSON array; `None` where there are none.
pub(crate) fn read_parts(opaque: &str) -> Option<String> {
    let json = payload(opaque)?;
    let parts = carried(&json)?.parts?.get();
    let mut parts_of = walk::elements(parts).peekable();
    parts_of.peek()?;
    parts_of.all(walk::is_object).then(|| parts.to_owned())
}

/// The signatures in a carrier; none where `opaque` is something else, or damaged.
pub(crate) fn read(opaque: &str) -> Vec<Signature> {
    let payload = payload(opaque);
    let Some(carried) = payload.as_deref().and_then(carried) else {
        return Vec::new();
    };
    let signature = |entry: Entry<'_>| {
        let value = entry.v.non_empty()?.content().to_owned();
        match &*entry.k.get()?.decode() {
            "call" => Some(Signature::Call {
                id: entry.id.get()?.decode().into_owned(),
                value,
            }),
            "msg" => Some(Signature::Message { value }),
            _ => None,
        }
    };
    let entries = carried.sigs.unwrap_or_default();
    entries.into_iter().filter_map(signature).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_example() {
        let signatures = [Signature::Call {
            id: "call_11".into(),
            value: "c2lnLUE=".into(),
        }];
        let carrier = "tlg1.gemini.eyJ2IjoxLCJzaWdzIjpbeyJrIjoiY2FsbCIsImlkIjoiY2FsbF8xMSIsInYiOiJjMmxuTFVFPSJ9XX0";
        assert_eq!(write(&signatures), carrier);
        assert_eq!(read(carrier), signatures);
        assert_eq!(write(&[]), "tlg1.gemini.eyJ2IjoxLCJzaWdzIjpbXX0");
    }

    #[test]
    fn any_value_survives_byte_for_byte() {
        let signatures = [
            Signature::Call {
                id: "a\"b é".into(),
                value: r"x\/\u0041\n+/=".into(),
            },
            Signature::Message { value: "é".into() },
        ];
        assert_eq!(read(&write(&signatures)), signatures);
    }

    #[test]
    fn parts_return_unchanged() {
        let parts = r#"{"text":"a","thoughtSignature":"x\/+="},{"toolCall":{"id":"1"}}"#;
        let carrier = write_parts(parts.as_bytes());
        assert_eq!(read_parts(&carrier), Some(format!("[{parts}]")));
        assert_eq!(read(&carrier), []);
        for parts in ["", "7", "{},[]"] {
            assert_eq!(read_parts(&write_parts(parts.as_bytes())), None, "{parts}");
        }
        assert_eq!(read_parts(&write(&[])), None);
        assert_eq!(read_parts("x"), None);
    }

    #[test]
    fn what_is_foreign_or_damaged_holds_nothing() {
        let version_2 = URL_SAFE_NO_PAD.encode(r#"{"v":2,"sigs":[{"k":"msg","v":"x"}]}"#);
        let array = URL_SAFE_NO_PAD.encode("[]");
        for opaque in [
            "",
            "gAAAAABm",
            "tlg1.anthropic.eyJ2IjoxLCJzaWdzIjpbXX0",
            "tlg1.gemini.",
            "tlg1.gemini.!!!!",
            "tlg1.gemini.eyJ2Ijox",
            &format!("tlg1.gemini.{version_2}"),
            &format!("tlg1.gemini.{array}"),
        ] {
            assert_eq!(read(opaque), [], "{opaque}");
        }
    }
}
