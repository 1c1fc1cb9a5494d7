//! Requests in the form of Google's native `generateContent`: what does not depend on the client's format.
//!
//! A converter writes the conversation with [`Contents`], the tools with [`Builtins`] and [`declaration`], and the amount of
//! thinking with [`Thinking`], all straight into one buffer. Texts are JSON strings as they were written; they travel without
//! being decoded. Sources: Gemini API reference, `GenerateContentRequest`, and which of its fields Google's SDKs send to the
//! Developer API.

mod camel;
mod contents;
mod declaration;
mod media;
pub(crate) mod names;
mod pairs;
mod schema;
mod service_tier;
mod thinking;
mod tools;
pub(crate) mod trigger;
mod values;

pub(crate) use camel::{camel_case, write_camel};
pub(crate) use contents::{Call, Contents, Section};
pub(crate) use declaration::{Declaration, write_declaration};
pub(crate) use media::{Media, input_audio, is_of_google};
pub(crate) use pairs::Pairs;
pub(crate) use schema::{write_output_schema, write_subset};
pub(crate) use service_tier::service_tier;
pub(crate) use thinking::Thinking;
pub(crate) use tools::{Builtin, Builtins, FunctionMode, ToolConfig};
pub(crate) use values::{write_arguments, write_result};

/// Stands for a signature that a history made elsewhere does not have. Source: Gemini API, "Thought signatures".
pub(crate) const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// The most stop sequences. Source: Gemini API reference, `GenerationConfig.stopSequences`.
pub(crate) const MOST_STOPS: usize = 5;

/// The most answers to one request. Source: Gemini API reference, `GenerationConfig.candidateCount`.
pub(crate) const MOST_CANDIDATES: u64 = 8;
