//! Paths of the client's fields, and errors that name them.

use serde::Deserialize;

pub(super) use crate::convert::path::number;
use crate::convert::report::Refusal;
use crate::format::walk;

/// An element of a list inside a message (`messages[2].content[0]`).
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub(super) message: usize,
    pub(super) list: &'static str,
    pub(super) index: usize,
}

impl At {
    /// The element's path.
    pub(super) fn path(self) -> String {
        format!("messages[{}].{}[{}]", self.message, self.list, self.index)
    }

    /// The path of the element's `member`.
    pub(super) fn member(self, member: &str) -> String {
        format!("{}.{member}", self.path())
    }
}

/// The path of a message's `member`.
pub(super) fn message(index: usize, member: &str) -> String {
    format!("messages[{index}].{member}")
}

/// The path of an element of a list at the top level.
pub(in crate::convert) fn element(list: &str, index: usize, member: &str) -> String {
    format!("{list}[{index}]{member}")
}

/// Reads a view; an error names the innermost value that is not what it should be.
pub(in crate::convert) fn parse<'a, T: Deserialize<'a>>(
    text: &'a str,
    prefix: impl FnOnce() -> String,
) -> Result<T, Refusal> {
    serde_json::from_str(text).map_err(|error| {
        let inner = walk::path_at(text, walk::offset_of(text, &error));
        let mut path = prefix();
        if !path.is_empty() && !inner.is_empty() && !inner.starts_with('[') {
            path.push('.');
        }
        path.push_str(&inner);
        wrong_type(path)
    })
}

/// The value at `path` has a type that its field does not take.
pub(in crate::convert) fn wrong_type(path: impl Into<String>) -> Refusal {
    let path = path.into();
    let message = format!("`{path}` does not have the right type");
    Refusal::invalid(path, message)
}

/// The member at `path` is required.
pub(in crate::convert) fn missing(path: impl Into<String>) -> Refusal {
    let path = path.into();
    let message = format!("`{path}` is missing");
    Refusal::invalid(path, message)
}
