#![expect(
    clippy::needless_pass_by_value,
    reason = "cases read better without references"
)]

mod errors;
mod property;
mod reasoning;
mod search;
mod stream;
mod whole;

use bytes::BytesMut;
use serde_json::{Value, json};

use super::response;
use super::state::State;
use super::stream::ChatToMessages;
use crate::convert::chat_in::Origin;
use crate::convert::context::AnswerContext;
use crate::convert::machine::{Flow, Machine};
use crate::convert::tool_names::ToolNames;
use crate::convert::validate::messages::{End, Outcome, validate};
use crate::endpoint::Format;
use crate::provider::Provider;

const CX: AnswerContext = AnswerContext::at(7);

const LIMIT: usize = 1 << 20;

fn state(provider: Provider, model: &str) -> State {
    State {
        origin: Origin::new(provider, model, Format::Messages).unwrap(),
        model: format!("\"{model}\""),
        wants_search: false,
        tools: ToolNames::default(),
    }
}

fn gemini() -> State {
    state(Provider::Gemini, "gemini-3.8-flash")
}

fn groq() -> State {
    state(Provider::Groq, "openai/gpt-oss-120b")
}

fn sonar() -> State {
    state(Provider::Perplexity, "sonar")
}

fn searching(state: State) -> State {
    State {
        wants_search: true,
        ..state
    }
}

/// Feeds `upstream` and ends the stream as the body around the machine does.
pub(super) fn run(mut machine: impl Machine, upstream: &[(String, String)]) -> BytesMut {
    let mut out = BytesMut::new();
    for (name, data) in upstream {
        let before = out.len();
        match machine.event(name, data.as_bytes(), &mut out) {
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

/// A chunk with this delta.
fn delta(delta: Value) -> Value {
    json!({"id": "chatcmpl-A1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn finish(reason: &str) -> Value {
    json!({"id": "chatcmpl-A1", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn usage(usage: Value) -> Value {
    json!({"id": "chatcmpl-A1", "model": "m", "choices": [], "usage": usage})
}

fn call(call: Value) -> Value {
    delta(json!({"tool_calls": [call]}))
}

const DONE: &str = "[DONE]";

fn events(chunks: &[Value]) -> Vec<(String, String)> {
    chunks
        .iter()
        .map(|chunk| {
            let data = match chunk {
                Value::String(text) => text.clone(),
                chunk => chunk.to_string(),
            };
            (String::new(), data)
        })
        .collect()
}

#[track_caller]
fn told(state: State, chunks: &[Value]) -> Outcome {
    let out = run(ChatToMessages::new(state, CX, LIMIT), &events(chunks));
    validate(&out).unwrap()
}

#[track_caller]
fn complete(state: State, chunks: &[Value]) -> Value {
    let outcome = told(state, chunks);
    assert_eq!(outcome.end, End::Complete, "{outcome:?}");
    assert_eq!(
        outcome.stopped,
        outcome.message["content"].as_array().unwrap().len()
    );
    outcome.message
}

fn pages() -> Value {
    json!([
        {"url": "https://a", "title": "A \"q\"", "date": "2026-01-02", "snippet": "é".repeat(200)},
        {"url": "https://b", "title": null, "snippet": "s\n"},
        {"url": "https://c", "title": "C"}
    ])
}

fn cited_chunk(text: &str) -> Value {
    let mut chunk = delta(json!({"content": text}));
    chunk["search_results"] = pages();
    chunk["citations"] = json!(["https://a"]);
    chunk["usage"] = json!({"prompt_tokens": 6, "completion_tokens": 3, "total_tokens": 9});
    chunk
}

fn answer(state: State, body: &Value) -> Value {
    let answer = response::convert(body.to_string().as_bytes(), &state, CX).unwrap();
    serde_json::from_slice(&answer.body).unwrap()
}
