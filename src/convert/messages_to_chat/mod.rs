//! Clients that speak Anthropic Messages, providers that speak Chat Completions.

mod names;
pub(crate) mod request;
pub(crate) mod state;
