//! Top-level fields.

use serde_json::{Value, json};

use super::Case;
use crate::models::ModelTable;
use crate::provider::Provider;
use crate::target::Options;

const LEGACY: &str = "claude-sonnet-4-5";

#[test]
fn the_members_come_in_one_order() {
    let done = Case::model(LEGACY).try_run_text(
        r#"{"stream":true,"user":"u","stop":["a"],"temperature":0.50,"service_tier":"auto","tools":[{"type":"function","function":{"name":"f"}}],
        "tool_choice":"auto","messages":[{"role":"system","content":"s"},{"role":"user","content":"\u00e9\n"}],"model":"x","max_tokens":9}"#,
    ).unwrap();
    assert_eq!(
        done.text,
        r#"{"model":"claude-sonnet-4-5","max_tokens":9,"system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":[{"type":"text","text":"\u00e9\n"}]}],"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"auto"},"temperature":0.50,"stop_sequences":["a"],"metadata":{"user_id":"u"},"service_tier":"auto","stream":true}"#
    );
    assert_eq!(done.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(done.header("anthropic-beta"), None);
}

#[test]
fn max_tokens() {
    let opus = Case::default();
    opus.with(json!({}))
        .exact()
        .has("max_tokens", json!(128_000));
    opus.with(json!({"max_tokens": 5}))
        .exact()
        .has("max_tokens", json!(5));
    opus.with(json!({"max_completion_tokens": 5, "max_tokens": 7}))
        .dropped("max_tokens")
        .has("max_tokens", json!(5));
    opus.with(json!({"max_completion_tokens": 900_000}))
        .approximated("max_completion_tokens")
        .has("max_tokens", json!(128_000));
    opus.with(json!({"max_tokens": null}))
        .exact()
        .has("max_tokens", json!(128_000));
    for bad in [json!(0), json!(-1), json!("5"), json!(1.5)] {
        opus.invalid("max_tokens", json!({ "max_tokens": bad }));
    }
    let unknown = Case::model("kimi-k3");
    unknown.with(json!({})).has("max_tokens", json!(8192));
    unknown
        .with(json!({"max_tokens": 900_000}))
        .exact()
        .has("max_tokens", json!(900_000));
    let owner = Case {
        options: Options {
            default_max_tokens: Some(1000),
            ..Options::default()
        },
        ..Case::default()
    };
    owner.with(json!({})).has("max_tokens", json!(1000));
    Case {
        model: "claude-3-haiku",
        ..owner
    }
    .with(json!({}))
    .has("max_tokens", json!(1000));
}

#[test]
fn sampling() {
    let one = Case::model(LEGACY);
    one.with(json!({"temperature": 0.2}))
        .exact()
        .has("temperature", json!(0.2));
    one.with(json!({"temperature": 1.4}))
        .approximated("temperature")
        .has("temperature", json!(1.0));
    one.with(json!({"temperature": 0.2, "top_p": 0.9}))
        .dropped("top_p")
        .has("top_p", Value::Null);
    one.with(json!({"top_p": 0.9, "top_k": 5}))
        .exact()
        .has("top_p", json!(0.9))
        .has("top_k", json!(5));
    one.with(json!({"temperature": 0, "top_p": 1.0}))
        .exact()
        .has("top_p", Value::Null);
    one.invalid("temperature", json!({"temperature": -1}));
    one.invalid("temperature", json!({"temperature": "hot"}));
    one.invalid("top_p", json!({"top_p": 1.5}));

    Case::model("claude-3-5-haiku-latest")
        .with(json!({"temperature": 0.2, "top_p": 0.9}))
        .exact()
        .has("top_p", json!(0.9));
    let none = Case::default();
    none.with(json!({"temperature": 1, "top_p": 1}))
        .exact()
        .has("temperature", Value::Null);
    none.with(json!({"temperature": 0, "top_p": 0.5, "top_k": 3}))
        .dropped("temperature")
        .dropped("top_p")
        .dropped("top_k")
        .has("temperature", Value::Null);

    // With a budget for thinking, Anthropic demands the default temperature.
    one.with(json!({"temperature": 0.2, "top_p": 0.96, "top_k": 4, "reasoning_effort": "high"}))
        .dropped("temperature")
        .dropped("top_k")
        .has("temperature", Value::Null)
        .has("top_p", json!(0.96));
    one.with(json!({"top_p": 0.5, "reasoning_effort": "high"}))
        .dropped("top_p");

    let later = Case {
        model: LEGACY,
        options: Options {
            anthropic_version: Some("2026-10-21".into()),
            ..Options::default()
        },
        ..Case::default()
    };
    let done = later.with(json!({"temperature": 0.5}));
    done.dropped("temperature").has("temperature", Value::Null);
    assert_eq!(done.header("anthropic-version"), Some("2026-10-21"));
}

#[test]
fn stop() {
    let case = Case::default();
    case.with(json!({"stop": "END"}))
        .exact()
        .has("stop_sequences", json!(["END"]));
    case.with(json!({"stop": ["", "a", "b"]}))
        .has("stop_sequences", json!(["a", "b"]));
    case.with(json!({"stop": []}))
        .exact()
        .has("stop_sequences", Value::Null);
    case.with(json!({"stop": ""}))
        .has("stop_sequences", Value::Null);
    assert!(case.with(json!({"stop": ["a", ""]})).state.stops.is_empty());
    case.invalid("stop", json!({"stop": 5}));
    case.invalid("stop[0]", json!({"stop": [5]}));
}

#[test]
fn blank_stop_sequences_are_left_to_the_gateway() {
    let case = Case::default();
    for (stop, sent, kept) in [
        (
            json!(["a", "\n", "\u{3000}", "b"]),
            json!(["a", "b"]),
            &["\n", "\u{3000}"][..],
        ),
        (json!("\n\n"), Value::Null, &["\n\n"]),
        (json!([" ", ""]), Value::Null, &[" "]),
    ] {
        let done = case.with(json!({ "stop": stop }));
        done.approximated("stop").has("stop_sequences", sent);
        assert_eq!(done.state.stops, kept);
    }
    case.invalid("stop", json!({"stop": " ".repeat(2000)}));
    case.invalid("stop", json!({"stop": vec!["\n"; 65]}));
    let off = Case {
        options: Options {
            emulate_stop: Some(false),
            ..Options::default()
        },
        ..Case::default()
    };
    off.unsupported("stop[1]", json!({"stop": ["a", "\n"]}));
    off.unsupported("stop", json!({"stop": " "}));
    off.with(json!({"stop": ["a"]})).exact();
}

#[test]
fn hints_are_dropped_and_never_refused() {
    for field in [
        "seed",
        "verbosity",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_retention",
        "frequency_penalty",
        "presence_penalty",
        "store",
        "prompt_cache_options",
    ] {
        for value in [json!(true), json!("x"), json!({"a": [1]}), json!(7)] {
            Case::default().with(json!({ field: value })).dropped(field);
        }
        Case::default().with(json!({ field: null })).exact();
    }
    Case::default()
        .with(json!({"frequency_penalty": 0, "presence_penalty": 0.0, "store": false, "n": 1, "logprobs": false,
            "top_logprobs": 0, "logit_bias": {}, "modalities": ["text"], "parallel_tool_calls": true}))
        .exact();
    Case::default().with(json!({"safety_identifier": 5, "user": [1], "service_tier": {}, "metadata": "x", "moderation": 1}))
        .dropped("safety_identifier").dropped("user").dropped("service_tier");
}

#[test]
fn unknown_members_are_dropped_and_reported() {
    Case::default()
        .with(json!({"chat_template_kwargs": {"a": [1, {"b": 2}]}, "other": null}))
        .dropped("chat_template_kwargs");
    Case::default()
        .say(json!([{"role": "user", "content": [{"type": "text", "text": "x", "extra": 1}], "mood": "good"}]))
        .dropped("messages[].mood")
        .dropped("messages[].content[].extra");
}

#[test]
fn what_the_answer_would_lack_is_refused() {
    let case = Case::default();
    let lossy = Case {
        lossy: true,
        ..Case::default()
    };
    for (field, value) in [
        ("logprobs", json!(true)),
        ("top_logprobs", json!(3)),
        ("logit_bias", json!({"50256": -100})),
    ] {
        case.unsupported(field, json!({ field: value }));
        lossy.with(json!({ field: value })).dropped(field);
    }
    case.unsupported("n", json!({"n": 2}));
    case.unsupported("audio", json!({"audio": {"voice": "x"}}));
    case.unsupported("modalities[1]", json!({"modalities": ["text", "audio"]}));
    case.unsupported(
        "moderation.policy.output.mode",
        json!({"moderation": {"policy": {"output": {"mode": "block"}}}}),
    );
    case.with(json!({"moderation": {"policy": {"output": {"mode": "report"}}}}))
        .dropped("moderation");
    assert!(lossy.try_with(json!({"n": 2})).is_err());
}

#[test]
fn user_ids() {
    let case = Case::default();
    let id = |id: &str| json!({ "user_id": id });
    case.with(json!({"user": "u_1"}))
        .approximated("user")
        .has("metadata", id("u_1"));
    case.with(json!({"user": "u_1", "safety_identifier": "s_1", "metadata": {"user_id": "m", "team": "x"}}))
        .approximated("safety_identifier").dropped("user").dropped("metadata").dropped("metadata.user_id")
        .has("metadata", id("s_1"));
    case.with(json!({"user": "ann@example.org"}))
        .dropped("user")
        .has("metadata", Value::Null);
    case.with(json!({"user": "a\u{0}b"}))
        .dropped("user")
        .has("metadata", Value::Null);
    case.with(json!({"user": "x".repeat(512)}))
        .approximated("user");
    case.with(json!({"user": "x".repeat(513)})).dropped("user");
    case.with(json!({"metadata": {"user_id": "m"}}))
        .approximated("metadata.user_id")
        .has("metadata", id("m"));
    case.with(json!({"metadata": {"team": "x"}}))
        .dropped("metadata")
        .has("metadata", Value::Null);
    let bedrock = Case {
        provider: Provider::AwsBedrockInvoke,
        ..Case::default()
    };
    bedrock
        .with(json!({"user": "x".repeat(256)}))
        .dropped("user");
}

#[test]
fn service_tiers() {
    for (tier, sent) in [
        ("auto", json!("auto")),
        ("default", json!("standard_only")),
        ("priority", json!("auto")),
        ("scale", json!("auto")),
        ("flex", Value::Null),
        ("new", Value::Null),
    ] {
        Case::default()
            .with(json!({ "service_tier": tier }))
            .has("service_tier", sent);
    }
    Case::default()
        .with(json!({"service_tier": "auto"}))
        .exact();
    Case::default()
        .with(json!({"service_tier": "flex"}))
        .dropped("service_tier");
    Case {
        provider: Provider::AwsBedrockInvoke,
        ..Case::default()
    }
    .with(json!({"service_tier": "auto"}))
    .dropped("service_tier")
    .has("service_tier", Value::Null);
}

#[test]
fn automatic_caching_is_the_owners_choice() {
    let owner = Case {
        options: Options {
            auto_cache: Some(true),
            ..Options::default()
        },
        ..Case::default()
    };
    owner
        .with(json!({"prompt_cache_options": {"mode": "implicit", "ttl": "30m"}}))
        .approximated("prompt_cache_options")
        .dropped("prompt_cache_options.ttl")
        .has("cache_control", json!({"type": "ephemeral"}));
    owner
        .with(json!({"prompt_cache_options": {"mode": "explicit"}}))
        .exact()
        .has("cache_control", Value::Null);
    Case::default()
        .with(json!({"prompt_cache_options": {}}))
        .dropped("prompt_cache_options")
        .has("cache_control", Value::Null);
}

#[test]
fn streaming_is_noted_for_the_answer() {
    let done = Case::default().with(json!({"stream": true, "stream_options": {"include_usage": true, "include_obfuscation": true}}));
    done.has("stream", json!(true))
        .has("stream_options", Value::Null)
        .dropped("stream_options.include_obfuscation");
    assert!(done.state.include_usage);
    let plain = Case::default().with(json!({"stream": false, "stream_options": null}));
    plain.exact().has("stream", Value::Null);
    assert!(!plain.state.include_usage);
}

#[test]
fn output_formats() {
    let case = Case::model("claude-opus-5");
    case.with(json!({"response_format": {"type": "text"}}))
        .exact()
        .has("output_config", Value::Null);
    case.with(json!({"response_format": {"type": "json_object"}, "messages": [
        {"role": "system", "content": "s"}, {"role": "user", "content": "u"}]}))
        .approximated("response_format")
        .has("system", json!([{"type": "text", "text": "s"}, {"type": "text", "text": "Respond with one JSON object and nothing else."}]));
    let schema = |schema: Value| json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": schema}}});
    case.with(schema(json!({"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}, "additionalProperties": false})))
        .approximated("response_format.json_schema.schema")
        .has("output_config", json!({"format": {"type": "json_schema", "schema":
            {"type": "object", "properties": {"a": {"type": "integer", "description": "minimum: 1"}}, "additionalProperties": false}}}));
    let open = schema(json!({"type": "object", "additionalProperties": true}));
    case.unsupported(
        "response_format.json_schema.schema.additionalProperties",
        open.clone(),
    );
    Case {
        lossy: true,
        ..Case::default()
    }
    .with(open.clone())
    .approximated("response_format.json_schema.schema");
    Case::model("claude-opus-4-1").unsupported("response_format", open.clone());
    Case {
        lossy: true,
        ..Case::model("claude-opus-4-1")
    }
    .with(open)
    .dropped("response_format")
    .has("output_config", Value::Null);
    case.unsupported(
        "response_format.type",
        json!({"response_format": {"type": "grammar"}}),
    );
    case.invalid(
        "response_format.json_schema.schema",
        json!({"response_format": {"type": "json_schema"}}),
    );
    case.invalid("response_format.type", json!({"response_format": {}}));
}

#[test]
fn errors_name_the_innermost_field() {
    let case = Case::default();
    case.invalid("stream", json!({"stream": "yes"}));
    case.invalid("messages", json!({"messages": "hi"}));
    case.invalid("messages", json!({"messages": []}));
    case.invalid("messages", json!({"messages": null}));
    case.invalid("messages[1]", json!({"messages": [{"role": "user"}, 5]}));
    case.invalid("messages[0].role", json!({"messages": [{"role": 5}]}));
    case.invalid("messages[0].role", json!({"messages": [{"content": "x"}]}));
    case.invalid(
        "messages[0].role",
        json!({"messages": [{"role": "robot", "content": "x"}]}),
    );
    case.invalid(
        "messages[0].content",
        json!({"messages": [{"role": "user", "content": 5}]}),
    );
    case.invalid("messages[0].content[1].text", json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": 5}]}]}));
    case.invalid(
        "messages[0].content[0].type",
        json!({"messages": [{"role": "user", "content": [{}]}]}),
    );
    case.invalid(
        "response_format.json_schema.strict",
        json!({"response_format": {"type": "json_schema", "json_schema": {"strict": 5}}}),
    );
    assert_eq!(
        ModelTable::new().lookup("claude-opus-4-8").max_output,
        Some(128_000)
    );
}
