//! Borrowed views of the wire formats: shared vocabulary of the converters, not a pivot between them.

pub(crate) mod chat;
pub(crate) mod converse;
pub(crate) mod error;
pub(crate) mod gemini;
pub(crate) mod messages;
pub(crate) mod openai_usage;
pub(crate) mod raw;
pub(crate) mod responses;
pub(crate) mod view;
pub(crate) mod walk;
