//! Arguments and results: JSON in strings on one side, objects on the other.

use bytes::BytesMut;

use crate::codec::write::Object;
use crate::format::raw::RawStr;
use crate::format::walk;

/// Writes arguments, which are JSON in a string, as the object that they hold; tells whether they are one. What is no object is
/// carried as text, so that a history in which a model once wrote broken JSON does not fail.
pub(crate) fn write_arguments(out: &mut BytesMut, arguments: Option<RawStr<'_>>) -> bool {
    let Some(arguments) = arguments.filter(|text| !text.is_blank()) else {
        out.extend_from_slice(b"{}");
        return true;
    };
    let start = out.len();
    arguments.decode_into(out);
    if is_object(out.get(start..).unwrap_or_default()) {
        return true;
    }
    out.truncate(start);
    let mut object = Object::begin(out);
    object.raw("_raw_arguments", arguments.json());
    object.end();
    false
}

/// Writes what a tool gave as an object: a text that holds one as that, anything else as `{"output": …}`. Several texts are
/// lines of one.
pub(crate) fn write_result(out: &mut BytesMut, texts: &[RawStr<'_>]) {
    let start = out.len();
    if let [text] = texts {
        text.decode_into(out);
        let written = out.get(start..).unwrap_or_default();
        // `$ref` points to a file beside the result, which there is none of.
        let refers = || {
            let text = std::str::from_utf8(written).unwrap_or_default();
            walk::members(text).any(|(key, _)| key.is("$ref"))
        };
        if is_object(written) && !refers() {
            return;
        }
        out.truncate(start);
    }
    let mut object = Object::begin(out);
    let value = object.key("output");
    value.extend_from_slice(b"\"");
    for (at, text) in texts.iter().enumerate() {
        if at > 0 {
            value.extend_from_slice(b"\\n");
        }
        value.extend_from_slice(text.content().as_bytes());
    }
    value.extend_from_slice(b"\"");
    object.end();
}

fn is_object(json: &[u8]) -> bool {
    json.trim_ascii_start().starts_with(b"{")
        && serde_json::from_slice::<serde::de::IgnoredAny>(json).is_ok()
}
