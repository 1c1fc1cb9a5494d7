//! The members of the request that are neither conversation nor tools nor thinking.

use serde_json::value::RawValue;

use super::betas;
use super::reasoning::Plan;
use crate::convert::context::RequestContext;
use crate::convert::converse_out::fields::{
    Fields, InferenceConfig, write_service_tier as write_tier,
};
use crate::convert::converse_out::output::JsonSchema;
use crate::convert::converse_out::{Out, Rules};
use crate::convert::messages_in::{self, missing, report_unknown, unsupported};
use crate::convert::path::{number, wrong_type};
use crate::convert::report::Refusal;
use crate::format::messages::request::Request;
use crate::format::raw::RawStr;
use crate::format::walk;
use crate::models::TopK;

/// The edit of `context_management` that Converse takes: the others only make a conversation shorter.
const COMPACT_EDIT: &str = "compact_20260112";

/// CountTokens has no member for the format of the output.
pub(super) fn drop_format(request: &Request<'_>, cx: &mut RequestContext<'_>) {
    let config = request.output_config.as_ref();
    if config.is_some_and(|config| config.format.is_some()) {
        cx.report.drop_field("output_config.format");
    }
    if request.output_format.is_some() {
        cx.report.drop_field("output_format");
    }
}

/// Refuses what the target cannot keep, and reports what it has no word for.
pub(super) fn refuse_or_drop(
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    for (value, field) in [
        (request.container, "container"),
        (request.thread, "thread"),
        (request.compaction, "compaction"),
    ] {
        if value.is_some() {
            return Err(unsupported(field, cx.provider, "state of an earlier call"));
        }
    }
    let geo = request.inference_geo.map(RawValue::get);
    if geo.is_some_and(|geo| RawStr::from_json(geo).is_none_or(|geo| !geo.is("global"))) {
        if !cx.lossy {
            let path = "inference_geo";
            let message = "inference_geo: Bedrock's inference profiles choose where the model runs";
            return Err(Refusal::unsupported(path, message));
        }
        cx.report.drop_field("inference_geo");
    }
    for (value, field) in [
        (request.speed, "speed"),
        (request.diagnostics, "diagnostics"),
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

/// The limit of output tokens, as the model takes it.
pub(super) fn limit(
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<Option<u64>, Refusal> {
    let Some(raw) = request.max_tokens else {
        return Err(missing("max_tokens"));
    };
    let asked: u64 = raw.get().parse().map_err(|_| wrong_type("max_tokens"))?;
    let least = u64::from(cx.capabilities.bedrock.min_output.max(1));
    let most = cx.capabilities.max_output.map_or(u64::MAX, u64::from);
    let taken = asked.min(most).max(least);
    if taken != asked {
        cx.report.approximate("max_tokens");
    }
    Ok(Some(taken))
}

/// Writes `inferenceConfig`; `top_k` is one of the additional fields.
pub(super) fn write_inference_config<'a>(
    request: &Request<'a>,
    limit: Option<u64>,
    thinking: &Plan<'_>,
    fields: &mut Fields<'a>,
    out: &mut Out,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let numeric = |raw: Option<&'a RawValue>, field: &'static str| {
        let Some(text) = raw.map(RawValue::get) else {
            return Ok(None);
        };
        match number(text) {
            Some(value) => Ok(Some((text, value))),
            None => Err(wrong_type(field)),
        }
    };
    let mut config = InferenceConfig {
        max_tokens: limit,
        ..InferenceConfig::default()
    };
    if thinking.forbids_limit() {
        config.max_tokens = None;
        cx.report.drop_field("max_tokens");
    }
    if let Some((text, _)) = numeric(request.temperature, "temperature")? {
        if thinking.forbids_temperature() {
            cx.report.drop_field("temperature");
        } else {
            config.temperature = Some(text);
        }
    }
    if let Some((text, value)) = numeric(request.top_p, "top_p")? {
        if thinking.forbids_top_p(value) {
            cx.report.drop_field("top_p");
        } else {
            config.top_p = Some(text);
        }
    }
    if let Some((text, _)) = numeric(request.top_k, "top_k")? {
        match cx.capabilities.bedrock.top_k {
            TopK::Member => fields.set("top_k", text),
            TopK::InferenceConfig => fields.set("inferenceConfig", format!("{{\"topK\":{text}}}")),
            TopK::None => cx.report.drop_field("top_k"),
        }
    }
    let stops = request.stop_sequences.as_ref().map_or(&[][..], |l| &l.0);
    config.stop_sequences = stops
        .iter()
        .filter(|stop| !stop.is_empty())
        .map(|stop| stop.json())
        .collect();
    if config.stop_sequences.len() < stops.len() {
        cx.report.drop_field("stop_sequences[]");
    }
    config.write(out);
    Ok(())
}

/// The schema of the answer.
pub(super) fn json_schema<'a>(
    request: &Request<'a>,
    cx: &mut RequestContext<'_>,
) -> Result<Option<JsonSchema<'a>>, Refusal> {
    let Some(schema) = messages_in::json_schema(request, cx)? else {
        return Ok(None);
    };
    Ok(Some(JsonSchema {
        schema,
        name: None,
        description: None,
    }))
}

/// Takes over `metadata.user_id`, which only Claude is told.
pub(super) fn set_account(
    request: &Request<'_>,
    fields: &mut Fields<'_>,
    rules: Rules,
    cx: &mut RequestContext<'_>,
) {
    let Some(metadata) = &request.metadata else {
        return;
    };
    for name in &metadata.unknown {
        cx.report.drop_field(format!("metadata.{name}"));
    }
    match metadata.user_id {
        Some(user) if rules.anthropic => {
            fields.set("metadata", format!("{{\"user_id\":{}}}", user.json()));
        }
        Some(_) => cx.report.drop_field("metadata.user_id"),
        None => {}
    }
}

/// Takes over the edits of `context_management` that Converse takes.
pub(super) fn set_context_management(
    request: &Request<'_>,
    fields: &mut Fields<'_>,
    rules: Rules,
    cx: &mut RequestContext<'_>,
) {
    let Some(management) = request.context_management.map(RawValue::get) else {
        return;
    };
    let all = walk::member(management, "edits").unwrap_or_default();
    let allowed = rules.anthropic && betas::has(betas::COMPACT, cx);
    let mut kept = String::new();
    let mut is_whole = walk::members(management).count() == 1;
    for edit in walk::elements(all) {
        let kind = walk::member(edit, "type").and_then(RawStr::from_json);
        if allowed && kind.is_some_and(|kind| kind.is(COMPACT_EDIT)) {
            kept.push_str(if kept.is_empty() { "{\"edits\":[" } else { "," });
            kept.push_str(edit);
        } else {
            is_whole = false;
        }
    }
    if !kept.is_empty() {
        kept.push_str("]}");
        fields.set("context_management", kept);
        fields.add_beta(betas::COMPACT);
    }
    if !is_whole {
        cx.report.drop_field("context_management");
    }
}

/// Writes `serviceTier`.
pub(super) fn write_service_tier(
    request: &Request<'_>,
    out: &mut Out,
    cx: &mut RequestContext<'_>,
) {
    let Some(tier) = request.service_tier.map(RawValue::get) else {
        return;
    };
    match RawStr::from_json(tier).map(RawStr::decode).as_deref() {
        Some("auto") => {}
        Some("standard_only") => write_tier(out, "default"),
        _ => cx.report.drop_field("service_tier"),
    }
}
