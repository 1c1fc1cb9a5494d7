//! What each model can do: a table, not code.
//!
//! Converters ask for [`Capabilities`] and never look at a model's id. The table knows Claude's, Gemini's and OpenAI's models
//! and those on Bedrock; every other id gets [`Capabilities::default`], and an owner can override any of it by a `*` glob over the id.

pub(crate) mod bedrock;
mod claude;
mod gemini;
mod openai;

pub use bedrock::{Bedrock, BedrockOverride, CachePoints, ReasoningFields, Replay, TopK};
pub use gemini::{BudgetRange, GeminiGeneration};

use crate::glob;

/// What a model can do. [`Capabilities::default`] describes a model that nobody knows: what the client asks for is
/// forwarded, and nothing is turned on or clamped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// The most output tokens it can be asked for; `None` where that is unknown.
    pub max_output: Option<u32>,
    /// Whether it takes `temperature`, `top_p` and `top_k`.
    pub sampling: Sampling,
    /// The kinds of thinking it takes; `None` where that is unknown and a client's choice is forwarded as it is.
    pub thinking: Option<Thinking>,
    /// The effort levels it takes.
    pub efforts: Efforts,
    /// Whether a choice of tool may force a call.
    pub forced_tool: ForcedTool,
    /// Whether the last message may be the beginning of the assistant's answer.
    pub prefill: bool,
    /// Whether `system` messages may stand between the others.
    pub mid_system: bool,
    /// Whether thinking signatures are bound to the conversation before them.
    pub binding: bool,
    /// Whether it takes a JSON schema for its output, and strict tools.
    pub structured_outputs: bool,
    /// The effort below all levels; `None` where the lowest level is the least it can be asked for.
    pub effort_floor: Option<EffortFloor>,
    /// Whether it takes explicit breakpoints of the prompt cache, and requests that only fill it.
    pub cache_breakpoints: bool,
    /// What it takes where Bedrock's Converse API serves it.
    pub bedrock: Bedrock,
    /// The least and the largest budget of thinking tokens; `None` where they are unknown.
    pub thinking_budget: Option<BudgetRange>,
    /// What it takes and gives on Gemini's native API.
    pub gemini: GeminiGeneration,
}

impl Capabilities {
    /// A model that nobody knows.
    const UNKNOWN: Self = Self {
        max_output: None,
        sampling: Sampling::Any,
        thinking: None,
        efforts: Efforts::ALL,
        forced_tool: ForcedTool::Yes,
        prefill: true,
        mid_system: false,
        binding: false,
        structured_outputs: true,
        effort_floor: Some(EffortFloor::None),
        cache_breakpoints: false,
        bedrock: Bedrock::BASE,
        thinking_budget: None,
        gemini: GeminiGeneration::V3,
    };
}

impl Default for Capabilities {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

/// An effort below [`Effort::Low`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum EffortFloor {
    /// No reasoning at all.
    None,
    /// As little as possible.
    Minimal,
}

impl EffortFloor {
    /// Its word in requests.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
        }
    }
}

/// Which sampling parameters a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Sampling {
    /// All of them.
    Any,
    /// `temperature` or `top_p`, not both.
    One,
    /// All of them, but only while the model does not think.
    WithoutThinking,
    /// None.
    None,
}

/// Whether a choice of tool may force a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum ForcedTool {
    /// Always.
    Yes,
    /// Only while the model does not think.
    WithoutThinking,
    /// Never.
    No,
}

/// The kinds of thinking a model takes, and what it does when none is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Thinking {
    /// The model decides how much.
    pub adaptive: bool,
    /// With a budget of tokens.
    pub enabled: bool,
    /// Off.
    pub disabled: bool,
    /// Only between tool calls.
    pub between_tools: bool,
    /// What happens when the request says nothing.
    pub default: ThinkingDefault,
}

impl Thinking {
    /// A model that does not think.
    pub const NONE: Self = Self {
        adaptive: false,
        enabled: false,
        disabled: false,
        between_tools: false,
        default: ThinkingDefault::Off,
    };
}

/// What a model does when the request says nothing about thinking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum ThinkingDefault {
    /// It does not think.
    Off,
    /// It thinks, and can be told not to.
    On,
    /// It always thinks.
    Always,
}

/// A kind of thinking, as an override names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum ThinkingKind {
    /// The model decides how much.
    Adaptive,
    /// With a budget of tokens.
    Enabled,
    /// Off.
    Disabled,
    /// Only between tool calls.
    BetweenTools,
}

/// How hard a model shall work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Effort {
    /// The least.
    Low,
    /// Between low and high.
    Medium,
    /// Most models' default.
    High,
    /// More than high.
    Xhigh,
    /// Without a limit.
    Max,
}

impl Effort {
    /// Every level, from the lowest.
    pub const ALL: [Self; 5] = [Self::Low, Self::Medium, Self::High, Self::Xhigh, Self::Max];

    /// The level's word in requests.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Low => 1,
            Self::Medium => 2,
            Self::High => 4,
            Self::Xhigh => 8,
            Self::Max => 16,
        }
    }
}

/// A set of effort levels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Efforts(u8);

impl Efforts {
    /// No level at all: the model has no such parameter.
    pub const NONE: Self = Self(0);
    /// Every level.
    pub const ALL: Self = Self::of(&Effort::ALL);

    /// The set of these levels.
    #[must_use]
    pub const fn of(levels: &[Effort]) -> Self {
        let mut set = 0;
        let mut rest = levels;
        while let [level, others @ ..] = rest {
            set |= level.bit();
            rest = others;
        }
        Self(set)
    }

    /// Whether `level` is in the set.
    #[must_use]
    pub const fn has(self, level: Effort) -> bool {
        self.0 & level.bit() != 0
    }

    /// `level`, or the nearest lower one in the set, or else the lowest of the set.
    #[must_use]
    pub fn clamp(self, level: Effort) -> Option<Effort> {
        let mut levels = Effort::ALL.into_iter().filter(|l| self.has(*l));
        let lowest = levels.next()?;
        Some(levels.take_while(|l| *l <= level).last().unwrap_or(lowest))
    }
}

/// What an owner knows better than the table; what is not set stays as the table says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct CapabilitiesOverride {
    /// See [`Capabilities::max_output`].
    pub max_output: Option<u32>,
    /// See [`Capabilities::sampling`].
    pub sampling: Option<Sampling>,
    /// The kinds of thinking the model takes; an empty list: it does not think.
    pub thinking: Option<Vec<ThinkingKind>>,
    /// What the model does when the request says nothing about thinking.
    pub thinking_default: Option<ThinkingDefault>,
    /// The effort levels the model takes; an empty list: it has no such parameter.
    pub efforts: Option<Vec<Effort>>,
    /// See [`Capabilities::forced_tool`].
    pub forced_tool: Option<ForcedTool>,
    /// See [`Capabilities::prefill`].
    pub prefill: Option<bool>,
    /// See [`Capabilities::mid_system`].
    pub mid_system: Option<bool>,
    /// See [`Capabilities::binding`].
    pub binding: Option<bool>,
    /// See [`Capabilities::structured_outputs`].
    pub structured_outputs: Option<bool>,
    /// See [`Capabilities::effort_floor`].
    pub effort_floor: Option<EffortFloor>,
    /// See [`Capabilities::cache_breakpoints`].
    pub cache_breakpoints: Option<bool>,
    /// See [`Capabilities::bedrock`].
    pub bedrock: BedrockOverride,
    /// See [`Capabilities::thinking_budget`].
    pub thinking_budget: Option<BudgetRange>,
    /// See [`Capabilities::gemini`].
    pub gemini: Option<GeminiGeneration>,
}

impl CapabilitiesOverride {
    fn apply(&self, base: &mut Capabilities) {
        base.max_output = self.max_output.or(base.max_output);
        base.sampling = self.sampling.unwrap_or(base.sampling);
        if let Some(kinds) = &self.thinking {
            base.thinking = Some(Thinking {
                adaptive: kinds.contains(&ThinkingKind::Adaptive),
                enabled: kinds.contains(&ThinkingKind::Enabled),
                disabled: kinds.contains(&ThinkingKind::Disabled),
                between_tools: kinds.contains(&ThinkingKind::BetweenTools),
                default: base
                    .thinking
                    .map_or(ThinkingDefault::Off, |known| known.default),
            });
        }
        if let (Some(thinking), Some(default)) = (&mut base.thinking, self.thinking_default) {
            thinking.default = default;
        }
        if let Some(levels) = &self.efforts {
            base.efforts = Efforts::of(levels);
        }
        base.forced_tool = self.forced_tool.unwrap_or(base.forced_tool);
        base.prefill = self.prefill.unwrap_or(base.prefill);
        base.mid_system = self.mid_system.unwrap_or(base.mid_system);
        base.binding = self.binding.unwrap_or(base.binding);
        base.structured_outputs = self.structured_outputs.unwrap_or(base.structured_outputs);
        base.effort_floor = self.effort_floor.or(base.effort_floor);
        base.cache_breakpoints = self.cache_breakpoints.unwrap_or(base.cache_breakpoints);
        self.bedrock.apply(&mut base.bedrock);
        base.thinking_budget = self.thinking_budget.or(base.thinking_budget);
        base.gemini = self.gemini.unwrap_or(base.gemini);
    }
}

/// The models' capabilities: the built-in table and an owner's overrides.
#[derive(Debug, Clone, Default)]
pub struct ModelTable {
    overrides: Vec<(String, CapabilitiesOverride)>,
}

impl ModelTable {
    /// The built-in table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same table with other values for the ids that match `glob`. Where several overrides match, the later wins.
    #[must_use]
    pub fn with_override(mut self, glob: impl Into<String>, values: CapabilitiesOverride) -> Self {
        self.overrides.push((glob.into(), values));
        self
    }

    /// Whether `family` names a model or a family of models; see [`ModelTable::lookup_hidden`].
    #[must_use]
    pub fn is_family(family: &str) -> bool {
        named(family).is_some()
    }

    /// What the model with this id can do.
    #[must_use]
    pub fn lookup(&self, id: &str) -> Capabilities {
        self.lookup_hidden(id, None, "")
    }

    /// What the model with this id can do, where the id may hide which model it is, as the ARNs of Bedrock's application
    /// inference profiles and imported models do. `family` is what the owner says it is: a model's id, or a family's name
    /// (`claude-manual`, `claude-adaptive`, `claude-adaptive-only`, `claude-old`, `nova2`, `nova`, `gpt-oss`, `openai`, `xai`,
    /// `kimi`, `deepseek-r1`, `deepseek`, `other`). Without it, and only for ids that hide their model, the name that the client
    /// asked for is taken for one.
    #[must_use]
    pub fn lookup_hidden(&self, id: &str, family: Option<&str>, asked: &str) -> Capabilities {
        let mut found = match family {
            Some(family) => named(family),
            None if bedrock::is_hidden(id) => named(asked),
            None => known(id),
        }
        .unwrap_or_default();
        for (glob, values) in &self.overrides {
            if glob::matches(glob, id) {
                values.apply(&mut found);
            }
        }
        found
    }
}

/// The row of the model with this id.
fn known(id: &str) -> Option<Capabilities> {
    claude::lookup(id)
        .or_else(|| gemini::lookup(id))
        .or_else(|| bedrock::lookup(id))
        .or_else(|| openai::lookup(id))
}

/// The row of what stands for a model of Bedrock's: a family's name, a model's name without its vendor, or its id.
fn named(name: &str) -> Option<Capabilities> {
    match bedrock::representative(name) {
        Some(id) => known(id),
        None => bedrock::lookup_bare(name).or_else(|| known(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_id_is_forwarded_as_asked() {
        let found = ModelTable::new().lookup("kimi-k3");
        assert_eq!(found, Capabilities::default());
        assert_eq!(found.max_output, None);
        assert_eq!(found.thinking, None);
        assert!(!found.binding);
    }

    #[test]
    fn overrides_change_only_what_they_name_and_the_later_wins() {
        let table = ModelTable::new()
            .with_override(
                "claude-opus-*",
                CapabilitiesOverride {
                    max_output: Some(1000),
                    efforts: Some(vec![Effort::Low]),
                    ..CapabilitiesOverride::default()
                },
            )
            .with_override(
                "*-4-8",
                CapabilitiesOverride {
                    max_output: Some(2000),
                    thinking: Some(vec![ThinkingKind::Enabled]),
                    thinking_default: Some(ThinkingDefault::Always),
                    ..CapabilitiesOverride::default()
                },
            );
        let found = table.lookup("claude-opus-4-8");
        assert_eq!(found.max_output, Some(2000));
        assert_eq!(found.efforts, Efforts::of(&[Effort::Low]));
        assert!(found.mid_system);
        let thinking = found.thinking.unwrap();
        assert!(thinking.enabled && !thinking.adaptive);
        assert_eq!(thinking.default, ThinkingDefault::Always);
        assert_eq!(
            table.lookup("claude-sonnet-5"),
            ModelTable::new().lookup("claude-sonnet-5")
        );
    }

    #[test]
    fn families_are_known_by_name() {
        for family in [
            "claude-manual",
            "claude-adaptive",
            "claude-adaptive-only",
            "claude-old",
            "nova2",
            "nova",
            "gpt-oss",
            "openai",
            "xai",
            "kimi",
            "deepseek-r1",
            "deepseek",
            "other",
            "anthropic.claude-sonnet-4-5",
            "claude-sonnet-4-5",
            "us.amazon.nova-pro-v1:0",
        ] {
            assert!(ModelTable::is_family(family), "{family}");
        }
        for family in ["", "cluade", "claud-manual", "sonnet", "mistral"] {
            assert!(!ModelTable::is_family(family), "{family}");
        }
    }

    #[test]
    fn efforts_clamp_to_the_nearest_lower_one() {
        use Effort::{High, Low, Max, Medium, Xhigh};
        let without_xhigh = Efforts::of(&[Low, Medium, High, Max]);
        for (level, expected) in [(Low, Low), (High, High), (Xhigh, High), (Max, Max)] {
            assert_eq!(without_xhigh.clamp(level), Some(expected));
        }
        assert_eq!(Efforts::of(&[High, Max]).clamp(Low), Some(High));
        assert_eq!(Efforts::NONE.clamp(Max), None);
    }

    #[cfg(feature = "config")]
    #[test]
    fn overrides_are_read_from_a_configuration() {
        let values: CapabilitiesOverride = toml::from_str(
            "max_output = 5\nthinking = [\"adaptive\", \"between_tools\"]\nefforts = [\"xhigh\"]\nforced_tool = \"without_thinking\"\nsampling = \"one\"",
        )
        .unwrap();
        assert_eq!(values.max_output, Some(5));
        assert_eq!(values.forced_tool, Some(ForcedTool::WithoutThinking));
        assert!(toml::from_str::<CapabilitiesOverride>("max_outptu = 5").is_err());
    }
}
