//! Walking JSON text that is known to be valid: members and elements as slices, without a tree.
//!
//! On text that is not valid JSON the iterators end early; they never panic.

use std::fmt::Write as _;
use std::ops::Range;

use super::raw::RawStr;

/// The members of the object that `text` is; none where it is something else.
pub(crate) fn members(text: &str) -> Members<'_> {
    Members {
        text,
        at: open(text, b'{'),
    }
}

/// The elements of the array that `text` is; none where it is something else.
pub(crate) fn elements(text: &str) -> Elements<'_> {
    Elements {
        text,
        at: open(text, b'['),
    }
}

/// The value of the object's last member with this name, if it has one that is not null.
pub(crate) fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    members(object)
        .filter(|(key, _)| key.is(name))
        .last()
        .map(|(_, value)| value)
        .filter(|value| *value != "null")
}

/// Whether the text is a JSON object, by its first character.
pub(crate) fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// Whether the text is a JSON array, by its first character.
pub(crate) fn is_array(text: &str) -> bool {
    text.trim_start().starts_with('[')
}

fn open(text: &str, bracket: u8) -> usize {
    let at = skip_space(text.as_bytes(), 0);
    match text.as_bytes().get(at) {
        Some(byte) if *byte == bracket => at + 1,
        _ => text.len(),
    }
}

/// Iterates over an object's members: key and value text.
#[derive(Debug, Clone)]
pub(crate) struct Members<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Members<'a> {
    fn next_span(&mut self) -> Option<(RawStr<'a>, Range<usize>)> {
        let bytes = self.text.as_bytes();
        let key_at = skip_separators(bytes, self.at);
        if bytes.get(key_at) != Some(&b'"') {
            self.at = self.text.len();
            return None;
        }
        let key_end = skip_string(bytes, key_at);
        let key = RawStr::from_json(self.text.get(key_at..key_end)?)?;
        let colon = skip_space(bytes, key_end);
        let value_at = skip_space(bytes, colon + 1);
        let value_end = skip_value(bytes, value_at);
        self.at = value_end;
        (value_end > value_at).then_some((key, value_at..value_end))
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (RawStr<'a>, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, span) = self.next_span()?;
        Some((key, self.text.get(span)?))
    }
}

/// Iterates over an array's elements.
#[derive(Debug, Clone)]
pub(crate) struct Elements<'a> {
    text: &'a str,
    at: usize,
}

impl Elements<'_> {
    fn next_span(&mut self) -> Option<Range<usize>> {
        let bytes = self.text.as_bytes();
        let at = skip_separators(bytes, self.at);
        let end = skip_value(bytes, at);
        self.at = end;
        (end > at).then_some(at..end)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<Self::Item> {
        let span = self.next_span()?;
        self.text.get(span)
    }
}

/// A value with its parts, for the few places that must look at every level of a sub-tree.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    /// The value as it was written.
    pub(crate) text: &'a str,
    pub(crate) parts: Parts<'a>,
}

/// What a value is made of.
#[derive(Debug)]
pub(crate) enum Parts<'a> {
    Object(Vec<(RawStr<'a>, Node<'a>)>),
    Array(Vec<Node<'a>>),
    Scalar,
}

impl<'a> Node<'a> {
    /// The tree of the value that `text` is. Each byte is looked at once; deeper than 128 levels nothing is taken apart.
    pub(crate) fn parse(text: &'a str) -> Self {
        let at = skip_space(text.as_bytes(), 0);
        Self::parse_at(text, at, 128).0
    }

    /// The value that begins at `at`, and the index after it.
    fn parse_at(text: &'a str, at: usize, depth: u8) -> (Self, usize) {
        let bytes = text.as_bytes();
        let whole = |end: usize| text.get(at..end).unwrap_or_default();
        let mut next = at + 1;
        match (bytes.get(at), depth.checked_sub(1)) {
            (Some(b'{'), Some(depth)) => {
                let mut members = Vec::new();
                loop {
                    let key_at = skip_separators(bytes, next);
                    if bytes.get(key_at) != Some(&b'"') {
                        let end = (key_at + 1).min(bytes.len());
                        let parts = Parts::Object(members);
                        return (
                            Self {
                                text: whole(end),
                                parts,
                            },
                            end,
                        );
                    }
                    let key_end = skip_string(bytes, key_at);
                    let key = text.get(key_at..key_end).and_then(RawStr::from_json);
                    let value_at = skip_space(bytes, skip_space(bytes, key_end) + 1);
                    let (value, end) = Self::parse_at(text, value_at, depth);
                    members.extend(key.map(|key| (key, value)));
                    next = end;
                }
            }
            (Some(b'['), Some(depth)) => {
                let mut elements = Vec::new();
                loop {
                    let value_at = skip_separators(bytes, next);
                    if matches!(bytes.get(value_at), None | Some(b']' | b'}' | b':' | b',')) {
                        let end = (value_at + 1).min(bytes.len());
                        let parts = Parts::Array(elements);
                        return (
                            Self {
                                text: whole(end),
                                parts,
                            },
                            end,
                        );
                    }
                    let (value, end) = Self::parse_at(text, value_at, depth);
                    elements.push(value);
                    next = end.max(value_at + 1);
                }
            }
            _ => {
                let end = skip_value(bytes, at);
                let parts = Parts::Scalar;
                (
                    Self {
                        text: whole(end),
                        parts,
                    },
                    end,
                )
            }
        }
    }

    /// The members, where it is an object.
    pub(crate) fn members(&self) -> &[(RawStr<'a>, Node<'a>)] {
        match &self.parts {
            Parts::Object(members) => members,
            Parts::Array(_) | Parts::Scalar => &[],
        }
    }

    /// The elements, where it is an array.
    pub(crate) fn elements(&self) -> &[Node<'a>] {
        match &self.parts {
            Parts::Array(elements) => elements,
            Parts::Object(_) | Parts::Scalar => &[],
        }
    }

    /// The member with this name, if there is one that is not null.
    pub(crate) fn member(&self, name: &str) -> Option<&Node<'a>> {
        let found = self.members().iter().rfind(|(key, _)| key.is(name));
        found.map(|(_, value)| value).filter(|v| v.text != "null")
    }

    /// The string, where it is one.
    pub(crate) fn string(&self) -> Option<RawStr<'a>> {
        RawStr::from_json(self.text)
    }
}

/// The path of the value that an error at `offset` is about (`messages[2].content`), empty for the whole text: the innermost
/// one around that byte or, where that is an object, its last member before it, which a view had read when it complained.
pub(crate) fn path_at(text: &str, offset: usize) -> String {
    let mut path = String::new();
    let mut inner = text;
    let mut base = 0;
    loop {
        let mut found = None;
        let mut before = None;
        let mut object = members(inner);
        while let Some((key, span)) = object.next_span() {
            if (span.start..span.end).contains(&offset.saturating_sub(base)) && offset >= base {
                push_name(&mut path, key);
                found = Some(span);
                break;
            }
            if base + span.end <= offset {
                before = Some(key);
            }
        }
        let mut array = elements(inner);
        let mut index = 0_usize;
        while let Some(span) = array.next_span() {
            if (span.start..span.end).contains(&offset.saturating_sub(base)) && offset >= base {
                let _ = write!(path, "[{index}]");
                found = Some(span);
                break;
            }
            index += 1;
        }
        let Some(span) = found else {
            if let Some(key) = before {
                push_name(&mut path, key);
            }
            return path;
        };
        base += span.start;
        let Some(value) = inner.get(span) else {
            return path;
        };
        inner = value;
    }
}

fn push_name(path: &mut String, key: RawStr<'_>) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(&key.decode());
}

/// The offset of the byte at which `serde_json` stopped reading `text`.
pub(crate) fn offset_of(text: &str, error: &serde_json::Error) -> usize {
    let line_start = match error.line().checked_sub(2) {
        None => 0,
        Some(newline) => memchr::memchr_iter(b'\n', text.as_bytes())
            .nth(newline)
            .map_or(0, |at| at + 1),
    };
    line_start + error.column().saturating_sub(1)
}

fn skip_space(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t'))
        .count()
}

fn skip_separators(bytes: &[u8], at: usize) -> usize {
    let at = skip_space(bytes, at);
    if bytes.get(at) == Some(&b',') {
        skip_space(bytes, at + 1)
    } else {
        at
    }
}

/// Words of eight bytes that are looked at one by one before a long string is searched.
const WORDS: usize = 3;

/// The index after the string that begins at `at`.
fn skip_string(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    // Most strings are keys and short words: they end before a search would have begun.
    for _ in 0..WORDS {
        let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) else {
            break;
        };
        let found = quotes_and_backslashes(u64::from_le_bytes(*word));
        if found == 0 {
            at += 8;
            continue;
        }
        at += (found.trailing_zeros() / 8) as usize;
        if bytes.get(at) == Some(&b'"') {
            return at + 1;
        }
        break;
    }
    while let Some(found) = memchr::memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
        at += found;
        if bytes.get(at) == Some(&b'"') {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

/// Sets high bits in a word; the lowest of them stands in the first byte that is a quote or a backslash.
fn quotes_and_backslashes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    (zeros(word ^ (ONES * 0x22)) | zeros(word ^ (ONES * 0x5c))) & (ONES * 0x80)
}

/// The index after the value that begins at `at`; `at` itself where none does.
fn skip_value(bytes: &[u8], mut at: usize) -> usize {
    match bytes.get(at) {
        Some(b'"') => skip_string(bytes, at),
        Some(b'{' | b'[') => {
            let mut depth = 0_usize;
            while let Some(byte) = bytes.get(at) {
                match byte {
                    b'"' => {
                        at = skip_string(bytes, at);
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return at + 1;
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
            bytes.len()
        }
        _ => {
            let rest = bytes.get(at..).unwrap_or_default();
            at + rest
                .iter()
                .take_while(|byte| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
                })
                .count()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn strings_end_at_their_quote_wherever_it_stands() {
        for length in 0..70 {
            let plain = format!("\"{}\" x", "é".repeat(length));
            assert_eq!(skip_string(plain.as_bytes(), 0), plain.len() - 2);
            let open = format!("\"{}", "a".repeat(length));
            assert_eq!(skip_string(open.as_bytes(), 0), open.len());
            for at in 0..length {
                for escape in ["\\\"", "\\\\", "\\n"] {
                    let text = format!(
                        "\"{}{escape}{}\"\"",
                        "a".repeat(at),
                        "b".repeat(length - at)
                    );
                    assert_eq!(skip_string(text.as_bytes(), 0), text.len() - 1, "{text}");
                }
            }
        }
    }

    #[test]
    fn members_and_elements_are_slices() {
        let text =
            " { \"a\" : [1, {\"x\":\"}]\\\"\"} , -2.5e+3 ] ,\"b\\u0063\":null, \"d\":\"\\\\\"}";
        let all: Vec<_> = members(text)
            .map(|(key, value)| (key.decode().into_owned(), value))
            .collect();
        assert_eq!(
            all,
            [
                ("a".to_owned(), "[1, {\"x\":\"}]\\\"\"} , -2.5e+3 ]"),
                ("bc".to_owned(), "null"),
                ("d".to_owned(), "\"\\\\\""),
            ]
        );
        let list: Vec<_> = elements(all[0].1).collect();
        assert_eq!(list, ["1", "{\"x\":\"}]\\\"\"}", "-2.5e+3"]);
        assert_eq!(elements("[]").count(), 0);
        assert_eq!(members("[1]").count(), 0);
        assert_eq!(elements("{\"a\":1}").count(), 0);
        assert_eq!(member(text, "bc"), None);
        assert_eq!(member("{\"a\":1,\"a\":2}", "a"), Some("2"));
    }

    #[test]
    fn trees() {
        let tree = Node::parse(" {\"a\":[1, {\"b\":\"x\"} ],\"c\" : null}");
        assert_eq!(tree.member("a").unwrap().text, "[1, {\"b\":\"x\"} ]");
        let inner = tree.member("a").unwrap().elements();
        assert_eq!(inner.len(), 2);
        assert!(inner[1].member("b").unwrap().string().unwrap().is("x"));
        assert!(tree.member("c").is_none());
        assert_eq!(tree.members().len(), 2);
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        assert_eq!(Node::parse(&deep).text, deep);
    }

    #[test]
    fn paths() {
        let text = r#"{"a":1,"messages":[{"role":"u"},{"content":[{"t":5}]}]}"#;
        assert_eq!(
            path_at(text, text.find('5').unwrap()),
            "messages[1].content[0].t"
        );
        assert_eq!(
            path_at(text, text.find("\"u\"").unwrap()),
            "messages[0].role"
        );
        assert_eq!(path_at(text, 0), "");
        assert_eq!(path_at(r#"[{"a":1,"b":2 , "c":3}]"#, 14), "[0].b");
        let broken = "{\n \"a\":\n  [1,\n 2, true]}";
        let error =
            serde_json::from_str::<std::collections::HashMap<String, Vec<u8>>>(broken).unwrap_err();
        assert_eq!(path_at(broken, offset_of(broken, &error)), "a[2]");
    }

    proptest! {
        #[test]
        fn any_text_ends(text in "[\\[\\]{}\",:\\\\a1 ]{0,40}") {
            for (_, value) in members(&text) {
                prop_assert!(!value.is_empty());
            }
            for value in elements(&text) {
                prop_assert!(!value.is_empty());
            }
            path_at(&text, text.len() / 2);
            Node::parse(&text);
        }
    }
}
