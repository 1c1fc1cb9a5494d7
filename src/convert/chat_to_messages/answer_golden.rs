//! The answer side of the golden cases.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use http::StatusCode;
use serde_json::Value;

use super::response;
use super::state::State;
use super::stream::{MessagesToChat, replay};
use crate::convert::anthropic_error;
use crate::convert::chat_answer::validate::{End, events, validate};
use crate::convert::context::AnswerContext;
use crate::convert::machine::{Flow, Machine};
use crate::convert::tool_names::ToolNames;
use crate::endpoint::Format;

struct Case {
    name: String,
    folder: PathBuf,
}

impl Case {
    /// All cases that have `file`.
    fn with(file: &str) -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/chat_to_messages");
        let mut cases: Vec<Self> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|folder| folder.join(file).exists())
            .map(|folder| Self {
                name: folder.file_name().unwrap().to_str().unwrap().to_owned(),
                folder,
            })
            .collect();
        cases.sort_by(|a, b| a.name.cmp(&b.name));
        assert!(!cases.is_empty());
        cases
    }

    fn bytes(&self, file: &str) -> Vec<u8> {
        fs::read(self.folder.join(file)).unwrap()
    }

    /// The provider's answer as it is on the wire: the file is indented for readers, and `arguments` shall be the raw text.
    fn answer(&self) -> Vec<u8> {
        let mut quoted = false;
        let mut escaped = false;
        let mut body = self.bytes("upstream_response.json");
        body.retain(|byte| {
            let kept = quoted || !byte.is_ascii_whitespace();
            quoted ^= *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            kept
        });
        body
    }

    fn json(&self, file: &str) -> Value {
        serde_json::from_slice(&self.bytes(file)).unwrap()
    }

    fn cx(&self) -> AnswerContext {
        AnswerContext::at(self.json("case.json")["clock"].as_u64().unwrap())
    }

    /// What the request's conversion would have noted.
    fn state(&self) -> State {
        let request = self.json("client_request.json");
        let mut tools = ToolNames::default();
        for tool in request["tools"].as_array().into_iter().flatten() {
            if let Some(name) = tool["custom"]["name"].as_str() {
                tools.insert(name, name, true);
            }
        }
        State {
            include_usage: request["stream_options"]["include_usage"] == true,
            legacy_functions: request["functions"].is_array(),
            tools,
            ..State::default()
        }
    }
}

#[test]
fn responses() {
    for case in Case::with("upstream_response.json") {
        let answer = response::convert(&case.answer(), &case.state(), case.cx()).unwrap();
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body, case.json("client_response.json"), "{}", case.name);
    }
}

#[test]
fn errors() {
    for case in Case::with("upstream_error.json") {
        let upstream = case.json("upstream_error.json");
        let status = StatusCode::from_u16(upstream["status"].as_u64().unwrap() as u16).unwrap();
        let error = anthropic_error::convert(status, upstream["body"].to_string().as_bytes());
        let expected = case.json("client_error.json");
        assert_eq!(
            u64::from(error.status.as_u16()),
            expected["status"],
            "{}",
            case.name
        );
        let body: Value = serde_json::from_slice(&error.to_json(Format::Chat, None)).unwrap();
        assert_eq!(body, expected["body"], "{}", case.name);
    }
}

/// Feeds `upstream` and ends the stream as the body around the machine does.
fn run(machine: &mut MessagesToChat, upstream: &[(String, String)]) -> BytesMut {
    let mut out = BytesMut::new();
    for (name, data) in upstream {
        match machine.event(name, data.as_bytes(), &mut out) {
            Ok(Flow::Continue) => {}
            Ok(Flow::Done) => return out,
            Err(error) => {
                machine.fail(&error, &mut out);
                return out;
            }
        }
    }
    if let Err(error) = machine.finish(&mut out) {
        machine.fail(&error, &mut out);
    }
    out
}

fn parsed(stream: &[u8]) -> Vec<(String, Value)> {
    events(stream)
        .into_iter()
        .map(|(name, data)| {
            let value = serde_json::from_str(&data).unwrap_or(Value::String(data));
            (name, value)
        })
        .collect()
}

#[test]
fn streams() {
    for case in Case::with("upstream_stream.sse") {
        let upstream = events(&case.bytes("upstream_stream.sse"));
        let mut machine = MessagesToChat::new(case.state(), case.cx());
        let out = run(&mut machine, &upstream);
        let expected = parsed(&case.bytes("client_stream.sse"));
        assert_eq!(parsed(&out), expected, "{}", case.name);
        let whole = validate(&out, case.state().include_usage).unwrap();

        for cut in 0..upstream.len() {
            let mut machine = MessagesToChat::new(case.state(), case.cx());
            let out = run(&mut machine, &upstream[..cut]);
            let outcome = validate(&out, case.state().include_usage)
                .unwrap_or_else(|problem| panic!("{} cut at {cut}: {problem}", case.name));
            let stopped = upstream[..cut]
                .iter()
                .any(|(_, data)| data.contains("\"stop_reason\":\""));
            let end = if stopped { End::Complete } else { End::Error };
            assert_eq!(outcome.end, end, "{} cut at {cut}", case.name);
            if stopped {
                assert_eq!(outcome, whole, "{} cut at {cut}", case.name);
            } else {
                let error = outcome.error.unwrap();
                assert_eq!(error["code"], "upstream_stream_ended");
            }
        }
    }
}

#[test]
fn a_replayed_answer_says_the_same() {
    for case in Case::with("upstream_response.json") {
        let body = case.answer();
        let whole: Value = serde_json::from_slice(
            &response::convert(&body, &case.state(), case.cx())
                .unwrap()
                .body,
        )
        .unwrap();
        let mut out = BytesMut::new();
        let state = State {
            include_usage: true,
            ..case.state()
        };
        let usage = replay(&body, state, case.cx(), &mut out).unwrap();
        assert!(usage.is_known());
        let outcome = validate(&out, true).unwrap();
        assert_eq!(outcome.end, End::Complete);
        assert_eq!(outcome.usage.as_ref(), Some(&whole["usage"]));
        let choice = &whole["choices"][0];
        assert_eq!(
            outcome.finish_reason.as_deref(),
            choice["finish_reason"].as_str()
        );
        let mut message = Value::Object(outcome.message);
        for block in message["thinking_blocks"]
            .as_array_mut()
            .into_iter()
            .flatten()
        {
            block.as_object_mut().unwrap().remove("index");
        }
        let mut expected = choice["message"].clone();
        for message in [&mut message, &mut expected] {
            let message = message.as_object_mut().unwrap();
            message.retain(|_, value| !value.is_null());
        }
        assert_eq!(message, expected, "{}", case.name);
    }
}
