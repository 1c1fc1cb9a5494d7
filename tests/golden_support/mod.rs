//! What `tests/golden.rs` is made of: reading cases, running them through a gateway, comparing.

pub(crate) mod case;
// A fuzz target includes this file too.
pub(crate) mod chat_stream;
pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod cuts;
pub(crate) mod frames;
pub(crate) mod json;
pub(crate) mod run;
pub(crate) mod signing;
pub(crate) mod sse;
