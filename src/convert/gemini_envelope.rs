//! Gemini's thought signatures in the gateway's own carrier: `tlg1.gemini.<base64url of JSON>`.
//!
//! The JSON is `{"v":1,"sigs":[{"k":"call","id":…,"v":…},{"k":"msg","v":…}]}`. It holds nothing that the client could not see,
//! and the list may be empty. Signatures are opaque: they are never decoded.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::BytesMut;
use serde::Deserialize;

use super::envelope::PREFIX;
use crate::codec::write::Object;
use crate::format::messages::{Count, Text};
use crate::format::raw::RawStr;

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

/// The signatures in a carrier; none where `opaque` is something else, or damaged.
pub(crate) fn read(opaque: &str) -> Vec<Signature> {
    let payload = opaque
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_prefix(KIND))
        .and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    let Some(carried) = payload
        .as_deref()
        .and_then(|json| serde_json::from_slice::<Carried<'_>>(json).ok())
        .filter(|carried| carried.v.get() == Some(1))
    else {
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

/// The kind of carriers that hold an answer's parts.
const PARTS: &str = "tlg1.gemini_parts.";

/// The carrier of an answer's parts (the elements of a JSON array, as they came), for answers whose parts must come back unchanged:
/// they hold the signatures, too.
pub(crate) fn write_parts(parts: &str) -> String {
    super::envelope::write_blocks(PARTS, [parts])
}

/// The parts in a carrier, as an object with the list `blocks`; `None` where `opaque` is something else, or damaged.
pub(crate) fn read_parts(opaque: RawStr<'_>) -> Option<String> {
    super::envelope::open_blocks(PARTS, opaque)
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
