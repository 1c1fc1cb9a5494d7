//! What came of the items that are under way.

use std::collections::BTreeMap;

/// What came of an item so far.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// A call's block was opened.
    pub(super) opened: bool,
    /// Something that the client gets to read came in deltas.
    pub(super) streamed: bool,
    pub(super) reasoning: Option<Shown>,
    /// A message's parts, by `content_index`.
    pub(super) parts: BTreeMap<u64, PartProgress>,
}

/// Which texts of a reasoning item are shown, and up to which part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    pub(super) source: Source,
    pub(super) part: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Summary,
    Content,
}

#[derive(Debug, Default)]
pub(super) struct PartProgress {
    pub(super) streamed: bool,
    pub(super) closed: bool,
    /// The text so far, where it may be cited from.
    pub(super) text: String,
}
