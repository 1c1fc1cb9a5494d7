//! Key-like fragments in texts that providers wrote.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

const REDACTED: &str = "[redacted]";

/// What keys begin with, and how many characters must follow: OpenAI and Anthropic, Groq, Google, Perplexity, AWS (long-lived
/// and temporary).
const PREFIXES: [(&[u8], usize); 6] = [
    (b"sk-", 4),
    (b"gsk_", 4),
    (b"AIza", 8),
    (b"pplx-", 4),
    (b"AKIA", 8),
    (b"ASIA", 8),
];

/// `text` with every key-like fragment replaced: providers repeat (parts of) the key that they refuse, and the key is the
/// gateway's, not the client's.
pub(crate) fn redact(text: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut copied = 0;
    while let Some(range) = find(text.as_bytes(), copied) {
        // Fragments begin and end at ASCII characters or whole `…`, so that the ranges fall on character boundaries.
        clean.push_str(text.get(copied..range.start).unwrap_or_default());
        clean.push_str(REDACTED);
        copied = range.end;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    clean.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(clean)
}

/// The same for a whole body, whatever its encoding: the same bytes when nothing in it looks like a key.
pub(crate) fn redact_bytes(body: &Bytes) -> Bytes {
    let mut clean = Vec::new();
    let mut copied = 0;
    while let Some(range) = find(body, copied) {
        clean.extend_from_slice(body.get(copied..range.start).unwrap_or_default());
        clean.extend_from_slice(REDACTED.as_bytes());
        copied = range.end;
    }
    if copied == 0 {
        return body.clone();
    }
    clean.extend_from_slice(body.get(copied..).unwrap_or_default());
    clean.into()
}

/// The next fragment at or after `from`.
fn find(text: &[u8], from: usize) -> Option<Range<usize>> {
    let mut at = from;
    while let Some(offset) = text
        .get(at..)?
        .iter()
        .position(|byte| matches!(byte, b's' | b'g' | b'A' | b'p' | b'B' | b'b'))
    {
        let start = at + offset;
        let inside_a_word = start
            .checked_sub(1)
            .and_then(|before| text.get(before))
            .is_some_and(u8::is_ascii_alphanumeric);
        if !inside_a_word && let Some(range) = fragment(text, start) {
            return Some(range);
        }
        at = start + 1;
    }
    None
}

/// The fragment that begins at `start`, if one does.
fn fragment(text: &[u8], start: usize) -> Option<Range<usize>> {
    let rest = text.get(start..)?;
    for (prefix, least) in PREFIXES {
        if let Some(tail) = rest.strip_prefix(prefix) {
            let length = key_length(tail);
            return (length >= least).then(|| start..start + prefix.len() + length);
        }
    }
    let (scheme, tail) = rest.split_at_checked(b"Bearer ".len())?;
    if !scheme.eq_ignore_ascii_case(b"Bearer ") {
        return None;
    }
    let length = key_length(tail);
    let token = tail.get(..length)?;
    // "Bearer authentication" is prose.
    let prose = length < 20 && token.iter().all(u8::is_ascii_lowercase);
    let start = start + scheme.len();
    (length >= 8 && !prose).then_some(start..start + length)
}

/// How many bytes at the start of `text` may belong to a key, masked ones (`sk-ab***yz`, `sk-…yz`) included; a full stop or
/// the like at the end does not.
fn key_length(text: &[u8]) -> usize {
    const ELLIPSIS: &[u8] = "…".as_bytes();
    let mut at = 0;
    let mut end = 0;
    while let Some(rest) = text.get(at..) {
        match rest.first() {
            Some(byte) if byte.is_ascii_alphanumeric() => {
                at += 1;
                end = at;
            }
            Some(b'-' | b'_' | b'*' | b'=' | b'~') => {
                at += 1;
                end = at;
            }
            Some(b'.' | b'+' | b'/') => at += 1,
            Some(_) if rest.starts_with(ELLIPSIS) => {
                at += ELLIPSIS.len();
                end = at;
            }
            _ => break,
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_replaced_and_prose_is_not() {
        for (text, clean) in [
            (
                "Incorrect API key provided: sk-abc123. See docs.",
                "Incorrect API key provided: [redacted]. See docs.",
            ),
            ("sk-proj-****************wxyz", "[redacted]"),
            ("key sk-…abcd!", "key [redacted]!"),
            (
                "a sk-ant-api03-A_b-C, b gsk_abcdEF12 c",
                "a [redacted], b [redacted] c",
            ),
            ("?key=AIzaSyA-1234567&x=1", "?key=[redacted]&x=1"),
            ("(pplx-0123456789abcdef)", "([redacted])"),
            ("user AKIAIOSFODNN7EXAMPLE é", "user [redacted] é"),
            (
                "Authorization: Bearer abc.def+1/2=",
                "Authorization: Bearer [redacted]",
            ),
            ("bearer tokentokentokentoken", "bearer [redacted]"),
        ] {
            assert_eq!(redact(text), clean);
            assert_eq!(
                redact_bytes(&Bytes::from_static(text.as_bytes())),
                clean.as_bytes()
            );
        }
        for text in [
            "",
            "task-based disk-usage",
            "sk- is missing",
            "Bearer authentication is required",
            "Bearer token",
            "AKIA",
            "model gpt-5 does not exist é",
        ] {
            assert!(matches!(redact(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn a_clean_body_stays_the_same_bytes() {
        let body = Bytes::from_static(b"\xff no key");
        assert_eq!(redact_bytes(&body).as_ptr(), body.as_ptr());
        let body = Bytes::from_static(b"\xff sk-abcdef\xff");
        assert_eq!(redact_bytes(&body), b"\xff [redacted]\xff".as_slice());
    }

    proptest::proptest! {
        #[test]
        fn nothing_but_keys_is_lost(text in "[ .\u{e9}\u{2026}x*]{0,6}(sk-|AIza|Bearer |x)[ .\u{e9}\u{2026}a0*-]{0,24}") {
            let clean = redact(&text);
            proptest::prop_assert_eq!(
                redact_bytes(&Bytes::from(text.clone())),
                clean.as_bytes()
            );
            // What stands around a fragment stays.
            let mut rest = text.as_str();
            for (at, part) in clean.split(REDACTED).enumerate() {
                let found = if at == 0 { rest.starts_with(part).then_some(0) } else { rest.find(part) };
                proptest::prop_assert!(found.is_some());
                rest = rest.get(found.unwrap() + part.len()..).unwrap();
            }
            proptest::prop_assert!(matches!(redact(&clean), Cow::Borrowed(_)) || !clean.contains(REDACTED));
        }
    }
}
