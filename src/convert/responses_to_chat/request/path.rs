//! Views of the client's fields, with errors that name them.

pub(super) use crate::convert::path::{missing, parse, wrong_type};
use crate::convert::report::Refusal;

/// The member at `path` is required, and is `value`.
pub(super) fn required<T>(value: Option<T>, path: impl FnOnce() -> String) -> Result<T, Refusal> {
    value.ok_or_else(|| missing(path()))
}
