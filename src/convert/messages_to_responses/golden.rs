//! The golden cases.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use http::StatusCode;
use serde_json::Value;

use super::state::State;
use super::stream::{ResponsesToMessages, replay};
use super::{error, request, response};
use crate::codec::sse::Decoder;
use crate::convert::context::{AnswerContext, RequestContext};
use crate::convert::machine::{Flow, Machine};
use crate::convert::report::LossReport;
use crate::convert::validate::messages::{End, events, validate};
use crate::endpoint::Format;
use crate::models::ModelTable;
use crate::provider::Provider;
use crate::target::Options;

struct Case {
    name: String,
    folder: PathBuf,
}

impl Case {
    /// All cases that have `file`.
    fn with(file: &str) -> Vec<Self> {
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/messages_to_responses");
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

    /// A body as it is on the wire: the files are indented for readers.
    fn compact(&self, file: &str) -> Vec<u8> {
        let mut quoted = false;
        let mut escaped = false;
        let mut body = self.bytes(file);
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
        AnswerContext::at(self.json("case.json")["clock"].as_u64().unwrap_or(1))
    }

    /// Converts the request: its body, what was lost, and what the answer needs.
    fn request(&self) -> (Value, LossReport, State) {
        let body = self.compact("client_request.json");
        let model = self.json("client_request.json")["model"]
            .as_str()
            .unwrap()
            .to_owned();
        let mut report = LossReport::default();
        let converted = request::convert(
            &body,
            &mut RequestContext {
                model: &model,
                provider: Provider::OpenAi,
                options: &Options::default(),
                headers: &http::HeaderMap::new(),
                capabilities: &ModelTable::new().lookup(&model),
                lossy: false,
                report: &mut report,
            },
        )
        .unwrap();
        let body = serde_json::from_slice(&converted.body).unwrap();
        (body, report, converted.state)
    }

    fn state(&self) -> State {
        self.request().2
    }
}

#[test]
fn requests() {
    for case in Case::with("upstream_request.json") {
        let (mut body, report, _) = case.request();
        let mut expected = case.json("upstream_request.json");
        if case.name == "request-agent-probe-cache-control" {
            // The words are the gateway's own.
            for body in [&mut body, &mut expected] {
                assert!(body["tools"][1]["description"].take().is_string());
            }
        }
        assert_eq!(body, expected, "{}", case.name);
        if case.folder.join("report.json").exists() {
            let expected = case.json("report.json");
            for (list, fields) in [
                ("dropped", report.dropped()),
                ("approximated", report.approximated()),
            ] {
                for field in expected[list].as_array().unwrap() {
                    let field = field.as_str().unwrap();
                    assert!(fields.iter().any(|f| f == field), "{field} in {report:?}");
                }
            }
        }
    }
}

#[test]
fn responses() {
    for case in Case::with("upstream_response.json") {
        let answer = response::convert(
            &case.compact("upstream_response.json"),
            &case.state(),
            case.cx(),
        )
        .unwrap();
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body, case.json("client_response.json"), "{}", case.name);
    }
}

#[test]
fn errors() {
    for case in Case::with("upstream_error.json") {
        let upstream = case.json("upstream_error.json");
        let status = StatusCode::from_u16(upstream["status"].as_u64().unwrap() as u16).unwrap();
        let error = error::convert(status, upstream["body"].to_string().as_bytes());
        let expected = case.json("client_error.json");
        assert_eq!(u64::from(error.status.as_u16()), expected["status"]);
        let id = expected["body"]["request_id"].as_str();
        let body: Value = serde_json::from_slice(&error.to_json(Format::Messages, id)).unwrap();
        assert_eq!(body, expected["body"], "{}", case.name);
    }
}

/// Feeds `upstream` and ends the stream as the body around the machine does.
fn run(machine: &mut ResponsesToMessages, upstream: &[(String, String)]) -> BytesMut {
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
        .filter(|(name, _)| name != "ping")
        .map(|(name, data)| (name, serde_json::from_str(&data).unwrap()))
        .collect()
}

#[test]
fn streams() {
    for case in Case::with("upstream_stream.sse") {
        let upstream = events(&case.bytes("upstream_stream.sse"));
        let mut machine = ResponsesToMessages::new(case.state(), case.cx());
        let out = run(&mut machine, &upstream);
        let expected = parsed(&case.bytes("client_stream.sse"));
        assert_eq!(parsed(&out), expected, "{}", case.name);
        validate(&out).unwrap();

        for cut in 0..upstream.len() {
            let mut machine = ResponsesToMessages::new(case.state(), case.cx());
            let out = run(&mut machine, &upstream[..cut]);
            let outcome = validate(&out)
                .unwrap_or_else(|problem| panic!("{} cut at {cut}: {problem}", case.name));
            assert_eq!(outcome.end, End::Error, "{} cut at {cut}", case.name);
            assert_eq!(
                outcome.error.unwrap()["message"],
                "upstream stream ended before completion"
            );
        }
    }
}

#[test]
fn streams_cut_at_every_byte() {
    for case in Case::with("upstream_stream.sse") {
        let bytes = case.bytes("upstream_stream.sse");
        let (state, cx) = (case.state(), case.cx());
        let whole = {
            let mut machine = ResponsesToMessages::new(state.clone(), cx);
            run(&mut machine, &events(&bytes))
        };
        let all = events(&bytes);
        let mut before = usize::MAX;
        for cut in 0..=bytes.len() {
            // In two pieces: what is decoded is the same; and only the first: the stream is cut.
            let (first, second) = bytes.split_at(cut);
            let mut decoder = Decoder::new(1 << 20);
            let mut decoded = Vec::new();
            for (at, mut piece) in [first, second].into_iter().enumerate() {
                while let Some(event) = decoder.next(&mut piece).unwrap() {
                    let data = String::from_utf8(event.data.to_vec()).unwrap();
                    decoded.push((event.name.to_owned(), data));
                }
                if at == 1 {
                    assert_eq!(decoded, all, "{} cut at {cut}", case.name);
                    continue;
                }
                // The same events give the same again.
                if decoded.len() == before {
                    continue;
                }
                before = decoded.len();
                let mut machine = ResponsesToMessages::new(state.clone(), cx);
                let out = run(&mut machine, &decoded);
                let outcome = validate(&out).unwrap();
                let is_complete = decoded
                    .iter()
                    .any(|(name, _)| matches!(&**name, "response.completed" | "response.failed"));
                if is_complete {
                    assert_eq!(out, whole, "{} cut at {cut}", case.name);
                } else {
                    assert_eq!(outcome.end, End::Error, "{} cut at {cut}", case.name);
                }
            }
        }
    }
}

#[test]
fn a_replayed_answer_says_the_same() {
    for case in Case::with("upstream_response.json") {
        let body = case.compact("upstream_response.json");
        let mut out = BytesMut::new();
        let usage = replay(&body, case.state(), case.cx(), &mut out).unwrap();
        assert!(usage.is_known());
        let outcome = validate(&out).unwrap();
        assert_eq!(outcome.end, End::Complete);
        let (mut streamed, mut whole) = (outcome.message, case.json("client_response.json"));
        for message in [&mut streamed, &mut whole] {
            message["usage"]
                .as_object_mut()
                .unwrap()
                .remove("service_tier");
            let message = message.as_object_mut().unwrap();
            message.retain(|_, value| !value.is_null());
        }
        assert_eq!(streamed, whole, "{}", case.name);
    }
}
