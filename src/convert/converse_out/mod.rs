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
pub(in crate::convert) mod openai;
pub(in crate::convert) mod output;
pub(in crate::convert) mod reasoning;
pub(in crate::convert) mod sampling;
pub(in crate::convert) mod schema;
pub(in crate::convert) mod system;
pub(in crate::convert) mod thinking;
pub(in crate::convert) mod tools;
pub(in crate::convert) mod turns;

pub(in crate::convert) use cache::Out;

use crate::convert::context::RequestContext;
use crate::target::{MidSystem, NoneStrategy};

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

impl Rules {
    /// The rules for a target: what the table says of its model, and the owner's options.
    pub(in crate::convert) fn of(cx: &RequestContext<'_>) -> Self {
        let bedrock = &cx.capabilities.bedrock;
        let options = cx.options;
        Self {
            cache_content: bedrock.cache_points.content,
            cache_tools: bedrock.cache_points.tools,
            cache_ttl: bedrock.cache_points.ttl,
            anthropic: bedrock.anthropic,
            parallel_switch: bedrock.parallel_switch,
            strict_tools: options.strict_tools.unwrap_or(bedrock.strict_tools),
            grounding: bedrock.grounding,
            plain_stubs: options.none_strategy == Some(NoneStrategy::Stub),
            native_system: options.mid_system == Some(MidSystem::Native),
        }
    }
}
