use serde_json::{Value, json};

use super::{ALL, GEMINI, OSS, OTHER, SONAR};
use crate::format::error::Fault;

#[test]
fn the_members_come_in_one_order_and_raw() {
    let done = OSS
        .try_text(
            r#"{"stream":true,"temperature":0.50,"top_p":1.0,"stop_sequences":["\u0041"," "],"tools":[{"name":"f","description":"d\n","input_schema":{ "b":1.0, "type":"object","a":{}}}],
            "system":"s\t","messages":[{"role":"user","content":"\u00e9"}],"max_tokens":7,"model":"x"}"#,
        )
        .unwrap();
    assert_eq!(
        done.text,
        r#"{"model":"openai/gpt-oss-120b","messages":[{"role":"system","content":"s\t"},{"role":"user","content":"\u00e9"}],"tools":[{"type":"function","function":{"name":"f","description":"d\n","parameters":{ "b":1.0, "type":"object","a":{}}}}],"max_completion_tokens":7,"temperature":0.50,"top_p":1.0,"stop":["\u0041"," "],"stream":true,"stream_options":{"include_usage":true}}"#
    );
    done.exact();
}

#[test]
fn max_tokens_and_streams() {
    for (to, field) in [
        (GEMINI, "max_tokens"),
        (SONAR, "max_tokens"),
        (OSS, "max_completion_tokens"),
        (OTHER, "max_tokens"),
    ] {
        to.with(json!({}))
            .exact()
            .has(field, json!(9))
            .has("stream", Value::Null);
        to.invalid("max_tokens", json!({"max_tokens": null}));
        to.invalid("max_tokens", json!({"max_tokens": "9"}));
        to.invalid("max_tokens", json!({"max_tokens": 1.5}));
        to.invalid("max_tokens", json!({"max_tokens": -1}));
        to.unsupported("max_tokens", json!({"max_tokens": 0}));
    }
    let refusal = OSS.refuses(Fault::Invalid, "max_tokens", json!({"max_tokens": null}));
    assert_eq!(refusal.message, "max_tokens: Field required");
    GEMINI
        .with(json!({"stream": true}))
        .has("stream", json!(true))
        .has("stream_options", json!({"include_usage": true}));
    SONAR
        .with(json!({"stream": true}))
        .has("stream", json!(true))
        .has("stream_options", Value::Null);
    OSS.invalid("stream", json!({"stream": "yes"}));
}

#[test]
fn sampling_and_stops() {
    for to in ALL {
        to.with(json!({"temperature": 0.2, "top_p": 0.9}))
            .exact()
            .has("temperature", json!(0.2))
            .has("top_p", json!(0.9));
        to.invalid("temperature", json!({"temperature": "hot"}));
        to.with(json!({"stop_sequences": []}))
            .exact()
            .has("stop", Value::Null);
        to.with(json!({"stop_sequences": ["\n", "END"]}))
            .exact()
            .has("stop", json!(["\n", "END"]));
        to.invalid("stop_sequences", json!({"stop_sequences": [5]}));
    }
    SONAR
        .with(json!({"top_k": 5}))
        .exact()
        .has("top_k", json!(5));
    for to in [GEMINI, OSS] {
        to.with(json!({"top_k": 5}))
            .dropped("top_k")
            .has("top_k", Value::Null);
    }
    let five = json!({"stop_sequences": ["a", "b", "c", "d", "e"]});
    OSS.unsupported("stop_sequences", five.clone());
    GEMINI.with(five).exact();
    GEMINI.unsupported(
        "stop_sequences",
        json!({"stop_sequences": ["a", "b", "c", "d", "e", "f"]}),
    );
}

#[test]
fn hints_are_dropped_and_never_refused() {
    for to in ALL {
        for (field, value) in [
            ("cache_control", json!({"type": "ephemeral"})),
            ("speed", json!("fast")),
            ("diagnostics", json!({})),
            ("context_management", json!({"edits": []})),
            ("compaction", json!({})),
            ("fallbacks", json!([])),
            ("fallback_credit_token", json!("x")),
            ("billing_policy", json!({})),
            ("user_profile_id", json!("u")),
            ("workspace_id", json!("w")),
            ("betas", json!(["b"])),
            (
                "mcp_servers",
                json!([{"type": "url", "name": "n", "url": "https://m"}]),
            ),
            ("from_the_future", json!(1)),
        ] {
            to.with(json!({ field: value })).dropped(field);
            to.with(json!({ field: null })).exact();
        }
        to.with(json!({"output_config": {"task_budget": {}, "x": 1}, "mcp_servers": []}))
            .dropped("output_config.task_budget")
            .dropped("output_config.x");
        to.with(json!({"metadata": {"y": 1}})).dropped("metadata.y");
    }
}

#[test]
fn state_and_promises_are_refused() {
    for to in ALL {
        to.unsupported("container", json!({"container": "c_1"}));
        to.unsupported("thread", json!({"thread": {}}));
        to.unsupported("inference_geo", json!({"inference_geo": "us"}));
        to.with(json!({"inference_geo": "global"})).exact();
        to.with(json!({"inference_geo": null})).exact();
    }
}

#[test]
fn users_and_tiers() {
    let id = r#"{"device_id":"d","session_id":"s"}"#;
    OSS.with(json!({"metadata": {"user_id": id}}))
        .exact()
        .has("user", json!(id))
        .has("metadata", Value::Null);
    for to in [GEMINI, SONAR] {
        to.with(json!({"metadata": {"user_id": id}}))
            .dropped("metadata.user_id")
            .has("user", Value::Null);
        to.with(json!({"service_tier": "auto"}))
            .dropped("service_tier");
    }
    OSS.with(json!({"service_tier": "auto"}))
        .exact()
        .has("service_tier", json!("auto"));
    OSS.with(json!({"service_tier": "standard_only"}))
        .approximated("service_tier")
        .has("service_tier", json!("on_demand"));
    OSS.with(json!({"service_tier": "other"}))
        .dropped("service_tier")
        .has("service_tier", Value::Null);
}

#[test]
fn structured_output() {
    let schema = json!({"type": "object", "properties": {"ok": {"type": "boolean"}}});
    let format = json!({"type": "json_schema", "schema": schema});
    for (to, strict) in [(OSS, true), (OTHER, true), (GEMINI, false)] {
        let mut expected = json!({"name": "output", "schema": schema});
        if strict {
            expected["strict"] = json!(true);
        }
        let expected = json!({"type": "json_schema", "json_schema": expected});
        to.with(json!({"output_config": {"format": format}}))
            .exact()
            .has("response_format", expected.clone());
        to.with(json!({"output_format": format}))
            .exact()
            .has("response_format", expected.clone());
        to.with(json!({"output_format": {"type": "x"}, "output_config": {"format": format}}))
            .dropped("output_format")
            .has("response_format", expected);
    }
    SONAR
        .with(json!({"output_config": {"format": format}}))
        .exact();
    OSS.unsupported(
        "output_config.format.type",
        json!({"output_config": {"format": {"type": "regex", "schema": {}}}}),
    );
    OSS.invalid(
        "output_config.format.schema",
        json!({"output_config": {"format": {"type": "json_schema"}}}),
    );
    OSS.invalid(
        "output_format.schema",
        json!({"output_format": {"type": "json_schema", "schema": []}}),
    );
}
