//! The scalar parameters: limits, sampling, stop sequences, who asks, and at which service level.

use bytes::BufMut;
use serde_json::value::RawValue;

use super::TARGET;
use crate::convert::anthropic_out::cache::Out;
use crate::convert::anthropic_out::params;
use crate::convert::chat_request::{limits, stops};
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::format::chat::request::Request;
use crate::format::raw::RawStr;
use crate::format::walk;
use crate::models::Sampling;

/// The number of output tokens to ask for: the newer of the two fields is what the client means.
pub(super) fn max_tokens(
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<u64, Refusal> {
    let (field, asked) = limits::max_tokens(request, cx.report);
    params::max_tokens(field, asked, cx)
}

/// `temperature`, `top_p` and `top_k`, as far as the model takes them.
pub(super) fn write_sampling(
    out: &mut Out,
    request: &Request<'_>,
    thinks: bool,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let taken = params::write_sampling(out, request.temperature, request.top_p, thinks, cx)?;
    if let Some(top_k) = request.top_k.map(RawValue::get) {
        if taken == Sampling::None || thinks || params::positive_integer(top_k).is_none() {
            cx.report.drop_field("top_k");
        } else {
            out.member("top_k");
            out.buf.extend_from_slice(top_k.as_bytes());
        }
    }
    Ok(())
}

/// `stop` as `stop_sequences`; returns those that the gateway looks for itself, as Anthropic takes none that is only white
/// space.
pub(super) fn write_stop(
    out: &mut Out,
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<Vec<String>, Refusal> {
    let emulates = cx.options.emulate_stop != Some(false);
    let stops = stops::read(request.stop, TARGET, Some(emulates))?;
    if !stops.sent.is_empty() {
        out.member("stop_sequences");
        for (index, stop) in stops.sent.iter().enumerate() {
            out.buf.put_u8(if index == 0 { b'[' } else { b',' });
            out.buf.extend_from_slice(stop.as_bytes());
        }
        out.buf.put_u8(b']');
    }
    if !stops.emulated.is_empty() {
        cx.report.approximate("stop");
    }
    Ok(stops.emulated)
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
    let faster = ["priority", "fast", "scale"];
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
    if walk::member(options, "ttl").is_some() {
        cx.report.drop_field("prompt_cache_options.ttl");
    }
    let mode = walk::member(options, "mode").and_then(RawStr::from_json);
    let mode = mode.map(RawStr::decode);
    match mode.as_deref() {
        // The marks on the parts say it all.
        Some("explicit") => return false,
        None | Some("implicit") if cx.options.auto_cache == Some(true) => {}
        _ => {
            cx.report.drop_field("prompt_cache_options");
            return false;
        }
    }
    cx.report.approximate("prompt_cache_options");
    params::write_automatic_mark(out);
    true
}
