//! Every member of the request.

use super::*;
use crate::target::{EffortField, UnsupportedTools};

#[test]
fn what_is_carried() {
    let done = Case::default().with(json!({
        "instructions": "Be brief.", "max_output_tokens": 300, "temperature": 0.5, "service_tier": "flex", "stream": true,
    }));
    assert_eq!(
        done.body,
        json!({
            "messages": [says("user", json!([{"text": "hi"}]))],
            "system": [{"text": "Be brief."}],
            "inferenceConfig": {"maxTokens": 300, "temperature": 0.5},
            "additionalModelResponseFieldPaths": ["/stop_sequence", "/usage/output_tokens_details"],
            "serviceTier": {"type": "flex"},
        })
    );
    done.exact();
    assert_eq!(done.state.model, "\"m\"");
    // What only Claude says is asked of nobody else, and nothing empty is sent.
    let done = Case::model(LLAMA).with(json!({}));
    assert_eq!(
        done.body,
        json!({"messages": [says("user", json!([{"text": "hi"}]))]})
    );
}

#[test]
fn null_is_absent() {
    let nulls = json!({
        "instructions": null, "max_output_tokens": null, "temperature": null, "top_p": null, "tools": null, "tool_choice": null,
        "reasoning": null, "text": null, "metadata": null, "user": null, "previous_response_id": null, "conversation": null,
        "background": null, "prompt": null, "store": null, "truncation": null, "include": null, "service_tier": null,
        "parallel_tool_calls": null, "max_tool_calls": null, "prompt_cache_options": null, "top_logprobs": null,
        "moderation": null, "safety_identifier": null,
    });
    let done = Case::default().with(nulls);
    done.exact();
    assert_eq!(done.text, Case::default().with(json!({})).text);
}

#[test]
fn hints_are_dropped() {
    for (field, value) in [
        ("store", json!(false)),
        ("max_tool_calls", json!(3)),
        ("truncation", json!("auto")),
        ("context_management", json!([{"type": "compaction"}])),
        ("image", json!({})),
        ("prompt_cache_key", json!("k")),
        ("prompt_cache_retention", json!("24h")),
        ("prompt_cache_options", json!({"mode": "implicit"})),
        (
            "prompt_cache_options",
            json!({"mode": "explicit", "ttl": "1h"}),
        ),
        ("client_metadata", json!({"a": "b"})),
        ("safety_identifier", json!("s")),
        ("user", json!("u")),
        (
            "moderation",
            json!({"policy": {"input": {"mode": "score"}}}),
        ),
        ("never_heard_of", json!(1)),
        ("service_tier", json!("scale")),
    ] {
        let done = Case::default().with(json!({ field: value }));
        done.dropped(field);
        assert_eq!(done.text, Case::default().with(json!({})).text, "{field}");
    }
    for (members, field) in [
        (json!({"text": {"verbosity": "low"}}), "text.verbosity"),
        (
            json!({"reasoning": {"summary": "auto"}}),
            "reasoning.summary",
        ),
        (
            json!({"reasoning": {"generate_summary": "auto"}}),
            "reasoning.generate_summary",
        ),
        (
            json!({"reasoning": {"context": "all_turns"}}),
            "reasoning.context",
        ),
        (json!({"reasoning": {"mode": "pro"}}), "reasoning.mode"),
        (
            json!({"access_programs": {"cyber": "trusted"}}),
            "access_programs.cyber",
        ),
        (
            json!({"include": ["message.output_text.logprobs"]}),
            "include[]",
        ),
        (
            json!({"include": ["web_search_call.action.sources"]}),
            "include[]",
        ),
        (
            json!({"stream_options": {"include_obfuscation": true}}),
            "stream_options.include_obfuscation",
        ),
    ] {
        Case::default().with(members).dropped(field);
    }
    for silent in [
        json!({"include": ["reasoning.encrypted_content"]}),
        json!({"truncation": "disabled"}),
        json!({"background": false}),
        json!({"top_logprobs": 0}),
        json!({"prompt_cache_options": {"mode": "explicit"}}),
        json!({"text": {"format": {"type": "text"}}}),
        json!({"service_tier": "auto"}),
        json!({"parallel_tool_calls": true}),
        json!({"metadata": {}}),
    ] {
        Case::default().with(silent).exact();
    }
}

#[test]
fn what_needs_a_server_that_remembers_is_refused() {
    for (field, value) in [
        ("previous_response_id", json!("resp_1")),
        ("conversation", json!("conv_1")),
        ("conversation", json!({"id": "conv_1"})),
        ("background", json!(true)),
        ("background_options", json!({})),
        ("prompt", json!({"id": "p"})),
        ("top_logprobs", json!(3)),
    ] {
        Case::default().unsupported(field, json!({ field: value }));
    }
    Case::default().unsupported(
        "prompt_cache_options.prewarm",
        json!({"prompt_cache_options": {"prewarm": true}}),
    );
    Case::default().unsupported(
        "moderation.policy.input.mode",
        json!({"moderation": {"policy": {"input": {"mode": "block"}}}}),
    );
    Case::default()
        .lossy()
        .with(json!({"top_logprobs": 3}))
        .dropped("top_logprobs");
}

#[test]
fn a_body_that_is_no_request() {
    for (body, param) in [
        ("[]", ""),
        ("5", ""),
        (r#"{"input":5}"#, "input"),
        (r#"{"input":{}}"#, "input"),
        (r#"{"input":"x","instructions":5}"#, "instructions"),
        (r#"{"input":[5]}"#, "input[0]"),
        (r#"{"input":[{}]}"#, "input[0].type"),
        (r#"{"input":[{"role":"odd"}]}"#, "input[0].role"),
        (r#"{"input":"x","tools":{}}"#, "tools"),
        (r#"{"input":"x","text":[]}"#, "text"),
        (
            r#"{"input":"x","reasoning":{"effort":5}}"#,
            "reasoning.effort",
        ),
        (
            r#"{"input":"x","reasoning":{"effort":"odd"}}"#,
            "reasoning.effort",
        ),
        (r#"{"input":"x","temperature":"hot"}"#, "temperature"),
        (r#"{"input":"x","temperature":3}"#, "temperature"),
        (r#"{"input":"x","top_p":-1}"#, "top_p"),
        (
            r#"{"input":"x","max_output_tokens":0}"#,
            "max_output_tokens",
        ),
        (
            r#"{"input":"x","max_output_tokens":1.5}"#,
            "max_output_tokens",
        ),
        (r#"{"input":[]}"#, "input"),
        ("{}", "input"),
        (r#"{"input":" "}"#, "input"),
    ] {
        let refusal = Case::default().try_run_text(body).unwrap_err();
        assert_eq!(
            (refusal.fault, &*refusal.param),
            (Fault::Invalid, param),
            "{body}"
        );
    }
    let refusal = convert_bytes(b"\xff");
    assert_eq!(refusal.fault, Fault::Invalid);
}

fn convert_bytes(body: &[u8]) -> Refusal {
    Case::default().try_run_bytes(body).unwrap_err()
}

#[test]
fn limits_and_sampling() {
    for (model, members, config) in [
        (
            SONNET,
            json!({"max_output_tokens": 16.0}),
            json!({"maxTokens": 16}),
        ),
        (
            GPT,
            json!({"max_output_tokens": 5}),
            json!({"maxTokens": 16}),
        ),
        (
            SONNET,
            json!({"temperature": 1.4}),
            json!({"temperature": 1}),
        ),
        (SONNET, json!({"top_p": 1}), json!(null)),
        (
            SONNET,
            json!({"temperature": 0.3, "top_p": 0.5}),
            json!({"temperature": 0.3}),
        ),
        (
            SONNET_4,
            json!({"temperature": 0.3, "top_p": 0.5}),
            json!({"temperature": 0.3, "topP": 0.5}),
        ),
        (
            OPUS_4_7,
            json!({"temperature": 0.3, "top_p": 0.5}),
            json!(null),
        ),
        (
            LLAMA,
            json!({"temperature": 0, "top_p": 0.5}),
            json!({"temperature": 0, "topP": 0.5}),
        ),
    ] {
        Case::model(model)
            .with(members)
            .has("/inferenceConfig", config);
    }
    Case::model(GPT)
        .with(json!({"max_output_tokens": 5}))
        .approximated("max_output_tokens");
    Case::default()
        .with(json!({"temperature": 1.4}))
        .approximated("temperature");
    Case::model(OPUS_4_7)
        .with(json!({"temperature": 0.3, "top_p": 0.5}))
        .dropped("temperature")
        .dropped("top_p");
    // At its highest effort Nova takes no limit and no sampling parameters.
    let done = Case::model(NOVA_2).with(json!({
        "reasoning": {"effort": "high"}, "max_output_tokens": 100, "temperature": 0.5}));
    done.has("/inferenceConfig", json!(null))
        .dropped("max_output_tokens")
        .dropped("temperature");
    Case::default()
        .options(|options| options.default_max_tokens = Some(77))
        .with(json!({}))
        .has("/inferenceConfig/maxTokens", json!(77));
}

#[test]
fn who_asks_and_what_is_logged() {
    let forward = || Case::default().options(|options| options.forward_user = Some(true));
    let members = json!({"safety_identifier": "s", "user": "u"});
    forward()
        .with(members.clone())
        .has(
            "/additionalModelRequestFields/metadata",
            json!({"user_id": "s"}),
        )
        .approximated("safety_identifier")
        .dropped("user");
    let done = Case::model(LLAMA)
        .options(|options| options.forward_user = Some(true))
        .with(members);
    done.has("/additionalModelRequestFields", json!(null))
        .dropped("user");

    let done = Case::default().with(json!({"metadata": {"team": "a b", "note": "é"}}));
    done.has("/requestMetadata", json!({"team": "a b"}))
        .approximated("metadata");
    Case::default()
        .with(json!({"metadata": {"note": "é"}}))
        .has("/requestMetadata", json!(null))
        .approximated("metadata");
}

#[test]
fn service_tiers() {
    for (tier, sent) in [
        ("auto", json!(null)),
        ("default", json!({"type": "default"})),
        ("flex", json!({"type": "flex"})),
        ("priority", json!({"type": "priority"})),
        ("fast", json!({"type": "priority"})),
        ("scale", json!(null)),
    ] {
        Case::default()
            .with(json!({"service_tier": tier}))
            .has("/serviceTier", sent);
    }
}

#[test]
fn output_formats() {
    let schema =
        json!({"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "object"}}});
    let format = json!({"type": "json_schema", "name": "out", "description": "d", "strict": true, "schema": schema});
    let done = Case::default().with(json!({"text": {"format": format}}));
    let at = "/outputConfig/textFormat/structure/jsonSchema";
    // Key order is kept, objects are closed for Claude.
    done.has(
        &format!("{at}/schema"),
        json!(r#"{"properties":{"a":{"type":"object","additionalProperties":false},"b":{"type":"string"}},"type":"object","additionalProperties":false}"#),
    )
    .has(&format!("{at}/name"), json!("out"))
    .has(&format!("{at}/description"), json!("d"))
    .approximated("text.format.schema");
    let open = r#"{"model":"m","input":"hi","text":{"format":{"type":"json_schema","strict":false,"schema":{"type":"object","z":1,"a":2}}}}"#;
    let done = Case::model(GPT_OSS).try_run_text(open).unwrap();
    done.has(
        &format!("{at}/schema"),
        json!(r#"{"type":"object","z":1,"a":2}"#),
    )
    .approximated("text.format.strict");

    let done = Case::default()
        .with(json!({"instructions": "i", "text": {"format": {"type": "json_object"}}}));
    done.has(
        "/system",
        json!([{"text": "i"}, {"text": "Respond with a single valid JSON object and nothing else."}]),
    )
    .approximated("text.format");

    let case = Case::default();
    case.unsupported(
        "text.format.type",
        json!({"text": {"format": {"type": "grammar"}}}),
    );
    case.invalid("text.format.type", json!({"text": {"format": {}}}));
    case.invalid(
        "text.format.schema",
        json!({"text": {"format": {"type": "json_schema"}}}),
    );
    case.invalid(
        "text.format.schema",
        json!({"text": {"format": {"type": "json_schema", "schema": []}}}),
    );
}

#[test]
fn efforts() {
    let at = "/additionalModelRequestFields";
    for (model, effort, fields) in [
        (
            SONNET,
            "low",
            json!({"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ),
        (
            SONNET,
            "minimal",
            json!({"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ),
        (
            SONNET,
            "max",
            json!({"thinking": {"type": "enabled", "budget_tokens": 16384}}),
        ),
        (SONNET, "none", json!(null)),
        (
            OPUS_4_6,
            "high",
            json!({"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "high"}}),
        ),
        (
            NOVA_2,
            "medium",
            json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}}),
        ),
        (GPT_OSS, "xhigh", json!({"reasoning_effort": "high"})),
        (GPT, "low", json!({"reasoning": {"effort": "low"}})),
        (LLAMA, "low", json!(null)),
        (NOVA, "low", json!(null)),
    ] {
        let done = Case::model(model).with(json!({"reasoning": {"effort": effort}}));
        done.has(at, fields);
    }
    Case::model(LLAMA)
        .with(json!({"reasoning": {"effort": "low"}}))
        .dropped("reasoning.effort");
    // A small answer leaves no room for thinking, a larger one bounds it.
    let fits = |limit: u64| {
        Case::default().with(json!({"reasoning": {"effort": "high"}, "max_output_tokens": limit}))
    };
    fits(1024).has(at, json!(null)).dropped("reasoning.effort");
    fits(2000).has(
        "/additionalModelRequestFields/thinking/budget_tokens",
        json!(1999),
    );
    // Thinking forbids a temperature; a call that is forced forbids thinking.
    Case::default()
        .with(json!({"reasoning": {"effort": "high"}, "temperature": 0.2}))
        .has("/inferenceConfig", json!(null))
        .dropped("temperature");
    Case::default()
        .with(json!({"reasoning": {"effort": "high"}, "tools": [function("f")], "tool_choice": "required"}))
        .has("/additionalModelRequestFields", json!(null))
        .dropped("reasoning.effort");
    Case::model(OPUS_4_6)
        .options(|options| options.effort_field = Some(EffortField::TopLevel))
        .with(json!({"reasoning": {"effort": "low"}}))
        .has("/outputConfig", json!({"effort": "low"}));
}

#[test]
fn an_item_may_change_the_settings() {
    let done = Case::model(GPT_OSS).with(json!({
        "reasoning": {"effort": "low"},
        "input": [user("a"), {"type": "configuration_update", "reasoning": {"effort": "high"}}]}));
    done.has(
        "/additionalModelRequestFields",
        json!({"reasoning_effort": "high"}),
    )
    .approximated("input[].type");
}

#[test]
fn items_that_nobody_knows() {
    for kind in [
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "image_generation_call",
        "mcp_call",
        "mcp_list_tools",
        "mcp_approval_request",
        "computer_call",
        "computer_call_output",
        "local_shell_call",
        "local_shell_call_output",
        "shell_call",
        "shell_call_output",
        "apply_patch_call",
        "apply_patch_call_output",
        "tool_search_call",
        "tool_search_output",
        "program",
        "program_output",
    ] {
        let input = json!({"input": [user("a"), {"type": kind, "call_id": "c"}]});
        Case::default().unsupported("input[1].type", input.clone());
        let done = Case::default()
            .options(|options| options.unsupported_tools = Some(UnsupportedTools::Drop))
            .with(input);
        done.dropped("input[].type")
            .says(json!([says("user", json!([{"text": "a"}]))]));
    }
    for kind in ["item_reference", "compaction", "never_heard_of"] {
        let case = Case::default()
            .options(|options| options.unsupported_tools = Some(UnsupportedTools::Drop));
        let input =
            json!({"input": [user("a"), {"type": kind, "id": "c", "encrypted_content": "x"}]});
        case.unsupported("input[1].type", input);
    }
}
