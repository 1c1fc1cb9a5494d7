//! `ConvertLayer`: speaks the provider's format upstream and the client's format downstream.

pub(crate) mod chat_to_messages;
pub(crate) mod context;
pub(crate) mod machine;
pub(crate) mod passthrough;
pub(crate) mod redact;
pub(crate) mod report;
pub(crate) mod tool_names;
pub(crate) mod upstream_error;
