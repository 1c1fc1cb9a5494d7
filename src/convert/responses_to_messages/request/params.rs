//! The scalar parameters: limits, sampling, who asks, and at which service level.

use serde_json::value::RawValue;

use crate::convert::anthropic_out::cache::Out;
use crate::convert::anthropic_out::params;
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::format::raw::RawStr;
use crate::format::responses::request::Request;
use crate::format::walk;

/// Whether the request only fills the prompt cache.
pub(super) fn is_prewarm(request: &Request<'_>) -> bool {
    let options = request.prompt_cache_options.map(RawValue::get);
    options.and_then(|options| walk::member(options, "prewarm")) == Some("true")
}

/// The number of output tokens to ask for.
pub(super) fn max_tokens(
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<u64, Refusal> {
    params::max_tokens("max_output_tokens", request.max_output_tokens, cx)
}

/// How many times the provider may run its own tools.
pub(super) fn max_tool_calls(request: &Request<'_>) -> Result<Option<u64>, Refusal> {
    request
        .max_tool_calls
        .map(|asked| params::required_positive_integer(asked.get(), "max_tool_calls"))
        .transpose()
}

/// `temperature` and `top_p`, as far as the model takes them.
pub(super) fn write_sampling(
    out: &mut Out,
    request: &Request<'_>,
    thinks: bool,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    params::write_sampling(out, request.temperature, request.top_p, thinks, cx)?;
    Ok(())
}

/// Who asks.
pub(super) fn write_metadata(out: &mut Out, request: &Request<'_>, cx: &mut RequestContext<'_>) {
    let asker = params::Asker {
        safety_identifier: request.safety_identifier,
        user: request.user,
        metadata: request.metadata,
    };
    asker.write(out, cx);
}

/// `service_tier` in Anthropic's words.
pub(super) fn write_service_tier(
    out: &mut Out,
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) {
    let faster = ["priority", "fast", "scale", "ultrafast"];
    params::write_service_tier(out, request.service_tier, &faster, cx);
}

/// `prompt_cache_options` as Anthropic's automatic cache mark, where the owner allows it; whether it was set.
pub(super) fn write_automatic_cache(
    out: &mut Out,
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> bool {
    let Some(options) = request.prompt_cache_options.map(RawValue::get) else {
        return false;
    };
    for field in ["ttl", "comparison_response_id"] {
        if walk::member(options, field).is_some() {
            cx.report
                .drop_field(format!("prompt_cache_options.{field}"));
        }
    }
    if is_prewarm(request) {
        cx.report.approximate("prompt_cache_options.prewarm");
    }
    let mode = walk::member(options, "mode").and_then(RawStr::from_json);
    match mode.map(RawStr::decode).as_deref() {
        None | Some("implicit") if cx.options.auto_cache == Some(true) => {}
        // The marks on the parts say it all, or only the members reported above were set.
        Some("explicit") | None => return false,
        _ => {
            cx.report.drop_field("prompt_cache_options");
            return false;
        }
    }
    cx.report.approximate("prompt_cache_options");
    params::write_automatic_mark(out);
    true
}
