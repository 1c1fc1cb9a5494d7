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
