//! Clients that speak Responses, Gemini's native API: for the tools that its OpenAI-compatible endpoint does not know.

pub(crate) mod request;
pub(crate) mod response;
mod sink;
pub(crate) mod state;
pub(crate) mod stream;

#[cfg(test)]
mod tests;
