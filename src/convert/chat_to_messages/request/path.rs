//! Paths of the client's fields, and errors that name them.

pub(super) use crate::convert::path::{missing, number, parse, wrong_type};

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
