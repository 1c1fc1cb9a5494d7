//! A small provider for the scripted upstream: it answers Chat, Responses and Messages requests by rule, deterministically, so that the
//! same conversation sent twice gives the same bytes. It quotes the user's text; a text about the weather calls the first tool, one
//! with "parallel" the second one too; tool results are quoted; images and documents are named with their size; thinking is signed and
//! altered signatures are refused. Words that start with `scripted:` in the user's text make it misbehave (see [`answer`]).

mod bedrock;
mod dialect;
mod google;
mod render;

use serde_json::{Value, json};

use super::frame;
use super::http1::Recorded;
use super::reply::Reply;
use dialect::Dialect;

/// What the model says, before a dialect renders it.
struct Turn {
    id: String,
    model: String,
    thinking: Option<String>,
    text: String,
    calls: Vec<Call>,
    stop: Stop,
    /// Whether the model may search the web, and so cites what it says.
    cites: bool,
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

/// The signature of a thinking text.
pub fn signature(thinking: &str) -> String {
    let sum = thinking
        .bytes()
        .fold(7_u32, |sum, byte| sum.wrapping_mul(31) ^ u32::from(byte));
    format!("c2lnbmVk+{sum:08x}/==")
}

/// Answers a request. Words in the text of the last user message:
/// `scripted:overloaded` (529 or 503), `scripted:ratelimit` (429), `scripted:status-400` and the like (400, 403, 404, 413, 500),
/// `scripted:refuse-key` (a refusal that quotes the key it got), `scripted:cut-clean` (the stream ends between two events, framing intact),
/// `scripted:cut-fin` (inside an event, without the final chunk), `scripted:cut-reset`, `scripted:error-event`, `scripted:first-error`,
/// `scripted:hold` (a stream that stops and waits for the peer to leave), `scripted:head-only` (the same before the first event),
/// `scripted:never` (no head at all), `scripted:split` (writes that end inside of lines and characters), and where events are framed
/// `scripted:checksum`, `scripted:prelude`, `scripted:length` (a broken message) and `scripted:unmodelled` (an error without a name).
pub fn answer(request: &Recorded) -> Reply {
    let Some((dialect, streams)) = Dialect::of(request) else {
        if request.path().ends_with("/messages/count_tokens") {
            return Reply::json(200, r#"{"input_tokens":17}"#);
        }
        return Reply::json(404, r#"{"error":{"message":"no such path"}}"#);
    };
    let body = request.json();
    let model = dialect.model(request, &body);
    if request.contains("wrong-key") {
        return dialect.error(401, "authentication_error", "invalid x-api-key");
    }
    if model.contains("no-such-model") {
        return dialect.error(404, "not_found_error", &format!("model: {model}"));
    }
    let conversation = Conversation::read(&body, dialect);
    if let Some(reason) = &conversation.refused {
        return dialect.error(400, "invalid_request_error", reason);
    }
    let fault = conversation
        .user
        .split_whitespace()
        .find_map(|word| word.strip_prefix("scripted:"));
    match fault {
        Some("overloaded") => {
            let status = if dialect == Dialect::Messages {
                529
            } else {
                503
            };
            return dialect.error(status, "overloaded_error", "Overloaded");
        }
        Some("ratelimit") => {
            return dialect
                .error(429, "rate_limit_error", "slow down")
                .header("retry-after", "1");
        }
        Some("refuse-key") => {
            let sent = ["x-api-key", "x-goog-api-key", "authorization"];
            let sent = sent.iter().find_map(|name| request.header(name));
            let key = sent.unwrap_or_default().trim_start_matches("Bearer ");
            let why = format!("Incorrect API key provided: {key}.");
            return dialect.error(401, "authentication_error", &why);
        }
        Some("never") => return Reply::never(),
        Some(fault) => {
            let status = fault.strip_prefix("status-");
            if let Some(status) = status.and_then(|status| status.parse().ok()) {
                let kind = match status {
                    403 => "permission_error",
                    404 => "not_found_error",
                    413 => "request_too_large",
                    500 => "api_error",
                    _ => "invalid_request_error",
                };
                return dialect.error(status, kind, "The provider says no.");
            }
        }
        None => {}
    }
    let turn = conversation.turn(&body, &model);
    if !streams {
        let (answer, id) = match dialect {
            Dialect::Chat => (turn.chat(), "x-request-id"),
            Dialect::Responses => (turn.responses(&body), "x-request-id"),
            Dialect::Messages => (turn.messages(), "request-id"),
            Dialect::Invoke => (turn.messages(), "x-amzn-requestid"),
            Dialect::Converse => (turn.converse(), "x-amzn-requestid"),
            Dialect::Gemini => (turn.gemini(), "x-scripted"),
        };
        let (answer, length) = (answer.to_string(), answer.to_string().len());
        let begun = &answer.as_bytes()[..length / 2];
        return match fault {
            Some("cut-fin") => Reply::json(200, begun).lie_about_length(length),
            Some("cut-reset") => Reply::json(200, begun).lie_about_length(length).reset(),
            _ => Reply::json(200, answer).header(id, "req_scripted"),
        };
    }
    let bytes = |events: Vec<String>| events.into_iter().map(String::into_bytes).collect();
    let mut events: Vec<Vec<u8>> = match dialect {
        Dialect::Chat => {
            bytes(turn.chat_events(body["stream_options"]["include_usage"] == json!(true)))
        }
        Dialect::Responses => bytes(turn.responses_events(&body)),
        Dialect::Messages => bytes(turn.messages_events()),
        Dialect::Invoke => turn.chunks(),
        Dialect::Converse => turn.converse_events(),
        Dialect::Gemini => bytes(turn.gemini_events()),
    };
    let half = events.len().div_ceil(2);
    let stream = |events: Vec<Vec<u8>>| dialect.stream(events);
    // What is under way when the connection ends.
    let begun = events
        .get(half)
        .map(|event| event[..event.len() / 2].to_vec());
    match fault {
        Some("cut-clean") => {
            events.truncate(half);
            stream(events)
        }
        Some("cut-fin") => {
            events.truncate(half);
            stream(events).piece(begun.unwrap_or_default()).fin()
        }
        Some("cut-reset") => {
            events.truncate(half);
            stream(events).reset()
        }
        Some("error-event") => {
            events.truncate(half);
            events.push(dialect.failure());
            stream(events)
        }
        Some("first-error") => stream(vec![dialect.failure()]),
        Some(fault @ ("checksum" | "prelude" | "length" | "unmodelled")) if dialect.is_framed() => {
            let damage = |how| frame::damage(events[half].clone(), how);
            let last = match fault {
                "checksum" => damage(frame::Damage::Payload),
                "prelude" => damage(frame::Damage::Prelude),
                "length" => damage(frame::Damage::Length),
                _ => frame::error("InternalFailure", "Overloaded"),
            };
            events.truncate(half);
            events.push(last);
            stream(events)
        }
        Some("hold") => {
            events.truncate(half);
            stream(events).expect_cancel()
        }
        Some("head-only") if dialect.is_framed() => stream(Vec::new()).expect_cancel(),
        Some("head-only") => Reply::sse([": waiting\n\n"]).expect_cancel(),
        Some("split") => stream(events.concat().chunks(5).map(<[u8]>::to_vec).collect()),
        _ => stream(events),
    }
}

/// What matters of a request.
#[derive(Default)]
struct Conversation {
    user: String,
    media: Vec<String>,
    results: Vec<String>,
    tools: Vec<Tool>,
    length: usize,
    thinking: bool,
    refused: Option<String>,
    cites: bool,
}

impl Conversation {
    fn read(body: &Value, dialect: Dialect) -> Self {
        let list = match dialect {
            Dialect::Responses => &body["input"],
            Dialect::Converse => return Self::of_converse(body),
            Dialect::Gemini => return Self::of_gemini(body),
            Dialect::Chat | Dialect::Messages | Dialect::Invoke => &body["messages"],
        };
        let mut this = Self {
            thinking: match dialect {
                Dialect::Messages | Dialect::Invoke => ["enabled", "adaptive"]
                    .iter()
                    .any(|kind| body["thinking"]["type"] == *kind),
                Dialect::Converse | Dialect::Gemini => false,
                Dialect::Chat => body["reasoning_effort"].is_string(),
                Dialect::Responses => {
                    body["reasoning"]["effort"].is_string() && body["reasoning"]["effort"] != "none"
                }
            },
            ..Self::default()
        };
        if let Some(text) = list.as_str() {
            this.user = text.to_owned();
        }
        for tool in body["tools"].as_array().into_iter().flatten() {
            let function = match dialect {
                Dialect::Chat => &tool["function"],
                _ => tool,
            };
            let schema = match dialect {
                Dialect::Chat | Dialect::Responses => &function["parameters"],
                _ => &function["input_schema"],
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
            cites: self.cites,
        };
        let limits = [
            &body["max_tokens"],
            &body["max_completion_tokens"],
            &body["max_output_tokens"],
            &body["inferenceConfig"]["maxTokens"],
            &body["generationConfig"]["maxOutputTokens"],
        ];
        let limit = limits.iter().find_map(|limit| limit.as_u64());
        let structured = [
            &body["response_format"]["json_schema"],
            &body["output_config"]["format"],
            &body["text"]["format"]["schema"],
            &body["outputConfig"]["textFormat"],
            &body["generationConfig"]["responseJsonSchema"],
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

/// The type and the size of what is in base64.
fn base64(media: &str, data: &str) -> String {
    let padding = data.bytes().rev().take_while(|byte| *byte == b'=').count();
    format!("{media} of {} bytes", data.len() / 4 * 3 - padding)
}

/// The texts of content blocks, joined.
fn texts(blocks: &[Value]) -> String {
    let texts: Vec<&str> = blocks.iter().filter_map(|b| b["text"].as_str()).collect();
    texts.join(" ")
}
