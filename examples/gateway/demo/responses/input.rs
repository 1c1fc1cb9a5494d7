//! The items of a Responses request: what is refused in them, and the question that they ask.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::answer::{Choice, Question, Tool};
use super::super::check::{Check, Object, Refusal, content_text, get, list, text};
use super::super::media;
use super::super::reply::digest;
use super::parts;
use super::validate::{missing, wrong_type};

/// Types of items that come back as they were sent, without a check.
const OTHER_ITEMS: &[&str] = &[
    "web_search_call",
    "file_search_call",
    "computer_call",
    "computer_call_output",
    "code_interpreter_call",
    "image_generation_call",
    "local_shell_call",
    "local_shell_call_output",
    "shell_call",
    "shell_call_output",
    "apply_patch_call",
    "apply_patch_call_output",
    "mcp_list_tools",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
    "tool_search_call",
    "tool_search_output",
    "additional_tools",
    "compaction",
    "configuration_update",
];

/// The encrypted form of a thought.
pub(super) fn encrypt(thought: &str) -> String {
    let mut bytes = vec![0x80, 0, 0, 0];
    bytes.extend(digest([b"demo reasoning".as_slice(), thought.as_bytes()]).to_be_bytes());
    bytes.extend(thought.bytes().map(|byte| byte ^ 0x5a));
    STANDARD.encode(bytes)
}

/// Whether the encrypted form is as it was sent.
fn is_encrypted(content: &str) -> bool {
    let Ok(bytes) = STANDARD.decode(content) else {
        return false;
    };
    let Some(([0x80, 0, 0, 0, sum @ ..], thought)) = bytes.split_at_checked(12) else {
        return false;
    };
    let thought: Vec<_> = thought.iter().map(|byte| byte ^ 0x5a).collect();
    digest([b"demo reasoning".as_slice(), &thought]).to_be_bytes() == sum
}

/// An item's type; messages may leave it out.
fn kind(item: &Object) -> &str {
    text(item, "type").unwrap_or(if item.contains_key("role") {
        "message"
    } else {
        ""
    })
}

/// Refuses items that the API would not take.
pub(super) fn check(body: &Object) -> Check {
    let items = match get(body, "input") {
        None if get(body, "prompt").is_some() => return Ok(()),
        None => return Err(missing("input")),
        Some(Value::String(_)) => return Ok(()),
        Some(Value::Array(items)) => items,
        Some(other) => {
            return Err(wrong_type(
                "input",
                "one of a string or array of objects",
                other,
            ));
        }
    };
    for (index, item) in items.iter().enumerate() {
        let at = format!("input[{index}]");
        let Some(object) = item.as_object() else {
            return Err(wrong_type(&at, "an object", item));
        };
        id(object, &at)?;
        match kind(object) {
            "message" => message(object, &at)?,
            "function_call" => strings(object, &at, &["call_id", "name", "arguments"])?,
            "custom_tool_call" => strings(object, &at, &["call_id", "name", "input"])?,
            "function_call_output" | "custom_tool_call_output" => {
                strings(object, &at, &["call_id"])?;
                output(object, &at)?;
            }
            "reasoning" => reasoning(object, items.get(index + 1), &at)?,
            "item_reference" => {
                return Err(Refusal::invalid(format!(
                    "Item with id '{}' not found. Items are not persisted when `store` is set to false.",
                    text(object, "id").unwrap_or_default()
                ))
                .param("input"));
            }
            other if OTHER_ITEMS.contains(&other) => {}
            other => {
                return Err(Refusal::invalid(format!("Invalid value: '{other}'."))
                    .param(format!("{at}.type"))
                    .code("invalid_value"));
            }
        }
    }
    pairing(items)
}

/// How the ids of the types of items begin.
const ID_PREFIXES: &[(&str, &str)] = &[
    ("message", "msg"),
    ("function_call", "fc"),
    ("custom_tool_call", "ctc"),
    ("reasoning", "rs"),
];

/// An id may be left out, but not be empty or that of something else.
fn id(item: &Object, at: &str) -> Check {
    let kind = kind(item);
    let Some((_, prefix)) = ID_PREFIXES.iter().find(|(name, _)| *name == kind) else {
        return Ok(());
    };
    match text(item, "id") {
        Some(id) if !id.starts_with(prefix) => Err(Refusal::invalid(format!(
            "Invalid '{at}.id': '{id}'. Expected an ID that begins with '{prefix}'."
        ))
        .param(format!("{at}.id"))
        .code("invalid_value")),
        _ => Ok(()),
    }
}

fn strings(item: &Object, at: &str, names: &[&str]) -> Check {
    for name in names {
        let at = format!("{at}.{name}");
        match get(item, name) {
            None => return Err(missing(&at)),
            Some(Value::String(text)) if *name == "call_id" && text.len() > 64 => {
                return Err(Refusal::invalid(format!(
                    "Invalid '{at}': string too long. Expected a string with maximum length 64, but got a string with length {} instead.",
                    text.len()
                ))
                .param(at)
                .code("string_above_max_length"));
            }
            Some(Value::String(_)) => {}
            Some(other) => return Err(wrong_type(&at, "a string", other)),
        }
    }
    Ok(())
}

fn message(item: &Object, at: &str) -> Check {
    let role = text(item, "role").unwrap_or_default();
    if !["user", "assistant", "system", "developer"].contains(&role) {
        return Err(Refusal::invalid(format!(
            "Invalid value: '{role}'. Supported values are: 'assistant', 'system', 'developer', and 'user'."
        ))
        .param(format!("{at}.role"))
        .code("invalid_value"));
    }
    let parts = match get(item, "content") {
        None => return Err(missing(&format!("{at}.content"))),
        Some(Value::String(_)) => return Ok(()),
        Some(Value::Array(parts)) => parts,
        Some(other) => {
            return Err(wrong_type(
                &format!("{at}.content"),
                "one of a string or array of objects",
                other,
            ));
        }
    };
    let supported: &[&str] = if role == "assistant" {
        &["output_text", "refusal"]
    } else {
        &["input_text", "input_image", "input_file"]
    };
    for (index, part) in parts.iter().enumerate() {
        let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
        if !supported.contains(&kind) {
            return Err(Refusal::invalid(format!(
                "Invalid value: '{kind}'. Supported values are: '{}'.",
                supported.join("' and '")
            ))
            .param(format!("{at}.content[{index}]"))
            .code("invalid_value"));
        }
        parts::check(part, &format!("{at}.content[{index}]"))?;
    }
    Ok(())
}

fn output(item: &Object, at: &str) -> Check {
    match get(item, "output") {
        None => Err(missing(&format!("{at}.output"))),
        Some(Value::String(_)) => Ok(()),
        Some(Value::Array(parts))
            if parts.iter().all(|part| {
                ["input_text", "input_image", "input_file"]
                    .contains(&part.get("type").and_then(Value::as_str).unwrap_or_default())
            }) =>
        {
            let parts = parts.iter().enumerate();
            parts
                .map(|(index, part)| parts::check(part, &format!("{at}.output[{index}]")))
                .collect()
        }
        Some(other) => Err(wrong_type(
            &format!("{at}.output"),
            "a string or an array of input parts",
            other,
        )),
    }
}

fn reasoning(item: &Object, next: Option<&Value>, at: &str) -> Check {
    if item
        .get("summary")
        .is_none_or(|summary| !summary.is_array())
    {
        return Err(missing(&format!("{at}.summary")));
    }
    let id = text(item, "id").unwrap_or_default();
    if let Some(content) = get(item, "encrypted_content")
        && !content.as_str().is_some_and(is_encrypted)
    {
        return Err(Refusal::invalid(format!(
            "The encrypted content for item {id} could not be verified. Reason: Encrypted content could not be decrypted or parsed."
        ))
        .code("invalid_encrypted_content"));
    }
    let follower = next.and_then(Value::as_object).map(kind);
    let is_followed = follower.is_some_and(|kind| {
        !["function_call_output", "custom_tool_call_output", ""].contains(&kind)
    });
    if is_followed {
        Ok(())
    } else {
        Err(Refusal::invalid(format!(
            "Item '{id}' of type 'reasoning' was provided without its required following item."
        ))
        .param("input"))
    }
}

/// Each call has its output and each output its call.
fn pairing(items: &[Value]) -> Check {
    let mut open: Vec<&str> = Vec::new();
    for item in items.iter().filter_map(Value::as_object) {
        let id = text(item, "call_id").unwrap_or_default();
        match kind(item) {
            "function_call" | "custom_tool_call" => open.push(id),
            kind @ ("function_call_output" | "custom_tool_call_output") => {
                let Some(position) = open.iter().position(|call| *call == id) else {
                    let what = if kind == "function_call_output" {
                        "function call"
                    } else {
                        "custom tool call"
                    };
                    return Err(Refusal::invalid(format!(
                        "No tool call found for {what} output with call_id {id}."
                    ))
                    .param("input"));
                };
                open.remove(position);
            }
            _ => {}
        }
    }
    match open.first() {
        None => Ok(()),
        Some(id) => Err(
            Refusal::invalid(format!("No tool output found for function call {id}."))
                .param("input"),
        ),
    }
}

/// The question in a valid request.
pub(super) fn question(body: &Object) -> Question {
    let items: Vec<_> = list(body, "input")
        .iter()
        .filter_map(Value::as_object)
        .collect();
    let content = |item: &Object, name: &str| content_text(item.get(name).unwrap_or(&Value::Null));
    let last_user = items
        .iter()
        .rfind(|item| text(item, "role") == Some("user"))
        .map(|item| content(item, "content"));
    // What the client says besides its results does not hide them.
    let results = items
        .iter()
        .rev()
        .skip_while(|item| matches!(text(item, "role"), Some("system" | "developer" | "user")))
        .take_while(|item| kind(item).ends_with("_call_output"));
    let mut results: Vec<_> = results.map(|item| content(item, "output")).collect();
    results.reverse();
    let tools = list(body, "tools").iter().filter_map(|tool| {
        let is_custom = match tool.get("type")?.as_str()? {
            "custom" => true,
            "function" => false,
            _ => return None,
        };
        let schema = tool.get("parameters").filter(|schema| !schema.is_null());
        Some(Tool {
            name: tool.get("name")?.as_str()?.to_owned(),
            schema: (!is_custom)
                .then(|| schema.cloned().unwrap_or_else(|| json!({"type": "object"}))),
        })
    });
    let format = get(body, "text").and_then(|text| text.get("format"));
    Question {
        dialect: "openai responses",
        model: text(body, "model").unwrap_or_default().to_owned(),
        last_user: text(body, "input")
            .map(str::to_owned)
            .or(last_user)
            .unwrap_or_default(),
        media: items
            .iter()
            .rfind(|item| text(item, "role") == Some("user"))
            .and_then(|item| item.get("content"))
            .map(media::all)
            .unwrap_or_default(),
        results,
        tools: tools.collect(),
        may_search: list(body, "tools")
            .iter()
            .filter_map(|tool| tool.get("type")?.as_str())
            .any(|kind| kind.starts_with("web_search")),
        choice: match get(body, "tool_choice") {
            Some(Value::String(choice)) if choice == "none" => Choice::None,
            Some(Value::String(choice)) if choice == "required" => Choice::Any,
            Some(Value::Object(choice)) => {
                text(choice, "name").map_or(Choice::Auto, |name| Choice::Named(name.to_owned()))
            }
            _ => Choice::Auto,
        },
        parallel: get(body, "parallel_tool_calls") != Some(&json!(false)),
        schema: format.and_then(|format| match format.get("type")?.as_str()? {
            "json_schema" => format.get("schema").cloned(),
            "json_object" => Some(json!({
                "type": "object", "required": ["demo"], "properties": {"demo": {"type": "boolean"}},
            })),
            _ => None,
        }),
        thinking: get(body, "reasoning").is_some_and(|reasoning| {
            reasoning
                .as_object()
                .is_some_and(|reasoning| !reasoning.is_empty())
                && reasoning
                    .get("effort")
                    .is_none_or(|effort| effort != "none")
        }),
        // The least that the API takes is where the demo cuts.
        cut_at: get(body, "max_output_tokens")
            .and_then(Value::as_u64)
            .filter(|limit| *limit == 16)
            .map(|_| 4),
        stop: Vec::new(),
    }
}
