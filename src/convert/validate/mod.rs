//! What legal streams are, one automaton for each format that clients speak.

pub(crate) mod responses;
