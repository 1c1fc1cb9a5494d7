//! Providers that count what they say they used, with numbers that no other call has.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine;
use serde_json::{Value, json};
use tower_llm_gateway::codec::event_stream;

use crate::support::http1::Recorded;
use crate::support::reply::Reply;

/// What one call used, in the gateway's own categories.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    input: u64,
    cache_read: u64,
    write_5m: u64,
    write_1h: u64,
    write: u64,
    output: u64,
    reasoning: u64,
    searches: u64,
    /// The provider's own word, in pico-dollars.
    cost: Option<u64>,
}

/// What the providers counted, by connection.
pub(crate) type Counted = Arc<Mutex<BTreeMap<(String, &'static str), u64>>>;

/// Dollars per million tokens of each kind and per thousand searches, as the configuration below has them.
const INPUT: u64 = 3;
const CACHE_READ_TENTHS: u64 = 3;
const WRITE_HUNDREDTHS: u64 = 375;
const WRITE_1H: u64 = 6;
const OUTPUT: u64 = 15;
const SEARCHES: u64 = 10;

impl Used {
    /// Numbers that no other call has.
    fn of(connection: &str, call: u64) -> Self {
        let mut used = Self {
            input: 1000 + call * 13,
            cache_read: 200 + call * 7,
            output: 50 + call * 3,
            reasoning: 11 + call,
            ..Self::default()
        };
        match connection {
            "anthropic" | "aws-bedrock-invoke" => {
                used.write_5m = 31 + call;
                used.write_1h = 57 + call * 2;
                used.searches = call % 3;
            }
            "aws-bedrock" => {
                used.write_5m = 31 + call;
                used.write_1h = 57 + call * 2;
            }
            "openai" | "quiet" => used.write = 19 + call,
            "perplexity" => {
                used.cache_read = 0;
                used.searches = 1 + call % 2;
                used.cost = Some(5_000_000_000 + call * 10_000_000);
            }
            "gemini" => used.cache_read = 0,
            _ => {}
        }
        used
    }

    fn prompt(&self) -> u64 {
        self.input + self.cache_read + self.write_5m + self.write_1h + self.write
    }

    /// In pico-dollars: a dollar per million tokens is a million of them per token.
    fn cost(&self) -> u64 {
        self.cost.unwrap_or(
            (self.input * INPUT + self.write_1h * WRITE_1H + self.output * OUTPUT) * 1_000_000
                + self.cache_read * CACHE_READ_TENTHS * 100_000
                + (self.write_5m + self.write) * WRITE_HUNDREDTHS * 10_000
                + self.searches * SEARCHES * 1_000_000_000,
        )
    }

    fn count(&self, connection: &str, counted: &Counted) {
        let mut counted = counted.lock().unwrap();
        for (kind, count) in [
            ("calls", 1),
            ("input", self.input),
            ("cache_read", self.cache_read),
            ("cache_write_5m", self.write_5m),
            ("cache_write_1h", self.write_1h),
            ("cache_write", self.write),
            ("output", self.output),
            ("reasoning", self.reasoning),
            ("searches", self.searches),
            ("cost", self.cost()),
        ] {
            if count > 0 {
                *counted.entry((connection.to_owned(), kind)).or_default() += count;
            }
        }
    }

    /// OpenAI's words for it, as this provider uses them.
    fn chat(&self, connection: &str) -> Value {
        let prompt = self.prompt();
        let mut usage = json!({"prompt_tokens": prompt, "completion_tokens": self.output, "total_tokens": prompt + self.output});
        match connection {
            // The thoughts are missing from the completion, but not from the total.
            "gemini" => usage["completion_tokens"] = json!(self.output - self.reasoning),
            // They are counted beside the completion.
            "perplexity" => {
                usage["completion_tokens"] = json!(self.output - self.reasoning);
                usage["reasoning_tokens"] = json!(self.reasoning);
                usage["num_search_queries"] = json!(self.searches);
                usage["search_context_size"] = json!("low");
                let cost = self.cost.unwrap_or_default();
                let cost = format!(
                    "{}.{:012}",
                    cost / 1_000_000_000_000,
                    cost % 1_000_000_000_000
                );
                let cost: Value = serde_json::from_str(&cost).unwrap();
                usage["cost"] = json!({"request_cost": 0.005, "total_cost": cost});
            }
            _ => {
                usage["prompt_tokens_details"] =
                    json!({"cached_tokens": self.cache_read, "cache_write_tokens": self.write});
                usage["completion_tokens_details"] = json!({"reasoning_tokens": self.reasoning});
            }
        }
        usage
    }

    fn responses(&self) -> Value {
        json!({"input_tokens": self.prompt(), "output_tokens": self.output, "total_tokens": self.prompt() + self.output,
            "input_tokens_details": {"cached_tokens": self.cache_read, "cache_write_tokens": self.write},
            "output_tokens_details": {"reasoning_tokens": self.reasoning}})
    }

    fn messages(&self) -> Value {
        json!({"input_tokens": self.input, "cache_read_input_tokens": self.cache_read,
            "cache_creation_input_tokens": self.write_5m + self.write_1h,
            "cache_creation": {"ephemeral_5m_input_tokens": self.write_5m, "ephemeral_1h_input_tokens": self.write_1h},
            "output_tokens": self.output, "output_tokens_details": {"thinking_tokens": self.reasoning},
            "server_tool_use": {"web_search_requests": self.searches, "web_fetch_requests": 0}, "service_tier": "standard"})
    }
}

impl Used {
    fn converse(&self) -> Value {
        json!({"inputTokens": self.input, "outputTokens": self.output, "totalTokens": self.prompt() + self.output,
            "cacheReadInputTokens": self.cache_read, "cacheWriteInputTokens": self.write_5m + self.write_1h,
            "cacheDetails": [{"ttl": "1h", "inputTokens": self.write_1h}, {"ttl": "5m", "inputTokens": self.write_5m}]})
    }
}

/// Events in AWS's framing.
fn aws_stream(events: impl IntoIterator<Item = (&'static str, Value)>) -> Reply {
    let frames = events.into_iter().map(|(name, payload)| {
        let mut frame = bytes::BytesMut::new();
        event_stream::encode_event(name, payload.to_string().as_bytes(), &mut frame).unwrap();
        frame.to_vec()
    });
    Reply::stream("application/vnd.amazon.eventstream", frames)
}

/// Converse.
fn converse(used: &Used, stream: bool) -> Reply {
    let fields = json!({"usage": {"output_tokens_details": {"thinking_tokens": used.reasoning}}});
    if !stream {
        let tool = json!({"toolUse": {"toolUseId": "tooluse_1", "name": "look", "input": {}}});
        let answer = json!({"output": {"message": {"role": "assistant", "content": [tool]}}, "stopReason": "tool_use",
            "usage": used.converse(), "metrics": {"latencyMs": 1}, "additionalModelResponseFields": fields});
        return Reply::json(200, answer.to_string());
    }
    aws_stream([
        ("messageStart", json!({"role": "assistant"})),
        (
            "contentBlockStart",
            json!({"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "tooluse_1", "name": "look"}}}),
        ),
        ("contentBlockStop", json!({"contentBlockIndex": 0})),
        (
            "messageStop",
            json!({"stopReason": "tool_use", "additionalModelResponseFields": fields}),
        ),
        (
            "metadata",
            json!({"usage": used.converse(), "metrics": {"latencyMs": 1}}),
        ),
    ])
}

/// A provider that counts what it says it used. The first part of a path names the connection.
pub(crate) fn provide(request: &Recorded, counted: &Counted, calls: &Mutex<u64>) -> Reply {
    let (connection, path) = request.path()[1..].split_once('/').unwrap();
    let body = request.json();
    let text = body.to_string();
    if text.contains("scripted:busy") {
        return Reply::json(503, r#"{"error":{"message":"busy","type":"server_error"}}"#)
            .header("retry-after", "0");
    }
    let call = {
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        *calls
    };
    let used = Used::of(connection, call);
    let stream = body["stream"] == json!(true) || path.ends_with("-stream");
    let count = |used: &Used| used.count(connection, counted);
    if path.contains("/converse") {
        count(&used);
        return converse(&used, stream);
    }
    if path.contains("enerateContent") {
        count(&used);
        return generate_content(&used, path.contains(":streamGenerateContent"));
    }
    if path.ends_with("chat/completions") {
        count(&used);
        return chat(&used, &body, connection, stream);
    }
    if path.ends_with("responses") {
        count(&used);
        return responses(&used, &body, stream);
    }
    let hang = text.contains("scripted:hang");
    if path.starts_with("model/") {
        let model = json!("claude-sonnet-4-5-20250929");
        return messages(used, &model, stream, hang, invoke_stream, count);
    }
    assert!(path.ends_with("messages"), "{path}");
    messages(used, &body["model"], stream, hang, sse, count)
}

/// Server-sent events.
fn sse(events: Vec<(&'static str, Value)>) -> Reply {
    let event = |(name, data)| format!("event: {name}\ndata: {data}\n\n");
    Reply::sse(events.into_iter().map(event))
}

/// The chunks of InvokeModel: events inside of events.
fn invoke_stream(events: Vec<(&'static str, Value)>) -> Reply {
    aws_stream(events.into_iter().map(|(_, data)| {
        let bytes = base64::engine::general_purpose::STANDARD.encode(data.to_string());
        ("chunk", json!({"bytes": bytes, "p": "abc"}))
    }))
}

/// Chat Completions.
fn chat(used: &Used, body: &Value, connection: &str, stream: bool) -> Reply {
    let model = &body["model"];
    let tool = json!([{"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]);
    let usage = used.chat(connection);
    if !stream {
        return Reply::json(200, json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "Lima", "tool_calls": tool}, "finish_reason": "tool_calls"}],
            "usage": usage}).to_string());
    }
    let asked =
        body["stream_options"]["include_usage"] == json!(true) || connection == "perplexity";
    assert!(asked, "a stream that did not ask for its usage: {body}");
    let chunk = |delta: Value, finish: Value| {
        json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
        "model": model, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    };
    let mut events = vec![
        chunk(json!({"role": "assistant", "content": "Li"}), Value::Null),
        chunk(json!({"tool_calls": tool}), Value::Null),
        chunk(json!({}), json!("tool_calls")),
    ];
    match connection {
        // Gemini and Perplexity have it on the last chunk, Groq in a member of its own there.
        "gemini" | "perplexity" => events[2]["usage"] = usage,
        "groq" => events[2]["x_groq"] = json!({"id": "req", "usage": usage}),
        _ => events.push(json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model,
            "choices": [], "usage": usage})),
    }
    let mut pieces: Vec<String> = events
        .iter()
        .map(|event| format!("data: {event}\n\n"))
        .collect();
    pieces.push("data: [DONE]\n\n".to_owned());
    Reply::sse(pieces)
}

/// Gemini's native API.
fn generate_content(used: &Used, stream: bool) -> Reply {
    let call = json!({"functionCall": {"id": "call_1", "name": "look", "args": {}}, "thoughtSignature": "c2ln"});
    // The thoughts are counted beside the candidates, and what its own tools found is a part of the prompt.
    let usage = json!({"promptTokenCount": used.prompt() - 5, "toolUsePromptTokenCount": 5,
        "cachedContentTokenCount": used.cache_read, "candidatesTokenCount": used.output - used.reasoning,
        "thoughtsTokenCount": used.reasoning, "totalTokenCount": used.prompt() + used.output});
    let chunk = |parts: Value, finish: Value, usage: &Value| {
        json!({"responseId": "r1", "modelVersion": "gemini-3.8-flash", "usageMetadata": usage,
            "candidates": [{"index": 0, "content": {"role": "model", "parts": parts}, "finishReason": finish}]})
    };
    let last = chunk(json!([call]), json!("STOP"), &usage);
    if !stream {
        return Reply::json(200, last.to_string());
    }
    // Counts grow from chunk to chunk.
    let early = json!({"promptTokenCount": 1, "totalTokenCount": 1});
    let first = chunk(json!([{"text": "Li"}]), Value::Null, &early);
    Reply::sse([first, last].map(|event| format!("data: {event}\r\n\r\n")))
}

/// Responses.
fn responses(used: &Used, body: &Value, stream: bool) -> Reply {
    let model = &body["model"];
    let item = json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look", "arguments": "{}", "status": "completed"});
    let answer = json!({"id": "resp_1", "object": "response", "created_at": 1, "model": model, "status": "completed", "error": null,
        "incomplete_details": null, "output": [item], "usage": used.responses(), "service_tier": "default"});
    if !stream {
        return Reply::json(200, answer.to_string());
    }
    let mut begun = answer.clone();
    begun["status"] = json!("in_progress");
    begun["output"] = json!([]);
    begun["usage"] = Value::Null;
    let mut started = item.clone();
    started["arguments"] = json!("");
    sse(vec![
        (
            "response.created",
            json!({"type": "response.created", "sequence_number": 0, "response": begun}),
        ),
        (
            "response.output_item.added",
            json!({"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": started}),
        ),
        (
            "response.function_call_arguments.done",
            json!({"type": "response.function_call_arguments.done", "sequence_number": 2,
            "output_index": 0, "item_id": "fc_1", "name": "look", "arguments": "{}"}),
        ),
        (
            "response.output_item.done",
            json!({"type": "response.output_item.done", "sequence_number": 3, "output_index": 0, "item": item}),
        ),
        (
            "response.completed",
            json!({"type": "response.completed", "sequence_number": 4, "response": answer}),
        ),
    ])
}

/// Messages, in the framing of `framed`; with `hang` a stream that does not go on.
fn messages(
    used: Used,
    model: &Value,
    stream: bool,
    hang: bool,
    framed: impl Fn(Vec<(&'static str, Value)>) -> Reply,
    count: impl Fn(&Used),
) -> Reply {
    let usage = used.messages();
    let mut message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": model,
        "content": [{"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}], "stop_reason": "tool_use", "stop_sequence": null, "usage": usage});
    if !stream {
        count(&used);
        return Reply::json(200, message.to_string());
    }
    let block =
        json!({"type": "content_block_start", "index": 0, "content_block": message["content"][0]});
    message["content"] = json!([]);
    message["stop_reason"] = Value::Null;
    // The output is only known at the end.
    message["usage"]["output_tokens"] = json!(1);
    message["usage"]
        .as_object_mut()
        .unwrap()
        .remove("output_tokens_details");
    let mut events = vec![
        (
            "message_start",
            json!({"type": "message_start", "message": message}),
        ),
        ("content_block_start", block),
    ];
    if hang {
        let begun = Used {
            output: 1,
            reasoning: 0,
            ..used
        };
        count(&begun);
        return framed(events).expect_cancel();
    }
    count(&used);
    events.extend([
        ("content_block_stop", json!({"type": "content_block_stop", "index": 0})),
        ("message_delta", json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null},
            "usage": {"output_tokens": used.output, "output_tokens_details": {"thinking_tokens": used.reasoning}}})),
        ("message_stop", json!({"type": "message_stop"})),
    ]);
    framed(events)
}
