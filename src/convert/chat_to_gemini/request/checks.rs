//! Top-level fields that Google has no word for: hints are dropped and reported, the rest is refused.

use super::TARGET;
use crate::convert::chat_request::checks::refuse_unless_lossy;
use crate::convert::context::RequestContext;
use crate::convert::moderation;
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::format::chat::request::Request;
use crate::format::walk;

/// Goes through the fields that never reach the output.
pub(super) fn refuse_or_drop(
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let hints = [
        ("verbosity", request.verbosity),
        ("prediction", request.prediction),
        ("metadata", request.metadata),
        ("user", request.user),
        ("safety_identifier", request.safety_identifier),
        ("prompt_cache_key", request.prompt_cache_key),
        ("prompt_cache_retention", request.prompt_cache_retention),
        ("prompt_cache_options", request.prompt_cache_options),
        ("thinking", request.thinking),
        // What says nothing is not lost.
        (
            "store",
            request.store.filter(|value| value.get() != "false"),
        ),
    ];
    for (name, value) in hints {
        if value.is_some() {
            cx.report.drop_field(name);
        }
    }
    if request.reasoning.is_some() {
        cx.report.drop_field("reasoning");
    }
    if let Some(options) = &request.stream_options {
        if options
            .include_obfuscation
            .is_some_and(|value| value.get() != "false")
        {
            cx.report.drop_field("stream_options.include_obfuscation");
        }
        for name in &options.unknown {
            cx.report.drop_field(format!("stream_options.{name}"));
        }
    }
    let biased = request.logit_bias;
    let biased = biased.is_some_and(|map| walk::members(map.get()).next().is_some());
    refuse_unless_lossy(biased, "logit_bias", TARGET, cx)?;
    if request
        .n
        .is_some_and(|n| path::number(n.get()) != Some(1.0))
        && request.stream == Some(true)
    {
        return Err(TARGET.unsupported("n", "streams one choice only"));
    }
    moderation::refuse_or_drop(request.moderation, TARGET.name, cx)
}
