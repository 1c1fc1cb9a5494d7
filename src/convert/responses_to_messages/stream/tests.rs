#![expect(
    clippy::needless_pass_by_value,
    reason = "cases read better without references"
)]

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::convert::anthropic_envelope;
use crate::convert::responses_out::Echo;
use crate::convert::responses_to_messages::response;
use crate::convert::sent_tools::{SentTool, SentTools};
use crate::convert::validate::responses::{End as StreamEnd, Outcome, events, validate};

const CX: AnswerContext = AnswerContext::at(7);

fn state() -> State {
    let mut tools = SentTools::default();
    for (sent, name, namespace, custom) in [
        ("crm__find", "find", Some("crm"), false),
        ("patch", "patch", None, true),
        ("ns__run", "run", Some("ns"), true),
    ] {
        let tool = SentTool {
            name: name.to_owned(),
            namespace: namespace.map(str::to_owned),
            custom,
        };
        tools.insert(sent.to_owned(), tool);
    }
    State {
        echo: Echo::default(),
        tools: Arc::new(tools),
        include_sources: true,
        prewarm: false,
        carry_server_blocks: true,
    }
}

fn start(index: u64, block: Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: u64, delta: Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn text(index: u64, text: &str) -> Value {
    delta(index, json!({"type": "text_delta", "text": text}))
}

fn input(index: u64, json: &str) -> Value {
    delta(
        index,
        json!({"type": "input_json_delta", "partial_json": json}),
    )
}

fn stop(index: u64) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn stopped(reason: &str) -> Value {
    json!({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 5}})
}

fn head() -> Value {
    json!({"type": "message_start", "message": {"id": "msg_1", "model": "claude-x",
        "usage": {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 1}}})
}

fn tool(id: &str, name: &str) -> Value {
    json!({"type": "tool_use", "id": id, "name": name, "input": {}})
}

fn feed(machine: &mut MessagesToResponses, events: &[Value]) -> (BytesMut, Option<StreamError>) {
    let mut out = BytesMut::new();
    for event in events {
        let before = out.len();
        match machine.event("", event.to_string().as_bytes(), &mut out) {
            Ok(Flow::Continue) => {}
            Ok(Flow::Done) => return (out, None),
            Err(error) => {
                assert_eq!(out.len(), before, "nothing is written for an error");
                machine.fail(&error, &mut out);
                return (out, Some(error));
            }
        }
    }
    let error = machine.finish(&mut out).err();
    if let Some(error) = &error {
        machine.fail(error, &mut out);
    }
    (out, error)
}

fn run_with(state: State, events: &[Value]) -> Outcome {
    let (out, _) = feed(&mut MessagesToResponses::new(state, CX), events);
    validate(&out).unwrap()
}

/// The response of a message with these events between its head and its end.
#[track_caller]
fn response_of(events: &[Value], reason: &str) -> Value {
    let mut all = vec![head()];
    all.extend_from_slice(events);
    all.push(stopped(reason));
    all.push(json!({"type": "message_stop"}));
    run_with(state(), &all).response.unwrap()
}

#[track_caller]
fn output(events: &[Value]) -> Value {
    response_of(events, "end_turn")["output"].clone()
}

#[test]
fn stop_reasons() {
    for (reason, status, detail) in [
        ("end_turn", "completed", json!(null)),
        ("stop_sequence", "completed", json!(null)),
        ("tool_use", "completed", json!(null)),
        ("never_heard_of", "completed", json!(null)),
        ("max_tokens", "incomplete", json!("max_output_tokens")),
        (
            "model_context_window_exceeded",
            "incomplete",
            json!("max_output_tokens"),
        ),
        ("pause_turn", "incomplete", json!("max_output_tokens")),
        ("refusal", "incomplete", json!("content_filter")),
    ] {
        let response = response_of(
            &[
                start(0, tool("t", "f")),
                stop(0),
                start(1, json!({"type": "text", "text": "x"})),
                stop(1),
            ],
            reason,
        );
        assert_eq!(response["status"], status, "{reason}");
        assert_eq!(response["incomplete_details"]["reason"], detail, "{reason}");
        // Only the last item is cut.
        assert_eq!(response["output"][0]["status"], "completed");
        assert_eq!(response["output"][1]["status"], status, "{reason}");
        assert_eq!(response["usage"]["input_tokens"], 7);
        assert_eq!(response["usage"]["output_tokens"], 5);
    }
}

#[test]
fn a_call_that_was_cut_is_incomplete_from_its_done_event_on() {
    let mut all = vec![
        head(),
        start(0, tool("t", "f")),
        input(0, "{\"a\":"),
        stop(0),
        stopped("max_tokens"),
    ];
    all.push(json!({"type": "message_stop"}));
    let outcome = run_with(state(), &all);
    assert_eq!(outcome.items[0]["status"], "incomplete");
    assert_eq!(outcome.items[0]["arguments"], "{\"a\":");
}

#[test]
fn a_prewarmed_cache_is_a_complete_response_without_output() {
    let state = State {
        prewarm: true,
        ..state()
    };
    let outcome = run_with(state, &[head(), stopped("max_tokens")]);
    let response = outcome.response.unwrap();
    assert_eq!(response["status"], "completed");
    assert_eq!(response["output"], json!([]));
}

#[test]
fn consecutive_texts_are_one_message() {
    let output = output(&[
        start(0, json!({"type": "text", "text": ""})),
        text(0, "Es heißt 😀 "),
        stop(0),
        start(1, json!({"type": "text", "text": ""})),
        delta(
            1,
            json!({"type": "citations_delta", "citation": {"type": "web_search_result_location", "url": "https://a", "title": null}}),
        ),
        delta(
            1,
            json!({"type": "citations_delta", "citation": {"type": "page_location", "file_id": "file_1", "document_title": "T"}}),
        ),
        delta(
            1,
            json!({"type": "citations_delta", "citation": {"type": "char_location", "document_title": "no id"}}),
        ),
        text(1, "1.99"),
        stop(1),
        start(2, tool("t", "f")),
        stop(2),
        start(3, json!({"type": "text", "text": "more"})),
        stop(3),
    ]);
    let kinds: Vec<&str> = output
        .as_array()
        .unwrap()
        .iter()
        .map(|i| i["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["message", "function_call", "message"]);
    assert_eq!(output[0]["content"][0]["text"], "Es heißt 😀 1.99");
    assert_eq!(
        output[0]["content"][0]["annotations"],
        json!([
            {"type": "url_citation", "url": "https://a", "title": "", "start_index": 11, "end_index": 15},
            {"type": "file_citation", "file_id": "file_1", "filename": "T", "index": 15}
        ])
    );
    assert_eq!(output[1]["arguments"], "{}");
}

#[test]
fn calls_come_back_under_their_own_names() {
    let output = output(&[
        start(0, tool("a", "crm__find")),
        input(0, "{\"q\": 1}"),
        stop(0),
        start(1, tool("b", "ns__run")),
        input(1, "{\"input\":"),
        input(1, "\"x\\n\"}"),
        stop(1),
        start(2, tool("c", "other")),
        stop(2),
        // All of it at once.
        start(
            3,
            json!({"type": "tool_use", "id": "d", "name": "patch", "input": {"input": "p"}}),
        ),
        stop(3),
        start(
            4,
            json!({"type": "tool_use", "id": "e", "name": "f", "input": {"k": 1}}),
        ),
        stop(4),
    ]);
    assert_eq!(
        output,
        json!([
            {"id": "fc_1_0", "type": "function_call", "call_id": "a", "name": "find", "namespace": "crm", "arguments": "{\"q\": 1}", "status": "completed"},
            {"id": "ctc_1_1", "type": "custom_tool_call", "call_id": "b", "name": "run", "namespace": "ns", "input": "x\n"},
            {"id": "fc_1_2", "type": "function_call", "call_id": "c", "name": "other", "arguments": "{}", "status": "completed"},
            {"id": "ctc_1_3", "type": "custom_tool_call", "call_id": "d", "name": "patch", "input": "p"},
            {"id": "fc_1_4", "type": "function_call", "call_id": "e", "name": "f", "arguments": "{\"k\":1}", "status": "completed"}
        ])
    );
}

#[test]
fn a_cut_freeform_call_shows_what_came_of_its_input() {
    let response = response_of(
        &[
            start(0, tool("a", "patch")),
            input(0, "{\"input\":\"*** Beg"),
            stop(0),
        ],
        "max_tokens",
    );
    assert_eq!(response["output"][0]["input"], "*** Beg");
    assert_eq!(response["output"][0]["status"], "incomplete");
}

#[test]
fn interleaved_calls_stay_apart() {
    let output = output(&[
        start(0, tool("a", "f")),
        start(1, tool("b", "g")),
        input(1, "{\"b\""),
        input(0, "{\"a\":1}"),
        input(1, ":2}"),
        stop(1),
        stop(0),
    ]);
    assert_eq!(output[0]["arguments"], "{\"a\":1}");
    assert_eq!(output[1]["arguments"], "{\"b\":2}");
}

fn opened(output: &Value, item: usize) -> Vec<Value> {
    let carrier = output[item]["encrypted_content"].to_string();
    let carrier = RawStr::from_json(&carrier).unwrap();
    let envelope = anthropic_envelope::Envelope::open(carrier).unwrap();
    envelope
        .blocks()
        .map(|(_, block)| serde_json::from_str(block).unwrap())
        .collect()
}

#[test]
fn thinking_is_carried_whole() {
    let output = output(&[
        start(
            0,
            json!({"type": "thinking", "thinking": "", "signature": ""}),
        ),
        delta(
            0,
            json!({"type": "thinking_delta", "thinking": "Hm \"é\"\n"}),
        ),
        delta(0, json!({"type": "thinking_delta", "thinking": "m"})),
        delta(0, json!({"type": "signature_delta", "signature": "old"})),
        delta(0, json!({"type": "signature_delta", "signature": "EqQ+/="})),
        stop(0),
        start(1, json!({"type": "redacted_thinking", "data": "EmwK"})),
        stop(1),
        // Not shown, but signed.
        start(
            2,
            json!({"type": "thinking", "thinking": "", "signature": ""}),
        ),
        delta(2, json!({"type": "signature_delta", "signature": "s"})),
        stop(2),
        // Of another server, unsigned.
        delta(3, json!({"type": "thinking_delta", "thinking": "u"})),
        stop(3),
    ]);
    assert_eq!(output[0]["summary"][0]["text"], "Hm \"é\"\nm");
    assert_eq!(
        opened(&output, 0),
        [json!({"type": "thinking", "thinking": "Hm \"é\"\nm", "signature": "EqQ+/="})]
    );
    assert_eq!(
        opened(&output, 1),
        [json!({"type": "redacted_thinking", "data": "EmwK"})]
    );
    assert_eq!(output[2]["summary"], json!([]));
    assert_eq!(
        opened(&output, 2),
        [json!({"type": "thinking", "thinking": "", "signature": "s"})]
    );
    assert_eq!(output[3].get("encrypted_content"), None);
}

fn search(id: &str, name: &str) -> Value {
    json!({"type": "server_tool_use", "id": id, "name": name, "input": {}})
}

#[test]
fn server_tools_are_shown_and_carried() {
    let found = json!([{"type": "web_search_result", "url": "https://a", "title": "A", "encrypted_content": "Eo8="}]);
    let output = output(&[
        start(0, search("s1", "web_search")),
        input(0, "{\"query\":"),
        input(0, " \"q\"}"),
        stop(0),
        start(1, search("s2", "web_fetch")),
        input(1, "{\"url\":\"https://b\"}"),
        stop(1),
        start(
            2,
            json!({"type": "web_search_tool_result", "tool_use_id": "s1", "content": found}),
        ),
        stop(2),
        start(
            3,
            json!({"type": "web_fetch_tool_result", "tool_use_id": "s2", "content": {"type": "web_fetch_tool_result_error", "error_code": "x"}}),
        ),
        stop(3),
        start(4, search("s3", "code_execution")),
        input(4, "{\"code\":\"1\"}"),
        stop(4),
        start(
            5,
            json!({"type": "code_execution_tool_result", "tool_use_id": "s3", "content": {}}),
        ),
        stop(5),
        start(6, json!({"type": "text", "text": "A."})),
        stop(6),
    ]);
    assert_eq!(
        output[0],
        json!({"id": "ws_1_0", "type": "web_search_call", "status": "completed",
            "action": {"type": "search", "query": "q", "queries": ["q"], "sources": [{"type": "url", "url": "https://a"}]}})
    );
    assert_eq!(
        output[1],
        json!({"id": "ws_1_1", "type": "web_search_call", "status": "failed", "action": {"type": "open_page", "url": "https://b"}})
    );
    let kinds: Vec<String> = opened(&output, 2)
        .iter()
        .map(|b| b["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        kinds,
        [
            "server_tool_use",
            "server_tool_use",
            "web_search_tool_result",
            "web_fetch_tool_result",
            "server_tool_use",
            "code_execution_tool_result"
        ]
    );
    assert_eq!(opened(&output, 2)[0]["input"], json!({"query": "q"}));
    assert_eq!(output[2]["summary"], json!([]));
    assert_eq!(output[3]["type"], "message");
    assert_eq!(output.as_array().unwrap().len(), 4);
}

#[test]
fn searches_without_a_result() {
    let events = [
        start(0, search("s1", "web_search")),
        input(0, "{\"query\":\"q\"}"),
        stop(0),
    ];
    // A paused turn sends the question back.
    let paused = response_of(&events, "pause_turn");
    assert_eq!(paused["output"][0]["status"], "incomplete");
    assert_eq!(opened(&paused["output"], 1)[0]["id"], "s1");
    // Any other end cannot.
    let cut = response_of(&events, "max_tokens");
    assert_eq!(cut["output"].as_array().unwrap().len(), 1);

    let quiet = State {
        carry_server_blocks: false,
        ..state()
    };
    let mut all = vec![head()];
    all.extend_from_slice(&events);
    all.push(stopped("pause_turn"));
    let response = run_with(quiet, &all).response.unwrap();
    assert_eq!(response["output"].as_array().unwrap().len(), 1);
}

#[test]
fn refusals() {
    let refuse = |details: Value, blocks: &[Value]| {
        let mut all = vec![head()];
        all.extend_from_slice(blocks);
        all.push(json!({"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": details}}));
        all.push(json!({"type": "message_stop"}));
        run_with(state(), &all).response.unwrap()
    };
    let details = json!({"type": "refusal", "explanation": "Policy \"x\"."});
    let response = refuse(details.clone(), &[]);
    assert_eq!(
        response["output"][0]["content"],
        json!([{"type": "refusal", "refusal": "Policy \"x\"."}])
    );
    assert_eq!(response["output"][0]["status"], "incomplete");
    let response = refuse(
        details,
        &[text(0, "First"), stop(0), start(1, tool("t", "f")), stop(1)],
    );
    assert_eq!(response["output"][0]["status"], "completed");
    assert_eq!(response["output"][1]["status"], "completed");
    assert_eq!(response["output"][2]["content"][0]["type"], "refusal");
    let response = refuse(json!(null), &[]);
    assert_eq!(response["output"], json!([]));
    assert_eq!(response["incomplete_details"]["reason"], "content_filter");
}

#[test]
fn errors_end_the_stream_once() {
    for (event, code) in [
        (
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}),
            "server_error",
        ),
        (
            json!({"type": "error", "error": {"type": "rate_limit_error", "message": "m"}}),
            "rate_limit_exceeded",
        ),
        (
            json!({"type": "error", "error": {"type": "invalid_request_error", "message": "m"}}),
            "invalid_prompt",
        ),
        (
            json!({"type": "content_block_start", "index": 0, "content_block": 7}),
            "server_error",
        ),
        (input(9, "{}"), "server_error"),
    ] {
        let call = [
            head(),
            start(0, tool("t", "f")),
            stop(0),
            start(1, json!({"type": "text", "text": "x"})),
        ];
        let mut all = call.to_vec();
        all.push(event);
        let mut machine = MessagesToResponses::new(state(), CX);
        let (mut out, error) = feed(&mut machine, &all);
        assert!(error.is_some());
        let length = out.len();
        assert_eq!(machine.event("", b"{}", &mut out), Ok(Flow::Done));
        machine.finish(&mut out).unwrap();
        assert_eq!(out.len(), length);
        let outcome = validate(&out).unwrap();
        assert_eq!(outcome.end, StreamEnd::Failed);
        let response = outcome.response.unwrap();
        assert_eq!(response["error"]["code"], code);
        // What was whole was done.
        assert_eq!(response["output"][0]["status"], "completed");
        assert_eq!(response["output"][1]["status"], "incomplete");
        assert_eq!(response["usage"]["input_tokens"], 7);
    }
}

#[test]
fn odd_streams() {
    // Names without types, blocks without starts, pings, newer events and deltas.
    let mut machine = MessagesToResponses::new(state(), CX);
    let mut out = BytesMut::new();
    for (name, data) in [
        ("ping", "{}"),
        ("message_start", r#"{"message":{}}"#),
        ("brand_new", r#"{"x":1}"#),
        (
            "content_block_delta",
            r#"{"index":0,"delta":{"type":"text_delta","text":"a"}}"#,
        ),
        (
            "content_block_delta",
            r#"{"index":0,"delta":{"type":"newer_delta"}}"#,
        ),
        (
            "content_block_start",
            r#"{"index":1,"content_block":{"type":"newer_block"}}"#,
        ),
        ("content_block_stop", r#"{"index":9}"#),
        ("message_delta", r#"{"delta":{"stop_reason":"end_turn"}}"#),
        ("message_stop", "{}"),
    ] {
        machine.event(name, data.as_bytes(), &mut out).unwrap();
    }
    assert!(out.starts_with(b": ping\n\n"));
    let response = validate(&out).unwrap().response.unwrap();
    assert_eq!(response["id"], "resp_7");
    assert_eq!(response["output"][0]["content"][0]["text"], "a");
    assert!(!events(&out).iter().any(|(_, data)| data.contains("[DONE]")));
}

#[test]
fn what_is_held_is_bounded() {
    let mut machine = MessagesToResponses::new(state(), CX).with_held_limit(4000);
    let mut out = BytesMut::new();
    machine
        .event("", head().to_string().as_bytes(), &mut out)
        .unwrap();
    let chunk = text(0, &"x".repeat(500)).to_string();
    let mut sent = 0;
    let error = loop {
        match machine.event("", chunk.as_bytes(), &mut out) {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
        assert!(sent < 20);
    };
    machine.fail(&error, &mut out);
    assert_eq!(validate(&out).unwrap().end, StreamEnd::Failed);
}

fn event() -> impl Strategy<Value = Value> {
    let index = 0_u64..4;
    let fragment = prop::sample::select(vec!["", "x", "é😀", "{\"input\":", "\"a\\n\"}", "{}"]);
    let block = prop::sample::select(vec![
        json!({"type": "text", "text": ""}),
        json!({"type": "text", "text": "t", "citations": [{"type": "web_search_result_location", "url": "u"}]}),
        json!({"type": "thinking", "thinking": "", "signature": ""}),
        json!({"type": "redacted_thinking", "data": "d"}),
        tool("a", "f"),
        tool("b", "patch"),
        tool("c", "crm__find"),
        search("s1", "web_search"),
        search("s2", "web_fetch"),
        search("s3", "code_execution"),
        json!({"type": "web_search_tool_result", "tool_use_id": "s1", "content": []}),
        json!({"type": "web_fetch_tool_result", "tool_use_id": "s2", "content": {"type": "x_error"}}),
        json!({"type": "odd"}),
        json!(7),
    ]);
    prop_oneof![
        1 => Just(head()),
        6 => (index.clone(), block).prop_map(|(index, block)| start(index, block)),
        4 => (index.clone(), fragment.clone()).prop_map(|(index, t)| text(index, t)),
        3 => (index.clone(), fragment.clone()).prop_map(|(index, t)| delta(index, json!({"type": "thinking_delta", "thinking": t}))),
        2 => (index.clone(), fragment.clone()).prop_map(|(index, t)| delta(index, json!({"type": "signature_delta", "signature": t}))),
        4 => (index.clone(), fragment).prop_map(|(index, t)| input(index, t)),
        2 => index.clone().prop_map(|index| delta(index, json!({"type": "citations_delta", "citation": {"type": "web_search_result_location", "url": "u", "title": "t"}}))),
        4 => index.prop_map(stop),
        1 => prop::sample::select(vec!["end_turn", "max_tokens", "refusal", "pause_turn"]).prop_map(|reason| {
            json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_details": {"explanation": "no"}}, "usage": {"output_tokens": 3}})
        }),
        1 => Just(json!({"type": "ping"})),
        1 => Just(json!({"type": "message_stop"})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]
    #[test]
    fn any_events_give_a_legal_stream(events in prop::collection::vec(event(), 0..24)) {
        let (out, error) = feed(&mut MessagesToResponses::new(state(), CX), &events);
        let outcome = validate(&out).map_err(|problem| TestCaseError::fail(format!("{problem}\n{events:?}")))?;
        prop_assert_eq!(outcome.end == StreamEnd::Failed, error.is_some());
        prop_assert_ne!(outcome.end, StreamEnd::Open);
    }

    #[test]
    fn a_whole_answer_is_what_its_stream_ends_with(
        blocks in prop::collection::vec(event().prop_filter_map("a block", |event| event.get("content_block").filter(|b| b.is_object()).cloned()), 0..8),
        reason in prop::sample::select(vec!["end_turn", "max_tokens", "refusal", "pause_turn"]),
    ) {
        let body = json!({"type": "message", "id": "msg_1", "model": "m", "content": blocks, "stop_reason": reason,
            "usage": {"input_tokens": 1, "output_tokens": 2}}).to_string();
        let whole = response::convert(body.as_bytes(), &state(), CX).unwrap();
        let whole: Value = serde_json::from_slice(&whole.body).unwrap();
        let mut out = BytesMut::new();
        response::replay(body.as_bytes(), state(), CX, &mut out).unwrap();
        let outcome = validate(&out).map_err(TestCaseError::fail)?;
        prop_assert_eq!(outcome.response.unwrap(), whole);
    }
}

#[test]
fn answers_that_are_none() {
    for body in ["", "[]", "{}", "{\"type\":\"message\"", "<html>"] {
        let error = response::convert(body.as_bytes(), &state(), CX).unwrap_err();
        assert_eq!(error.status.as_u16(), 502, "{body}");
        let mut out = BytesMut::from("kept");
        assert!(response::replay(body.as_bytes(), state(), CX, &mut out).is_err());
        assert_eq!(out, "kept");
    }
    let body = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let error = response::convert(body.as_bytes(), &state(), CX).unwrap_err();
    assert_eq!(error.message, "Overloaded");
}
