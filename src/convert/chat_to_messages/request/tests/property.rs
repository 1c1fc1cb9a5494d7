//! Whatever a client sends: a refusal, or a request that Anthropic's rules on the order of messages allow.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Case;
use crate::convert::request_case::chat::{turn, word};

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
