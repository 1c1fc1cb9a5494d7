use serde_json::{Value, json};

use super::{DEEP, GEMINI, GEMINI_2, LLAMA, OSS, OTHER, QWEN, SONAR, To};
use crate::provider::Provider;

#[test]
fn thinking() {
    let none = Value::Null;
    let config = |config: Value| json!({"google": {"thinking_config": config}});
    let budget = |n: u64| config(json!({"thinking_budget": n, "include_thoughts": true}));
    let level = |l: &str| config(json!({"thinking_level": l, "include_thoughts": true}));
    let pro = To(Provider::Gemini, "gemini-2.5-pro");
    let enabled = |n: u64| json!({"thinking": {"type": "enabled", "budget_tokens": n}});
    let adaptive = json!({"thinking": {"type": "adaptive"}});
    let with_effort =
        |word: &str| json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": word}});
    let effort = |word: &str| json!({"output_config": {"effort": word}});
    let disabled = json!({"thinking": {"type": "disabled"}});
    for (to, members, reasoning_effort, extra_body) in [
        (GEMINI_2, json!({}), none.clone(), none.clone()),
        (GEMINI, json!({}), none.clone(), none.clone()),
        (OSS, json!({}), none.clone(), none.clone()),
        (GEMINI_2, disabled.clone(), json!("none"), none.clone()),
        (pro, disabled.clone(), none.clone(), none.clone()),
        (GEMINI, disabled.clone(), json!("low"), none.clone()),
        (GEMINI_2, enabled(2000), none.clone(), budget(2000)),
        (GEMINI_2, enabled(90_000), none.clone(), budget(24_576)),
        (pro, enabled(1), none.clone(), budget(128)),
        (pro, enabled(90_000), none.clone(), budget(32_768)),
        (GEMINI, enabled(2048), none.clone(), level("low")),
        (GEMINI, enabled(12_288), none.clone(), level("medium")),
        (GEMINI, enabled(31_999), none.clone(), level("high")),
        (GEMINI_2, adaptive.clone(), none.clone(), budget(24_576)),
        (GEMINI_2, with_effort("low"), none.clone(), budget(1024)),
        (GEMINI_2, with_effort("medium"), none.clone(), budget(8192)),
        (GEMINI_2, with_effort("max"), none.clone(), budget(24_576)),
        (GEMINI, adaptive.clone(), none.clone(), level("high")),
        (GEMINI, with_effort("medium"), none.clone(), level("medium")),
        (GEMINI, with_effort("xhigh"), none.clone(), level("high")),
        (GEMINI, effort("low"), json!("low"), none.clone()),
        (GEMINI_2, effort("max"), json!("high"), none.clone()),
        (DEEP, effort("xhigh"), json!("high"), none.clone()),
        (DEEP, enabled(5000), json!("medium"), none.clone()),
        (DEEP, adaptive.clone(), json!("high"), none.clone()),
        (DEEP, disabled.clone(), none.clone(), none.clone()),
        (OSS, effort("low"), json!("low"), none.clone()),
        (OTHER, with_effort("max"), json!("max"), none.clone()),
        (OTHER, disabled.clone(), json!("none"), none),
    ] {
        to.with(members.clone())
            .has("reasoning_effort", reasoning_effort)
            .has("extra_body", extra_body)
            .has("thinking", Value::Null);
    }
    for (to, members, expected) in [
        (OSS, adaptive.clone(), json!(["high", true, null])),
        (OSS, enabled(1024), json!(["low", true, null])),
        (OSS, enabled(4096), json!(["medium", true, null])),
        (OSS, disabled.clone(), json!(["low", false, null])),
        (QWEN, adaptive.clone(), json!(["default", null, "parsed"])),
        (QWEN, enabled(1024), json!(["default", null, "parsed"])),
        (QWEN, disabled.clone(), json!(["none", null, null])),
        (QWEN, effort("low"), json!(["default", null, "parsed"])),
        (
            OSS,
            json!({"thinking": {"type": "adaptive", "display": "omitted"}}),
            json!(["high", false, null]),
        ),
        (
            QWEN,
            json!({"thinking": {"type": "between_tools", "display": "omitted"}}),
            json!(["default", null, "hidden"]),
        ),
    ] {
        let body = to.with(members.clone()).body;
        let found = json!([
            body["reasoning_effort"],
            body["include_reasoning"],
            body["reasoning_format"]
        ]);
        assert_eq!(found, expected, "{to:?} {members}");
    }
    // Nobody reads the thoughts: nobody asks for them.
    GEMINI
        .with(json!({"thinking": {"type": "adaptive", "display": "omitted"}}))
        .has("reasoning_effort", json!("high"))
        .has("extra_body", Value::Null);
    GEMINI_2
        .with(json!({"thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}}))
        .has("extra_body", config(json!({"thinking_budget": 2000})));

    for to in [LLAMA, SONAR] {
        to.with(adaptive.clone())
            .dropped("thinking")
            .has("reasoning_effort", Value::Null);
        to.with(effort("high")).dropped("output_config.effort");
        to.with(disabled.clone()).exact();
    }
    GEMINI.with(adaptive).approximated("thinking");
    GEMINI
        .with(with_effort("max"))
        .approximated("output_config.effort");
    pro.with(disabled).dropped("thinking");
    OSS.with(json!({"thinking": {"type": "adaptive", "block_binding": {}, "x": 1}}))
        .dropped("thinking.block_binding")
        .dropped("thinking.x");
    OSS.invalid("thinking.type", json!({"thinking": {}}));
    OSS.invalid("thinking.type", json!({"thinking": {"type": "hard"}}));
    OSS.invalid(
        "thinking.budget_tokens",
        json!({"thinking": {"type": "enabled"}}),
    );
    OSS.invalid("output_config.effort", effort("none"));
    // Anthropic's own rule, not ours.
    OSS.with(enabled(1_000_000))
        .has("reasoning_effort", json!("high"));
}
