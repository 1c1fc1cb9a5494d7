//! Clients that speak Anthropic Messages, providers that speak OpenAI Responses.

pub(crate) mod error;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod state;
pub(crate) mod stream;

#[cfg(test)]
mod golden;
