//! Tool names that Chat providers take: `^[a-zA-Z0-9_-]{1,64}$`, where Anthropic allows 128 characters.

use std::borrow::Cow;

use crate::convert::sha256;

/// The longest name.
const MAX_NAME: usize = 64;
/// What stays of a name that is too long, before `_` and the digest.
const KEPT: usize = 55;
const DIGITS: usize = 8;

/// The name that the provider gets for the client's tool `name`: itself where that is possible, else its beginning and a
/// digest of all of it. The same name always becomes the same, in the tools, in a choice and in the history.
pub(super) fn sent(name: &str) -> Cow<'_, str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if (1..=MAX_NAME).contains(&name.len()) && name.chars().all(allowed) {
        return Cow::Borrowed(name);
    }
    let clean = |c: char| if allowed(c) { c } else { '_' };
    let mut sent: String = name.chars().take(KEPT).map(clean).collect();
    sent.push('_');
    sent.push_str(&sha256::hex(name.as_bytes(), DIGITS));
    Cow::Owned(sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let long = "mcp__server__".to_owned() + &"x".repeat(100);
        // The first digits of SHA-256 of the whole name.
        let digest = sha256::hex(long.as_bytes(), 8);
        for (name, expected) in [
            ("Bash", "Bash".to_owned()),
            (&"x".repeat(64), "x".repeat(64)),
            (&long, format!("{}_{digest}", &long[..55])),
            ("a.b", format!("a_b_{}", sha256::hex(b"a.b", 8))),
            ("é", format!("__{}", sha256::hex("é".as_bytes(), 8))),
        ] {
            let sent = sent(name);
            assert_eq!(sent, expected, "{name}");
            assert!(sent.len() <= 64);
        }
        assert_ne!(sent(&(long.clone() + "y")), sent(&long));
    }
}
