//! What the Responses API refuses at the top level of a request.

use http::StatusCode;
use serde_json::{Value, json};

use super::super::check::{Check, Object, Refusal, get, is_plain_name, list, text, type_name};
use super::super::schema;
use super::{input, models};

const MEMBERS: &[&str] = &[
    "access_programs",
    "background",
    "background_options",
    "context_management",
    "conversation",
    "image",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
    "client_metadata",
];

/// Types of tools, besides `function` and `custom`, that run at OpenAI or have a shape of their own.
const TOOL_TYPES: &[&str] = &[
    "web_search",
    "web_search_preview",
    "web_search_2025_08_26",
    "web_search_preview_2025_03_11",
    "file_search",
    "computer",
    "computer_use_preview",
    "mcp",
    "code_interpreter",
    "image_generation",
    "local_shell",
    "shell",
    "apply_patch",
    "namespace",
    "tool_search",
    "programmatic_tool_calling",
];

/// The members of a function tool and of a freeform one.
const TOOL_MEMBERS: &[(&str, &[&str])] = &[
    (
        "function",
        &[
            "type",
            "name",
            "description",
            "parameters",
            "strict",
            "defer_loading",
            "allowed_callers",
            "output_schema",
            "async",
        ],
    ),
    (
        "custom",
        &[
            "type",
            "name",
            "description",
            "format",
            "defer_loading",
            "allowed_callers",
        ],
    ),
];

/// Refuses what `/v1/responses` would.
pub(super) fn request(body: &Object) -> Check {
    if let Some(name) = body.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(unknown(name));
    }
    match get(body, "model") {
        None => return Err(missing("model")),
        Some(Value::String(_)) => {}
        Some(other) => return Err(wrong_type("model", "a string", other)),
    }
    for name in ["stream", "parallel_tool_calls", "store", "background"] {
        if let Some(other) = get(body, name).filter(|value| !value.is_boolean()) {
            return Err(wrong_type(name, "a boolean", other));
        }
    }
    if let Some(limit) = get(body, "max_output_tokens") {
        let limit = limit
            .as_u64()
            .ok_or_else(|| wrong_type("max_output_tokens", "an integer", limit))?;
        if limit < 16 {
            return Err(Refusal::invalid(format!(
                "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got {limit} instead."
            ))
            .param("max_output_tokens")
            .code("integer_below_min_value"));
        }
    }
    for (name, highest) in [("temperature", 2.0), ("top_p", 1.0)] {
        let Some(value) = get(body, name) else {
            continue;
        };
        let number = value
            .as_f64()
            .ok_or_else(|| wrong_type(name, "a decimal", value))?;
        if !(0.0..=highest).contains(&number) {
            return Err(Refusal::invalid(format!(
                "Invalid '{name}': decimal out of range. Expected a value between 0 and {highest}, but got {number} instead."
            ))
            .param(name));
        }
    }
    for (name, longest) in [
        ("prompt_cache_key", 64),
        ("safety_identifier", 128),
        ("user", 64),
    ] {
        if text(body, name).is_some_and(|value| value.len() > longest) {
            return Err(Refusal::invalid(format!(
                "Invalid '{name}': string too long. Expected a string with maximum length {longest}."
            ))
            .param(name)
            .code("string_above_max_length"));
        }
    }
    models::check(body)?;
    models::include(body)?;
    stored(body)?;
    tools(body)?;
    format(body)?;
    input::check(body)
}

/// OpenAI's words for a member that it does not know.
pub(super) fn unknown(name: &str) -> Refusal {
    Refusal::invalid(format!("Unknown parameter: '{name}'."))
        .param(name)
        .code("unknown_parameter")
}

/// OpenAI's words for a member that must be there.
pub(super) fn missing(name: &str) -> Refusal {
    Refusal::invalid(format!("Missing required parameter: '{name}'."))
        .param(name)
        .code("missing_required_parameter")
}

/// OpenAI's words for a value of the wrong type.
pub(super) fn wrong_type(name: &str, expected: &str, got: &Value) -> Refusal {
    Refusal::invalid(format!(
        "Invalid type for '{name}': expected {expected}, but got {} instead.",
        type_name(got)
    ))
    .param(name)
    .code("invalid_type")
}

/// Nothing is stored here.
fn stored(body: &Object) -> Check {
    if let Some(id) = text(body, "previous_response_id") {
        return Err(
            Refusal::invalid(format!("Previous response with id '{id}' not found."))
                .param("previous_response_id")
                .code("previous_response_not_found"),
        );
    }
    if get(body, "conversation").is_some() {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "invalid_request_error",
            "Conversation not found.",
        )
        .param("conversation"));
    }
    if get(body, "background") == Some(&json!(true)) {
        return Err(Refusal::invalid("The demo has no background mode.").param("background"));
    }
    Ok(())
}

fn tools(body: &Object) -> Check {
    let tools = list(body, "tools");
    for (index, tool) in tools.iter().enumerate() {
        let at = format!("tools[{index}]");
        let kind = tool
            .get("type")
            .and_then(Value::as_str)
            .ok_or_else(|| missing(&format!("{at}.type")))?;
        if TOOL_TYPES.contains(&kind) {
            continue;
        }
        if kind != "function" && kind != "custom" {
            return Err(Refusal::invalid(format!("Invalid value: '{kind}'. Supported values are: 'function', 'custom', 'web_search' and others."))
                .param(format!("{at}.type"))
                .code("invalid_value"));
        }
        if tool.get("function").is_some() {
            // The shape of Chat.
            return Err(unknown(&format!("{at}.function")));
        }
        let known = TOOL_MEMBERS.iter().find(|(name, _)| *name == kind);
        let members = known.map(|(_, members)| *members).unwrap_or_default();
        if let Some(name) = tool
            .as_object()
            .and_then(|tool| tool.keys().find(|name| !members.contains(&name.as_str())))
        {
            return Err(unknown(&format!("{at}.{name}")));
        }
        match tool.get("name").and_then(Value::as_str) {
            None => return Err(missing(&format!("{at}.name"))),
            Some(name) if !is_plain_name(name, 128) => {
                return Err(Refusal::invalid(format!(
                    "Invalid '{at}.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
                ))
                .param(format!("{at}.name"))
                .code("invalid_value"));
            }
            Some(_) => {}
        }
        if let Some(schema) = tool.get("parameters").filter(|schema| schema.is_object())
            && tool.get("strict") == Some(&json!(true))
            && let Some(refusal) = schema::openai_refusal(schema)
        {
            return Err(Refusal::invalid(format!(
                "Invalid schema for function: In context=(), {refusal}"
            ))
            .param(format!("{at}.parameters"))
            .code("invalid_function_parameters"));
        }
    }
    let Some(name) = get(body, "tool_choice").and_then(|choice| choice.get("name")?.as_str())
    else {
        return Ok(());
    };
    if tools
        .iter()
        .any(|tool| tool.get("name").and_then(Value::as_str) == Some(name))
    {
        Ok(())
    } else {
        Err(Refusal::invalid(format!(
            "Tool choice '{name}' not found in 'tools' parameter."
        ))
        .param("tool_choice"))
    }
}

fn format(body: &Object) -> Check {
    if get(body, "response_format").is_some() {
        return Err(unknown("response_format"));
    }
    let Some(format) = get(body, "text")
        .and_then(|text| text.get("format"))
        .filter(|format| !format.is_null())
    else {
        return Ok(());
    };
    match format.get("type").and_then(Value::as_str) {
        Some("text" | "json_object") => Ok(()),
        Some("json_schema") => {
            if format.get("name").and_then(Value::as_str).is_none() {
                return Err(missing("text.format.name"));
            }
            let schema = format
                .get("schema")
                .ok_or_else(|| missing("text.format.schema"))?;
            if format.get("strict") != Some(&json!(false))
                && let Some(refusal) = schema::openai_refusal(schema)
            {
                return Err(Refusal::invalid(format!(
                    "Invalid schema for response_format: In context=(), {refusal}"
                ))
                .param("text.format.schema")
                .code("invalid_json_schema"));
            }
            Ok(())
        }
        _ => Err(Refusal::invalid("Invalid value for 'text.format.type'.")
            .param("text.format.type")
            .code("invalid_value")),
    }
}
