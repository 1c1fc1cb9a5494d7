//! A message as the events of the Messages API.

use serde_json::{Value, json};

use super::super::check::Refusal;
use super::super::reply::{Event, pieces};

/// The events that make up this message.
pub(super) fn events(message: &Value) -> Vec<Event> {
    values(message).iter().map(Event::typed).collect()
}

/// The data of the events.
pub(super) fn values(message: &Value) -> Vec<Value> {
    let mut start = message.clone();
    start["content"] = json!([]);
    start["stop_reason"] = Value::Null;
    start["stop_sequence"] = Value::Null;
    start["stop_details"] = Value::Null;
    start["usage"]["output_tokens"] = json!(1);
    if let Some(usage) = start["usage"].as_object_mut() {
        usage.remove("output_tokens_details");
    }
    let mut events = vec![
        json!({"type": "message_start", "message": start}),
        json!({"type": "ping"}),
    ];
    let blocks = message["content"].as_array().into_iter().flatten();
    for (index, block) in blocks.enumerate() {
        let (first, deltas) = parts(block);
        events.push(json!({"type": "content_block_start", "index": index, "content_block": first}));
        events.extend(
            deltas.iter().map(
                |delta| json!({"type": "content_block_delta", "index": index, "delta": delta}),
            ),
        );
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    let mut usage = message["usage"].clone();
    if let Some(usage) = usage.as_object_mut() {
        usage.retain(|name, _| {
            !matches!(
                name.as_str(),
                "cache_creation" | "service_tier" | "inference_geo"
            )
        });
    }
    events.push(json!({
        "type": "message_delta",
        "delta": {
            "stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"],
            "stop_details": message["stop_details"], "container": null,
        },
        "usage": usage,
    }));
    events.push(json!({"type": "message_stop"}));
    events
}

/// How a block starts, and its deltas.
fn parts(block: &Value) -> (Value, Vec<Value>) {
    let cut = |value: &Value, count| pieces(value.as_str().unwrap_or_default(), count);
    match block["type"].as_str() {
        Some("text") => {
            let citations = block["citations"].as_array();
            let mut first = json!({"type": "text", "text": ""});
            if citations.is_some() {
                first["citations"] = json!([]);
            }
            // A text's sources come before it.
            let citations = citations.into_iter().flatten();
            let citations =
                citations.map(|citation| json!({"type": "citations_delta", "citation": citation}));
            let texts = cut(&block["text"], 5).into_iter();
            let texts = texts.map(|text| json!({"type": "text_delta", "text": text}));
            let deltas = citations.chain(texts);
            (first, deltas.collect())
        }
        Some("thinking") => (
            json!({"type": "thinking", "thinking": "", "signature": ""}),
            cut(&block["thinking"], 3)
                .iter()
                .map(|text| json!({"type": "thinking_delta", "thinking": text}))
                .chain([json!({"type": "signature_delta", "signature": block["signature"]})])
                .collect(),
        ),
        Some("tool_use" | "server_tool_use") => {
            let input = block["input"].to_string();
            // A call without arguments has no more than the empty first delta.
            let fragments = if input == "{}" {
                Vec::new()
            } else {
                pieces(&input, 3)
            };
            let mut first = block.clone();
            first["input"] = json!({});
            (
                first,
                std::iter::once(String::new())
                    .chain(fragments)
                    .map(|json| json!({"type": "input_json_delta", "partial_json": json}))
                    .collect(),
            )
        }
        _ => (block.clone(), Vec::new()),
    }
}

/// A failure inside a stream.
pub(super) fn error(refusal: &Refusal, request_id: &str) -> Event {
    Event::typed(&json!({
        "type": "error",
        "error": {"type": refusal.kind, "message": refusal.message, "details": null},
        "request_id": request_id,
    }))
}
