//! What Bedrock's Converse API takes for each family of models.
//!
//! Converse has members of its own for what every model knows; everything else goes into `additionalModelRequestFields`, in each
//! vendor's own words. Sources: the Converse reference and the pages on each vendor's models of AWS's Bedrock guide.

use super::{
    Capabilities, Effort, EffortFloor, Efforts, ForcedTool, Sampling, Thinking, ThinkingDefault,
    openai,
};

/// What Converse takes for a model. [`Bedrock::BASE`] is the part that every model has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bedrock {
    /// Whether it takes Anthropic's own members (`thinking`, `tool_choice`, `tools`, `metadata`, `anthropic_beta` …), text sources of
    /// documents, and search results.
    pub anthropic: bool,
    /// How it is asked to think.
    pub reasoning: ReasoningFields,
    /// Whether it can be told not to think.
    pub disabled_thinking: bool,
    /// Whether efforts need the beta `effort-2025-11-24`.
    pub effort_beta: bool,
    /// Whether thinking between calls needs the beta `interleaved-thinking-2025-05-14`.
    pub interleaved_beta: bool,
    /// Whether the highest effort forbids limits on the output and sampling parameters.
    pub bare_high_effort: bool,
    /// What it takes back of its reasoning.
    pub replay: Replay,
    /// Where cache points may stand.
    pub cache_points: CachePoints,
    /// Where `top_k` goes.
    pub top_k: TopK,
    /// Whether it can be told to call one tool at a time.
    pub parallel_switch: bool,
    /// Whether it takes `strict` tools.
    pub strict_tools: bool,
    /// Whether the system tool `nova_grounding` searches the web for it.
    pub grounding: bool,
    /// The fewest output tokens it can be asked for.
    pub min_output: u32,
}

/// The members by which a model on Bedrock is asked to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum ReasoningFields {
    /// None.
    None,
    /// Anthropic's `thinking` and `output_config.effort`.
    Thinking,
    /// `reasoningConfig: {type, maxReasoningEffort}`
    ReasoningConfig,
    /// `reasoning_effort: LEVEL`
    ReasoningEffort,
    /// `reasoning: {effort}`
    Reasoning,
}

/// What a model on Bedrock takes back of its reasoning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Replay {
    /// Nothing.
    None,
    /// Signed text, and what is redacted.
    Signed,
    /// Only what is redacted.
    Redacted,
}

/// Where `top_k` goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum TopK {
    /// Nowhere: it is dropped.
    None,
    /// `additionalModelRequestFields.top_k`
    Member,
    /// `additionalModelRequestFields.inferenceConfig.topK`
    InferenceConfig,
}

/// Where a model on Bedrock takes cache points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CachePoints {
    /// After blocks of messages and of the system prompt.
    pub content: bool,
    /// After tools.
    pub tools: bool,
    /// With a lifetime.
    pub ttl: bool,
}

impl CachePoints {
    /// Nowhere.
    pub const NONE: Self = Self {
        content: false,
        tools: false,
        ttl: false,
    };
    /// Everywhere, with a lifetime.
    pub const ALL: Self = Self {
        content: true,
        tools: true,
        ttl: true,
    };
    /// Everywhere, without a lifetime.
    pub const WITHOUT_TTL: Self = Self {
        ttl: false,
        ..Self::ALL
    };
}

impl Bedrock {
    /// What every model takes.
    pub const BASE: Self = Self {
        anthropic: false,
        reasoning: ReasoningFields::None,
        disabled_thinking: false,
        effort_beta: false,
        interleaved_beta: false,
        bare_high_effort: false,
        replay: Replay::None,
        cache_points: CachePoints::NONE,
        top_k: TopK::None,
        parallel_switch: false,
        strict_tools: false,
        grounding: false,
        min_output: 1,
    };

    /// Claude models that do not think.
    pub(super) const CLAUDE_OLD: Self = Self {
        anthropic: true,
        disabled_thinking: true,
        replay: Replay::Signed,
        top_k: TopK::Member,
        ..Self::BASE
    };

    /// Claude models that think with a budget.
    pub(super) const CLAUDE_MANUAL: Self = Self {
        reasoning: ReasoningFields::Thinking,
        interleaved_beta: true,
        cache_points: CachePoints::WITHOUT_TTL,
        ..Self::CLAUDE_OLD
    };

    pub(super) const CLAUDE_4_5: Self = Self {
        cache_points: CachePoints::ALL,
        parallel_switch: true,
        strict_tools: true,
        ..Self::CLAUDE_MANUAL
    };

    pub(super) const CLAUDE_ADAPTIVE: Self = Self {
        interleaved_beta: false,
        ..Self::CLAUDE_4_5
    };

    /// Claude models that decide themselves how much they think: AWS refuses `disabled` as well as a budget.
    pub(super) const CLAUDE_ADAPTIVE_ONLY: Self = Self {
        disabled_thinking: false,
        top_k: TopK::None,
        strict_tools: false,
        ..Self::CLAUDE_ADAPTIVE
    };

    const NOVA: Self = Self {
        cache_points: CachePoints {
            tools: false,
            ..CachePoints::WITHOUT_TTL
        },
        top_k: TopK::InferenceConfig,
        grounding: true,
        ..Self::BASE
    };

    const NOVA_2: Self = Self {
        reasoning: ReasoningFields::ReasoningConfig,
        bare_high_effort: true,
        ..Self::NOVA
    };

    const GPT_OSS: Self = Self {
        reasoning: ReasoningFields::ReasoningEffort,
        ..Self::BASE
    };

    const OPENAI: Self = Self {
        reasoning: ReasoningFields::Reasoning,
        replay: Replay::Redacted,
        min_output: 16,
        ..Self::BASE
    };

    /// Reasoning that comes and goes sealed, and is asked for only where an owner says so.
    const SEALED: Self = Self {
        replay: Replay::Redacted,
        ..Self::BASE
    };
}

/// What an owner knows better than the table about a model on Bedrock; what is not set stays as the table says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct BedrockOverride {
    /// See [`Bedrock::anthropic`].
    pub anthropic: Option<bool>,
    /// See [`Bedrock::reasoning`].
    pub reasoning: Option<ReasoningFields>,
    /// See [`Bedrock::disabled_thinking`].
    pub disabled_thinking: Option<bool>,
    /// See [`Bedrock::effort_beta`].
    pub effort_beta: Option<bool>,
    /// See [`Bedrock::interleaved_beta`].
    pub interleaved_beta: Option<bool>,
    /// See [`Bedrock::bare_high_effort`].
    pub bare_high_effort: Option<bool>,
    /// See [`Bedrock::replay`].
    pub replay: Option<Replay>,
    /// See [`CachePoints::content`].
    pub cache_points: Option<bool>,
    /// See [`CachePoints::tools`].
    pub cache_points_in_tools: Option<bool>,
    /// See [`CachePoints::ttl`].
    pub cache_point_ttl: Option<bool>,
    /// See [`Bedrock::top_k`].
    pub top_k: Option<TopK>,
    /// See [`Bedrock::parallel_switch`].
    pub parallel_switch: Option<bool>,
    /// See [`Bedrock::strict_tools`].
    pub strict_tools: Option<bool>,
    /// See [`Bedrock::grounding`].
    pub grounding: Option<bool>,
    /// See [`Bedrock::min_output`].
    pub min_output: Option<u32>,
}

impl BedrockOverride {
    pub(super) fn apply(&self, base: &mut Bedrock) {
        let points = CachePoints {
            content: self.cache_points.unwrap_or(base.cache_points.content),
            tools: self
                .cache_points_in_tools
                .unwrap_or(base.cache_points.tools),
            ttl: self.cache_point_ttl.unwrap_or(base.cache_points.ttl),
        };
        *base = Bedrock {
            anthropic: self.anthropic.unwrap_or(base.anthropic),
            reasoning: self.reasoning.unwrap_or(base.reasoning),
            disabled_thinking: self.disabled_thinking.unwrap_or(base.disabled_thinking),
            effort_beta: self.effort_beta.unwrap_or(base.effort_beta),
            interleaved_beta: self.interleaved_beta.unwrap_or(base.interleaved_beta),
            bare_high_effort: self.bare_high_effort.unwrap_or(base.bare_high_effort),
            replay: self.replay.unwrap_or(base.replay),
            cache_points: points,
            top_k: self.top_k.unwrap_or(base.top_k),
            parallel_switch: self.parallel_switch.unwrap_or(base.parallel_switch),
            strict_tools: self.strict_tools.unwrap_or(base.strict_tools),
            grounding: self.grounding.unwrap_or(base.grounding),
            min_output: self.min_output.unwrap_or(base.min_output),
        };
    }
}

/// What stands before a vendor's name where an inference profile spreads calls over regions.
const REGIONS: [&str; 9] = [
    "us.", "eu.", "apac.", "jp.", "au.", "ca.", "sa.", "us-gov.", "global.",
];

/// A family: its name in options, the vendor in its ids, what follows the vendor, and the words by which its models are called
/// elsewhere.
struct Row {
    family: &'static str,
    vendors: &'static [&'static str],
    names: &'static [&'static str],
    bare: &'static [&'static str],
    capabilities: fn(&str) -> Capabilities,
}

const PLAIN: Capabilities = Capabilities {
    max_output: None,
    sampling: Sampling::Any,
    thinking: Some(Thinking::NONE),
    efforts: Efforts::NONE,
    forced_tool: ForcedTool::Yes,
    prefill: true,
    mid_system: false,
    binding: false,
    structured_outputs: true,
    effort_floor: None,
    cache_breakpoints: false,
    thinking_budget: None,
    gemini: super::GeminiGeneration::V3,
    bedrock: Bedrock::BASE,
};

/// Reasoning with a level, without a switch.
const LEVELS: Capabilities = Capabilities {
    thinking: Some(Thinking {
        adaptive: true,
        default: ThinkingDefault::On,
        ..Thinking::NONE
    }),
    efforts: Efforts::of(&[Effort::Low, Effort::Medium, Effort::High]),
    ..PLAIN
};

/// The first row that matches holds.
const ROWS: &[Row] = &[
    Row {
        family: "nova2",
        vendors: &["amazon"],
        names: &["nova-2-"],
        bare: &["nova-2-"],
        capabilities: |_| Capabilities {
            thinking: Some(Thinking {
                default: ThinkingDefault::Off,
                adaptive: true,
                ..Thinking::NONE
            }),
            bedrock: Bedrock::NOVA_2,
            ..LEVELS
        },
    },
    Row {
        family: "nova",
        vendors: &["amazon"],
        names: &["nova-"],
        bare: &["nova-"],
        capabilities: |_| Capabilities {
            bedrock: Bedrock::NOVA,
            ..PLAIN
        },
    },
    Row {
        family: "gpt-oss",
        vendors: &["openai"],
        names: &["gpt-oss"],
        bare: &["gpt-oss"],
        capabilities: |_| Capabilities {
            bedrock: Bedrock::GPT_OSS,
            ..LEVELS
        },
    },
    Row {
        family: "openai",
        vendors: &["openai"],
        names: &["gpt-"],
        bare: &["gpt-5", "gpt-6"],
        capabilities: |name| Capabilities {
            bedrock: Bedrock::OPENAI,
            ..openai::lookup(name).unwrap_or(LEVELS)
        },
    },
    Row {
        family: "xai",
        vendors: &["xai"],
        names: &[""],
        bare: &["grok"],
        capabilities: |_| Capabilities {
            bedrock: Bedrock::SEALED,
            ..LEVELS
        },
    },
    Row {
        family: "kimi",
        vendors: &["moonshotai", "moonshot"],
        names: &[""],
        bare: &["kimi"],
        capabilities: |_| Capabilities {
            bedrock: Bedrock::SEALED,
            ..LEVELS
        },
    },
    Row {
        family: "deepseek-r1",
        vendors: &["deepseek"],
        names: &["r1"],
        bare: &["deepseek-r1", "deepseek.r1"],
        capabilities: |_| PLAIN,
    },
    Row {
        family: "deepseek",
        vendors: &["deepseek"],
        names: &[""],
        bare: &["deepseek"],
        capabilities: |_| Capabilities {
            efforts: Efforts::ALL,
            effort_floor: Some(EffortFloor::Minimal),
            bedrock: Bedrock::GPT_OSS,
            ..LEVELS
        },
    },
];

/// Claude's families, each by the id of one of its models.
const CLAUDE_FAMILIES: [(&str, &str); 4] = [
    ("claude-adaptive-only", "anthropic.claude-opus-4-7"),
    ("claude-adaptive", "anthropic.claude-opus-4-6"),
    ("claude-manual", "anthropic.claude-sonnet-4-20250514"),
    ("claude-old", "anthropic.claude-3-5-sonnet"),
];

/// The vendor and the name of the model in an id of Bedrock's: `VENDOR.NAME`, behind a region, or at the end of an ARN.
fn vendor_and_name(id: &str) -> Option<(&str, &str)> {
    let resource = id.rsplit('/').next().unwrap_or(id);
    without_region(resource).split_once('.')
}

/// The id of the model that an inference profile over several regions is for.
pub(crate) fn without_region(id: &str) -> &str {
    let mut regions = REGIONS.iter();
    let rest = regions.find_map(|region| id.strip_prefix(region));
    rest.unwrap_or(id)
}

/// Whether an id does not say which model it is: the ARN of a profile, a deployment or an import of one's own.
pub(super) fn is_hidden(id: &str) -> bool {
    id.starts_with("arn:")
        && !["foundation-model/", "inference-profile/", "prompt-router/"]
            .iter()
            .any(|kind| {
                id.find(kind)
                    .and_then(|at| at.checked_sub(1))
                    .and_then(|before| id.as_bytes().get(before))
                    // `application-inference-profile/` is another kind.
                    .is_some_and(|before| *before == b':')
            })
}

/// The row of an id of Bedrock's; `None` for ids of other forms, and for Claude's.
pub(super) fn lookup(id: &str) -> Option<Capabilities> {
    let (vendor, name) = vendor_and_name(id)?;
    let found = ROWS.iter().find(|row| {
        row.vendors.contains(&vendor) && row.names.iter().any(|start| name.starts_with(start))
    });
    found.map(|row| (row.capabilities)(name))
}

/// The row of a model's name without its vendor, maybe behind a path, or of a family's name.
pub(super) fn lookup_bare(name: &str) -> Option<Capabilities> {
    if name == "other" {
        return Some(PLAIN);
    }
    let name = name.rsplit('/').next().unwrap_or(name);
    let by_family = ROWS.iter().find(|row| row.family == name);
    let found = by_family.or_else(|| {
        ROWS.iter()
            .find(|row| row.bare.iter().any(|start| name.starts_with(start)))
    });
    found.map(|row| (row.capabilities)(name))
}

/// An id that stands for one of Claude's families.
pub(super) fn representative(family: &str) -> Option<&'static str> {
    CLAUDE_FAMILIES
        .iter()
        .find(|(name, _)| *name == family)
        .map(|(_, id)| *id)
}

#[cfg(test)]
#[path = "bedrock_tests.rs"]
mod tests;
