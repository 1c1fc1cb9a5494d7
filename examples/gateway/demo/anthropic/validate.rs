//! What the Messages API refuses at the top level of a request.

use http::StatusCode;
use serde_json::Value;

use super::super::Incoming;
use super::super::check::{Check, Object, Refusal, get, list, text};
use super::super::schema;
use super::models::{Forced, Model, Sampling, model};
use super::{blocks, tools};

const MEMBERS: &[&str] = &[
    "model",
    "messages",
    "max_tokens",
    "system",
    "metadata",
    "stop_sequences",
    "stream",
    "temperature",
    "top_k",
    "top_p",
    "tools",
    "tool_choice",
    "thinking",
    "service_tier",
    "output_config",
    "container",
    "inference_geo",
    "cache_control",
];

/// Members that need an `anthropic-beta` header.
const BETA_MEMBERS: &[&str] = &[
    "context_management",
    "mcp_servers",
    "speed",
    "output_format",
    "fallbacks",
    "diagnostics",
];

const COUNT_MEMBERS: &[&str] = &[
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "cache_control",
];

/// Refuses what `/v1/messages` would.
pub(super) fn messages(body: &Object, incoming: &Incoming<'_>) -> Check {
    members(body, MEMBERS, incoming)?;
    let (name, model) = named_model(body)?;
    let limit = match get(body, "max_tokens") {
        None => return Err(Refusal::invalid("max_tokens: Field required")),
        Some(value) => value.as_u64().filter(|limit| *limit > 0).ok_or_else(|| {
            Refusal::invalid(
                "max_tokens: Input should be a valid integer greater than or equal to 1",
            )
        })?,
    };
    if limit > model.max_tokens {
        return Err(Refusal::invalid(format!(
            "max_tokens: {limit} > {}, which is the maximum allowed number of output tokens for {name}",
            model.max_tokens
        )));
    }
    common(body, &model, Some(limit))?;
    sampling(body, &model, incoming)?;
    stop_sequences(body)?;
    metadata(body)?;
    if get(body, "stream").is_some_and(|value| !value.is_boolean()) {
        return Err(Refusal::invalid("stream: Input should be a valid boolean"));
    }
    if get(body, "service_tier").is_some_and(|tier| tier != "auto" && tier != "standard_only") {
        return Err(Refusal::invalid(
            "service_tier: Input should be 'auto' or 'standard_only'",
        ));
    }
    Ok(())
}

/// Refuses what `/v1/messages/count_tokens` would.
pub(super) fn count_tokens(body: &Object, incoming: &Incoming<'_>) -> Check {
    members(body, COUNT_MEMBERS, incoming)?;
    let (_, model) = named_model(body)?;
    common(body, &model, None)
}

fn members(body: &Object, known: &[&str], incoming: &Incoming<'_>) -> Check {
    let has_beta = incoming.header("anthropic-beta").is_some();
    let is_known = |name: &str| known.contains(&name) || (has_beta && BETA_MEMBERS.contains(&name));
    if let Some(name) = body.keys().find(|name| !is_known(name)) {
        return Err(Refusal::invalid(format!(
            "{name}: Extra inputs are not permitted"
        )));
    }
    // The members that may be absent may not be null.
    match body.iter().find(|(_, value)| value.is_null()) {
        Some((name, _)) => Err(Refusal::invalid(format!(
            "{name}: Input should not be null"
        ))),
        None => Ok(()),
    }
}

fn named_model(body: &Object) -> Check<(&str, Model)> {
    let name = match get(body, "model") {
        None => return Err(Refusal::invalid("model: Field required")),
        Some(Value::String(name)) => name,
        Some(_) => return Err(Refusal::invalid("model: Input should be a valid string")),
    };
    let model = model(name).ok_or_else(|| {
        Refusal::new(
            StatusCode::NOT_FOUND,
            "not_found_error",
            format!("model: {name}"),
        )
    })?;
    Ok((name, model))
}

/// What both endpoints check.
fn common(body: &Object, model: &Model, limit: Option<u64>) -> Check {
    let thinks = thinking(body, model, limit)?;
    tools::tools(body)?;
    let forces = tools::tool_choice(body)?;
    if forces && model.forced == Forced::No {
        return Err(Refusal::invalid(
            "tool_choice: this model does not support forced tool use",
        ));
    }
    if forces
        && thinks
        && (model.forced == Forced::WithoutThinking || thinking_type(body) == Some("enabled"))
    {
        return Err(Refusal::invalid(
            "Thinking may not be enabled when tool_choice forces tool use.",
        ));
    }
    output_config(body, model)?;
    blocks::messages(body, model, thinking_type(body))?;
    cache_marks(body)
}

fn thinking_type(body: &Object) -> Option<&str> {
    get(body, "thinking")?.get("type")?.as_str()
}

/// Whether the request turns thinking on.
fn thinking(body: &Object, model: &Model, limit: Option<u64>) -> Check<bool> {
    let Some(thinking) = get(body, "thinking") else {
        return Ok(false);
    };
    let Some(object) = thinking.as_object() else {
        return Err(Refusal::invalid("thinking: Input should be an object"));
    };
    let Some(kind) = text(object, "type") else {
        return Err(Refusal::invalid("thinking.type: Field required"));
    };
    if !["adaptive", "enabled", "disabled", "between_tools"].contains(&kind) {
        return Err(Refusal::invalid(format!(
            "thinking: Input tag '{kind}' found using 'type' does not match any of the expected tags: 'adaptive', 'disabled', 'enabled'"
        )));
    }
    let is_accepted =
        model.thinking.contains(&kind) || (kind == "disabled" && model.thinking.is_empty());
    if !is_accepted {
        return Err(Refusal::invalid(format!(
            "\"thinking.type.{kind}\" is not supported for this model."
        )));
    }
    let members: &[&str] = match kind {
        "enabled" => &["type", "budget_tokens", "display", "block_binding"],
        "disabled" => &["type", "block_binding"],
        _ => &["type", "display", "block_binding"],
    };
    if let Some(name) = object.keys().find(|name| !members.contains(&name.as_str())) {
        return Err(Refusal::invalid(format!(
            "thinking.{kind}.{name}: Extra inputs are not permitted"
        )));
    }
    if let Some(display) = get(object, "display")
        && !["summarized", "omitted"].contains(&display.as_str().unwrap_or_default())
    {
        return Err(Refusal::invalid(format!(
            "thinking.{kind}.display: Input should be 'summarized' or 'omitted'"
        )));
    }
    if kind == "enabled" {
        let budget = get(object, "budget_tokens")
            .ok_or_else(|| Refusal::invalid("thinking.enabled.budget_tokens: Field required"))?
            .as_u64()
            .filter(|budget| *budget >= 1024)
            .ok_or_else(|| {
                Refusal::invalid(
                    "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
                )
            })?;
        if limit.is_some_and(|limit| limit <= budget) {
            return Err(Refusal::invalid(
                "`max_tokens` must be greater than `thinking.budget_tokens`.",
            ));
        }
    }
    Ok(kind != "disabled")
}

fn sampling(body: &Object, model: &Model, incoming: &Incoming<'_>) -> Check {
    let is_new_version = incoming.header("anthropic-version") == Some("2026-10-21");
    for name in ["temperature", "top_p", "top_k"] {
        let Some(value) = get(body, name) else {
            continue;
        };
        if is_new_version {
            return Err(Refusal::invalid(format!(
                "{name}: Extra inputs are not permitted"
            )));
        }
        let number = value
            .as_f64()
            .ok_or_else(|| Refusal::invalid(format!("{name}: Input should be a valid number")))?;
        if name != "top_k" && !(0.0..=1.0).contains(&number) {
            return Err(Refusal::invalid(format!("{name}: range: 0..1")));
        }
        if model.sampling == Sampling::None {
            return Err(Refusal::invalid(format!(
                "`{name}` is not supported for this model."
            )));
        }
    }
    let temperature = get(body, "temperature").and_then(Value::as_f64);
    let top_p = get(body, "top_p").and_then(Value::as_f64);
    if model.sampling == Sampling::One && temperature.is_some() && top_p.is_some() {
        return Err(Refusal::invalid(
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
        ));
    }
    if thinking_type(body).is_some_and(|kind| kind != "disabled") {
        if temperature.is_some_and(|temperature| temperature < 1.0) {
            return Err(Refusal::invalid(
                "`temperature` may only be set to 1 when thinking is enabled.",
            ));
        }
        if top_p.is_some_and(|top_p| top_p < 0.95) {
            return Err(Refusal::invalid(
                "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.",
            ));
        }
        if get(body, "top_k").is_some() {
            return Err(Refusal::invalid(
                "`top_k` must be unset when thinking is enabled.",
            ));
        }
    }
    Ok(())
}

fn stop_sequences(body: &Object) -> Check {
    let Some(value) = get(body, "stop_sequences") else {
        return Ok(());
    };
    if !value.is_array() {
        return Err(Refusal::invalid(
            "stop_sequences: Input should be a valid list",
        ));
    }
    for (index, stop) in list(body, "stop_sequences").iter().enumerate() {
        match stop.as_str() {
            None => {
                return Err(Refusal::invalid(format!(
                    "stop_sequences.{index}: Input should be a valid string"
                )));
            }
            Some(stop) if stop.trim().is_empty() => {
                return Err(Refusal::invalid(
                    "stop_sequences: each stop sequence must contain non-whitespace",
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn metadata(body: &Object) -> Check {
    let Some(metadata) = get(body, "metadata") else {
        return Ok(());
    };
    let Some(metadata) = metadata.as_object() else {
        return Err(Refusal::invalid("metadata: Input should be an object"));
    };
    if let Some(name) = metadata.keys().find(|name| *name != "user_id") {
        return Err(Refusal::invalid(format!(
            "metadata.{name}: Extra inputs are not permitted"
        )));
    }
    let user = text(metadata, "user_id").unwrap_or_default();
    if user.chars().count() > 512 {
        return Err(Refusal::invalid(
            "metadata.user_id: String should have at most 512 characters",
        ));
    }
    let is_address = user.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !user.contains(['{', ' '])
    });
    if is_address {
        return Err(Refusal::invalid(
            "metadata.user_id: user_id appears to contain an email address",
        ));
    }
    Ok(())
}

fn output_config(body: &Object, model: &Model) -> Check {
    let Some(config) = get(body, "output_config") else {
        return Ok(());
    };
    let Some(config) = config.as_object() else {
        return Err(Refusal::invalid("output_config: Input should be an object"));
    };
    if let Some(name) = config
        .keys()
        .find(|name| !["effort", "format", "task_budget"].contains(&name.as_str()))
    {
        return Err(Refusal::invalid(format!(
            "output_config.{name}: Extra inputs are not permitted"
        )));
    }
    if let Some(effort) = get(config, "effort") {
        if model.efforts.is_empty() {
            return Err(Refusal::invalid(
                "This model does not support the effort parameter.",
            ));
        }
        if !effort
            .as_str()
            .is_some_and(|effort| model.efforts.contains(&effort))
        {
            return Err(Refusal::invalid(format!(
                "output_config.effort: {effort} is not supported by this model. Supported levels: {}.",
                model.efforts.join(", ")
            )));
        }
    }
    let Some(format) = get(config, "format") else {
        return Ok(());
    };
    if !model.structured {
        return Err(Refusal::invalid(
            "output_config.format: structured outputs are not supported by this model",
        ));
    }
    if format.get("type").and_then(Value::as_str) != Some("json_schema") {
        return Err(Refusal::invalid(
            "output_config.format.type: Input should be 'json_schema'",
        ));
    }
    if let Some(object) = format.as_object()
        && let Some(name) = object
            .keys()
            .find(|name| !["type", "schema"].contains(&name.as_str()))
    {
        return Err(Refusal::invalid(format!(
            "output_config.format.{name}: Extra inputs are not permitted"
        )));
    }
    let Some(wanted) = format.get("schema").filter(|schema| schema.is_object()) else {
        return Err(Refusal::invalid(
            "output_config.format.schema: Field required",
        ));
    };
    match schema::anthropic_refusal(wanted) {
        Some(refusal) => Err(Refusal::invalid(format!(
            "output_config.format.schema: {refusal}"
        ))),
        None => Ok(()),
    }
}

/// At most four marks, and the longer time to live first.
fn cache_marks(body: &Object) -> Check {
    let mut marks = Vec::new();
    for part in ["tools", "system", "messages"] {
        if let Some(value) = body.get(part) {
            collect_marks(value, &mut marks);
        }
    }
    marks.extend(get(body, "cache_control"));
    if marks.len() > 4 {
        return Err(Refusal::invalid(format!(
            "A maximum of 4 blocks with cache_control may be provided. Found {}.",
            marks.len()
        )));
    }
    let mut has_short = false;
    for mark in marks {
        let known = mark.as_object().is_some_and(|mark| {
            mark.keys()
                .all(|name| name == "type" || name == "ttl" || name == "scope")
        });
        if !known || mark.get("type").and_then(Value::as_str) != Some("ephemeral") {
            return Err(Refusal::invalid(
                "cache_control: Input tag found using 'type' does not match any of the expected tags: 'ephemeral'",
            ));
        }
        match mark.get("ttl").and_then(Value::as_str).unwrap_or("5m") {
            "5m" => has_short = true,
            "1h" if has_short => {
                return Err(Refusal::invalid(
                    "cache_control: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block",
                ));
            }
            "1h" => {}
            _ => {
                return Err(Refusal::invalid(
                    "cache_control.ephemeral.ttl: Input should be '5m' or '1h'",
                ));
            }
        }
    }
    Ok(())
}

/// The marks of tools and blocks, in the order in which the prompt is read.
pub(super) fn collect_marks<'a>(value: &'a Value, marks: &mut Vec<&'a Value>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect_marks(value, marks)),
        Value::Object(object) => {
            marks.extend(get(object, "cache_control"));
            // What callers own (schemas, inputs) holds no marks.
            if let Some(content) = object.get("content") {
                collect_marks(content, marks);
            }
        }
        _ => {}
    }
}
