//! How much the model thinks, and what it gets back of what it thought.

use super::*;

const NATIVE: &str = "RW5jcnlwdGVkVGhpbmtpbmdCbG9i";
const OPAQUE: &str =
    "tlg1.converse.eyJ2IjoxLCJibG9ja3MiOlt7InJlZGFjdGVkQ29udGVudCI6ImNuTnVYMkZpWTJRPSJ9XX0";

#[test]
fn efforts_in_each_familys_words() {
    let summarized = json!({"type": "adaptive", "display": "summarized"});
    for (model, effort, expected) in [
        (
            OPUS_4_6,
            "xhigh",
            json!({"thinking": summarized, "output_config": {"effort": "high"}}),
        ),
        (
            OPUS_4_7,
            "minimal",
            json!({"thinking": summarized, "output_config": {"effort": "low"}}),
        ),
        (
            SONNET,
            "medium",
            json!({"thinking": {"type": "enabled", "budget_tokens": 2048}}),
        ),
        (
            NOVA_2,
            "low",
            json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}),
        ),
        (GPT_OSS, "max", json!({"reasoning_effort": "high"})),
        (GPT, "low", json!({"reasoning": {"effort": "low"}})),
    ] {
        Case::model(model)
            .with(json!({"reasoning_effort": effort}))
            .has("/additionalModelRequestFields", expected)
            .approximated("reasoning_effort");
    }
    for model in [LLAMA, NOVA, "us.deepseek.r1-v1:0"] {
        Case::model(model)
            .with(json!({"reasoning_effort": "high"}))
            .has("/additionalModelRequestFields", json!(null))
            .dropped("reasoning_effort");
    }
    Case::default()
        .with(json!({"reasoning_effort": "none"}))
        .has("/additionalModelRequestFields", json!(null))
        .exact();
    Case::default().invalid("reasoning_effort", json!({"reasoning_effort": "huge"}));
}

#[test]
fn budgets_fit_the_limit_and_thinking_yields_to_forced_tools() {
    let case = Case::default();
    case.with(json!({"reasoning_effort": "high", "max_tokens": 2000}))
        .has(
            "/additionalModelRequestFields/thinking/budget_tokens",
            json!(1999),
        );
    case.with(json!({"reasoning_effort": "high", "max_tokens": 1024}))
        .has("/additionalModelRequestFields", json!(null))
        .dropped("reasoning_effort");
    let forced =
        json!({"reasoning_effort": "high", "tools": [function("f")], "tool_choice": "required"});
    case.with(forced)
        .has("/additionalModelRequestFields", json!(null))
        .has("/toolConfig/toolChoice", json!({"any": {}}))
        .dropped("reasoning_effort");
    // An answer that was begun is finished without thinking.
    case.with(json!({"reasoning_effort": "high", "messages": [user("q"), assistant("So")]}))
        .has("/additionalModelRequestFields", json!(null))
        .dropped("reasoning_effort");
    case.with(json!({"reasoning_effort": "low", "temperature": 0.5, "top_p": 0.9}))
        .has("/inferenceConfig", json!(null))
        .dropped("temperature")
        .dropped("top_p");
    case.with(json!({"reasoning_effort": "low", "top_p": 0.97}))
        .has("/inferenceConfig", json!({"topP": 0.97}));
    // The highest effort of Nova 2 stands alone.
    Case::model(NOVA_2)
        .with(json!({"reasoning_effort": "high", "max_tokens": 5, "temperature": 0.5}))
        .has("/inferenceConfig", json!(null))
        .dropped("max_tokens")
        .dropped("temperature");
}

#[test]
fn anthropics_and_openrouters_words() {
    let own = json!({"type": "enabled", "budget_tokens": 4000, "display": "omitted"});
    Case::default()
        .with(json!({"thinking": own, "reasoning_effort": "low"}))
        .has("/additionalModelRequestFields", json!({"thinking": own}))
        .dropped("reasoning_effort");
    Case::model(GPT_OSS)
        .with(json!({"thinking": own}))
        .has(
            "/additionalModelRequestFields",
            json!({"reasoning_effort": "medium"}),
        )
        .approximated("thinking");
    Case::model(OPUS_4_6)
        .with(json!({"thinking": {"type": "adaptive"}, "reasoning_effort": "low"}))
        .has(
            "/additionalModelRequestFields",
            json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        );
    for (reasoning, budget) in [
        (json!({"effort": "high"}), 4096),
        (json!({"max_tokens": 9000}), 8192),
        (json!({"enabled": true}), 2048),
    ] {
        Case::default()
            .with(json!({"reasoning": reasoning}))
            .has(
                "/additionalModelRequestFields/thinking/budget_tokens",
                json!(budget),
            )
            .approximated("reasoning");
    }
    Case::default()
        .with(json!({"reasoning": {"enabled": false}}))
        .has("/additionalModelRequestFields", json!(null));
    let case = Case::default();
    case.invalid("thinking.type", json!({"thinking": {"type": "odd"}}));
    case.invalid("thinking", json!({"thinking": true}));
    case.invalid(
        "reasoning.max_tokens",
        json!({"reasoning": {"max_tokens": 0}}),
    );
}

#[test]
fn the_effort_may_stand_at_the_top() {
    Case::model(OPUS_4_6)
        .options(|options| options.effort_field = Some(crate::target::EffortField::TopLevel))
        .with(json!({"reasoning_effort": "high"}))
        .has("/outputConfig", json!({"effort": "high"}))
        .has("/additionalModelRequestFields/output_config", json!(null));
    Case::model("anthropic.claude-opus-4-5-20251101-v1:0")
        .with(json!({"thinking": {"type": "adaptive"}, "reasoning_effort": "high"}))
        .has(
            "/additionalModelRequestFields/anthropic_beta",
            json!(["effort-2025-11-24"]),
        );
}

fn replay(model: &'static str, message: Value) -> Done {
    Case::model(model).say(json!([user("q"), message, user("r")]))
}

#[test]
fn signed_reasoning_comes_back_as_it_was_and_nothing_else() {
    let signed = json!({"type": "thinking", "thinking": "pl\u{e9}n\n", "signature": "EqQB"});
    let message = json!({"role": "assistant", "content": "x", "reasoning_content": "plan", "thinking_blocks": [
        {"index": 0, "type": "thinking", "thinking": "pl\u{e9}n\n", "signature": "EqQB"},
        {"type": "redacted_thinking", "data": NATIVE},
        {"type": "redacted_thinking", "data": OPAQUE},
        {"type": "thinking", "thinking": "unsigned", "signature": ""},
        {"type": "thinking", "thinking": "foreign", "signature": "tlg1.plain.e30"},
        {"type": "redacted_thinking", "data": "tlg1.openai.e30"},
    ]});
    let text_block = json!({"reasoningContent": {"reasoningText": {"text": signed["thinking"], "signature": "EqQB"}}});
    let native = json!({"reasoningContent": {"redactedContent": "Ulc1amNubHdkR1ZrVkdocGJtdHBibWRDYkc5aQ=="}});
    let opaque = json!({"reasoningContent": {"redactedContent": "cnNuX2FiY2Q="}});
    let done = replay(SONNET, message.clone());
    done.has(
        "/messages/1/content",
        json!([text_block, native, opaque, text("x")]),
    )
    .dropped("messages[].thinking_blocks");
    assert!(!done.text.contains("unsigned") && !done.text.contains("foreign"));
    replay(GPT, message.clone())
        .has("/messages/1/content", json!([native, opaque, text("x")]))
        .dropped("messages[].thinking_blocks");
    for model in [NOVA_2, GPT_OSS, LLAMA] {
        replay(model, message.clone())
            .has("/messages/1/content", json!([text("x")]))
            .dropped("messages[].thinking_blocks");
    }
    let done = replay(
        SONNET,
        json!({"role": "assistant", "content": "x", "reasoning_details": [
            {"type": "reasoning.text", "text": "plan", "signature": "EqQB", "format": "anthropic-claude-v1"},
            {"type": "reasoning.encrypted", "data": NATIVE, "format": "openai-responses-v1"}]}),
    );
    done.has("/messages/1/content/1", text("x"))
        .dropped("messages[].reasoning_details");
    // Text that nobody signed cannot go back.
    replay(
        SONNET,
        json!({"role": "assistant", "content": "x", "reasoning_content": "plan"}),
    )
    .has("/messages/1/content", json!([text("x")]))
    .dropped("messages[].reasoning_content");
}

#[test]
fn a_loop_without_reasoning_is_not_given_a_budget() {
    let calls = |blocks: Value| {
        json!([user("q"),
            {"role": "assistant", "content": null, "thinking_blocks": blocks, "tool_calls": [call("a", "f", "{}")]},
            answer("a", "x")])
    };
    let signed = json!([{"type": "thinking", "thinking": "t", "signature": "EqQB"}]);
    let ask = |model: &'static str, blocks: &Value| {
        Case::model(model).with(json!({"messages": calls(blocks.clone()), "tools": [function("f")], "reasoning_effort": "low"}))
    };
    ask(SONNET, &json!([]))
        .has("/additionalModelRequestFields", json!(null))
        .dropped("reasoning_effort");
    ask(SONNET, &signed).has(
        "/additionalModelRequestFields/thinking/budget_tokens",
        json!(1024),
    );
    ask(OPUS_4_6, &json!([])).has(
        "/additionalModelRequestFields/thinking/type",
        json!("adaptive"),
    );
}

#[test]
fn reasoning_of_earlier_turns_can_be_left_out() {
    let thought = |text_: &str| {
        json!({"role": "assistant", "content": null, "tool_calls": [call(text_, "f", "{}")],
            "thinking_blocks": [{"type": "thinking", "thinking": text_, "signature": "EqQB"}]})
    };
    let messages = json!([
        user("q"),
        thought("old"),
        answer("old", "x"),
        user("r"),
        thought("new"),
        answer("new", "y")
    ]);
    let strict = Case::default().options(|options| options.strip_foreign_reasoning = Some(true));
    let done = strict.say(messages.clone());
    done.has("/messages/1/content/1", json!(null))
        .has(
            "/messages/3/content/0/reasoningContent/reasoningText/text",
            json!("new"),
        )
        .dropped("messages[].thinking_blocks");
    Case::default().say(messages).has(
        "/messages/1/content/0/reasoningContent/reasoningText/text",
        json!("old"),
    );
}
