//! Paths of the client's fields.

pub(in crate::convert) use crate::convert::path::{missing, number, parse, wrong_type};

/// An element of a list inside an input item (`input[2].content[0]`).
#[derive(Debug, Clone, Copy)]
pub(in crate::convert) struct At {
    pub(in crate::convert) item: usize,
    pub(in crate::convert) list: &'static str,
    pub(in crate::convert) index: usize,
}

impl At {
    /// The element's path.
    pub(in crate::convert) fn path(self) -> String {
        format!("input[{}].{}[{}]", self.item, self.list, self.index)
    }

    /// The path of the element's `member`.
    pub(in crate::convert) fn member(self, member: &str) -> String {
        format!("{}.{member}", self.path())
    }

    /// The path of the `member` of all such elements, for reports.
    pub(in crate::convert) fn any(self, member: &str) -> String {
        format!("input[].{}[].{member}", self.list)
    }
}

/// The path of an input item's `member`.
pub(in crate::convert) fn item(index: usize, member: &str) -> String {
    format!("input[{index}].{member}")
}
