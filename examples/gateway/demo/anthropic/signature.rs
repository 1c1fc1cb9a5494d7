//! Signatures of thinking: they hold what was thought, so that a block that comes back changed is noticed without keeping anything.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::reply::digest;

/// What makes a digest ours.
const KEY: &[u8] = b"demo signature key";

/// A block's kind, part of what is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The text is shown.
    Shown = 1,
    /// The text is not shown; the signature is all there is.
    Omitted = 2,
    /// The data of a redacted block.
    Redacted = 3,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        [Self::Shown, Self::Omitted, Self::Redacted]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }
}

/// Signs a thought.
pub(crate) fn sign(kind: Kind, thought: &str) -> String {
    let mut bytes = vec![0x12, 0xa4, kind as u8];
    bytes.extend(digest([KEY, &[kind as u8], thought.as_bytes()]).to_be_bytes());
    // Not encrypted, but not readable at a glance either, as the real ones are.
    bytes.extend(thought.bytes().map(|byte| byte ^ 0x5a));
    STANDARD.encode(bytes)
}

/// What was signed; none when the signature is not ours or was changed.
fn open(signature: &str) -> Option<(Kind, String)> {
    let bytes = STANDARD.decode(signature).ok()?;
    let (head, thought) = bytes.split_at_checked(11)?;
    let [0x12, 0xa4, kind, sum @ ..] = head else {
        return None;
    };
    let kind = Kind::of(*kind)?;
    let thought = thought.iter().map(|byte| byte ^ 0x5a).collect();
    let thought = String::from_utf8(thought).ok()?;
    let right = digest([KEY, &[kind as u8], thought.as_bytes()]).to_be_bytes();
    (sum == right).then_some((kind, thought))
}

/// Whether a thinking block is as it was sent.
pub(crate) fn is_thinking(text: &str, signature: &str) -> bool {
    match open(signature) {
        Some((Kind::Shown, thought)) => thought == text,
        Some((Kind::Omitted, _)) => text.is_empty(),
        Some((Kind::Redacted, _)) | None => false,
    }
}

/// Whether a redacted block is as it was sent.
pub(crate) fn is_redacted(data: &str) -> bool {
    matches!(open(data), Some((Kind::Redacted, _)))
}
