//! Every top-level field of a Chat request.

use super::*;

#[test]
fn limits() {
    let case = Case::default();
    for (members, tokens) in [
        (json!({"max_tokens": 7}), json!(7)),
        (json!({"max_completion_tokens": 8.0}), json!(8)),
        (json!({"max_tokens": null}), json!(null)),
        (json!({}), json!(null)),
    ] {
        case.with(members)
            .has("/inferenceConfig/maxTokens", tokens)
            .exact();
    }
    case.with(json!({"max_tokens": 7, "max_completion_tokens": 8}))
        .has("/inferenceConfig/maxTokens", json!(8))
        .dropped("max_tokens");
    case.with(json!({"max_tokens": 10_000_000}))
        .has("/inferenceConfig/maxTokens", json!(64_000))
        .approximated("max_tokens");
    for bad in [json!(0), json!(-1), json!(1.5), json!("x")] {
        case.invalid("max_tokens", json!({"max_tokens": bad}));
    }
    // OpenAI's models answer 400 below sixteen.
    Case::model(GPT)
        .with(json!({"max_completion_tokens": 3}))
        .has("/inferenceConfig/maxTokens", json!(16))
        .approximated("max_completion_tokens");
    Case::default()
        .options(|options| options.default_max_tokens = Some(99))
        .with(json!({}))
        .has("/inferenceConfig/maxTokens", json!(99));
}

#[test]
fn sampling() {
    let case = Case::model(LLAMA);
    case.with(json!({"temperature": 0.5, "top_p": 0.25}))
        .has(
            "/inferenceConfig",
            json!({"temperature": 0.5, "topP": 0.25}),
        )
        .exact();
    case.with(json!({"temperature": 1.5, "top_p": 1}))
        .has("/inferenceConfig", json!({"temperature": 1}))
        .approximated("temperature");
    for bad in [json!(2.1), json!(-0.1), json!("1")] {
        case.invalid("temperature", json!({"temperature": bad}));
    }
    case.invalid("top_p", json!({"top_p": 1.1}));
    // Claude 4.5 takes one of the two.
    Case::default()
        .with(json!({"temperature": 0.5, "top_p": 0.25}))
        .has("/inferenceConfig", json!({"temperature": 0.5}))
        .dropped("top_p");
    Case::default()
        .with(json!({"top_p": 0.25}))
        .has("/inferenceConfig", json!({"topP": 0.25}))
        .exact();
    // Later ones take none.
    Case::model(OPUS_4_7)
        .with(json!({"temperature": 0.5, "top_p": 0.25, "top_k": 3}))
        .has("/inferenceConfig", json!(null))
        .dropped("temperature")
        .dropped("top_p")
        .dropped("top_k");
    Case::model(OPUS_4_7)
        .with(json!({"temperature": 1}))
        .exact();
}

#[test]
fn top_k() {
    Case::default()
        .with(json!({"top_k": 5}))
        .has("/additionalModelRequestFields", json!({"top_k": 5}))
        .exact();
    Case::model(NOVA)
        .with(json!({"top_k": 5}))
        .has(
            "/additionalModelRequestFields",
            json!({"inferenceConfig": {"topK": 5}}),
        )
        .exact();
    for (model, top_k) in [(LLAMA, json!(5)), (SONNET, json!(0)), (SONNET, json!("x"))] {
        Case::model(model)
            .with(json!({"top_k": top_k}))
            .has("/additionalModelRequestFields", json!(null))
            .dropped("top_k");
    }
    Case::default()
        .with(json!({"top_k": 5, "reasoning_effort": "high"}))
        .has("/additionalModelRequestFields/top_k", json!(null))
        .dropped("top_k");
}

#[test]
fn stop_sequences() {
    let case = Case::default();
    case.with(json!({"stop": "END"}))
        .has("/inferenceConfig/stopSequences", json!(["END"]))
        .exact();
    let done = case.with(json!({"stop": ["a\n", "", "\n\n"]}));
    done.has("/inferenceConfig/stopSequences", json!(["a\n"]))
        .approximated("stop");
    assert_eq!(done.state.stops, ["\n\n"]);
    case.with(json!({"stop": []}))
        .has("/inferenceConfig", json!(null))
        .exact();
    case.with(json!({"stop": null})).exact();
    let done = Case::model(LLAMA).with(json!({"stop": "\n"}));
    done.has("/inferenceConfig/stopSequences", json!(["\n"]))
        .exact();
    assert!(done.state.stops.is_empty());
    case.invalid("stop[1]", json!({"stop": ["a", 1]}));
    Case::default()
        .options(|options| options.emulate_stop = Some(false))
        .unsupported("stop", json!({"stop": " "}));
}

#[test]
fn the_state_knows_what_the_answer_needs() {
    let done = Case::default().with(json!({
        "model": "my \"sonnet\"", "stream": true, "stream_options": {"include_usage": true, "include_obfuscation": true},
    }));
    assert!(done.state.include_usage);
    assert_eq!(done.state.model, r#""my \"sonnet\"""#);
    done.dropped("stream_options.include_obfuscation");
    assert!(done.headers.is_empty());
}

#[test]
fn formats() {
    let case = Case::default();
    case.with(json!({"response_format": {"type": "text"}}))
        .exact();
    case.with(json!({"response_format": {"type": "json_object"},
        "messages": [{"role": "system", "content": "s"}, user("q")]}))
        .has(
            "/system",
            json!([
                text("s"),
                text("Respond with a single valid JSON object and nothing else.")
            ]),
        )
        .approximated("response_format");
    let schema = json!({"name": "n", "description": "d", "strict": true, "schema": {"type": "object", "additionalProperties": false}});
    case.with(json!({"response_format": {"type": "json_schema", "json_schema": schema}}))
        .has(
            "/outputConfig/textFormat",
            json!({"type": "json_schema", "structure": {"jsonSchema": {
                "schema": r#"{"additionalProperties":false,"type":"object"}"#, "name": "n", "description": "d"}}}),
        )
        .exact();
    let open = json!({"strict": false, "schema": {"type": "object"}});
    case.with(json!({"response_format": {"type": "json_schema", "json_schema": open}}))
        .has(
            "/outputConfig/textFormat/structure/jsonSchema",
            json!({"schema": r#"{"type":"object","additionalProperties":false}"#}),
        )
        .approximated("response_format.json_schema.strict")
        .approximated("response_format.json_schema.schema");
    // Only Claude wants closed objects.
    Case::model(NOVA)
        .with(json!({"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}}))
        .has(
            "/outputConfig/textFormat/structure/jsonSchema/schema",
            json!(r#"{"type":"object"}"#),
        )
        .exact();
    case.unsupported(
        "response_format.type",
        json!({"response_format": {"type": "grammar"}}),
    );
    case.invalid("response_format.type", json!({"response_format": {}}));
    case.invalid(
        "response_format.json_schema.schema",
        json!({"response_format": {"type": "json_schema", "json_schema": {}}}),
    );
    case.invalid(
        "response_format.json_schema.name",
        json!({"response_format": {"type": "json_schema", "json_schema": {"name": 1, "schema": {}}}}),
    );
}

#[test]
fn tiers() {
    let case = Case::default();
    for (tier, sent) in [
        ("flex", "flex"),
        ("default", "default"),
        ("priority", "priority"),
    ] {
        case.with(json!({"service_tier": tier}))
            .has("/serviceTier", json!({"type": sent}))
            .exact();
    }
    case.with(json!({"service_tier": "auto"}))
        .has("/serviceTier", json!(null))
        .exact();
    case.with(json!({"service_tier": "fast"}))
        .has("/serviceTier", json!({"type": "priority"}))
        .approximated("service_tier");
    case.with(json!({"service_tier": "scale"}))
        .has("/serviceTier", json!(null))
        .dropped("service_tier");
}

#[test]
fn hints_are_dropped() {
    let done = Case::default().with(json!({
        "seed": 1, "frequency_penalty": 0.5, "presence_penalty": 0.5, "prediction": {}, "store": true, "verbosity": "low",
        "prompt_cache_key": "k", "prompt_cache_retention": "24h", "prompt_cache_options": {"mode": "implicit"},
        "user": "u", "safety_identifier": "s", "top_logprobs": 3, "unheard_of": {"a": 1},
        "moderation": {"policy": {"input": {"mode": "score"}}},
    }));
    for field in [
        "seed",
        "frequency_penalty",
        "presence_penalty",
        "prediction",
        "store",
        "verbosity",
        "prompt_cache_key",
        "prompt_cache_retention",
        "prompt_cache_options",
        "user",
        "safety_identifier",
        "top_logprobs",
        "unheard_of",
        "moderation",
    ] {
        done.dropped(field);
    }
    // None of it is spilled anywhere.
    done.has("/additionalModelRequestFields", json!(null));
    assert!(!done.text.contains("unheard_of"));
    Case::default()
        .with(json!({"n": 1, "logprobs": false, "logit_bias": {}, "modalities": ["text"], "frequency_penalty": 0, "store": false,
            "prompt_cache_options": {"mode": "explicit"}, "seed": null}))
        .exact();
}

#[test]
fn what_would_change_the_meaning_is_refused() {
    let case = Case::default();
    case.unsupported("n", json!({"n": 2}));
    case.unsupported("logprobs", json!({"logprobs": true}));
    case.unsupported("logit_bias", json!({"logit_bias": {"5": 1}}));
    case.unsupported("modalities[1]", json!({"modalities": ["text", "audio"]}));
    case.unsupported("audio", json!({"audio": {"voice": "x"}}));
    case.unsupported(
        "moderation.policy.input.mode",
        json!({"moderation": {"policy": {"input": {"mode": "block"}}}}),
    );
    case.unsupported("web_search_options", json!({"web_search_options": {}}));
    case.invalid("messages", json!({"messages": []}));
    case.invalid("messages[0].role", json!({"messages": [{"role": "odd"}]}));
    let lossy = Case {
        lossy: true,
        ..Case::default()
    };
    lossy.with(json!({"logprobs": true})).dropped("logprobs");
}

#[test]
fn who_asks() {
    let known = Case::default().options(|options| options.forward_user = Some(true));
    known
        .with(json!({"user": "u", "safety_identifier": "s"}))
        .has(
            "/additionalModelRequestFields",
            json!({"metadata": {"user_id": "s"}}),
        )
        .approximated("safety_identifier")
        .dropped("user");
    known
        .with(json!({"user": "u"}))
        .has("/additionalModelRequestFields/metadata/user_id", json!("u"));
    let nova = Case::model(NOVA).options(|options| options.forward_user = Some(true));
    nova.with(json!({"user": "u"}))
        .has("/additionalModelRequestFields", json!(null))
        .dropped("user");
}

#[test]
fn metadata_that_fits_is_logged() {
    let case = Case::default();
    case.with(json!({"metadata": {"team": "a b", "json": "{}"}}))
        .has("/requestMetadata", json!({"team": "a b"}))
        .approximated("metadata")
        .dropped("metadata");
    case.with(json!({"metadata": {}}))
        .has("/requestMetadata", json!(null))
        .exact();
    case.with(json!({"metadata": {"user_id": "{\"device\":1}"}}))
        .has("/requestMetadata", json!(null))
        .dropped("metadata");
}

#[test]
fn members_of_converse_where_the_owner_allows_them() {
    let members = json!({
        "additional_model_request_fields": {"top_k": 9, "x": {"y": 1}},
        "guardrail_config": {"guardrailIdentifier": "g", "guardrailVersion": "1"},
        "performance_config": {"latency": "optimized"},
        "request_metadata": {"a": "2"}, "metadata": {"a": "1", "b": "1"}, "top_k": 3,
    });
    let open = Case::default().options(|options| options.bedrock_extensions = Some(true));
    let done = open.with(members.clone());
    done.has(
        "/additionalModelRequestFields",
        json!({"top_k": 9, "x": {"y": 1}}),
    )
    .has(
        "/guardrailConfig",
        json!({"guardrailIdentifier": "g", "guardrailVersion": "1"}),
    )
    .has("/performanceConfig", json!({"latency": "optimized"}))
    .has("/requestMetadata", json!({"a": "2", "b": "1"}));
    assert!(done.report.dropped().is_empty());
    open.invalid("guardrail_config", json!({"guardrail_config": "g"}));
    let done = Case::default().with(members);
    done.has("/additionalModelRequestFields", json!({"top_k": 3}))
        .has("/guardrailConfig", json!(null))
        .dropped("guardrail_config")
        .dropped("request_metadata");
}

#[test]
fn only_claude_is_asked_for_what_it_says_beside_its_answer() {
    Case::default().with(json!({})).has(
        "/additionalModelResponseFieldPaths",
        json!(["/stop_sequence", "/usage/output_tokens_details"]),
    );
    for model in [NOVA_2, GPT_OSS, LLAMA] {
        Case::model(model)
            .with(json!({}))
            .has("/additionalModelResponseFieldPaths", json!(null));
    }
}
