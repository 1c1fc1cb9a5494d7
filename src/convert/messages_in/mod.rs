//! What every pair with an Anthropic Messages provider reads from its answers in the same way.

pub(crate) mod error;
pub(crate) mod rate_limit;
