//! `generationConfig`: limits, sampling, the form of the answer; and the service tier.

use bytes::BytesMut;
use serde_json::value::RawValue;

use super::thinking;
use crate::codec::write::Object;
use crate::convert::context::RequestContext;
use crate::convert::gemini_out::{MOST_STOPS, write_output_schema, write_subset};
use crate::convert::messages_in::json_schema;
use crate::convert::path::{number, wrong_type};
use crate::convert::report::Refusal;
use crate::format::messages::request::Request;
use crate::format::raw::RawStr;
use crate::models::GeminiGeneration;

const SCHEMA: &str = "output_config.format.schema";

/// Writes the member.
pub(super) fn write(
    out: &mut Object<'_>,
    request: &Request<'_>,
    max_tokens: u64,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let mut members = BytesMut::new();
    let mut config = Object::begin(&mut members);
    config.uint("maxOutputTokens", max_tokens);
    write_stops(&mut config, request, cx)?;
    for (field, name, value) in [
        ("temperature", "temperature", request.temperature),
        ("top_p", "topP", request.top_p),
        ("top_k", "topK", request.top_k),
    ] {
        let Some(json) = value.map(RawValue::get) else {
            continue;
        };
        if number(json).is_none() {
            return Err(wrong_type(field));
        }
        config.raw(name, json);
    }
    write_format(&mut config, request, cx)?;
    thinking::plan(request, cx)?.write(&mut config);
    config.end();
    out.key("generationConfig").extend_from_slice(&members);
    Ok(())
}

fn write_stops(
    config: &mut Object<'_>,
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let all = request.stop_sequences.as_ref().map_or(&[][..], |l| &l.0);
    let stops: Vec<_> = all.iter().filter(|stop| !stop.is_empty()).collect();
    if stops.len() < all.len() {
        cx.report.drop_field("stop_sequences[]");
    }
    if stops.len() > MOST_STOPS {
        return Err(Refusal::unsupported(
            "stop_sequences",
            format!(
                "stop_sequences: {} takes at most {MOST_STOPS} stop sequences",
                cx.provider
            ),
        ));
    }
    if !stops.is_empty() {
        let mut list = config.array("stopSequences");
        for stop in stops {
            list.raw(stop.json());
        }
        list.end();
    }
    Ok(())
}

fn write_format(
    config: &mut Object<'_>,
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let Some(schema) = json_schema(request, cx)? else {
        return Ok(());
    };
    config.string("responseMimeType", "application/json");
    let generation = cx.capabilities.gemini;
    let legacy = generation == GeminiGeneration::Legacy;
    let written = if cx.options.legacy_schema.unwrap_or(legacy) {
        write_subset(schema, config.key("responseSchema"))
    } else {
        let ordering = generation != GeminiGeneration::V3;
        write_output_schema(schema, ordering, config.key("responseJsonSchema"))
    };
    let changed = written.map_err(|error| Refusal::unsupported(SCHEMA, error.0))?;
    if changed {
        cx.report.approximate(SCHEMA);
    }
    Ok(())
}

/// `service_tier` in Google's words; and `metadata`, for which Google has none.
pub(super) fn write_service_tier(
    out: &mut Object<'_>,
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) {
    if let Some(metadata) = &request.metadata {
        for name in &metadata.unknown {
            cx.report.drop_field(format!("metadata.{name}"));
        }
        if metadata.user_id.is_some() {
            cx.report.drop_field("metadata.user_id");
        }
    }
    let Some(tier) = request.service_tier.map(RawValue::get) else {
        return;
    };
    match RawStr::from_json(tier).map(RawStr::decode).as_deref() {
        Some("auto") => {}
        Some("standard_only") => {
            out.string("serviceTier", "standard");
        }
        _ => cx.report.drop_field("service_tier"),
    }
}
