//! Top-level fields that Anthropic has no word for: hints are dropped and reported, the rest is refused.

use serde_json::value::RawValue;

use super::path;
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::format::chat::request::Request;
use crate::format::raw::RawStr;
use crate::format::walk;

/// Goes through the fields that never reach the output.
pub(super) fn refuse_or_drop(
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    drop_hints(request, cx);

    if let Some(n) = request.n
        && path::number(n.get()) != Some(1.0)
    {
        return Err(Refusal::unsupported("n", "Anthropic gives one choice only"));
    }
    // What could not be in the answer.
    let logprobs = request.logprobs.is_some_and(|value| value.get() != "false");
    refuse_unless_lossy(logprobs, "logprobs", cx)?;
    let top = request.top_logprobs;
    let top = top.is_some_and(|value| path::number(value.get()) != Some(0.0));
    refuse_unless_lossy(top, "top_logprobs", cx)?;
    let biased = request.logit_bias;
    let biased = biased.is_some_and(|map| walk::members(map.get()).next().is_some());
    refuse_unless_lossy(biased, "logit_bias", cx)?;

    if request.audio.is_some() {
        return Err(Refusal::unsupported(
            "audio",
            "Anthropic has no audio output",
        ));
    }
    let modalities = request.modalities.map(RawValue::get).unwrap_or_default();
    for (index, modality) in walk::elements(modalities).enumerate() {
        if !RawStr::from_json(modality).is_some_and(|word| word.is("text")) {
            return Err(Refusal::unsupported(
                path::element("modalities", index, ""),
                "Anthropic answers with text only",
            ));
        }
    }
    moderation(request, cx)
}

fn drop_hints(request: &Request<'_>, cx: &mut RequestContext<'_>) {
    let is_zero = |value: &RawValue| path::number(value.get()) == Some(0.0);
    let is_false = |value: &RawValue| value.get() == "false";
    let hints = [
        ("seed", request.seed),
        ("verbosity", request.verbosity),
        ("prediction", request.prediction),
        ("prompt_cache_key", request.prompt_cache_key),
        ("prompt_cache_retention", request.prompt_cache_retention),
        // What says nothing is not lost.
        (
            "frequency_penalty",
            request.frequency_penalty.filter(|value| !is_zero(value)),
        ),
        (
            "presence_penalty",
            request.presence_penalty.filter(|value| !is_zero(value)),
        ),
        ("store", request.store.filter(|value| !is_false(value))),
    ];
    for (name, value) in hints {
        if value.is_some() {
            cx.report.drop_field(name);
        }
    }
    if let Some(options) = &request.stream_options {
        if options
            .include_obfuscation
            .is_some_and(|v| v.get() != "false")
        {
            cx.report.drop_field("stream_options.include_obfuscation");
        }
        for name in &options.unknown {
            cx.report.drop_field(format!("stream_options.{name}"));
        }
    }
}

/// Refuses a field that was set, or drops it where the owner allows that.
pub(in crate::convert) fn refuse_unless_lossy(
    asked: bool,
    field: &'static str,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    if !asked {
        return Ok(());
    }
    if !cx.lossy {
        return Err(Refusal::unsupported(
            field,
            format!("{} has no such parameter", cx.provider),
        ));
    }
    cx.report.drop_field(field);
    Ok(())
}

/// A moderation that blocks is a promise; one that only reports is a hint.
pub(in crate::convert) fn moderation(
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let Some(moderation) = request.moderation.map(RawValue::get) else {
        return Ok(());
    };
    let policy = walk::member(moderation, "policy").unwrap_or_default();
    for (name, rule) in walk::members(policy) {
        let mode = walk::member(rule, "mode").and_then(RawStr::from_json);
        if mode.is_some_and(|mode| mode.is("block")) {
            return Err(Refusal::unsupported(
                format!("moderation.policy.{}.mode", name.decode()),
                format!("{} has no moderation that blocks", cx.provider),
            ));
        }
    }
    cx.report.drop_field("moderation");
    Ok(())
}
