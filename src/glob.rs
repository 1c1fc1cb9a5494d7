//! `*` globs over model ids.

/// Whether `text` matches `pattern`, in which each `*` stands for any characters, also none; everything else is literal.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, mut rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(head) else {
        return false;
    };
    // Each literal between two stars is taken where it first occurs: a later place could only leave less text for the rest.
    while let Some((literal, after)) = rest.split_once('*') {
        let Some(at) = text.find(literal) else {
            return false;
        };
        text = text.get(at + literal.len()..).unwrap_or_default();
        rest = after;
    }
    text.ends_with(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn globs() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("*", "anything/at:all", true),
            ("claude-*", "claude-", true),
            ("claude-*", "claude-opus-5", true),
            ("claude-*", "x-claude-opus-5", false),
            ("*opus*", "claude-opus-5", true),
            ("*opus*", "claude-sonnet-5", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*ab*ab", "abab", true),
            ("*ab*ab", "ab", false),
            ("a**b", "ab", true),
            ("a?c", "abc", false),
            ("gpt-5*-mini", "gpt-5.1-mini", true),
            ("é*", "éa", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    /// The textbook definition, exponential.
    fn naive(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|at| naive(rest, &text[at..])),
            Some((byte, rest)) => text.first() == Some(byte) && naive(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab*]{0,7}", text in "[ab]{0,9}") {
            prop_assert_eq!(matches(&pattern, &text), naive(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
