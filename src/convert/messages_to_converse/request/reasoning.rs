//! How much the model shall think.

use serde_json::value::RawValue;

use crate::convert::context::RequestContext;
use crate::convert::converse_out::thinking::{self, Around, Asking, Kind, Paths, Wish};
use crate::convert::converse_out::turns::Facts;
use crate::convert::messages_in::{self, effort, missing};
use crate::convert::path::wrong_type;
use crate::convert::report::Refusal;
use crate::format::messages::request::Request;

pub(super) use crate::convert::converse_out::thinking::Plan;

const PATHS: Paths = Paths {
    thinking: "thinking",
    effort: "output_config.effort",
};

/// What becomes of `thinking` and `output_config.effort`.
pub(super) fn plan<'a>(
    request: &Request<'a>,
    max_tokens: Option<u64>,
    forced_tool: bool,
    facts: &Facts,
    cx: &mut RequestContext<'_>,
) -> Result<Plan<'a>, Refusal> {
    let thinking = read_thinking(request, cx)?;
    let effort = effort(request)?;
    let wish = if thinking.is_none() && effort.is_none() {
        Wish::Unsaid
    } else {
        Wish::Anthropic { thinking, effort }
    };
    let around = Around {
        max_tokens,
        forced_tool,
        gap: facts.loop_without_reasoning,
    };
    Ok(thinking::plan(wish, around, PATHS, cx))
}

fn read_thinking<'a>(
    request: &Request<'a>,
    cx: &mut RequestContext<'_>,
) -> Result<Option<Asking<'a>>, Refusal> {
    let (Some(raw), Some(thinking)) = (request.thinking, messages_in::thinking(request)?) else {
        return Ok(None);
    };
    let Some(kind) = thinking.kind else {
        return Err(missing("thinking.type"));
    };
    let is_claude = cx.capabilities.bedrock.anthropic;
    if !is_claude {
        for name in &thinking.unknown {
            cx.report.drop_field(format!("thinking.{name}"));
        }
        for (member, name) in [
            (thinking.display.is_some(), "thinking.display"),
            (thinking.block_binding.is_some(), "thinking.block_binding"),
        ] {
            if member {
                cx.report.drop_field(name);
            }
        }
    }
    let kind = match &*kind.decode() {
        "disabled" => Kind::Disabled,
        "adaptive" | "between_tools" => Kind::Adaptive,
        "enabled" => {
            let Some(budget) = thinking.budget_tokens.map(RawValue::get) else {
                return Err(missing("thinking.budget_tokens"));
            };
            let tokens: Result<u64, _> = budget.parse();
            Kind::Enabled(tokens.map_err(|_| wrong_type("thinking.budget_tokens"))?)
        }
        // Claude itself knows whether there is such a kind.
        _ if is_claude => Kind::Adaptive,
        other => {
            let message = format!("thinking.type: there is no thinking of type `{other}`");
            return Err(Refusal::invalid("thinking.type", message));
        }
    };
    Ok(Some(Asking {
        json: raw.get(),
        kind,
    }))
}
