//! The golden cases of this pair; `tests/golden` runs them through a whole gateway.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use http::StatusCode;
use serde_json::Value;

use super::state::State;
use super::stream::{ChatToMessages, replay};
use super::tests::run;
use super::{error, request, response};
use crate::convert::context::{AnswerContext, RequestContext};
use crate::convert::report::LossReport;
use crate::convert::validate::messages::{End, events, validate};
use crate::endpoint::Format;
use crate::models::ModelTable;
use crate::provider::Provider;
use crate::target::Options;

const CX: AnswerContext = AnswerContext::at(1_700_000_000);

struct Case {
    name: String,
    folder: PathBuf,
}

impl Case {
    /// All cases that have `file`.
    fn with(file: &str) -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/messages_to_chat");
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
        assert!(!cases.is_empty(), "{file}");
        cases
    }

    fn bytes(&self, file: &str) -> Vec<u8> {
        fs::read(self.folder.join(file)).unwrap()
    }

    fn json(&self, file: &str) -> Value {
        serde_json::from_slice(&self.bytes(file)).unwrap()
    }

    /// Converts the client's request: the body as it is sent, and what the answer needs.
    fn request(&self) -> (Value, State) {
        let body = self.bytes("client_request.json");
        let asked: Value = serde_json::from_slice(&body).unwrap();
        let model = asked["model"].as_str().unwrap();
        let case = self.json("case.json");
        let provider: Provider = case["provider"].as_str().unwrap().parse().unwrap();
        let mut report = LossReport::default();
        let mut cx = RequestContext {
            model,
            provider,
            options: &Options::default(),
            headers: &http::HeaderMap::new(),
            capabilities: &ModelTable::new().lookup(model),
            lossy: false,
            report: &mut report,
        };
        let converted = request::convert(&body, &mut cx).unwrap();
        let body = serde_json::from_slice(&converted.body).unwrap();
        (body, converted.state)
    }

    fn state(&self) -> State {
        self.request().1
    }
}

#[test]
fn requests() {
    for case in Case::with("upstream_request.json") {
        let (body, _) = case.request();
        assert_eq!(body, case.json("upstream_request.json"), "{}", case.name);
    }
}

#[test]
fn responses() {
    for case in Case::with("upstream_response.json") {
        let body = case.bytes("upstream_response.json");
        let answer = response::convert(&body, &case.state(), CX).unwrap();
        let message: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(message, case.json("client_response.json"), "{}", case.name);
    }
}

#[test]
fn a_replayed_answer_says_the_same() {
    for case in Case::with("upstream_response.json") {
        let body = case.bytes("upstream_response.json");
        let whole = response::convert(&body, &case.state(), CX).unwrap();
        let mut out = BytesMut::new();
        let usage = replay(&body, case.state(), CX, &mut out).unwrap();
        assert!(usage == whole.usage && usage.is_known(), "{}", case.name);
        let outcome = validate(&out).unwrap();
        assert_eq!(outcome.end, End::Complete);
        let whole: Value = serde_json::from_slice(&whole.body).unwrap();
        assert_eq!(outcome.message, whole, "{}", case.name);
    }
}

#[test]
fn errors() {
    for case in Case::with("upstream_error.json") {
        let upstream = case.json("upstream_error.json");
        let status = StatusCode::from_u16(upstream["status"].as_u64().unwrap() as u16).unwrap();
        let body = upstream["body"].to_string();
        let error = error::convert(status, body.as_bytes(), &case.state());
        let expected = case.json("client_error.json");
        assert_eq!(u64::from(error.status.as_u16()), expected["status"]);
        let body: Value = serde_json::from_slice(&error.to_json(Format::Messages, None)).unwrap();
        assert_eq!(body, expected["body"], "{}", case.name);
    }
}

fn parsed(stream: &[u8]) -> Vec<(String, Value)> {
    events(stream)
        .into_iter()
        .map(|(name, data)| (name, serde_json::from_str(&data).unwrap()))
        .collect()
}

#[test]
fn streams() {
    for case in Case::with("upstream_stream.sse") {
        let upstream = events(&case.bytes("upstream_stream.sse"));
        let machine = ChatToMessages::new(case.state(), CX, 1 << 20);
        let out = run(machine, &upstream);
        let expected = parsed(&case.bytes("client_stream.sse"));
        assert_eq!(parsed(&out), expected, "{}", case.name);
        let whole = validate(&out).unwrap();

        for cut in 0..upstream.len() {
            let Some(upstream) = upstream.get(..cut) else {
                continue;
            };
            let machine = ChatToMessages::new(case.state(), CX, 1 << 20);
            let outcome = validate(&run(machine, upstream))
                .unwrap_or_else(|problem| panic!("{} cut at {cut}: {problem}", case.name));
            let finished = upstream
                .iter()
                .any(|(_, data)| data.contains("\"finish_reason\":\""));
            if finished {
                assert_eq!(outcome.end, End::Complete, "{} cut at {cut}", case.name);
                assert_eq!(outcome.message["content"], whole.message["content"]);
            } else {
                assert_eq!(outcome.end, End::Error, "{} cut at {cut}", case.name);
                let error = outcome.error.unwrap();
                assert_eq!(error["message"], "upstream stream ended before completion");
            }
        }
    }
}
