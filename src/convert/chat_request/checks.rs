//! Top-level fields that only OpenAI has a word for: hints are dropped and reported, the rest is refused.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::path;
use crate::convert::context::RequestContext;
use crate::convert::moderation;
use crate::convert::report::Refusal;
use crate::format::chat::request::Request;
use crate::format::raw::RawStr;
use crate::format::walk;

/// Whom the request goes to, as far as the words of refusals depend on it.
#[derive(Debug, Clone, Copy)]
pub(in crate::convert) struct Target {
    pub(in crate::convert) name: &'static str,
    /// Whether `top_logprobs` without `logprobs` is taken for a hint, though it asks for something.
    pub(in crate::convert) lone_top_logprobs: bool,
}

impl Target {
    /// The refusal of `field`: the target `what`.
    pub(in crate::convert) fn unsupported(
        self,
        field: impl Into<Cow<'static, str>>,
        what: &str,
    ) -> Refusal {
        Refusal::unsupported(field, format!("{} {what}", self.name))
    }
}

/// Goes through the fields that never reach the output.
pub(in crate::convert) fn refuse_or_drop(
    request: &Request<'_>,
    target: Target,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    drop_hints(request, cx);

    if let Some(n) = request.n
        && path::number(n.get()) != Some(1.0)
    {
        return Err(target.unsupported("n", "gives one choice only"));
    }
    // What could not be in the answer.
    let logprobs = request.logprobs.is_some_and(|value| value.get() != "false");
    refuse_unless_lossy(logprobs, "logprobs", target, cx)?;
    let top = request.top_logprobs;
    let top = top.is_some_and(|value| path::number(value.get()) != Some(0.0));
    if top && !logprobs && target.lone_top_logprobs {
        cx.report.drop_field("top_logprobs");
    } else {
        refuse_unless_lossy(top, "top_logprobs", target, cx)?;
    }
    let biased = request.logit_bias;
    let biased = biased.is_some_and(|map| walk::members(map.get()).next().is_some());
    refuse_unless_lossy(biased, "logit_bias", target, cx)?;

    if request.audio.is_some() {
        return Err(target.unsupported("audio", "has no audio output"));
    }
    let modalities = request.modalities.map(RawValue::get).unwrap_or_default();
    for (index, modality) in walk::elements(modalities).enumerate() {
        if !RawStr::from_json(modality).is_some_and(|word| word.is("text")) {
            return Err(target.unsupported(
                path::element("modalities", index, ""),
                "answers with text only",
            ));
        }
    }
    moderation::refuse_or_drop(request.moderation, target.name, cx)
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
    target: Target,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    if !asked {
        return Ok(());
    }
    if !cx.lossy {
        return Err(target.unsupported(field, "has no such parameter"));
    }
    cx.report.drop_field(field);
    Ok(())
}
