//! Any events in any order: a legal stream.

use proptest::prelude::*;

use super::*;

fn any_event() -> impl Strategy<Value = Event> {
    let index = || prop::sample::select(vec![0_u64, 1, 2, 7]);
    let text = || prop::sample::select(vec!["", "a", "\u{e9}\n", "\n\n", "{\"input\":\"x\"}", "}"]);
    prop_oneof![
        1 => Just(head()),
        4 => (index(), text()).prop_map(|(index, text)| said(index, text)),
        3 => (index(), text()).prop_map(|(index, text)| thought(index, text)),
        2 => (index(), text()).prop_map(|(index, text)| signed(index, text)),
        1 => (index(), prop::sample::select(vec!["cnNu", "", "%", "UlZjMWpibmx3ZEdW"])).prop_map(|(i, bytes)| redacted(i, bytes)),
        3 => (index(), prop::sample::select(vec!["a_b", "sql", "f", ""])).prop_map(|(index, name)| call(index, "t", name)),
        3 => (index(), text()).prop_map(|(index, text)| input(index, text)),
        3 => index().prop_map(stop),
        1 => index().prop_map(|index| delta(index, json!({"citation": {"location": {"web": {"url": "https://a"}}}}))),
        1 => prop::sample::select(vec!["end_turn", "tool_use", "max_tokens", "malformed_tool_use", ""]).prop_map(stopped),
        1 => Just(counts()),
        1 => prop::sample::select(vec![json!([]), json!(5), json!({"delta": 5}), json!({"start": {"toolUse": []}}), json!({})])
            .prop_map(|odd| ("contentBlockDelta", odd)),
        1 => Just(("new", json!({}))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_events_give_a_legal_stream(
        events in prop::collection::vec(any_event(), 0..24),
        stops in any::<bool>(),
        legacy_functions: bool,
        reasoning in prop::sample::select(vec![ChatReasoning::ThinkingBlocks, ChatReasoning::Both, ChatReasoning::None]),
    ) {
        let state = State {
            include_usage: false,
            legacy_functions,
            reasoning,
            stops: if stops { vec!["\n\n".to_owned()] } else { Vec::new() },
            ..state()
        };
        let (out, error, _) = feed(state, &events, LIMIT);
        let outcome = validate(&out, false).map_err(TestCaseError::fail)?;
        let expected = if error.is_some() { End::Error } else { End::Complete };
        prop_assert_eq!(outcome.end, expected);
    }

    #[test]
    fn any_bytes_are_no_panic(name in "[a-zA-Z]{0,12}|contentBlockDelta|messageStop|metadata", data in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut machine = ConverseToChat::new(state(), cx(), LIMIT);
        let mut out = BytesMut::new();
        let _ = machine.event(&name, &data, &mut out);
        let _ = response::convert(&data, &state(), cx());
    }
}
