//! What a legal Responses stream is, after the rules of OpenAI's stream accumulator and the required members of its types.

use serde_json::{Value, json};

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With `response.completed`.
    Completed,
    /// With `response.incomplete`.
    Incomplete,
    /// With `response.failed`.
    Failed,
    /// Not at all.
    Open,
}

/// What a client that reads the stream ends up with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) end: End,
    /// The response of the last event.
    pub(crate) response: Option<Value>,
    /// The items as `response.output_item.done` gave them, by index; null for those that are not done.
    pub(crate) items: Vec<Value>,
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

/// Checks a Responses stream, event by event.
pub(crate) fn validate(stream: &[u8]) -> Result<Outcome, String> {
    check(
        stream.is_empty() || stream.ends_with(b"\n\n"),
        "ends inside an event",
    )?;
    let mut validator = Validator::default();
    for (name, data) in events(stream) {
        let problem = |problem: String| format!("{problem} in {data}");
        let event: Value = serde_json::from_str(&data).map_err(|e| problem(e.to_string()))?;
        check(event["type"] == name.as_str(), "event name").map_err(problem)?;
        validator.event(&name, &event).map_err(problem)?;
    }
    Ok(Outcome {
        end: validator.end.unwrap_or(End::Open),
        response: validator.response,
        items: validator.items.into_iter().map(|item| item.done).collect(),
    })
}

fn check(holds: bool, problem: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(problem.to_owned())
    }
}

#[derive(Debug, Default)]
struct Validator {
    sequence: u64,
    created: bool,
    in_progress: bool,
    head: Value,
    items: Vec<Item>,
    end: Option<End>,
    response: Option<Value>,
}

#[derive(Debug)]
struct Item {
    added: Value,
    done: Value,
    /// The parts so far, as their `…part.done` gave them, and the open one's type and text.
    parts: Vec<Value>,
    open: Option<(String, String)>,
    /// The annotations of the open part.
    annotations: Vec<Value>,
    /// Arguments or input so far, and whether its done event came.
    text: String,
    text_done: bool,
    /// Of web searches: the last stage.
    stage: u8,
}

impl Validator {
    fn event(&mut self, name: &str, event: &Value) -> Result<(), String> {
        check(self.end.is_none(), "event after the end")?;
        check(event["sequence_number"] == self.sequence, "sequence number")?;
        self.sequence += 1;
        if let Some(rest) = name.strip_prefix("response.") {
            match rest {
                "created" => {
                    check(!self.created, "created twice")?;
                    self.created = true;
                    self.head = event["response"].clone();
                    check(self.head["status"] == "in_progress", "status")?;
                    return self.object(&event["response"]);
                }
                _ => check(self.created, "before response.created")?,
            }
            match rest {
                "in_progress" => {
                    check(!self.in_progress, "in_progress twice")?;
                    self.in_progress = true;
                    check(event["response"]["status"] == "in_progress", "status")?;
                    self.object(&event["response"])
                }
                "completed" | "incomplete" | "failed" => {
                    check(event["response"]["status"] == rest, "status")?;
                    self.end(rest, &event["response"])
                }
                "output_item.added" => self.added(event),
                "output_item.done" => self.done(event),
                _ => self.content(rest, event),
            }
        } else {
            Err("unknown event".to_owned())
        }
    }

    /// The members that OpenAI's types and schema require.
    fn object(&self, response: &Value) -> Result<(), String> {
        for key in ["id", "object", "created_at", "model"] {
            check(response[key] == self.head[key], key)?;
        }
        check(response["object"] == "response", "object")?;
        check(
            response["id"]
                .as_str()
                .is_some_and(|id| id.starts_with("resp_")),
            "id",
        )?;
        check(response["created_at"].is_u64(), "created_at")?;
        check(response["model"].is_string(), "model")?;
        for key in ["output", "tools"] {
            check(response[key].is_array(), key)?;
        }
        check(
            response["parallel_tool_calls"].is_boolean(),
            "parallel_tool_calls",
        )?;
        check(
            response["tool_choice"].is_string() || response["tool_choice"].is_object(),
            "tool_choice",
        )?;
        for key in [
            "error",
            "incomplete_details",
            "instructions",
            "metadata",
            "temperature",
            "top_p",
            "usage",
        ] {
            check(response.get(key).is_some(), key)?;
        }
        check(response["store"] == false, "store")?;
        let usage = &response["usage"];
        if !usage.is_null() {
            for pointer in [
                "/input_tokens",
                "/input_tokens_details/cached_tokens",
                "/input_tokens_details/cache_write_tokens",
                "/output_tokens",
                "/output_tokens_details/reasoning_tokens",
                "/total_tokens",
            ] {
                check(usage.pointer(pointer).is_some_and(Value::is_u64), pointer)?;
            }
            let sum = usage["input_tokens"]
                .as_u64()
                .zip(usage["output_tokens"].as_u64());
            let sum = sum.map(|(input, output)| input.saturating_add(output));
            check(usage["total_tokens"].as_u64() == sum, "total_tokens")?;
        }
        Ok(())
    }

    fn end(&mut self, status: &str, response: &Value) -> Result<(), String> {
        self.object(response)?;
        check(self.in_progress, "no response.in_progress")?;
        let output = response["output"].as_array().ok_or("output")?;
        let end = match status {
            "failed" => {
                let code = response["error"]["code"].as_str().ok_or("error code")?;
                check(
                    ["server_error", "rate_limit_exceeded", "invalid_prompt"].contains(&code),
                    "error code",
                )?;
                check(response["error"]["message"].is_string(), "error message")?;
                let listed = output.iter().zip(
                    self.items
                        .iter()
                        .filter(|item| output.len() == self.items.len() || !item.done.is_null()),
                );
                for (item, seen) in listed {
                    seen.same(item)?;
                }
                self.end = Some(End::Failed);
                self.response = Some(response.clone());
                return Ok(());
            }
            "completed" => {
                check(
                    response["incomplete_details"].is_null(),
                    "incomplete_details",
                )?;
                check(response["completed_at"].is_u64(), "completed_at")?;
                End::Completed
            }
            _ => {
                let reason = response["incomplete_details"]["reason"].as_str();
                check(
                    matches!(reason, Some("max_output_tokens" | "content_filter")),
                    "incomplete reason",
                )?;
                End::Incomplete
            }
        };
        check(response["error"].is_null(), "error")?;
        check(output.len() == self.items.len(), "output length")?;
        for (item, seen) in output.iter().zip(&self.items) {
            check(!seen.done.is_null(), "item not done")?;
            check(*item == seen.done, "item differs from its done event")?;
        }
        self.end = Some(end);
        self.response = Some(response.clone());
        Ok(())
    }

    fn added(&mut self, event: &Value) -> Result<(), String> {
        check(self.in_progress, "before response.in_progress")?;
        check(event["output_index"] == self.items.len(), "output index")?;
        let item = &event["item"];
        let id = item["id"].as_str().ok_or("item id")?;
        check(
            self.items.iter().all(|other| other.added["id"] != id),
            "item id twice",
        )?;
        let kind = item["type"].as_str().ok_or("item type")?;
        match kind {
            "message" => check(
                item["content"] == json!([]) && item["role"] == "assistant",
                "new message",
            )?,
            "reasoning" => check(item["summary"] == json!([]), "new reasoning")?,
            "function_call" => check(
                item["arguments"] == "" && item["call_id"].is_string() && item["name"].is_string(),
                "new function call",
            )?,
            "custom_tool_call" => check(
                item["input"] == "" && item["call_id"].is_string() && item["name"].is_string(),
                "new custom call",
            )?,
            "web_search_call" => check(item["action"]["type"].is_string(), "new web search")?,
            _ => return Err(format!("item type {kind}")),
        }
        if kind != "custom_tool_call" {
            check(item["status"] == "in_progress", "status of a new item")?;
        }
        // One message may be open at a time.
        let open = |item: &&Item| item.done.is_null() && item.added["type"] == "message";
        check(
            kind != "message" || self.items.iter().filter(open).count() == 0,
            "two open messages",
        )?;
        self.items.push(Item {
            added: item.clone(),
            done: Value::Null,
            parts: Vec::new(),
            open: None,
            annotations: Vec::new(),
            text: String::new(),
            text_done: false,
            stage: 0,
        });
        Ok(())
    }

    fn item(&mut self, event: &Value) -> Result<&mut Item, String> {
        let index = event["output_index"].as_u64().ok_or("output index")?;
        let index = usize::try_from(index).map_err(|e| e.to_string())?;
        let item = self.items.get_mut(index).ok_or("no such item")?;
        check(item.done.is_null(), "item is done already")?;
        Ok(item)
    }

    fn done(&mut self, event: &Value) -> Result<(), String> {
        let item = self.item(event)?;
        let done = &event["item"];
        item.same(done)?;
        check(item.open.is_none(), "done with an open part")?;
        let status = done["status"].as_str();
        let custom = done["type"] == "custom_tool_call" && status.is_none();
        check(
            custom || matches!(status, Some("completed" | "incomplete" | "failed")),
            "status of a done item",
        )?;
        match done["type"].as_str().unwrap_or_default() {
            "message" => check(done["content"] == json!(item.parts), "content")?,
            "reasoning" => {
                let summary = done["summary"].as_array().ok_or("summary")?;
                let empty = Vec::new();
                let content = done["content"].as_array().unwrap_or(&empty);
                let all: Vec<&Value> = summary.iter().chain(content).collect();
                check(all == item.parts.iter().collect::<Vec<_>>(), "texts")?;
            }
            "function_call" => {
                check(item.text_done, "arguments not done")?;
                check(done["arguments"] == item.text, "arguments")?;
            }
            "custom_tool_call" => {
                check(item.text_done, "input not done")?;
                check(done["input"] == item.text, "input")?;
            }
            _ => {}
        }
        item.done = done.clone();
        Ok(())
    }

    fn content(&mut self, name: &str, event: &Value) -> Result<(), String> {
        let item = self.item(event)?;
        check(event["item_id"] == item.added["id"], "item id")?;
        let kind = item.added["type"].as_str().unwrap_or_default().to_owned();
        let index_key = if name.starts_with("reasoning_summary") {
            "summary_index"
        } else {
            "content_index"
        };
        let parted = !name.contains("_call") && name != "custom_tool_call_input.delta";
        if parted {
            check(event[index_key] == item.parts.len(), index_key)?;
        }
        match name {
            "content_part.added" | "reasoning_summary_part.added" => {
                check(item.open.is_none(), "two open parts")?;
                let part = &event["part"];
                let part_kind = part["type"].as_str().ok_or("part type")?;
                let expected = match part_kind {
                    "output_text" => {
                        json!({"type": "output_text", "text": "", "annotations": [], "logprobs": []})
                    }
                    "refusal" => json!({"type": "refusal", "refusal": ""}),
                    "summary_text" | "reasoning_text" => json!({"type": part_kind, "text": ""}),
                    _ => return Err("part type".to_owned()),
                };
                check(*part == expected, "new part")?;
                let owner = match part_kind {
                    "output_text" | "refusal" => "message",
                    _ => "reasoning",
                };
                check(kind == owner, "part of another item")?;
                check(
                    (part_kind == "summary_text") == name.starts_with("reasoning_summary"),
                    "event of another part",
                )?;
                item.open = Some((part_kind.to_owned(), String::new()));
                item.annotations.clear();
                Ok(())
            }
            "output_text.delta"
            | "refusal.delta"
            | "reasoning_text.delta"
            | "reasoning_summary_text.delta" => {
                let delta = event["delta"].as_str().ok_or("delta")?;
                check(!delta.is_empty(), "empty delta")?;
                check(
                    name != "output_text.delta" || event["logprobs"] == json!([]),
                    "logprobs",
                )?;
                let (open, text) = item.open.as_mut().ok_or("no open part")?;
                check(
                    text_event(open) == name.strip_suffix(".delta"),
                    "delta of another part",
                )?;
                text.push_str(delta);
                Ok(())
            }
            "output_text.annotation.added" => {
                check(
                    item.open
                        .as_ref()
                        .is_some_and(|(open, _)| open == "output_text"),
                    "annotation without text",
                )?;
                check(
                    event["annotation_index"] == item.annotations.len(),
                    "annotation index",
                )?;
                check(event["annotation"]["type"].is_string(), "annotation")?;
                item.annotations.push(event["annotation"].clone());
                Ok(())
            }
            "output_text.done"
            | "refusal.done"
            | "reasoning_text.done"
            | "reasoning_summary_text.done" => {
                let (open, text) = item.open.as_ref().ok_or("no open part")?;
                check(
                    text_event(open) == name.strip_suffix(".done"),
                    "done of another part",
                )?;
                let key = if open == "refusal" { "refusal" } else { "text" };
                check(event[key] == text.as_str(), "text of the done event")?;
                check(
                    name != "output_text.done" || event["logprobs"] == json!([]),
                    "logprobs",
                )?;
                item.text_done = true;
                Ok(())
            }
            "content_part.done" | "reasoning_summary_part.done" => {
                check(
                    std::mem::take(&mut item.text_done),
                    "part done before its text",
                )?;
                let (open, text) = item.open.take().ok_or("no open part")?;
                let expected = match open.as_str() {
                    "output_text" => {
                        json!({"type": open, "text": text, "annotations": item.annotations, "logprobs": []})
                    }
                    "refusal" => json!({"type": open, "refusal": text}),
                    _ => json!({"type": open, "text": text}),
                };
                check(event["part"] == expected, "part")?;
                item.parts.push(expected);
                Ok(())
            }
            "function_call_arguments.delta" | "custom_tool_call_input.delta" => {
                check(!item.text_done, "delta after done")?;
                let delta = event["delta"].as_str().ok_or("delta")?;
                check(!delta.is_empty(), "empty delta")?;
                check(name.starts_with(call_event(&kind)), "delta of another item")?;
                item.text.push_str(delta);
                Ok(())
            }
            "function_call_arguments.done" | "custom_tool_call_input.done" => {
                check(!item.text_done, "done twice")?;
                check(name.starts_with(call_event(&kind)), "done of another item")?;
                let key = if kind == "function_call" {
                    check(event["name"] == item.added["name"], "name")?;
                    check(!item.text.is_empty(), "empty arguments")?;
                    "arguments"
                } else {
                    "input"
                };
                check(event[key] == item.text.as_str(), "text of the done event")?;
                item.text_done = true;
                Ok(())
            }
            "web_search_call.in_progress"
            | "web_search_call.searching"
            | "web_search_call.completed" => {
                check(kind == "web_search_call", "event of a web search")?;
                let stage = match name {
                    "web_search_call.in_progress" => 1,
                    "web_search_call.searching" => 2,
                    _ => 3,
                };
                check(stage > item.stage, "stage of a web search")?;
                item.stage = stage;
                Ok(())
            }
            _ => Err("unknown event".to_owned()),
        }
    }
}

/// What the events of a part's text begin with.
fn text_event(part: &str) -> Option<&'static str> {
    Some(match part {
        "output_text" => "output_text",
        "refusal" => "refusal",
        "reasoning_text" => "reasoning_text",
        "summary_text" => "reasoning_summary_text",
        _ => return None,
    })
}

fn call_event(item: &str) -> &'static str {
    match item {
        "function_call" => "function_call_arguments.",
        "custom_tool_call" => "custom_tool_call_input.",
        _ => "none",
    }
}

impl Item {
    /// Whether `other` is the same item later on.
    fn same(&self, other: &Value) -> Result<(), String> {
        for key in ["id", "type", "call_id", "name", "namespace", "role"] {
            check(self.added.get(key) == other.get(key), key)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(events: &[Value]) -> Vec<u8> {
        let mut text = String::new();
        for (at, event) in events.iter().enumerate() {
            let mut event = event.clone();
            event["sequence_number"] = json!(at);
            let name = event["type"].as_str().unwrap();
            text.push_str(&format!("event: {name}\ndata: {event}\n\n"));
        }
        text.into_bytes()
    }

    fn response(status: &str, output: &Value) -> Value {
        let usage = (status != "in_progress").then(|| {
            json!({"input_tokens": 1, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": 1, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 2})
        });
        json!({"id": "resp_1", "object": "response", "created_at": 1, "completed_at": 1, "model": "m", "status": status,
            "output": output, "tools": [], "tool_choice": "auto", "parallel_tool_calls": true, "error": null,
            "incomplete_details": null, "instructions": null, "metadata": {}, "temperature": 1.0, "top_p": 1.0,
            "store": false, "usage": usage})
    }

    fn call(status: &str, arguments: &str) -> Value {
        json!({"id": "fc_1", "type": "function_call", "call_id": "c", "name": "f", "arguments": arguments, "status": status})
    }

    fn legal() -> Vec<Value> {
        vec![
            json!({"type": "response.created", "response": response("in_progress", &json!([]))}),
            json!({"type": "response.in_progress", "response": response("in_progress", &json!([]))}),
            json!({"type": "response.output_item.added", "output_index": 0, "item": call("in_progress", "")}),
            json!({"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 0, "delta": "{}"}),
            json!({"type": "response.function_call_arguments.done", "item_id": "fc_1", "output_index": 0, "name": "f", "arguments": "{}"}),
            json!({"type": "response.output_item.done", "output_index": 0, "item": call("completed", "{}")}),
            json!({"type": "response.completed", "response": response("completed", &json!([call("completed", "{}")]))}),
        ]
    }

    #[test]
    fn a_legal_stream_passes_and_every_event_of_it_is_needed() {
        let events = legal();
        let outcome = validate(&stream(&events)).unwrap();
        assert_eq!(outcome.end, End::Completed);
        for missing in 0..events.len() - 1 {
            let mut cut = events.clone();
            cut.remove(missing);
            assert!(validate(&stream(&cut)).is_err(), "without event {missing}");
        }
        for twice in 0..events.len() {
            let mut more = events.clone();
            more.insert(twice, events[twice].clone());
            // More arguments differ from what the later events say.
            assert!(validate(&stream(&more)).is_err(), "event {twice} twice");
        }
        assert_eq!(validate(&stream(&events[..6])).unwrap().end, End::Open);
    }

    #[test]
    fn changed_identities_are_seen() {
        for (event, pointer) in [
            (5, "/item/id"),
            (5, "/item/call_id"),
            (6, "/response/id"),
            (6, "/response/output/0/id"),
            (6, "/response/output/0/arguments"),
            (4, "/item_id"),
        ] {
            let mut events = legal();
            *events[event].pointer_mut(pointer).unwrap() = json!("other");
            assert!(validate(&stream(&events)).is_err(), "{event}{pointer}");
        }
    }
}
