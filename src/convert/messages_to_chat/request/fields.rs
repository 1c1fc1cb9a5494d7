//! The members of the request that are neither conversation nor tools nor thinking.

use serde_json::value::RawValue;

use crate::codec::write::Object;
use crate::convert::context::RequestContext;
use crate::convert::messages_in::{json_schema, missing, report_unknown, unsupported};
use crate::convert::path::wrong_type;
use crate::convert::report::Refusal;
use crate::format::messages::request::Request;
use crate::format::raw::RawStr;
use crate::provider::chat_profile::ChatProfile;

/// Refuses what the target cannot keep, and reports what no Chat provider has a word for.
pub(in crate::convert) fn refuse_or_drop(
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    for (value, field) in [(request.container, "container"), (request.thread, "thread")] {
        if value.is_some() {
            return Err(unsupported(field, cx.provider, "state of an earlier call"));
        }
    }
    let geo = request.inference_geo.map(RawValue::get);
    if geo.is_some_and(|geo| RawStr::from_json(geo).is_none_or(|geo| !geo.is("global"))) {
        return Err(unsupported(
            "inference_geo",
            cx.provider,
            "a promise of where the model runs",
        ));
    }
    for (value, field) in [
        (request.cache_control, "cache_control"),
        (request.speed, "speed"),
        (request.diagnostics, "diagnostics"),
        (request.context_management, "context_management"),
        (request.compaction, "compaction"),
        (request.fallbacks, "fallbacks"),
        (request.fallback_credit_token, "fallback_credit_token"),
        (request.billing_policy, "billing_policy"),
    ] {
        if value.is_some() {
            cx.report.drop_field(field);
        }
    }
    report_unknown(request, cx.report);
    Ok(())
}

/// The limit of output tokens.
pub(in crate::convert) fn max_tokens(
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<u64, Refusal> {
    let Some(raw) = request.max_tokens else {
        return Err(missing("max_tokens"));
    };
    let asked: u64 = raw.get().parse().map_err(|_| wrong_type("max_tokens"))?;
    if asked == 0 {
        return Err(unsupported(
            "max_tokens",
            cx.provider,
            "a call that only fills a cache (`0`)",
        ));
    }
    match cx.capabilities.max_output.map(u64::from) {
        Some(most) if asked > most => {
            cx.report.approximate("max_tokens");
            Ok(most)
        }
        _ => Ok(asked),
    }
}

/// Writes `temperature`, `top_p` and `top_k`.
pub(super) fn write_sampling(
    out: &mut Object<'_>,
    request: &Request<'_>,
    profile: &ChatProfile,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    for (raw, field, known) in [
        (request.temperature, "temperature", true),
        (request.top_p, "top_p", true),
        (request.top_k, "top_k", profile.top_k),
    ] {
        let Some(number) = raw.map(RawValue::get) else {
            continue;
        };
        if number.parse::<f64>().is_err() {
            return Err(wrong_type(field));
        }
        if known {
            out.raw(field, number);
        } else {
            cx.report.drop_field(field);
        }
    }
    Ok(())
}

/// Writes `stop`.
pub(super) fn write_stop(
    out: &mut Object<'_>,
    request: &Request<'_>,
    profile: &ChatProfile,
    cx: &RequestContext<'_>,
) -> Result<(), Refusal> {
    let stops = request
        .stop_sequences
        .as_ref()
        .map_or(&[][..], |list| &list.0);
    if stops.is_empty() {
        return Ok(());
    }
    if let Some(most) = profile.max_stop
        && stops.len() > most
    {
        return Err(Refusal::unsupported(
            "stop_sequences",
            format!(
                "stop_sequences: {} takes at most {most} stop sequences",
                cx.provider
            ),
        ));
    }
    let mut list = out.array("stop");
    for stop in stops {
        list.raw(stop.json());
    }
    list.end();
    Ok(())
}

/// Writes `response_format`.
pub(super) fn write_format(
    out: &mut Object<'_>,
    request: &Request<'_>,
    profile: &ChatProfile,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let Some(schema) = json_schema(request, cx)? else {
        return Ok(());
    };
    let mut format = out.object("response_format");
    format.string("type", "json_schema");
    let mut named = format.object("json_schema");
    named.string("name", "output").raw("schema", schema);
    if profile.strict_schema {
        named.bool("strict", true);
    }
    named.end();
    format.end();
    Ok(())
}

/// Writes `user` and `service_tier`.
pub(super) fn write_account(
    out: &mut Object<'_>,
    request: &Request<'_>,
    profile: &ChatProfile,
    cx: &mut RequestContext<'_>,
) {
    if let Some(metadata) = &request.metadata {
        for name in &metadata.unknown {
            cx.report.drop_field(format!("metadata.{name}"));
        }
        match metadata.user_id {
            Some(user) if profile.user => {
                out.raw("user", user.json());
            }
            Some(_) => cx.report.drop_field("metadata.user_id"),
            None => {}
        }
    }
    let Some(tier) = request.service_tier.map(RawValue::get) else {
        return;
    };
    let tier = RawStr::from_json(tier).map(RawStr::decode);
    let asked = match tier.as_deref() {
        Some("auto") => Some("auto"),
        Some("standard_only") => Some("default"),
        _ => None,
    };
    let known = asked.and_then(|asked| {
        let mut tiers = profile.service_tiers.iter();
        tiers.find(|(openai, _)| *openai == asked)
    });
    match known {
        Some((asked, word)) => {
            if *asked != "auto" {
                cx.report.approximate("service_tier");
            }
            out.string("service_tier", word);
        }
        None => cx.report.drop_field("service_tier"),
    }
}
