//! Clients that speak Responses, providers that speak Anthropic Messages.

pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod state;
pub(crate) mod stream;

#[cfg(test)]
mod golden;
