//! The input of a freeform tool that went to the provider as a function with one `input` string.

use serde::de::IgnoredAny;

use crate::format::raw::RawStr;
use crate::format::walk;

/// What the client gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unwrapped {
    /// The inside of a JSON string.
    pub(crate) input: String,
    /// Whether the model wrote whole JSON.
    pub(crate) whole: bool,
}

/// Takes the input out of the object that it was wrapped in, given as the inside of a JSON string. What is no such object (cut
/// by the output limit, say) goes to the client as the model wrote it.
pub(crate) fn unwrap(arguments: &str) -> Unwrapped {
    let json = format!("\"{arguments}\"");
    let decoded = RawStr::from_json(&json)
        .map(RawStr::decode)
        .unwrap_or_default();
    let whole = serde_json::from_str::<IgnoredAny>(&decoded).is_ok();
    let input = walk::members(&decoded)
        .filter(|(key, _)| whole && key.is("input"))
        .last()
        .and_then(|(_, value)| RawStr::from_json(value));
    Unwrapped {
        input: input.map_or(arguments, RawStr::content).to_owned(),
        whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freeform_inputs_are_unwrapped() {
        let inside = |json: &str| {
            let mut out = bytes::BytesMut::new();
            crate::codec::write::string_content(&mut out, json);
            String::from_utf8(out.to_vec()).unwrap()
        };
        for (json, input, whole) in [
            (r#"{"input":"a\nb"}"#, r"a\nb", true),
            (r#" {"x":1,"input":"é"} "#, "é", true),
            (r#"{"input":5}"#, r#"{\"input\":5}"#, true),
            (r#"{"input":"cut"#, r#"{\"input\":\"cut"#, false),
            ("plain", "plain", false),
            ("", "", false),
        ] {
            let input = input.to_owned();
            assert_eq!(unwrap(&inside(json)), Unwrapped { input, whole }, "{json}");
        }
    }
}
