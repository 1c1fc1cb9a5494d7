//! Paths of the client's fields.

pub(super) use crate::convert::path::{missing, number, parse, wrong_type};

/// An element of a list inside an input item (`input[2].content[0]`).
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub(super) item: usize,
    pub(super) list: &'static str,
    pub(super) index: usize,
}

impl At {
    /// The element's path.
    pub(super) fn path(self) -> String {
        format!("input[{}].{}[{}]", self.item, self.list, self.index)
    }

    /// The path of the element's `member`.
    pub(super) fn member(self, member: &str) -> String {
        format!("{}.{member}", self.path())
    }

    /// The path of the `member` of all such elements, for reports.
    pub(super) fn any(self, member: &str) -> String {
        format!("input[].{}[].{member}", self.list)
    }
}

/// The path of an input item's `member`.
pub(super) fn item(index: usize, member: &str) -> String {
    format!("input[{index}].{member}")
}
