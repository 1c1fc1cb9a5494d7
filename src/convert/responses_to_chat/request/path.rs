//! Views of the client's fields, with errors that name them.

use serde::Deserialize;

use crate::convert::report::Refusal;
use crate::format::walk;

/// Reads a view of the value at the path `at`; an error names the innermost value that is not what it should be.
pub(super) fn parse<'a, T: Deserialize<'a>>(
    text: &'a str,
    at: impl FnOnce() -> String,
) -> Result<T, Refusal> {
    serde_json::from_str(text).map_err(|error| {
        let inner = walk::path_at(text, walk::offset_of(text, &error));
        let mut path = at();
        if !path.is_empty() && !inner.is_empty() && !inner.starts_with('[') {
            path.push('.');
        }
        path.push_str(&inner);
        wrong_type(path)
    })
}

/// The value at `path` has a type that its field does not take.
pub(super) fn wrong_type(path: impl Into<String>) -> Refusal {
    let path = path.into();
    let message = format!("`{path}` does not have the right type");
    Refusal::invalid(path, message)
}

/// The member at `path` is required.
pub(super) fn missing(path: impl Into<String>) -> Refusal {
    let path = path.into();
    let message = format!("`{path}` is missing");
    Refusal::invalid(path, message)
}

/// The member at `path` is required, and is `value`.
pub(super) fn required<T>(value: Option<T>, path: impl FnOnce() -> String) -> Result<T, Refusal> {
    value.ok_or_else(|| missing(path()))
}
