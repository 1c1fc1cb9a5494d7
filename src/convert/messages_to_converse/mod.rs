//! Clients that speak Anthropic Messages, models behind Bedrock's Converse.

mod citations;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod state;
pub(crate) mod stream;

#[cfg(test)]
mod tests;
