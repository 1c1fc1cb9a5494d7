//! Names and ids that OpenAI takes: at most 64 characters.

use std::borrow::Cow;

use crate::convert::sha256;

const MAX: usize = 64;
/// What of a long name is kept before its digest.
const KEPT: usize = 55;

/// The name for the client's tool `original`: itself where OpenAI takes it, else its beginning and a digest of it.
///
/// It depends on the name alone, so that calls in the history, the choice of a tool and the tool itself agree.
pub(super) fn tool(original: &str) -> Cow<'_, str> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if (1..=MAX).contains(&original.len()) && original.chars().all(is_allowed) {
        return Cow::Borrowed(original);
    }
    let clean = |c: char| if is_allowed(c) { c } else { '_' };
    let mut name: String = original.chars().take(KEPT).map(clean).collect();
    name.push('_');
    name.push_str(&sha256::hex(original.as_bytes(), 8));
    Cow::Owned(name)
}

/// The id for the client's call `original`, for the call and its result alike.
pub(super) fn call(original: Cow<'_, str>) -> Cow<'_, str> {
    if original.len() <= MAX {
        return original;
    }
    Cow::Owned(format!("call_{}", sha256::hex(original.as_bytes(), 24)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let fits = "x".repeat(64);
        assert_eq!(tool(&fits), fits);
        for long in ["x".repeat(65), "mcp__server__".repeat(9), "é".repeat(70)] {
            let name = tool(&long);
            assert_eq!(name.len(), 64, "{name}");
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
            assert_eq!(name, tool(&long));
        }
        assert_ne!(tool(&"x".repeat(65)), tool(&"x".repeat(66)));
        assert_ne!(tool("a.b"), tool("a/b"));
        assert!(tool("a.b").starts_with("a_b_"));
    }

    #[test]
    fn ids() {
        let fits = "i".repeat(64);
        assert_eq!(call(Cow::Borrowed(&fits)), fits);
        let long = "i".repeat(65);
        assert_eq!(call(Cow::Borrowed(&long)).len(), 29);
    }
}
