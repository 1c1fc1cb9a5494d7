//! What all Chat dialects refuse, and the question in a Chat request.

use serde_json::{Value, json};

use super::super::answer::{Choice, Question, Tool};
use super::super::check::{
    Check, Object, Refusal, content_text, get, is_plain_name, list, text, type_name,
};
use super::super::media;
use super::{Dialect, messages};

/// Refuses what no dialect takes.
pub(super) fn check(body: &Object) -> Check {
    match get(body, "model") {
        None => return Err(Refusal::invalid("you must provide a model parameter")),
        Some(Value::String(_)) => {}
        Some(other) => return Err(wrong_type("model", "a string", other)),
    }
    match get(body, "messages") {
        None => {
            return Err(Refusal::invalid("Missing required parameter: 'messages'.")
                .param("messages")
                .code("missing_required_parameter"));
        }
        Some(Value::Array(messages)) if messages.is_empty() => {
            return Err(Refusal::invalid(
                "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            )
            .param("messages")
            .code("empty_array"));
        }
        Some(Value::Array(_)) => {}
        Some(other) => return Err(wrong_type("messages", "an array of objects", other)),
    }
    for name in ["stream", "parallel_tool_calls", "logprobs", "store"] {
        if let Some(other) = get(body, name).filter(|value| !value.is_boolean()) {
            return Err(wrong_type(name, "a boolean", other));
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
    for name in ["max_tokens", "max_completion_tokens"] {
        if let Some(value) = get(body, name)
            && value.as_u64().is_none_or(|limit| limit == 0)
        {
            return Err(Refusal::invalid(format!(
                "Invalid '{name}': integer below minimum value. Expected a value >= 1, but got {value} instead."
            ))
            .param(name)
            .code("integer_below_min_value"));
        }
    }
    stop(body)?;
    if get(body, "stream_options").is_some() && get(body, "stream") != Some(&json!(true)) {
        return Err(Refusal::invalid(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        )
        .param("stream_options"));
    }
    tools(body)?;
    format(body)?;
    messages::check(list(body, "messages"))
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

fn stop(body: &Object) -> Check {
    match get(body, "stop") {
        None | Some(Value::String(_)) => Ok(()),
        Some(Value::Array(stops)) if stops.len() <= 4 && stops.iter().all(Value::is_string) => {
            Ok(())
        }
        Some(_) => Err(Refusal::invalid(
            "Invalid 'stop': expected a string or an array with maximum length 4 of strings.",
        )
        .param("stop")),
    }
}

fn tools(body: &Object) -> Check {
    let tools = list(body, "tools");
    if get(body, "tools").is_some() && tools.is_empty() {
        return Err(Refusal::invalid(
            "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        )
        .param("tools")
        .code("empty_array"));
    }
    for (index, tool) in tools.iter().enumerate() {
        let kind = tool.get("type").and_then(Value::as_str).unwrap_or_default();
        if !["function", "custom", "browser_search", "code_interpreter"].contains(&kind) {
            return Err(Refusal::invalid(format!(
                "Invalid value: '{kind}'. Supported values are: 'function' and 'custom'."
            ))
            .param(format!("tools[{index}].type"))
            .code("invalid_value"));
        }
        if !["function", "custom"].contains(&kind) {
            continue;
        }
        let name = tool.get(kind).and_then(|inner| inner.get("name")?.as_str());
        if !name.is_some_and(|name| is_plain_name(name, 64)) {
            return Err(Refusal::invalid(format!(
                "Invalid 'tools[{index}].{kind}.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
            ))
            .param(format!("tools[{index}].{kind}.name"))
            .code("invalid_value"));
        }
        let schema = tool.get(kind).and_then(|inner| inner.get("parameters"));
        if let Some(schema) = schema.filter(|schema| !schema.is_null())
            && (!schema.is_object() || schema.get("type").is_some_and(|kind| kind != "object"))
        {
            return Err(Refusal::invalid(format!(
                "Invalid schema for function '{}': schema must be a JSON Schema of 'type: \"object\"'.",
                name.unwrap_or_default()
            ))
            .param(format!("tools[{index}].function.parameters"))
            .code("invalid_function_parameters"));
        }
    }
    if tools.is_empty() && list(body, "functions").is_empty() {
        for name in ["tool_choice", "parallel_tool_calls"] {
            if get(body, name).is_some_and(|value| value != "none") {
                return Err(Refusal::invalid(format!(
                    "'{name}' is only allowed when 'tools' are specified."
                ))
                .param(name));
            }
        }
    }
    let forced = forced(body);
    if let Some(name) = forced
        && !tool_list(body).iter().any(|tool| tool.name == name)
    {
        return Err(Refusal::invalid(format!(
            "Invalid value: '{name}'. Tool choice '{name}' not found in 'tools' parameter."
        ))
        .param("tool_choice"));
    }
    Ok(())
}

fn format(body: &Object) -> Check {
    let Some(format) = get(body, "response_format") else {
        return Ok(());
    };
    match format.get("type").and_then(Value::as_str) {
        Some("text" | "json_object" | "regex") => Ok(()),
        Some("json_schema") if format.pointer("/json_schema/schema").is_some_and(Value::is_object) => Ok(()),
        Some("json_schema") => Err(Refusal::invalid(
            "Missing required parameter: 'response_format.json_schema.schema'.",
        )
        .param("response_format.json_schema.schema")
        .code("missing_required_parameter")),
        _ => Err(Refusal::invalid(
            "Invalid value for 'response_format.type'. Supported values are: 'text', 'json_object' and 'json_schema'.",
        )
        .param("response_format.type")
        .code("invalid_value")),
    }
}

/// The name of the tool that must be called.
fn forced(body: &Object) -> Option<&str> {
    let choice = get(body, "tool_choice")?;
    let kind = choice.get("type")?.as_str()?;
    choice.get(kind)?.get("name")?.as_str()
}

fn tool_list(body: &Object) -> Vec<Tool> {
    let any = || json!({"type": "object", "properties": {}});
    let tools = list(body, "tools").iter().filter_map(|tool| {
        let is_custom = tool.get("type")?.as_str()? == "custom";
        let inner = tool.get(if is_custom { "custom" } else { "function" })?;
        let schema = inner.get("parameters").filter(|schema| !schema.is_null());
        Some(Tool {
            name: inner.get("name")?.as_str()?.to_owned(),
            schema: (!is_custom).then(|| schema.cloned().unwrap_or_else(any)),
        })
    });
    let functions = list(body, "functions").iter().filter_map(|function| {
        Some(Tool {
            name: function.get("name")?.as_str()?.to_owned(),
            schema: Some(function.get("parameters").cloned().unwrap_or_else(any)),
        })
    });
    tools.chain(functions).collect()
}

/// The question in a valid request.
pub(super) fn question(body: &Object, dialect: &dyn Dialect) -> Question {
    let messages = list(body, "messages");
    let role = |message: &Value| {
        message
            .get("role")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let content = |message: &Value| content_text(message.get("content").unwrap_or(&Value::Null));
    // What the client says besides its results (an image that belongs to one, say) does not hide them.
    let results = messages
        .iter()
        .rev()
        .take_while(|message| role(message) != "assistant")
        .filter(|message| ["tool", "function"].contains(&role(message).as_str()));
    let mut results: Vec<_> = results.map(content).collect();
    results.reverse();
    let limit = get(body, "max_completion_tokens").or_else(|| get(body, "max_tokens"));
    Question {
        dialect: dialect.name(),
        model: text(body, "model").unwrap_or_default().to_owned(),
        last_user: messages
            .iter()
            .rfind(|message| role(message) == "user")
            .map(content)
            .unwrap_or_default(),
        media: messages
            .iter()
            .rfind(|message| role(message) == "user")
            .and_then(|message| message.get("content"))
            .map(media::all)
            .unwrap_or_default(),
        results,
        tools: tool_list(body),
        choice: match get(body, "tool_choice") {
            Some(Value::String(choice)) if choice == "none" => Choice::None,
            Some(Value::String(choice)) if choice == "required" => Choice::Any,
            _ => forced(body).map_or(Choice::Auto, |name| Choice::Named(name.to_owned())),
        },
        parallel: get(body, "parallel_tool_calls") != Some(&json!(false))
            && list(body, "functions").is_empty(),
        schema: get(body, "response_format").and_then(|format| match format.get("type")?.as_str()? {
            "json_schema" => format.pointer("/json_schema/schema").cloned(),
            "json_object" => Some(json!({
                "type": "object", "required": ["demo"], "properties": {"demo": {"type": "boolean"}},
            })),
            _ => None,
        }),
        thinking: dialect.thinks(body),
        may_search: false,
        cut_at: limit.and_then(Value::as_u64).filter(|limit| *limit < 8),
        stop: match get(body, "stop") {
            Some(Value::String(stop)) => vec![stop.clone()],
            _ => list(body, "stop").iter().filter_map(|stop| Some(stop.as_str()?.to_owned())).collect(),
        },
    }
}
