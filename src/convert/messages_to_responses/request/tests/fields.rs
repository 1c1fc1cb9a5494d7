use serde_json::{Value, json};

use super::Case;
use crate::models::Effort;
use crate::target::{Options, Prefill, ReasoningSummary};

#[test]
fn nothing_is_stored_and_reasoning_is_included() {
    Case::default()
        .with(json!({}))
        .exact()
        .has("store", json!(false))
        .has("include", json!(["reasoning.encrypted_content"]))
        .has("stream", Value::Null)
        .has("reasoning", Value::Null)
        .has("tools", Value::Null)
        .has("max_output_tokens", Value::Null);
    // A model that does not reason answers 400 to it.
    Case::model("gpt-4o")
        .with(json!({}))
        .exact()
        .has("include", Value::Null);
    Case::model("my-deployment")
        .with(json!({"stream": true}))
        .has("model", json!("my-deployment"))
        .has("stream", json!(true))
        .has("include", json!(["reasoning.encrypted_content"]));
}

#[test]
fn output_limits() {
    for (asked, sent) in [(1, 16), (15, 16), (16, 16), (32_000, 32_000)] {
        let done = Case::default().with(json!({"max_tokens": asked}));
        done.has("max_output_tokens", json!(sent));
        if asked < 16 {
            done.approximated("max_tokens");
        } else {
            done.exact();
        }
    }
    let prewarm = Case::default().with(json!({"max_tokens": 0}));
    prewarm
        .has("max_output_tokens", Value::Null)
        .has("prompt_cache_options", json!({"prewarm": true}));
    assert!(prewarm.state.prewarm);
    let least = Case::model("gpt-5").with(json!({"max_tokens": 0}));
    least
        .has("max_output_tokens", json!(16))
        .has("prompt_cache_options", Value::Null)
        .approximated("max_tokens");
    assert!(least.state.prewarm);
    Case::default().invalid("max_tokens", json!({"max_tokens": "many"}));
    Case::default().invalid("max_tokens", json!({"max_tokens": -1}));
}

#[test]
fn sampling() {
    for (model, sent) in [
        ("gpt-4o", true),
        ("unknown", true),
        ("o3", false),
        ("gpt-5", false),
        ("gpt-5.1", false),
        ("gpt-5.6", false),
    ] {
        let done = Case::model(model).with(json!({"temperature": 0.5, "top_p": 0.9, "top_k": 5}));
        done.dropped("top_k");
        if sent {
            done.has("temperature", json!(0.5)).has("top_p", json!(0.9));
        } else {
            done.has("temperature", Value::Null)
                .has("top_p", Value::Null)
                .dropped("temperature")
                .dropped("top_p");
        }
        // OpenAI's defaults are not worth a word.
        Case::model(model)
            .with(json!({"temperature": 1, "top_p": 1.0}))
            .exact()
            .has("temperature", Value::Null);
    }
    Case::model("gpt-5.1")
        .with(json!({"temperature": 0, "thinking": {"type": "disabled"}}))
        .has("reasoning", json!({"effort": "none"}))
        .has("temperature", json!(0));
    Case::default().invalid("temperature", json!({"temperature": "hot"}));
}

#[test]
fn stop_sequences() {
    let done = Case::default().with(json!({"stop_sequences": ["END", "", "\n\nHuman:"]}));
    assert_eq!(done.state.stops, ["END", "\n\nHuman:"]);
    done.approximated("stop_sequences");
    Case::default()
        .with(json!({"stop_sequences": []}))
        .exact()
        .has("stop", Value::Null);
    let off = Options {
        emulate_stop: Some(false),
        ..Options::default()
    };
    Case::default()
        .options(|o| *o = off)
        .unsupported("stop_sequences", json!({"stop_sequences": ["END"]}));
    Case::default().invalid("stop_sequences", json!({"stop_sequences": vec!["x"; 65]}));
}

#[test]
fn users_and_tiers() {
    Case::default()
        .with(json!({"metadata": {"user_id": "user_ab12", "team": 1}}))
        .has("safety_identifier", json!("user_ab12"))
        .has("prompt_cache_key", json!("tlg-eab38fb740f39366"))
        .has("user", Value::Null)
        .has("metadata", Value::Null)
        .approximated("metadata.user_id")
        .dropped("metadata.team");
    let long = format!("{{\"device_id\":\"{}\"}}", "d".repeat(150));
    let done = Case::default().with(json!({"metadata": {"user_id": long}}));
    assert_eq!(done.body["safety_identifier"].as_str().unwrap().len(), 64);
    for (members, tier) in [
        (json!({"service_tier": "auto"}), json!("auto")),
        (json!({"service_tier": "standard_only"}), json!("default")),
        (json!({"speed": "fast"}), json!("fast")),
        (json!({"speed": "standard"}), Value::Null),
        (
            json!({"speed": "fast", "service_tier": "auto"}),
            json!("fast"),
        ),
    ] {
        Case::default().with(members).has("service_tier", tier);
    }
    Case::default()
        .with(json!({"service_tier": "gold", "speed": 7}))
        .has("service_tier", Value::Null)
        .dropped("service_tier")
        .dropped("speed");
}

#[test]
fn hints_are_dropped_and_promises_refused() {
    for field in [
        "cache_control",
        "context_management",
        "diagnostics",
        "fallbacks",
        "fallback_credit_token",
        "new_field",
    ] {
        Case::default()
            .with(json!({ field: {"type": "ephemeral"} }))
            .dropped(field)
            .has(field, Value::Null);
    }
    for field in ["container", "thread", "compaction"] {
        Case::default().unsupported(field, json!({ field: {"id": "x"} }));
        Case::default()
            .lossy()
            .unsupported(field, json!({ field: {"id": "x"} }));
        Case::default().with(json!({ field: null })).exact();
    }
    Case::default().unsupported("inference_geo", json!({"inference_geo": "eu"}));
    Case::default()
        .lossy()
        .with(json!({"inference_geo": "eu"}))
        .dropped("inference_geo");
    Case::default().unsupported(
        "billing_policy",
        json!({"billing_policy": {"bill_to": "org"}}),
    );
    Case::default()
        .with(json!({"billing_policy": {"bill_to": "self"}}))
        .dropped("billing_policy");
}

#[test]
fn efforts_and_thinking() {
    let cases = [
        (
            "gpt-5.6",
            json!({"output_config": {"effort": "max"}}),
            json!({"effort": "max"}),
        ),
        (
            "gpt-5.5",
            json!({"output_config": {"effort": "max"}}),
            json!({"effort": "xhigh"}),
        ),
        (
            "gpt-5.1",
            json!({"output_config": {"effort": "xhigh"}}),
            json!({"effort": "high"}),
        ),
        (
            "o3",
            json!({"output_config": {"effort": "low"}}),
            json!({"effort": "low"}),
        ),
        (
            "gpt-5.6",
            json!({"thinking": {"type": "adaptive"}}),
            json!({"effort": "high", "summary": "auto"}),
        ),
        (
            "gpt-5.6",
            json!({"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "low"}}),
            json!({"effort": "low"}),
        ),
        (
            "gpt-5",
            json!({"thinking": {"type": "enabled", "budget_tokens": 31999, "display": "summarized"}}),
            json!({"effort": "high", "summary": "auto"}),
        ),
        (
            "gpt-5",
            json!({"thinking": {"type": "enabled", "budget_tokens": 2048}}),
            json!({"effort": "medium", "summary": "auto"}),
        ),
        (
            "gpt-5",
            json!({"thinking": {"type": "enabled", "budget_tokens": 1024}}),
            json!({"effort": "low", "summary": "auto"}),
        ),
        (
            "gpt-5",
            json!({"thinking": {"type": "enabled", "budget_tokens": 1024}, "output_config": {"effort": "high"}}),
            json!({"effort": "high", "summary": "auto"}),
        ),
        (
            "gpt-5.6",
            json!({"thinking": {"type": "disabled"}}),
            json!({"effort": "none"}),
        ),
        (
            "gpt-5.6",
            json!({"thinking": {"type": "between_tools"}, "output_config": {"effort": "high"}}),
            json!({"effort": "none"}),
        ),
        (
            "gpt-5-mini",
            json!({"thinking": {"type": "disabled"}}),
            json!({"effort": "minimal"}),
        ),
        (
            "o4-mini",
            json!({"thinking": {"type": "disabled"}}),
            json!({"effort": "low"}),
        ),
        (
            "unknown",
            json!({"thinking": {"type": "adaptive"}}),
            json!({"effort": "high", "summary": "auto"}),
        ),
        ("gpt-5.6", json!({}), Value::Null),
    ];
    for (model, members, expected) in cases {
        let done = Case::model(model).with(members.clone());
        done.has("reasoning", expected);
        if members.get("thinking").is_some() {
            done.approximated("thinking");
        }
    }
    Case::model("gpt-4o")
        .with(json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}))
        .has("reasoning", Value::Null)
        .dropped("thinking")
        .dropped("output_config.effort");
    Case::default()
        .with(json!({"output_config": {"effort": "absurd", "task_budget": {}, "x": 1}}))
        .has("reasoning", Value::Null)
        .dropped("output_config.effort")
        .dropped("output_config.task_budget")
        .dropped("output_config.x");
    Case::default().invalid("thinking.type", json!({"thinking": {}}));
    Case::default().invalid(
        "thinking.budget_tokens",
        json!({"thinking": {"type": "enabled"}}),
    );
    let options = Options {
        reasoning_summary: Some(ReasoningSummary::None),
        adaptive_effort: Some(Effort::Medium),
        ..Options::default()
    };
    Case::default()
        .options(|o| *o = options)
        .with(json!({"thinking": {"type": "adaptive"}}))
        .has("reasoning", json!({"effort": "medium"}));
}

#[test]
fn structured_output() {
    let closed = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
    for members in [
        json!({"output_config": {"format": {"type": "json_schema", "schema": closed}}}),
        json!({"output_format": {"type": "json_schema", "schema": closed}}),
    ] {
        Case::default().with(members).exact().has(
            "text",
            json!({"format": {"type": "json_schema", "name": "structured_output", "schema": closed, "strict": true}}),
        );
    }
    let open = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let done = Case::default()
        .with(json!({"output_config": {"format": {"type": "json_schema", "schema": open}}}));
    assert_eq!(done.body["text"]["format"]["strict"], false);
    done.approximated("output_config.format");
    // The order of a schema's members is the order of the output's.
    let text = r#"{"messages":[{"role":"user","content":"x"}],"output_format":{"type":"json_schema","schema":{"b":1.50, "a":2}}}"#;
    let done = Case::default().try_run_text(text).unwrap();
    assert!(done.text.contains(r#"{"b":1.50, "a":2}"#), "{}", done.text);
    Case::default().unsupported(
        "output_format.type",
        json!({"output_format": {"type": "xml"}}),
    );
    Case::default().invalid(
        "output_config.format.schema",
        json!({"output_config": {"format": {"type": "json_schema"}}}),
    );
}

#[test]
fn system_text() {
    Case::default()
        .with(json!({"system": "Be \"terse\"."}))
        .exact()
        .has("instructions", json!("Be \"terse\"."));
    Case::default()
        .with(json!({"system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=1;"},
            {"type": "text", "text": "a"}, {"type": "text", "text": ""}, {"type": "text", "text": "b"},
        ]}))
        .has("instructions", json!("a\n\nb"))
        .dropped("system[]");
    let marked = json!({"system": [
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "text", "text": "b"},
    ]});
    let done = Case::default().with(marked.clone());
    done.has("instructions", Value::Null)
        .approximated("messages[].content[].cache_control.ttl");
    assert_eq!(
        done.body["input"][0],
        json!({"type": "message", "role": "developer", "content": [
            {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
            {"type": "input_text", "text": "b"},
        ]})
    );
    Case::model("gpt-5")
        .with(marked)
        .has("instructions", json!("a\n\nb"))
        .dropped("system[].cache_control");
    Case::default()
        .with(json!({"system": [], "messages": [{"role": "user", "content": "x"}]}))
        .exact()
        .has("instructions", Value::Null);
    Case::default().unsupported(
        "system[0].type",
        json!({"system": [{"type": "image", "source": {}}]}),
    );
    Case::default().invalid("system", json!({"system": 7}));
}

#[test]
fn prefill() {
    let messages = json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": "{"}]);
    Case::default().unsupported("messages[1]", json!({"messages": messages}));
    let append = Options {
        prefill: Some(Prefill::Append),
        ..Options::default()
    };
    for case in [
        Case::default().options(|o| *o = append),
        Case::default().lossy(),
    ] {
        let done = case.say(messages.clone());
        done.approximated("messages[].role");
        assert_eq!(done.body["input"][1]["content"], "{");
        assert_eq!(
            done.body["input"][2]["content"][0]["text"],
            "Continue exactly from your last message."
        );
    }
}

#[test]
fn what_is_no_request() {
    Case::default().invalid("messages", json!({"messages": null}));
    Case::default().invalid("messages", json!({"messages": []}));
    Case::default().invalid("messages", json!({"messages": {}}));
    Case::default().invalid("messages[0].role", json!({"messages": [{"content": "x"}]}));
    Case::default().invalid(
        "messages[0].role",
        json!({"messages": [{"role": "tool", "content": "x"}]}),
    );
    Case::default().invalid(
        "messages[0].content",
        json!({"messages": [{"role": "user"}]}),
    );
    Case::default().invalid(
        "messages[0].content",
        json!({"messages": [{"role": "user", "content": 7}]}),
    );
    Case::default().invalid(
        "messages[0].content[0].type",
        json!({"messages": [{"role": "user", "content": [{}]}]}),
    );
    assert!(Case::default().try_run_text("[]").is_err());
}
