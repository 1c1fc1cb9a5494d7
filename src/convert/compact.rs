//! JSON text without the white space between its tokens.
//!
//! Some providers indent what they answer. In a string that costs tokens when it comes back, and in an event of a stream a
//! line break would end the line.

use bytes::{BufMut, BytesMut};

use crate::codec::write;

/// Writes JSON text without the white space between its tokens.
pub(crate) fn compact(out: &mut BytesMut, json: &str) {
    // Most providers send none.
    if !json.bytes().any(|byte| byte.is_ascii_whitespace()) {
        out.extend_from_slice(json.as_bytes());
        return;
    }
    each_token(json, |piece| {
        out.extend_from_slice(piece.text.as_bytes());
    });
}

/// Writes JSON text as a JSON string, without the white space between its tokens.
pub(crate) fn compact_as_string(out: &mut BytesMut, json: &str) {
    out.put_u8(b'"');
    each_token(json, |piece| {
        if piece.is_string {
            write::string_content(out, piece.text);
        } else {
            out.extend_from_slice(piece.text.as_bytes());
        }
    });
    out.put_u8(b'"');
}

/// A run of text without white space between tokens.
struct Piece<'a> {
    text: &'a str,
    /// It is a string with its quotes; else it needs no escaping.
    is_string: bool,
}

fn each_token(json: &str, mut visit: impl FnMut(Piece<'_>)) {
    let mut rest = json;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c == '"' || c.is_ascii_whitespace())
            .unwrap_or(rest.len());
        let (text, after) = rest.split_at(end);
        if !text.is_empty() {
            visit(Piece {
                text,
                is_string: false,
            });
        }
        if after.starts_with('"') {
            let (text, after) = after.split_at(string_end(after));
            visit(Piece {
                text,
                is_string: true,
            });
            rest = after;
        } else {
            rest = after.trim_ascii_start();
        }
    }
}

/// The index after the string that `text` begins with.
fn string_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(found) = memchr::memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
        at += found;
        if bytes.get(at) == Some(&b'"') {
            return at + 1;
        }
        at += 2;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(write: impl FnOnce(&mut BytesMut)) -> String {
        let mut out = BytesMut::new();
        write(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn white_space_goes_from_between_tokens_only() {
        let json = "{\r\n  \"a b\" : [ 1.50 , \"x \\\" \\n é\\\\\" ],\t\"c\": null }";
        let expected = r#"{"a b":[1.50,"x \" \n é\\"],"c":null}"#;
        assert_eq!(text(|out| compact(out, json)), expected);
        assert_eq!(
            text(|out| compact_as_string(out, json)),
            serde_json::to_string(expected).unwrap()
        );
        assert_eq!(text(|out| compact(out, "[1]")), "[1]");
    }

    proptest! {
        #[test]
        fn any_text_ends(json in "[\\[\\]{}\",:\\\\a1 é\n]{0,40}") {
            text(|out| compact(out, &json));
            text(|out| compact_as_string(out, &json));
        }
    }
}
