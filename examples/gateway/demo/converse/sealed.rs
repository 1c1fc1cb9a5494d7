//! Thoughts that a model gives away only encrypted, and which are no Claude's: bytes of no text format.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::anthropic::signature::{Kind, is_redacted, sign};

/// How the bytes begin.
const START: &[u8] = b"rsn_";

/// The thought, sealed, in base64.
pub(super) fn seal(thought: &str) -> String {
    STANDARD.encode([START, sign(Kind::Redacted, thought).as_bytes()].concat())
}

/// Whether it was sealed here, and nothing changed since.
pub(super) fn is_ours(sealed: &str) -> bool {
    let bytes = STANDARD.decode(sealed).unwrap_or_default();
    let inner = bytes
        .strip_prefix(START)
        .and_then(|inner| std::str::from_utf8(inner).ok());
    inner.is_some_and(is_redacted)
}

/// The same bytes in pieces, each in base64 of its own.
pub(super) fn pieces(sealed: &str) -> Vec<String> {
    let bytes = STANDARD.decode(sealed).unwrap_or_default();
    let size = bytes.len().div_ceil(2).max(1);
    bytes
        .chunks(size)
        .map(|piece| STANDARD.encode(piece))
        .collect()
}
