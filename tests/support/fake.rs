//! A small provider for the scripted upstream: it answers Chat, Responses and Messages requests by rule, deterministically, so that the
//! same conversation sent twice gives the same bytes. It quotes the user's text; a text about the weather calls the first tool, one
//! with "parallel" the second one too; tool results are quoted; images and documents are named with their size; thinking is signed and
//! altered signatures are refused. Words that start with `scripted:` in the user's text make it misbehave (see [`answer`]).

use serde_json::{Value, json};

use super::http1::Recorded;
use super::reply::Reply;

/// What the model says, before a dialect renders it.
struct Turn {
    id: String,
    model: String,
    thinking: Option<String>,
    text: String,
    calls: Vec<Call>,
    stop: Stop,
}

struct Call {
    id: String,
    name: String,
    arguments: String,
    /// A freeform tool's: the arguments are its plain text.
    custom: bool,
}

/// A tool of the client's.
struct Tool {
    name: String,
    schema: Value,
    custom: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    End,
    Tools,
    Length,
    Refusal,
}

/// The dialect of a request, by its path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Chat,
    Responses,
    Messages,
}

/// The signature of a thinking text.
pub fn signature(thinking: &str) -> String {
    let sum = thinking
        .bytes()
        .fold(7_u32, |sum, byte| sum.wrapping_mul(31) ^ u32::from(byte));
    format!("c2lnbmVk+{sum:08x}/==")
}

/// Answers a request. Words in the text of the last user message:
/// `scripted:overloaded` (529 or 503), `scripted:ratelimit` (429), `scripted:refuse-key` (401 that quotes the key it got), `scripted:cut-clean` (the stream ends between two events, framing intact),
/// `scripted:cut-fin` (inside an event, without the final chunk), `scripted:cut-reset`, `scripted:error-event`, `scripted:first-error`,
/// `scripted:hold` (a stream that stops and waits for the peer to leave), `scripted:head-only` (the same before the first event),
/// `scripted:never` (no head at all), `scripted:split` (writes that end inside of lines and characters).
pub fn answer(request: &Recorded) -> Reply {
    let dialect = match request.path() {
        path if path.ends_with("/chat/completions") => Dialect::Chat,
        path if path.ends_with("/responses") => Dialect::Responses,
        path if path.ends_with("/messages") => Dialect::Messages,
        path if path.ends_with("/messages/count_tokens") => {
            return Reply::json(200, r#"{"input_tokens":17}"#);
        }
        _ => return Reply::json(404, r#"{"error":{"message":"no such path"}}"#),
    };
    let body = request.json();
    let model = body["model"].as_str().unwrap_or_default();
    if request.contains("wrong-key") {
        return error(dialect, 401, "authentication_error", "invalid x-api-key");
    }
    if model.contains("no-such-model") {
        return error(dialect, 404, "not_found_error", &format!("model: {model}"));
    }
    let conversation = Conversation::read(&body, dialect);
    if let Some(reason) = &conversation.refused {
        return error(dialect, 400, "invalid_request_error", reason);
    }
    let fault = conversation
        .user
        .split_whitespace()
        .find_map(|word| word.strip_prefix("scripted:"));
    match fault {
        Some("overloaded") => {
            return error(dialect, overload(dialect), "overloaded_error", "Overloaded");
        }
        Some("ratelimit") => {
            return error(dialect, 429, "rate_limit_error", "slow down").header("retry-after", "1");
        }
        Some("refuse-key") => {
            let sent = request
                .header("x-api-key")
                .or(request.header("authorization"));
            let key = sent.unwrap_or_default().trim_start_matches("Bearer ");
            let why = format!("Incorrect API key provided: {key}.");
            return error(dialect, 401, "authentication_error", &why);
        }
        Some("never") => return Reply::never(),
        _ => {}
    }
    let turn = conversation.turn(&body, model);
    if body["stream"] != json!(true) {
        let (answer, id) = match dialect {
            Dialect::Chat => (turn.chat(), "x-request-id"),
            Dialect::Responses => (turn.responses(), "x-request-id"),
            Dialect::Messages => (turn.messages(), "request-id"),
        };
        return Reply::json(200, answer.to_string()).header(id, "req_scripted");
    }
    let mut events = match dialect {
        Dialect::Chat => turn.chat_events(body["stream_options"]["include_usage"] == json!(true)),
        Dialect::Responses => turn.responses_events(),
        Dialect::Messages => turn.messages_events(),
    };
    let half = events.len().div_ceil(2);
    let failure = match dialect {
        Dialect::Chat => {
            "data: {\"error\":{\"message\":\"Overloaded\",\"type\":\"server_error\",\"param\":null,\"code\":\"overloaded\"}}\n\n"
        }
        Dialect::Responses => {
            "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"Overloaded\",\"param\":null,\"sequence_number\":9}\n\n"
        }
        Dialect::Messages => {
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n"
        }
    };
    match fault {
        Some("cut-clean") => {
            events.truncate(half);
            Reply::sse(events)
        }
        Some("cut-fin") => {
            events.truncate(half);
            Reply::sse(events).piece("data: {\"type\":\"con").fin()
        }
        Some("cut-reset") => {
            events.truncate(half);
            Reply::sse(events).reset()
        }
        Some("error-event") => {
            events.truncate(half);
            events.push(failure.to_owned());
            Reply::sse(events)
        }
        Some("first-error") => Reply::sse([failure]),
        Some("hold") => {
            events.truncate(half);
            Reply::sse(events).expect_cancel()
        }
        Some("head-only") => Reply::sse([": waiting\n\n"]).expect_cancel(),
        Some("split") => Reply::sse(events.concat().into_bytes().chunks(5)),
        _ => Reply::sse(events),
    }
}

fn overload(dialect: Dialect) -> u16 {
    if dialect == Dialect::Messages {
        529
    } else {
        503
    }
}

fn error(dialect: Dialect, status: u16, kind: &str, message: &str) -> Reply {
    let body = if dialect == Dialect::Messages {
        json!({"type":"error","error":{"type":kind,"message":message},"request_id":"req_scripted"})
    } else {
        let (kind, code) = match kind {
            "authentication_error" => ("invalid_request_error", Some("invalid_api_key")),
            "not_found_error" => ("invalid_request_error", Some("model_not_found")),
            "rate_limit_error" => ("requests", Some("rate_limit_exceeded")),
            "overloaded_error" => ("server_error", Some("overloaded")),
            other => (other, None),
        };
        json!({"error":{"message":message,"type":kind,"param":null,"code":code}})
    };
    Reply::json(status, body.to_string())
}

/// What matters of a request.
struct Conversation {
    user: String,
    media: Vec<String>,
    results: Vec<String>,
    tools: Vec<Tool>,
    length: usize,
    thinking: bool,
    refused: Option<String>,
}

impl Conversation {
    fn read(body: &Value, dialect: Dialect) -> Self {
        let list = match dialect {
            Dialect::Responses => &body["input"],
            Dialect::Chat | Dialect::Messages => &body["messages"],
        };
        let mut this = Self {
            user: String::new(),
            media: Vec::new(),
            results: Vec::new(),
            tools: Vec::new(),
            length: 1,
            thinking: match dialect {
                Dialect::Messages => ["enabled", "adaptive"]
                    .iter()
                    .any(|kind| body["thinking"]["type"] == *kind),
                Dialect::Chat => body["reasoning_effort"].is_string(),
                Dialect::Responses => {
                    body["reasoning"]["effort"].is_string() && body["reasoning"]["effort"] != "none"
                }
            },
            refused: None,
        };
        if let Some(text) = list.as_str() {
            this.user = text.to_owned();
        }
        for tool in body["tools"].as_array().into_iter().flatten() {
            let function = match dialect {
                Dialect::Chat => &tool["function"],
                Dialect::Responses | Dialect::Messages => tool,
            };
            let schema = match dialect {
                Dialect::Chat | Dialect::Responses => &function["parameters"],
                Dialect::Messages => &function["input_schema"],
            };
            if let Some(name) = function["name"].as_str() {
                this.tools.push(Tool {
                    name: name.to_owned(),
                    schema: schema.clone(),
                    custom: tool["type"] == "custom" && dialect == Dialect::Responses,
                });
            }
        }
        let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
        this.length = items.len().max(1);
        if items.is_empty() && this.user.is_empty() {
            this.refused = Some("messages: at least one message is required".to_owned());
        }
        for item in items {
            this.item(item, dialect);
        }
        let n = body["n"].as_u64().unwrap_or(1);
        let limit = body["max_tokens"].as_i64().unwrap_or(1);
        if n != 1 || limit < 1 || body["temperature"].as_f64().unwrap_or(0.0) > 2.0 {
            this.refused = Some("a value is out of range".to_owned());
        }
        this
    }

    fn item(&mut self, item: &Value, dialect: Dialect) {
        let blocks = item["content"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let plain = item["content"].as_str();
        if item["type"] == "function_call_output" || item["type"] == "custom_tool_call_output" {
            let output = &item["output"];
            self.results.push(output.as_str().map_or_else(
                || texts(output.as_array().map(Vec::as_slice).unwrap_or_default()),
                str::to_owned,
            ));
        } else if item["type"] == "reasoning" {
            let thinking = texts(
                item["summary"]
                    .as_array()
                    .map(Vec::as_slice)
                    .unwrap_or_default(),
            );
            if item["encrypted_content"] != signature(&thinking) {
                self.refused =
                    Some("The encrypted content for an item could not be verified.".to_owned());
            }
        } else if item["role"] == "tool" {
            self.results
                .push(plain.map_or_else(|| texts(blocks), str::to_owned));
        } else if item["role"] == "user" {
            let results: Vec<String> = blocks
                .iter()
                .filter(|block| block["type"] == "tool_result")
                .map(|block| {
                    let content = &block["content"];
                    content.as_str().map_or_else(
                        || texts(content.as_array().map(Vec::as_slice).unwrap_or_default()),
                        str::to_owned,
                    )
                })
                .collect();
            // What only goes with a result is no question of its own.
            let goes_with_result =
                dialect == Dialect::Chat && texts(blocks).starts_with("[image returned");
            if results.is_empty() && !goes_with_result {
                self.results.clear();
                self.media = blocks.iter().filter_map(media).collect();
                self.user = plain.map_or_else(|| texts(blocks), str::to_owned);
            } else {
                self.results.extend(results);
            }
        } else if item["role"] == "assistant" {
            let signed = item["thinking_blocks"].as_array().into_iter().flatten();
            for block in blocks.iter().chain(signed) {
                let text = block["thinking"].as_str().unwrap_or_default();
                if block["type"] == "thinking" && block["signature"] != signature(text) {
                    self.refused = Some("Invalid `signature` in `thinking` block".to_owned());
                }
            }
        }
    }

    fn turn(&self, body: &Value, model: &str) -> Turn {
        let lower = self.user.to_lowercase();
        let wants = lower.contains("weather") || lower.contains("tool");
        let mut turn = Turn {
            id: format!("01Scripted{}", self.length),
            model: model.to_owned(),
            thinking: self
                .thinking
                .then(|| format!("About {} items: {}", self.length, self.user)),
            text: if self.media.is_empty() {
                format!("You said: {}", self.user)
            } else {
                format!(
                    "You said: {} and sent {}",
                    self.user,
                    self.media.join(" and ")
                )
            },
            calls: Vec::new(),
            stop: Stop::End,
        };
        let limit = ["max_tokens", "max_completion_tokens", "max_output_tokens"]
            .iter()
            .find_map(|name| body[*name].as_u64());
        let structured = [
            &body["response_format"]["json_schema"],
            &body["output_config"]["format"],
            &body["text"]["format"]["schema"],
        ];
        if structured.iter().any(|format| format.is_object()) {
            turn.text = r#"{"city":"Lima","score":7,"certain":true}"#.to_owned();
        } else if !self.results.is_empty() {
            turn.text = format!("The tools said: {}", self.results.join(" | "));
        } else if lower.contains("refuse") {
            turn.text = String::new();
            turn.stop = Stop::Refusal;
        } else if limit.is_some_and(|limit| limit <= 16) {
            turn.text = "You said".to_owned();
            turn.stop = Stop::Length;
        } else if wants && !self.tools.is_empty() {
            let cities: &[&str] = if lower.contains("parallel") {
                &["Lima", "Quito"]
            } else {
                &["Lima"]
            };
            turn.text = "On it.".to_owned();
            turn.stop = Stop::Tools;
            turn.calls = (cities.iter().zip(self.tools.iter().cycle()).enumerate())
                .map(|(index, (city, tool))| Call {
                    id: format!("toolu_{}_{index}", self.length),
                    name: tool.name.clone(),
                    arguments: tool.arguments(city),
                    custom: tool.custom,
                })
                .collect();
        }
        turn
    }
}

impl Tool {
    /// What the tool is called with, about this city.
    fn arguments(&self, city: &str) -> String {
        if self.custom {
            return "demo".to_owned();
        }
        let members = self.schema["properties"].as_object().into_iter().flatten();
        let members = members.map(|(name, schema)| match schema["type"].as_str() {
            Some("integer" | "number") => format!("\"{name}\": 7"),
            Some("boolean") => format!("\"{name}\": true"),
            _ if name == "input" => format!("\"{name}\": \"demo\""),
            _ => format!("\"{name}\": \"{city}\""),
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
    }
}

/// An image or a document, in words: its type and size, or where it is.
fn media(block: &Value) -> Option<String> {
    let url = |url: &str| {
        let Some((media, data)) = url
            .strip_prefix("data:")
            .and_then(|url| url.split_once(";base64,"))
        else {
            return format!("what is at {url}");
        };
        base64(media, data)
    };
    fn base64(media: &str, data: &str) -> String {
        let padding = data.bytes().rev().take_while(|byte| *byte == b'=').count();
        format!("{media} of {} bytes", data.len() / 4 * 3 - padding)
    }
    let text = |pointer: &str| block.pointer(pointer).and_then(Value::as_str);
    match text("/type")? {
        "image_url" => text("/image_url/url").map(url),
        "file" => text("/file/file_data").map(url),
        "input_image" => text("/image_url").map(url),
        "input_file" => text("/file_data").map(url),
        "image" | "document" => match text("/source/type")? {
            "base64" => Some(base64(text("/source/media_type")?, text("/source/data")?)),
            _ => text("/source/url").map(url),
        },
        _ => None,
    }
}

/// The texts of content blocks, joined.
fn texts(blocks: &[Value]) -> String {
    let texts: Vec<&str> = blocks.iter().filter_map(|b| b["text"].as_str()).collect();
    texts.join(" ")
}

/// A text in small pieces, cut at character boundaries.
fn pieces(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let pieces = characters.chunks(7).map(|piece| piece.iter().collect());
    pieces.collect()
}

impl Turn {
    fn chat(&self) -> Value {
        let mut message = json!({"role":"assistant","content":self.text,"refusal":null});
        if self.stop == Stop::Refusal {
            message["content"] = Value::Null;
            message["refusal"] = json!("I refuse, I would rather not.");
        }
        if let Some(thinking) = &self.thinking {
            message["reasoning_content"] = json!(thinking);
            message["thinking_blocks"] =
                json!([{"type":"thinking","thinking":thinking,"signature":signature(thinking)}]);
        }
        if !self.calls.is_empty() {
            let calls = self.calls.iter().map(|call| {
                json!({"id":call.id,"type":"function",
                    "function":{"name":call.name,"arguments":call.arguments}})
            });
            message["tool_calls"] = calls.collect();
        }
        json!({"id":format!("chatcmpl-{}", self.id),"object":"chat.completion","created":1_795_353_600,
            "model":self.model,"usage":self.chat_usage(),
            "choices":[{"index":0,"logprobs":null,"finish_reason":self.finish(),"message":message}]})
    }

    /// Tokens of what was thought, a part of the five that every answer counts.
    fn thought(&self) -> u64 {
        if self.thinking.is_some() { 2 } else { 0 }
    }

    fn chat_usage(&self) -> Value {
        json!({"prompt_tokens":14,"completion_tokens":5,"total_tokens":19,
            "prompt_tokens_details":{"cached_tokens":3},
            "completion_tokens_details":{"reasoning_tokens":self.thought()}})
    }

    fn finish(&self) -> &'static str {
        match self.stop {
            Stop::End | Stop::Refusal => "stop",
            Stop::Tools => "tool_calls",
            Stop::Length => "length",
        }
    }

    fn chat_events(&self, include_usage: bool) -> Vec<String> {
        let chunk = |choices: Value, usage: Value| {
            let chunk = json!({"id":format!("chatcmpl-{}", self.id),"object":"chat.completion.chunk",
                "created":1_795_353_600,"model":self.model,"choices":choices,"usage":usage});
            format!("data: {chunk}\n\n")
        };
        let delta = |delta: Value, finish: Value| {
            let choice = json!({"index":0,"delta":delta,"logprobs":null,"finish_reason":finish});
            chunk(json!([choice]), Value::Null)
        };
        let mut events = vec![delta(json!({"role":"assistant","content":""}), Value::Null)];
        if let Some(thinking) = &self.thinking {
            for piece in pieces(thinking) {
                events.push(delta(json!({"reasoning_content":piece}), Value::Null));
            }
            let block = json!({"index":0,"type":"thinking","thinking":thinking,
                "signature":signature(thinking)});
            events.push(delta(json!({"thinking_blocks":[block]}), Value::Null));
        }
        for piece in pieces(&self.text) {
            events.push(delta(json!({"content":piece}), Value::Null));
        }
        if self.stop == Stop::Refusal {
            events.push(delta(
                json!({"refusal":"I refuse, I would rather not."}),
                Value::Null,
            ));
        }
        for (index, call) in self.calls.iter().enumerate() {
            let start = json!({"index":index,"id":call.id,"type":"function",
                "function":{"name":call.name,"arguments":""}});
            events.push(delta(json!({"tool_calls":[start]}), Value::Null));
            for piece in pieces(&call.arguments) {
                let more = json!({"index":index,"function":{"arguments":piece}});
                events.push(delta(json!({"tool_calls":[more]}), Value::Null));
            }
        }
        events.push(delta(json!({}), json!(self.finish())));
        if include_usage {
            events.push(chunk(json!([]), self.chat_usage()));
        }
        events.push("data: [DONE]\n\n".to_owned());
        events
    }

    fn messages(&self) -> Value {
        let mut content = Vec::new();
        if let Some(thinking) = &self.thinking {
            content.push(
                json!({"type":"thinking","thinking":thinking,"signature":signature(thinking)}),
            );
        }
        if !self.text.is_empty() {
            content.push(json!({"type":"text","text":self.text}));
        }
        for call in &self.calls {
            let input: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
            content.push(json!({"type":"tool_use","id":call.id,"name":call.name,"input":input}));
        }
        json!({"id":format!("msg_{}", self.id),"type":"message","role":"assistant","model":self.model,
            "content":content,"stop_reason":self.stop_reason(),"stop_sequence":null,
            "stop_details":self.stop_details(),
            "usage":{"input_tokens":11,"cache_creation_input_tokens":0,"cache_read_input_tokens":3,
                "output_tokens":5,"output_tokens_details":{"thinking_tokens":self.thought()},
                "service_tier":"standard"}})
    }

    fn stop_reason(&self) -> &'static str {
        match self.stop {
            Stop::End => "end_turn",
            Stop::Tools => "tool_use",
            Stop::Length => "max_tokens",
            Stop::Refusal => "refusal",
        }
    }

    fn stop_details(&self) -> Value {
        if self.stop == Stop::Refusal {
            json!({"type":"refusal","category":null,"explanation":"I refuse, I would rather not."})
        } else {
            Value::Null
        }
    }

    fn messages_events(&self) -> Vec<String> {
        let event = |data: Value| {
            let name = data["type"].as_str().unwrap_or_default();
            format!("event: {name}\ndata: {data}\n\n")
        };
        let mut message = self.messages();
        message["content"] = json!([]);
        message["stop_reason"] = Value::Null;
        message["stop_details"] = Value::Null;
        let mut events = vec![
            event(json!({"type":"message_start","message":message})),
            event(json!({"type":"ping"})),
        ];
        let mut index = 0;
        let mut block = |start: Value, deltas: Vec<Value>| {
            events.push(event(
                json!({"type":"content_block_start","index":index,"content_block":start}),
            ));
            for delta in deltas {
                events.push(event(
                    json!({"type":"content_block_delta","index":index,"delta":delta}),
                ));
            }
            events.push(event(json!({"type":"content_block_stop","index":index})));
            index += 1;
        };
        if let Some(thinking) = &self.thinking {
            let mut deltas: Vec<Value> = (pieces(thinking).into_iter())
                .map(|piece| json!({"type":"thinking_delta","thinking":piece}))
                .collect();
            deltas.push(json!({"type":"signature_delta","signature":signature(thinking)}));
            block(
                json!({"type":"thinking","thinking":"","signature":""}),
                deltas,
            );
        }
        if !self.text.is_empty() {
            let deltas = pieces(&self.text).into_iter();
            let deltas = deltas.map(|piece| json!({"type":"text_delta","text":piece}));
            block(json!({"type":"text","text":""}), deltas.collect());
        }
        for call in &self.calls {
            let deltas = pieces(&call.arguments).into_iter();
            let deltas =
                deltas.map(|piece| json!({"type":"input_json_delta","partial_json":piece}));
            block(
                json!({"type":"tool_use","id":call.id,"name":call.name,"input":{}}),
                deltas.collect(),
            );
        }
        events.push(event(json!({"type":"message_delta",
            "delta":{"stop_reason":self.stop_reason(),"stop_sequence":null,"stop_details":self.stop_details()},
            "usage":{"output_tokens":5,"output_tokens_details":{"thinking_tokens":self.thought()}}})));
        events.push(event(json!({"type":"message_stop"})));
        events
    }

    fn output(&self) -> Vec<Value> {
        let content = if self.stop == Stop::Refusal {
            json!({"type":"refusal","refusal":"I refuse, I would rather not."})
        } else {
            json!({"type":"output_text","text":self.text,"annotations":[],"logprobs":[]})
        };
        let mut output = Vec::new();
        if let Some(thinking) = &self.thinking {
            output.push(json!({"type":"reasoning","id":format!("rs_{}", self.id),
                "summary":[{"type":"summary_text","text":thinking}],
                "encrypted_content":signature(thinking)}));
        }
        let status = if self.stop == Stop::Length {
            "incomplete"
        } else {
            "completed"
        };
        output.push(
            json!({"type":"message","id":format!("msg_{}", self.id),"role":"assistant",
            "status":status,"content":[content]}),
        );
        for (index, call) in self.calls.iter().enumerate() {
            if call.custom {
                output.push(json!({"type":"custom_tool_call","id":format!("ctc_{}_{index}", self.id),
                    "call_id":call.id,"name":call.name,"input":call.arguments,"status":"completed"}));
                continue;
            }
            output.push(json!({"type":"function_call","id":format!("fc_{}_{index}", self.id),
                "call_id":call.id,"name":call.name,"arguments":call.arguments,"status":"completed"}));
        }
        output
    }

    fn responses(&self) -> Value {
        let (status, details) = if self.stop == Stop::Length {
            ("incomplete", json!({"reason":"max_output_tokens"}))
        } else {
            ("completed", Value::Null)
        };
        json!({"id":format!("resp_{}", self.id),"object":"response","created_at":1_795_353_600,
            "model":self.model,"status":status,"incomplete_details":details,"error":null,
            "instructions":null,"metadata":{},"output":self.output(),"parallel_tool_calls":true,
            "tool_choice":"auto","tools":[],
            "usage":{"input_tokens":11,"input_tokens_details":{"cached_tokens":3},
                "output_tokens":5,"output_tokens_details":{"reasoning_tokens":self.thought()},"total_tokens":16}})
    }

    fn responses_events(&self) -> Vec<String> {
        let mut number = 0;
        let mut events = Vec::new();
        let mut event = |mut data: Value| {
            data["sequence_number"] = json!(number);
            number += 1;
            let name = data["type"].as_str().unwrap_or_default();
            events.push(format!("event: {name}\ndata: {data}\n\n"));
        };
        let whole = self.responses();
        let mut started = whole.clone();
        started["status"] = json!("in_progress");
        started["output"] = json!([]);
        started["usage"] = Value::Null;
        started["incomplete_details"] = Value::Null;
        event(json!({"type":"response.created","response":started}));
        event(json!({"type":"response.in_progress","response":started}));
        for (index, item) in self.output().into_iter().enumerate() {
            let id = item["id"].clone();
            let mut begun = item.clone();
            begun["status"] = json!("in_progress");
            if item["type"] == "reasoning" {
                begun["summary"] = json!([]);
                event(
                    json!({"type":"response.output_item.added","output_index":index,"item":begun}),
                );
                let part = &item["summary"][0];
                let text = part["text"].as_str().unwrap_or_default();
                event(
                    json!({"type":"response.reasoning_summary_part.added","item_id":id,
                    "output_index":index,"summary_index":0,"part":{"type":"summary_text","text":""}}),
                );
                for piece in pieces(text) {
                    event(
                        json!({"type":"response.reasoning_summary_text.delta","item_id":id,
                        "output_index":index,"summary_index":0,"delta":piece}),
                    );
                }
                event(
                    json!({"type":"response.reasoning_summary_text.done","item_id":id,
                    "output_index":index,"summary_index":0,"text":text}),
                );
                event(
                    json!({"type":"response.reasoning_summary_part.done","item_id":id,
                    "output_index":index,"summary_index":0,"part":part}),
                );
            } else if item["type"] == "custom_tool_call" {
                begun["input"] = json!("");
                event(
                    json!({"type":"response.output_item.added","output_index":index,"item":begun}),
                );
                let input = item["input"].as_str().unwrap_or_default();
                for piece in pieces(input) {
                    event(
                        json!({"type":"response.custom_tool_call_input.delta","item_id":id,
                        "output_index":index,"delta":piece}),
                    );
                }
                event(
                    json!({"type":"response.custom_tool_call_input.done","item_id":id,
                    "output_index":index,"input":input}),
                );
            } else if item["type"] == "function_call" {
                begun["arguments"] = json!("");
                event(
                    json!({"type":"response.output_item.added","output_index":index,"item":begun}),
                );
                let arguments = item["arguments"].as_str().unwrap_or_default();
                for piece in pieces(arguments) {
                    event(
                        json!({"type":"response.function_call_arguments.delta","item_id":id,
                        "output_index":index,"delta":piece}),
                    );
                }
                event(
                    json!({"type":"response.function_call_arguments.done","item_id":id,
                    "output_index":index,"name":item["name"],"arguments":arguments}),
                );
            } else {
                begun["content"] = json!([]);
                event(
                    json!({"type":"response.output_item.added","output_index":index,"item":begun}),
                );
                let part = &item["content"][0];
                let mut empty = part.clone();
                let (key, kind) = if part["type"] == "refusal" {
                    ("refusal", "response.refusal")
                } else {
                    ("text", "response.output_text")
                };
                empty[key] = json!("");
                event(json!({"type":"response.content_part.added","item_id":id,
                    "output_index":index,"content_index":0,"part":empty}));
                let text = part[key].as_str().unwrap_or_default();
                for piece in pieces(text) {
                    event(
                        json!({"type":format!("{kind}.delta"),"item_id":id,"output_index":index,
                        "content_index":0,"delta":piece,"logprobs":[]}),
                    );
                }
                event(
                    json!({"type":format!("{kind}.done"),"item_id":id,"output_index":index,
                    "content_index":0,key:text,"logprobs":[]}),
                );
                event(json!({"type":"response.content_part.done","item_id":id,
                    "output_index":index,"content_index":0,"part":part}));
            }
            event(json!({"type":"response.output_item.done","output_index":index,"item":item}));
        }
        let last = if self.stop == Stop::Length {
            "response.incomplete"
        } else {
            "response.completed"
        };
        event(json!({"type":last,"response":whole}));
        events
    }
}
