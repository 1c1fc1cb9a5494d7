//! Clients that speak Anthropic Messages, providers that speak Chat Completions.

mod closing;
pub(crate) mod error;
pub(in crate::convert) mod ids;
mod names;
pub(crate) mod request;
pub(crate) mod response;
mod search;
pub(crate) mod state;
pub(crate) mod stream;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
