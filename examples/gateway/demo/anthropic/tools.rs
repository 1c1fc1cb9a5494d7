//! What the Messages API refuses in tools and tool choice.

use serde_json::Value;

use super::super::check::{Check, Object, Refusal, flag, get, is_plain_name, list, text};
use super::super::schema;

/// Beginnings of the types of tools that Anthropic defines.
const ANTHROPIC_TYPES: &[&str] = &[
    "web_search_",
    "web_fetch_",
    "code_execution_",
    "bash_",
    "text_editor_",
    "memory_",
    "computer_",
    "tool_search_tool_",
    "mcp_toolset",
    "advisor_",
];

const MEMBERS: &[&str] = &[
    "type",
    "name",
    "description",
    "input_schema",
    "cache_control",
    "strict",
    "defer_loading",
    "input_examples",
    "allowed_callers",
    "eager_input_streaming",
];

/// Whether Anthropic defines (or runs) this tool, rather than the caller.
pub(super) fn is_anthropic(tool: &Value) -> bool {
    let kind = tool.get("type").and_then(Value::as_str).unwrap_or("custom");
    ANTHROPIC_TYPES.iter().any(|start| kind.starts_with(start))
}

/// Checks `tools`.
pub(super) fn tools(body: &Object) -> Check {
    let Some(value) = get(body, "tools") else {
        return Ok(());
    };
    if !value.is_array() {
        return Err(Refusal::invalid("tools: Input should be a valid list"));
    }
    let mut names = Vec::new();
    for (index, tool) in list(body, "tools").iter().enumerate() {
        let Some(object) = tool.as_object() else {
            return Err(Refusal::invalid(format!(
                "tools.{index}: Input should be an object"
            )));
        };
        if is_anthropic(tool) {
            names.extend(text(object, "name"));
            continue;
        }
        let kind = text(object, "type").unwrap_or("custom");
        if kind != "custom" {
            return Err(Refusal::invalid(format!(
                "tools.{index}: Input tag '{kind}' found using 'type' does not match any of the expected tags: 'bash_20250124', 'custom', 'web_search_20250305'"
            )));
        }
        names.push(custom(object, index)?);
    }
    names.sort_unstable();
    if names.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(Refusal::invalid("tools: Tool names must be unique."));
    }
    Ok(())
}

/// Checks a tool of the caller and gives its name.
fn custom(tool: &Object, index: usize) -> Check<&str> {
    let at = |member: &str, problem: &str| {
        Refusal::invalid(format!("tools.{index}.custom.{member}: {problem}"))
    };
    if let Some(name) = tool.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(at(name, "Extra inputs are not permitted"));
    }
    let name = text(tool, "name").ok_or_else(|| at("name", "Field required"))?;
    if !is_plain_name(name, 128) {
        return Err(at(
            "name",
            "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
        ));
    }
    if tool
        .get("description")
        .is_some_and(|value| !value.is_string())
    {
        return Err(at("description", "Input should be a valid string"));
    }
    let Some(input) = get(tool, "input_schema") else {
        return Err(at("input_schema", "Field required"));
    };
    if !input.is_object() {
        return Err(at("input_schema", "Input should be an object"));
    }
    match input.get("type").and_then(Value::as_str) {
        Some("object") => {}
        Some(_) => return Err(at("input_schema.type", "Input should be 'object'")),
        None => return Err(at("input_schema.type", "Field required")),
    }
    if ["oneOf", "anyOf", "allOf"]
        .iter()
        .any(|word| input.get(word).is_some())
    {
        return Err(at(
            "input_schema",
            "input_schema does not support oneOf, allOf, or anyOf at the top level",
        ));
    }
    if flag(tool, "strict")
        && let Some(refusal) = schema::anthropic_refusal(input)
    {
        return Err(at("input_schema", &refusal));
    }
    Ok(name)
}

/// Checks `tool_choice` and says whether it forces a call.
pub(super) fn tool_choice(body: &Object) -> Check<bool> {
    let Some(choice) = get(body, "tool_choice") else {
        return Ok(false);
    };
    let Some(choice) = choice.as_object() else {
        return Err(Refusal::invalid("tool_choice: Input should be an object"));
    };
    let kind =
        text(choice, "type").ok_or_else(|| Refusal::invalid("tool_choice.type: Field required"))?;
    let members: &[&str] = match kind {
        "none" => &["type"],
        "auto" | "any" => &["type", "disable_parallel_tool_use"],
        "tool" => &["type", "name", "disable_parallel_tool_use"],
        _ => {
            return Err(Refusal::invalid(format!(
                "tool_choice: Input tag '{kind}' found using 'type' does not match any of the expected tags: 'auto', 'any', 'tool', 'none'"
            )));
        }
    };
    if let Some(name) = choice.keys().find(|name| !members.contains(&name.as_str())) {
        return Err(Refusal::invalid(format!(
            "tool_choice.{kind}.{name}: Extra inputs are not permitted"
        )));
    }
    let tools = list(body, "tools");
    if tools.is_empty() {
        return Err(Refusal::invalid(
            "tool_choice may only be specified while providing tools.",
        ));
    }
    if kind == "tool" {
        let name = text(choice, "name")
            .ok_or_else(|| Refusal::invalid("tool_choice.tool.name: Field required"))?;
        if !tools
            .iter()
            .any(|tool| tool.get("name").and_then(Value::as_str) == Some(name))
        {
            return Err(Refusal::invalid(format!(
                "Tool '{name}' not found in provided tools"
            )));
        }
    }
    Ok(kind == "any" || kind == "tool")
}
