//! How a model on Bedrock is asked to think: in the words of its vendor, in `additionalModelRequestFields`.
//!
//! Sources: the pages on Anthropic's, Amazon's and OpenAI's models of AWS's Bedrock guide, and platform.claude.com on extended
//! thinking.

use super::fields::Fields;
use crate::convert::context::RequestContext;
use crate::convert::effort::{Asked, MIN_BUDGET, from_budget, to_budget};
use crate::models::{Effort, EffortFloor, ForcedTool, ReasoningFields, Thinking, ThinkingDefault};
use crate::target::EffortField;

/// Below this `top_p`, Anthropic refuses it beside thinking.
const MIN_TOP_P: f64 = 0.95;

/// What the client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::convert) enum Wish<'a> {
    /// Nothing.
    Unsaid,
    /// OpenAI's effort.
    Effort(Asked),
    /// Anthropic's `thinking` and `output_config.effort`.
    Anthropic {
        thinking: Option<Asking<'a>>,
        effort: Option<Effort>,
    },
}

/// Anthropic's `thinking`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::convert) struct Asking<'a> {
    /// The object as JSON text.
    pub(in crate::convert) json: &'a str,
    pub(in crate::convert) kind: Kind,
}

/// What a `thinking` object asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::convert) enum Kind {
    Disabled,
    /// With a budget of tokens.
    Enabled(u64),
    /// `adaptive`, `between_tools`
    Adaptive,
}

/// What the rest of the request says that thinking depends on.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::convert) struct Around {
    /// The limit of output tokens, where there is one.
    pub(in crate::convert) max_tokens: Option<u64>,
    /// The choice of tool forces a call.
    pub(in crate::convert) forced_tool: bool,
    /// The turn that goes on now called tools without reasoning before the calls that could be sent back. Claude then refuses
    /// to think with a budget.
    pub(in crate::convert) gap: bool,
}

/// The client's fields, for the report.
#[derive(Debug, Clone, Copy)]
pub(in crate::convert) struct Paths {
    pub(in crate::convert) thinking: &'static str,
    pub(in crate::convert) effort: &'static str,
}

/// What is sent.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::convert) struct Plan<'a> {
    thinking: Option<ThinkingObject<'a>>,
    effort: Option<&'static str>,
    fields: Option<ReasoningFields>,
    /// The effort goes into `outputConfig`.
    top_level: bool,
    effort_beta: bool,
    /// The gateway turned Claude's thinking on.
    derived: bool,
    /// No limit and no sampling parameters may stand beside it.
    bare: bool,
}

/// Anthropic's `thinking` object.
#[derive(Debug, Clone, Copy)]
enum ThinkingObject<'a> {
    AsSaid(&'a str),
    Adaptive,
    Budget(u64),
    Disabled,
}

/// What becomes of the client's wish; what the model cannot do is reported.
pub(in crate::convert) fn plan<'a>(
    wish: Wish<'a>,
    around: Around,
    paths: Paths,
    cx: &mut RequestContext<'_>,
) -> Plan<'a> {
    let bedrock = &cx.capabilities.bedrock;
    let mut plan = Plan {
        fields: Some(bedrock.reasoning),
        top_level: cx.options.effort_field == Some(EffortField::TopLevel),
        effort_beta: bedrock.effort_beta,
        ..Plan::default()
    };
    match (bedrock.reasoning, wish) {
        (_, Wish::Unsaid) => {}
        (ReasoningFields::Thinking, Wish::Anthropic { thinking, effort }) => {
            plan.thinking = thinking.and_then(|asked| as_said(asked, around, paths, cx));
            plan.effort = effort.map(Effort::word);
        }
        (ReasoningFields::Thinking, Wish::Effort(asked)) => plan.derive(asked, around, paths, cx),
        (ReasoningFields::None, Wish::Anthropic { thinking, effort }) => {
            if thinking.is_some_and(|asked| asked.kind != Kind::Disabled) {
                cx.report.drop_field(paths.thinking);
            }
            if effort.is_some() {
                cx.report.drop_field(paths.effort);
            }
        }
        (ReasoningFields::None, Wish::Effort(asked)) => {
            let off = cx.capabilities.thinking == Some(Thinking::NONE);
            if asked != Asked::Nothing || !off {
                cx.report.drop_field(paths.effort);
            }
        }
        (_, Wish::Effort(asked)) => {
            plan.effort = level(asked, cx);
            match plan.effort {
                Some(_) => cx.report.approximate(paths.effort),
                None if asked == Asked::Nothing && is_off_by_default(cx) => {}
                None => cx.report.drop_field(paths.effort),
            }
        }
        (_, Wish::Anthropic { thinking, effort }) => {
            plan.effort = translated(thinking, effort, paths, cx);
        }
    }
    plan.bare = bedrock.bare_high_effort && plan.effort == Some(Effort::High.word());
    plan
}

/// Anthropic's own object for Claude.
fn as_said<'a>(
    asked: Asking<'a>,
    around: Around,
    paths: Paths,
    cx: &mut RequestContext<'_>,
) -> Option<ThinkingObject<'a>> {
    match asked.kind {
        // What the model does anyway need not be said, and AWS refuses it.
        Kind::Disabled if !cx.capabilities.bedrock.disabled_thinking && is_off_by_default(cx) => {
            None
        }
        Kind::Enabled(_) if around.gap => {
            cx.report.drop_field(paths.thinking);
            None
        }
        Kind::Disabled | Kind::Enabled(_) | Kind::Adaptive => {
            Some(ThinkingObject::AsSaid(asked.json))
        }
    }
}

/// The level in the words of a model that is not Anthropic's.
fn translated(
    thinking: Option<Asking<'_>>,
    effort: Option<Effort>,
    paths: Paths,
    cx: &mut RequestContext<'_>,
) -> Option<&'static str> {
    let (asked, path) = match (thinking.map(|asked| asked.kind), effort) {
        (None, None) => return None,
        (Some(Kind::Disabled), effort) => {
            if effort.is_some() {
                cx.report.drop_field(paths.effort);
            }
            (Asked::Nothing, paths.thinking)
        }
        // The budget is the nearer wish of the two.
        (Some(Kind::Enabled(tokens)), effort) => {
            if effort.is_some() {
                cx.report.drop_field(paths.effort);
            }
            (Asked::Level(from_budget(tokens)), paths.thinking)
        }
        (Some(Kind::Adaptive), effort) => {
            if effort.is_some() {
                cx.report.approximate(paths.effort);
            }
            // Anthropic's own default.
            (Asked::Level(effort.unwrap_or(Effort::High)), paths.thinking)
        }
        (None, Some(effort)) => (Asked::Level(effort), paths.effort),
    };
    let level = level(asked, cx);
    match level {
        Some(_) => cx.report.approximate(path),
        None if asked == Asked::Nothing && is_off_by_default(cx) => {}
        None => cx.report.drop_field(path),
    }
    level
}

/// The word of a model's that is nearest to what is asked for.
fn level(asked: Asked, cx: &RequestContext<'_>) -> Option<&'static str> {
    let capabilities = cx.capabilities;
    let asked = match (asked, capabilities.effort_floor) {
        (Asked::Nothing, Some(floor @ EffortFloor::None))
            if capabilities.thinking.is_some_and(|kinds| kinds.disabled) =>
        {
            return Some(floor.word());
        }
        (Asked::Nothing, _) => return None,
        (Asked::Minimal, Some(floor @ EffortFloor::Minimal)) => return Some(floor.word()),
        (Asked::Minimal, _) => Effort::Low,
        (Asked::Level(level), _) => level,
    };
    capabilities.efforts.clamp(asked).map(Effort::word)
}

/// Whether the model does not think unless it is asked to.
fn is_off_by_default(cx: &RequestContext<'_>) -> bool {
    cx.capabilities
        .thinking
        .is_some_and(|kinds| kinds.default == ThinkingDefault::Off)
}

impl<'a> Plan<'a> {
    /// Turns Claude's thinking on, or off, for a client that speaks of efforts.
    fn derive(&mut self, asked: Asked, around: Around, paths: Paths, cx: &mut RequestContext<'_>) {
        let capabilities = cx.capabilities;
        // An effort alone turns nothing on where the model is unknown.
        let Some(kinds) = capabilities.thinking else {
            cx.report.drop_field(paths.effort);
            return;
        };
        let level = match asked {
            Asked::Nothing => {
                if kinds.default == ThinkingDefault::Off {
                    return;
                }
                if kinds.disabled && capabilities.bedrock.disabled_thinking {
                    self.thinking = Some(ThinkingObject::Disabled);
                    cx.report.approximate(paths.effort);
                } else {
                    cx.report.drop_field(paths.effort);
                }
                return;
            }
            Asked::Minimal => Effort::Low,
            Asked::Level(level) => level,
        };
        let forced = around.forced_tool && capabilities.forced_tool != ForcedTool::Yes;
        let found = if forced {
            None
        } else if kinds.adaptive {
            self.effort = capabilities.efforts.clamp(level).map(Effort::word);
            Some(ThinkingObject::Adaptive)
        } else if kinds.enabled && !around.gap {
            let most = around
                .max_tokens
                .map_or(u64::MAX, |most| most.saturating_sub(1));
            let budget = to_budget(level).min(most);
            (budget >= MIN_BUDGET).then_some(ThinkingObject::Budget(budget))
        } else {
            None
        };
        self.derived = found.is_some();
        self.thinking = found;
        match found {
            Some(_) => cx.report.approximate(paths.effort),
            None => cx.report.drop_field(paths.effort),
        }
    }

    /// Sets the members of `additionalModelRequestFields`.
    pub(in crate::convert) fn set(&self, fields: &mut Fields<'a>) {
        match self.thinking {
            None => {}
            Some(ThinkingObject::AsSaid(json)) => fields.set("thinking", json),
            Some(ThinkingObject::Adaptive) => {
                fields.set("thinking", r#"{"type":"adaptive","display":"summarized"}"#);
            }
            Some(ThinkingObject::Disabled) => fields.set("thinking", r#"{"type":"disabled"}"#),
            Some(ThinkingObject::Budget(tokens)) => fields.set(
                "thinking",
                format!(r#"{{"type":"enabled","budget_tokens":{tokens}}}"#),
            ),
        }
        let Some(effort) = self.effort else {
            return;
        };
        // The words need no escaping.
        match self.fields {
            Some(ReasoningFields::Thinking) if !self.top_level => {
                fields.set("output_config", format!(r#"{{"effort":"{effort}"}}"#));
            }
            Some(ReasoningFields::ReasoningConfig) => fields.set(
                "reasoningConfig",
                format!(r#"{{"type":"enabled","maxReasoningEffort":"{effort}"}}"#),
            ),
            Some(ReasoningFields::ReasoningEffort) => {
                fields.set("reasoning_effort", format!("\"{effort}\""));
            }
            Some(ReasoningFields::Reasoning) => {
                fields.set("reasoning", format!(r#"{{"effort":"{effort}"}}"#));
            }
            Some(ReasoningFields::Thinking | ReasoningFields::None) | None => {}
        }
    }

    /// Whether the model is asked to think.
    pub(in crate::convert) fn asks(&self) -> bool {
        let asks = match self.thinking {
            Some(
                ThinkingObject::AsSaid(_) | ThinkingObject::Adaptive | ThinkingObject::Budget(_),
            ) => true,
            Some(ThinkingObject::Disabled) | None => false,
        };
        asks || self
            .effort
            .is_some_and(|effort| effort != EffortFloor::None.word())
    }

    /// The effort that goes into `outputConfig`, where the owner wants it there.
    pub(in crate::convert) fn top_level_effort(&self) -> Option<&'static str> {
        self.effort
            .filter(|_| self.top_level && self.fields == Some(ReasoningFields::Thinking))
    }

    /// The beta that Anthropic wants for what is sent.
    pub(in crate::convert) fn beta(&self) -> Option<&'static str> {
        (self.effort_beta && self.effort.is_some()).then_some("effort-2025-11-24")
    }

    /// Whether `temperature` must stay away.
    pub(in crate::convert) fn forbids_temperature(&self) -> bool {
        self.derived || self.bare
    }

    /// Whether this `top_p` must stay away.
    pub(in crate::convert) fn forbids_top_p(&self, top_p: f64) -> bool {
        self.bare || (self.derived && top_p < MIN_TOP_P)
    }

    /// Whether `top_k` must stay away.
    pub(in crate::convert) fn forbids_top_k(&self) -> bool {
        self.derived
    }

    /// Whether the limit of output tokens must stay away.
    pub(in crate::convert) fn forbids_limit(&self) -> bool {
        self.bare
    }
}

#[cfg(test)]
#[path = "thinking_tests.rs"]
mod tests;
