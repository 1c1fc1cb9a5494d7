//! The scalar parameters: limits, sampling, stop sequences, who asks, and at which service level.

use bytes::BufMut;
use serde_json::value::RawValue;

use super::cache::Out;
use super::{WITHOUT_SAMPLING, path};
use crate::codec::write;
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::convert::stop;
use crate::format::chat::request::Request;
use crate::format::raw::RawStr;
use crate::format::walk;
use crate::models::Sampling;
use crate::provider::Provider;

/// Output tokens asked for where neither the client, the owner nor the model table says a number.
const DEFAULT_MAX_TOKENS: u64 = 8192;

/// The number of output tokens to ask for; Anthropic demands one.
pub(super) fn max_tokens(
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<u64, Refusal> {
    let (field, asked) = match (request.max_completion_tokens, request.max_tokens) {
        (Some(newer), older) => {
            if older.is_some_and(|older| older.get() != newer.get()) {
                cx.report.drop_field("max_tokens");
            }
            ("max_completion_tokens", Some(newer))
        }
        (None, older) => ("max_tokens", older),
    };
    let limit = cx.capabilities.max_output.map(u64::from);
    let Some(asked) = asked else {
        let wanted = cx.options.default_max_tokens.map(u64::from);
        let wanted = wanted.or(limit).unwrap_or(DEFAULT_MAX_TOKENS).max(1);
        return Ok(limit.map_or(wanted, |limit| wanted.min(limit)));
    };
    let Some(asked) = positive_integer(asked.get()) else {
        return Err(Refusal::invalid(
            field,
            format!("`{field}` must be a positive integer"),
        ));
    };
    match limit {
        Some(limit) if asked > limit => {
            cx.report.approximate(field);
            Ok(limit)
        }
        _ => Ok(asked),
    }
}

/// The positive integer that JSON text is, `256.0` included.
pub(super) fn positive_integer(text: &str) -> Option<u64> {
    let whole = match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|byte| byte == b'0') => whole,
        Some(_) => return None,
        None => text,
    };
    whole.parse().ok().filter(|value| *value > 0)
}

/// `temperature`, `top_p` and `top_k`, as far as the model takes them.
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
    if let Some((json, value)) = top_p
        && value != 1.0
    {
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
    if let Some(top_k) = request.top_k.map(RawValue::get) {
        if taken == Sampling::None || thinks || positive_integer(top_k).is_none() {
            cx.report.drop_field("top_k");
        } else {
            out.member("top_k");
            out.buf.extend_from_slice(top_k.as_bytes());
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

/// `stop` as `stop_sequences`; returns those that the gateway looks for itself, as Anthropic takes none that is only white
/// space.
pub(super) fn write_stop(
    out: &mut Out,
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<Vec<String>, Refusal> {
    let mut stops = Stops {
        emulates: cx.options.emulate_stop != Some(false),
        any: false,
        emulated: Vec::new(),
    };
    let Some(stop) = request.stop.map(RawValue::get) else {
        return Ok(stops.emulated);
    };
    if walk::is_array(stop) {
        for (index, entry) in walk::elements(stop).enumerate() {
            stops.write(out, entry, || path::element("stop", index, ""))?;
        }
    } else {
        stops.write(out, stop, || "stop".to_owned())?;
    }
    if stops.any {
        out.buf.put_u8(b']');
    }
    if stop::are_excessive(&stops.emulated) {
        return Err(Refusal::invalid(
            "stop",
            "there are too many stop sequences, or one is too long",
        ));
    }
    if !stops.emulated.is_empty() {
        cx.report.approximate("stop");
    }
    Ok(stops.emulated)
}

/// The stop sequences as they are written.
struct Stops {
    /// Whether the gateway may look for stop sequences itself.
    emulates: bool,
    /// Whether any was written.
    any: bool,
    emulated: Vec<String>,
}

impl Stops {
    fn write(
        &mut self,
        out: &mut Out,
        json: &str,
        at: impl FnOnce() -> String,
    ) -> Result<(), Refusal> {
        let Some(text) = RawStr::from_json(json) else {
            return Err(path::wrong_type(at()));
        };
        if text.is_empty() {
            return Ok(());
        }
        if text.is_blank() {
            if !self.emulates {
                return Err(Refusal::unsupported(
                    at(),
                    "Anthropic takes no stop sequence that is only white space",
                ));
            }
            self.emulated.push(text.decode().into_owned());
            return Ok(());
        }
        if self.any {
            out.buf.put_u8(b',');
        } else {
            out.member("stop_sequences");
            out.buf.put_u8(b'[');
            self.any = true;
        }
        out.buf.extend_from_slice(json.as_bytes());
        Ok(())
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
    let mut written = false;
    for (field, value) in [
        (
            "safety_identifier",
            request.safety_identifier.map(RawValue::get),
        ),
        ("user", request.user.map(RawValue::get)),
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
        Some("auto" | "priority" | "fast" | "scale") => Some("auto"),
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
    out.member("cache_control");
    out.buf.extend_from_slice(b"{\"type\":\"ephemeral\"}");
    true
}
