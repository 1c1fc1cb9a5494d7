//! Conversations of Chat clients, sound and odd, for property tests.

use proptest::prelude::*;
use serde_json::{Value, json};

/// A string, or what stands wrongly in its place.
pub(in crate::convert) fn word() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => prop::sample::select(vec!["a", "b", "", " ", "\n", "é\"\\", "x:1", "data:image/png;base64,AAAA", "https://x", "s3://buck/a.png", "{}", "tlg1.a.b"]).prop_map(|s| json!(s)),
        1 => Just(json!(null)),
        1 => prop::sample::select(vec![json!(1), json!([]), json!({}), json!(true), json!(["a"]), json!({"type": "text"})]),
    ]
}

fn mark() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(null),
        json!({"type": "ephemeral"}),
        json!({"type": "ephemeral", "ttl": "1h"}),
        json!({"type": "x"}),
        json!(5),
    ])
}

pub(in crate::convert) fn part() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec![
        "text",
        "text",
        "text",
        "image_url",
        "file",
        "document",
        "refusal",
        "thinking",
        "redacted_thinking",
        "input_audio",
        "odd",
    ]);
    (kind, word(), mark()).prop_map(|(kind, word, mark)| {
        json!({"type": kind, "text": word, "refusal": word, "image_url": {"url": word}, "signature": word, "data": word,
            "file": {"file_data": word, "filename": "a.txt"}, "input_audio": {"data": word, "format": "wav"}, "cache_control": mark})
    })
}

pub(in crate::convert) fn content() -> impl Strategy<Value = Value> {
    prop_oneof![2 => word(), 1 => prop::collection::vec(part(), 0..4).prop_map(Value::from)]
}

fn tool_call() -> impl Strategy<Value = Value> {
    (
        prop::sample::select(vec!["a", "b", "", "x/1", "x:1", "x_1"]),
        prop::sample::select(vec!["f", "g.h", "odd name"]),
        prop_oneof![
            2 => prop::sample::select(vec!["{}", "", "{\"a\":[1.0]}", "[]"]).prop_map(|s| json!(s)),
            1 => word(),
        ],
        prop::bool::weighted(0.2),
    )
        .prop_map(|(id, name, arguments, custom)| {
            if custom {
                json!({"id": id, "type": "custom", "custom": {"name": name, "input": arguments}})
            } else {
                json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
            }
        })
}

/// A turn: mostly one that pairs, so that more than refusals is seen.
pub(in crate::convert) fn turn() -> impl Strategy<Value = Vec<Value>> {
    let said = (
        prop::sample::select(vec!["user", "user", "assistant", "system", "developer", "tool", "function", "odd"]),
        content(),
        mark(),
    )
        .prop_map(|(role, content, mark)| {
            vec![json!({"role": role, "content": content, "cache_control": mark, "name": "f", "tool_call_id": "a"})]
        });
    let plain = (
        prop::sample::select(vec!["user", "assistant", "system"]),
        prop::sample::select(vec!["hi", "", " x "]),
    )
        .prop_map(|(role, text)| vec![json!({"role": role, "content": text})]);
    let looped = (
        prop::collection::vec(tool_call(), 1..4),
        content(),
        any::<bool>(),
        any::<bool>(),
        word(),
    )
        .prop_map(|(calls, content, reversed, system, sign)| {
            let mut answers: Vec<_> = calls
                .iter()
                .map(|call| json!({"role": "tool", "tool_call_id": call["id"], "content": "r"}))
                .collect();
            if reversed {
                answers.reverse();
            }
            if system {
                answers.insert(0, json!({"role": "system", "content": "s"}));
            }
            let mut turn = vec![
                json!({"role": "assistant", "content": content, "tool_calls": calls,
                "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": sign}]}),
            ];
            turn.extend(answers);
            turn
        });
    let legacy = Just(vec![
        json!({"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}),
        json!({"role": "function", "name": "f", "content": "r"}),
    ]);
    prop_oneof![1 => said, 4 => plain, 4 => looped, 1 => legacy]
}
