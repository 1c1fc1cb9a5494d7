//! Requests, answers and streams.

#![expect(
    clippy::needless_pass_by_value,
    reason = "cases read better without references"
)]

mod any;
mod request;
mod stream;

use bytes::BytesMut;
use serde_json::{Value, json};

use super::request::convert;
use super::state::State;
use super::stream::GeminiToMessages;
use crate::convert::context::{AnswerContext, RequestContext};
use crate::convert::machine::Machine;
use crate::convert::report::{LossReport, Refusal};
use crate::convert::validate::messages::{Outcome, validate};
use crate::format::error::Fault;
use crate::models::ModelTable;
use crate::provider::Provider;
use crate::target::Options;

const CX: AnswerContext = AnswerContext::at(7);
/// A model of the newest generation, and one of the generation before.
const NEW: &str = "gemini-3.8-flash";
const OLD: &str = "gemini-2.5-flash";

fn search() -> Value {
    json!({"type": "web_search_20250305", "name": "web_search"})
}

fn function(name: &str) -> Value {
    json!({"name": name, "input_schema": {"type": "object", "properties": {"a": {"type": "string"}}}})
}

/// Converts the request with these members.
fn try_convert(
    model: &str,
    options: &Options,
    members: &Value,
) -> Result<(Value, LossReport), Refusal> {
    let mut body = json!({"model": "m", "max_tokens": 100, "tools": [search()], "messages": [{"role": "user", "content": "hi"}]});
    for (key, value) in members.as_object().unwrap() {
        body[key] = value.clone();
    }
    let capabilities = ModelTable::new().lookup(model);
    let mut report = LossReport::default();
    let converted = convert(
        body.to_string().as_bytes(),
        &mut RequestContext {
            model,
            provider: Provider::Gemini,
            options,
            headers: &http::HeaderMap::new(),
            capabilities: &capabilities,
            lossy: false,
            report: &mut report,
        },
    )?;
    let text = std::str::from_utf8(&converted.body).unwrap();
    let body = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
    Ok((body, report))
}

#[track_caller]
fn sent(members: Value) -> Value {
    try_convert(NEW, &Options::default(), &members).unwrap().0
}

#[track_caller]
fn refused(model: &str, fault: Fault, param: &str, members: Value) {
    match try_convert(model, &Options::default(), &members) {
        Ok((body, _)) => panic!("not refused: {body}"),
        Err(refusal) => assert_eq!((refusal.fault, &*refusal.param), (fault, param)),
    }
}

fn state() -> State {
    State {
        model: "\"asked\"".into(),
        wants_search: true,
        ..State::default()
    }
}

/// A chunk with these parts.
fn parts(parts: Value) -> Value {
    json!({"responseId": "r-1", "candidates": [{"content": {"role": "model", "parts": parts}}]})
}

fn stop() -> Value {
    json!({"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2}})
}

/// Feeds the chunks and ends the stream as the body around the machine does.
fn run(chunks: &[Value], limit: usize) -> BytesMut {
    let mut machine = GeminiToMessages::new(state(), CX, limit);
    let mut out = BytesMut::new();
    for chunk in chunks {
        let before = out.len();
        if let Err(error) = machine.event("", chunk.to_string().as_bytes(), &mut out) {
            assert_eq!(out.len(), before, "an event with an error said something");
            machine.fail(&error, &mut out);
            return out;
        }
    }
    if let Err(error) = machine.finish(&mut out) {
        machine.fail(&error, &mut out);
    }
    out
}

#[track_caller]
fn told(chunks: &[Value]) -> Outcome {
    validate(&run(chunks, 1 << 20)).unwrap()
}
