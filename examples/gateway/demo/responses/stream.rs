//! A response as the events of the Responses API.

use serde_json::{Value, json};

use super::super::reply::{Event, pieces};

/// The life of this response.
pub(super) fn events(response: &Value) -> Vec<Event> {
    let mut log = Log::default();
    let begun = begun(response, "in_progress");
    log.push("response.created", json!({"response": begun}));
    log.push("response.in_progress", json!({"response": begun}));
    for (index, item) in response["output"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        log.item(index, item);
    }
    let last = match response["status"].as_str() {
        Some("incomplete") => "response.incomplete",
        _ => "response.completed",
    };
    log.push(last, json!({"response": response}));
    log.events
}

/// The end of a response that failed after this many events.
pub(super) fn failed(response: &Value, sequence: usize) -> Event {
    let mut failed = begun(response, "failed");
    failed["error"] = json!({"code": "server_error", "message": "The demo failed as asked."});
    Event::typed(&json!({
        "type": "response.failed", "sequence_number": sequence, "response": failed,
    }))
}

/// The response before anything came out of it.
fn begun(response: &Value, status: &str) -> Value {
    let mut begun = response.clone();
    begun["status"] = json!(status);
    begun["output"] = json!([]);
    begun["usage"] = Value::Null;
    begun["incomplete_details"] = Value::Null;
    begun["completed_at"] = Value::Null;
    begun
}

/// Events in their order.
#[derive(Default)]
struct Log {
    events: Vec<Event>,
}

impl Log {
    /// Adds an event with these members.
    fn push(&mut self, kind: &str, mut event: Value) {
        event["type"] = json!(kind);
        event["sequence_number"] = json!(self.events.len());
        self.events.push(Event::typed(&event));
    }

    fn item(&mut self, index: usize, item: &Value) {
        let mut added = item.clone();
        if item["type"] != "reasoning" {
            added["status"] = json!("in_progress");
        }
        for (name, empty) in [
            ("content", json!([])),
            ("summary", json!([])),
            ("arguments", json!("")),
            ("input", json!("")),
        ] {
            if item.get(name).is_some() {
                added[name] = empty;
            }
        }
        if let Some(added) = added.as_object_mut() {
            added.remove("encrypted_content");
        }
        self.push(
            "response.output_item.added",
            json!({"output_index": index, "item": added}),
        );
        let base = json!({"item_id": item["id"], "output_index": index});
        match item["type"].as_str() {
            Some("reasoning") => self.summaries(&base, item),
            Some("message") => self.parts(&base, item),
            Some("web_search_call") => {
                for state in ["in_progress", "searching", "completed"] {
                    self.push(&format!("response.web_search_call.{state}"), base.clone());
                }
            }
            Some("function_call") => {
                let end = json!({"name": item["name"], "arguments": item["arguments"]});
                self.text(
                    "response.function_call_arguments",
                    &base,
                    &item["arguments"],
                    &end,
                );
            }
            Some("custom_tool_call") => {
                let end = json!({"input": item["input"]});
                self.text(
                    "response.custom_tool_call_input",
                    &base,
                    &item["input"],
                    &end,
                );
            }
            _ => {}
        }
        self.push(
            "response.output_item.done",
            json!({"output_index": index, "item": item}),
        );
    }

    fn summaries(&mut self, base: &Value, item: &Value) {
        for (index, part) in item["summary"].as_array().into_iter().flatten().enumerate() {
            let base = merge(base, &json!({"summary_index": index}));
            let empty = json!({"part": {"type": "summary_text", "text": ""}});
            self.push(
                "response.reasoning_summary_part.added",
                merge(&base, &empty),
            );
            let end = json!({"text": part["text"]});
            self.text(
                "response.reasoning_summary_text",
                &base,
                &part["text"],
                &end,
            );
            self.push(
                "response.reasoning_summary_part.done",
                merge(&base, &json!({"part": part})),
            );
        }
    }

    fn parts(&mut self, base: &Value, item: &Value) {
        for (index, part) in item["content"].as_array().into_iter().flatten().enumerate() {
            let base = merge(base, &json!({"content_index": index}));
            let is_refusal = part["type"] == "refusal";
            let (member, name) = if is_refusal {
                ("refusal", "response.refusal")
            } else {
                ("text", "response.output_text")
            };
            let mut empty = part.clone();
            empty[member] = json!("");
            if !is_refusal {
                empty["annotations"] = json!([]);
            }
            self.push(
                "response.content_part.added",
                merge(&base, &json!({"part": empty})),
            );
            let mut end = json!({});
            end[member] = part[member].clone();
            let base_of_text = if is_refusal {
                base.clone()
            } else {
                merge(&base, &json!({"logprobs": []}))
            };
            self.deltas(name, &base_of_text, &part[member]);
            let annotations = part["annotations"].as_array().into_iter().flatten();
            for (index, annotation) in annotations.enumerate() {
                let event = json!({"annotation_index": index, "annotation": annotation});
                self.push(
                    "response.output_text.annotation.added",
                    merge(&base, &event),
                );
            }
            self.push(&format!("{name}.done"), merge(&base_of_text, &end));
            self.push(
                "response.content_part.done",
                merge(&base, &json!({"part": part})),
            );
        }
    }

    /// A text in deltas, then its end with these members.
    fn text(&mut self, name: &str, base: &Value, text: &Value, end: &Value) {
        self.deltas(name, base, text);
        self.push(&format!("{name}.done"), merge(base, end));
    }

    fn deltas(&mut self, name: &str, base: &Value, text: &Value) {
        for piece in pieces(text.as_str().unwrap_or_default(), 4) {
            self.push(
                &format!("{name}.delta"),
                merge(base, &json!({"delta": piece})),
            );
        }
    }
}

/// One object with the members of both.
fn merge(first: &Value, second: &Value) -> Value {
    let members = [first, second]
        .into_iter()
        .filter_map(Value::as_object)
        .flatten();
    Value::Object(
        members
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}
