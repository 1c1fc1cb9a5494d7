//! Whatever a client sends: a refusal, or a request that Converse takes.

use proptest::prelude::*;

use super::*;
use crate::convert::request_case::chat::{content, part, turn, word};

fn request() -> impl Strategy<Value = Value> {
    let members = prop::collection::vec(
        (
            prop::sample::select(vec![
                "temperature",
                "top_p",
                "top_k",
                "stop",
                "tools",
                "tools",
                "tool_choice",
                "tool_choice",
                "parallel_tool_calls",
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
                "service_tier",
                "guardrail_config",
                "other",
            ]),
            prop_oneof![
                word(),
                prop::sample::select(vec![
                    json!("auto"),
                    json!("none"),
                    json!("required"),
                    json!("high"),
                    json!(0.5),
                    json!(100),
                    json!(false),
                    json!([{"type": "function", "function": {"name": "g.h"}}]),
                    json!([{"type": "custom", "custom": {"name": "f"}, "cache_control": {"type": "ephemeral"}}]),
                    json!([{"type": "odd"}, {"type": "bash_20250124", "name": "bash"}]),
                    json!({"type": "json_object"}),
                    json!({"type": "adaptive"}),
                    json!({"effort": "low"}),
                    json!({"type": "function", "function": {"name": "f"}}),
                ]),
            ],
        ),
        0..5,
    );
    (prop::collection::vec(turn(), 0..6), members).prop_map(|(turns, members)| {
        let mut body = json!({"model": "m", "messages": turns.concat()});
        for (key, value) in members {
            body[key] = value;
        }
        body
    })
}

fn kind(block: &Value) -> &str {
    let object = block.as_object().unwrap();
    assert_eq!(object.len(), 1, "{block}");
    object.keys().next().unwrap()
}

fn ids<'a>(blocks: &'a [Value], kind: &str) -> Vec<&'a str> {
    let mut ids: Vec<_> = blocks
        .iter()
        .filter_map(|block| block[kind]["toolUseId"].as_str())
        .collect();
    ids.sort_unstable();
    ids
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':'))
}

/// What Converse checks before any model sees a request.
fn check(body: &Value) {
    let members = [
        "messages",
        "system",
        "inferenceConfig",
        "toolConfig",
        "guardrailConfig",
        "additionalModelRequestFields",
        "additionalModelResponseFieldPaths",
        "requestMetadata",
        "performanceConfig",
        "serviceTier",
        "outputConfig",
    ];
    for key in body.as_object().unwrap().keys() {
        assert!(members.contains(&key.as_str()), "{key}");
    }
    let mut open: Vec<&str> = Vec::new();
    let mut any_calls = false;
    let list = body["messages"].as_array().unwrap();
    assert!(!list.is_empty());
    for (at, message) in list.iter().enumerate() {
        let role = if at % 2 == 0 { "user" } else { "assistant" };
        assert_eq!(message["role"], role, "{body}");
        let blocks = message["content"].as_array().unwrap();
        assert!(!blocks.is_empty());
        let mut before = "reasoningContent";
        let mut results = true;
        for block in blocks {
            let kind = kind(block);
            match kind {
                "text" => assert!(!block["text"].as_str().unwrap().trim().is_empty()),
                "cachePoint" => assert_ne!(before, "reasoningContent", "{body}"),
                "toolUse" => {
                    assert!(block["toolUse"]["input"].is_object() && role == "assistant");
                    assert!(is_name(block["toolUse"]["toolUseId"].as_str().unwrap()));
                    assert!(is_name(block["toolUse"]["name"].as_str().unwrap()));
                }
                "toolResult" => {
                    assert!(role == "user" && results);
                    assert!(
                        !block["toolResult"]["content"]
                            .as_array()
                            .unwrap()
                            .is_empty()
                    );
                }
                "reasoningContent" => assert_eq!(role, "assistant"),
                _ => assert_eq!(role, "user"),
            }
            results &= matches!(kind, "toolResult" | "cachePoint");
            before = kind;
        }
        if role == "user" {
            assert_eq!(ids(blocks, "toolResult"), open, "{body}");
            open = Vec::new();
        } else {
            open = ids(blocks, "toolUse");
            let mut distinct = open.clone();
            distinct.dedup();
            assert_eq!(distinct, open);
            any_calls |= !open.is_empty();
        }
        if blocks.iter().any(|block| kind(block) == "document") {
            assert!(blocks.iter().any(|block| kind(block) == "text"));
        }
    }
    assert!(open.is_empty(), "{body}");
    assert!(body.to_string().matches("{\"cachePoint\"").count() <= 4);
    let config = &body["toolConfig"];
    assert!(config.is_object() || !any_calls, "{body}");
    if let Some(tools) = config.get("tools") {
        assert!(!tools.as_array().unwrap().is_empty());
    }
    let additional = &body["additionalModelRequestFields"]["tool_choice"];
    if config["toolChoice"].is_object() {
        assert!(additional["type"].is_null(), "{body}");
    } else if additional.is_object() {
        assert!(additional["type"].is_string(), "{body}");
    }
    for empty in [
        "system",
        "inferenceConfig",
        "additionalModelRequestFields",
        "requestMetadata",
    ] {
        assert!(
            body[empty] != json!([]) && body[empty] != json!({}),
            "{body}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_refusal_or_a_request_that_converse_takes(request in request(), model in prop::sample::select(vec![
        SONNET, OPUS_4_6, OPUS_4_7, NOVA_2, NOVA, GPT_OSS, GPT, LLAMA,
    ]), lossy: bool, extensions: bool) {
        let mut case = Case::model(model).options(|options| options.bedrock_extensions = Some(extensions));
        case.lossy = lossy;
        if let Ok(done) = case.try_run(&request) {
            check(&done.body);
            // The same request is always converted the same.
            prop_assert_eq!(&done.text, &case.try_run(&request).unwrap().text);
        }
    }

    #[test]
    fn any_member_of_any_type_is_no_panic(name in prop::sample::select(vec![
        "messages", "tools", "functions", "stop", "response_format", "stream_options", "metadata", "thinking", "reasoning", "model",
        "web_search_options", "tool_choice", "function_call", "moderation", "prompt_cache_options", "stream",
    ]), value in prop_oneof![word(), part(), content()]) {
        let mut request = json!({"model": "m", "messages": [user("q")]});
        request[name] = value;
        if let Ok(done) = Case::default().try_run(&request) {
            check(&done.body);
        }
    }
}
