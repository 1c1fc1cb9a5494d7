//! Switches that the conversions know.

use std::collections::BTreeMap;

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
    /// Which model a Bedrock id is that does not say it (ARNs of application inference profiles, provisioned and imported
    /// models): a model's id such as `anthropic.claude-sonnet-4-5`, or a family's name; see
    /// [`ModelTable::lookup_hidden`](crate::ModelTable::lookup_hidden). Default: guessed from the name that the client asked for.
    pub family: Option<String>,
    /// How models on Bedrock that cannot be told not to call tools are kept from it where the conversation holds calls. Default: `text`.
    pub none_strategy: Option<NoneStrategy>,
    /// What becomes of system messages between the others on Bedrock. Default: `fold`.
    pub mid_system: Option<MidSystem>,
    /// Where Converse gets the effort of Claude's thinking. Default: `additional`.
    pub effort_field: Option<EffortField>,
    /// Whether Converse gets `strict` tools. Default: where the model is known to take them.
    pub strict_tools: Option<bool>,
    /// Whether Converse gets no reasoning from before the user's last words: conversations that began with another model hold
    /// signatures that it refuses. Default: false.
    pub strip_foreign_reasoning: Option<bool>,
    /// Whether blocks of tools that another provider ran are replaced by a note instead of refused on Converse. Default: `reject`.
    pub unsupported_tools: Option<UnsupportedTools>,
    /// Whether Claude on Converse gets the user id of Chat and Responses clients. Default: false.
    pub forward_user: Option<bool>,
    /// Whether Chat clients may add members to Converse requests (`additional_model_request_fields`, `guardrail_config`,
    /// `performance_config`, `request_metadata`). Default: false.
    pub bedrock_extensions: Option<bool>,
    /// Whether Gemini's native API is asked for summaries of the model's thoughts where the client says nothing about them.
    /// Default: true.
    pub expose_thoughts: Option<bool>,
    /// Whether Gemini's native API gets schemas in its own subset of OpenAPI's, which its older models want, rather than as
    /// JSON Schema. Default: what the model's generation takes.
    pub legacy_schema: Option<bool>,
    /// Whether streams of Chat clients that pass through are asked for their usage where the client did not: the gateway reads it,
    /// and the client does not see the chunk that holds nothing else. Default: false.
    pub inject_usage: Option<bool>,
    /// Which of Anthropic's betas InvokeModel is asked for. Default: those that Bedrock is known to take.
    pub betas: Option<Betas>,
    /// Whether the lifetimes of cache marks are left out on InvokeModel: models before Claude 4.5 refuse them. Default: false.
    pub strip_ttl: Option<bool>,
    /// Whether a cache mark for the whole request goes to InvokeModel as it is, instead of onto its last block. Default: false.
    pub native_auto_cache: Option<bool>,
    /// Whether InvokeModel gets nothing of a tool but its type, name, description, schema and cache mark. Default: false.
    pub strip_tool_extras: Option<bool>,
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
            family: self.family.clone().or_else(|| base.family.clone()),
            none_strategy: self.none_strategy.or(base.none_strategy),
            mid_system: self.mid_system.or(base.mid_system),
            effort_field: self.effort_field.or(base.effort_field),
            strict_tools: self.strict_tools.or(base.strict_tools),
            strip_foreign_reasoning: self
                .strip_foreign_reasoning
                .or(base.strip_foreign_reasoning),
            unsupported_tools: self.unsupported_tools.or(base.unsupported_tools),
            forward_user: self.forward_user.or(base.forward_user),
            bedrock_extensions: self.bedrock_extensions.or(base.bedrock_extensions),
            expose_thoughts: self.expose_thoughts.or(base.expose_thoughts),
            legacy_schema: self.legacy_schema.or(base.legacy_schema),
            inject_usage: self.inject_usage.or(base.inject_usage),
            betas: self.betas.clone().or_else(|| base.betas.clone()),
            strip_ttl: self.strip_ttl.or(base.strip_ttl),
            native_auto_cache: self.native_auto_cache.or(base.native_auto_cache),
            strip_tool_extras: self.strip_tool_extras.or(base.strip_tool_extras),
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

/// How a model on Bedrock is kept from calling tools where the conversation holds calls: Converse knows no such choice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum NoneStrategy {
    /// Calls and results become text, and no tools are sent.
    #[default]
    Text,
    /// The tools are sent without a choice: the model may call one.
    Stub,
}

/// What becomes of system messages between the others on Bedrock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum MidSystem {
    /// They become texts of the user, marked as the system's, where they stand.
    #[default]
    Fold,
    /// They are sent as they are: newer models take them.
    Native,
}

/// Where Converse gets the effort of Claude's thinking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum EffortField {
    /// `additionalModelRequestFields.output_config.effort`
    #[default]
    Additional,
    /// `outputConfig.effort`
    TopLevel,
}

/// What becomes of blocks of tools that another provider ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum UnsupportedTools {
    /// The request is refused.
    #[default]
    Reject,
    /// A note stands in their place.
    Drop,
}

/// Which of Anthropic's betas InvokeModel is asked for.
///
/// In a configuration file: `"pass-all"`, or a table of names, each with `"accept"`, `"drop"` or the name to send instead.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Betas {
    /// All that a client asks for.
    PassAll,
    /// What becomes of some; of the others, those that Bedrock is known to take.
    Rules(BTreeMap<String, BetaRule>),
}

/// What becomes of a beta.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BetaRule {
    /// It is asked for.
    Accept,
    /// It is left out, and reported.
    Drop,
    /// It is asked for under this name.
    Rename(String),
}

#[cfg(feature = "config")]
impl<'de> serde::Deserialize<'de> for Betas {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Betas;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"pass-all\" or a table of betas")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Betas, E> {
                match text {
                    "pass-all" => Ok(Betas::PassAll),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Betas, A::Error> {
                let mut rules = BTreeMap::new();
                while let Some((name, rule)) = map.next_entry::<String, String>()? {
                    let rule = match &*rule {
                        "accept" => BetaRule::Accept,
                        "drop" => BetaRule::Drop,
                        _ => BetaRule::Rename(rule),
                    };
                    rules.insert(name, rule);
                }
                Ok(Betas::Rules(rules))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(all(test, feature = "config"))]
mod tests {
    use super::*;

    #[test]
    fn betas_are_read() {
        let read = |json| serde_json::from_str::<Betas>(json);
        assert_eq!(read(r#""pass-all""#).unwrap(), Betas::PassAll);
        let Betas::Rules(rules) = read(r#"{"a":"accept","b":"drop","c":"d"}"#).unwrap() else {
            panic!("no rules");
        };
        let rules: Vec<_> = rules.into_values().collect();
        let renamed = BetaRule::Rename("d".to_owned());
        assert_eq!(rules, [BetaRule::Accept, BetaRule::Drop, renamed]);
        for json in [r#""all""#, "7", r#"{"a":1}"#] {
            assert!(read(json).is_err(), "{json}");
        }
    }
}
