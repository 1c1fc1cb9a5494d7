//! What legal streams are: an automaton for each format, and what a client has put together at its end.

pub(crate) mod messages;
pub(crate) mod responses;
