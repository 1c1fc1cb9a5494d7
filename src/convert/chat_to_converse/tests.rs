//! Answers and streams of every shape.

#![expect(
    clippy::needless_pass_by_value,
    reason = "cases read better without references"
)]

mod any;
mod errors;

use bytes::BytesMut;
use http::HeaderValue;
use serde_json::{Value, json};

use super::response;
use super::state::State;
use super::stream::{ConverseToChat, replay};
use crate::convert::chat_answer::validate::{End, Outcome, validate, validate_uncounted};
use crate::convert::context::{AnswerContext, UpstreamId};
use crate::convert::machine::{Flow, Machine, StreamError};
use crate::convert::tool_names::ToolNames;
use crate::target::ChatReasoning;
use crate::usage::Usage;

const LIMIT: usize = 1 << 20;

/// An event: its name and payload.
type Event = (&'static str, Value);

fn cx() -> AnswerContext {
    AnswerContext {
        now: 7,
        request_id: UpstreamId::read(&HeaderValue::from_static("7f0c-1d2e")),
    }
}

fn state() -> State {
    let mut tools = ToolNames::default();
    tools.insert("a_b", "a.b", false);
    tools.insert("sql", "sql", true);
    State {
        model: "\"sonnet\"".to_owned(),
        include_usage: true,
        tools,
        ..State::default()
    }
}

fn head() -> Event {
    ("messageStart", json!({"role": "assistant"}))
}

fn delta(index: u64, delta: Value) -> Event {
    (
        "contentBlockDelta",
        json!({"contentBlockIndex": index, "delta": delta, "p": "abc"}),
    )
}

fn said(index: u64, text: &str) -> Event {
    delta(index, json!({ "text": text }))
}

fn thought(index: u64, text: &str) -> Event {
    delta(index, json!({"reasoningContent": {"text": text}}))
}

fn signed(index: u64, signature: &str) -> Event {
    delta(index, json!({"reasoningContent": {"signature": signature}}))
}

fn redacted(index: u64, bytes: &str) -> Event {
    delta(
        index,
        json!({"reasoningContent": {"redactedContent": bytes}}),
    )
}

fn call(index: u64, id: &str, name: &str) -> Event {
    (
        "contentBlockStart",
        json!({"contentBlockIndex": index, "start": {"toolUse": {"toolUseId": id, "name": name}}}),
    )
}

fn input(index: u64, text: &str) -> Event {
    delta(index, json!({"toolUse": {"input": text}}))
}

fn stop(index: u64) -> Event {
    ("contentBlockStop", json!({ "contentBlockIndex": index }))
}

fn stopped(reason: &str) -> Event {
    ("messageStop", json!({ "stopReason": reason }))
}

fn counts() -> Event {
    (
        "metadata",
        json!({"usage": {"inputTokens": 30, "outputTokens": 7, "totalTokens": 37, "cacheReadInputTokens": 2000,
            "cacheWriteInputTokens": 48, "cacheDetails": [{"ttl": "5m", "inputTokens": 48}]}}),
    )
}

fn feed(state: State, events: &[Event], limit: usize) -> (BytesMut, Option<StreamError>, Usage) {
    let mut machine = ConverseToChat::new(state, cx(), limit);
    let mut out = BytesMut::new();
    let mut error = None;
    for (name, data) in events {
        let before = out.len();
        match machine.event(name, data.to_string().as_bytes(), &mut out) {
            Ok(Flow::Continue) => {}
            Ok(Flow::Done) => break,
            Err(found) => {
                assert_eq!(out.len(), before, "nothing is written for an error");
                machine.fail(&found, &mut out);
                error = Some(found);
                break;
            }
        }
    }
    if error.is_none()
        && let Err(found) = machine.finish(&mut out)
    {
        machine.fail(&found, &mut out);
        error = Some(found);
    }
    (out, error, machine.usage())
}

fn run_with(state: State, events: &[Event]) -> Outcome {
    let (include_usage, counted) = (
        state.include_usage,
        events.iter().any(|(name, _)| *name == "metadata"),
    );
    let (out, ..) = feed(state, events, LIMIT);
    if counted || !include_usage {
        validate(&out, include_usage).unwrap()
    } else {
        validate_uncounted(&out).unwrap()
    }
}

/// The members of a complete message.
#[track_caller]
fn message_with(state: State, blocks: &[Event], reason: &str) -> (Value, String) {
    let mut events = vec![head()];
    events.extend_from_slice(blocks);
    events.extend([stopped(reason), counts()]);
    let outcome = run_with(state, &events);
    assert_eq!(outcome.end, End::Complete);
    (
        Value::Object(outcome.message),
        outcome.finish_reason.unwrap(),
    )
}

#[track_caller]
fn message(blocks: &[Event]) -> Value {
    message_with(state(), blocks, "end_turn").0
}

fn whole(state: &State, content: Value, reason: &str) -> Value {
    let body = json!({"output": {"message": {"role": "assistant", "content": content}}, "stopReason": reason,
        "usage": counts().1["usage"], "metrics": {"latencyMs": 1}});
    let answer = response::convert(body.to_string().as_bytes(), state, cx()).unwrap();
    serde_json::from_slice(&answer.body).unwrap()
}

fn called(id: &str, name: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

#[test]
fn calls_are_counted_by_themselves_and_always_have_arguments() {
    let message = message(&[
        thought(0, "hm"),
        stop(0),
        said(1, "Wait."),
        stop(1),
        // Interleaved, with gaps in the provider's numbers.
        call(4, "t4", "a_b"),
        call(9, "t9", "g"),
        input(9, "{\"b\""),
        input(4, ""),
        input(4, "{\"a\":\"\u{e9}\\n\"}"),
        input(9, ":2}"),
        stop(9),
        stop(4),
        call(10, "t10", "now"),
        stop(10),
        call(11, "t11", "now"),
        input(11, ""),
        stop(11),
    ]);
    assert_eq!(
        message["tool_calls"],
        json!([
            called("t4", "a.b", "{\"a\":\"\u{e9}\\n\"}"),
            called("t9", "g", "{\"b\":2}"),
            called("t10", "now", "{}"),
            called("t11", "now", "{}"),
        ])
    );
    assert_eq!(message["content"], "Wait.");
}

#[test]
fn chunks_have_one_head() {
    let (out, ..) = feed(
        state(),
        &[head(), said(0, "x"), stopped("end_turn"), counts()],
        LIMIT,
    );
    let text = String::from_utf8(out.to_vec()).unwrap();
    let chunks: Vec<&str> = text
        .split("\n\n")
        .filter(|chunk| !chunk.is_empty())
        .collect();
    let (done, chunks) = chunks.split_last().unwrap();
    assert_eq!(*done, "data: [DONE]");
    for chunk in chunks {
        assert!(
            chunk.starts_with(r#"data: {"id":"chatcmpl-7f0c1d2e","object":"chat.completion.chunk","created":7,"model":"sonnet","#),
            "{chunk}"
        );
    }
}

#[test]
fn reasoning_is_shown_and_carried_where_it_can_go_back() {
    let events = [
        thought(0, "one"),
        signed(0, "Eq"),
        signed(0, "QB"),
        stop(0),
        redacted(1, "UlZjMWpibmx3ZEdW"),
        redacted(1, "a1ZHaHBibXRw"),
        stop(1),
        thought(2, "two"),
        stop(2),
        signed(3, "only"),
        stop(3),
    ];
    let shown = message(&events);
    assert_eq!(shown["reasoning_content"], "one\n\ntwo");
    let blocks = shown["thinking_blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), 3);
    assert_eq!(
        blocks[0],
        json!({"index": 0, "type": "thinking", "thinking": "one", "signature": "EqQB"})
    );
    assert_eq!(blocks[1]["type"], "redacted_thinking");
    assert_eq!(
        blocks[2],
        json!({"index": 2, "type": "thinking", "thinking": "", "signature": "only"})
    );
    let with = |reasoning| {
        let state = State {
            reasoning,
            ..state()
        };
        message_with(state, &events, "end_turn").0
    };
    let details = with(ChatReasoning::ReasoningDetails);
    assert_eq!(details["reasoning"], "one\n\ntwo");
    assert_eq!(details["reasoning_details"].as_array().unwrap().len(), 3);
    assert!(details.get("thinking_blocks").is_none());
    let none = with(ChatReasoning::None);
    assert!(none.get("reasoning_content").is_none() && none.get("thinking_blocks").is_none());
}

#[test]
fn freeform_calls_come_whole() {
    let message = message(&[
        call(0, "t0", "sql"),
        input(0, "{\"input\":\"SEL"),
        input(0, "ECT\\n\\\"1\\\"\"}"),
        stop(0),
        call(1, "t1", "sql"),
        input(1, "{\"input\": \"cut"),
    ]);
    assert_eq!(
        message["tool_calls"],
        json!([
            {"id": "t0", "type": "custom", "custom": {"name": "sql", "input": "SELECT\n\"1\""}},
            {"id": "t1", "type": "custom", "custom": {"name": "sql", "input": "{\"input\": \"cut"}},
        ])
    );
    let content =
        json!([{"toolUse": {"toolUseId": "t0", "name": "sql", "input": {"input": "x\"y"}}}]);
    assert_eq!(
        whole(&state(), content, "tool_use")["choices"][0]["message"]["tool_calls"],
        json!([{"id": "t0", "type": "custom", "custom": {"name": "sql", "input": "x\"y"}}])
    );
}

#[test]
fn the_deprecated_field_holds_one_call() {
    let legacy = State {
        legacy_functions: true,
        ..state()
    };
    let events = [
        call(0, "t0", "a_b"),
        input(0, "{}"),
        stop(0),
        call(1, "t1", "g"),
        input(1, "{}"),
        stop(1),
    ];
    let (message, reason) = message_with(legacy.clone(), &events, "tool_use");
    assert_eq!(
        message["function_call"],
        json!({"name": "a.b", "arguments": "{}"})
    );
    assert!(message.get("tool_calls").is_none());
    assert_eq!(reason, "function_call");
    let content = json!([{"toolUse": {"toolUseId": "t0", "name": "a_b", "input": {"x": 1}}},
        {"toolUse": {"toolUseId": "t1", "name": "g", "input": {}}}]);
    let answer = whole(&legacy, content, "tool_use");
    assert_eq!(
        answer["choices"][0]["message"]["function_call"],
        json!({"name": "a.b", "arguments": "{\"x\":1}"})
    );
    assert_eq!(answer["choices"][0]["finish_reason"], "function_call");
}

#[test]
fn citations_of_pages_have_their_place_in_the_content() {
    let page = |url: &str| {
        delta(
            1,
            json!({"citation": {"title": "T", "location": {"web": {"url": url}}}}),
        )
    };
    let message = message(&[
        said(0, "\u{e9}\u{1f600} "),
        stop(0),
        said(1, "cited"),
        page("https://a"),
        delta(
            1,
            json!({"citation": {"title": "D", "location": {"documentChar": {"start": 0, "end": 1}}}}),
        ),
        page("https://b"),
        stop(1),
    ]);
    let annotation = |url: &str| json!({"type": "url_citation", "url_citation": {"url": url, "title": "T", "start_index": 3, "end_index": 8}});
    assert_eq!(
        message["annotations"],
        json!([annotation("https://a"), annotation("https://b")])
    );
    let content = json!([{"text": "\u{e9}\u{1f600} "}, {"citationsContent": {"content": [{"text": "cited"}],
        "citations": [{"title": "T", "location": {"web": {"url": "https://a"}}}]}}]);
    assert_eq!(
        whole(&state(), content, "end_turn")["choices"][0]["message"]["annotations"],
        json!([annotation("https://a")])
    );
}

#[test]
fn reasons() {
    for (reason, expected) in [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        // No tool of the client's was called.
        ("tool_use", "stop"),
        ("new", "stop"),
    ] {
        assert_eq!(message_with(state(), &[said(0, "x")], reason).1, expected);
        let answer = whole(&state(), json!([{"text": "x"}]), reason);
        assert_eq!(answer["choices"][0]["finish_reason"], expected);
    }
    assert_eq!(
        message_with(state(), &[call(0, "t", "f")], "end_turn").1,
        "tool_calls"
    );
}

#[test]
fn prompts_are_counted_with_what_the_cache_read_and_wrote() {
    let events = [
        head(),
        (
            "messageStop",
            json!({"stopReason": "end_turn", "additionalModelResponseFields": {"usage": {"output_tokens_details": {"thinking_tokens": 5}}}}),
        ),
        counts(),
    ];
    let outcome = run_with(state(), &events);
    let expected = json!({"prompt_tokens": 2078, "completion_tokens": 7, "total_tokens": 2085,
        "prompt_tokens_details": {"cached_tokens": 2000, "cache_write_tokens": 48},
        "completion_tokens_details": {"reasoning_tokens": 5}});
    assert_eq!(outcome.usage.unwrap(), expected);
    let (.., usage) = feed(state(), &events, LIMIT);
    // The record knows more than Chat has a place for.
    assert_eq!(usage.cache_write_5m, Some(48));
    let quiet = State {
        include_usage: false,
        ..state()
    };
    assert_eq!(run_with(quiet, &events).usage, None);
}

#[test]
fn an_answer_without_counts_is_complete() {
    let outcome = run_with(state(), &[head(), said(0, "x"), stopped("end_turn")]);
    assert_eq!((outcome.end, outcome.usage), (End::Complete, None));
    let body = json!({"output": {"message": {"content": []}}, "stopReason": "end_turn"});
    let answer = response::convert(body.to_string().as_bytes(), &state(), cx()).unwrap();
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    assert!(answer.get("usage").is_none());
    assert_eq!(answer["choices"][0]["message"]["content"], Value::Null);
}

#[test]
fn tiers_are_told() {
    let body = json!({"output": {"message": {"content": []}}, "stopReason": "end_turn", "serviceTier": {"type": "reserved"}});
    let answer = response::convert(body.to_string().as_bytes(), &state(), cx()).unwrap();
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer["service_tier"], "scale");
}

fn stopping(stops: &[&str]) -> State {
    State {
        stops: stops.iter().map(|stop| (*stop).to_owned()).collect(),
        ..state()
    }
}

#[test]
fn white_space_that_stops_is_looked_for() {
    let page = delta(
        2,
        json!({"citation": {"location": {"web": {"url": "https://a"}}}}),
    );
    let events = [
        head(),
        said(0, "one\n"),
        stop(0),
        thought(1, "\n\n"),
        stop(1),
        said(2, "two\n"),
        page,
        said(2, "\nthree"),
        stop(2),
        call(3, "t", "f"),
        stopped("tool_use"),
        counts(),
    ];
    let (out, error, usage) = feed(stopping(&["\n\n"]), &events, LIMIT);
    assert!(error.is_none());
    // What was counted never came.
    assert_eq!(usage, Usage::default());
    let outcome = validate_uncounted(&out).unwrap();
    assert_eq!(outcome.end, End::Complete);
    assert_eq!(outcome.message["content"], "one\ntwo");
    assert_eq!(outcome.finish_reason.unwrap(), "stop");
    assert!(
        outcome.message.get("tool_calls").is_none() && outcome.message.get("annotations").is_none()
    );

    let content = json!([{"text": "one\n"}, {"reasoningContent": {"reasoningText": {"text": "\n\n"}}}, {"text": "two\n\nthree"},
        {"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}]);
    let answer = whole(&stopping(&["\n\n"]), content.clone(), "tool_use");
    assert_eq!(answer["choices"][0]["message"]["content"], "one\ntwo");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert!(answer["choices"][0]["message"].get("tool_calls").is_none());
    // What only begins like one is not lost.
    let answer = whole(&stopping(&["\n\n\n"]), content, "tool_use");
    assert_eq!(
        answer["choices"][0]["message"]["content"],
        "one\ntwo\n\nthree"
    );
    assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn a_whole_answer_can_be_told_as_a_stream() {
    let content = json!([
        {"reasoningContent": {"reasoningText": {"text": "plan", "signature": "EqQB"}}},
        {"reasoningContent": {"redactedContent": "UlZjMWpibmx3ZEdW"}},
        {"text": "Hi \"you\""},
        {"toolUse": {"toolUseId": "t", "name": "a_b", "input": {"x": [1, "\n"]}}},
        {"toolUse": {"toolUseId": "u", "name": "sql", "input": {"input": "q"}}},
        {"toolUse": {"toolUseId": "v", "name": "f"}},
    ]);
    let body = json!({"output": {"message": {"content": content}}, "stopReason": "tool_use", "usage": counts().1["usage"]});
    let body = body.to_string();
    let mut out = BytesMut::new();
    let usage = replay(body.as_bytes(), state(), cx(), &mut out).unwrap();
    assert_eq!(usage.output, Some(7));
    let outcome = validate(&out, true).unwrap();
    assert_eq!(outcome.end, End::Complete);
    let answer = whole(&state(), content, "tool_use");
    let message = &answer["choices"][0]["message"];
    for member in ["content", "reasoning_content", "tool_calls"] {
        assert_eq!(outcome.message[member], message[member], "{member}");
    }
    assert_eq!(
        message["tool_calls"][0]["function"]["arguments"],
        r#"{"x":[1,"\n"]}"#
    );
    assert_eq!(message["tool_calls"][2]["function"]["arguments"], "{}");
    assert_eq!(outcome.usage.unwrap(), answer["usage"]);
    assert_eq!(
        outcome.finish_reason.unwrap(),
        answer["choices"][0]["finish_reason"]
    );
}
