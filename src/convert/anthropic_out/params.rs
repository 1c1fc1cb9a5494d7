//! The scalar parameters that Chat and Responses have in common: limits, sampling, who asks, and at which service level.

use bytes::BufMut;
use serde_json::value::RawValue;

use super::cache::Out;
use crate::codec::write;
use crate::convert::context::RequestContext;
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::format::raw::RawStr;
use crate::format::walk;
use crate::models::Sampling;
use crate::provider::Provider;

/// Output tokens asked for where neither the client, the owner nor the model table says a number.
const DEFAULT_MAX_TOKENS: u64 = 8192;
/// From this version of Anthropic's API on, no model takes sampling parameters.
const WITHOUT_SAMPLING: &str = "2026-10-21";

/// The number of output tokens to ask for, where the client's `field` says `asked`; Anthropic demands one.
pub(in crate::convert) fn max_tokens(
    field: &'static str,
    asked: Option<&RawValue>,
    cx: &mut RequestContext<'_>,
) -> Result<u64, Refusal> {
    let limit = cx.capabilities.max_output.map(u64::from);
    let Some(asked) = asked else {
        let wanted = cx.options.default_max_tokens.map(u64::from);
        let wanted = wanted.or(limit).unwrap_or(DEFAULT_MAX_TOKENS).max(1);
        return Ok(limit.map_or(wanted, |limit| wanted.min(limit)));
    };
    let asked = required_positive_integer(asked.get(), field)?;
    match limit {
        Some(limit) if asked > limit => {
            cx.report.approximate(field);
            Ok(limit)
        }
        _ => Ok(asked),
    }
}

/// The positive integer that JSON text is, `256.0` included.
pub(in crate::convert) fn positive_integer(text: &str) -> Option<u64> {
    let whole = match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|byte| byte == b'0') => whole,
        Some(_) => return None,
        None => text,
    };
    whole.parse().ok().filter(|value| *value > 0)
}

/// The same; `field` may hold nothing else.
pub(in crate::convert) fn required_positive_integer(
    text: &str,
    field: &'static str,
) -> Result<u64, Refusal> {
    positive_integer(text)
        .ok_or_else(|| Refusal::invalid(field, format!("`{field}` must be a positive integer")))
}

/// Writes `temperature` and `top_p`, as far as the model takes them. Returns which sampling parameters it takes.
pub(in crate::convert) fn write_sampling(
    out: &mut Out,
    temperature: Option<&RawValue>,
    top_p: Option<&RawValue>,
    thinks: bool,
    cx: &mut RequestContext<'_>,
) -> Result<Sampling, Refusal> {
    let version = cx.options.anthropic_version.as_deref();
    let version = version.filter(|version| version.starts_with(|c: char| c.is_ascii_digit()));
    let taken = match cx.capabilities.sampling {
        _ if version.is_some_and(|version| version >= WITHOUT_SAMPLING) => Sampling::None,
        taken => taken,
    };
    let temperature = in_range(temperature, "temperature", 2.0)?;
    let top_p = in_range(top_p, "top_p", 1.0)?;

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
    Ok(taken)
}

/// A number from 0 to `max`: as it was written, and its value.
pub(in crate::convert) fn in_range<'a>(
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

/// The members of an OpenAI request that may say who asks.
#[derive(Debug, Clone, Copy)]
pub(in crate::convert) struct Asker<'a> {
    pub(in crate::convert) safety_identifier: Option<&'a RawValue>,
    pub(in crate::convert) user: Option<&'a RawValue>,
    pub(in crate::convert) metadata: Option<&'a RawValue>,
}

impl Asker<'_> {
    /// Writes `safety_identifier`, `user` or `metadata.user_id` as `metadata.user_id`.
    pub(in crate::convert) fn write(self, out: &mut Out, cx: &mut RequestContext<'_>) {
        let longest = match cx.provider {
            Provider::Anthropic => 512,
            _ => 255,
        };
        let metadata = self.metadata.map(RawValue::get);
        let in_metadata = metadata.and_then(|map| walk::member(map, "user_id"));
        let mut written = false;
        for (field, value) in [
            (
                "safety_identifier",
                self.safety_identifier.map(RawValue::get),
            ),
            ("user", self.user.map(RawValue::get)),
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

/// Writes `service_tier` in Anthropic's words; `faster` are the client format's tiers above the default one.
pub(in crate::convert) fn write_service_tier(
    out: &mut Out,
    tier: Option<&RawValue>,
    faster: &[&str],
    cx: &mut RequestContext<'_>,
) {
    let Some(tier) = tier.map(RawValue::get) else {
        return;
    };
    let tier = RawStr::from_json(tier).map(RawStr::decode);
    let sent = match tier.as_deref() {
        _ if cx.provider != Provider::Anthropic => None,
        Some("default") => Some("standard_only"),
        Some(tier) if tier == "auto" || faster.contains(&tier) => Some("auto"),
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

/// Writes Anthropic's automatic cache mark for the whole request.
pub(in crate::convert) fn write_automatic_mark(out: &mut Out) {
    out.member("cache_control");
    out.buf.extend_from_slice(b"{\"type\":\"ephemeral\"}");
}
