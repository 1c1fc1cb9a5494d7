//! Clients that speak Messages, Gemini's native API: for the tools that Anthropic runs itself and that Google has, too, its web
//! search above all.

pub(crate) mod request;
pub(crate) mod response;
mod sources;
pub(crate) mod state;
pub(crate) mod stream;

#[cfg(test)]
mod tests;
