use bytes::BytesMut;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    CX, DONE, LIMIT, call, cited_chunk, complete, delta, events, finish, gemini, groq, run, sonar,
    state, told, usage,
};
use crate::codec::sse::Decoder;
use crate::convert::machine::Machine;
use crate::convert::messages_to_chat::stream::ChatToMessages;
use crate::convert::validate::messages::{End, validate};
use crate::provider::Provider;

/// A stream with thoughts, text, interleaved calls, signatures and an end.
fn busy() -> Vec<Value> {
    let signed = json!({"google": {"thought_signature": "c2ln"}});
    vec![
        delta(
            json!({"role": "assistant", "content": "<thought>é 😀", "extra_content": {"google": {"thought": true}}}),
        ),
        delta(json!({"content": "</thought>Text [1]"})),
        delta(json!({"reasoning": "r"})),
        call(
            json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{\"x\""}, "extra_content": signed}),
        ),
        call(json!({"index": 1, "id": "b", "function": {"name": "g", "arguments": ""}})),
        call(json!({"index": 0, "function": {"arguments": ":\"\\u00e9\"}"}})),
        call(json!({"index": 1, "function": {"arguments": "{}"}})),
        call(json!({"id": "c", "function": {"name": "h", "arguments": "{}"}})),
        delta(json!({"content": "after", "extra_content": signed})),
        finish("stop"),
        usage(json!({"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12})),
        json!(DONE),
    ]
}

#[test]
fn a_stream_cut_at_every_byte_says_the_same() {
    let mut wire = Vec::new();
    for (_, data) in events(&busy()) {
        wire.extend_from_slice(format!("data: {data}\r\n\r\n").as_bytes());
    }
    let feed = |pieces: &[&[u8]]| {
        let mut decoder = Decoder::new(1 << 16);
        let mut machine = ChatToMessages::new(gemini(), CX, LIMIT);
        let mut out = BytesMut::new();
        for piece in pieces {
            let mut input = *piece;
            while let Some(event) = decoder.next(&mut input).unwrap() {
                machine.event(event.name, event.data, &mut out).unwrap();
            }
        }
        machine.finish(&mut out).unwrap();
        out
    };
    let whole = feed(&[&wire]);
    assert_eq!(validate(&whole).unwrap().end, End::Complete);
    for cut in 0..wire.len() {
        let (head, tail) = wire.split_at(cut);
        assert_eq!(feed(&[head, tail]), whole, "cut at {cut}");
    }
    let bytes: Vec<&[u8]> = wire.chunks(1).collect();
    assert_eq!(feed(&bytes), whole);
}

#[test]
fn a_stream_cut_after_every_event_ends_with_an_error_unless_it_was_complete() {
    let chunks = busy();
    let whole = complete(gemini(), &chunks);
    for cut in 0..chunks.len() {
        let outcome = told(gemini(), &chunks[..cut]);
        let finished = cut >= 10;
        assert_eq!(
            outcome.end,
            if finished { End::Complete } else { End::Error },
            "{cut}"
        );
        if finished {
            assert_eq!(outcome.message["content"], whole["content"]);
        } else {
            assert_eq!(outcome.error.unwrap()["type"], "api_error");
        }
    }
}

fn any_chunk() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just(""),
        Just("a"),
        Just("é\n\""),
        Just("<thought>"),
        Just("</thought>"),
        Just("<think>"),
        Just("</think>"),
        Just("[1] [2]")
    ];
    let arguments = prop_oneof![
        Just(""),
        Just("{"),
        Just("}"),
        Just("{}"),
        Just("null"),
        Just("{\"a\":[1]}"),
        Just("]")
    ];
    let id = prop_oneof![
        Just(json!(null)),
        Just(json!("")),
        Just(json!("a")),
        Just(json!("b.c")),
        Just(json!(7))
    ];
    let name = prop_oneof![3 => Just(json!("f")), 1 => Just(json!(null)), 1 => Just(json!(""))];
    let index = prop_oneof![
        Just(json!(null)),
        Just(json!(0)),
        Just(json!(1)),
        Just(json!("x"))
    ];
    let extra = prop_oneof![
        Just(json!(null)),
        Just(json!({"google": {"thought": true}})),
        Just(json!({"google": {"thought_signature": "s"}}))
    ];
    prop_oneof![
        4 => (text.clone(), extra.clone()).prop_map(|(text, extra)| delta(json!({"content": text, "extra_content": extra}))),
        2 => text.clone().prop_map(|text| delta(json!({"reasoning": text}))),
        1 => text.prop_map(|text| delta(json!({"refusal": text}))),
        6 => (index, id, name.clone(), arguments.clone(), extra).prop_map(|(index, id, name, arguments, extra)| {
            call(json!({"index": index, "id": id, "function": {"name": name, "arguments": arguments}, "extra_content": extra}))
        }),
        1 => (name, arguments).prop_map(|(name, arguments)| delta(json!({"function_call": {"name": name, "arguments": arguments}}))),
        1 => Just(cited_chunk("[1]")),
        1 => Just(delta(json!({"executed_tools": [{"index": 0, "type": "search", "arguments": "{\"query\":\"q\"}"}], "annotations": [{"type": "url_citation", "url_citation": {"url": "u"}}]}))),
        1 => prop_oneof![Just("stop"), Just("length"), Just("content_filter"), Just("tool_calls")].prop_map(finish),
        1 => Just(usage(json!({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 9}))),
        1 => prop_oneof![
            Just(json!({})),
            Just(json!({"choices": [null, 3]})),
            Just(json!({"choices": [{"index": 1, "delta": {"content": "other"}}]})),
            Just(json!({"choices": [{}]})),
            Just(json!({"error": {"message": "m"}})),
            Just(json!(DONE)),
            Just(json!("{"))
        ],
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_chunks_in_any_order_give_a_legal_stream(
        chunks in prop::collection::vec(any_chunk(), 0..24),
        who in 0_usize..5,
        search in any::<bool>(),
    ) {
        let states = [
            gemini(),
            groq(),
            sonar(),
            state(Provider::Perplexity, "sonar-reasoning-pro"),
            state(Provider::OpenAiCompatible, "m"),
        ];
        let mut state = states.into_iter().nth(who).unwrap();
        state.wants_search = search;
        let out = run(ChatToMessages::new(state, CX, 4096), &events(&chunks));
        match validate(&out) {
            Ok(outcome) => {
                prop_assert!(outcome.end != End::Open, "{}", String::from_utf8_lossy(&out));
                if let Some(content) = outcome.message["content"].as_array() {
                    let mut ids: Vec<&str> = content.iter().filter(|b| b["type"] == "tool_use").map(|b| b["id"].as_str().unwrap()).collect();
                    let count = ids.len();
                    ids.sort_unstable();
                    ids.dedup();
                    prop_assert_eq!(ids.len(), count, "an id twice");
                }
            }
            Err(problem) => prop_assert!(false, "{problem}: {}", String::from_utf8_lossy(&out)),
        }
    }

    #[test]
    fn mutated_streams_give_legal_streams(seed in any::<prop::sample::Index>(), other in any::<prop::sample::Index>(), drop in any::<bool>()) {
        let mut chunks = busy();
        let (a, b) = (seed.index(chunks.len()), other.index(chunks.len()));
        if drop {
            chunks.remove(a);
        } else {
            chunks.swap(a, b);
        }
        let out = run(ChatToMessages::new(gemini(), CX, LIMIT), &events(&chunks));
        let outcome = validate(&out);
        prop_assert!(outcome.as_ref().is_ok_and(|o| o.end != End::Open), "{outcome:?}");
    }
}
