//! `ConvertLayer`: speaks the provider's format upstream and the client's format downstream.

pub(crate) mod chat_to_messages;
pub(crate) mod context;
pub(crate) mod data_url;
pub(crate) mod effort;
pub(crate) mod envelope;
pub(crate) mod json_schema;
pub(crate) mod machine;
pub(crate) mod report;
pub(crate) mod tool_ids;
pub(crate) mod tool_names;
