//! Any request, and any chunks in any order.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{NEW, OLD, function, parts, run, search, stop, try_convert};
use crate::convert::validate::messages::{End, validate};
use crate::target::Options;

fn any_value() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!("a"),
        json!(""),
        json!("é\"\\"),
        json!(null),
        json!(7),
        json!([]),
        json!({}),
        json!({"type": "base64", "media_type": "image/png", "data": "aGk="}),
        json!({"type": "url", "url": "https://h/a.pdf"}),
        json!({"type": "text", "data": "d"}),
        json!([{"type": "text", "text": "t"}]),
        json!("tlg1.gemini.eyJ2IjoxLCJzaWdzIjpbXX0"),
    ])
}

fn any_block() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec![
        "text",
        "text",
        "text",
        "tool_use",
        "tool_result",
        "thinking",
        "image",
        "document",
        "search_result",
        "server_tool_use",
        "odd",
    ]);
    (kind, any_value(), prop::sample::select(vec!["a", "b"])).prop_map(|(kind, value, id)| {
        let mut block = json!({"type": kind, "text": "x", "id": id, "tool_use_id": id, "name": "f", "input": {}, "source": value, "content": value, "signature": value});
        if kind == "tool_use" || kind == "tool_result" {
            block["is_error"] = json!(id == "b");
        }
        block
    })
}

fn any_message() -> impl Strategy<Value = Value> {
    let role = prop::sample::select(vec!["user", "user", "assistant", "assistant", "system"]);
    let content = prop_oneof![
        3 => Just(json!("hi")),
        3 => prop::collection::vec(any_block(), 0..4).prop_map(Value::Array),
        1 => any_value(),
    ];
    (role, content).prop_map(|(role, content)| json!({"role": role, "content": content}))
}

fn any_part() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!({"text": "a"}),
        json!({"text": "é\n\""}),
        json!({"text": ""}),
        json!({"text": "t", "thought": true}),
        json!({"text": "", "thoughtSignature": "c2ln"}),
        json!({"functionCall": {"name": "f", "args": {"a": 1}}}),
        json!({"functionCall": {"id": "odd id", "name": "f", "args": [1]}, "thoughtSignature": "c2ln"}),
        json!({"functionCall": {"args": {}}}),
        json!({"executableCode": {"code": "1"}}),
        json!({"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "o"}}),
        json!({"toolCall": {"id": "t"}, "thoughtSignature": "c2ln"}),
        json!({"inlineData": {"mimeType": "image/png", "data": "AA"}}),
        json!({"text": 7}),
    ])
}

fn any_chunk() -> impl Strategy<Value = Value> {
    let grounding = json!({"groundingChunks": [{"web": {"uri": "u"}}, 3], "webSearchQueries": ["q", "r"],
        "groundingSupports": [{"segment": {"startIndex": 1, "endIndex": 4}, "groundingChunkIndices": [0, 7]}, 7]});
    let reason = prop::sample::select(vec!["", "", "", "STOP", "MAX_TOKENS", "SAFETY", "OTHER"]);
    let candidate = (
        prop::collection::vec(any_part(), 0..4),
        reason,
        any::<bool>(),
    )
        .prop_map(move |(list, reason, found)| {
            let mut chunk = parts(json!(list));
            chunk["candidates"][0]["finishReason"] = json!(reason);
            if found {
                chunk["candidates"][0]["groundingMetadata"] = grounding.clone();
                chunk["candidates"][0]["urlContextMetadata"] =
                    json!({"urlMetadata": [{"retrievedUrl": "u"}, 3]});
            }
            chunk
        });
    prop_oneof![
        9 => candidate,
        1 => Just(stop()),
        1 => prop::sample::select(vec![
            json!({}), json!([]), json!({"candidates": 3}), json!({"error": {"message": "m"}}),
            json!({"promptFeedback": {"blockReason": "SAFETY"}}),
        ]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_refusal_or_a_legal_request(
        messages in prop::collection::vec(any_message(), 0..5),
        tools in prop::sample::subsequence(vec![search(), function("f"), function("1 odd"), json!({"type": "odd"})], 0..4),
        key in prop::sample::select(vec!["system", "thinking", "tool_choice", "stop_sequences", "temperature", "other"]),
        value in any_value(),
        newest: bool,
    ) {
        let mut messages = messages;
        messages.insert(0, json!({"role": "user", "content": "q"}));
        let model = if newest { NEW } else { OLD };
        let request = json!({"messages": messages, "tools": tools, key: value});
        if let Ok((body, _)) = try_convert(model, &Options::default(), &request) {
            let mut before = "";
            for content in body["contents"].as_array().unwrap() {
                let list = content["parts"].as_array().unwrap();
                prop_assert!(!list.is_empty(), "{body}");
                let results = list.iter().filter(|p| p["functionResponse"].is_object()).count();
                prop_assert!(results == 0 || results == list.len(), "{body}");
                let role = content["role"].as_str().unwrap();
                prop_assert!(results == 0 || before == "model", "{body}");
                prop_assert!(list.iter().all(|p| p["text"] != ""), "{body}");
                before = role;
            }
            prop_assert_eq!(&body["contents"][0]["role"], "user");
        }
    }

    #[test]
    fn any_chunks_give_a_legal_stream(chunks in prop::collection::vec(any_chunk(), 0..10), limit in prop::sample::select(vec![0_usize, 100, 1 << 20])) {
        match validate(&run(&chunks, limit)) {
            Ok(outcome) => prop_assert!(outcome.end != End::Open),
            Err(problem) => prop_assert!(false, "{problem}: {chunks:?}"),
        }
    }
}
