//! How much the model shall think, and whether the client sees it.
//!
//! Sources: Anthropic's pages on extended and adaptive thinking and on effort; Google's, Groq's and Perplexity's on
//! reasoning, as the provider's profile has them.

use crate::convert::chat_out::Asking;
use crate::convert::context::RequestContext;
use crate::convert::effort::Asked;
use crate::convert::messages_in;
use crate::convert::path::wrong_type;
use crate::convert::report::Refusal;
use crate::format::messages::request::Request;
use crate::format::raw::RawStr;
use crate::models::Effort;
use crate::provider::chat_profile::{ChatProfile, Reasoning, Visible};

/// Up to these budgets of thinking tokens an effort is low, or medium.
const LOW_BUDGET: u64 = 2048;
const MEDIUM_BUDGET: u64 = 12_288;

/// What the client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::convert) enum Thinking {
    /// Nothing is said.
    Unsaid,
    Disabled,
    /// With a budget of tokens.
    Budget(u64),
    /// As much as the effort says.
    Adaptive,
}

/// What `thinking` and `output_config.effort` ask of the target's model; `None` where there is nothing to say to it.
pub(super) fn plan(
    request: &Request<'_>,
    profile: &'static ChatProfile,
    cx: &mut RequestContext<'_>,
) -> Result<Option<(&'static Reasoning, Asking)>, Refusal> {
    let (thinking, visible) = read_thinking(request, cx)?;
    let effort = messages_in::effort(request)?;
    let Some(reasoning) = profile.reasoning(cx.model) else {
        if !matches!(thinking, Thinking::Unsaid | Thinking::Disabled) {
            cx.report.drop_field("thinking");
        }
        if effort.is_some() {
            cx.report.drop_field("output_config.effort");
        }
        return Ok(None);
    };
    if !visible && reasoning.visible == Visible::Unasked {
        // What such a provider shows, it always shows.
        cx.report.drop_field("thinking.display");
    }
    let asking = match (thinking, effort) {
        (Thinking::Unsaid, None) => return Ok(None),
        (Thinking::Unsaid, Some(effort)) => {
            report_effort(effort, reasoning, cx);
            Asking {
                effort: Some(Asked::Level(effort)),
                budget: None,
                // Unsaid, the model's thoughts would stand in its text.
                visible: (reasoning.visible == Visible::Format).then_some(true),
            }
        }
        (Thinking::Disabled, effort) => {
            if effort.is_some() {
                cx.report.drop_field("output_config.effort");
            }
            match reasoning.effort(Asked::Nothing) {
                Some("none") => {}
                Some(_) => cx.report.approximate("thinking"),
                None => cx.report.drop_field("thinking"),
            }
            Asking {
                effort: Some(Asked::Nothing),
                budget: None,
                visible: (reasoning.visible == Visible::Include).then_some(false),
            }
        }
        (Thinking::Budget(tokens), effort) => {
            // The budget is the nearer wish of the two.
            if effort.is_some() {
                cx.report.drop_field("output_config.effort");
            }
            cx.report.approximate("thinking");
            Asking {
                effort: Some(Asked::Level(effort_of(tokens))),
                budget: Some(tokens),
                visible: Some(visible),
            }
        }
        (Thinking::Adaptive, effort) => {
            cx.report.approximate("thinking");
            if let Some(effort) = effort {
                report_effort(effort, reasoning, cx);
            }
            Asking {
                // Anthropic's own default.
                effort: Some(Asked::Level(effort.unwrap_or(Effort::High))),
                budget: None,
                visible: Some(visible),
            }
        }
    };
    Ok(Some((reasoning, asking)))
}

/// What `thinking` says, and whether its text shall be shown.
pub(in crate::convert) fn read_thinking(
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(Thinking, bool), Refusal> {
    let Some(thinking) = messages_in::thinking(request)? else {
        return Ok((Thinking::Unsaid, true));
    };
    for name in &thinking.unknown {
        cx.report.drop_field(format!("thinking.{name}"));
    }
    if thinking.block_binding.is_some() {
        cx.report.drop_field("thinking.block_binding");
    }
    let display = thinking.display.map(RawStr::decode);
    let visible = display.as_deref() != Some("omitted");
    let Some(kind) = thinking.kind else {
        return Err(messages_in::missing("thinking.type"));
    };
    let thinking = match &*kind.decode() {
        "disabled" => Thinking::Disabled,
        "adaptive" | "between_tools" => Thinking::Adaptive,
        "enabled" => {
            let Some(budget) = thinking.budget_tokens else {
                return Err(messages_in::missing("thinking.budget_tokens"));
            };
            let tokens: Result<u64, _> = budget.get().parse();
            Thinking::Budget(tokens.map_err(|_| wrong_type("thinking.budget_tokens"))?)
        }
        other => {
            let message = format!("thinking.type: there is no thinking of type `{other}`");
            return Err(Refusal::invalid("thinking.type", message));
        }
    };
    Ok((thinking, visible))
}

fn report_effort(asked: Effort, reasoning: &Reasoning, cx: &mut RequestContext<'_>) {
    match reasoning.effort(Asked::Level(asked)) {
        Some(word) if word == asked.word() => {}
        Some(_) => cx.report.approximate("output_config.effort"),
        None => cx.report.drop_field("output_config.effort"),
    }
}

/// The effort that a budget of thinking tokens stands for.
pub(in crate::convert) fn effort_of(tokens: u64) -> Effort {
    if tokens <= LOW_BUDGET {
        Effort::Low
    } else if tokens <= MEDIUM_BUDGET {
        Effort::Medium
    } else {
        Effort::High
    }
}
