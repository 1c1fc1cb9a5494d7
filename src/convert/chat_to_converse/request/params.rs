//! The scalar parameters: limits, sampling, stop sequences, thinking, and who asks.

use serde_json::value::RawValue;

use super::TARGET;
use crate::convert::anthropic_out::params::positive_integer;
use crate::convert::chat_request::wish::{self, Wish};
use crate::convert::chat_request::{limits, stops};
use crate::convert::context::RequestContext;
use crate::convert::converse_out::fields::{Fields, InferenceConfig};
use crate::convert::converse_out::thinking::{self, Around, Asking, Kind, Paths, Plan};
use crate::convert::converse_out::tools::Tools;
use crate::convert::converse_out::turns::Facts;
use crate::convert::converse_out::{openai, sampling};
use crate::convert::effort::{self, Asked};
use crate::convert::report::Refusal;
use crate::format::chat::request::Request;
use crate::format::raw::RawStr;
use crate::format::walk;
use crate::models::TopK;

/// The limit of output tokens, and the client's field for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub(super) tokens: Option<u64>,
    field: &'static str,
}

/// The limit that the client asks for, as far as the model takes it.
pub(super) fn max_tokens(
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<Limit, Refusal> {
    let (field, asked) = limits::max_tokens(request, cx.report);
    let tokens = openai::limit(field, asked, cx)?;
    Ok(Limit { tokens, field })
}

/// How the model is asked to think.
pub(super) fn thinking<'a>(
    request: &Request<'a>,
    max_tokens: Option<u64>,
    tools: &Tools<'_>,
    facts: &Facts,
    cx: &mut RequestContext<'_>,
) -> Result<Plan<'a>, Refusal> {
    let (field, wish) = wish::wish(request, cx)?;
    let paths = Paths {
        thinking: "thinking",
        effort: if field == "reasoning" {
            "reasoning"
        } else {
            "reasoning_effort"
        },
    };
    let mut wish = match wish {
        Wish::Nothing => thinking::Wish::Unsaid,
        Wish::Off => thinking::Wish::Effort(Asked::Nothing),
        Wish::Effort { asked, .. } => thinking::Wish::Effort(asked),
        Wish::Budget { tokens, .. } => {
            thinking::Wish::Effort(Asked::Level(effort::from_budget(tokens)))
        }
        Wish::Own(json) => {
            let kind = kind(json)?;
            thinking::Wish::Anthropic {
                thinking: Some(Asking { json, kind }),
                effort: wish::level(request).filter(|_| kind == Kind::Adaptive),
            }
        }
    };
    // Claude does not think about an answer that was begun for it.
    let asks = matches!(wish, thinking::Wish::Effort(asked) if asked != Asked::Nothing);
    if asks && facts.is_prefilled && cx.capabilities.bedrock.anthropic {
        cx.report.drop_field(paths.effort);
        wish = thinking::Wish::Unsaid;
    }
    let around = Around {
        max_tokens,
        forced_tool: tools.is_forced(),
        gap: facts.loop_without_reasoning,
    };
    Ok(thinking::plan(wish, around, paths, cx))
}

/// What Anthropic's `thinking` object asks for.
fn kind(json: &str) -> Result<Kind, Refusal> {
    let word = walk::member(json, "type").and_then(RawStr::from_json);
    match word.map(RawStr::decode).as_deref() {
        Some("disabled") => Ok(Kind::Disabled),
        Some("enabled") => {
            let budget = walk::member(json, "budget_tokens").and_then(positive_integer);
            Ok(Kind::Enabled(budget.unwrap_or(effort::MIN_BUDGET)))
        }
        Some("adaptive" | "between_tools") => Ok(Kind::Adaptive),
        _ => Err(Refusal::invalid(
            "thinking.type",
            "there is no such thinking",
        )),
    }
}

/// `inferenceConfig`, and the stop sequences that the gateway looks for itself: Claude takes none that is only white space.
pub(super) fn inference_config<'a>(
    request: &Request<'a>,
    limit: Limit,
    thinking: &Plan<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(InferenceConfig<'a>, Vec<String>), Refusal> {
    let mut max_tokens = limit.tokens;
    if thinking.forbids_limit() && max_tokens.take().is_some() {
        cx.report.drop_field(limit.field);
    }
    let sampling = sampling::read(request.temperature, request.top_p, thinking, cx)?;
    let emulates = cx.options.emulate_stop != Some(false);
    let emulates = cx.capabilities.bedrock.anthropic.then_some(emulates);
    let stops = stops::read(request.stop, TARGET, emulates)?;
    if !stops.emulated.is_empty() {
        cx.report.approximate("stop");
    }
    let config = InferenceConfig {
        max_tokens,
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        stop_sequences: stops.sent,
    };
    Ok((config, stops.emulated))
}

/// `top_k`, where the model takes one.
pub(super) fn add_top_k<'a>(
    request: &Request<'a>,
    thinking: &Plan<'_>,
    fields: &mut Fields<'a>,
    cx: &mut RequestContext<'_>,
) {
    let Some(top_k) = request.top_k.map(RawValue::get) else {
        return;
    };
    let usable = positive_integer(top_k).is_some() && !thinking.forbids_top_k();
    match cx.capabilities.bedrock.top_k {
        TopK::Member if usable => fields.set("top_k", top_k),
        TopK::InferenceConfig if usable => {
            fields.set("inferenceConfig", format!("{{\"topK\":{top_k}}}"));
        }
        _ => cx.report.drop_field("top_k"),
    }
}

/// Reports `prompt_cache_options`, unless it says that the marks on the parts say it all.
pub(super) fn drop_cache_options(request: &Request<'_>, cx: &mut RequestContext<'_>) {
    let Some(options) = request.prompt_cache_options.map(RawValue::get) else {
        return;
    };
    let mode = walk::member(options, "mode").and_then(RawStr::from_json);
    if !mode.is_some_and(|mode| mode.is("explicit")) {
        cx.report.drop_field("prompt_cache_options");
    } else if walk::member(options, "ttl").is_some() {
        cx.report.drop_field("prompt_cache_options.ttl");
    }
}
