//! The golden cases, cut at every event and at every byte.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use http::StatusCode;
use serde_json::Value;

use super::state::State;
use super::stream::MessagesToResponses;
use super::{request, response};
use crate::codec::sse::Decoder;
use crate::convert::anthropic_error;
use crate::convert::context::{AnswerContext, RequestContext};
use crate::convert::machine::{Flow, Machine};
use crate::convert::report::LossReport;
use crate::convert::validate::responses::{End, events, validate};
use crate::endpoint::Format;
use crate::models::ModelTable;
use crate::provider::Provider;
use crate::target::{Options, ThinkingBinding};

struct Case {
    name: String,
    folder: PathBuf,
}

impl Case {
    /// All cases that have `file`.
    fn with(file: &str) -> Vec<Self> {
        let root = env!("CARGO_MANIFEST_DIR");
        let folder = Path::new(root).join("tests/golden/responses_to_messages");
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

    fn json(&self, file: &str) -> Value {
        serde_json::from_slice(&self.bytes(file)).unwrap()
    }

    /// The provider's answer as it is on the wire: the file is indented for readers, and carriers hold the raw text.
    fn answer(&self) -> Vec<u8> {
        let (mut quoted, mut escaped) = (false, false);
        let mut body = self.bytes("upstream_response.json");
        body.retain(|byte| {
            let kept = quoted || !byte.is_ascii_whitespace();
            quoted ^= *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            kept
        });
        body
    }

    fn cx(&self) -> AnswerContext {
        let now = self.json("case.json")["clock"].as_u64().unwrap_or(7);
        AnswerContext::at(now)
    }

    /// Converts the client's request: the body, the report, and what the answer's conversion needs.
    fn request(&self) -> (Value, LossReport, State) {
        let body = self.bytes("client_request.json");
        let model = serde_json::from_slice::<Value>(&body).unwrap();
        let model = model["model"].as_str().unwrap();
        let capabilities = ModelTable::new().lookup(model);
        let off = self.json("case.json")["config"]["thinking_binding"] == "off";
        let options = Options {
            thinking_binding: off.then_some(ThinkingBinding::Off),
            ..Options::default()
        };
        let mut report = LossReport::default();
        let converted = request::convert(
            &body,
            &mut RequestContext {
                model,
                provider: Provider::Anthropic,
                options: &options,
                headers: &http::HeaderMap::new(),
                capabilities: &capabilities,
                lossy: false,
                report: &mut report,
            },
        )
        .unwrap();
        let body = serde_json::from_slice(&converted.body).unwrap();
        (body, report, converted.state)
    }
}

#[test]
fn requests() {
    for case in Case::with("upstream_request.json") {
        let (body, report, _) = case.request();
        assert_eq!(body, case.json("upstream_request.json"), "{}", case.name);
        if case.folder.join("report.json").exists() {
            let expected = case.json("report.json");
            for (key, have) in [
                ("dropped", report.dropped()),
                ("approximated", report.approximated()),
            ] {
                for path in expected[key].as_array().unwrap() {
                    assert!(have.iter().any(|p| path == &**p), "{}: {path}", case.name);
                }
            }
        }
    }
}

/// Equal but for null members, the request's echo, and the moment of completion.
fn same_response(have: &Value, want: &Value, name: &str) {
    for (key, value) in want.as_object().unwrap() {
        if key != "completed_at" && !value.is_null() {
            assert_eq!(have[key], *value, "{name}: {key}");
        }
    }
}

#[test]
fn responses() {
    for case in Case::with("upstream_response.json") {
        let (_, _, state) = case.request();
        let answer = response::convert(&case.answer(), &state, case.cx()).unwrap();
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        same_response(&body, &case.json("client_response.json"), &case.name);

        // The same as a stream.
        let mut out = BytesMut::new();
        let usage = response::replay(&case.answer(), state, case.cx(), &mut out).unwrap();
        assert_eq!(usage, answer.usage);
        let outcome = validate(&out).unwrap();
        assert_eq!(outcome.response.unwrap(), body, "{}", case.name);
    }
}

#[test]
fn errors() {
    for case in Case::with("upstream_error.json") {
        let upstream = case.json("upstream_error.json");
        let status = u16::try_from(upstream["status"].as_u64().unwrap()).unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        let error = anthropic_error::convert(status, upstream["body"].to_string().as_bytes());
        let expected = case.json("client_error.json");
        assert_eq!(expected["status"], error.status.as_u16(), "{}", case.name);
        let body = error.to_json(Format::Responses, None);
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body, expected["body"], "{}", case.name);
    }
}

/// Feeds `upstream` and ends the stream as the body around the machine does.
fn run(mut machine: MessagesToResponses, upstream: &[(String, String)]) -> BytesMut {
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

#[test]
fn streams_cut_anywhere() {
    for case in Case::with("upstream_stream.sse") {
        let (_, _, state) = case.request();
        let machine = || MessagesToResponses::new(state.clone(), case.cx());
        let bytes = case.bytes("upstream_stream.sse");
        let upstream = events(&bytes);
        let out = run(machine(), &upstream);
        let whole = validate(&out).unwrap_or_else(|problem| panic!("{}: {problem}", case.name));
        let expected = events(&case.bytes("client_stream.sse"));
        assert_eq!(events(&out).len(), expected.len(), "{}", case.name);
        for ((name, data), (want, expected)) in events(&out).iter().zip(&expected) {
            assert_eq!(name, want, "{}", case.name);
            let data: Value = serde_json::from_str(data).unwrap();
            let expected: Value = serde_json::from_str(expected).unwrap();
            if expected["response"].is_null() {
                assert_eq!(data, expected, "{}", case.name);
            } else {
                same_response(&data["response"], &expected["response"], &case.name);
            }
        }

        for cut in 0..upstream.len() {
            let out = run(machine(), &upstream[..cut]);
            let outcome = validate(&out)
                .unwrap_or_else(|problem| panic!("{} cut at {cut}: {problem}", case.name));
            let stopped = upstream[..cut]
                .iter()
                .any(|(_, data)| data.contains("\"stop_reason\":\""));
            if stopped {
                assert_eq!(outcome, whole, "{} cut at {cut}", case.name);
            } else {
                assert_eq!(outcome.end, End::Failed, "{} cut at {cut}", case.name);
                let error = &outcome.response.unwrap()["error"];
                assert_eq!(error["message"], "upstream stream ended before completion");
            }
        }

        for cut in 0..=bytes.len() {
            let mut decoder = Decoder::new(1 << 20);
            let mut read = Vec::new();
            for mut piece in [&bytes[..cut], &bytes[cut..]] {
                while let Some(event) = decoder.next(&mut piece).unwrap() {
                    let data = String::from_utf8(event.data.to_vec()).unwrap();
                    read.push((event.name.to_owned(), data));
                }
            }
            assert_eq!(run(machine(), &read), out, "{} split at {cut}", case.name);
        }
    }
}

/// What Anthropic wrote comes back to it block by block when the client sends the output back, whole or streamed.
#[test]
fn a_turn_that_is_sent_back_is_the_turn_that_came() {
    let blocks = serde_json::json!([
        {"type": "thinking", "thinking": "Search \"é\"\n first.", "signature": "EqQB+/="},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"type": "web_search_result", "url": "https://a", "encrypted_content": "Eo8="}]},
        {"type": "text", "text": "Found it."},
        {"type": "redacted_thinking", "data": "EmwK"},
        {"type": "thinking", "thinking": "", "signature": "hidden"},
        {"type": "tool_use", "id": "toolu_1", "name": "crm__find", "input": {"z": 1.5, "a": [2]}},
        {"type": "tool_use", "id": "toolu_2", "name": "patch", "input": {"input": "*** Begin\n\"x\""}}
    ]);
    let answer = serde_json::json!({"type": "message", "id": "msg_1", "model": "m", "content": blocks, "stop_reason": "tool_use"});
    let tools = serde_json::json!([
        {"type": "namespace", "name": "crm", "tools": [{"type": "function", "name": "find"}]},
        {"type": "custom", "name": "patch"}
    ]);
    let convert = |input: &Value| {
        let body = serde_json::json!({"input": input, "tools": tools}).to_string();
        let capabilities = ModelTable::new().lookup("claude-opus-5-5");
        request::convert(
            body.as_bytes(),
            &mut RequestContext {
                model: "claude-opus-5-5",
                provider: Provider::Anthropic,
                options: &Options::default(),
                headers: &http::HeaderMap::new(),
                capabilities: &capabilities,
                lossy: false,
                report: &mut LossReport::default(),
            },
        )
        .unwrap()
    };
    let first = convert(&serde_json::json!("x"));
    let cx = AnswerContext::at(7);
    let body = answer.to_string();
    let whole = response::convert(body.as_bytes(), &first.state, cx).unwrap();
    let whole: Value = serde_json::from_slice(&whole.body).unwrap();
    let mut out = BytesMut::new();
    response::replay(body.as_bytes(), first.state, cx, &mut out).unwrap();
    // As Codex does: the items of the done events, without their ids.
    let mut streamed = validate(&out).unwrap().items;
    for item in &mut streamed {
        item.as_object_mut().unwrap().remove("id");
    }
    for output in [whole["output"].as_array().unwrap().clone(), streamed] {
        let mut input = vec![serde_json::json!({"role": "user", "content": "x"})];
        input.extend(output);
        for (kind, id) in [
            ("custom_tool_call_output", "toolu_2"),
            ("function_call_output", "toolu_1"),
        ] {
            input.push(serde_json::json!({"type": kind, "call_id": id, "output": "ok"}));
        }
        let second = convert(&Value::Array(input));
        let body: Value = serde_json::from_slice(&second.body).unwrap();
        assert_eq!(body["messages"][1]["content"], blocks);
        assert_eq!(body["messages"][2]["content"][0]["tool_use_id"], "toolu_1");
    }
}
