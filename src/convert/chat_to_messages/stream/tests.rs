mod stops;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::convert::chat_answer::validate::{End, Outcome, validate};
use crate::convert::tool_names::ToolNames;
use crate::target::ChatReasoning;

const CX: AnswerContext = AnswerContext::at(7);

fn state() -> State {
    let mut tools = ToolNames::default();
    tools.insert("a_b", "a.b", false);
    tools.insert("sql", "sql", true);
    State {
        tools,
        ..State::default()
    }
}

fn start(index: u64, block: &Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: u64, delta: &Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
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

fn feed(machine: &mut MessagesToChat, events: &[String]) -> (BytesMut, Option<StreamError>) {
    let mut out = BytesMut::new();
    for data in events {
        let before = out.len();
        match machine.event("", data.as_bytes(), &mut out) {
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

fn run_with(state: State, events: &[Value]) -> (Outcome, Option<StreamError>) {
    let events: Vec<String> = events.iter().map(Value::to_string).collect();
    let include_usage = state.include_usage;
    let (out, error) = feed(&mut MessagesToChat::new(state, CX), &events);
    (validate(&out, include_usage).unwrap(), error)
}

fn run(events: &[Value]) -> Outcome {
    run_with(state(), events).0
}

/// The members of a complete message.
fn message(blocks: &[Value]) -> Value {
    let mut events = vec![head()];
    events.extend_from_slice(blocks);
    events.push(stopped("end_turn"));
    let outcome = run(&events);
    assert_eq!(outcome.end, End::Complete);
    Value::Object(outcome.message)
}

#[test]
fn tool_indexes_count_the_clients_tools_only() {
    let call = |index: u64| {
        start(
            index,
            &json!({"type": "tool_use", "id": format!("t{index}"), "name": "a_b", "input": {}}),
        )
    };
    let json_delta = |index: u64, text: &str| {
        delta(
            index,
            &json!({"type": "input_json_delta", "partial_json": text}),
        )
    };
    let message = message(&[
        start(0, &json!({"type": "text", "text": ""})),
        stop(0),
        start(
            1,
            &json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}),
        ),
        json_delta(1, "{\"query\":"),
        stop(1),
        // Interleaved blocks.
        call(2),
        call(5),
        json_delta(5, "{\"b\""),
        json_delta(2, "{\"a\":1}"),
        json_delta(5, ":2}"),
        stop(5),
        stop(2),
        // No input at all, then one known from the start.
        call(6),
        stop(6),
        start(
            7,
            &json!({"type": "tool_use", "id": "t7", "name": "g", "input": {"k": 1}}),
        ),
        stop(7),
    ]);
    let called = |id: &str, name: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
    assert_eq!(
        message["tool_calls"],
        json!([
            called("t2", "a.b", r#"{"a":1}"#),
            called("t5", "a.b", r#"{"b":2}"#),
            called("t6", "a.b", "{}"),
            called("t7", "g", r#"{"k":1}"#),
        ])
    );
}

#[test]
fn a_freeform_input_that_was_cut_is_shown_as_it_is() {
    let events = [
        head(),
        start(
            0,
            &json!({"type": "tool_use", "id": "t", "name": "sql", "input": {}}),
        ),
        delta(
            0,
            &json!({"type": "input_json_delta", "partial_json": "{\"input\": \"SEL"}),
        ),
        stopped("max_tokens"),
    ];
    let outcome = run(&events);
    assert_eq!(outcome.finish_reason.as_deref(), Some("length"));
    assert_eq!(
        outcome.message["tool_calls"][0]["custom"],
        json!({"name": "sql", "input": "{\"input\": \"SEL"})
    );
}

#[test]
fn calls_are_numbered_in_the_order_in_which_they_are_sent() {
    // A freeform call is sent when its block ends: another that began later may have been sent by then, and clients that
    // put calls together append a call whose index they have not seen.
    let events = [
        head(),
        start(
            0,
            &json!({"type": "tool_use", "id": "toolu_s", "name": "sql", "input": {}}),
        ),
        start(
            1,
            &json!({"type": "tool_use", "id": "toolu_a", "name": "a_b", "input": {}}),
        ),
        stop(1),
        stop(0),
        stopped("tool_use"),
    ];
    let events: Vec<String> = events.iter().map(Value::to_string).collect();
    let (out, error) = feed(&mut MessagesToChat::new(state(), CX), &events);
    assert_eq!(error, None);
    let text = String::from_utf8(out.to_vec()).unwrap();
    let first = text.find(r#"{"index":0,"id":"toolu_a""#).unwrap();
    let second = text.find(r#"{"index":1,"id":"toolu_s""#).unwrap();
    assert!(first < second, "{text}");
}

#[test]
fn thinking_is_sent_once_as_text_and_once_signed() {
    let thinking = |index: u64, texts: &[&str], signatures: &[&str]| {
        let mut events = vec![start(
            index,
            &json!({"type": "thinking", "thinking": "", "signature": ""}),
        )];
        events.extend(
            texts
                .iter()
                .map(|text| delta(index, &json!({"type": "thinking_delta", "thinking": text}))),
        );
        events.extend(signatures.iter().map(|text| {
            delta(
                index,
                &json!({"type": "signature_delta", "signature": text}),
            )
        }));
        events.push(stop(index));
        events
    };
    let mut blocks = Vec::new();
    blocks.extend(thinking(0, &[], &["empty"]));
    blocks.extend(thinking(1, &["a\n", "b"], &["x", "y"]));
    blocks.extend(thinking(2, &["unsigned"], &[]));
    blocks.push(start(3, &json!({"type": "redacted_thinking", "data": "d"})));
    blocks.push(stop(3));
    blocks.extend(thinking(4, &["c"], &["z"]));
    let text = "a\nb\n\nunsigned\n\nc";
    let expected = json!([
        {"index": 0, "type": "thinking", "thinking": "", "signature": "empty"},
        {"index": 1, "type": "thinking", "thinking": "a\nb", "signature": "y"},
        {"index": 2, "type": "redacted_thinking", "data": "d"},
        {"index": 3, "type": "thinking", "thinking": "c", "signature": "z"},
    ]);
    let whole = message(&blocks);
    assert_eq!(whole["reasoning_content"], text);
    assert_eq!(whole["thinking_blocks"], expected);
    assert_eq!(whole.get("reasoning"), None);

    let mut events = vec![head()];
    events.extend(blocks);
    events.push(stopped("end_turn"));
    let with = |reasoning| {
        run_with(
            State {
                reasoning,
                ..state()
            },
            &events,
        )
        .0
        .message
    };
    let both = with(ChatReasoning::Both);
    assert_eq!(both["thinking_blocks"], expected);
    assert_eq!(both["reasoning"], text);
    let details = with(ChatReasoning::ReasoningDetails);
    assert_eq!(details["reasoning_details"], both["reasoning_details"]);
    assert_eq!(
        details["reasoning_details"][1],
        json!({"type": "reasoning.text", "text": "a\nb", "signature": "y", "format": "anthropic-claude-v1", "index": 1})
    );
    assert!(!details.contains_key("reasoning_content"));
    let none = with(ChatReasoning::None);
    assert_eq!(
        Value::Object(none),
        json!({"role": "assistant", "content": ""})
    );
}

#[test]
fn usage_is_sent_only_when_asked_for_and_counted_always() {
    let events: Vec<String> = [head(), stopped("end_turn"), json!({"type": "message_stop"})]
        .iter()
        .map(Value::to_string)
        .collect();
    for include_usage in [false, true] {
        let mut machine = MessagesToChat::new(
            State {
                include_usage,
                ..state()
            },
            CX,
        );
        let (out, _) = feed(&mut machine, &events);
        let outcome = validate(&out, include_usage).unwrap();
        assert_eq!(outcome.usage.is_some(), include_usage);
        let usage = machine.usage();
        // `message_delta` has no input counters: those of `message_start` stay.
        assert_eq!(
            (usage.input, usage.cache_read, usage.output),
            (Some(3), Some(4), Some(5))
        );
        if let Some(sent) = outcome.usage {
            assert_eq!(sent["prompt_tokens"], 7);
            assert_eq!(sent["total_tokens"], 12);
        }
    }
}

#[test]
fn errors_end_the_stream() {
    let error = |kind: &str| json!({"type": "error", "error": {"type": kind, "message": "no sk-ant-abcdefgh"}});
    for (kind, upstream, client) in [
        ("overloaded_error", Some(529), 503),
        ("rate_limit_error", Some(429), 429),
        ("api_error", Some(500), 500),
        ("brand_new_error", None, 502),
    ] {
        for events in [vec![error(kind)], vec![head(), error(kind)]] {
            let (outcome, failure) = run_with(state(), &events);
            assert_eq!(outcome.end, End::Error);
            assert_eq!(outcome.error.unwrap()["message"], "no [redacted]");
            let failure = failure.unwrap();
            assert_eq!(
                failure.upstream_status.map(|status| status.as_u16()),
                upstream
            );
            assert_eq!(failure.error.status.as_u16(), client);
        }
    }
}

#[test]
fn malformed_events_are_errors_and_unknown_ones_are_not() {
    for data in [
        "",
        "7",
        "[1]",
        "{",
        r#"{"type":"content_block_delta","delta":7}"#,
        r#"{"type":"content_block_start","index":0}"#,
        r#"{"type":"content_block_delta","index":9,"delta":{"type":"input_json_delta","partial_json":"{"}}"#,
    ] {
        let (out, error) = feed(
            &mut MessagesToChat::new(state(), CX),
            &[head().to_string(), data.to_owned()],
        );
        assert_eq!(validate(&out, false).unwrap().end, End::Error, "{data}");
        let error = error.unwrap();
        assert_eq!(error.upstream_status, None);
        assert_eq!(error.error.code.as_deref(), Some("upstream_error"));
    }
    let outcome = run(&[
        head(),
        json!({"type": "brand_new", "delta": 7, "index": {}}),
        json!({}),
        delta(0, &json!({"type": "brand_new_delta", "text": "x"})),
        delta(0, &Value::Null),
        start(1, &json!({"type": "brand_new", "text": "hidden"})),
        delta(1, &json!({"type": "text_delta", "text": "hidden"})),
        stop(1),
        stopped("end_turn"),
    ]);
    assert_eq!(outcome.end, End::Complete);
    assert_eq!(outcome.message["content"], "");
}

#[test]
fn a_stream_without_starts_is_readable() {
    let outcome = run(&[
        delta(0, &json!({"type": "text_delta", "text": "a\u{1f600}"})),
        delta(1, &json!({"type": "text_delta", "text": "b"})),
        delta(
            1,
            &json!({"type": "citations_delta", "citation": {"type": "web_search_result_location", "url": "u", "title": "t"}}),
        ),
        json!({"type": "message_stop"}),
    ]);
    assert_eq!(outcome.end, End::Complete);
    assert_eq!(outcome.message["content"], "a\u{1f600}b");
    assert_eq!(
        outcome.message["annotations"][0]["url_citation"]["start_index"],
        2
    );
    assert_eq!(
        outcome.message["annotations"][0]["url_citation"]["end_index"],
        3
    );
}

#[test]
fn the_name_of_an_event_serves_where_its_type_is_missing() {
    let mut machine = MessagesToChat::new(state(), CX);
    let mut out = BytesMut::new();
    let head = br#"{"message":{"id":"msg_1"}}"#;
    machine.event("message_start", head, &mut out).unwrap();
    assert!(out.starts_with(b"data: {\"id\":\"chatcmpl-1\""));
    let flow = machine.event("message_stop", b"{}", &mut out).unwrap();
    assert_eq!(flow, Flow::Done);
    assert_eq!(validate(&out, false).unwrap().end, End::Complete);
    let complete = out.len();
    assert_eq!(machine.event("x", b"junk", &mut out), Ok(Flow::Done));
    assert_eq!(machine.finish(&mut out), Ok(()));
    machine.fail(&StreamError::ended(Format::Chat), &mut out);
    assert_eq!(out.len(), complete);
}

#[test]
fn legacy_functions_get_one_call() {
    let call = |index: u64| {
        start(
            index,
            &json!({"type": "tool_use", "id": "t", "name": "f", "input": {}}),
        )
    };
    let events = [
        head(),
        call(0),
        delta(
            0,
            &json!({"type": "input_json_delta", "partial_json": "{\"a\""}),
        ),
        delta(
            0,
            &json!({"type": "input_json_delta", "partial_json": ":1}"}),
        ),
        stop(0),
        call(1),
        delta(
            1,
            &json!({"type": "input_json_delta", "partial_json": "{}"}),
        ),
        stop(1),
        stopped("tool_use"),
    ];
    let state = State {
        legacy_functions: true,
        ..State::default()
    };
    let outcome = run_with(state, &events).0;
    assert_eq!(outcome.finish_reason.as_deref(), Some("function_call"));
    assert_eq!(
        outcome.message["function_call"],
        json!({"name": "f", "arguments": "{\"a\":1}"})
    );
    assert!(!outcome.message.contains_key("tool_calls"));
}

#[test]
fn what_is_held_back_is_limited() {
    let held = [
        delta(
            0,
            &json!({"type": "thinking_delta", "thinking": "x".repeat(40)}),
        ),
        delta(
            0,
            &json!({"type": "input_json_delta", "partial_json": "x".repeat(40)}),
        ),
        delta(
            0,
            &json!({"type": "signature_delta", "signature": "x".repeat(40)}),
        ),
        delta(
            0,
            &json!({"type": "citations_delta", "citation": {"type": "web_search_result_location", "url": "x".repeat(40)}}),
        ),
    ];
    let blocks = ["thinking", "tool_use", "thinking", "text"];
    for (delta, block) in held.iter().zip(blocks) {
        let begin = |index| start(index, &json!({"type": block, "name": "sql", "id": "t"}));
        let events = [
            head(),
            begin(0),
            delta.clone(),
            delta.clone(),
            delta.clone(),
        ];
        let events: Vec<String> = events.iter().map(Value::to_string).collect();
        let mut machine = MessagesToChat::new(state(), CX).with_held_limit(100);
        let (out, error) = feed(&mut machine, &events);
        assert_eq!(validate(&out, false).unwrap().end, End::Error);
        let replaced = delta["delta"]["type"] == "signature_delta";
        let code = error.unwrap().error.code.unwrap();
        // A signature replaces the one before: that stream only ends early.
        assert_eq!(
            code,
            if replaced {
                "upstream_stream_ended"
            } else {
                "upstream_error"
            },
            "{block}"
        );
    }
    // What was sent is held no more.
    let mut turns = vec![head().to_string()];
    for index in 0..10 {
        let begin = json!({"type": if index % 2 == 0 { "thinking" } else { "tool_use" }, "name": "sql", "id": "t", "input": {"input": "y"}});
        turns.push(start(index, &begin).to_string());
        turns.extend(held.iter().map(|event| {
            let mut event = event.clone();
            event["index"] = json!(index);
            event.to_string()
        }));
        turns.push(stop(index).to_string());
    }
    turns.push(stopped("end_turn").to_string());
    let mut machine = MessagesToChat::new(state(), CX).with_held_limit(100);
    let (_, error) = feed(&mut machine, &turns);
    assert_eq!(error, None);
    assert_eq!(machine.held, 0);
    let many: Vec<String> = std::iter::once(head())
        .chain((0..2000).map(|index| start(index, &json!({"type": "other"}))))
        .map(|event| event.to_string())
        .collect();
    let (_, error) = feed(&mut MessagesToChat::new(state(), CX), &many);
    assert_eq!(error.unwrap().error.code.as_deref(), Some("upstream_error"));
}

/// One event, mostly as Anthropic sends it, in any order.
fn any_event() -> impl Strategy<Value = String> {
    let index = 0_u64..4;
    let text = prop_oneof![Just(String::new()), "[a\"\\\\\n\u{e9}\u{1f600}{}:]{1,6}"];
    let block = prop_oneof![
        text.clone()
            .prop_map(|text| json!({"type": "text", "text": text})),
        text.clone()
            .prop_map(|text| json!({"type": "thinking", "thinking": text, "signature": ""})),
        Just(json!({"type": "thinking", "thinking": "t", "signature": "s"})),
        Just(json!({"type": "redacted_thinking", "data": "d"})),
        Just(json!({"type": "tool_use", "id": "t", "name": "a_b", "input": {}})),
        Just(json!({"type": "tool_use", "id": "t", "name": "sql", "input": {"input": "x"}})),
        Just(json!({"type": "server_tool_use", "id": "s", "name": "w", "input": {}})),
        Just(json!({"type": 5, "citations": {}})),
    ];
    let piece = prop_oneof![
        text.clone()
            .prop_map(|text| json!({"type": "text_delta", "text": text})),
        text.clone()
            .prop_map(|text| json!({"type": "thinking_delta", "thinking": text})),
        text.clone()
            .prop_map(|text| json!({"type": "input_json_delta", "partial_json": text})),
        text.prop_map(|text| json!({"type": "signature_delta", "signature": text})),
        Just(
            json!({"type": "citations_delta", "citation": {"type": "web_search_result_location", "url": "u"}})
        ),
        Just(json!({"type": "text_delta", "text": 5})),
    ];
    let event = prop_oneof![
        2 => Just(head()),
        8 => (index.clone(), block).prop_map(|(index, block)| start(index, &block)),
        12 => (index.clone(), piece).prop_map(|(index, piece)| delta(index, &piece)),
        6 => index.prop_map(stop),
        1 => prop_oneof![Just("end_turn"), Just("refusal"), Just("tool_use"), Just("new")].prop_map(stopped),
        1 => Just(json!({"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": {"explanation": "no"}}})),
        1 => Just(json!({"type": "ping"})),
        1 => Just(json!({"type": "message_stop"})),
        1 => Just(json!({"type": "error", "error": {"type": "api_error", "message": "m"}})),
    ];
    let event = event.prop_map(|event| event.to_string());
    prop_oneof![
        40 => event.clone(),
        // Cut anywhere.
        1 => (event, 0_usize..200).prop_map(|(event, cut)| event.chars().take(cut).collect()),
        1 => "[{}\\[\\]\":,a-z0-9 ]{0,20}",
    ]
}

fn any_state() -> impl Strategy<Value = State> {
    let reasoning = prop_oneof![
        Just(ChatReasoning::ThinkingBlocks),
        Just(ChatReasoning::ReasoningDetails),
        Just(ChatReasoning::Both),
        Just(ChatReasoning::None),
    ];
    let stops = proptest::collection::vec("[a\n\u{e9}]{1,3}", 0..3);
    (any::<bool>(), any::<bool>(), reasoning, stops).prop_map(
        |(include_usage, legacy_functions, reasoning, stops)| State {
            include_usage,
            legacy_functions,
            reasoning,
            stops,
            ..state()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_events_give_a_legal_stream(
        state in any_state(),
        events in proptest::collection::vec(any_event(), 0..24),
    ) {
        let include_usage = state.include_usage;
        let mut machine = MessagesToChat::new(state, CX);
        let (out, error) = feed(&mut machine, &events);
        let outcome = validate(&out, include_usage).map_err(TestCaseError::fail)?;
        let end = if error.is_some() { End::Error } else { End::Complete };
        prop_assert_eq!(outcome.end, end);
        if error.is_none() {
            prop_assert_eq!(machine.held, 0);
        }
    }

    #[test]
    fn a_stream_says_what_the_whole_answer_says(
        state in any_state(),
        blocks in proptest::collection::vec(any_block(), 0..6),
    ) {
        let answer = json!({"id": "msg_1", "type": "message", "model": "m", "content": blocks,
            "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 2}}).to_string();
        let whole = super::super::response::convert(answer.as_bytes(), &state, CX).unwrap();
        let whole: Value = serde_json::from_slice(&whole.body).unwrap();
        let mut out = BytesMut::new();
        let include_usage = state.include_usage;
        replay(answer.as_bytes(), state, CX, &mut out).unwrap();
        let outcome = validate(&out, include_usage).map_err(TestCaseError::fail)?;
        prop_assert_eq!(outcome.end, End::Complete);
        let mut message = Value::Object(outcome.message);
        for block in message["thinking_blocks"].as_array_mut().into_iter().flatten() {
            block.as_object_mut().unwrap().remove("index");
        }
        let mut expected = whole["choices"][0]["message"].clone();
        for message in [&mut message, &mut expected] {
            let message = message.as_object_mut().unwrap();
            // A stream opens with an empty `content`, and has no members without a value.
            message.retain(|_, value| !value.is_null() && value != "");
        }
        prop_assert_eq!(message, expected);
        prop_assert_eq!(outcome.finish_reason.as_deref(), whole["choices"][0]["finish_reason"].as_str());
    }
}

/// A whole block.
fn any_block() -> impl Strategy<Value = Value> {
    let text = "[a\"\\\\\n\u{e9}\u{1f600}]{0,6}";
    prop_oneof![
        text.prop_map(|text| json!({"type": "text", "text": text})),
        text.prop_map(|text| json!({"type": "text", "text": text, "citations": [
            {"type": "web_search_result_location", "url": "u", "title": text}]})),
        (text, "[xy]?").prop_map(|(text, signature)| json!({"type": "thinking", "thinking": text, "signature": signature})),
        Just(json!({"type": "redacted_thinking", "data": "d"})),
        text.prop_map(|text| json!({"type": "tool_use", "id": "t", "name": "a_b", "input": {"a": text}})),
        text.prop_map(|text| json!({"type": "tool_use", "id": "t", "name": "sql", "input": {"input": text}})),
        Just(json!({"type": "server_tool_use", "id": "s", "name": "w", "input": {}})),
    ]
}
