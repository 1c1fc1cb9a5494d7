//! Clients that speak Chat Completions, Gemini's native API: for the tools that its OpenAI-compatible endpoint does not know.

pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod state;
pub(crate) mod stream;

#[cfg(test)]
mod tests;
