//! Whatever a client sends: a refusal, or a request that Anthropic's rules on the order of messages allow.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Case;

fn word() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => prop::sample::select(vec!["a", "b", "c", "", " ", "\n", "é\"\\", "x:1", "data:image/png;base64,AA", "https://x", "tlg1.a.b"]).prop_map(|s| json!(s)),
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

fn part() -> impl Strategy<Value = Value> {
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
            "file": {"file_data": word}, "cache_control": mark})
    })
}

fn content() -> impl Strategy<Value = Value> {
    prop_oneof![2 => word(), 1 => prop::collection::vec(part(), 0..4).prop_map(Value::from)]
}

fn id() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "", "x:1", "x_1"])
}

fn tool_call() -> impl Strategy<Value = Value> {
    (id(), prop::sample::select(vec!["f", "g.h", "odd name"]), word(), prop::bool::weighted(0.2)).prop_map(|(id, name, arguments, custom)| {
        if custom {
            json!({"id": id, "type": "custom", "custom": {"name": name, "input": arguments}})
        } else {
            json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
        }
    })
}

/// A turn: mostly one that pairs, so that more than refusals is seen.
fn turn() -> impl Strategy<Value = Vec<Value>> {
    let said = (prop::sample::select(vec!["user", "user", "assistant", "system", "developer", "tool", "function", "odd"]), content(), mark())
        .prop_map(|(role, content, mark)| vec![json!({"role": role, "content": content, "cache_control": mark, "name": "f", "tool_call_id": "a"})]);
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

fn request() -> impl Strategy<Value = Value> {
    let members = prop::collection::vec(
        (
            prop::sample::select(vec![
                "temperature",
                "top_p",
                "stop",
                "tools",
                "tool_choice",
                "functions",
                "function_call",
                "reasoning_effort",
                "thinking",
                "reasoning",
                "metadata",
                "user",
                "n",
                "response_format",
                "web_search_options",
                "max_tokens",
                "stream",
                "modalities",
                "other",
            ]),
            prop_oneof![
                word(),
                prop::sample::select(vec![
                    json!("auto"),
                    json!("high"),
                    json!(0.5),
                    json!(100),
                    json!([{"type": "function", "function": {"name": "g.h"}}]),
                    json!([{"type": "custom", "custom": {"name": "f"}, "cache_control": {"type": "ephemeral"}}]),
                    json!([{"type": "odd"}]),
                    json!({"type": "json_object"}),
                    json!({"type": "adaptive"}),
                    json!({"effort": "low"}),
                    json!({"type": "function", "function": {"name": "f"}}),
                ]),
            ],
        ),
        0..4,
    );
    (prop::collection::vec(turn(), 0..6), members).prop_map(|(turns, members)| {
        let mut body = json!({"model": "m", "messages": turns.concat()});
        for (key, value) in members {
            body[key] = value;
        }
        body
    })
}

fn check(body: &Value, mid_system: bool) {
    let messages = body["messages"].as_array().unwrap();
    assert_eq!(messages.first().unwrap()["role"], "user");
    let mut used = HashSet::new();
    let mut open: Vec<&str> = Vec::new();
    let mut before = "";
    for (at, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap();
        assert_ne!(role, before, "{body}");
        let blocks = message["content"].as_array().unwrap();
        assert!(!blocks.is_empty());
        let next = messages.get(at + 1).map(|m| m["role"].as_str().unwrap());
        if role == "system" {
            assert!(
                mid_system && before == "user" && matches!(next, None | Some("assistant")),
                "{body}"
            );
        } else if before == "system" {
            assert_eq!(role, "assistant");
        }
        let results: Vec<_> = blocks
            .iter()
            .filter(|b| b["type"] == "tool_result")
            .map(|b| b["tool_use_id"].as_str().unwrap())
            .collect();
        if role == "user" {
            assert_eq!(results, open, "{body}");
            assert!(
                blocks[..results.len()]
                    .iter()
                    .all(|b| b["type"] == "tool_result")
            );
            open.clear();
        } else {
            assert!(results.is_empty());
        }
        for block in blocks {
            match block["type"].as_str().unwrap() {
                "text" => assert!(!block["text"].as_str().unwrap().trim().is_empty()),
                "tool_use" => {
                    let id = block["id"].as_str().unwrap();
                    assert!(
                        !id.is_empty()
                            && id
                                .bytes()
                                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
                    );
                    assert!(used.insert(id) && block["input"].is_object() && role == "assistant");
                    open.push(id);
                }
                "thinking" => {
                    assert!(!block["signature"].as_str().unwrap().is_empty() && role == "assistant")
                }
                _ => {}
            }
        }
        before = role;
    }
    assert!(open.is_empty());
    let marks = body.to_string().matches("\"cache_control\"").count();
    assert!(marks <= 4, "{body}");
    assert!(
        body["tools"].is_array() || (body["tool_choice"].is_null() && used.is_empty()),
        "{body}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_refusal_or_a_legal_request(request in request(), model in prop::sample::select(vec![
        "claude-opus-4-8", "claude-opus-5-5", "claude-sonnet-4-5", "claude-3-haiku", "kimi-k3",
    ]), lossy: bool) {
        let case = Case { lossy, ..Case::model(model) };
        if let Ok(done) = case.try_run(&request) {
            check(&done.body, crate::models::ModelTable::new().lookup(model).mid_system);
            // The same request is always converted the same.
            prop_assert_eq!(&done.text, &case.try_run(&request).unwrap().text);
        }
    }
}
