//! The members that are neither conversation nor tools.

use serde_json::value::RawValue;

use super::TARGET;
use crate::codec::write::Object;
use crate::convert::anthropic_out::params::required_positive_integer;
use crate::convert::context::RequestContext;
use crate::convert::effort::Asked;
use crate::convert::gemini_out::{Thinking, service_tier, write_output_schema, write_subset};
use crate::convert::report::Refusal;
use crate::convert::responses_request::format::{self, Format};
use crate::convert::responses_request::input::Settings;
use crate::convert::responses_request::path;
use crate::format::raw::RawStr;
use crate::format::responses::request::{Reasoning, Request};
use crate::format::walk;
use crate::models::GeminiGeneration;

const EFFORT: &str = "reasoning.effort";
const SCHEMA: &str = "text.format.schema";

/// Refuses what Google cannot do, and reports what it has no word for.
pub(super) fn refuse_or_drop(
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    if let Some(options) = request.prompt_cache_options.map(RawValue::get) {
        if walk::member(options, "prewarm") == Some("true") {
            return Err(Refusal::unsupported(
                "prompt_cache_options.prewarm",
                format!("{TARGET} has no requests that only fill the prompt cache"),
            ));
        }
        cx.report.drop_field("prompt_cache_options");
    }
    for (name, value) in [
        // It counts only the tools that the provider runs itself.
        ("max_tool_calls", request.max_tool_calls),
        // The answer gives it back, but nothing is stored by it.
        ("metadata", request.metadata),
        ("user", request.user),
        ("safety_identifier", request.safety_identifier),
    ] {
        if value.is_some() {
            cx.report.drop_field(name);
        }
    }
    Ok(())
}

/// Writes `generationConfig`, where there is something to say.
pub(super) fn write_generation(
    object: &mut Object<'_>,
    request: &Request<'_>,
    settings: &Settings<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    const LIMIT: &str = "max_output_tokens";
    let mut members = bytes::BytesMut::new();
    let mut config = Object::begin(&mut members);
    if let Some(limit) = request.max_output_tokens {
        let asked = required_positive_integer(limit.get(), LIMIT)?;
        let most = cx.capabilities.max_output.map_or(u64::MAX, u64::from);
        if asked > most {
            cx.report.approximate(LIMIT);
        }
        config.uint("maxOutputTokens", asked.min(most));
    }
    for (field, name, value) in [
        ("temperature", "temperature", request.temperature),
        ("top_p", "topP", request.top_p),
    ] {
        if let Some(json) = value.map(RawValue::get) {
            path::number(json).ok_or_else(|| path::wrong_type(field))?;
            config.raw(name, json);
        }
    }
    write_format(&mut config, settings, cx)?;
    thinking(&settings.reasoning, cx)?.write(&mut config);
    config.end();
    if members.len() > 2 {
        object.key("generationConfig").extend_from_slice(&members);
    }
    Ok(())
}

fn write_format(
    config: &mut Object<'_>,
    settings: &Settings<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let asked = settings.text.format.as_ref();
    let schema = match format::read(asked, TARGET, cx)? {
        Format::Text => return Ok(()),
        Format::JsonObject => None,
        Format::Schema(schema) => Some(schema),
    };
    config.string("responseMimeType", "application/json");
    let Some(schema) = schema else { return Ok(()) };
    if asked.is_some_and(|format| format.description.is_some()) {
        cx.report.drop_field("text.format.description");
    }
    let generation = cx.capabilities.gemini;
    let legacy = generation == GeminiGeneration::Legacy;
    let written = if cx.options.legacy_schema.unwrap_or(legacy) {
        write_subset(schema, config.key("responseSchema"))
    } else {
        let ordering = generation != GeminiGeneration::V3;
        write_output_schema(schema, ordering, config.key("responseJsonSchema"))
    };
    if written.map_err(|error| Refusal::unsupported(SCHEMA, error.0))? {
        cx.report.approximate(SCHEMA);
    }
    Ok(())
}

/// How much the model thinks, and whether it shows that.
fn thinking(
    reasoning: &Reasoning<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<Thinking<'static>, Refusal> {
    let mut thinking = Thinking::default();
    if let Some(word) = reasoning.effort {
        let Some(asked) = Asked::from_word(&word.decode()) else {
            return Err(Refusal::invalid(EFFORT, "there is no such effort"));
        };
        match Thinking::of_effort(asked, cx.capabilities) {
            Some(effort) => {
                cx.report.approximate(EFFORT);
                thinking = effort;
            }
            // A model that does not think does what `none` asks for.
            None if asked == Asked::Nothing => {}
            None => cx.report.drop_field(EFFORT),
        }
    }
    if cx.options.expose_thoughts != Some(false) {
        thinking.show(cx.capabilities);
    }
    for (name, value) in [
        ("reasoning.summary", reasoning.summary),
        ("reasoning.generate_summary", reasoning.generate_summary),
    ] {
        match value {
            // Of whatever length the model gives.
            Some(_) if thinking.include == Some(true) => cx.report.approximate(name),
            Some(_) => cx.report.drop_field(name),
            None => {}
        }
    }
    Ok(thinking)
}

/// `service_tier` in Google's words.
pub(super) fn write_service_tier(
    object: &mut Object<'_>,
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) {
    let word = request.service_tier.map(RawValue::get);
    let tier = word.and_then(|word| service_tier(RawStr::from_json(word), cx));
    if let Some(tier) = tier {
        object.string("serviceTier", tier);
    }
}
