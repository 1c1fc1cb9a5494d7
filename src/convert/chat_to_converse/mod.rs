//! Clients that speak Chat Completions, models on Bedrock behind its Converse API.

pub(crate) mod request;
pub(crate) mod state;
