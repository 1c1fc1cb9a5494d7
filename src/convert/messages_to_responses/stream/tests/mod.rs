#![expect(
    clippy::needless_pass_by_value,
    reason = "values are made by `json!` where they are given"
)]

mod any;

use bytes::BytesMut;
use serde_json::{Value, json};

use super::ResponsesToMessages;
use crate::convert::context::AnswerContext;
use crate::convert::machine::{Flow, Machine};
use crate::convert::messages_to_responses::state::State;
use crate::convert::validate::messages::{End, Outcome, events, validate};

const CX: AnswerContext = AnswerContext::at(7);

/// Feeds events until the client's stream is complete, and ends it as the body around the machine does.
fn feed(state: &State, upstream: &[Value]) -> BytesMut {
    let mut machine = ResponsesToMessages::new(state.clone(), CX);
    let mut out = BytesMut::new();
    for event in upstream {
        match machine.event("", event.to_string().as_bytes(), &mut out) {
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

#[track_caller]
fn outcome(state: &State, upstream: &[Value]) -> Outcome {
    let out = feed(state, upstream);
    let text = String::from_utf8_lossy(&out).into_owned();
    validate(&out).unwrap_or_else(|problem| panic!("{problem}\n{text}"))
}

fn created() -> Value {
    json!({"type": "response.created", "response": {"id": "resp_1", "model": "m", "status": "in_progress", "output": []}})
}

fn completed(output: Value) -> Value {
    json!({"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": output,
        "usage": {"input_tokens": 5, "output_tokens": 6}}})
}

fn added(index: u64, item: Value) -> Value {
    json!({"type": "response.output_item.added", "output_index": index, "item": item})
}

fn done(index: u64, item: Value) -> Value {
    json!({"type": "response.output_item.done", "output_index": index, "item": item})
}

fn call(index: u64, arguments: &str) -> Value {
    json!({"type": "function_call", "id": format!("fc_{index}"), "call_id": format!("call_{index}"), "name": "f", "arguments": arguments})
}

fn arguments(index: u64, delta: &str) -> Value {
    json!({"type": "response.function_call_arguments.delta", "output_index": index, "delta": delta})
}

fn message(text: &str) -> Value {
    json!({"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": text, "annotations": []}]})
}

fn text(index: u64, delta: &str) -> Value {
    json!({"type": "response.output_text.delta", "output_index": index, "content_index": 0, "delta": delta})
}

fn summary(index: u64, part: u64, delta: &str) -> Value {
    json!({"type": "response.reasoning_summary_text.delta", "output_index": index, "summary_index": part, "delta": delta})
}

fn tool_use(index: u64, input: Value) -> Value {
    json!({"type": "tool_use", "id": format!("call_{index}"), "name": "f", "input": input})
}

#[test]
fn the_head_comes_first_with_a_ping() {
    let out = feed(&State::default(), &[created(), completed(json!([]))]);
    let names: Vec<String> = events(&out).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        ["message_start", "ping", "message_delta", "message_stop"]
    );
    let outcome = validate(&out).unwrap();
    assert_eq!(outcome.message["id"], "msg_1");
    assert_eq!(outcome.message["stop_reason"], "end_turn");
    assert_eq!(outcome.message["usage"]["input_tokens"], 5);
}

#[test]
fn calls_come_in_every_way() {
    for (name, upstream) in [
        (
            "deltas",
            vec![
                added(0, call(0, "")),
                arguments(0, "{\"a\""),
                arguments(0, ":1}"),
                done(0, call(0, "{\"a\":1}")),
            ],
        ),
        (
            "arguments at once",
            vec![
                added(0, call(0, "")),
                json!({"type": "response.function_call_arguments.done", "output_index": 0, "arguments": "{\"a\":1}"}),
                done(0, call(0, "{\"a\":1}")),
            ],
        ),
        (
            "arguments at the end",
            vec![added(0, call(0, "")), done(0, call(0, "{\"a\":1}"))],
        ),
        ("only the end", vec![done(0, call(0, "{\"a\":1}"))]),
        (
            "deltas of a call not begun",
            vec![arguments(0, "{\"a\":1}"), done(0, call(0, "{\"a\":1}"))],
        ),
        ("only the whole answer", vec![]),
        (
            "begun twice",
            vec![
                added(0, call(0, "")),
                added(0, call(0, "")),
                arguments(0, "{\"a\":1}"),
            ],
        ),
        (
            "never ended",
            vec![added(0, call(0, "")), arguments(0, "{\"a\":1}")],
        ),
    ] {
        let mut upstream = upstream;
        upstream.insert(0, created());
        upstream.push(completed(json!([call(0, "{\"a\":1}")])));
        let outcome = outcome(&State::default(), &upstream);
        assert_eq!(outcome.end, End::Complete, "{name}");
        assert_eq!(
            outcome.message["content"],
            json!([tool_use(0, json!({"a": 1}))]),
            "{name}"
        );
        assert_eq!(outcome.message["stop_reason"], "tool_use", "{name}");
    }
    let empty = outcome(
        &State::default(),
        &[
            created(),
            added(0, call(0, "")),
            done(0, call(0, "")),
            completed(json!([call(0, "")])),
        ],
    );
    assert_eq!(empty.message["content"], json!([tool_use(0, json!({}))]));
}

#[test]
fn interleaved_calls_are_put_in_a_row() {
    let upstream = [
        created(),
        added(0, call(0, "")),
        added(1, call(1, "")),
        added(2, call(2, "")),
        arguments(2, "{\"c\""),
        arguments(1, "{\"b\""),
        arguments(0, "{\"a\""),
        arguments(2, ":3}"),
        done(2, call(2, "{\"c\":3}")),
        arguments(1, ":2}"),
        arguments(0, ":1}"),
        done(0, call(0, "{\"a\":1}")),
        done(1, call(1, "{\"b\":2}")),
        completed(json!([call(0, ""), call(1, ""), call(2, "")])),
    ];
    let outcome = outcome(&State::default(), &upstream);
    assert_eq!(
        outcome.message["content"],
        json!([
            tool_use(0, json!({"a": 1})),
            tool_use(1, json!({"b": 2})),
            tool_use(2, json!({"c": 3}))
        ])
    );
}

#[test]
fn reasoning_is_signed_once_at_its_end() {
    let item = json!({"type": "reasoning", "id": "rs", "summary": [
        {"type": "summary_text", "text": "A"}, {"type": "summary_text", "text": "B"}], "encrypted_content": "gAAAA2"});
    let thinking = json!([{"type": "thinking", "thinking": "A\n\nB",
        "signature": "tlg1.openai.eyJ2IjoxLCJlYyI6ImdBQUFBMiIsInMiOlsiQSIsIkIiXX0"}]);
    let begin = added(
        0,
        json!({"type": "reasoning", "summary": [], "encrypted_content": "partial"}),
    );
    let part = json!({"type": "response.reasoning_summary_part.added", "output_index": 0, "summary_index": 1});
    let whole = |index: u64, text: &str| json!({"type": "response.reasoning_summary_text.done", "output_index": 0, "summary_index": index, "text": text});
    for upstream in [
        vec![
            begin.clone(),
            summary(0, 0, "A"),
            whole(0, "A"),
            part,
            summary(0, 1, "B"),
            whole(1, "B"),
        ],
        vec![begin.clone(), summary(0, 0, "A"), summary(0, 1, "B")],
        vec![begin.clone(), whole(0, "A"), whole(1, "B")],
        vec![begin.clone()],
        vec![],
    ] {
        let mut upstream = upstream;
        upstream.insert(0, created());
        upstream.push(done(0, item.clone()));
        upstream.push(completed(json!([item])));
        let outcome = outcome(&State::default(), &upstream);
        assert_eq!(outcome.message["content"], thinking, "{upstream:?}");
    }
    // Without a text, what is encrypted comes alone.
    let hidden = json!({"type": "reasoning", "summary": [], "encrypted_content": "gAAAA1"});
    let outcome_hidden = outcome(
        &State::default(),
        &[
            created(),
            begin,
            added(1, message("")),
            text(1, "t"),
            done(0, hidden),
            done(1, message("t")),
            completed(json!([])),
        ],
    );
    assert_eq!(
        outcome_hidden.message["content"],
        json!([
            {"type": "redacted_thinking", "data": "tlg1.openai.eyJ2IjoxLCJlYyI6ImdBQUFBMSJ9"},
            {"type": "text", "text": "t"},
        ])
    );
    // Open models show the reasoning itself.
    let raw = json!({"type": "response.reasoning_text.delta", "output_index": 0, "content_index": 0, "delta": "raw"});
    let open = json!({"type": "reasoning", "content": [{"type": "reasoning_text", "text": "raw"}]});
    let shown = outcome(
        &State::default(),
        &[
            created(),
            raw,
            summary(0, 0, "ignored"),
            done(0, open),
            completed(json!([])),
        ],
    );
    assert_eq!(shown.message["content"][0]["thinking"], "raw");
}

#[test]
fn texts_come_in_every_way() {
    let part = json!({"type": "response.content_part.added", "output_index": 0, "content_index": 0, "part": {"type": "output_text", "text": ""}});
    let whole = json!({"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "ab"});
    let end = json!({"type": "response.content_part.done", "output_index": 0, "content_index": 0, "part": {"type": "output_text", "text": "ab"}});
    for upstream in [
        vec![
            added(0, message("")),
            part.clone(),
            text(0, "a"),
            text(0, ""),
            text(0, "b"),
            whole.clone(),
            end.clone(),
            done(0, message("ab")),
        ],
        vec![text(0, "a"), text(0, "b")],
        vec![part, whole],
        vec![end],
        vec![done(0, message("ab"))],
        vec![],
    ] {
        let mut upstream = upstream;
        upstream.push(completed(json!([message("ab")])));
        let outcome = outcome(&State::default(), &upstream);
        assert_eq!(
            outcome.message["content"],
            json!([{"type": "text", "text": "ab"}]),
            "{upstream:?}"
        );
    }
}

#[test]
fn refusals() {
    let item = json!({"type": "message", "content": [{"type": "refusal", "refusal": "No."}]});
    let delta = |text: &str| json!({"type": "response.refusal.delta", "output_index": 0, "content_index": 0, "delta": text});
    let whole = json!({"type": "response.refusal.done", "output_index": 0, "content_index": 0, "refusal": "No."});
    for upstream in [
        vec![
            delta("N"),
            delta("o."),
            whole.clone(),
            done(0, item.clone()),
        ],
        vec![whole],
        vec![],
    ] {
        let mut upstream = upstream;
        upstream.push(completed(json!([item])));
        let outcome = outcome(&State::default(), &upstream);
        assert_eq!(
            outcome.message["content"],
            json!([{"type": "text", "text": "No."}])
        );
        assert_eq!(outcome.message["stop_reason"], "refusal");
        assert_eq!(
            outcome.message["stop_details"]["explanation"], "No.",
            "{upstream:?}"
        );
    }
}

#[test]
fn searches_and_citations() {
    let state = State {
        web_search: true,
        ..State::default()
    };
    let search = json!({"type": "web_search_call", "id": "ws", "status": "completed",
        "action": {"type": "search", "query": "q", "sources": [{"url": "https://a"}]}});
    let annotation = json!({"type": "response.output_text.annotation.added", "output_index": 1, "content_index": 0,
        "annotation": {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 1, "end_index": 3}});
    let upstream = [
        created(),
        added(0, search.clone()),
        json!({"type": "response.web_search_call.searching", "output_index": 0}),
        done(0, search.clone()),
        text(1, "é12"),
        text(1, "3"),
        annotation,
        done(1, message("é123")),
        completed(json!([search, message("é123")])),
    ];
    let out = feed(&state, &upstream);
    let pings = events(&out)
        .iter()
        .filter(|(name, _)| name == "ping")
        .count();
    assert_eq!(pings, 2);
    let found = validate(&out).unwrap();
    let citation = json!({"type": "web_search_result_location", "url": "https://a", "title": "A", "cited_text": "12", "encrypted_index": ""});
    assert_eq!(
        found.message["content"],
        json!([
            {"type": "server_tool_use", "id": "srvtoolu_ws", "name": "web_search", "input": {"query": "q"}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_ws", "content": [
                {"type": "web_search_result", "url": "https://a", "title": "https://a", "encrypted_content": "", "page_age": null}]},
            {"type": "text", "text": "é123", "citations": [citation]},
        ])
    );
    assert_eq!(
        found.message["usage"]["server_tool_use"]["web_search_requests"],
        1
    );
    // Without a search, no text is kept: the citation has none.
    let bare = outcome(&State::default(), &upstream);
    assert_eq!(bare.message["content"][2]["citations"][0]["cited_text"], "");
}

#[test]
fn stop_sequences_end_the_stream() {
    let state = State {
        stops: vec!["END".to_owned(), "\"\n".to_owned()],
        ..State::default()
    };
    let hit = outcome(
        &state,
        &[created(), text(0, "a E"), text(0, "ND b"), text(0, "never")],
    );
    assert_eq!(hit.end, End::Complete);
    assert_eq!(
        hit.message["content"],
        json!([{"type": "text", "text": "a "}])
    );
    assert_eq!(hit.message["stop_reason"], "stop_sequence");
    assert_eq!(hit.message["stop_sequence"], "END");
    let escaped = outcome(&state, &[created(), text(0, "say \""), text(0, "\nx")]);
    assert_eq!(escaped.message["content"][0]["text"], "say ");
    let at_once = outcome(&state, &[created(), text(0, "END")]);
    assert_eq!(at_once.message["content"], json!([]));
    let none = outcome(
        &state,
        &[
            created(),
            text(0, "a EN"),
            done(0, message("a EN")),
            text(1, "D"),
            completed(json!([message("a EN"), message("D")])),
        ],
    );
    assert_eq!(
        none.message["content"],
        json!([{"type": "text", "text": "a EN"}, {"type": "text", "text": "D"}])
    );
    // Neither reasoning nor arguments are looked through, and a text that waits is looked through in its turn.
    let queued = outcome(
        &state,
        &[
            created(),
            summary(0, 0, "END"),
            text(1, "x END y"),
            done(
                0,
                json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "END"}]}),
            ),
            added(2, call(2, "")),
        ],
    );
    assert_eq!(queued.message["content"][0]["thinking"], "END");
    assert_eq!(queued.message["content"][1]["text"], "x ");
    assert_eq!(queued.message["stop_sequence"], "END");
}

#[test]
fn ends() {
    let incomplete = |reason: &str| {
        json!({"type": "response.incomplete", "response": {"status": "incomplete", "output": [],
            "incomplete_details": {"reason": reason}}})
    };
    for (reason, stop) in [
        ("max_output_tokens", "max_tokens"),
        ("content_filter", "refusal"),
        ("steered", "end_turn"),
    ] {
        let cut = outcome(
            &State::default(),
            &[
                created(),
                added(0, call(0, "")),
                arguments(0, "{\"a\":"),
                incomplete(reason),
            ],
        );
        assert_eq!(cut.end, End::Complete);
        assert_eq!(cut.stopped, 1);
        assert_eq!(cut.message["content"][0]["input"], "{\"a\":");
        assert_eq!(cut.message["stop_reason"], stop);
    }
    for (event, kind) in [
        (
            json!({"type": "response.failed", "response": {"error": {"code": "server_error", "message": "x"}}}),
            "api_error",
        ),
        (
            json!({"type": "error", "code": "server_is_overloaded", "message": "x"}),
            "overloaded_error",
        ),
        (
            json!({"error": {"type": "server_error", "message": "x"}}),
            "api_error",
        ),
        (
            json!({"type": "error", "code": "invalid_prompt", "message": "x"}),
            "invalid_request_error",
        ),
    ] {
        let failed = outcome(&State::default(), &[created(), text(0, "a"), event]);
        assert_eq!((failed.end, failed.stopped), (End::Error, 0));
        assert_eq!(failed.error.unwrap(), json!({"type": kind, "message": "x"}));
    }
    // Before anything was sent, an error is the caller's to tell; a machine told to fail says nothing else.
    let mut machine = ResponsesToMessages::new(State::default(), CX);
    let mut out = BytesMut::new();
    let event = br#"{"type":"error","code":"rate_limit_exceeded","message":"x"}"#;
    let error = machine.event("error", event, &mut out).unwrap_err();
    assert_eq!(error.upstream_status.unwrap().as_u16(), 429);
    assert!(out.is_empty());
    // `[DONE]` and events not known here are ignored; what is no JSON is an error.
    assert!(machine.event("", b"[DONE]", &mut out).is_ok());
    assert!(machine.event("new", b"{}", &mut out).is_ok());
    assert!(machine.event("", b"{", &mut out).is_err());
    assert!(out.is_empty());
}

#[test]
fn a_prewarm_says_nothing() {
    let state = State {
        prewarm: true,
        ..State::default()
    };
    let outcome = outcome(
        &state,
        &[created(), text(0, "a"), completed(json!([message("a")]))],
    );
    assert_eq!(outcome.message["content"], json!([]));
    assert_eq!(outcome.message["stop_reason"], "max_tokens");
}

#[test]
fn what_is_held_back_is_bounded() {
    let mut machine = ResponsesToMessages::new(State::default(), CX).with_held_limit(2000);
    let mut out = BytesMut::new();
    machine
        .event("", added(0, call(0, "")).to_string().as_bytes(), &mut out)
        .unwrap();
    let mut failed = false;
    for _ in 0..100 {
        let event = text(1, &"x".repeat(50)).to_string();
        failed |= machine.event("", event.as_bytes(), &mut out).is_err();
    }
    assert!(failed);
    // What goes out at once is not held.
    let mut machine = ResponsesToMessages::new(State::default(), CX).with_held_limit(2000);
    for _ in 0..100 {
        let event = text(1, &"x".repeat(50)).to_string();
        machine.event("", event.as_bytes(), &mut out).unwrap();
    }
}
