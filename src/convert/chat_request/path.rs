//! Paths of the client's fields, and errors that name them.

use crate::convert::report::Refusal;
use crate::format::raw::RawStr;

pub(in crate::convert) use crate::convert::path::{missing, number, parse, wrong_type};

/// An element of a list inside a message (`messages[2].content[0]`).
#[derive(Debug, Clone, Copy)]
pub(in crate::convert) struct At {
    pub(in crate::convert) message: usize,
    pub(in crate::convert) list: &'static str,
    pub(in crate::convert) index: usize,
}

impl At {
    /// The element's path.
    pub(in crate::convert) fn path(self) -> String {
        format!("messages[{}].{}[{}]", self.message, self.list, self.index)
    }

    /// The path of the element's `member`.
    pub(in crate::convert) fn member(self, member: &str) -> String {
        format!("{}.{member}", self.path())
    }
}

/// The path of a message's `member`.
pub(in crate::convert) fn message(index: usize, member: &str) -> String {
    format!("messages[{index}].{member}")
}

/// The path of an element of a list at the top level.
pub(in crate::convert) fn element(list: &str, index: usize, member: &str) -> String {
    format!("{list}[{index}]{member}")
}

/// A string that is there, and not empty.
pub(in crate::convert) fn required<'a>(
    text: Option<RawStr<'a>>,
    at: impl FnOnce() -> String,
) -> Result<RawStr<'a>, Refusal> {
    text.filter(|text| !text.is_empty())
        .ok_or_else(|| missing(at()))
}
