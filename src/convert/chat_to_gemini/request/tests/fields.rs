//! Every top-level field.

use super::*;

#[test]
fn limits_and_sampling_are_carried() {
    Case::model(OLD)
        .with(json!({
            "max_completion_tokens": 5, "temperature": 0.50, "top_p": 1, "top_k": 3, "seed": -7, "n": 2,
            "presence_penalty": -0.5, "frequency_penalty": 1, "stop": ["a", "", "b"],
            "logprobs": true, "top_logprobs": 4, "logit_bias": {}, "store": false
        }))
        .exact()
        .has(
            "/generationConfig",
            json!({
                "maxOutputTokens": 5, "candidateCount": 2, "stopSequences": ["a", "b"], "temperature": 0.5, "topP": 1,
                "topK": 3, "seed": -7, "presencePenalty": -0.5, "frequencyPenalty": 1, "responseLogprobs": true, "logprobs": 4
            }),
        );
    let case = Case::default();
    case.with(json!({"max_tokens": 6, "stop": "x", "n": 1}))
        .exact()
        .has(
            "/generationConfig",
            json!({"maxOutputTokens": 6, "stopSequences": ["x"]}),
        );
    case.with(json!({"max_completion_tokens": 5, "max_tokens": 6}))
        .dropped("max_tokens")
        .has("/generationConfig/maxOutputTokens", json!(5));
    case.with(json!({"stop": "", "temperature": null, "unknown": null}))
        .exact()
        .has("/generationConfig", Value::Null);
    Case::model(LEGACY)
        .with(json!({"max_tokens": 32_000}))
        .approximated("max_tokens")
        .has("/generationConfig/maxOutputTokens", json!(8192));
}

#[test]
fn the_newest_models_have_no_penalties() {
    let case = Case::default();
    case.with(json!({"presence_penalty": 0, "frequency_penalty": 0.0}))
        .exact()
        .has("/generationConfig", Value::Null);
    case.with(json!({"presence_penalty": 1}))
        .dropped("presence_penalty")
        .has("/generationConfig", Value::Null);
}

#[test]
fn what_has_no_place_is_refused_or_dropped() {
    let case = Case::default();
    case.unsupported("n", json!({"n": 9}));
    case.unsupported("n", json!({"n": 2, "stream": true}));
    case.with(json!({"n": 1, "stream": true})).exact();
    case.invalid("n", json!({"n": 0}));
    case.unsupported("stop", json!({"stop": ["1", "2", "3", "4", "5", "6"]}));
    case.invalid("stop[1]", json!({"stop": ["1", 2]}));
    case.invalid("temperature", json!({"temperature": "hot"}));
    case.invalid("logprobs", json!({"logprobs": 3}));
    case.unsupported("logit_bias", json!({"logit_bias": {"1": 2}}));
    Case {
        lossy: true,
        ..Case::default()
    }
    .with(json!({"logit_bias": {"1": 2}}))
    .dropped("logit_bias");
    case.unsupported(
        "moderation.policy.input.mode",
        json!({"moderation": {"policy": {"input": {"mode": "block"}}}}),
    );
    let done = case.with(json!({
        "verbosity": "low", "prediction": {}, "metadata": {}, "user": "u", "safety_identifier": "s", "store": true,
        "prompt_cache_key": "k", "prompt_cache_retention": "24h", "prompt_cache_options": {}, "moderation": {"model": "m"},
        "thinking": {}, "reasoning": {"effort": "low"}, "odd": 1, "stream_options": {"include_obfuscation": true, "odd": 1}
    }));
    for field in [
        "verbosity",
        "prediction",
        "metadata",
        "user",
        "safety_identifier",
        "store",
        "prompt_cache_key",
        "prompt_cache_retention",
        "prompt_cache_options",
        "moderation",
        "thinking",
        "reasoning",
        "odd",
        "stream_options.include_obfuscation",
        "stream_options.odd",
    ] {
        done.dropped(field);
    }
    assert_eq!(done.body.as_object().unwrap().len(), 1, "{}", done.text);
}

#[test]
fn the_form_of_the_answer() {
    let case = Case::default();
    let format = |format: Value| json!({"response_format": format});
    case.with(format(json!({"type": "text"})))
        .exact()
        .has("/generationConfig", Value::Null);
    case.with(format(json!({"type": "json_object"})))
        .exact()
        .has(
            "/generationConfig",
            json!({"responseMimeType": "application/json"}),
        );
    let schema = json!({"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "integer"}}, "additionalProperties": false});
    let asked = format(
        json!({"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": schema}}),
    );
    case.with(asked.clone())
        .dropped("response_format.json_schema.name")
        .dropped("response_format.json_schema.strict")
        .has("/generationConfig/responseJsonSchema", schema.clone());
    let mut ordered = schema;
    ordered["propertyOrdering"] = json!(["a", "b"]);
    Case::model(OLD)
        .with(asked.clone())
        .has("/generationConfig/responseJsonSchema", ordered);
    let legacy = Case::model(LEGACY).with(asked.clone());
    legacy.has(
        "/generationConfig",
        json!({"responseMimeType": "application/json", "responseSchema":
            {"type": "OBJECT", "properties": {"b": {"type": "STRING"}, "a": {"type": "INTEGER"}}}}),
    );
    let mut forced = Case::default();
    forced.options.legacy_schema = Some(true);
    forced
        .with(asked)
        .has("/generationConfig/responseSchema/type", json!("OBJECT"));
    case.invalid(
        "response_format.json_schema.schema",
        format(json!({"type": "json_schema"})),
    );
    case.unsupported("response_format.type", format(json!({"type": "grammar"})));
}

#[test]
fn kinds_of_answers() {
    let case = Case::default();
    case.with(json!({"modalities": ["text"]}))
        .exact()
        .has("/generationConfig", Value::Null);
    case.with(json!({"modalities": ["text", "image", "image"]}))
        .approximated("modalities")
        .has(
            "/generationConfig/responseModalities",
            json!(["TEXT", "IMAGE"]),
        );
    case.with(json!({"modalities": ["audio"], "audio": {"voice": "Kore", "format": "pcm16"}}))
        .approximated("audio")
        .has(
            "/generationConfig",
            json!({"responseModalities": ["AUDIO"],
                "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}}),
        );
    case.with(json!({"audio": {"voice": {"id": "Puck"}, "format": "wav"}}))
        .has(
            "/generationConfig/speechConfig/voiceConfig/prebuiltVoiceConfig/voiceName",
            json!("Puck"),
        );
    case.unsupported("audio.format", json!({"audio": {"format": "mp3"}}));
    case.unsupported("modalities[0]", json!({"modalities": ["smell"]}));
}

#[test]
fn service_tiers() {
    let case = Case::default();
    for (tier, sent) in [
        ("auto", Value::Null),
        ("default", json!("standard")),
        ("flex", json!("flex")),
        ("priority", json!("priority")),
        ("fast", json!("priority")),
    ] {
        case.with(json!({"service_tier": tier}))
            .has("/serviceTier", sent);
    }
    case.with(json!({"service_tier": "scale"}))
        .dropped("service_tier")
        .has("/serviceTier", Value::Null);
    case.with(json!({"service_tier": "default"}))
        .approximated("service_tier");
}

#[test]
fn googles_own_fields() {
    let case = Case::default();
    case.with(json!({"extra_body": {"google": {
        "safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
        "media_resolution": "MEDIA_RESOLUTION_LOW", "image_config": {"aspect_ratio": "1:1"},
        "speech_config": {"language_code": "de"}, "labels": {"a_b": "c"},
        "retrieval_config": {"lat_lng": {"latitude": 1.5, "longitude": 2}},
        "tool_config": {"function_calling_config": {"mode": "NONE"}}
    }}}))
    .exact()
    .has(
        "/safetySettings",
        json!([{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}]),
    )
    .has(
        "/generationConfig",
        json!({"mediaResolution": "MEDIA_RESOLUTION_LOW", "imageConfig": {"aspectRatio": "1:1"},
            "speechConfig": {"languageCode": "de"}}),
    )
    .has("/labels", json!({"a_b": "c"}))
    .has(
        "/toolConfig",
        json!({"retrievalConfig": {"latLng": {"latitude": 1.5, "longitude": 2}}, "functionCallingConfig": {"mode": "NONE"}}),
    );
    for name in ["safety_settings", "safetySettings"] {
        case.with(json!({name: []}))
            .exact()
            .has("/safetySettings", json!([]));
    }
    case.unsupported(
        "extra_body.google.odd",
        json!({"extra_body": {"google": {"odd": 1}}}),
    );
    case.unsupported(
        "safety_settings[0].method",
        json!({"safety_settings": [{"method": "SEVERITY"}]}),
    );
    case.invalid("safety_settings", json!({"safety_settings": {}}));
    case.with(json!({"extra_body": {"other": 1}}))
        .dropped("extra_body.other");
}

#[test]
fn cached_content_stands_alone() {
    let case = Case::default();
    for members in [
        json!({"extra_body": {"google": {"cached_content": "cachedContents/x"}}}),
        json!({"cachedContent": "cachedContents/x"}),
    ] {
        case.with(members)
            .exact()
            .has("/cachedContent", json!("cachedContents/x"));
    }
    let cached = |mut members: Value| {
        members["cached_content"] = json!("cachedContents/x");
        members
    };
    case.unsupported("tools", cached(json!({"web_search_options": {}})));
    case.unsupported("tools", cached(json!({"tools": [function("f")]})));
    case.unsupported(
        "messages[0]",
        cached(json!({"messages": [{"role": "system", "content": "s"}, user(json!("u"))]})),
    );
    case.unsupported(
        "extra_body.google.tool_config",
        cached(
            json!({"extra_body": {"google": {"tool_config": {"include_server_side_tool_invocations": true}}}}),
        ),
    );
}

#[test]
fn the_state_knows_what_the_answer_needs() {
    let done = Case::default().with(json!({"stream_options": {"include_usage": true}}));
    assert!(done.state.include_usage);
    assert_eq!(done.state.model, "\"gemini-3.8-flash\"");
}
