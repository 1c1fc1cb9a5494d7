//! The members that are neither conversation nor tools.

use bytes::BytesMut;
use serde_json::value::RawValue;

use super::TARGET;
use crate::codec::write;
use crate::convert::context::RequestContext;
use crate::convert::converse_out::Out;
use crate::convert::converse_out::fields::RequestMetadata;
use crate::convert::converse_out::output::JsonSchema;
use crate::convert::converse_out::thinking::{self, Around, Paths, Plan, Wish};
use crate::convert::converse_out::turns::Facts;
use crate::convert::effort::Asked;
use crate::convert::report::Refusal;
use crate::convert::responses_request::format::Format;
use crate::convert::responses_request::input::Settings;
use crate::format::raw::RawStr;
use crate::format::responses::request::{Reasoning, Request, TextFormat};
use crate::format::walk;

const EFFORT: &str = "reasoning.effort";

const PATHS: Paths = Paths {
    thinking: EFFORT,
    effort: EFFORT,
};

/// Refuses what the target cannot do, and reports what it has no word for.
pub(super) fn refuse_or_drop(
    request: &Request<'_>,
    settings: &Settings<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    // Summaries of the reasoning are always in the answer, in whatever length the model gives.
    for (name, value) in [
        ("reasoning.summary", settings.reasoning.summary),
        (
            "reasoning.generate_summary",
            settings.reasoning.generate_summary,
        ),
    ] {
        if value.is_some() {
            cx.report.drop_field(name);
        }
    }
    // It counts only the tools that the provider runs itself.
    if request.max_tool_calls.is_some() {
        cx.report.drop_field("max_tool_calls");
    }
    let Some(options) = request.prompt_cache_options.map(RawValue::get) else {
        return Ok(());
    };
    if walk::member(options, "prewarm") == Some("true") {
        return Err(Refusal::unsupported(
            "prompt_cache_options.prewarm",
            format!("{TARGET} has no requests that only fill the prompt cache"),
        ));
    }
    // The marks on the parts say it all.
    let mode = walk::member(options, "mode").and_then(RawStr::from_json);
    let explicit = mode.is_some_and(|mode| mode.is("explicit"));
    if !explicit || walk::members(options).count() > 1 {
        cx.report.drop_field("prompt_cache_options");
    }
    Ok(())
}

/// What becomes of `reasoning.effort`.
pub(super) fn thinking(
    reasoning: &Reasoning<'_>,
    max_tokens: Option<u64>,
    forced_tool: bool,
    facts: &Facts,
    cx: &mut RequestContext<'_>,
) -> Result<Plan<'static>, Refusal> {
    let wish = match reasoning.effort {
        None => Wish::Unsaid,
        Some(word) => match Asked::from_word(&word.decode()) {
            Some(asked) => Wish::Effort(asked),
            None => return Err(Refusal::invalid(EFFORT, "there is no such effort")),
        },
    };
    // Claude does not think about an answer that was begun for it.
    let asks = matches!(wish, Wish::Effort(asked) if asked != Asked::Nothing);
    let wish = if asks && facts.is_prefilled && cx.capabilities.bedrock.anthropic {
        cx.report.drop_field(EFFORT);
        Wish::Unsaid
    } else {
        wish
    };
    let around = Around {
        max_tokens,
        forced_tool,
        gap: facts.loop_without_reasoning,
    };
    Ok(thinking::plan(wish, around, PATHS, cx))
}

/// The schema that the answer shall follow, with what the client says about it.
pub(super) fn schema<'a>(
    format: Format<'a>,
    asked: Option<&TextFormat<'a>>,
) -> Option<JsonSchema<'a>> {
    let Format::Schema(schema) = format else {
        return None;
    };
    Some(JsonSchema {
        schema,
        name: asked.and_then(|asked| asked.name),
        description: asked.and_then(|asked| asked.description),
    })
}

/// Writes the pairs of `metadata` that fit into the logs of model invocations; the client gets all of them back.
pub(super) fn write_metadata(request: &Request<'_>, out: &mut Out, cx: &mut RequestContext<'_>) {
    let Some(pairs) = request.metadata.map(RawValue::get) else {
        return;
    };
    let mut metadata = RequestMetadata::default();
    let all = metadata.merge(pairs);
    if !(metadata.is_empty() && all) {
        cx.report.approximate("metadata");
    }
    metadata.write(out);
}

/// The model that the client asked for, as JSON text: the answer does not name it.
pub(super) fn model(request: &Request<'_>, cx: &RequestContext<'_>) -> String {
    let asked = request.model.and_then(RawStr::new);
    if let Some(model) = asked.filter(|model| !model.is_empty()) {
        return model.json().to_owned();
    }
    let mut json = BytesMut::with_capacity(cx.model.len() + 2);
    write::string(&mut json, cx.model);
    String::from_utf8_lossy(&json).into_owned()
}
