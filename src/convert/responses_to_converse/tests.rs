#![expect(
    clippy::needless_pass_by_value,
    reason = "cases read better without references"
)]

use std::sync::Arc;

use bytes::BytesMut;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::response;
use super::state::State;
use super::stream::ConverseToResponses;
use crate::convert::anthropic_envelope;
use crate::convert::context::{AnswerContext, UpstreamId};
use crate::convert::machine::{Flow, Machine, StreamError};
use crate::convert::responses_out::Echo;
use crate::convert::sent_tools::{SentTool, SentTools};
use crate::convert::validate::responses::{End, Outcome, events, validate};
use crate::endpoint::Format;
use crate::usage::Usage;

type Event = (&'static str, Value);

fn cx() -> AnswerContext {
    let id = http::HeaderValue::from_static("7f0c-1d2e");
    AnswerContext {
        now: 7,
        request_id: UpstreamId::read(&id),
    }
}

fn state() -> State {
    let mut tools = SentTools::default();
    for (sent, name, namespace, custom) in [
        ("crm__find", "find", Some("crm"), false),
        ("get_weather_f65d43", "get.weather", None, false),
        ("apply", "apply", None, true),
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
        model: "\"sonnet\"".to_owned(),
        tools: Arc::new(tools),
    }
}

fn machine() -> ConverseToResponses {
    ConverseToResponses::new(state(), cx(), 1 << 20)
}

fn delta(index: u64, delta: Value) -> Event {
    let payload = json!({"contentBlockIndex": index, "delta": delta, "p": "abcdef"});
    ("contentBlockDelta", payload)
}

fn text(index: u64, text: &str) -> Event {
    delta(index, json!({ "text": text }))
}

fn thought(index: u64, thought: Value) -> Event {
    delta(index, json!({ "reasoningContent": thought }))
}

fn input(index: u64, fragment: &str) -> Event {
    delta(index, json!({"toolUse": {"input": fragment}}))
}

fn call(index: u64, id: &str, name: &str) -> Event {
    let call = json!({"toolUseId": id, "name": name});
    let start = json!({"contentBlockIndex": index, "start": {"toolUse": call}});
    ("contentBlockStart", start)
}

fn cited(index: u64, title: &str, location: Value) -> Event {
    delta(
        index,
        json!({"citation": {"title": title, "location": location}}),
    )
}

fn ended(index: u64) -> Event {
    ("contentBlockStop", json!({"contentBlockIndex": index}))
}

fn stopped(reason: &str) -> Event {
    ("messageStop", json!({"stopReason": reason}))
}

fn metadata() -> Event {
    let usage = json!({"inputTokens": 3, "outputTokens": 5, "totalTokens": 1, "cacheReadInputTokens": 4, "cacheWriteInputTokens": 2,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 2}]});
    let payload = json!({"usage": usage, "serviceTier": {"type": "reserved"}});
    ("metadata", payload)
}

fn started() -> Event {
    ("messageStart", json!({"role": "assistant"}))
}

fn feed(machine: &mut ConverseToResponses, events: &[Event]) -> (BytesMut, Option<StreamError>) {
    let mut out = BytesMut::new();
    for (name, payload) in events {
        let before = out.len();
        match machine.event(name, payload.to_string().as_bytes(), &mut out) {
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

fn run(events: &[Event]) -> Outcome {
    let (out, _) = feed(&mut machine(), events);
    validate(&out).unwrap()
}

/// The response of a message with these events between its head and its end.
#[track_caller]
fn response_of(events: &[Event], reason: &str) -> Value {
    let mut all = vec![started()];
    all.extend_from_slice(events);
    all.extend([stopped(reason), metadata()]);
    run(&all).response.unwrap()
}

#[track_caller]
fn output(events: &[Event]) -> Value {
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
        (
            "guardrail_intervened",
            "incomplete",
            json!("content_filter"),
        ),
        ("content_filtered", "incomplete", json!("content_filter")),
    ] {
        let response = response_of(&[text(0, "x"), ended(0)], reason);
        assert_eq!(response["status"], status, "{reason}");
        assert_eq!(response["incomplete_details"]["reason"], detail, "{reason}");
        assert_eq!(response["output"][0]["status"], "completed");
    }
    for reason in ["malformed_model_output", "malformed_tool_use"] {
        let (out, error) = feed(&mut machine(), &[text(0, "x"), stopped(reason)]);
        let outcome = validate(&out).unwrap();
        assert_eq!(outcome.end, End::Failed);
        let response = outcome.response.unwrap();
        assert_eq!(response["error"]["code"], "server_error");
        assert_eq!(error.unwrap().error.status.as_u16(), 502);
    }
}

#[test]
fn head_and_counts() {
    let response = response_of(&[text(0, "x")], "end_turn");
    assert_eq!(response["id"], "resp_7f0c1d2e");
    assert_eq!(response["model"], "sonnet");
    assert_eq!(response["created_at"], 7);
    assert_eq!(response["service_tier"], "scale");
    assert_eq!(response["output"][0]["id"], "msg_7f0c1d2e_0");
    assert_eq!(
        response["usage"],
        json!({"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2}, "output_tokens": 5,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 14})
    );
    // The record has more.
    let mut machine = machine();
    feed(&mut machine, &[started(), stopped("end_turn"), metadata()]);
    assert_eq!(machine.usage().cache_write_1h, Some(2));
}

#[test]
fn reasoning() {
    let items = output(&[
        thought(0, json!({"text": "Need \"it\"."})),
        thought(0, json!({"signature": "EqQB"})),
        ended(0),
        thought(1, json!({"text": "unsigned"})),
        ended(1),
        thought(2, json!({"signature": "only"})),
        ended(2),
        thought(3, json!({"redactedContent": "cnNuX2Fi"})),
        thought(3, json!({"redactedContent": "Y2Q="})),
        ended(3),
        thought(
            4,
            json!({"redactedContent": "Ulc1amNubHdkR1ZrVkdocGJtdHBibWRDYkc5aQ=="}),
        ),
        ended(4),
    ]);
    let summary = |text: &str| json!([{"type": "summary_text", "text": text}]);
    assert_eq!(items[0]["summary"], summary("Need \"it\"."));
    assert_eq!(
        items[0]["encrypted_content"],
        anthropic_envelope::write([
            r#"{"type":"thinking","thinking":"Need \"it\".","signature":"EqQB"}"#
        ])
    );
    assert_eq!(items[1]["summary"], summary("unsigned"));
    assert_eq!(items[1].get("encrypted_content"), None);
    assert_eq!(items[2]["summary"], json!([]));
    assert_eq!(
        items[2]["encrypted_content"],
        anthropic_envelope::write([r#"{"type":"thinking","thinking":"","signature":"only"}"#])
    );
    assert_eq!(
        items[3]["encrypted_content"],
        "tlg1.converse.eyJ2IjoxLCJibG9ja3MiOlt7InJlZGFjdGVkQ29udGVudCI6ImNuTnVYMkZpWTJRPSJ9XX0"
    );
    assert_eq!(
        items[4]["encrypted_content"],
        anthropic_envelope::write([
            r#"{"type":"redacted_thinking","data":"RW5jcnlwdGVkVGhpbmtpbmdCbG9i"}"#
        ])
    );
    let ids: Vec<&Value> = (0..5).map(|at| &items[at]["id"]).collect();
    assert_eq!(ids[0], "rs_7f0c1d2e_0");
    assert_eq!(ids[4], "rs_7f0c1d2e_4");
}

#[test]
fn neighbouring_texts_are_parts_of_one_message() {
    let items = output(&[
        text(0, "a"),
        ended(0),
        text(1, "b"),
        text(1, "\nc"),
        ended(1),
        call(2, "t1", "f"),
        ended(2),
        text(3, "d"),
    ]);
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
    assert_eq!(items.as_array().unwrap().len(), 3);
    assert_eq!(items[0]["content"], json!([part("a"), part("b\nc")]));
    assert_eq!(items[2]["content"], json!([part("d")]));
    assert_eq!(items[2]["id"], "msg_7f0c1d2e_2");
}

#[test]
fn citations_of_pages() {
    let items = output(&[
        text(0, "before"),
        ended(0),
        text(1, "Gr\u{fc}n \u{1f600}"),
        cited(
            1,
            "Doc",
            json!({"documentChar": {"documentIndex": 0, "start": 0, "end": 3}}),
        ),
        cited(
            1,
            "Wiki",
            json!({"web": {"url": "https://w", "domain": "w"}}),
        ),
        text(1, "!"),
        delta(1, json!({"citation": {"source": "https://s"}})),
        ended(1),
    ]);
    // Offsets count characters within the part; documents have no address.
    assert_eq!(
        items[0]["content"][1]["annotations"],
        json!([
            {"type": "url_citation", "url": "https://w", "title": "Wiki", "start_index": 0, "end_index": 7},
            {"type": "url_citation", "url": "https://s", "title": "", "start_index": 0, "end_index": 7},
        ])
    );
    assert_eq!(items[0]["content"][0]["annotations"], json!([]));
}

#[test]
fn calls() {
    let items = output(&[
        call(0, "t1", "get_weather_f65d43"),
        input(0, ""),
        input(0, "{\"a\":"),
        input(0, "1}"),
        ended(0),
        call(1, "t2", "crm__find"),
        ended(1),
        call(2, "t3", "apply"),
        input(2, "{\"input\":\"*** "),
        input(2, "Begin\\n\"}"),
        ended(2),
        call(3, "t4", "unknown"),
        input(3, "{}"),
        ended(3),
    ]);
    let expected = json!([
        {"type": "function_call", "id": "fc_7f0c1d2e_0", "call_id": "t1", "name": "get.weather", "arguments": "{\"a\":1}", "status": "completed"},
        {"type": "function_call", "id": "fc_7f0c1d2e_1", "call_id": "t2", "name": "find", "namespace": "crm", "arguments": "{}", "status": "completed"},
        {"type": "custom_tool_call", "id": "ctc_7f0c1d2e_2", "call_id": "t3", "name": "apply", "input": "*** Begin\n"},
        {"type": "function_call", "id": "fc_7f0c1d2e_3", "call_id": "t4", "name": "unknown", "arguments": "{}", "status": "completed"},
    ]);
    assert_eq!(items, expected);
}

#[test]
fn calls_that_were_cut_are_incomplete() {
    let events = [
        call(0, "t1", "f"),
        input(0, "{\"a\":"),
        ended(0),
        call(1, "t2", "apply"),
        input(1, "{\"input\":\"x"),
        ended(1),
    ];
    let response = response_of(&events, "max_tokens");
    let items = &response["output"];
    assert_eq!(items[0]["status"], "incomplete");
    assert_eq!(items[0]["arguments"], "{\"a\":");
    assert_eq!(items[1]["status"], "incomplete");
    assert_eq!(items[1]["input"], "{\"input\":\"x");
    assert_eq!(response["status"], "incomplete");
}

#[test]
fn the_providers_own_tools_are_not_the_clients() {
    let start =
        json!({"toolUse": {"toolUseId": "s", "name": "nova_grounding", "type": "server_tool_use"}});
    let events = [
        (
            "contentBlockStart",
            json!({"contentBlockIndex": 0, "start": start}),
        ),
        input(0, "{}"),
        ended(0),
        text(1, "found"),
        cited(1, "W", json!({"web": {"url": "https://w"}})),
        ended(1),
    ];
    let response = response_of(&events, "tool_use");
    assert_eq!(response["status"], "completed");
    let items = response["output"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["content"][0]["annotations"][0]["url"], "https://w");
}

#[test]
fn the_end_may_come_without_counts() {
    let outcome = run(&[started(), text(0, "x"), stopped("end_turn")]);
    assert_eq!(outcome.end, End::Completed);
    let response = outcome.response.unwrap();
    assert_eq!(response["usage"], json!(null));
    assert_eq!(response.get("service_tier"), None);
}

#[test]
fn cut_streams_fail() {
    for (events, items) in [
        (vec![], 0),
        (vec![started()], 0),
        (vec![started(), text(0, "x")], 1),
        (vec![text(0, "x"), ended(0), metadata()], 1),
    ] {
        let (out, error) = feed(&mut machine(), &events);
        let outcome = validate(&out).unwrap();
        assert_eq!(outcome.end, End::Failed);
        let response = outcome.response.unwrap();
        assert_eq!(response["error"]["code"], "server_error");
        assert_eq!(response["id"], "resp_7f0c1d2e");
        let output = response["output"].as_array().unwrap();
        assert_eq!(output.len(), items);
        assert!(output.iter().all(|item| item["status"] == "incomplete"));
        let error = error.unwrap().error;
        assert_eq!(error.message, "upstream stream ended before messageStop");
    }
}

#[test]
fn errors_in_the_stream() {
    for (status, kind, code) in [
        (429, "rate_limit_error", "rate_limit_exceeded"),
        (400, "invalid_request_error", "invalid_prompt"),
        (503, "server_error", "server_error"),
        (403, "invalid_request_error", "server_error"),
    ] {
        let mut error = StreamError::ended(Format::Responses);
        error.error.status = http::StatusCode::from_u16(status).unwrap();
        error.error.kind = kind.into();
        let mut machine = machine();
        let mut out = BytesMut::new();
        let (name, payload) = text(0, "x");
        machine
            .event(name, payload.to_string().as_bytes(), &mut out)
            .unwrap();
        machine.fail(&error, &mut out);
        let outcome = validate(&out).unwrap();
        assert_eq!(outcome.response.unwrap()["error"]["code"], code, "{status}");
        // Nothing follows.
        let length = out.len();
        assert_eq!(
            machine.event("messageStop", b"{}", &mut out),
            Ok(Flow::Done)
        );
        machine.fail(&error, &mut out);
        assert_eq!(machine.finish(&mut out), Ok(()));
        assert_eq!(out.len(), length);
    }
}

#[test]
fn what_is_held_is_bounded() {
    let mut machine = ConverseToResponses::new(state(), cx(), 2000);
    let long = "x".repeat(100);
    let many: Vec<Event> = (0..50).map(|_| text(0, &long)).collect();
    let (out, error) = feed(&mut machine, &many);
    assert_eq!(error.unwrap().error.status.as_u16(), 502);
    assert_eq!(validate(&out).unwrap().end, End::Failed);

    let mut machine = ConverseToResponses::new(state(), cx(), 2000);
    let mut many = vec![call(0, "t", "apply")];
    many.extend((0..50).map(|_| input(0, &long)));
    assert!(feed(&mut machine, &many).1.is_some());
}

fn whole() -> Value {
    json!({
        "output": {"message": {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "r", "signature": "EqQB"}}},
            {"text": "a"},
            {"citationsContent": {"content": [{"text": "b"}], "citations": [{"title": "W", "location": {"web": {"url": "https://w"}}}]}},
            {"toolUse": {"toolUseId": "t1", "name": "get_weather_f65d43", "input": {"a": 1}}},
            {"toolUse": {"toolUseId": "t2", "name": "apply", "input": {"input": "p\n"}}},
        ]}},
        "stopReason": "tool_use",
        "usage": {"inputTokens": 3, "outputTokens": 5, "totalTokens": 8},
        "additionalModelResponseFields": {"usage": {"output_tokens_details": {"thinking_tokens": 2}}},
    })
}

/// The events that say the same as [`whole`].
fn same() -> Vec<Event> {
    let fields = json!({"usage": {"output_tokens_details": {"thinking_tokens": 2}}});
    vec![
        started(),
        thought(0, json!({"text": "r"})),
        thought(0, json!({"signature": "EqQB"})),
        ended(0),
        text(1, "a"),
        ended(1),
        text(2, "b"),
        cited(2, "W", json!({"web": {"url": "https://w"}})),
        ended(2),
        call(3, "t1", "get_weather_f65d43"),
        input(3, "{\"a\":1}"),
        ended(3),
        call(4, "t2", "apply"),
        input(4, "{\"input\":\"p\\n\"}"),
        ended(4),
        (
            "messageStop",
            json!({"stopReason": "tool_use", "additionalModelResponseFields": fields}),
        ),
        (
            "metadata",
            json!({"usage": {"inputTokens": 3, "outputTokens": 5}}),
        ),
    ]
}

#[test]
fn whole_answers_are_what_streams_end_with() {
    let body = whole().to_string();
    let converted = response::convert(body.as_bytes(), &state(), cx()).unwrap();
    let answer: Value = serde_json::from_slice(&converted.body).unwrap();
    assert_eq!(answer, run(&same()).response.unwrap());
    assert_eq!(
        answer["usage"]["output_tokens_details"]["reasoning_tokens"],
        2
    );
    assert_eq!(converted.usage.reasoning, Some(2));

    let mut out = BytesMut::new();
    let usage = response::replay(body.as_bytes(), &state(), cx(), &mut out).unwrap();
    assert_eq!(usage, converted.usage);
    let outcome = validate(&out).unwrap();
    assert_eq!(outcome.end, End::Completed);
    assert_eq!(outcome.response.unwrap(), answer);
    assert!(events(&out).iter().all(|(name, _)| name != "[DONE]"));
}

#[test]
fn answers_that_are_none() {
    for body in [
        "",
        "[]",
        r#"{"message":"x"}"#,
        r#"{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}"#,
        r#"{"output":{"message":{"content":[]}},"stopReason":"malformed_tool_use"}"#,
    ] {
        let error = response::convert(body.as_bytes(), &state(), cx()).unwrap_err();
        assert_eq!(error.status.as_u16(), 502, "{body}");
        let mut out = BytesMut::new();
        assert!(response::replay(body.as_bytes(), &state(), cx(), &mut out).is_err());
        assert!(out.is_empty());
    }
    let empty = r#"{"output":{"message":{"content":[]}},"stopReason":"end_turn"}"#;
    let converted = response::convert(empty.as_bytes(), &state(), cx()).unwrap();
    let answer: Value = serde_json::from_slice(&converted.body).unwrap();
    assert_eq!(answer["output"], json!([]));
    assert_eq!(answer["usage"], json!(null));
    assert_eq!(converted.usage, Usage::default());
}

/// Any event of a stream, well formed or not.
fn any_event() -> impl Strategy<Value = Event> {
    let index = || 0_u64..4;
    prop_oneof![
        Just(started()),
        (index(), ".{0,3}").prop_map(|(at, content)| text(at, &content)),
        (index(), "[a-z]{0,3}").prop_map(|(at, content)| thought(at, json!({"text": content}))),
        (index(), "[a-z]{0,3}")
            .prop_map(|(at, content)| thought(at, json!({"signature": content}))),
        (
            index(),
            prop::sample::select(vec![
                "",
                "cnNu",
                "!",
                "Ulc1amNubHdkR1ZrVkdocGJtdHBibWRDYkc5aQ=="
            ])
        )
            .prop_map(|(at, content)| thought(at, json!({"redactedContent": content}))),
        (
            index(),
            prop::sample::select(vec!["f", "apply", "crm__find", ""])
        )
            .prop_map(|(at, name)| call(at, "id", name)),
        (
            index(),
            prop::sample::select(vec!["", "{}", "{\"input\":", "\"x\"}"])
        )
            .prop_map(|(at, fragment)| input(at, fragment)),
        index().prop_map(|at| cited(at, "t", json!({"web": {"url": "https://w"}}))),
        index().prop_map(ended),
        prop::sample::select(vec![
            "end_turn",
            "tool_use",
            "max_tokens",
            "malformed_tool_use"
        ])
        .prop_map(stopped),
        Just(metadata()),
        Just(("contentBlockDelta", json!(5))),
        Just(("other", json!({}))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_events_make_a_legal_stream(events in prop::collection::vec(any_event(), 0..24)) {
        let (out, error) = feed(&mut machine(), &events);
        let outcome = validate(&out);
        prop_assert!(outcome.is_ok(), "{:?} in {}", outcome, String::from_utf8_lossy(&out));
        prop_assert_eq!(outcome.unwrap().end == End::Failed, error.is_some());
    }
}
