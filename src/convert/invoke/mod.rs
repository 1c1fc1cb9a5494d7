//! Anthropic's Messages on Bedrock's InvokeModel: the same bodies, in AWS's envelope.
//!
//! The request of a Messages client stays byte for byte what it was, but for a closed list of edits: the members that AWS
//! has elsewhere, those that it refuses, and those that it adds. Chat and Responses clients' requests are converted for
//! Anthropic first and then edited likewise. Answers and events are Anthropic's own.
//!
//! Sources: the Bedrock user guide, "Anthropic Claude Messages API" and "Count tokens"; the Bedrock runtime's service model;
//! the requests of Anthropic's own clients in their Bedrock modes.

mod betas;
pub(crate) mod count;
mod edits;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod stream;
pub(crate) mod usage;

pub(crate) use request::{is_cacheable, runs_tool};
