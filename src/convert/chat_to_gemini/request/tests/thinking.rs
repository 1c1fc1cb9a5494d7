//! How much the model thinks.

use super::*;

fn config(model: &'static str, effort: &str) -> Value {
    let done = Case::model(model).with(json!({"reasoning_effort": effort}));
    done.body["generationConfig"]["thinkingConfig"].clone()
}

#[test]
fn efforts_become_budgets_or_levels() {
    let budget = |tokens: u64| json!({"thinkingBudget": tokens});
    let level = |word: &str| json!({"thinkingLevel": word});
    for (model, expected) in [
        (
            "gemini-2.5-flash",
            [0, 512, 1024, 8192, 24_576, 24_576, 24_576].map(budget),
        ),
        (
            "gemini-2.5-pro",
            [128, 128, 1024, 8192, 24_576, 32_768, 32_768].map(budget),
        ),
        (
            "gemini-3-pro-preview",
            ["LOW", "LOW", "LOW", "HIGH", "HIGH", "HIGH", "HIGH"].map(level),
        ),
        (
            "gemini-3.5-pro",
            ["LOW", "LOW", "LOW", "MEDIUM", "HIGH", "HIGH", "HIGH"].map(level),
        ),
        (
            "gemini-3.8-flash",
            [
                "MINIMAL", "MINIMAL", "LOW", "MEDIUM", "HIGH", "HIGH", "HIGH",
            ]
            .map(level),
        ),
        (
            "tunedModels/x",
            ["LOW", "LOW", "LOW", "MEDIUM", "HIGH", "HIGH", "HIGH"].map(level),
        ),
    ] {
        let efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
        for (effort, expected) in efforts.into_iter().zip(expected) {
            assert_eq!(config(model, effort), expected, "{model} {effort}");
        }
    }
    let done = Case::default().with(json!({"reasoning_effort": "low"}));
    done.approximated("reasoning_effort");
    Case::default().invalid("reasoning_effort", json!({"reasoning_effort": "some"}));
    let legacy = Case::model(LEGACY);
    legacy
        .with(json!({"reasoning_effort": "low"}))
        .dropped("reasoning_effort")
        .has("/generationConfig", Value::Null);
    legacy.with(json!({"reasoning_effort": "none"})).exact();
}

#[test]
fn googles_own_words_win() {
    let case = Case::default();
    for (members, expected) in [
        (
            json!({"extra_body": {"google": {"thinking_config": {"thinking_level": "high", "include_thoughts": false}}}}),
            json!({"thinkingLevel": "HIGH", "includeThoughts": false}),
        ),
        (
            json!({"thinking_config": {"thinking_budget": -1}}),
            json!({"thinkingBudget": -1}),
        ),
        (
            json!({"thinkingConfig": {"includeThoughts": true}}),
            json!({"includeThoughts": true}),
        ),
    ] {
        case.with(members)
            .exact()
            .has("/generationConfig/thinkingConfig", expected);
    }
    case.with(json!({"thinking_config": {"thinking_level": "low"}, "reasoning_effort": "high"}))
        .dropped("reasoning_effort")
        .has(
            "/generationConfig/thinkingConfig",
            json!({"thinkingLevel": "LOW"}),
        );
    case.with(json!({"thinking_config": {"include_thoughts": true}, "reasoning_effort": "high"}))
        .has(
            "/generationConfig/thinkingConfig",
            json!({"thinkingLevel": "HIGH", "includeThoughts": true}),
        );
    case.invalid(
        "thinking_config",
        json!({"thinking_config": {"thinking_level": "low", "thinking_budget": 5}}),
    );
    case.invalid(
        "thinking_config.thinking_budget",
        json!({"thinking_config": {"thinking_budget": "5"}}),
    );
    case.invalid("thinking_config", json!({"thinking_config": 5}));
    case.unsupported(
        "thinking_config.odd",
        json!({"thinking_config": {"odd": 5}}),
    );
}

#[test]
fn thoughts_are_shown_unless_the_model_would_refuse_that() {
    let shown = |model: &'static str, members: Value| {
        let mut case = Case::model(model);
        case.options.expose_thoughts = None;
        let done = case.with(members);
        done.body["generationConfig"]["thinkingConfig"]["includeThoughts"].clone()
    };
    assert_eq!(shown(NEW, json!({})), json!(true));
    assert_eq!(shown(OLD, json!({})), json!(true));
    assert_eq!(shown(OLD, json!({"reasoning_effort": "none"})), Value::Null);
    assert_eq!(shown("gemini-2.5-flash-lite", json!({})), Value::Null);
    assert_eq!(
        shown("gemini-2.5-flash-lite", json!({"reasoning_effort": "low"})),
        json!(true)
    );
    assert_eq!(shown(LEGACY, json!({})), Value::Null);
    assert_eq!(shown("tunedModels/x", json!({})), Value::Null);
    assert_eq!(
        shown(NEW, json!({"thinking_config": {"include_thoughts": false}})),
        json!(false)
    );
}
