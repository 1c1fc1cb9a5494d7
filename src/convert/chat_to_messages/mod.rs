//! Clients that speak Chat Completions, providers that speak Anthropic Messages.

pub(crate) mod request;
pub(crate) mod state;
