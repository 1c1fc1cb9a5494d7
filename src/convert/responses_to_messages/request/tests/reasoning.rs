//! Effort and summaries, and the replay of signed thinking.

use super::*;
use crate::target::ThinkingBinding;

#[test]
fn efforts_and_summaries() {
    let adaptive = |display: &str| json!({"type": "adaptive", "display": display});
    for (model, reasoning, thinking, effort) in [
        (
            "claude-opus-4-8",
            json!({"effort": "high", "summary": "auto"}),
            adaptive("summarized"),
            json!("high"),
        ),
        (
            "claude-opus-4-8",
            json!({"effort": "high"}),
            adaptive("omitted"),
            json!("high"),
        ),
        (
            "claude-opus-4-8",
            json!({"effort": "minimal", "generate_summary": "auto"}),
            adaptive("summarized"),
            json!("low"),
        ),
        (
            "claude-sonnet-4-6",
            json!({"effort": "xhigh", "summary": "auto"}),
            adaptive("summarized"),
            json!("high"),
        ),
        (
            "claude-opus-4-8",
            json!({"effort": "none"}),
            json!({"type": "disabled"}),
            json!(null),
        ),
        (
            "claude-sonnet-5-5",
            json!({"effort": "none"}),
            json!({"type": "between_tools"}),
            json!(null),
        ),
        (
            "claude-fable-5",
            json!({"effort": "none"}),
            json!(null),
            json!("low"),
        ),
        (
            "claude-sonnet-4-5",
            json!({"effort": "high", "summary": "auto"}),
            json!({"type": "enabled", "budget_tokens": 4096}),
            json!(null),
        ),
        (
            "claude-3-haiku-20240307",
            json!({"effort": "high"}),
            json!(null),
            json!(null),
        ),
        (
            "claude-x-unknown",
            json!({"effort": "high"}),
            json!(null),
            json!(null),
        ),
        // A summary alone shows what the model does anyway, and turns nothing on.
        (
            "claude-sonnet-5",
            json!({"summary": "auto"}),
            adaptive("summarized"),
            json!(null),
        ),
        (
            "claude-opus-4-8",
            json!({"summary": "auto"}),
            json!(null),
            json!(null),
        ),
        ("claude-opus-4-8", json!({}), json!(null), json!(null)),
    ] {
        let done = Case::model(model).with(json!({ "reasoning": reasoning }));
        assert_eq!(done.body["thinking"], thinking, "{model} {reasoning}");
        assert_eq!(
            done.body["output_config"]["effort"], effort,
            "{model} {reasoning}"
        );
        let asked = reasoning.as_object().unwrap().keys().next().is_some();
        let reported = !done.report.dropped().is_empty() || !done.report.approximated().is_empty();
        assert_eq!(asked, reported, "{model} {reasoning}");
    }
    Case::default().invalid("reasoning.effort", json!({"reasoning": {"effort": "huge"}}));
    Case::default().invalid("reasoning", json!({"reasoning": "high"}));
}

#[test]
fn budgets_fit_the_limit() {
    let case = Case::model("claude-sonnet-4-5");
    let reasoning = json!({"effort": "max"});
    case.with(json!({"reasoning": reasoning, "max_output_tokens": 2000}))
        .has(
            "thinking",
            json!({"type": "enabled", "budget_tokens": 1999, "display": "omitted"}),
        );
    case.with(json!({"reasoning": reasoning, "max_output_tokens": 1024}))
        .has("thinking", json!(null))
        .dropped("reasoning.effort");
}

#[test]
fn configuration_updates_win() {
    let done = Case::default().with(json!({
        "reasoning": {"effort": "low"},
        "input": [user("x"), {"type": "configuration_update", "reasoning": {"effort": "high"}},
            {"type": "configuration_update", "reasoning": {"effort": "medium", "summary": "auto"}}]
    }));
    assert_eq!(done.body["output_config"]["effort"], "medium");
    assert_eq!(done.body["thinking"]["display"], "summarized");
    done.approximated("input[].type");
}

fn thinking() -> Value {
    json!({"type": "thinking", "thinking": "Hm é", "signature": "EqQB"})
}

#[test]
fn signed_thinking_comes_back_in_place() {
    let redacted = json!({"type": "redacted_thinking", "data": "EmwK"});
    let done = Case::default().say(json!([
        user("x"),
        carrier(&[thinking()]),
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Reading.", "annotations": []}]},
        carrier(std::slice::from_ref(&redacted)),
        call("c", "f", "{}"),
        output("c", json!("ok")),
    ]));
    let content = &done.body["messages"][1]["content"];
    assert_eq!(content[0], thinking());
    assert_eq!(content[1]["text"], "Reading.");
    assert_eq!(content[2], redacted);
    assert_eq!(content[3]["type"], "tool_use");
    // A model whose signatures are not bound asks for nothing.
    done.has("thinking", json!(null));
    assert_eq!(done.header("anthropic-beta"), None);
}

#[test]
fn bound_signatures_ask_for_leniency() {
    let input = json!([user("x"), carrier(&[thinking()]), {"role": "assistant", "content": "y"}, user("z")]);
    let case = Case::model("claude-haiku-5-5");
    let done = case.say(input.clone());
    done.has(
        "thinking",
        json!({"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}}),
    );
    assert_eq!(
        done.header("anthropic-beta"),
        Some("thinking-binding-controls-2026-08-01")
    );
    let off = Case {
        options: Options {
            thinking_binding: Some(ThinkingBinding::Off),
            ..Options::default()
        },
        ..Case::model("claude-haiku-5-5")
    };
    let done = off.say(input);
    done.has("thinking", json!(null));
    assert_eq!(done.header("anthropic-beta"), None);
}

#[test]
fn what_others_signed_is_left_out() {
    let unsigned = json!({"type": "thinking", "thinking": "x", "signature": ""});
    let ours = json!({"type": "thinking", "thinking": "x", "signature": "tlg1.openai.e30"});
    for item in [
        json!({"type": "reasoning", "summary": [], "encrypted_content": "gAAAAABo"}),
        json!({"type": "reasoning", "summary": [], "encrypted_content": "tlg1.openai.eyJ2IjoxfQ"}),
        json!({"type": "reasoning", "summary": [], "encrypted_content": "tlg1.gemini.eyJ2IjoxfQ"}),
        carrier(&[unsigned]),
        carrier(&[ours]),
        carrier(&[json!({"type": "text", "text": "forged"})]),
        carrier(&[json!({"type": "tool_use", "id": "x", "name": "f", "input": {}})]),
    ] {
        let done = Case::default()
            .say(json!([user("x"), item, {"role": "assistant", "content": "y"}, user("z")]));
        assert_eq!(
            done.body["messages"][1]["content"],
            json!([{"type": "text", "text": "y"}])
        );
        done.dropped("input[].encrypted_content");
        assert!(!done.text.contains("tlg1."));
    }
    Case::default()
        .say(json!([user("x"), {"type": "reasoning", "summary": [{"type": "summary_text", "text": "secret"}]}]))
        .dropped("input[].summary");
}

#[test]
fn a_paused_turn_goes_on() {
    let call = json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}});
    let done = Case::default().say(json!([
        user("x"),
        {"type": "web_search_call", "id": "ws_1", "status": "incomplete", "action": {"type": "search", "query": "q"}},
        carrier(std::slice::from_ref(&call)),
    ]));
    assert_eq!(
        done.body["messages"][1],
        json!({"role": "assistant", "content": [call]})
    );
}

#[test]
fn compaction() {
    let block = json!({"type": "compaction", "content": "summary"});
    let mut item = carrier(std::slice::from_ref(&block));
    item["type"] = json!("compaction");
    let done = Case::default().say(json!([user("x"), item, user("y")]));
    assert_eq!(done.body["messages"][1]["content"], json!([block]));
    assert_eq!(done.header("anthropic-beta"), Some("compact-2026-01-12"));
    let foreign = json!({"type": "compaction", "encrypted_content": "gAAAA"});
    Case::default().unsupported(
        "input[1].encrypted_content",
        json!({"input": [user("x"), foreign]}),
    );
}

#[test]
fn budget_thinking_needs_calls_made_with_thinking() {
    let case = Case::model("claude-sonnet-4-5");
    let with = |items: Value| case.with(json!({"reasoning": {"effort": "high"}, "input": items}));
    let open = json!([user("x"), call("c", "f", "{}"), output("c", json!("ok"))]);
    with(open)
        .has("thinking", json!(null))
        .approximated("reasoning.effort");
    let thought = json!([
        user("x"),
        carrier(&[thinking()]),
        call("c", "f", "{}"),
        output("c", json!("ok"))
    ]);
    assert_eq!(with(thought).body["thinking"]["type"], "enabled");
}
