//! Clients that speak Responses, providers that speak Chat Completions.

pub(crate) mod request;
pub(crate) mod response;
mod sink;
pub(crate) mod state;
pub(crate) mod stream;

#[cfg(test)]
mod tests;
