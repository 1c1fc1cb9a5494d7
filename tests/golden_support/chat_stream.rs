//! What a Chat client may be sent as a stream, whatever the provider did.
//!
//! Source: OpenAI API reference, "Chat completion chunk", and how the official SDKs assemble chunks: the first one has the
//! role, `tool_calls[].index` numbers the calls, each begins with its id, and a choice finishes once.

use serde_json::Value;

/// What is wrong with a stream of one choice that was converted for a Chat client; `None`: nothing.
pub(crate) fn problem(stream: &[u8]) -> Option<String> {
    check(stream).err()
}

fn check(stream: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(stream).map_err(|error| error.to_string())?;
    if !text.ends_with("\n\n") {
        return Err("the end is inside an event".to_owned());
    }
    let mut state = State::default();
    for block in text.split("\n\n") {
        let mut lines = block.lines().filter(|line| !line.starts_with(':'));
        let Some(line) = lines.next() else {
            continue;
        };
        if lines.next().is_some() {
            return Err(format!("an event of more than one line: {block:?}"));
        }
        let data = line.strip_prefix("data: ");
        let data = data.ok_or_else(|| format!("neither data nor comment: {line:?}"))?;
        state
            .event(data)
            .map_err(|problem| format!("{problem}: {data}"))?;
    }
    if state.ended {
        Ok(())
    } else {
        Err("neither [DONE] nor an error is at the end".to_owned())
    }
}

#[derive(Default)]
struct State {
    started: bool,
    /// Tool calls that have begun.
    calls: u64,
    finished: bool,
    usage: bool,
    /// `[DONE]` or an error came.
    ended: bool,
    /// What all chunks have in common.
    head: Option<(Value, Value, Value)>,
}

impl State {
    fn event(&mut self, data: &str) -> Result<(), &'static str> {
        if self.ended {
            return Err("something follows the end");
        }
        if data == "[DONE]" {
            self.ended = true;
            return if self.finished {
                Ok(())
            } else {
                Err("[DONE] without a finish reason")
            };
        }
        let chunk: Value = serde_json::from_str(data).map_err(|_| "not JSON")?;
        if let Some(error) = chunk.get("error") {
            self.ended = true;
            let well = error["message"].is_string() && error["type"].is_string();
            return if well { Ok(()) } else { Err("no error object") };
        }
        if chunk["object"] != "chat.completion.chunk" {
            return Err("no chunk");
        }
        if !chunk["id"].is_string() || !chunk["created"].is_u64() || !chunk["model"].is_string() {
            return Err("id, created or model is missing");
        }
        let head = (
            chunk["id"].clone(),
            chunk["created"].clone(),
            chunk["model"].clone(),
        );
        if *self.head.get_or_insert_with(|| head.clone()) != head {
            return Err("id, created or model changed");
        }
        let choices = chunk["choices"].as_array().ok_or("no choices")?;
        match choices.as_slice() {
            [] => self.usage_chunk(&chunk),
            [choice] => self.choice(choice),
            _ => Err("more than one choice"),
        }
    }

    fn usage_chunk(&mut self, chunk: &Value) -> Result<(), &'static str> {
        if !self.finished || self.usage || !chunk["usage"].is_object() {
            return Err("a usage chunk out of place");
        }
        self.usage = true;
        Ok(())
    }

    fn choice(&mut self, choice: &Value) -> Result<(), &'static str> {
        if choice["index"] != 0 {
            return Err("a choice other than 0");
        }
        let delta = choice["delta"].as_object().ok_or("no delta")?;
        if self.finished {
            return Err("a choice after its finish reason");
        }
        if delta.contains_key("role") == self.started {
            return Err("the role belongs into the first chunk alone");
        }
        self.started = true;
        for call in delta
            .get("tool_calls")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let index = call["index"].as_u64().ok_or("a tool call without index")?;
            let begins = call.get("id").is_some();
            if begins != (index == self.calls) || index > self.calls {
                return Err("a tool call's index out of order");
            }
            if begins {
                self.calls += 1;
            }
        }
        self.finished = !choice["finish_reason"].is_null();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(events: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        for event in events {
            let head = r#"{"object":"chat.completion.chunk","id":"a","created":1,"model":"m","#;
            let event = match *event {
                "[DONE]" => "[DONE]".to_owned(),
                error if error.starts_with("{\"error\"") => error.to_owned(),
                usage if usage.starts_with("\"usage\"") => {
                    format!("{head}\"choices\":[],{usage}}}")
                }
                choice => format!("{head}\"choices\":[{{\"index\":0,{choice}}}]}}"),
            };
            out.extend_from_slice(format!("data: {event}\n\n").as_bytes());
        }
        out
    }

    const ROLE: &str = r#""delta":{"role":"assistant"},"finish_reason":null"#;
    const TEXT: &str = r#""delta":{"content":"x"},"finish_reason":null"#;
    const CALL_0: &str = r#""delta":{"tool_calls":[{"index":0,"id":"a"}]},"finish_reason":null"#;
    const MORE_0: &str = r#""delta":{"tool_calls":[{"index":0}]},"finish_reason":null"#;
    const CALL_1: &str = r#""delta":{"tool_calls":[{"index":1,"id":"b"}]},"finish_reason":null"#;
    const STOP: &str = r#""delta":{},"finish_reason":"stop""#;
    const USAGE: &str = r#""usage":{}"#;
    const ERROR: &str = r#"{"error":{"message":"m","type":"server_error"}}"#;

    #[test]
    fn legal_streams_pass() {
        for legal in [
            &[ROLE, TEXT, STOP, USAGE, "[DONE]"][..],
            &[ROLE, CALL_0, MORE_0, CALL_1, STOP, "[DONE]"],
            &[ROLE, TEXT, ERROR],
            &[ERROR],
        ] {
            assert_eq!(problem(&stream(legal)), None, "{legal:?}");
        }
    }

    #[test]
    fn illegal_streams_are_found() {
        for illegal in [
            &[][..],
            &[ROLE, TEXT],
            &[TEXT, STOP, "[DONE]"],
            &[ROLE, ROLE, STOP, "[DONE]"],
            &[ROLE, "[DONE]"],
            &[ROLE, STOP, STOP, "[DONE]"],
            &[ROLE, STOP, TEXT, "[DONE]"],
            &[ROLE, USAGE, STOP, "[DONE]"],
            &[ROLE, STOP, USAGE, USAGE, "[DONE]"],
            &[ROLE, CALL_1, STOP, "[DONE]"],
            &[ROLE, MORE_0, STOP, "[DONE]"],
            &[ROLE, CALL_0, CALL_0, STOP, "[DONE]"],
            &[ROLE, ERROR, "[DONE]"],
            &[ROLE, STOP, "[DONE]", "[DONE]"],
        ] {
            assert!(problem(&stream(illegal)).is_some(), "{illegal:?}");
        }
    }
}
