//! From the answer to a response object.

use serde_json::{Value, json};

use super::super::answer::{Answer, End, Input, PAGE, Question, REFUSAL, is_repeated};
use super::super::check::{Object, flag, get, list};
use super::super::reply::{CREATED, id, tokens};
use super::input::encrypt;

/// The response that answers.
pub(super) fn response(body: &Object, question: &Question, answer: &Answer, bytes: &[u8]) -> Value {
    let is_cut = answer.end == End::Length;
    let output = output(body, answer, bytes);
    let echo = |name: &str, default: Value| get(body, name).cloned().unwrap_or(default);
    let mut response = json!({
        "id": id("resp_", bytes, 0), "object": "response", "created_at": CREATED,
        "status": if is_cut { "incomplete" } else { "completed" },
        "background": false, "error": null,
        "incomplete_details": if is_cut { json!({"reason": "max_output_tokens"}) } else { Value::Null },
        "completed_at": if is_cut { Value::Null } else { json!(CREATED + 1) },
        "model": question.model,
        "output": output,
        "previous_response_id": null,
        "service_tier": "default",
        "usage": usage(question, answer, &output, bytes),
    });
    for (name, default) in [
        ("instructions", Value::Null),
        ("max_output_tokens", Value::Null),
        ("max_tool_calls", Value::Null),
        ("metadata", json!({})),
        ("parallel_tool_calls", json!(true)),
        ("prompt_cache_key", Value::Null),
        ("reasoning", json!({"effort": null, "summary": null})),
        ("safety_identifier", Value::Null),
        ("store", json!(true)),
        ("temperature", json!(1.0)),
        (
            "text",
            json!({"format": {"type": "text"}, "verbosity": "medium"}),
        ),
        ("tool_choice", json!("auto")),
        ("tools", json!([])),
        ("top_logprobs", json!(0)),
        ("top_p", json!(1.0)),
        ("truncation", json!("disabled")),
        ("user", Value::Null),
    ] {
        response[name] = echo(name, default);
    }
    if flag(body, "background") {
        response["background"] = json!(true);
    }
    response
}

fn output(body: &Object, answer: &Answer, bytes: &[u8]) -> Vec<Value> {
    let mut output = Vec::new();
    let reasoning = body.get("reasoning");
    if let Some(thought) = &answer.thinking {
        let wants_summary = reasoning
            .and_then(|reasoning| reasoning.get("summary"))
            .is_some_and(|summary| !summary.is_null());
        let mut item = json!({"id": id("rs_", bytes, 0), "type": "reasoning", "summary": []});
        if wants_summary {
            item["summary"] = json!([{"type": "summary_text", "text": thought}]);
        }
        if list(body, "include")
            .iter()
            .any(|name| name == "reasoning.encrypted_content")
        {
            item["encrypted_content"] = json!(encrypt(thought));
        }
        output.push(item);
    }
    if let Some(query) = &answer.search {
        output.push(search(body, query, bytes));
    }
    let part = if answer.end == End::Refusal {
        Some(json!({"type": "refusal", "refusal": REFUSAL}))
    } else if answer.text.is_empty() && !answer.calls.is_empty() {
        None
    } else {
        Some(text_part(answer))
    };
    if let Some(part) = part {
        let status = if answer.end == End::Length {
            "incomplete"
        } else {
            "completed"
        };
        output.push(json!({
            "id": id("msg_", bytes, 0), "type": "message", "role": "assistant", "status": status,
            "content": [part],
        }));
    }
    output.extend(answer.calls.iter().enumerate().map(|(index, call)| {
        let call_id = id("call_", bytes, index);
        match &call.input {
            Input::Json(input) => json!({
                "id": id("fc_", bytes, index), "type": "function_call", "status": "completed",
                "call_id": call_id, "name": call.name, "arguments": input.to_string(),
            }),
            Input::Text(text) => json!({
                "id": id("ctc_", bytes, index), "type": "custom_tool_call", "status": "completed",
                "call_id": call_id, "name": call.name, "input": text,
            }),
        }
    }));
    output
}

/// A search that the provider made.
fn search(body: &Object, query: &str, bytes: &[u8]) -> Value {
    let mut action = json!({"type": "search", "query": query, "queries": [query]});
    if list(body, "include")
        .iter()
        .any(|name| name == "web_search_call.action.sources")
    {
        action["sources"] = json!([{"type": "url", "url": PAGE.0}]);
    }
    json!({
        "id": id("ws_", bytes, 0), "type": "web_search_call", "status": "completed", "action": action,
    })
}

/// The text, with its source when there was a search: its place is counted in characters.
fn text_part(answer: &Answer) -> Value {
    let mut text = answer.text.clone();
    let mut annotations = json!([]);
    if answer.search.is_some() {
        let (url, title, words) = PAGE;
        let start = text.chars().count() + 1;
        annotations = json!([{
            "type": "url_citation", "url": url, "title": title,
            "start_index": start, "end_index": start + words.chars().count(),
        }]);
        text = format!("{text} {words}");
    }
    json!({"type": "output_text", "text": text, "annotations": annotations, "logprobs": []})
}

fn usage(question: &Question, answer: &Answer, output: &[Value], bytes: &[u8]) -> Value {
    let asked = (bytes.len() as u64).div_ceil(4);
    let cached = if is_repeated(&question.last_user) {
        asked * 3 / 4
    } else {
        0
    };
    let thought = answer.thinking.as_deref().map_or(0, tokens);
    let shown = output.iter().filter(|item| item["type"] != "reasoning");
    let said = thought + shown.map(|item| tokens(&item.to_string())).sum::<u64>();
    json!({
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": said,
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": asked + said,
    })
}
