//! What every pair with an Anthropic Messages provider writes into its requests in the same way: the buffer with its cache
//! marks, the parameters that OpenAI's two formats have in common, and the headers.

pub(in crate::convert) mod cache;
pub(in crate::convert) mod headers;
pub(in crate::convert) mod params;
