//! What becomes of each field of a client's request, found out by sending it.

pub(crate) mod answers;
pub(crate) mod call;
pub(crate) mod cells;
pub(crate) mod diff;
pub(crate) mod page;
pub(crate) mod rows;
pub(crate) mod verdict;
