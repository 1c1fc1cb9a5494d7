//! What the Messages API refuses in messages and their blocks.

use serde_json::Value;

use super::super::check::{Check, Object, Refusal, get, is_plain_name, list, text};
use super::models::Model;
use super::signature;

/// Checks `system` and `messages`.
pub(super) fn messages(body: &Object, model: &Model, thinking: Option<&str>) -> Check {
    if let Some(system) = get(body, "system") {
        system_text(system, "system")?;
    }
    match get(body, "messages") {
        None => return Err(Refusal::invalid("messages: Field required")),
        Some(Value::Array(messages)) if messages.is_empty() => {
            return Err(Refusal::invalid(
                "messages: at least one message is required",
            ));
        }
        Some(Value::Array(_)) => {}
        Some(_) => return Err(Refusal::invalid("messages: Input should be a valid list")),
    }
    let messages = list(body, "messages");
    for (index, value) in messages.iter().enumerate() {
        message(value, index, index + 1 == messages.len(), model)?;
    }
    roles(messages, model)?;
    let turns = turns(messages);
    pairing(&turns)?;
    if thinking == Some("enabled") {
        tool_loop(&turns)?;
    }
    prefill(&turns, thinking, model)
}

/// Messages of one role in a row, as the API reads them.
struct Turn<'a> {
    role: &'a str,
    /// Each with its path.
    blocks: Vec<(String, &'a Object)>,
    /// Index of its first message.
    index: usize,
    /// Text of a last message that is a string.
    plain: &'a str,
}

fn turns(messages: &[Value]) -> Vec<Turn<'_>> {
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let role = message
            .get("role")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if turns.last().is_none_or(|turn| turn.role != role) {
            turns.push(Turn {
                role,
                blocks: Vec::new(),
                index,
                plain: "",
            });
        }
        let Some(turn) = turns.last_mut() else {
            continue;
        };
        match message.get("content") {
            Some(Value::String(text)) => turn.plain = text,
            Some(Value::Array(content)) => {
                let blocks = content.iter().enumerate();
                turn.blocks.extend(blocks.filter_map(|(at, block)| {
                    Some((format!("messages.{index}.content.{at}"), block.as_object()?))
                }));
            }
            _ => {}
        }
    }
    turns
}

fn message(value: &Value, index: usize, is_last: bool, model: &Model) -> Check {
    let at = format!("messages.{index}");
    let Some(message) = value.as_object() else {
        return Err(Refusal::invalid(format!("{at}: Input should be an object")));
    };
    if let Some(name) = message
        .keys()
        .find(|name| !["role", "content"].contains(&name.as_str()))
    {
        return Err(Refusal::invalid(format!(
            "{at}.{name}: Extra inputs are not permitted"
        )));
    }
    let role = text(message, "role").unwrap_or_default();
    let expected: &[&str] = if model.mid_system {
        &["user", "assistant", "system"]
    } else {
        &["user", "assistant"]
    };
    if !expected.contains(&role) {
        return Err(Refusal::invalid(format!(
            "{at}.role: Input should be '{}'",
            expected.join("' or '")
        )));
    }
    let Some(content) = get(message, "content") else {
        return Err(Refusal::invalid(format!("{at}.content: Field required")));
    };
    if role == "system" {
        return system_text(content, &format!("{at}.content"));
    }
    match content {
        Value::String(text) if text.is_empty() && !(is_last && role == "assistant") => Err(
            Refusal::invalid(format!("{at}: {role} messages must have non-empty content")),
        ),
        Value::String(text) if !text.is_empty() && text.trim().is_empty() => Err(Refusal::invalid(
            "messages: text content blocks must contain non-whitespace text",
        )),
        Value::String(_) => Ok(()),
        Value::Array(blocks) if blocks.is_empty() && !(is_last && role == "assistant") => Err(
            Refusal::invalid(format!("{at}: {role} messages must have non-empty content")),
        ),
        Value::Array(blocks) => {
            for (position, value) in blocks.iter().enumerate() {
                block(value, &format!("{at}.content.{position}"), role)?;
            }
            Ok(())
        }
        _ => Err(Refusal::invalid(format!(
            "{at}.content: Input should be a valid string or list"
        ))),
    }
}

/// A string or text blocks.
fn system_text(value: &Value, at: &str) -> Check {
    match value {
        Value::String(_) => Ok(()),
        Value::Array(blocks) => {
            for (index, value) in blocks.iter().enumerate() {
                let at = format!("{at}.{index}");
                if value.get("type").and_then(Value::as_str) != Some("text") {
                    return Err(Refusal::invalid(format!(
                        "{at}.type: Input should be 'text'"
                    )));
                }
                block(value, &at, "user")?;
            }
            Ok(())
        }
        _ => Err(Refusal::invalid(format!(
            "{at}: Input should be a valid string or list"
        ))),
    }
}

/// A block's members: those that must be there, and those that may.
fn shape(kind: &str) -> Option<(&'static [&'static str], &'static [&'static str])> {
    Some(match kind {
        "text" => (&["text"], &["citations"]),
        "image" => (&["source"], &[]),
        "document" => (&["source"], &["title", "context", "citations"]),
        "search_result" => (&["source", "title", "content"], &["citations"]),
        "tool_use" => (&["id", "name", "input"], &["caller"]),
        "tool_result" => (&["tool_use_id"], &["content", "is_error"]),
        "thinking" => (&["thinking", "signature"], &[]),
        "redacted_thinking" => (&["data"], &[]),
        "tool_reference" => (&["tool_name"], &[]),
        _ => return None,
    })
}

fn block(value: &Value, at: &str, role: &str) -> Check {
    let Some(block) = value.as_object() else {
        return Err(Refusal::invalid(format!("{at}: Input should be an object")));
    };
    let Some(kind) = text(block, "type") else {
        return Err(Refusal::invalid(format!("{at}.type: Field required")));
    };
    let is_of_role = match kind {
        "text" => true,
        "image" | "document" | "search_result" | "tool_result" | "tool_reference" => role == "user",
        "tool_use" | "thinking" | "redacted_thinking" => role == "assistant",
        _ => false,
    };
    let Some((required, optional)) = shape(kind).filter(|_| is_of_role) else {
        // Blocks of server tools are Anthropic's own and come back as they were sent.
        if role == "assistant"
            && (kind == "server_tool_use"
                || kind.ends_with("_tool_result")
                || kind.starts_with("mcp_"))
        {
            return sealed(block, &format!("{at}.{kind}"));
        }
        let expected = if role == "user" {
            "'document', 'image', 'search_result', 'text', 'tool_result'"
        } else {
            "'redacted_thinking', 'server_tool_use', 'text', 'thinking', 'tool_use'"
        };
        return Err(Refusal::invalid(format!(
            "{at}: Input tag '{kind}' found using 'type' does not match any of the expected tags: {expected}"
        )));
    };
    let here = format!("{at}.{kind}");
    if let Some(name) = required.iter().find(|name| get(block, name).is_none()) {
        return Err(Refusal::invalid(format!("{here}.{name}: Field required")));
    }
    let has_marks = !kind.ends_with("thinking");
    if let Some(name) = block.keys().map(String::as_str).find(|name| {
        let is_common = *name == "type" || (has_marks && *name == "cache_control");
        !is_common && !required.contains(name) && !optional.contains(name)
    }) {
        return Err(Refusal::invalid(format!(
            "{here}.{name}: Extra inputs are not permitted"
        )));
    }
    match kind {
        "text" => text_block(block, &here),
        "image" | "document" => source(block, &here, kind),
        "tool_use" => tool_use(block, &here),
        "tool_result" => tool_result(block, &here),
        "thinking" => {
            let is_ours = text(block, "thinking")
                .zip(text(block, "signature"))
                .is_some_and(|(text, signature)| signature::is_thinking(text, signature));
            is_ours.then_some(()).ok_or_else(|| {
                Refusal::invalid(format!("{at}: Invalid `signature` in `thinking` block"))
            })
        }
        "redacted_thinking" => {
            let is_ours = text(block, "data").is_some_and(signature::is_redacted);
            is_ours.then_some(()).ok_or_else(|| {
                Refusal::invalid(format!("{at}: Invalid `data` in `redacted_thinking` block"))
            })
        }
        _ => Ok(()),
    }
}

fn text_block(block: &Object, here: &str) -> Check {
    match text(block, "text") {
        None => Err(Refusal::invalid(format!(
            "{here}.text: Input should be a valid string"
        ))),
        Some("") => Err(Refusal::invalid(
            "messages: text content blocks must be non-empty",
        )),
        Some(text) if text.trim().is_empty() => Err(Refusal::invalid(
            "messages: text content blocks must contain non-whitespace text",
        )),
        Some(_) => sealed(block, here),
    }
}

/// What Anthropic encrypted in results and citations comes back as it was sent.
fn sealed(block: &Object, here: &str) -> Check {
    let results = list(block, "content").iter().enumerate();
    let results =
        results.map(|(index, result)| (result, format!("content.{index}"), "encrypted_content"));
    let citations = list(block, "citations").iter().enumerate();
    let citations = citations
        .map(|(index, citation)| (citation, format!("citations.{index}"), "encrypted_index"));
    for (value, place, name) in results.chain(citations) {
        let is_search =
            value["type"] == "web_search_result" || value["type"] == "web_search_result_location";
        if is_search && !value[name].as_str().is_some_and(signature::is_redacted) {
            return Err(Refusal::invalid(format!(
                "{here}.{place}.{name}: Invalid encrypted content in search result block"
            )));
        }
    }
    Ok(())
}

fn source(block: &Object, here: &str, kind: &str) -> Check {
    let here = format!("{here}.source");
    let Some(source) = block.get("source").and_then(Value::as_object) else {
        return Err(Refusal::invalid(format!(
            "{here}: Input should be an object"
        )));
    };
    let tag = text(source, "type").unwrap_or_default();
    let (members, media): (&[&str], &[&str]) = match (kind, tag) {
        ("image", "base64") => (
            &["media_type", "data"],
            &["image/jpeg", "image/png", "image/gif", "image/webp"],
        ),
        ("document", "base64") => (&["media_type", "data"], &["application/pdf"]),
        ("document", "text") => (&["media_type", "data"], &["text/plain"]),
        ("document", "content") => (&["content"], &[]),
        (_, "url") => (&["url"], &[]),
        (_, "file") => (&["file_id"], &[]),
        _ => {
            return Err(Refusal::invalid(format!(
                "{here}: Input tag '{tag}' found using 'type' does not match any of the expected tags: 'base64', 'file', 'url'"
            )));
        }
    };
    if let Some(name) = members.iter().find(|name| get(source, name).is_none()) {
        return Err(Refusal::invalid(format!(
            "{here}.{tag}.{name}: Field required"
        )));
    }
    if let Some(name) = source
        .keys()
        .find(|name| *name != "type" && !members.contains(&name.as_str()))
    {
        return Err(Refusal::invalid(format!(
            "{here}.{tag}.{name}: Extra inputs are not permitted"
        )));
    }
    if !media.is_empty() && !media.contains(&text(source, "media_type").unwrap_or_default()) {
        return Err(Refusal::invalid(format!(
            "{here}.{tag}.media_type: Input should be '{}'",
            media.join("' or '")
        )));
    }
    let is_base64 = |data: &str| {
        !data.is_empty()
            && data.len().is_multiple_of(4)
            && data
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
    };
    if tag == "base64" && !text(source, "data").is_some_and(is_base64) {
        return Err(Refusal::invalid(format!(
            "{here}.base64.data: Invalid base64 data"
        )));
    }
    Ok(())
}

fn tool_use(block: &Object, here: &str) -> Check {
    if !text(block, "id").is_some_and(|id| is_plain_name(id, usize::MAX)) {
        return Err(Refusal::invalid(format!(
            "{here}.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
        )));
    }
    if !text(block, "name").is_some_and(|name| is_plain_name(name, 200)) {
        return Err(Refusal::invalid(format!(
            "{here}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,200}}$'"
        )));
    }
    if !block.get("input").is_some_and(Value::is_object) {
        return Err(Refusal::invalid(format!(
            "{here}.input: Input should be an object"
        )));
    }
    Ok(())
}

fn tool_result(result: &Object, here: &str) -> Check {
    if !text(result, "tool_use_id").is_some_and(|id| is_plain_name(id, usize::MAX)) {
        return Err(Refusal::invalid(format!(
            "{here}.tool_use_id: String should match pattern '^[a-zA-Z0-9_-]+$'"
        )));
    }
    if get(result, "is_error").is_some_and(|value| !value.is_boolean()) {
        return Err(Refusal::invalid(format!(
            "{here}.is_error: Input should be a valid boolean"
        )));
    }
    match get(result, "content") {
        None | Some(Value::String(_)) => Ok(()),
        Some(Value::Array(parts)) => {
            for (index, part) in parts.iter().enumerate() {
                let at = format!("{here}.content.{index}");
                if part.get("type").and_then(Value::as_str) == Some("tool_result") {
                    return Err(Refusal::invalid(format!(
                        "{at}: Input tag 'tool_result' found using 'type' does not match any of the expected tags: 'document', 'image', 'search_result', 'text'"
                    )));
                }
                block(part, &at, "user")?;
            }
            Ok(())
        }
        Some(_) => Err(Refusal::invalid(format!(
            "{here}.content: Input should be a valid string or list"
        ))),
    }
}

/// Where messages of which role may stand.
fn roles(messages: &[Value], model: &Model) -> Check {
    let roles = messages.iter();
    let roles: Vec<_> = roles
        .filter_map(|message| message.get("role")?.as_str())
        .collect();
    match roles.first().copied() {
        Some("system") => {
            return Err(Refusal::invalid(
                "messages.0: use the top-level 'system' parameter for the initial system prompt",
            ));
        }
        Some("assistant") => {
            return Err(Refusal::invalid(
                "messages: first message must use the \"user\" role",
            ));
        }
        _ => {}
    }
    if !model.mid_system {
        return Ok(());
    }
    for (index, window) in roles.windows(2).enumerate() {
        let [first, second] = window else { continue };
        if *second == "system" && *first != "user" {
            return Err(Refusal::invalid(format!(
                "messages.{}: role 'system' must follow a 'user' message",
                index + 1
            )));
        }
        if *first == "system" && *second != "assistant" {
            return Err(Refusal::invalid(format!(
                "messages.{index}: role 'system' must precede an 'assistant' message or end the array"
            )));
        }
    }
    Ok(())
}

/// Values of a member over the blocks of a type.
fn members<'a>(turn: &Turn<'a>, kind: &str, name: &str) -> Vec<&'a str> {
    let of_kind = turn
        .blocks
        .iter()
        .filter(|(_, block)| text(block, "type") == Some(kind));
    of_kind.filter_map(|(_, block)| text(block, name)).collect()
}

/// Each call is answered at the start of the next message, and each answer has its call.
fn pairing(turns: &[Turn<'_>]) -> Check {
    let mut seen = Vec::new();
    for (index, turn) in turns.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| turns.get(before));
        let calls = before
            .map(|turn| members(turn, "tool_use", "id"))
            .unwrap_or_default();
        let mut answered = Vec::new();
        for (at, block) in &turn.blocks {
            let Some(id) = text(block, "tool_use_id").filter(|_| turn.role == "user") else {
                continue;
            };
            if !calls.contains(&id) {
                return Err(Refusal::invalid(format!(
                    "{at}: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
                )));
            }
            if answered.contains(&id) {
                return Err(Refusal::invalid(format!(
                    "{at}: each tool_use must have a single result. Found multiple `tool_result` blocks with id: {id}"
                )));
            }
            answered.push(id);
        }
        // Anything before the results breaks the pair.
        let leading = turn
            .blocks
            .iter()
            .take_while(|(_, block)| text(block, "type") == Some("tool_result"))
            .filter_map(|(_, block)| text(block, "tool_use_id"));
        let leading: Vec<_> = leading.collect();
        let missing: Vec<_> = calls
            .into_iter()
            .filter(|id| !leading.contains(id))
            .collect();
        if !missing.is_empty() {
            return Err(unanswered(before, &missing));
        }
        for id in members(turn, "tool_use", "id") {
            if seen.contains(&id) {
                return Err(Refusal::invalid("messages: `tool_use` ids must be unique"));
            }
            seen.push(id);
        }
    }
    let open = turns
        .last()
        .map(|turn| members(turn, "tool_use", "id"))
        .unwrap_or_default();
    if open.is_empty() {
        Ok(())
    } else {
        Err(unanswered(turns.last(), &open))
    }
}

fn unanswered(turn: Option<&Turn<'_>>, ids: &[&str]) -> Refusal {
    Refusal::invalid(format!(
        "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
        turn.map_or(0, |turn| turn.index),
        ids.join(", ")
    ))
}

/// With manual thinking, the turn whose calls were just answered starts with what was thought.
fn tool_loop(turns: &[Turn<'_>]) -> Check {
    let [.., assistant, user] = turns else {
        return Ok(());
    };
    if members(user, "tool_result", "tool_use_id").is_empty() {
        return Ok(());
    }
    let Some((at, block)) = assistant.blocks.first() else {
        return Ok(());
    };
    let kind = text(block, "type").unwrap_or_default();
    if kind.ends_with("thinking") {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "{at}.type: Expected `thinking` or `redacted_thinking`, but found `{kind}`. When `thinking` is enabled, a final `assistant` message must start with a thinking block. To avoid this requirement, disable `thinking`."
    )))
}

fn prefill(turns: &[Turn<'_>], thinking: Option<&str>, model: &Model) -> Check {
    let Some(last) = turns.last().filter(|turn| turn.role == "assistant") else {
        return Ok(());
    };
    if !model.prefill || thinking.is_some_and(|kind| kind != "disabled") {
        return Err(Refusal::invalid(
            "This model does not support assistant message prefill. The conversation must end with a user message.",
        ));
    }
    let text = last
        .blocks
        .last()
        .and_then(|(_, block)| text(block, "text"))
        .unwrap_or(last.plain);
    if text.ends_with(char::is_whitespace) {
        return Err(Refusal::invalid(
            "messages: final assistant content cannot end with trailing whitespace",
        ));
    }
    Ok(())
}
