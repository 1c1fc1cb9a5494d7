//! Any chunks, in any order.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{CX, End, GeminiToChat, busy, feed, state, stop, validate};

fn any_part() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec!["", "a", "é\n\"", "{}", "Zürich"]);
    let odd = prop::sample::select(vec![
        json!(null),
        json!(7),
        json!([]),
        json!({}),
        json!("x"),
        json!({"name": "f"}),
        json!({"name": "sql", "args": {"input": "x"}}),
        json!({"id": "i", "name": "f", "args": [1]}),
        json!({"name": "", "args": {}}),
        json!({"mimeType": "image/png", "data": "AA"}),
        json!({"mimeType": "audio/wav", "data": "AA"}),
        json!({"language": "PYTHON", "code": "c", "outcome": "OUTCOME_FAILED", "output": "o"}),
    ]);
    let kind = prop::sample::select(vec![
        "text",
        "text",
        "text",
        "functionCall",
        "functionCall",
        "inlineData",
        "executableCode",
        "codeExecutionResult",
        "toolCall",
        "toolResponse",
        "odd",
    ]);
    (kind, words, odd, any::<bool>(), 0..4_u8).prop_map(|(kind, word, odd, thought, signed)| {
        let mut part = json!({});
        part[kind] = if kind == "text" { json!(word) } else { odd };
        if thought {
            part["thought"] = json!(true);
        }
        if signed == 0 {
            part["thoughtSignature"] = json!("c2ln");
        }
        part
    })
}

fn any_chunk() -> impl Strategy<Value = Value> {
    let reason = prop::sample::select(vec![
        json!(null),
        json!(null),
        json!(null),
        json!("STOP"),
        json!("MAX_TOKENS"),
        json!("SAFETY"),
        json!("OTHER"),
        json!("MALFORMED_FUNCTION_CALL"),
        json!(3),
    ]);
    let grounding = prop::sample::select(vec![
        json!(null),
        json!({}),
        json!([]),
        json!({"groundingChunks": [{"web": {"uri": "u"}}, 3, null], "webSearchQueries": ["q", 1],
            "groundingSupports": [{"segment": {"startIndex": 1, "endIndex": 4}, "groundingChunkIndices": [0, 1, 7, -1]}, 7,
                {"segment": {"endIndex": 99, "text": "a"}, "groundingChunkIndices": [0]}, {"groundingChunkIndices": [0]}]}),
    ]);
    let candidate = (prop::collection::vec(any_part(), 0..4), reason, grounding, 0..8_u8).prop_map(
        |(parts, reason, grounding, index)| {
            let mut candidate = json!({"content": {"parts": parts}, "finishReason": reason, "groundingMetadata": grounding,
                "citationMetadata": {"citationSources": [{"startIndex": 0, "endIndex": 1, "uri": "c"}]}});
            if index == 0 {
                candidate["index"] = json!(1);
            }
            json!({"candidates": [candidate], "responseId": "r", "usageMetadata": {"promptTokenCount": 3}})
        },
    );
    prop_oneof![
        12 => candidate,
        1 => Just(stop()),
        1 => prop::sample::select(vec![
            json!({}),
            json!({"candidates": 3}),
            json!({"candidates": [null, [], 3]}),
            json!({"candidates": [{"content": 3}]}),
            json!({"usageMetadata": []}),
            json!({"promptFeedback": {"blockReason": "SAFETY"}}),
            json!({"error": {"message": "m"}}),
            json!([]),
            json!("x"),
        ]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_chunks_in_any_order_give_a_legal_stream(chunks in prop::collection::vec(any_chunk(), 0..12), limit in prop::sample::select(vec![0_usize, 100, 1 << 20])) {
        let events: Vec<String> = chunks.iter().map(Value::to_string).collect();
        let (out, _) = feed(&mut GeminiToChat::new(state(), CX, limit), &events);
        match validate(&out, true) {
            Ok(outcome) => prop_assert!(outcome.end != End::Open),
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
        let events: Vec<String> = chunks.iter().map(Value::to_string).collect();
        let (out, _) = feed(&mut GeminiToChat::new(state(), CX, 1 << 20), &events);
        let outcome = validate(&out, true);
        prop_assert!(outcome.as_ref().is_ok_and(|o| o.end != End::Open), "{outcome:?}");
    }
}
