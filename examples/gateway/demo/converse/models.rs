//! What the model families on Bedrock accept, after the tables of supported models and features in the Bedrock user guide.

use super::super::aws::{bare, claude};

/// What a family accepts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    pub(super) kind: Kind,
    /// Where prompts may be marked for the cache.
    pub(super) caching: Caching,
    pub(super) tools: bool,
    /// Whether a tool choice may force a call.
    pub(super) forces: bool,
    pub(super) images: bool,
    /// Whether the shape of the text can be asked for.
    pub(super) structured: bool,
    /// The most output tokens that may be asked for.
    pub(super) max_tokens: u64,
}

/// Who made the model, as far as it decides what is special about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Claude,
    Nova,
    /// With thinking of adjustable depth.
    Nova2,
    GptOss,
    /// OpenAI's closed models: what they think is only given encrypted.
    OpenAi,
    /// The same by other vendors.
    Sealed,
    R1,
    DeepSeek,
    Other,
}

/// Where cache points may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caching {
    None,
    /// After tools as well, and with a time to live.
    Everywhere,
    /// In messages and system prompts.
    NotInTools,
}

const OTHER: Family = Family {
    kind: Kind::Other,
    caching: Caching::None,
    tools: true,
    forces: false,
    images: false,
    structured: true,
    max_tokens: 131_072,
};

const TABLE: &[(&str, Family)] = &[
    (
        "anthropic.claude-",
        Family {
            kind: Kind::Claude,
            caching: Caching::Everywhere,
            forces: true,
            images: true,
            ..OTHER
        },
    ),
    (
        "amazon.nova-",
        Family {
            kind: Kind::Nova,
            caching: Caching::NotInTools,
            forces: true,
            images: true,
            structured: false,
            max_tokens: 10_000,
            ..OTHER
        },
    ),
    (
        "amazon.nova-2-",
        Family {
            kind: Kind::Nova2,
            caching: Caching::NotInTools,
            forces: true,
            images: true,
            structured: false,
            max_tokens: 65_535,
            ..OTHER
        },
    ),
    (
        "openai.gpt-oss",
        Family {
            kind: Kind::GptOss,
            ..OTHER
        },
    ),
    (
        "openai.gpt-",
        Family {
            kind: Kind::OpenAi,
            forces: true,
            images: true,
            ..OTHER
        },
    ),
    (
        "xai.",
        Family {
            kind: Kind::Sealed,
            ..OTHER
        },
    ),
    (
        "moonshotai.",
        Family {
            kind: Kind::Sealed,
            ..OTHER
        },
    ),
    (
        "deepseek.r1",
        Family {
            kind: Kind::R1,
            tools: false,
            structured: false,
            max_tokens: 32_768,
            ..OTHER
        },
    ),
    (
        "deepseek.",
        Family {
            kind: Kind::DeepSeek,
            ..OTHER
        },
    ),
    ("meta.", OTHER),
    ("mistral.", OTHER),
    ("cohere.", OTHER),
    ("qwen.", OTHER),
    ("ai21.", OTHER),
];

/// The family of a model id; none when there is no such model.
pub(super) fn family(id: &str) -> Option<Family> {
    // What is behind a profile of the account's own is not in its name; the demo's are all Claude.
    let is_profile = id.contains(":application-inference-profile/");
    let name = if is_profile {
        "anthropic.claude-"
    } else {
        bare(id)
    };
    let known = TABLE.iter().filter(|(start, _)| name.starts_with(start));
    let (_, family) = known.max_by_key(|(start, _)| start.len())?;
    (!id.contains("no-such-model")).then_some(*family)
}

/// Anthropic's own id of the model.
pub(super) fn claude_id(id: &str) -> &str {
    claude(id).unwrap_or("claude-sonnet-4-5")
}
