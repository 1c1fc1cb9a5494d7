//! How hard the model shall think: `reasoning`, and the encrypted reasoning that comes with it.

use serde_json::value::RawValue;

use crate::codec::write::Object;
use crate::convert::context::RequestContext;
use crate::convert::effort::Asked;
use crate::convert::messages_in;
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::format::messages::request::Request;
use crate::format::raw::RawStr;
use crate::models::{Effort, EffortFloor};
use crate::target::ReasoningSummary;

/// What will be sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reasoning {
    /// Whether the model reasons at all.
    reasons: bool,
    effort: Option<&'static str>,
    summary: Option<&'static str>,
}

impl Reasoning {
    /// Settles what to send for what the client asked.
    pub(super) fn plan(
        request: &Request<'_>,
        cx: &mut RequestContext<'_>,
    ) -> Result<Self, Refusal> {
        let config = request.output_config.as_ref();
        if let Some(config) = config {
            for name in &config.unknown {
                cx.report.drop_field(format!("output_config.{name}"));
            }
            if config.task_budget.is_some() {
                cx.report.drop_field("output_config.task_budget");
            }
        }
        let word = config.and_then(|config| config.effort);
        let thinking = messages_in::thinking(request)?;
        // A model that nobody knows is asked for what the client asks for.
        let reasons = cx
            .capabilities
            .thinking
            .is_none_or(|kinds| kinds.adaptive || kinds.enabled);
        let mut plan = Self {
            reasons,
            effort: None,
            summary: None,
        };
        if !reasons {
            if word.is_some() {
                cx.report.drop_field("output_config.effort");
            }
            if thinking.is_some() {
                cx.report.drop_field("thinking");
            }
            return Ok(plan);
        }
        let effort = word.and_then(|word| level(word, cx));
        plan.effort = match &thinking {
            None => effort,
            Some(thinking) => {
                let kind = thinking
                    .kind
                    .ok_or_else(|| path::missing("thinking.type"))?;
                for name in &thinking.unknown {
                    cx.report.drop_field(format!("thinking.{name}"));
                }
                if thinking.block_binding.is_some() {
                    cx.report.drop_field("thinking.block_binding");
                }
                match &*kind.decode() {
                    "adaptive" => {
                        let default = cx.options.adaptive_effort.unwrap_or(Effort::High);
                        effort.or_else(|| clamp(default, cx))
                    }
                    "enabled" => {
                        let budget = budget(thinking.budget_tokens)?;
                        effort.or_else(|| clamp(from_budget(budget), cx))
                    }
                    "disabled" | "between_tools" => off(cx),
                    _ => {
                        cx.report.drop_field("thinking");
                        effort
                    }
                }
            }
        };
        if let Some(thinking) = &thinking {
            cx.report.approximate("thinking");
            let shown = thinking
                .kind
                .is_some_and(|kind| kind.is("adaptive") || kind.is("enabled"))
                && !thinking
                    .display
                    .is_some_and(|display| display.is("omitted"));
            if shown {
                plan.summary = match cx.options.reasoning_summary.unwrap_or_default() {
                    ReasoningSummary::Auto => Some("auto"),
                    ReasoningSummary::Concise => Some("concise"),
                    ReasoningSummary::Detailed => Some("detailed"),
                    ReasoningSummary::None => None,
                };
            }
        }
        Ok(plan)
    }

    /// Whether the model can be given back what it reasoned before.
    pub(super) fn takes_replay(&self) -> bool {
        self.reasons
    }

    /// Whether the model is told not to reason.
    pub(super) fn is_off(&self) -> bool {
        self.effort == Some(EffortFloor::None.word())
    }

    /// Writes `include`: what the answer must have so that it can be replayed without anything stored.
    pub(super) fn write_include(&self, object: &mut Object<'_>, web_search: bool) {
        if !self.reasons && !web_search {
            return;
        }
        let mut include = object.array("include");
        if self.reasons {
            include.string("reasoning.encrypted_content");
        }
        if web_search {
            include.string("web_search_call.action.sources");
        }
        include.end();
    }

    /// Writes `reasoning`, where something is asked for.
    pub(super) fn write(&self, object: &mut Object<'_>) {
        if self.effort.is_none() && self.summary.is_none() {
            return;
        }
        let mut reasoning = object.object("reasoning");
        if let Some(effort) = self.effort {
            reasoning.string("effort", effort);
        }
        if let Some(summary) = self.summary {
            reasoning.string("summary", summary);
        }
        reasoning.end();
    }
}

/// The model's word for the effort that the client asks for; a word that nobody knows is dropped.
fn level(word: RawStr<'_>, cx: &mut RequestContext<'_>) -> Option<&'static str> {
    let Some(asked) = Asked::from_word(&word.decode()) else {
        cx.report.drop_field("output_config.effort");
        return None;
    };
    cx.report.approximate("output_config.effort");
    match asked {
        Asked::Nothing => off(cx),
        Asked::Minimal => cx
            .capabilities
            .effort_floor
            .filter(|floor| *floor == EffortFloor::Minimal)
            .map(EffortFloor::word)
            .or_else(|| clamp(Effort::Low, cx)),
        Asked::Level(level) => clamp(level, cx),
    }
}

fn clamp(level: Effort, cx: &RequestContext<'_>) -> Option<&'static str> {
    cx.capabilities.efforts.clamp(level).map(Effort::word)
}

/// The least that the model can be asked for.
fn off(cx: &RequestContext<'_>) -> Option<&'static str> {
    match cx.capabilities.effort_floor {
        Some(floor) => Some(floor.word()),
        None => clamp(Effort::Low, cx),
    }
}

fn budget(raw: Option<&RawValue>) -> Result<u64, Refusal> {
    let raw = raw.ok_or_else(|| path::missing("thinking.budget_tokens"))?;
    raw.get()
        .parse()
        .map_err(|_| path::wrong_type("thinking.budget_tokens"))
}

/// The effort for a budget of thinking tokens.
fn from_budget(tokens: u64) -> Effort {
    match tokens {
        4096.. => Effort::High,
        2048.. => Effort::Medium,
        _ => Effort::Low,
    }
}
