//! Reasoning that comes back.

use super::*;

const OPAQUE: &str =
    "tlg1.converse.eyJ2IjoxLCJibG9ja3MiOlt7InJlZGFjdGVkQ29udGVudCI6ImNuTnVYMkZpWTJRPSJ9XX0";

fn with(reasoning: Value) -> Value {
    json!({
        "tools": [function("f")], "reasoning": {"effort": "low"},
        "input": [user("q"), reasoning, call("1", "f", "{}"), output("1", json!("r"))]})
}

#[test]
fn signed_and_redacted_blocks_stand_before_their_call() {
    let blocks = [
        json!({"type": "thinking", "thinking": "plan", "signature": "EqQB"}),
        json!({"type": "redacted_thinking", "data": "RW5jcnlwdGVkVGhpbmtpbmdCbG9i"}),
        json!({"type": "text", "text": "not reasoning"}),
    ];
    let done = Case::default().with(with(carrier(&blocks)));
    done.has(
        "/messages/1/content",
        json!([
            {"reasoningContent": {"reasoningText": {"text": "plan", "signature": "EqQB"}}},
            {"reasoningContent": {"redactedContent": "Ulc1amNubHdkR1ZrVkdocGJtdHBibWRDYkc5aQ=="}},
            used("1", "f", json!({}))]),
    )
    .has(
        "/additionalModelRequestFields/thinking",
        json!({"type": "enabled", "budget_tokens": 1024}),
    );
}

#[test]
fn opaque_blocks_go_back_to_models_that_seal_theirs() {
    let item = json!({"type": "reasoning", "summary": [], "encrypted_content": OPAQUE});
    Case::model(GPT).with(with(item.clone())).has(
        "/messages/1/content/0",
        json!({"reasoningContent": {"redactedContent": "cnNuX2FiY2Q="}}),
    );
    // Only these: text is refused by them, and others take nothing back.
    Case::model(GPT)
        .with(with(signed()))
        .has("/messages/1/content/1", json!(null))
        .dropped("input[].encrypted_content");
    for model in [NOVA_2, LLAMA, GPT_OSS] {
        for item in [item.clone(), signed()] {
            Case::model(model)
                .with(with(item))
                .has("/messages/1/content/1", json!(null))
                .dropped("input[].encrypted_content");
        }
    }
}

#[test]
fn what_is_foreign_or_unsigned_is_left_out_and_keeps_claude_from_a_budget() {
    for (item, field) in [
        (
            json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "s"}]}),
            "input[].summary",
        ),
        (
            json!({"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}),
            "input[].encrypted_content",
        ),
        (
            json!({"type": "reasoning", "summary": [], "encrypted_content": "tlg1.gemini.eyJ2IjoxLCJzaWdzIjpbXX0"}),
            "input[].encrypted_content",
        ),
        (
            carrier(&[json!({"type": "thinking", "thinking": "t", "signature": ""})]),
            "input[].encrypted_content",
        ),
    ] {
        let done = Case::default().with(with(item.clone()));
        done.has("/messages/1/content", json!([used("1", "f", json!({}))]))
            .has("/additionalModelRequestFields", json!(null))
            .dropped(field)
            .dropped("reasoning.effort");
        assert!(!done.text.contains("\"s\""), "it never becomes text");
        // Claude models that decide themselves how much they think do not mind.
        Case::model(OPUS_4_6).with(with(item)).has(
            "/additionalModelRequestFields/thinking/type",
            json!("adaptive"),
        );
    }
}

#[test]
fn reasoning_before_the_last_words_can_be_left_out() {
    let input = json!([
        user("a"),
        signed(),
        assistant("b"),
        user("c"),
        signed(),
        call("1", "f", "{}"),
        output("1", json!("r"))
    ]);
    let done = Case::default().say(input.clone());
    assert_eq!(done.text.matches("reasoningContent").count(), 2);
    let done = Case::default()
        .options(|options| options.strip_foreign_reasoning = Some(true))
        .say(input);
    assert_eq!(done.text.matches("reasoningContent").count(), 1);
    done.dropped("input[].encrypted_content")
        .has("/messages/1/content", json!([{"text": "b"}]));
}

#[test]
fn a_cache_point_does_not_follow_reasoning() {
    let done = Case::default().with(json!({"tools": [function("f")], "input": [
        user("a"), signed(),
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": " ", "prompt_cache_breakpoint": {"mode": "explicit"}}]},
        call("1", "f", "{}"), output("1", json!("r"))]}));
    done.dropped("input[].content[].prompt_cache_breakpoint");
}
