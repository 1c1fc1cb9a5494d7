//! Whatever the items, the result is a conversation that Anthropic takes, or a refusal.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

fn item() -> impl Strategy<Value = Value> {
    let id = prop::sample::select(vec!["a", "b", "c.1", "c_1", ""]);
    let text = prop::sample::select(vec!["x", "", " ", "y\n"]);
    prop_oneof![
        text.clone().prop_map(user),
        text.clone().prop_map(|t| json!({"role": "developer", "content": t})),
        text.clone().prop_map(|t| json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": t}]})),
        Just(carrier(&[json!({"type": "thinking", "thinking": "t", "signature": "s"})])),
        Just(json!({"type": "reasoning", "summary": [], "encrypted_content": "foreign"})),
        Just(json!({"type": "web_search_call"})),
        id.clone().prop_map(|id| call(id, "f", "{}")),
        id.clone().prop_map(|id| json!({"type": "custom_tool_call", "call_id": id, "name": "p", "input": "i"})),
        (id, text).prop_map(|(id, t)| output(id, json!(t))),
    ]
}

/// Items in which each call is answered, if maybe late.
fn conversation() -> impl Strategy<Value = Vec<Value>> {
    (prop::collection::vec(item(), 0..12), any::<bool>()).prop_map(|(mut items, answered)| {
        if answered {
            let ids: Vec<Value> = items
                .iter()
                .filter(|item| {
                    item["type"]
                        .as_str()
                        .is_some_and(|kind| kind.ends_with("_call"))
                })
                .map(|item| item["call_id"].clone())
                .filter(Value::is_string)
                .collect();
            items.retain(|item| item["type"] != "function_call_output");
            items.extend(
                ids.iter()
                    .map(|id| output(id.as_str().unwrap(), json!("r"))),
            );
            items.push(user("end"));
        }
        items
    })
}

fn check(body: &Value) {
    let messages = body["messages"].as_array().unwrap();
    assert!(!messages.is_empty());
    assert_eq!(messages[0]["role"], "user");
    let mut open: Vec<&str> = Vec::new();
    let mut seen = HashSet::new();
    for (at, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap();
        let blocks = message["content"].as_array().unwrap();
        assert!(!blocks.is_empty());
        if at > 0 {
            assert_ne!(messages[at - 1]["role"], role);
        }
        if role == "system" {
            assert_eq!(messages[at - 1]["role"], "user");
            assert!(
                messages
                    .get(at + 1)
                    .is_none_or(|next| next["role"] == "assistant")
            );
            continue;
        }
        let results: Vec<&str> = blocks
            .iter()
            .take_while(|block| block["type"] == "tool_result")
            .map(|block| block["tool_use_id"].as_str().unwrap())
            .collect();
        assert!(
            blocks[results.len()..]
                .iter()
                .all(|block| block["type"] != "tool_result")
        );
        assert_eq!(results, open);
        open.clear();
        for block in blocks {
            match block["type"].as_str().unwrap() {
                "tool_use" => {
                    assert_eq!(role, "assistant");
                    let id = block["id"].as_str().unwrap();
                    assert!(seen.insert(id), "{id} twice");
                    open.push(id);
                }
                "text" => assert!(!block["text"].as_str().unwrap().trim().is_empty()),
                "thinking" => assert_eq!(role, "assistant"),
                _ => assert_eq!(role, "user"),
            }
        }
    }
    assert!(open.is_empty());
}

proptest! {
    #[test]
    fn conversations_are_legal(items in conversation(), model in prop::sample::select(vec!["claude-opus-4-8", "claude-sonnet-4-5"])) {
        match Case::model(model).try_with(json!({ "input": items })) {
            Ok(done) => check(&done.body),
            Err(refusal) => prop_assert!(!refusal.message.is_empty()),
        }
    }
}
