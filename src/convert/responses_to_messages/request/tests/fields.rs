//! Every top-level field.

use super::*;

#[test]
fn the_smallest_request() {
    let done = Case::default().with(json!({"max_output_tokens": 5}));
    done.exact();
    assert_eq!(
        done.text,
        r#"{"model":"claude-opus-4-8","max_tokens":5,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}"#
    );
    assert_eq!(done.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(done.header("anthropic-beta"), None);
}

#[test]
fn output_tokens() {
    for (model, asked, sent) in [
        ("claude-opus-4-8", json!(5), 5),
        ("claude-opus-4-8", json!(null), 128_000),
        ("claude-opus-4-8", json!(1_000_000), 128_000),
        ("claude-x-unknown", json!(null), 8192),
        ("claude-x-unknown", json!(1_000_000), 1_000_000),
    ] {
        let done = Case::model(model).with(json!({ "max_output_tokens": asked }));
        done.has("max_tokens", json!(sent));
    }
    for wrong in [json!(0), json!(-1), json!("5"), json!(1.5)] {
        Case::default().invalid("max_output_tokens", json!({ "max_output_tokens": wrong }));
    }
    let case = Case {
        options: Options {
            default_max_tokens: Some(77),
            ..Options::default()
        },
        ..Case::default()
    };
    case.with(json!({})).has("max_tokens", json!(77));
}

#[test]
fn stateful_fields_are_refused_by_name() {
    for (field, value) in [
        ("previous_response_id", json!("resp_1")),
        ("conversation", json!("conv_1")),
        ("background", json!(true)),
        ("background_options", json!({})),
        ("prompt", json!({"id": "p"})),
        ("generate", json!(false)),
    ] {
        Case::default().unsupported(field, json!({ field: value }));
        Case::default().with(json!({ field: null })).exact();
    }
    Case::default().with(json!({"background": false})).exact();
}

#[test]
fn hints_are_dropped_and_reported() {
    for (field, value) in [
        ("store", json!(false)),
        ("store", json!(true)),
        ("prompt_cache_key", json!("k")),
        ("prompt_cache_retention", json!("24h")),
        ("truncation", json!("auto")),
        ("context_management", json!([{"type": "compaction"}])),
        ("image", json!({})),
        ("client_metadata", json!({"a": "b"})),
        ("metadata", json!({"a": "b"})),
        ("brand_new_field", json!(1)),
    ] {
        let done = Case::default().with(json!({ field: value }));
        done.dropped(field);
        assert_eq!(done.report.dropped().len(), 1, "{:?}", done.report);
    }
    for (members, field) in [
        (json!({"text": {"verbosity": "low"}}), "text.verbosity"),
        (
            json!({"reasoning": {"context": "all_turns"}}),
            "reasoning.context",
        ),
        (json!({"reasoning": {"mode": "pro"}}), "reasoning.mode"),
        (
            json!({"stream_options": {"include_obfuscation": true}}),
            "stream_options.include_obfuscation",
        ),
        (json!({"include": ["something.new"]}), "include[]"),
        (
            json!({"prompt_cache_options": {"ttl": "30m"}}),
            "prompt_cache_options.ttl",
        ),
    ] {
        Case::default().with(members).dropped(field);
    }
    Case::default()
        .with(json!({"truncation": "disabled", "include": ["reasoning.encrypted_content"]}))
        .exact();
}

#[test]
fn log_probabilities() {
    let strict = Case::default();
    let lossy = Case {
        lossy: true,
        ..Case::default()
    };
    for (field, members) in [
        ("top_logprobs", json!({"top_logprobs": 3})),
        (
            "include",
            json!({"include": ["message.output_text.logprobs"]}),
        ),
    ] {
        strict.unsupported(field, members.clone());
        lossy.with(members).dropped(field);
    }
    strict.with(json!({"top_logprobs": 0})).exact();
}

#[test]
fn promises_that_cannot_be_kept() {
    let case = Case::default();
    let blocking = json!({"moderation": {"policy": {"input": {"mode": "block"}}}});
    case.unsupported("moderation.policy.input.mode", blocking);
    case.with(json!({"moderation": {"policy": {"input": {"mode": "report"}}}}))
        .dropped("moderation");
    case.unsupported(
        "access_programs.cyber",
        json!({"access_programs": {"cyber": "trusted"}}),
    );
    case.with(json!({"access_programs": {"cyber": "standard"}}))
        .exact();
}

#[test]
fn sampling() {
    for (model, members, sent, dropped) in [
        (
            "claude-sonnet-4-5",
            json!({"temperature": 1.4}),
            json!({"temperature": 1.0}),
            None,
        ),
        (
            "claude-sonnet-4-5",
            json!({"temperature": 0.30}),
            json!({"temperature": 0.3}),
            None,
        ),
        (
            "claude-sonnet-4-5",
            json!({"temperature": 0.3, "top_p": 0.5}),
            json!({"temperature": 0.3}),
            Some("top_p"),
        ),
        (
            "claude-sonnet-4-5",
            json!({"top_p": 0.5}),
            json!({"top_p": 0.5}),
            None,
        ),
        ("claude-sonnet-4-5", json!({"top_p": 1}), json!({}), None),
        (
            "claude-opus-4-8",
            json!({"temperature": 0.3}),
            json!({}),
            Some("temperature"),
        ),
        (
            "claude-opus-4-8",
            json!({"temperature": 1}),
            json!({}),
            None,
        ),
    ] {
        let done = Case::model(model).with(members.clone());
        for key in ["temperature", "top_p"] {
            assert_eq!(done.body[key], sent[key], "{model} {members}");
        }
        match dropped {
            Some(field) => drop(done.dropped(field)),
            None => assert!(done.report.dropped().is_empty()),
        }
    }
    Case::default().invalid("temperature", json!({"temperature": 2.5}));
    Case::default().invalid("top_p", json!({"top_p": "x"}));
}

#[test]
fn who_asks() {
    for (members, id, approximated) in [
        (
            json!({"user": "u1"}),
            json!({"user_id": "u1"}),
            Some("user"),
        ),
        (
            json!({"user": "u1", "safety_identifier": "s1"}),
            json!({"user_id": "s1"}),
            Some("safety_identifier"),
        ),
        (
            json!({"metadata": {"user_id": "m1"}}),
            json!({"user_id": "m1"}),
            Some("metadata.user_id"),
        ),
        (json!({"user": "a@b.org"}), json!(null), None),
        (json!({"user": "x".repeat(513)}), json!(null), None),
    ] {
        let done = Case::default().with(members);
        done.has("metadata", id);
        match approximated {
            Some(field) => drop(done.approximated(field)),
            None => drop(done.dropped("user")),
        }
    }
}

#[test]
fn service_tiers() {
    for (tier, sent) in [
        ("auto", json!("auto")),
        ("default", json!("standard_only")),
        ("priority", json!("auto")),
        ("ultrafast", json!("auto")),
        ("flex", json!(null)),
    ] {
        let done = Case::default().with(json!({ "service_tier": tier }));
        done.has("service_tier", sent);
    }
    let bedrock = Case {
        provider: Provider::AwsBedrockInvoke,
        ..Case::default()
    };
    bedrock
        .with(json!({"service_tier": "auto"}))
        .has("service_tier", json!(null))
        .dropped("service_tier");
}

#[test]
fn output_formats() {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 0}}, "required": ["n"],
        "additionalProperties": false});
    let format = json!({"type": "json_schema", "name": "x", "schema": schema, "strict": true});
    let done = Case::default().with(json!({"text": {"format": format}}));
    done.dropped("text.format.name")
        .approximated("text.format.schema");
    assert_eq!(
        done.body["output_config"]["format"]["schema"]["properties"]["n"]["description"],
        "minimum: 0"
    );
    let old = Case::model("claude-3-haiku-20240307");
    old.unsupported("text.format", json!({"text": {"format": format}}));
    Case::default()
        .with(json!({"text": {"format": {"type": "json_object"}}}))
        .approximated("text.format")
        .has(
            "system",
            json!([{"type": "text", "text": "Respond with one JSON object and nothing else."}]),
        );
    Case::default()
        .with(json!({"text": {"format": {"type": "text"}}}))
        .exact();
    Case::default().unsupported(
        "text.format.type",
        json!({"text": {"format": {"type": "xml"}}}),
    );
    Case::default().invalid(
        "text.format.schema",
        json!({"text": {"format": {"type": "json_schema"}}}),
    );
}

#[test]
fn cache_options() {
    let auto = Case {
        options: Options {
            auto_cache: Some(true),
            ..Options::default()
        },
        ..Case::default()
    };
    let implicit = json!({"prompt_cache_options": {"mode": "implicit"}});
    auto.with(implicit.clone())
        .has("cache_control", json!({"type": "ephemeral"}))
        .approximated("prompt_cache_options");
    Case::default()
        .with(implicit)
        .has("cache_control", json!(null))
        .dropped("prompt_cache_options");
    let done = Case::default().with(json!({"prompt_cache_options": {"prewarm": true}}));
    done.has("max_tokens", json!(0));
    assert!(done.state.prewarm);
}

#[test]
fn cache_marks() {
    let mark = json!({"mode": "explicit"});
    let part =
        |text: &str| json!({"type": "input_text", "text": text, "prompt_cache_breakpoint": mark});
    let done = Case::default().say(json!([
        {"role": "developer", "content": [part("s")]},
        {"role": "user", "content": [part("a"), part("b"), part("c"), part("d")]}
    ]));
    // The last four stay.
    assert_eq!(done.body["system"][0].get("cache_control"), None);
    for block in done.body["messages"][0]["content"].as_array().unwrap() {
        assert_eq!(block["cache_control"], json!({"type": "ephemeral"}));
    }
    done.dropped("input[].content[].prompt_cache_breakpoint")
        .approximated("input[].content[].prompt_cache_breakpoint");
}

#[test]
fn wrong_types_are_named() {
    for (param, members) in [
        ("input", json!({"input": 7})),
        ("instructions", json!({"instructions": ["x"]})),
        ("input[0]", json!({"input": ["x"]})),
        ("input[0].type", json!({"input": [{}]})),
        ("input[0].role", json!({"input": [{"type": "message"}]})),
        (
            "input[0].role",
            json!({"input": [{"role": "robot", "content": "x"}]}),
        ),
        ("input[0].content", json!({"input": [{"role": "user"}]})),
        (
            "input[0].content[0].type",
            json!({"input": [{"role": "user", "content": [{}]}]}),
        ),
        ("input", json!({"input": []})),
        ("input", json!({"input": " "})),
        ("input", json!({"input": null})),
        ("max_tool_calls", json!({"max_tool_calls": 0})),
    ] {
        Case::default().invalid(param, members);
    }
    let refusal = Case::default().try_run_text("[]").unwrap_err();
    assert_eq!(refusal.fault, Fault::Invalid);
}
