//! The input of a freeform tool, which the model wrote as `{"input":"…"}`.

use serde::Deserialize;

use crate::format::messages::Text;

/// What the client gets of it: raw JSON text without quotes, and whether it is whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unwrapped {
    pub(super) input: String,
    pub(super) whole: bool,
}

/// Takes the input out of its wrapper. Of one that was cut off (by the output limit, say) the client gets the part that came,
/// never the wrapper; another object goes to it as the model wrote it.
pub(super) fn unwrap(json: &str) -> Unwrapped {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Wrapper<'a> {
        #[serde(borrow)]
        input: Text<'a>,
    }
    if serde_json::from_str::<serde::de::IgnoredAny>(json).is_err() {
        return Unwrapped {
            input: partial(json).to_owned(),
            whole: false,
        };
    }
    let wrapper: Wrapper<'_> = serde_json::from_str(json).unwrap_or_default();
    let input = match wrapper.input.get() {
        Some(input) => input.content().to_owned(),
        None => super::escaped(json),
    };
    Unwrapped { input, whole: true }
}

/// The beginning of the string in a wrapper that was cut off, without an escape that was.
fn partial(json: &str) -> &str {
    let text = || {
        let rest = json.trim_start().strip_prefix('{')?.trim_start();
        let rest = rest.strip_prefix("\"input\"")?.trim_start();
        rest.strip_prefix(':')?.trim_start().strip_prefix('"')
    };
    let Some(text) = text() else { return "" };
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let length = match (byte, bytes.get(at + 1)) {
            (b'"', _) => break,
            (b'\\', Some(b'u')) => 6,
            (b'\\', _) => 2,
            _ => 1,
        };
        if at + length > bytes.len() {
            break;
        }
        // Half of a pair of surrogates stands for nothing.
        if is_high_surrogate(bytes.get(at..at + length).unwrap_or_default())
            && at + 12 > bytes.len()
        {
            break;
        }
        at += length;
    }
    text.get(..at).unwrap_or_default()
}

fn is_high_surrogate(escape: &[u8]) -> bool {
    matches!(
        escape,
        [
            b'\\',
            b'u',
            b'd' | b'D',
            b'8' | b'9' | b'a' | b'A' | b'b' | b'B',
            ..
        ]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_come_out_of_their_wrapper() {
        for (json, input, whole) in [
            (
                r#"{"input":"*** Begin\n\"x\""}"#,
                r#"*** Begin\n\"x\""#,
                true,
            ),
            (r#" { "input" : "a" , "more":1}"#, "a", true),
            (r#"{"input":""}"#, "", true),
            (r#"{"patch":"a\n"}"#, r#"{\"patch\":\"a\\n\"}"#, true),
            (r#"{"input":{"a":1}}"#, r#"{\"input\":{\"a\":1}}"#, true),
            // Cut anywhere.
            ("", "", false),
            (r#"{"inp"#, "", false),
            (r#"{"input": "#, "", false),
            (r#"{"input":"*** Beg"#, "*** Beg", false),
            (r#"{"input":"a\"#, "a", false),
            (r#"{"input":"a\u00e"#, "a", false),
            (r#"{"input":"a\n\ud83d"#, r"a\n", false),
            (r#"{"input":"a\ud83d\ude0"#, "a", false),
            (r#"{"input":"aé""#, "aé", false),
        ] {
            let expected = Unwrapped {
                input: input.to_owned(),
                whole,
            };
            assert_eq!(unwrap(json), expected, "{json}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_cut_input_is_a_beginning_of_the_whole(text in ".{0,20}", cut in 0_usize..80) {
            let json = serde_json::json!({ "input": text }).to_string();
            let whole = unwrap(&json);
            let cut = (0..=cut.min(json.len())).rev().find(|at| json.is_char_boundary(*at)).unwrap();
            let part = unwrap(&json[..cut]);
            proptest::prop_assert!(whole.input.starts_with(&part.input));
            let quoted = format!("\"{}\"", part.input);
            proptest::prop_assert!(serde_json::from_str::<String>(&quoted).is_ok());
        }
    }
}
