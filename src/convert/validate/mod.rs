//! What legal streams are: an automaton for each format, and what a client has put together at its end; and what Converse takes.

pub(crate) mod converse;
pub(crate) mod messages;
pub(crate) mod responses;
