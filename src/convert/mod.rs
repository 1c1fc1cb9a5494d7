//! `ConvertLayer`: speaks the provider's format upstream and the client's format downstream.
//!
//! It chooses the pair of formats from the endpoint and the target's provider, rewrites URI, headers and body, waits no
//! longer than it may for the answer, and converts that on the fly. Where both sides speak the same format, every byte
//! outside the model's name is what the other side sent. A request that a target cannot express is answered with 400,
//! naming the field, in the client's format.
//!
#![doc = include_str!("../../docs/layers/convert.md")]

mod alone;
mod answer;
pub(crate) mod anthropic_envelope;
pub(crate) mod anthropic_error;
pub(crate) mod anthropic_out;
pub(crate) mod bedrock_error;
mod cache_marks;
pub(crate) mod chat_answer;
pub(crate) mod chat_in;
pub(crate) mod chat_out;
pub(crate) mod chat_request;
pub(crate) mod chat_to_converse;
pub(crate) mod chat_to_gemini;
pub(crate) mod chat_to_messages;
pub(crate) mod compact;
pub(crate) mod context;
pub(crate) mod converse_envelope;
pub(crate) mod converse_in;
pub(crate) mod converse_out;
pub(crate) mod data_url;
pub(crate) mod effort;
pub(crate) mod envelope;
mod future;
pub(crate) mod gemini_envelope;
pub(crate) mod gemini_in;
pub(crate) mod gemini_out;
pub(crate) mod invoke;
pub(crate) mod json_schema;
mod layer;
pub(crate) mod machine;
pub(crate) mod messages_in;
pub(crate) mod messages_out;
pub(crate) mod messages_to_chat;
pub(crate) mod messages_to_converse;
pub(crate) mod messages_to_gemini;
pub(crate) mod messages_to_responses;
mod moderation;
pub(crate) mod openai_envelope;
pub(crate) mod pair;
pub(crate) mod passthrough;
pub(crate) mod path;
mod prepare;
pub(crate) mod rate_limit;
pub(crate) mod redact;
pub(crate) mod report;
#[cfg(test)]
mod request_case;
pub(crate) mod responses_out;
mod responses_request;
pub(crate) mod responses_to_chat;
pub(crate) mod responses_to_converse;
pub(crate) mod responses_to_gemini;
pub(crate) mod responses_to_messages;
pub(crate) mod rfc3339;
pub(crate) mod scalars;
pub(crate) mod sent_tools;
mod service;
pub(crate) mod sha256;
pub(crate) mod stop;
#[cfg(test)]
mod tests;
pub(crate) mod tool_ids;
pub(crate) mod tool_names;
pub(crate) mod upstream_error;
mod usage_out;
#[cfg(test)]
pub(crate) mod validate;
pub(crate) mod wrapped_input;

pub use future::ResponseFuture;
pub use layer::ConvertLayer;
pub use report::LossReport;
pub use service::Convert;
