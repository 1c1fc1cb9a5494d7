//! What all Chat dialects refuse in messages.

use serde_json::Value;

use super::super::check::{Check, Object, Refusal, get, list, text};
use super::super::media;

/// Checks roles, contents, and that calls and results pair up.
pub(super) fn check(messages: &[Value]) -> Check {
    // Calls that wait for their results.
    let mut open: Vec<&str> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let at = format!("messages[{index}]");
        let Some(message) = message.as_object() else {
            return Err(
                Refusal::invalid(format!("Invalid type for '{at}': expected an object."))
                    .param(at)
                    .code("invalid_type"),
            );
        };
        let role = text(message, "role").unwrap_or_default();
        if role == "tool" {
            let id = text(message, "tool_call_id").ok_or_else(|| {
                Refusal::invalid("Missing parameter 'tool_call_id': messages with role 'tool' must have a 'tool_call_id'.")
                    .param(format!("{at}.tool_call_id"))
            })?;
            let Some(position) = open.iter().position(|call| *call == id) else {
                return Err(Refusal::invalid(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
                )
                .param(format!("{at}.role")));
            };
            open.remove(position);
        } else if !open.is_empty() {
            return Err(unanswered(&open, &format!("{at}.role")));
        }
        match role {
            "assistant" => open = assistant(message, &at)?,
            "system" | "developer" | "user" | "tool" | "function" => content(message, &at)?,
            _ => {
                return Err(Refusal::invalid(format!(
                    "Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'."
                ))
                .param(format!("{at}.role"))
                .code("invalid_value"));
            }
        }
    }
    if open.is_empty() {
        Ok(())
    } else {
        Err(unanswered(&open, "messages"))
    }
}

fn unanswered(ids: &[&str], param: &str) -> Refusal {
    Refusal::invalid(format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
        ids.join(", ")
    ))
    .param(param)
}

/// Checks an assistant message and gives the ids of its calls.
fn assistant<'a>(message: &'a Object, at: &str) -> Check<Vec<&'a str>> {
    let calls = list(message, "tool_calls");
    let has_call = !calls.is_empty() || get(message, "function_call").is_some();
    if get(message, "content").is_none() && get(message, "refusal").is_none() && !has_call {
        return Err(Refusal::invalid(format!(
            "Invalid value for 'content': expected a string, got null. ({at})"
        ))
        .param(format!("{at}.content")));
    }
    if get(message, "content").is_some() {
        content(message, at)?;
    }
    if message
        .get("tool_calls")
        .is_some_and(|value| value.as_array().is_some_and(Vec::is_empty))
    {
        return Err(Refusal::invalid(format!(
            "Invalid '{at}.tool_calls': empty array. Expected an array with minimum length 1, but got an empty array instead."
        ))
        .param(format!("{at}.tool_calls"))
        .code("empty_array"));
    }
    let mut ids = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        let at = format!("{at}.tool_calls[{index}]");
        let kind = call.get("type").and_then(Value::as_str).unwrap_or_default();
        let is_whole = match kind {
            "function" => {
                let function = call.get("function");
                function.is_some_and(|function| {
                    function.get("name").is_some_and(Value::is_string)
                        && function.get("arguments").is_some_and(Value::is_string)
                })
            }
            "custom" => call.get("custom").is_some_and(|custom| {
                custom.get("name").is_some_and(Value::is_string)
                    && custom.get("input").is_some_and(Value::is_string)
            }),
            _ => false,
        };
        let id = call.get("id").and_then(Value::as_str).filter(|_| is_whole);
        let Some(id) = id else {
            return Err(Refusal::invalid(format!(
                "Invalid '{at}': expected 'id', 'type' and a '{kind}' with strings."
            ))
            .param(at)
            .code("invalid_type"));
        };
        if id.len() > 64 {
            return Err(Refusal::invalid(format!(
                "Invalid '{at}.id': string too long. Expected a string with maximum length 64, but got a string with length {} instead.",
                id.len()
            ))
            .param(format!("{at}.id"))
            .code("string_above_max_length"));
        }
        ids.push(id);
    }
    Ok(ids)
}

fn content(message: &Object, at: &str) -> Check {
    match get(message, "content") {
        Some(Value::String(_)) => Ok(()),
        Some(Value::Array(parts)) => {
            for (index, part) in parts.iter().enumerate() {
                let at = format!("{at}.content[{index}]");
                let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
                let is_whole = match kind {
                    "text" => part.get("text").is_some_and(Value::is_string),
                    "refusal" => part.get("refusal").is_some_and(Value::is_string),
                    "image_url" => part.pointer("/image_url/url").is_some_and(Value::is_string),
                    "input_audio" => part
                        .pointer("/input_audio/data")
                        .is_some_and(Value::is_string),
                    "file" => part.get("file").is_some_and(Value::is_object),
                    "file_url" | "pdf_url" | "video_url" | "document" => true,
                    _ => {
                        return Err(Refusal::invalid(format!(
                            "Invalid value: '{kind}'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', and 'file'."
                        ))
                        .param(format!("{at}.type"))
                        .code("invalid_value"));
                    }
                };
                if !is_whole {
                    return Err(Refusal::invalid(format!(
                        "Missing required parameter: '{at}.{kind}'."
                    ))
                    .param(at)
                    .code("missing_required_parameter"));
                }
                if let Some(Err(refusal)) = media::part(part) {
                    return Err(refusal.param(at));
                }
            }
            Ok(())
        }
        Some(_) | None => Err(Refusal::invalid(format!(
            "Invalid type for '{at}.content': expected one of a string or array of objects."
        ))
        .param(format!("{at}.content"))
        .code("invalid_type")),
    }
}
