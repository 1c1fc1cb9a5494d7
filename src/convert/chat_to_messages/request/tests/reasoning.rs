//! Thinking and effort, for each kind of model.

use serde_json::{Value, json};

use super::{Case, answer, call, function};

/// Budgets only; adaptive, off by default; adaptive and always on; adaptive or between tools; none at all; unknown.
const BUDGET: &str = "claude-sonnet-4-5";
const BOTH: &str = "claude-opus-4-6";
const ADAPTIVE: &str = "claude-opus-4-7";
const ALWAYS: &str = "claude-opus-5-5";
const BETWEEN: &str = "claude-sonnet-5-5";
const NEVER: &str = "claude-3-5-haiku-latest";
const UNKNOWN: &str = "claude-next-9";

fn enabled(budget: u64) -> Value {
    json!({"type": "enabled", "budget_tokens": budget})
}

fn adaptive() -> Value {
    json!({"type": "adaptive", "display": "summarized"})
}

#[test]
fn efforts() {
    for (effort, level, budget) in [
        ("minimal", "low", 1024),
        ("low", "low", 1024),
        ("medium", "medium", 2048),
        ("high", "high", 4096),
        ("xhigh", "xhigh", 8192),
        ("max", "max", 16_384),
    ] {
        let asked = json!({ "reasoning_effort": effort });
        for model in [ADAPTIVE, ALWAYS, BETWEEN] {
            Case::model(model)
                .with(asked.clone())
                .approximated("reasoning_effort")
                .has("thinking", adaptive())
                .has("output_config", json!({ "effort": level }));
        }
        Case::model(BUDGET)
            .with(asked.clone())
            .approximated("reasoning_effort")
            .has("thinking", enabled(budget))
            .has("output_config", Value::Null);
        Case::model(NEVER)
            .with(asked.clone())
            .dropped("reasoning_effort")
            .has("thinking", Value::Null);
        Case::model(UNKNOWN)
            .with(asked)
            .dropped("reasoning_effort")
            .has("thinking", Value::Null)
            .has("output_config", Value::Null);
    }
    // The nearest lower level that the model has.
    Case::model(BOTH)
        .with(json!({"reasoning_effort": "xhigh"}))
        .has("thinking", adaptive())
        .has("output_config", json!({"effort": "high"}));
    Case::default()
        .with(json!({"reasoning_effort": null}))
        .exact()
        .has("thinking", Value::Null);
    Case::default().invalid("reasoning_effort", json!({"reasoning_effort": "extreme"}));
    Case::default().invalid("reasoning_effort", json!({"reasoning_effort": 5}));
}

#[test]
fn no_effort_at_all() {
    let none = json!({"reasoning_effort": "none"});
    for model in [BUDGET, BOTH, ADAPTIVE, "claude-haiku-5-5"] {
        Case::model(model)
            .with(none.clone())
            .has("thinking", json!({"type": "disabled"}))
            .has("output_config", Value::Null);
    }
    Case::model(BETWEEN)
        .with(none.clone())
        .has("thinking", json!({"type": "between_tools"}));
    Case::model(ALWAYS)
        .with(none.clone())
        .approximated("reasoning_effort")
        .has("thinking", Value::Null)
        .has("output_config", json!({"effort": "low"}));
    Case::model(NEVER)
        .with(none.clone())
        .exact()
        .has("thinking", Value::Null);
    Case::model(UNKNOWN)
        .with(none)
        .dropped("reasoning_effort")
        .has("thinking", Value::Null);
}

#[test]
fn budgets_fit_the_output() {
    let case = Case::model(BUDGET);
    case.with(json!({"reasoning_effort": "high", "max_tokens": 3000}))
        .has("thinking", enabled(2999));
    case.with(json!({"reasoning_effort": "high", "max_tokens": 1025}))
        .has("thinking", enabled(1024));
    case.with(json!({"reasoning_effort": "high", "max_tokens": 1024}))
        .dropped("reasoning_effort")
        .has("thinking", Value::Null);
    case.with(json!({"thinking": enabled(9000), "max_tokens": 3000}))
        .approximated("thinking")
        .has("thinking", enabled(2999));
    case.with(json!({"thinking": enabled(100), "max_tokens": 3000}))
        .approximated("thinking")
        .has("thinking", enabled(1024));
}

#[test]
fn anthropics_own_object_wins_and_is_adapted() {
    let own = json!({"type": "enabled", "budget_tokens": 5000, "display": "omitted"});
    let asked = |thinking: &Value| json!({"thinking": thinking, "max_tokens": 9000});
    Case::model(BUDGET)
        .with(asked(&own))
        .exact()
        .has("thinking", own.clone());
    Case::model(BOTH)
        .with(asked(&own))
        .exact()
        .has("thinking", own.clone());
    Case::model(UNKNOWN)
        .with(asked(&own))
        .exact()
        .has("thinking", own.clone());
    Case::model(ADAPTIVE)
        .with(asked(&own))
        .approximated("thinking")
        .has(
            "thinking",
            json!({"type": "adaptive", "display": "omitted"}),
        )
        .has("output_config", json!({"effort": "high"}));
    Case::model(NEVER)
        .with(asked(&own))
        .dropped("thinking")
        .has("thinking", Value::Null);
    let free = json!({"type": "adaptive"});
    Case::model(ADAPTIVE)
        .with(json!({"thinking": free, "reasoning_effort": "max"}))
        .has("thinking", free.clone())
        .has("output_config", json!({"effort": "max"}));
    Case::model(UNKNOWN)
        .with(json!({"thinking": free, "reasoning_effort": "max"}))
        .has("thinking", free.clone())
        .has("output_config", json!({"effort": "max"}));
    Case::model(BUDGET)
        .with(json!({"thinking": free}))
        .approximated("thinking")
        .has("thinking", enabled(4096));
    let off = json!({"type": "disabled"});
    Case::model(ADAPTIVE)
        .with(json!({"thinking": off, "reasoning_effort": "high"}))
        .dropped("reasoning_effort")
        .has("thinking", off.clone())
        .has("output_config", Value::Null);
    Case::model(ALWAYS)
        .with(json!({"thinking": off}))
        .approximated("thinking")
        .has("thinking", Value::Null)
        .has("output_config", json!({"effort": "low"}));
    Case::default().invalid("thinking.type", json!({"thinking": {"type": "deep"}}));
    Case::default().invalid("thinking", json!({"thinking": true}));
}

#[test]
fn openrouters_object() {
    for (reasoning, thinking, effort) in [
        (
            json!({"effort": "xhigh"}),
            adaptive(),
            json!({"effort": "xhigh"}),
        ),
        (
            json!({"max_tokens": 2048}),
            adaptive(),
            json!({"effort": "medium"}),
        ),
        (
            json!({"max_tokens": 20_000, "exclude": true}),
            json!({"type": "adaptive", "display": "omitted"}),
            json!({"effort": "xhigh"}),
        ),
        (
            json!({"enabled": true}),
            adaptive(),
            json!({"effort": "medium"}),
        ),
        (
            json!({"enabled": false, "effort": "high"}),
            json!({"type": "disabled"}),
            Value::Null,
        ),
    ] {
        Case::model(ADAPTIVE)
            .with(json!({ "reasoning": reasoning }))
            .approximated("reasoning")
            .has("thinking", thinking)
            .has("output_config", effort);
    }
    Case::model(BUDGET)
        .with(json!({"reasoning": {"max_tokens": 3000}}))
        .has("thinking", enabled(3000));
    Case::model(ADAPTIVE)
        .with(json!({"reasoning": {"effort": "low"}, "reasoning_effort": "high"}))
        .dropped("reasoning")
        .has("output_config", json!({"effort": "high"}));
    Case::model(ADAPTIVE)
        .with(json!({"reasoning": {}}))
        .exact()
        .has("thinking", Value::Null);
    Case::default().invalid(
        "reasoning.effort",
        json!({"reasoning": {"effort": "extreme"}}),
    );
}

#[test]
fn a_forced_tool_and_thinking_exclude_each_other_on_some_models() {
    let members =
        json!({"tools": [function("f")], "tool_choice": "required", "reasoning_effort": "high"});
    Case::model(BUDGET)
        .with(members.clone())
        .approximated("reasoning_effort")
        .has("thinking", Value::Null);
    Case::model(ADAPTIVE)
        .with(members.clone())
        .approximated("reasoning_effort")
        .has("thinking", Value::Null)
        .has("tool_choice", json!({"type": "any"}));
    Case::model("claude-opus-5")
        .with(members)
        .has("thinking", adaptive())
        .has("tool_choice", json!({"type": "any"}));
}

#[test]
fn budgets_need_thinking_before_the_calls_that_wait() {
    let run = |model: &'static str, blocks: Value| {
        Case::model(model).with(
            json!({"tools": [function("f")], "reasoning_effort": "high", "messages": [
            {"role": "user", "content": "u"},
            {"role": "assistant", "thinking_blocks": blocks, "tool_calls": [call("c", "f", "{}")]},
            answer("c", "r")]}),
        )
    };
    let signed = json!([{"type": "thinking", "thinking": "t", "signature": "s"}]);
    run(BUDGET, signed).has("thinking", enabled(4096));
    run(BUDGET, json!([]))
        .approximated("reasoning_effort")
        .has("thinking", Value::Null);
    run(ADAPTIVE, json!([])).has("thinking", adaptive());
    // Calls of an earlier turn do not matter.
    Case::model(BUDGET).with(json!({"tools": [function("f")], "reasoning_effort": "high", "messages": [
        {"role": "user", "content": "u"}, {"role": "assistant", "tool_calls": [call("c", "f", "{}")]}, answer("c", "r"),
        {"role": "assistant", "content": "done"}, {"role": "user", "content": "v"}]}))
        .has("thinking", enabled(4096));
}
