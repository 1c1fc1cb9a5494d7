//! What a legal Messages stream is.

use serde_json::{Map, Value, json};

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With `message_stop`.
    Complete,
    /// With an `error` event.
    Error,
    /// Not at all.
    Open,
}

/// What a client that reads the stream ends up with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) end: End,
    /// The message, put together as Anthropic's SDKs do; empty where none was started.
    pub(crate) message: Value,
    /// How many of its blocks were stopped.
    pub(crate) stopped: usize,
    /// The `error` of an error event.
    pub(crate) error: Option<Value>,
}

/// The events of an SSE text: name and data; comments are dropped.
pub(crate) fn events(stream: &[u8]) -> Vec<(String, String)> {
    let text = std::str::from_utf8(stream).unwrap();
    let mut events = Vec::new();
    for block in text.split("\n\n") {
        let mut name = String::new();
        let mut data: Vec<&str> = Vec::new();
        for line in block.lines() {
            if let Some(value) = line.strip_prefix("event:") {
                name = value.trim_start().to_owned();
            } else if let Some(value) = line.strip_prefix("data:") {
                data.push(value.trim_start());
            } else {
                assert!(
                    line.is_empty() || line.starts_with(':'),
                    "stray line {line:?}"
                );
            }
        }
        if !data.is_empty() {
            events.push((name, data.join("\n")));
        }
    }
    events
}

/// Checks a Messages stream, event by event.
pub(crate) fn validate(stream: &[u8]) -> Result<Outcome, String> {
    if !stream.is_empty() && !stream.ends_with(b"\n\n") {
        return Err("ends inside an event".to_owned());
    }
    let mut validator = Validator::default();
    for (name, data) in events(stream) {
        validator
            .event(&name, &data)
            .map_err(|problem| format!("{problem} in {data}"))?;
    }
    let end = match validator.phase {
        Phase::Done => End::Complete,
        Phase::Failed => End::Error,
        _ => End::Open,
    };
    Ok(Outcome {
        end,
        message: Value::Object(validator.message),
        stopped: validator.stopped,
        error: validator.error,
    })
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    #[default]
    Start,
    Open,
    Block,
    Stopped,
    Done,
    Failed,
}

#[derive(Debug, Default)]
struct Validator {
    phase: Phase,
    message: Map<String, Value>,
    /// The input of the open block, as text.
    input: String,
    signed: bool,
    stopped: usize,
    error: Option<Value>,
}

fn check(holds: bool, problem: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(problem.to_owned())
    }
}

/// Whether the object has exactly these members.
fn only(object: &Value, members: &[&str]) -> Result<(), String> {
    let object = object.as_object().ok_or("no object")?;
    for member in members {
        check(object.contains_key(*member), &format!("no {member}"))?;
    }
    check(object.len() == members.len(), "more members")
}

impl Validator {
    fn event(&mut self, name: &str, data: &str) -> Result<(), String> {
        check(
            !matches!(self.phase, Phase::Done | Phase::Failed),
            "event after the end",
        )?;
        let event: Value = serde_json::from_str(data).map_err(|error| error.to_string())?;
        check(event["type"] == name, "name and type differ")?;
        match name {
            "ping" => {
                check(self.phase != Phase::Start, "ping before the start")?;
                only(&event, &["type"])
            }
            "message_start" => self.start(&event),
            "content_block_start" => self.block_start(&event),
            "content_block_delta" => self.block_delta(&event),
            "content_block_stop" => self.block_stop(&event),
            "message_delta" => self.message_delta(&event),
            "message_stop" => {
                check(self.phase == Phase::Stopped, "stop without a reason")?;
                only(&event, &["type"])?;
                self.phase = Phase::Done;
                Ok(())
            }
            "error" => {
                only(&event, &["type", "error"])?;
                only(&event["error"], &["type", "message"])?;
                check(self.phase != Phase::Stopped, "error after the stop reason")?;
                self.error = Some(event["error"].clone());
                self.phase = Phase::Failed;
                Ok(())
            }
            _ => Err("unknown event".to_owned()),
        }
    }

    fn start(&mut self, event: &Value) -> Result<(), String> {
        check(self.phase == Phase::Start, "second start")?;
        only(event, &["type", "message"])?;
        let message = &event["message"];
        only(
            message,
            &[
                "id",
                "type",
                "role",
                "model",
                "content",
                "stop_reason",
                "stop_sequence",
                "usage",
            ],
        )?;
        let id = message["id"].as_str().ok_or("id")?;
        check(id.len() > 4 && id.starts_with("msg_"), "id")?;
        check(
            message["type"] == "message" && message["role"] == "assistant",
            "type and role",
        )?;
        check(message["model"].is_string(), "model")?;
        check(message["content"] == json!([]), "content at the start")?;
        check(
            message["stop_reason"].is_null() && message["stop_sequence"].is_null(),
            "stopped at the start",
        )?;
        // Who counts at the end has nothing to say of caches here.
        usage(&message["usage"], &COUNTERS[..2])?;
        self.message = message.as_object().unwrap().clone();
        self.phase = Phase::Open;
        Ok(())
    }

    fn blocks(&mut self) -> &mut Vec<Value> {
        self.message["content"].as_array_mut().unwrap()
    }

    fn block_start(&mut self, event: &Value) -> Result<(), String> {
        check(self.phase == Phase::Open, "block out of place")?;
        only(event, &["type", "index", "content_block"])?;
        check(event["index"] == self.blocks().len(), "index")?;
        let block = &event["content_block"];
        match block["type"].as_str().ok_or("block without type")? {
            "text" => {
                only(block, &["type", "text"])?;
                check(block["text"] == "", "text at the start")?;
            }
            "thinking" => {
                only(block, &["type", "thinking", "signature"])?;
                check(
                    block["thinking"] == "" && block["signature"] == "",
                    "thinking at the start",
                )?;
            }
            "redacted_thinking" => {
                only(block, &["type", "data"])?;
                check(block["data"].is_string(), "data")?;
            }
            "tool_use" | "server_tool_use" => {
                only(block, &["type", "id", "name", "input"])?;
                check(block["id"].is_string() && block["name"].is_string(), "call")?;
                check(block["input"] == json!({}), "input at the start")?;
            }
            "mcp_tool_use" => {
                only(block, &["type", "id", "name", "server_name", "input"])?;
                check(block["input"] == json!({}), "input at the start")?;
            }
            "web_search_tool_result" | "web_fetch_tool_result" | "code_execution_tool_result" => {
                only(block, &["type", "tool_use_id", "content"])?
            }
            "mcp_tool_result" => only(block, &["type", "tool_use_id", "is_error", "content"])?,
            _ => return Err("type of a block".to_owned()),
        }
        self.blocks().push(block.clone());
        self.input.clear();
        self.signed = false;
        self.phase = Phase::Block;
        Ok(())
    }

    fn block_delta(&mut self, event: &Value) -> Result<(), String> {
        check(self.phase == Phase::Block, "delta without a block")?;
        only(event, &["type", "index", "delta"])?;
        check(event["index"] == self.blocks().len() - 1, "index")?;
        let delta = &event["delta"];
        let block = self.message["content"]
            .as_array_mut()
            .unwrap()
            .last_mut()
            .unwrap();
        let of = block["type"].as_str().unwrap();
        match (delta["type"].as_str().ok_or("delta without type")?, of) {
            ("text_delta", "text") => append(block, delta, "text"),
            ("thinking_delta", "thinking") => {
                check(!self.signed, "thinking after its signature")?;
                append(block, delta, "thinking")
            }
            ("signature_delta", "thinking") => {
                check(!self.signed, "second signature")?;
                self.signed = true;
                append(block, delta, "signature")
            }
            ("citations_delta", "text") => {
                only(delta, &["type", "citation"])?;
                citation(&delta["citation"])?;
                let block = block.as_object_mut().unwrap();
                let list = block.entry("citations").or_insert_with(|| json!([]));
                list.as_array_mut().unwrap().push(delta["citation"].clone());
                Ok(())
            }
            ("input_json_delta", "tool_use" | "server_tool_use" | "mcp_tool_use") => {
                only(delta, &["type", "partial_json"])?;
                let text = delta["partial_json"].as_str().ok_or("partial_json")?;
                self.input.push_str(text);
                Ok(())
            }
            _ => Err("delta of another block's type".to_owned()),
        }
    }

    fn block_stop(&mut self, event: &Value) -> Result<(), String> {
        check(self.phase == Phase::Block, "stop without a block")?;
        only(event, &["type", "index"])?;
        check(event["index"] == self.blocks().len() - 1, "index")?;
        if !self.input.is_empty() {
            // A model may write what is no JSON, or be cut: a client sees the text then.
            let input = serde_json::from_str(&self.input)
                .unwrap_or_else(|_| Value::String(self.input.clone()));
            self.blocks().last_mut().unwrap()["input"] = input;
        }
        self.stopped += 1;
        self.phase = Phase::Open;
        Ok(())
    }

    fn message_delta(&mut self, event: &Value) -> Result<(), String> {
        check(self.phase == Phase::Open, "message_delta out of place")?;
        only(event, &["type", "delta", "usage"])?;
        usage(&event["usage"], &COUNTERS)?;
        let delta = event["delta"].as_object().ok_or("delta")?;
        let reason = delta["stop_reason"].as_str().ok_or("no stop reason")?;
        let known = [
            "end_turn",
            "max_tokens",
            "model_context_window_exceeded",
            "pause_turn",
            "refusal",
            "stop_sequence",
            "tool_use",
        ];
        check(known.contains(&reason), "stop reason")?;
        let sequence = &delta["stop_sequence"];
        check(
            sequence.is_null() || (sequence.is_string() && reason == "stop_sequence"),
            "stop sequence",
        )?;
        let details = delta.contains_key("stop_details");
        check(!details || reason == "refusal", "details")?;
        check(
            delta.len() == 2 + usize::from(details),
            "more members of delta",
        )?;
        for (key, value) in delta {
            self.message.insert(key.clone(), value.clone());
        }
        let counts = event["usage"].as_object().unwrap();
        for (key, value) in counts {
            self.message["usage"][key.as_str()] = value.clone();
        }
        self.phase = Phase::Stopped;
        Ok(())
    }
}

/// The counters of a message; those that every one has first.
const COUNTERS: [&str; 4] = [
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
];

fn usage(usage: &Value, counters: &[&str]) -> Result<(), String> {
    for counter in counters {
        check(usage[*counter].is_u64(), "usage without all counters")?;
    }
    Ok(())
}

/// A citation: the place of its type, and the cited words.
fn citation(citation: &Value) -> Result<(), String> {
    let place: &[&str] = match citation["type"].as_str().ok_or("citation without type")? {
        "web_search_result_location" => &["url", "title", "encrypted_index"],
        "char_location" => &[
            "document_index",
            "document_title",
            "start_char_index",
            "end_char_index",
        ],
        "page_location" => &[
            "document_index",
            "document_title",
            "start_page_number",
            "end_page_number",
        ],
        "content_block_location" => &[
            "document_index",
            "document_title",
            "start_block_index",
            "end_block_index",
        ],
        "search_result_location" => &[
            "search_result_index",
            "source",
            "title",
            "start_block_index",
            "end_block_index",
        ],
        _ => return Err("type of a citation".to_owned()),
    };
    let members: Vec<&str> = ["type", "cited_text"]
        .iter()
        .chain(place)
        .copied()
        .collect();
    only(citation, &members)
}

fn append(block: &mut Value, delta: &Value, member: &str) -> Result<(), String> {
    only(delta, &["type", member])?;
    let text = delta[member].as_str().ok_or("delta without text")?;
    check(!text.is_empty(), "empty delta")?;
    let whole = format!("{}{text}", block[member].as_str().unwrap());
    block[member] = Value::String(whole);
    Ok(())
}
