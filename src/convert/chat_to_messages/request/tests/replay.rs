//! Thinking that clients replay.

use serde_json::{Value, json};

use super::{Case, Done, text, user};
use crate::target::{Options, ThinkingBinding};

#[test]
fn thinking_is_replayed_byte_for_byte() {
    let replay = |fields: Value| {
        let mut assistant = json!({"role": "assistant", "content": "a"});
        for (key, value) in fields.as_object().unwrap() {
            assistant[key] = value.clone();
        }
        Case::default().say(json!([user(json!("u")), assistant, user(json!("v"))]))
    };
    let blocks = |done: &Done| done.body["messages"][1]["content"].clone();
    let thinking = json!({"type": "thinking", "thinking": "t", "signature": "Eq=="});
    let empty = json!({"type": "thinking", "thinking": "", "signature": "Eq2"});
    let redacted = json!({"type": "redacted_thinking", "data": "Em"});
    let indexed = |block: &Value, index: u8| {
        let mut b = block.clone();
        b["index"] = json!(index);
        b
    };
    let all = json!([thinking, empty, redacted, text("a")]);

    let done = replay(
        json!({"reasoning_content": "t", "thinking_blocks": [indexed(&thinking, 0), indexed(&empty, 1), indexed(&redacted, 2)]}),
    );
    assert_eq!(blocks(done.exact()), all);
    let done = replay(json!({"reasoning": "t", "reasoning_details": [
        {"type": "reasoning.text", "text": "t", "signature": "Eq==", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.text", "text": "", "signature": "Eq2", "index": 1},
        {"type": "reasoning.encrypted", "data": "Em", "format": "anthropic-claude-v1", "index": 2},
        {"type": "reasoning.encrypted", "data": "no", "format": "openai-responses-v1", "index": 3},
        {"type": "reasoning.text", "text": "unsigned", "format": "anthropic-claude-v1"}]}));
    assert_eq!(blocks(done.dropped("messages[].reasoning_details")), all);
    let done = replay(json!({"content": [thinking, empty, redacted, text("a")]}));
    assert_eq!(blocks(done.exact()), all);
    let done = replay(json!({"content_blocks": [thinking, empty, redacted, text("a")]}));
    assert_eq!(blocks(done.exact()), all);
    // The first field that holds any wins.
    let done = replay(
        json!({"thinking_blocks": [redacted], "reasoning_details": [{"type": "reasoning.text", "text": "t", "signature": "x"}]}),
    );
    assert_eq!(blocks(&done), json!([redacted, text("a")]));

    let done = replay(json!({"reasoning_content": "t"}));
    assert_eq!(
        blocks(done.dropped("messages[].reasoning_content")),
        json!([text("a")])
    );
    for lost in [
        json!({"type": "thinking", "thinking": "t"}),
        json!({"type": "thinking", "thinking": "t", "signature": ""}),
        json!({"type": "thinking", "thinking": "t", "signature": "tlg1.openai.e30"}),
        json!({"type": "redacted_thinking", "data": "tlg1.openai.e30"}),
    ] {
        let done = replay(json!({"thinking_blocks": [lost]}));
        assert_eq!(
            blocks(done.dropped("messages[].thinking_blocks")),
            json!([text("a")])
        );
    }
    let raw = r#"{"messages":[{"role":"user","content":"u"},{"role":"assistant","content":"a","thinking_blocks":[{"type":"thinking","thinking":"\u00e9 \/ \n","signature":"a\/b"}]},{"role":"user","content":"v"}]}"#;
    assert!(
        Case::default()
            .try_run_text(raw)
            .unwrap()
            .text
            .contains(r#"{"type":"thinking","thinking":"\u00e9 \/ \n","signature":"a\/b"}"#)
    );
}

#[test]
fn replayed_signatures_that_are_bound_may_be_dropped_by_anthropic() {
    let messages = json!([user(json!("u")), {"role": "assistant", "content": "a",
        "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}]}, user(json!("v"))]);
    let binding = json!({"prefix_mismatch_behavior": "drop_block"});
    let bound = Case::model("claude-opus-5-5");
    let done = bound.say(messages.clone());
    done.has(
        "thinking",
        json!({"type": "adaptive", "block_binding": binding}),
    );
    assert_eq!(
        done.header("anthropic-beta"),
        Some("thinking-binding-controls-2026-08-01")
    );
    bound
        .with(json!({"messages": messages, "reasoning_effort": "high"}))
        .has(
            "thinking",
            json!({"type": "adaptive", "display": "summarized", "block_binding": binding}),
        );
    bound
        .with(json!({"messages": messages, "thinking": {"type": "adaptive", "display": "omitted"}}))
        .has(
            "thinking",
            json!({"type": "adaptive", "display": "omitted", "block_binding": binding}),
        );
    assert_eq!(bound.with(json!({})).header("anthropic-beta"), None);
    assert_eq!(
        Case::default()
            .say(messages.clone())
            .header("anthropic-beta"),
        None
    );
    let off = Case {
        options: Options {
            thinking_binding: Some(ThinkingBinding::Off),
            ..Options::default()
        },
        ..Case::model("claude-opus-5-5")
    };
    let done = off.say(messages);
    done.has("thinking", Value::Null);
    assert_eq!(done.header("anthropic-beta"), None);
}
