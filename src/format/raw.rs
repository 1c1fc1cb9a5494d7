//! A JSON string carried as the text it was sent in.

use std::borrow::Cow;
use std::fmt;

use bytes::BytesMut;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;

/// A JSON string in its raw spelling, quotes and escapes included.
///
/// Strings that only travel are copied as they are, never unescaped and escaped again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct RawStr<'a>(&'a str);

impl<'a> RawStr<'a> {
    /// The string that `raw` holds, if it holds one.
    pub(crate) fn new(raw: &'a RawValue) -> Option<Self> {
        Self::from_json(raw.get())
    }
    /// The string that this JSON text is, if it is one.
    pub(crate) fn from_json(text: &'a str) -> Option<Self> {
        (text.len() >= 2 && text.starts_with('"') && text.ends_with('"')).then_some(Self(text))
    }

    /// The JSON text with its quotes.
    pub(crate) fn json(self) -> &'a str {
        self.0
    }

    /// The JSON text between the quotes: escapes as they were written.
    pub(crate) fn content(self) -> &'a str {
        self.0
            .get(1..self.0.len().saturating_sub(1))
            .unwrap_or_default()
    }

    /// Whether the string has no character at all.
    pub(crate) fn is_empty(self) -> bool {
        self.content().is_empty()
    }

    /// The text that the JSON string stands for; borrowed when it has no escapes.
    ///
    /// A lone surrogate, which has no place in UTF-8, comes out as U+FFFD.
    pub(crate) fn decode(self) -> Cow<'a, str> {
        let content = self.content();
        if !content.contains('\\') {
            return Cow::Borrowed(content);
        }
        Cow::Owned(decode_escapes(content))
    }

    /// Appends the text that the JSON string stands for to `out`; see [`RawStr::decode`].
    pub(crate) fn decode_into(self, out: &mut BytesMut) {
        let mut rest = self.content();
        while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
            let (plain, escape) = rest.split_at(at);
            out.extend_from_slice(plain.as_bytes());
            let (decoded, length) = decode_escape(escape);
            out.extend_from_slice(decoded.encode_utf8(&mut [0; 4]).as_bytes());
            rest = escape.get(length..).unwrap_or_default();
        }
        out.extend_from_slice(rest.as_bytes());
    }

    /// Whether the text is `expected`.
    pub(crate) fn is(self, expected: &str) -> bool {
        self.decode() == expected
    }

    /// Whether the text is empty or only white space.
    pub(crate) fn is_blank(self) -> bool {
        let content = self.content();
        match content.bytes().next() {
            None => true,
            // The common case: text that begins with a plain visible character.
            Some(byte) if byte.is_ascii_graphic() && byte != b'\\' => false,
            _ => self.decode().trim().is_empty(),
        }
    }
}

fn decode_escapes(content: &str) -> String {
    let mut text = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = rest.find('\\') {
        let (plain, escape) = rest.split_at(at);
        text.push_str(plain);
        let (decoded, length) = decode_escape(escape);
        text.push(decoded);
        rest = escape.get(length..).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

/// The character that the escape at the start of `escape` stands for, and the escape's length in bytes.
fn decode_escape(escape: &str) -> (char, usize) {
    match escape.as_bytes().get(1) {
        Some(b'n') => ('\n', 2),
        Some(b't') => ('\t', 2),
        Some(b'r') => ('\r', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'u') => {
            let high = hex4(escape, 2);
            if (0xd800..0xdc00).contains(&high) && escape.get(6..8) == Some("\\u") {
                let low = hex4(escape, 8);
                if (0xdc00..0xe000).contains(&low) {
                    let scalar = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                    return (
                        char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER),
                        12,
                    );
                }
            }
            (
                char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER),
                6,
            )
        }
        Some(&byte) => (char::from(byte), 2),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}

fn hex4(text: &str, at: usize) -> u32 {
    text.get(at..at + 4)
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .unwrap_or(0xfffd)
}

impl<'de: 'a, 'a> Deserialize<'de> for RawStr<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?;
        Self::new(raw).ok_or_else(|| D::Error::custom("expected a string"))
    }
}

impl fmt::Debug for RawStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(json: &str) -> String {
        let raw: RawStr<'_> = serde_json::from_str(json).unwrap();
        raw.decode().into_owned()
    }

    #[test]
    fn decodes_as_serde_json_does() {
        for json in [
            r#""""#,
            r#""plain é""#,
            r#""a\n\t\r\b\f\/\\\"z""#,
            r#""\u00e9\ud83d\ude00\u0000""#,
            r#""é\u00e9é""#,
        ] {
            assert_eq!(
                decode(json),
                serde_json::from_str::<String>(json).unwrap(),
                "{json}"
            );
            let mut out = BytesMut::new();
            RawStr::from_json(json).unwrap().decode_into(&mut out);
            assert_eq!(out, decode(json).as_bytes(), "{json}");
        }
    }

    #[test]
    fn a_lone_surrogate_is_replaced() {
        assert_eq!(decode(r#""a\ud83dz""#), "a\u{fffd}z");
        assert_eq!(decode(r#""\ude00\ud83d\u0041""#), "\u{fffd}\u{fffd}A");
    }

    #[test]
    fn blank() {
        for (json, blank) in [
            (r#""""#, true),
            (r#"" \n\t""#, true),
            (r#""\u00a0""#, true),
            (r#"" x""#, false),
            (r#""\\""#, false),
        ] {
            let raw: RawStr<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(raw.is_blank(), blank, "{json}");
        }
    }

    #[test]
    fn refuses_what_is_no_string() {
        assert!(serde_json::from_str::<RawStr<'_>>("1").is_err());
        assert_eq!(
            serde_json::from_str::<Option<RawStr<'_>>>("null").unwrap(),
            None
        );
    }
}
