//! Clients that speak Responses, Bedrock's Converse API.

pub(crate) mod request;
pub(crate) mod response;
mod sink;
pub(crate) mod state;
pub(crate) mod stream;

#[cfg(test)]
mod tests;
