//! How much the model shall think, and whether the client sees it.

use crate::convert::context::RequestContext;
use crate::convert::effort::Asked;
use crate::convert::gemini_out::Thinking;
use crate::convert::messages_in;
use crate::convert::messages_to_chat::request::reasoning::{
    Thinking as Wish, effort_of, read_thinking,
};
use crate::convert::report::Refusal;
use crate::format::messages::request::Request;
use crate::models::Effort;

/// What `thinking` and `output_config.effort` ask of the model.
pub(super) fn plan(
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<Thinking<'static>, Refusal> {
    let (wish, visible) = read_thinking(request, cx)?;
    let effort = messages_in::effort(request)?;
    let of_effort = |asked| Thinking::of_effort(asked, cx.capabilities);
    let include = visible.then_some(true);
    let shown = |thinking: Thinking<'static>| Thinking {
        include,
        ..thinking
    };
    if effort.is_some() && matches!(wish, Wish::Disabled | Wish::Budget(_)) {
        // The budget is the nearer wish of the two.
        cx.report.drop_field("output_config.effort");
    }
    let (planned, field) = match wish {
        Wish::Unsaid => {
            let mut thinking = Thinking::default();
            if let Some(effort) = effort {
                match of_effort(Asked::Level(effort)) {
                    Some(asked) => {
                        cx.report.approximate("output_config.effort");
                        thinking = asked;
                    }
                    None => cx.report.drop_field("output_config.effort"),
                }
            }
            // Anthropic's clients see no thinking that they did not ask for.
            if cx.options.expose_thoughts == Some(true) {
                thinking.show(cx.capabilities);
            }
            return Ok(thinking);
        }
        Wish::Disabled => {
            // A model that does not think does what is asked for.
            let Some(least) = of_effort(Asked::Nothing) else {
                return Ok(Thinking::default());
            };
            if least.budget.as_deref() != Some("0") {
                cx.report.approximate("thinking");
            }
            return Ok(least);
        }
        Wish::Budget(tokens) => {
            let by_budget = cx.capabilities.thinking.is_some_and(|kinds| kinds.enabled);
            if by_budget {
                let thinking = Thinking::of_budget(tokens, cx.capabilities);
                if thinking.budget.as_deref() != Some(tokens.to_string().as_str()) {
                    cx.report.approximate("thinking");
                }
                return Ok(shown(thinking));
            }
            (of_effort(Asked::Level(effort_of(tokens))), "thinking")
        }
        Wish::Adaptive => {
            // Anthropic's own default.
            let effort = effort.unwrap_or(Effort::High);
            (of_effort(Asked::Level(effort)), "thinking")
        }
    };
    if let Some(thinking) = planned {
        cx.report.approximate(field);
        Ok(shown(thinking))
    } else {
        cx.report.drop_field(field);
        if effort.is_some() {
            cx.report.drop_field("output_config.effort");
        }
        Ok(Thinking::default())
    }
}
