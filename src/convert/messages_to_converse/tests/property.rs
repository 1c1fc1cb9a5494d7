use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    Event, answer, call, converted, delta, end, input, metadata, reasoning, run, start, stop, text,
};
use crate::convert::validate::messages::{End, validate};

fn any_event() -> impl Strategy<Value = Event> {
    let index = 0_u64..4;
    let words = prop_oneof![Just(""), Just("a"), Just("é\n\"")];
    let fragment = prop_oneof![
        Just(""),
        Just("{"),
        Just("}"),
        Just("{\"a\":[1]}"),
        Just("]")
    ];
    prop_oneof![
        1 => Just(start()),
        4 => (index.clone(), words.clone()).prop_map(|(i, t)| text(i, t)),
        2 => (index.clone(), words).prop_map(|(i, t)| reasoning(i, json!({"text": t}))),
        2 => index.clone().prop_map(|i| reasoning(i, json!({"signature": "Eq\"B"}))),
        1 => index.clone().prop_map(|i| reasoning(i, json!({"redactedContent": "cnNu"}))),
        3 => index.clone().prop_map(|i| call(i, "t", "f")),
        4 => (index.clone(), fragment).prop_map(|(i, f)| input(i, f)),
        3 => index.clone().prop_map(stop),
        1 => index.clone().prop_map(|i| delta(i, json!({"citation": {"location": {"web": {"url": "https://w"}}}}))),
        1 => index.prop_map(|i| delta(i, json!({"image": {}}))),
        1 => Just(metadata()),
        1 => Just(("contentBlockStart", json!({"start": {"toolResult": {}}}))),
        1 => Just(("contentBlockDelta", json!(5))),
    ]
}

fn any_block() -> impl Strategy<Value = Value> {
    let words = prop_oneof![Just(""), Just(" "), Just("é\n\"")];
    prop_oneof![
        3 => words.clone().prop_map(|text| json!({"text": text})),
        2 => words.clone().prop_map(|text| json!({"reasoningContent": {"reasoningText": {"text": text, "signature": "EqQB"}}})),
        1 => words.prop_map(|text| json!({"reasoningContent": {"reasoningText": {"text": text}}})),
        1 => Just(json!({"reasoningContent": {"redactedContent": "cnNu"}})),
        2 => Just(json!({"toolUse": {"toolUseId": "t", "name": "f", "input": {"a": [1, {"b": "\u{e9}"}]}}})),
        1 => Just(json!({"toolUse": {"name": "f"}})),
        1 => Just(json!({"toolUse": {"name": "f", "input": [1]}})),
        1 => Just(json!({"citationsContent": {"content": [{"text": "x"}], "citations": [{"source": "https://s"}]}})),
        1 => Just(json!({"image": {}})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_events_give_a_legal_stream(
        events in prop::collection::vec(any_event(), 0..24),
        reason in prop::option::of(prop_oneof![Just("end_turn"), Just("tool_use"), Just("malformed_tool_use")]),
    ) {
        let mut events = events;
        let stopped = reason.is_some();
        events.extend(reason.map(end));
        let outcome = validate(&run(&events));
        prop_assert!(outcome.is_ok(), "{outcome:?}: {events:?}");
        prop_assert!(stopped || outcome.unwrap().end == End::Error);
    }

    #[test]
    fn whole_answers_and_streams_agree(content in prop::collection::vec(any_block(), 0..6)) {
        let body = answer(Value::Array(content), "end_turn");
        let whole = converted(&body);
        let mut out = bytes::BytesMut::new();
        let body = body.to_string();
        super::super::stream::replay(body.as_bytes(), super::state(), super::cx(), &mut out).unwrap();
        let outcome = validate(&out).unwrap();
        prop_assert_eq!(outcome.end, End::Complete);
        // An input that is no object is kept aside in a whole answer, and goes on as it is in a stream.
        if !body.contains("[1]") {
            prop_assert_eq!(&outcome.message["content"], &whole["content"]);
        }
    }
}
