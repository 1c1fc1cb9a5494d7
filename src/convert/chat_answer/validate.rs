//! What a legal Chat stream is: an automaton for tests, and what a client has put together at its end.

use serde_json::{Map, Value, json};

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::convert) enum End {
    /// With a finish reason and `[DONE]`.
    Complete,
    /// With an error.
    Error,
    /// Not at all.
    Open,
}

/// What a client that reads the stream ends up with.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::convert) struct Outcome {
    pub(in crate::convert) end: End,
    /// The members of the deltas, merged: strings joined, lists by index.
    pub(in crate::convert) message: Map<String, Value>,
    pub(in crate::convert) finish_reason: Option<String>,
    pub(in crate::convert) usage: Option<Value>,
    pub(in crate::convert) error: Option<Value>,
}

/// The events of an SSE text: name and data; comments are dropped.
pub(in crate::convert) fn events(stream: &[u8]) -> Vec<(String, String)> {
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

/// Checks a Chat stream, event by event.
pub(in crate::convert) fn validate(stream: &[u8], include_usage: bool) -> Result<Outcome, String> {
    validate_by(
        stream,
        Validator {
            include_usage,
            counted: include_usage,
            ..Validator::default()
        },
    )
}

/// The same for a stream whose client asked for the counts, but whose provider gave none.
pub(in crate::convert) fn validate_uncounted(stream: &[u8]) -> Result<Outcome, String> {
    validate_by(
        stream,
        Validator {
            include_usage: true,
            ..Validator::default()
        },
    )
}

fn validate_by(stream: &[u8], mut validator: Validator) -> Result<Outcome, String> {
    if !stream.is_empty() && !stream.ends_with(b"\n\n") {
        return Err("ends inside an event".to_owned());
    }
    for (name, data) in events(stream) {
        if !name.is_empty() {
            return Err(format!("event name {name:?}"));
        }
        validator
            .event(&data)
            .map_err(|problem| format!("{problem} in {data}"))?;
    }
    let end = match validator.phase {
        Phase::Done => End::Complete,
        Phase::Failed => End::Error,
        _ => End::Open,
    };
    if end == End::Complete {
        validator.complete()?;
    }
    Ok(Outcome {
        end,
        message: validator.message,
        finish_reason: validator.finish_reason,
        usage: validator.usage,
        error: validator.error,
    })
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    #[default]
    Start,
    Open,
    Finished,
    Counted,
    Done,
    Failed,
}

#[derive(Debug, Default)]
struct Validator {
    include_usage: bool,
    /// Whether the counts must come.
    counted: bool,
    phase: Phase,
    head: Option<[Value; 3]>,
    message: Map<String, Value>,
    finish_reason: Option<String>,
    usage: Option<Value>,
    error: Option<Value>,
}

fn check(holds: bool, problem: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(problem.to_owned())
    }
}

impl Validator {
    fn event(&mut self, data: &str) -> Result<(), String> {
        check(
            !matches!(self.phase, Phase::Done | Phase::Failed),
            "event after the end",
        )?;
        if data == "[DONE]" {
            let last = if self.counted {
                Phase::Counted
            } else {
                Phase::Finished
            };
            check(self.phase == last, "early [DONE]")?;
            self.phase = Phase::Done;
            return Ok(());
        }
        let chunk: Map<String, Value> =
            serde_json::from_str(data).map_err(|error| error.to_string())?;
        if let Some(error) = chunk.get("error") {
            check(
                matches!(self.phase, Phase::Start | Phase::Open),
                "error after the finish reason",
            )?;
            check(chunk.len() == 1, "error with other members")?;
            check(error["message"].is_string(), "error without message")?;
            check(error["type"].is_string(), "error without type")?;
            for key in ["param", "code"] {
                let value = error.get(key);
                check(
                    value.is_some_and(|value| value.is_string() || value.is_null()),
                    "error without all members",
                )?;
            }
            self.error = Some(error.clone());
            self.phase = Phase::Failed;
            return Ok(());
        }
        self.chunk(&chunk)
    }

    fn chunk(&mut self, chunk: &Map<String, Value>) -> Result<(), String> {
        let head = [
            chunk["id"].clone(),
            chunk["created"].clone(),
            chunk["model"].clone(),
        ];
        check(
            chunk["object"] == "chat.completion.chunk"
                && head[0].is_string()
                && head[1].is_u64()
                && head[2].is_string(),
            "head",
        )?;
        check(
            *self.head.get_or_insert_with(|| head.clone()) == head,
            "another head",
        )?;
        let choices = chunk["choices"].as_array().ok_or("choices")?;
        let Some(choice) = choices.first() else {
            check(
                self.counted && self.phase == Phase::Finished,
                "usage out of place",
            )?;
            check(chunk["usage"]["total_tokens"].is_u64(), "no usage")?;
            self.usage = Some(chunk["usage"].clone());
            self.phase = Phase::Counted;
            return Ok(());
        };
        check(
            chunk.get("usage") == self.include_usage.then_some(&Value::Null),
            "usage on a chunk with a choice",
        )?;
        check(choices.len() == 1 && choice["index"] == 0, "choice")?;
        check(choice.get("logprobs") == Some(&Value::Null), "logprobs")?;
        let delta = choice["delta"].as_object().ok_or("delta")?;
        if self.phase == Phase::Start {
            check(
                Value::Object(delta.clone()) == json!({"role": "assistant", "content": ""}),
                "first chunk",
            )?;
            check(choice["finish_reason"].is_null(), "finish on first chunk")?;
            self.message = delta.clone();
            self.phase = Phase::Open;
            return Ok(());
        }
        check(self.phase == Phase::Open, "chunk after the finish reason")?;
        match &choice["finish_reason"] {
            Value::Null => {
                check(!delta.is_empty(), "empty delta")?;
                self.delta(delta)
            }
            Value::String(reason) => {
                check(delta.is_empty(), "delta on the finish chunk")?;
                check(
                    [
                        "stop",
                        "length",
                        "tool_calls",
                        "content_filter",
                        "function_call",
                    ]
                    .contains(&reason.as_str()),
                    "finish reason",
                )?;
                self.finish_reason = Some(reason.clone());
                self.phase = Phase::Finished;
                Ok(())
            }
            _ => Err("finish reason".to_owned()),
        }
    }

    fn delta(&mut self, delta: &Map<String, Value>) -> Result<(), String> {
        for (key, value) in delta {
            match (key.as_str(), value) {
                (
                    "content" | "reasoning_content" | "reasoning" | "refusal",
                    Value::String(text),
                ) => {
                    check(!text.is_empty(), "empty text")?;
                    if key == "refusal" {
                        check(!self.message.contains_key(key), "second refusal")?;
                    }
                    let slot = self
                        .message
                        .entry(key.as_str())
                        .or_insert_with(|| json!(""));
                    *slot = json!(format!("{}{text}", slot.as_str().unwrap()));
                }
                ("annotations", Value::Array(list)) => {
                    check(!list.is_empty(), "no annotation")?;
                    check(!self.message.contains_key(key), "second annotations")?;
                    self.message.insert(key.clone(), value.clone());
                }
                ("thinking_blocks" | "reasoning_details", Value::Array(list)) => {
                    let slot = self
                        .message
                        .entry(key.as_str())
                        .or_insert_with(|| json!([]));
                    let blocks = slot.as_array_mut().unwrap();
                    for block in list {
                        check(block["index"] == blocks.len(), "index of a signed block")?;
                        blocks.push(block.clone());
                    }
                }
                ("tool_calls", Value::Array(list)) => {
                    check(list.len() == 1, "one call per chunk")?;
                    self.call(&list[0])?;
                }
                ("function_call", Value::Object(call)) => {
                    let arguments = call["arguments"].as_str().ok_or("arguments")?;
                    match self.message.get_mut(key) {
                        None => {
                            check(call["name"].is_string(), "call without name")?;
                            self.message.insert(key.clone(), value.clone());
                        }
                        Some(begun) => {
                            check(call.len() == 1, "name again")?;
                            append(&mut begun["arguments"], arguments);
                        }
                    }
                }
                _ => return Err(format!("delta member {key}")),
            }
        }
        Ok(())
    }

    fn call(&mut self, delta: &Value) -> Result<(), String> {
        let index = delta["index"].as_u64().ok_or("index of a call")? as usize;
        let slot = self
            .message
            .entry("tool_calls")
            .or_insert_with(|| json!([]));
        let calls = slot.as_array_mut().unwrap();
        // A freeform call comes when it is complete, maybe after a later function call.
        while calls.len() <= index {
            calls.push(Value::Null);
        }
        let call = &mut calls[index];
        if call.is_null() {
            let kind = delta["type"].as_str().ok_or("call without type")?;
            check(delta["id"].is_string(), "call without id")?;
            check(delta[kind]["name"].is_string(), "call without name")?;
            match kind {
                "function" => check(delta[kind]["arguments"] == "", "arguments at once")?,
                "custom" => check(delta[kind]["input"].is_string(), "custom without input")?,
                _ => return Err("kind of a call".to_owned()),
            }
            *call = delta.clone();
            call.as_object_mut().unwrap().remove("index");
            return Ok(());
        }
        let (kind, member) = if call["type"] == "custom" {
            check(call["custom"]["input"] == "", "more of a custom call")?;
            ("custom", "input")
        } else {
            ("function", "arguments")
        };
        let more = delta[kind][member].as_str().ok_or("arguments")?;
        check(!more.is_empty(), "empty arguments")?;
        check(
            *delta == json!({"index": index, kind: {member: more}}),
            "more than arguments",
        )?;
        append(&mut call[kind][member], more);
        Ok(())
    }

    fn complete(&self) -> Result<(), String> {
        let calls = self.message.get("tool_calls").and_then(Value::as_array);
        for call in calls.into_iter().flatten() {
            check(!call.is_null(), "a gap in the calls")?;
            check(
                call["function"]["arguments"] != "",
                "call without arguments",
            )?;
        }
        Ok(())
    }
}

fn append(slot: &mut Value, text: &str) {
    *slot = json!(format!("{}{text}", slot.as_str().unwrap()));
}
