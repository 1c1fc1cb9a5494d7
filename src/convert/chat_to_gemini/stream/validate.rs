//! What a legal Chat stream of this conversion is: an automaton for tests, and what a client has put together at its end.

use serde_json::{Map, Value, json};

use crate::convert::chat_answer::validate::{End, Outcome, events};

/// Checks a stream, event by event.
pub(super) fn validate(stream: &[u8], include_usage: bool) -> Result<Outcome, String> {
    if !stream.is_empty() && !stream.ends_with(b"\n\n") {
        return Err("ends inside an event".to_owned());
    }
    let mut state = Validator::default();
    for (name, data) in events(stream) {
        check(name.is_empty(), "an event with a name")?;
        state
            .event(&data, include_usage)
            .map_err(|problem| format!("{problem} in {data}"))?;
    }
    Ok(Outcome {
        end: state.end.unwrap_or(End::Open),
        message: state.message,
        finish_reason: state.finish_reason,
        usage: state.usage,
        error: state.error,
    })
}

#[derive(Default)]
struct Validator {
    head: Option<[Value; 3]>,
    message: Map<String, Value>,
    finish_reason: Option<String>,
    usage: Option<Value>,
    error: Option<Value>,
    end: Option<End>,
}

fn check(holds: bool, problem: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(problem.to_owned())
    }
}

impl Validator {
    fn event(&mut self, data: &str, include_usage: bool) -> Result<(), String> {
        check(self.end.is_none(), "an event after the end")?;
        if data == "[DONE]" {
            check(
                self.finish_reason.is_some(),
                "[DONE] without a finish reason",
            )?;
            check(self.usage.is_some() == include_usage, "usage")?;
            self.end = Some(End::Complete);
            return Ok(());
        }
        let chunk: Value = serde_json::from_str(data).map_err(|error| error.to_string())?;
        if let Some(error) = chunk.get("error") {
            check(self.finish_reason.is_none(), "an error after the finish")?;
            let members: Vec<&String> = error.as_object().ok_or("error")?.keys().collect();
            check(
                members == ["code", "message", "param", "type"],
                "members of an error",
            )?;
            self.error = Some(error.clone());
            self.end = Some(End::Error);
            return Ok(());
        }
        check(chunk["object"] == "chat.completion.chunk", "object")?;
        let head = ["id", "created", "model"].map(|key| chunk[key].clone());
        check(
            *self.head.get_or_insert_with(|| head.clone()) == head,
            "another head",
        )?;
        let choices = chunk["choices"].as_array().ok_or("choices")?;
        let Some(choice) = choices.first() else {
            check(
                include_usage && self.finish_reason.is_some() && self.usage.is_none(),
                "usage out of place",
            )?;
            check(chunk["usage"]["total_tokens"].is_u64(), "no usage")?;
            self.usage = Some(chunk["usage"].clone());
            return Ok(());
        };
        check(self.finish_reason.is_none(), "a chunk after the finish")?;
        check(
            chunk.get("usage") == include_usage.then_some(&Value::Null),
            "usage on a chunk with a choice",
        )?;
        check(choices.len() == 1 && choice["index"] == 0, "choice")?;
        let delta = choice["delta"].as_object().ok_or("delta")?;
        let logprobs = &choice["logprobs"];
        let finishes = choice["finish_reason"].as_str();
        check(
            !delta.is_empty() || finishes.is_some() || !logprobs.is_null(),
            "an empty delta",
        )?;
        check(
            delta.contains_key("role") != self.message.contains_key("role"),
            "the role belongs into the first chunk alone",
        )?;
        for (key, value) in delta {
            self.member(key, value, finishes.is_some())?;
        }
        if let Some(reason) = finishes {
            let known = ["stop", "length", "tool_calls", "content_filter"];
            check(known.contains(&reason), "finish reason")?;
            self.finish_reason = Some(reason.to_owned());
        }
        Ok(())
    }

    fn member(&mut self, key: &str, value: &Value, finishes: bool) -> Result<(), String> {
        let known = self.message.contains_key(key);
        match (key, value) {
            ("role", Value::String(role)) => check(role == "assistant" && !known, "role")?,
            ("content" | "reasoning_content" | "reasoning", Value::String(text)) => {
                check(!text.is_empty() && !finishes, "text")?;
                let slot = self.message.entry(key).or_insert_with(|| json!(""));
                *slot = json!(format!("{}{text}", slot.as_str().unwrap()));
                return Ok(());
            }
            ("refusal", Value::String(_)) | ("audio", Value::Object(_)) => {
                check(!finishes, "at the end")?;
            }
            ("annotations", Value::Array(list)) => {
                check(finishes && !known && !list.is_empty(), "annotations")?;
            }
            ("extra_content", Value::Object(_)) => check(finishes && !known, "extra_content")?,
            ("tool_calls" | "images", Value::Array(list)) => {
                let slot = self.message.entry(key).or_insert_with(|| json!([]));
                let elements = slot.as_array_mut().unwrap();
                check(list.len() == 1 && !finishes, "one at a time")?;
                check(list[0]["index"] == elements.len(), "index")?;
                if key == "tool_calls" {
                    check(list[0]["id"].is_string(), "id")?;
                    let kind = list[0]["type"].as_str().ok_or("type")?;
                    let text = if kind == "custom" {
                        "input"
                    } else {
                        "arguments"
                    };
                    check(list[0][kind]["name"].is_string(), "name")?;
                    check(list[0][kind][text].is_string(), "arguments")?;
                }
                elements.push(list[0].clone());
                return Ok(());
            }
            _ => return Err(format!("delta member {key}")),
        }
        self.message.insert(key.to_owned(), value.clone());
        Ok(())
    }
}
