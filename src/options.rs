//! Switches that the conversions know.

/// Switches of a connection or a target that change how requests are converted. Every one has a default; a target's
/// value wins over its connection's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Options {
    /// Output tokens to ask for where the client gave no limit and the target demands one. Default: the model's maximum.
    pub default_max_tokens: Option<u32>,
    /// The fields in which Chat clients get signed reasoning. Default: `thinking_blocks`.
    pub chat_reasoning: Option<ChatReasoning>,
    /// What the provider shall do with replayed thinking that is bound to another conversation. Default: `drop_block`.
    pub thinking_binding: Option<ThinkingBinding>,
    /// The `anthropic-version` that converted requests carry. Default: `2023-06-01`.
    pub anthropic_version: Option<String>,
    /// Whether an implicit `prompt_cache_options` turns Anthropic's automatic cache breakpoint on. Default: false.
    pub auto_cache: Option<bool>,
    /// Whether Responses clients get what Anthropic's server tools said and found in carriers, which the next turn needs.
    /// Default: true.
    pub carry_server_blocks: Option<bool>,
    /// Whether Anthropic may call MCP servers that a Responses client names, where the client wants no approval of the
    /// calls. Default: false.
    pub allow_mcp: Option<bool>,
    /// Whether the gateway looks for stop sequences itself where the provider cannot; else they are refused. Default: true.
    pub emulate_stop: Option<bool>,
    /// The summaries of its reasoning that OpenAI is asked for where the client wants to see thinking. Default: `auto`.
    pub reasoning_summary: Option<ReasoningSummary>,
    /// The effort that adaptive thinking without one stands for at OpenAI. Default: `high`, as at Anthropic.
    pub adaptive_effort: Option<crate::models::Effort>,
    /// What becomes of the beginning of an answer that the client dictates, where the provider knows no such thing.
    /// Default: `reject`.
    pub prefill: Option<Prefill>,
    /// Whether replayed texts say at OpenAI if they were the turn's last (`phase`). Default: false.
    pub emit_phase: Option<bool>,
    /// Whether a tool that fetches pages becomes OpenAI's web search, which can open them. Default: false.
    pub web_fetch_as_search: Option<bool>,
    /// Whether Gemini's native API is asked for summaries of the model's thoughts where the client says nothing about them.
    /// Default: true.
    pub expose_thoughts: Option<bool>,
    /// Whether Gemini's native API gets schemas in its own subset of OpenAPI's, which its older models want, rather than as
    /// JSON Schema. Default: what the model's generation takes.
    pub legacy_schema: Option<bool>,
}

impl Options {
    /// These options where they are set, and `base`'s where they are not.
    #[must_use]
    pub fn or(&self, base: &Self) -> Self {
        Self {
            default_max_tokens: self.default_max_tokens.or(base.default_max_tokens),
            chat_reasoning: self.chat_reasoning.or(base.chat_reasoning),
            thinking_binding: self.thinking_binding.or(base.thinking_binding),
            anthropic_version: self
                .anthropic_version
                .clone()
                .or_else(|| base.anthropic_version.clone()),
            auto_cache: self.auto_cache.or(base.auto_cache),
            carry_server_blocks: self.carry_server_blocks.or(base.carry_server_blocks),
            allow_mcp: self.allow_mcp.or(base.allow_mcp),
            emulate_stop: self.emulate_stop.or(base.emulate_stop),
            reasoning_summary: self.reasoning_summary.or(base.reasoning_summary),
            adaptive_effort: self.adaptive_effort.or(base.adaptive_effort),
            prefill: self.prefill.or(base.prefill),
            emit_phase: self.emit_phase.or(base.emit_phase),
            web_fetch_as_search: self.web_fetch_as_search.or(base.web_fetch_as_search),
            expose_thoughts: self.expose_thoughts.or(base.expose_thoughts),
            legacy_schema: self.legacy_schema.or(base.legacy_schema),
        }
    }
}

/// The fields in which Chat clients get signed reasoning; Chat itself has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum ChatReasoning {
    /// `reasoning_content` and `thinking_blocks`, as LiteLLM's clients read them.
    #[default]
    ThinkingBlocks,
    /// `reasoning` and `reasoning_details`, as OpenRouter's clients read them.
    ReasoningDetails,
    /// Both.
    Both,
    /// No reasoning at all.
    None,
}

/// What Anthropic shall do with a replayed thinking block that is bound to another conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum ThinkingBinding {
    /// Ask it to drop the block.
    DropBlock,
    /// Ask for nothing: it answers 400.
    Off,
}

/// The summaries of its reasoning that OpenAI is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum ReasoningSummary {
    /// As detailed as the model gives.
    #[default]
    Auto,
    /// Short ones.
    Concise,
    /// Long ones.
    Detailed,
    /// None: organisations that OpenAI did not verify get 400 for them on some models.
    None,
}

/// What becomes of a last message that is the assistant's, where the provider cannot continue it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Prefill {
    /// The request is refused.
    #[default]
    Reject,
    /// It is sent, and the model is asked to go on from there.
    Append,
}
