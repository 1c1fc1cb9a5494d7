//! From a Messages request to the question, and from the answer to a message.

use serde_json::{Value, json};

use super::super::answer::{
    Answer, Choice, End, Input, PAGE, Question, REFUSAL, Tool, is_repeated,
};
use super::super::check::{Object, content_text, flag, get, list, text};
use super::super::media;
use super::super::reply::{id, tokens};
use super::models::{Sampling, model};
use super::signature::{Kind, sign};
use super::{tools, validate};

/// The question in a valid request.
pub(super) fn question(body: &Object) -> Question {
    let messages = list(body, "messages");
    let role =
        |message: &Value, role: &str| message.get("role").and_then(Value::as_str) == Some(role);
    let last_user = messages.iter().rfind(|message| {
        role(message, "user")
            && !content_text(message.get("content").unwrap_or(&Value::Null)).is_empty()
    });
    // A system message may stand after the results.
    let last = messages.iter().rfind(|message| !role(message, "system"));
    let blocks = last.and_then(|last| last.get("content")?.as_array());
    let results = blocks
        .into_iter()
        .flatten()
        .filter(|block| block.get("type").and_then(Value::as_str) == Some("tool_result"));
    let name = text(body, "model").unwrap_or_default();
    let choice = get(body, "tool_choice").and_then(Value::as_object);
    let thinking = get(body, "thinking").and_then(|thinking| thinking.get("type")?.as_str());
    Question {
        dialect: "anthropic",
        model: name.to_owned(),
        last_user: last_user
            .and_then(|message| message.get("content"))
            .map(content_text)
            .unwrap_or_default(),
        media: last_user
            .and_then(|message| message.get("content"))
            .map(media::all)
            .unwrap_or_default(),
        results: results
            .map(|block| content_text(block.get("content").unwrap_or(&Value::Null)))
            .collect(),
        tools: list(body, "tools")
            .iter()
            .filter(|tool| !tools::is_anthropic(tool))
            .filter_map(|tool| {
                Some(Tool {
                    name: tool.get("name")?.as_str()?.to_owned(),
                    schema: tool.get("input_schema").cloned(),
                })
            })
            .collect(),
        may_search: list(body, "tools")
            .iter()
            .filter_map(|tool| tool.get("type")?.as_str())
            .any(|kind| kind.starts_with("web_search_")),
        choice: match choice.and_then(|choice| text(choice, "type")) {
            Some("none") => Choice::None,
            Some("any") => Choice::Any,
            Some("tool") => Choice::Named(
                choice
                    .and_then(|choice| text(choice, "name"))
                    .unwrap_or_default()
                    .to_owned(),
            ),
            _ => Choice::Auto,
        },
        parallel: !choice.is_some_and(|choice| flag(choice, "disable_parallel_tool_use")),
        schema: body
            .get("output_config")
            .and_then(|config| config.get("format")?.get("schema"))
            .cloned(),
        thinking: match thinking {
            Some(kind) => kind != "disabled",
            None => model(name).is_some_and(|model| model.thinks),
        },
        cut_at: get(body, "max_tokens")
            .and_then(Value::as_u64)
            .filter(|limit| *limit < 8),
        stop: list(body, "stop_sequences")
            .iter()
            .filter_map(|stop| Some(stop.as_str()?.to_owned()))
            .collect(),
    }
}

/// Whether the thinking is shown.
pub(super) fn is_shown(body: &Object) -> bool {
    let display = body
        .get("thinking")
        .and_then(|thinking| thinking.get("display")?.as_str());
    match display {
        Some(display) => display == "summarized",
        // The families without sampling parameters leave it out unless asked.
        None => text(body, "model")
            .and_then(model)
            .is_some_and(|model| model.sampling != Sampling::None),
    }
}

/// The message that answers.
pub(super) fn message(body: &Object, question: &Question, answer: &Answer, bytes: &[u8]) -> Value {
    let mut content = Vec::new();
    if let Some(thought) = &answer.thinking {
        content.push(if is_shown(body) {
            json!({"type": "thinking", "thinking": thought, "signature": sign(Kind::Shown, thought)})
        } else {
            json!({"type": "thinking", "thinking": "", "signature": sign(Kind::Omitted, thought)})
        });
        if answer.redacted {
            content
                .push(json!({"type": "redacted_thinking", "data": sign(Kind::Redacted, thought)}));
        }
    }
    if let Some(query) = &answer.search {
        content.extend(search(query, bytes));
    }
    if !answer.text.is_empty() {
        content.push(json!({"type": "text", "text": answer.text}));
    }
    if answer.search.is_some() {
        content.push(cited());
    }
    for (index, call) in answer.calls.iter().enumerate() {
        let input = match &call.input {
            Input::Json(input) => input.clone(),
            Input::Text(text) => json!({"input": text}),
        };
        content.push(json!({
            "type": "tool_use", "id": id("toolu_", bytes, index), "name": call.name, "input": input,
        }));
    }
    let (reason, sequence) = match &answer.end {
        End::Done => ("end_turn", Value::Null),
        End::Calls => ("tool_use", Value::Null),
        End::Length => ("max_tokens", Value::Null),
        End::Stop(sequence) => ("stop_sequence", json!(sequence)),
        End::Refusal => ("refusal", Value::Null),
    };
    let details = match answer.end {
        End::Refusal => json!({"type": "refusal", "category": "cyber", "explanation": REFUSAL}),
        _ => Value::Null,
    };
    let usage = usage(body, question, &content, answer, bytes);
    json!({
        "id": id("msg_", bytes, 0), "type": "message", "role": "assistant", "model": question.model,
        "content": content, "stop_reason": reason, "stop_sequence": sequence,
        "stop_details": details, "container": null, "usage": usage,
    })
}

/// A search that the provider made, and what it found.
fn search(query: &str, bytes: &[u8]) -> [Value; 2] {
    let (url, title, words) = PAGE;
    let id = id("srvtoolu_", bytes, 0);
    let found = json!({
        "type": "web_search_result", "url": url, "title": title, "page_age": "2 days",
        "encrypted_content": sign(Kind::Redacted, words),
    });
    [
        json!({"type": "server_tool_use", "id": id, "name": "web_search", "input": {"query": query}}),
        json!({"type": "web_search_tool_result", "tool_use_id": id, "content": [found]}),
    ]
}

/// A text with its source.
fn cited() -> Value {
    let (url, title, words) = PAGE;
    let citation = json!({
        "type": "web_search_result_location", "url": url, "title": title, "cited_text": words,
        "encrypted_index": sign(Kind::Redacted, url),
    });
    json!({"type": "text", "text": format!(" {words}"), "citations": [citation]})
}

/// Counts that add up: input, written to and read from the cache are apart.
fn usage(
    body: &Object,
    question: &Question,
    content: &[Value],
    answer: &Answer,
    bytes: &[u8],
) -> Value {
    let mut marks = Vec::new();
    for part in ["tools", "system", "messages"] {
        if let Some(value) = body.get(part) {
            validate::collect_marks(value, &mut marks);
        }
    }
    marks.extend(get(body, "cache_control"));
    let total = (bytes.len() as u64).div_ceil(4);
    let cached = if marks.is_empty() { 0 } else { total * 3 / 4 };
    let (read, written) = if is_repeated(&question.last_user) {
        (cached, 0)
    } else {
        (0, cached)
    };
    let is_long = marks
        .iter()
        .any(|mark| mark.get("ttl").and_then(Value::as_str) == Some("1h"));
    let (short, long) = if is_long { (0, written) } else { (written, 0) };
    let thought = answer.thinking.as_deref().map_or(0, tokens);
    let shown: u64 = content
        .iter()
        .filter(|block| block["type"] == "text" || block["type"] == "tool_use")
        .map(|block| tokens(&block.to_string()))
        .sum();
    let mut usage = json!({
        "input_tokens": total - cached,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
        "output_tokens": thought + shown.max(1),
        "service_tier": "standard",
        "inference_geo": "not_available",
    });
    if answer.search.is_some() {
        usage["server_tool_use"] = json!({"web_search_requests": 1, "web_fetch_requests": 0});
    }
    if thought > 0 {
        usage["output_tokens_details"] = json!({"thinking_tokens": thought});
    }
    usage
}
