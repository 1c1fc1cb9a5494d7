//! Clients that speak Chat Completions, models on Bedrock behind its Converse API.

pub(crate) mod request;
pub(crate) mod response;
mod sink;
pub(crate) mod state;
pub(crate) mod stream;

#[cfg(test)]
mod tests;
