//! What the converters to Bedrock's Converse API have in common: Converse JSON, written straight into one buffer.
//!
//! A converter begins an [`Out`], writes the conversation through [`turns::Turns`], then the other members in this order:
//! [`system`], [`fields::InferenceConfig`], [`tools::Tools`] (which also adds to [`fields::Fields`]), [`fields::Fields`], and the
//! members of [`fields`] that stand last. [`Out::finish`] settles the cache points and closes the body.
//!
//! Source: the `ConverseRequest` shape of the `bedrock-runtime` service model, and the Converse pages of AWS's Bedrock guide.

pub(in crate::convert) mod base64_text;
pub(in crate::convert) mod cache;
pub(in crate::convert) mod documents;
pub(in crate::convert) mod fields;
pub(in crate::convert) mod ids;
pub(in crate::convert) mod media;
pub(in crate::convert) mod output;
pub(in crate::convert) mod schema;
pub(in crate::convert) mod system;
pub(in crate::convert) mod thinking;
pub(in crate::convert) mod tools;
pub(in crate::convert) mod turns;

pub(in crate::convert) use cache::Out;

/// What the model takes and the owner wants, as far as the parts in this folder need to know.
/// [`Rules::default`] is what every model takes.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::convert) struct Rules {
    /// Whether cache points may stand after blocks of messages and of the system prompt.
    pub(in crate::convert) cache_content: bool,
    /// Whether cache points may stand after tools.
    pub(in crate::convert) cache_tools: bool,
    /// Whether cache points may have a lifetime.
    pub(in crate::convert) cache_ttl: bool,
    /// Whether the model takes Anthropic's own members, tools among them.
    pub(in crate::convert) anthropic: bool,
    /// Whether the model can be told to call one tool at a time.
    pub(in crate::convert) parallel_switch: bool,
    /// Whether the model takes `strict` tools.
    pub(in crate::convert) strict_tools: bool,
    /// Whether the system tool `nova_grounding` searches the web for it.
    pub(in crate::convert) grounding: bool,
    /// Whether tools are sent without a choice where none may be called, instead of writing the calls of the conversation
    /// as text. Models that take Anthropic's members are told so.
    pub(in crate::convert) plain_stubs: bool,
    /// Whether system messages between the others are sent as such, instead of as texts of the user.
    pub(in crate::convert) native_system: bool,
}
