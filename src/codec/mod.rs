//! Parsers and writers without IO: they see bytes, and know neither HTTP nor a runtime.
//!
//! All of them are fuzzed and take any input without panicking.

pub mod event_stream;
mod keys;
pub mod scan;
pub mod splice;
pub mod sse;
pub mod write;

pub(crate) use keys::{has_value, values};

/// Whether `needle` occurs in `haystack`.
#[must_use]
pub fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(haystack, needle).is_some()
}
