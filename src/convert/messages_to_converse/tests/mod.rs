//! Answers: whole ones and streams.
#![expect(
    clippy::needless_pass_by_value,
    reason = "cases read better without references"
)]

mod property;
mod stream;
mod whole;

use bytes::BytesMut;
use serde_json::{Value, json};

use super::response;
use super::state::State;
use super::stream::ConverseToMessages;
use crate::convert::context::{AnswerContext, UpstreamId};
use crate::convert::machine::{Flow, Machine};
use crate::convert::tool_names::ToolNames;
use crate::convert::validate::messages::{End, Outcome, validate};

const LIMIT: usize = 1 << 20;

fn cx() -> AnswerContext {
    let id = http::HeaderValue::from_static("7f0c1d2e-3a4b-45c6");
    AnswerContext {
        request_id: UpstreamId::read(&id),
        ..AnswerContext::at(7)
    }
}

fn state() -> State {
    let mut tools = ToolNames::default();
    tools.insert("get_weather_f65d43", "get.weather", false);
    State {
        model: "\"sonnet\"".to_owned(),
        tools,
    }
}

type Event = (&'static str, Value);

fn start() -> Event {
    ("messageStart", json!({"role": "assistant", "p": "abc"}))
}

fn delta(index: u64, delta: Value) -> Event {
    (
        "contentBlockDelta",
        json!({"contentBlockIndex": index, "delta": delta}),
    )
}

fn text(index: u64, text: &str) -> Event {
    delta(index, json!({"text": text}))
}

fn reasoning(index: u64, member: Value) -> Event {
    delta(index, json!({"reasoningContent": member}))
}

fn call(index: u64, id: &str, name: &str) -> Event {
    let call = json!({"toolUse": {"toolUseId": id, "name": name}});
    (
        "contentBlockStart",
        json!({"contentBlockIndex": index, "start": call}),
    )
}

fn input(index: u64, fragment: &str) -> Event {
    delta(index, json!({"toolUse": {"input": fragment}}))
}

fn stop(index: u64) -> Event {
    ("contentBlockStop", json!({"contentBlockIndex": index}))
}

fn end(reason: &str) -> Event {
    ("messageStop", json!({"stopReason": reason}))
}

fn metadata() -> Event {
    let usage =
        json!({"inputTokens": 3, "outputTokens": 4, "totalTokens": 9, "cacheReadInputTokens": 2});
    (
        "metadata",
        json!({"usage": usage, "metrics": {"latencyMs": 1}}),
    )
}

/// Feeds the events and ends the stream as the body around the machine does.
fn run(events: &[Event]) -> BytesMut {
    let mut machine = ConverseToMessages::new(state(), cx(), LIMIT);
    let mut out = BytesMut::new();
    for (name, data) in events {
        let before = out.len();
        match machine.event(name, data.to_string().as_bytes(), &mut out) {
            Ok(Flow::Continue) => {}
            Ok(Flow::Done) => return out,
            Err(error) => {
                assert_eq!(out.len(), before, "an event with an error said something");
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

#[track_caller]
fn told(events: &[Event]) -> Outcome {
    validate(&run(events)).unwrap()
}

#[track_caller]
fn complete(events: &[Event]) -> Value {
    let outcome = told(events);
    assert_eq!(outcome.end, End::Complete, "{outcome:?}");
    outcome.message
}

fn answer(content: Value, stop_reason: &str) -> Value {
    json!({
        "output": {"message": {"role": "assistant", "content": content}}, "stopReason": stop_reason,
        "usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}, "metrics": {"latencyMs": 1},
    })
}

#[track_caller]
fn converted(body: &Value) -> Value {
    let answer = response::convert(body.to_string().as_bytes(), &state(), cx()).unwrap();
    serde_json::from_slice(&answer.body).unwrap()
}
