//! The scalar parameters: limits, sampling, who asks, and at which service level.

use bytes::BufMut;
use serde_json::value::RawValue;

use super::path;
use crate::codec::write;
use crate::convert::chat_to_messages::request::cache::Out;
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::format::raw::RawStr;
use crate::format::responses::request::Request;
use crate::format::walk;
use crate::models::Sampling;
use crate::provider::Provider;

/// Output tokens asked for where neither the client, the owner nor the model table says a number.
const DEFAULT_MAX_TOKENS: u64 = 8192;
/// From this version of Anthropic's API on, no model takes sampling parameters.
const WITHOUT_SAMPLING: &str = "2026-10-21";

/// Whether the request only fills the prompt cache.
pub(super) fn is_prewarm(request: &Request<'_>) -> bool {
    let options = request.prompt_cache_options.map(RawValue::get);
    options.and_then(|options| walk::member(options, "prewarm")) == Some("true")
}

/// The number of output tokens to ask for; Anthropic demands one.
pub(super) fn max_tokens(
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<u64, Refusal> {
    let limit = cx.capabilities.max_output.map(u64::from);
    let Some(asked) = request.max_output_tokens else {
        let wanted = cx.options.default_max_tokens.map(u64::from);
        let wanted = wanted.or(limit).unwrap_or(DEFAULT_MAX_TOKENS).max(1);
        return Ok(limit.map_or(wanted, |limit| wanted.min(limit)));
    };
    let asked = positive_integer(asked.get(), "max_output_tokens")?;
    match limit {
        Some(limit) if asked > limit => {
            cx.report.approximate("max_output_tokens");
            Ok(limit)
        }
        _ => Ok(asked),
    }
}

/// How many times the provider may run its own tools.
pub(super) fn max_tool_calls(request: &Request<'_>) -> Result<Option<u64>, Refusal> {
    request
        .max_tool_calls
        .map(|asked| positive_integer(asked.get(), "max_tool_calls"))
        .transpose()
}

/// The positive integer that JSON text is, `256.0` included.
fn positive_integer(text: &str, field: &'static str) -> Result<u64, Refusal> {
    let whole = match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|byte| byte == b'0') => whole,
        Some(_) => "",
        None => text,
    };
    let number = whole.parse().ok().filter(|value| *value > 0);
    number.ok_or_else(|| Refusal::invalid(field, format!("`{field}` must be a positive integer")))
}

/// `temperature` and `top_p`, as far as the model takes them.
pub(super) fn write_sampling(
    out: &mut Out,
    request: &Request<'_>,
    thinks: bool,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let version = cx.options.anthropic_version.as_deref();
    let taken = match cx.capabilities.sampling {
        _ if version.is_some_and(|version| version >= WITHOUT_SAMPLING) => Sampling::None,
        taken => taken,
    };
    let temperature = in_range(request.temperature, "temperature", 2.0)?;
    let top_p = in_range(request.top_p, "top_p", 1.0)?;
    let mut has_temperature = false;
    if let Some((json, value)) = temperature {
        // A model that thinks wants 1, which is also every model's default.
        if taken == Sampling::None || thinks {
            if value != 1.0 {
                cx.report.drop_field("temperature");
            }
        } else {
            has_temperature = true;
            out.member("temperature");
            if value > 1.0 {
                cx.report.approximate("temperature");
                out.buf.extend_from_slice(b"1.0");
            } else {
                out.buf.extend_from_slice(json.as_bytes());
            }
        }
    }
    if let Some((json, value)) = top_p.filter(|(_, value)| *value != 1.0) {
        let refused = match taken {
            Sampling::None => true,
            Sampling::One => has_temperature,
            Sampling::WithoutThinking => thinks,
            Sampling::Any => false,
        };
        if refused || (thinks && value < 0.95) {
            cx.report.drop_field("top_p");
        } else {
            out.member("top_p");
            out.buf.extend_from_slice(json.as_bytes());
        }
    }
    Ok(())
}

/// A number from 0 to `max`: as it was written, and its value.
fn in_range<'a>(
    raw: Option<&'a RawValue>,
    field: &'static str,
    max: f64,
) -> Result<Option<(&'a str, f64)>, Refusal> {
    let Some(json) = raw.map(RawValue::get) else {
        return Ok(None);
    };
    match path::number(json) {
        Some(value) if (0.0..=max).contains(&value) => Ok(Some((json, value))),
        _ => Err(Refusal::invalid(
            field,
            format!("`{field}` must be a number from 0 to {max}"),
        )),
    }
}

/// `safety_identifier`, `user` or `metadata.user_id` as `metadata.user_id`.
pub(super) fn write_metadata(out: &mut Out, request: &Request<'_>, cx: &mut RequestContext<'_>) {
    let longest = match cx.provider {
        Provider::Anthropic => 512,
        _ => 255,
    };
    let metadata = request.metadata.map(RawValue::get);
    let in_metadata = metadata.and_then(|map| walk::member(map, "user_id"));
    let identifier = request.safety_identifier.map(RawValue::get);
    let user = request.user.map(RawValue::get);
    let mut written = false;
    for (field, value) in [
        ("safety_identifier", identifier),
        ("user", user),
        ("metadata.user_id", in_metadata),
    ] {
        let Some(value) = value else { continue };
        match RawStr::from_json(value) {
            Some(id) if !written && is_opaque_id(&id.decode(), longest) => {
                out.member("metadata");
                out.buf.extend_from_slice(b"{\"user_id\":");
                out.buf.extend_from_slice(id.json().as_bytes());
                out.buf.put_u8(b'}');
                cx.report.approximate(field);
                written = true;
            }
            _ => cx.report.drop_field(field),
        }
    }
    let others = walk::members(metadata.unwrap_or_default()).any(|(key, _)| !key.is("user_id"));
    if others {
        cx.report.drop_field("metadata");
    }
}

/// Whether Anthropic takes the id: it answers 400 to what looks like an e-mail address.
fn is_opaque_id(id: &str, longest: usize) -> bool {
    let printable = !id.trim().is_empty() && !id.chars().any(char::is_control);
    let is_email = id.split_once('@').is_some_and(|(name, host)| {
        name.ends_with(|c: char| c.is_alphanumeric() || "._+-".contains(c))
            && host.starts_with(char::is_alphanumeric)
    });
    printable && !is_email && id.chars().count() <= longest
}

/// `service_tier` in Anthropic's words.
pub(super) fn write_service_tier(
    out: &mut Out,
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) {
    let Some(tier) = request.service_tier.map(RawValue::get) else {
        return;
    };
    let tier = RawStr::from_json(tier).map(RawStr::decode);
    let sent = match tier.as_deref() {
        _ if cx.provider != Provider::Anthropic => None,
        Some("auto" | "priority" | "fast" | "scale" | "ultrafast") => Some("auto"),
        Some("default") => Some("standard_only"),
        _ => None,
    };
    let Some(sent) = sent else {
        cx.report.drop_field("service_tier");
        return;
    };
    if tier.as_deref() != Some(sent) {
        cx.report.approximate("service_tier");
    }
    out.member("service_tier");
    write::string(&mut out.buf, sent);
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
    out.member("cache_control");
    out.buf.extend_from_slice(b"{\"type\":\"ephemeral\"}");
    true
}
