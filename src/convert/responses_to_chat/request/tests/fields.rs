//! Members that are carried, approximated or dropped.

use super::*;

#[test]
fn what_is_carried() {
    for (target, members, key, expected) in [
        (
            GEMINI,
            json!({"max_output_tokens": 5}),
            "max_tokens",
            json!(5),
        ),
        (
            SONAR,
            json!({"max_output_tokens": 5}),
            "max_tokens",
            json!(5),
        ),
        (
            GROQ,
            json!({"max_output_tokens": 5}),
            "max_completion_tokens",
            json!(5),
        ),
        (GROQ, json!({"temperature": 0.5}), "temperature", json!(0.5)),
        (GROQ, json!({"top_p": 1}), "top_p", json!(1)),
        (
            GROQ,
            json!({"temperature": null}),
            "temperature",
            Value::Null,
        ),
        (GROQ, json!({"stream": true}), "stream", json!(true)),
        (
            GROQ,
            json!({"stream": true}),
            "stream_options",
            json!({"include_usage": true}),
        ),
        (
            SONAR,
            json!({"stream": true}),
            "stream_options",
            Value::Null,
        ),
        (GROQ, json!({"stream": false}), "stream", Value::Null),
        (GROQ, json!({}), "model", json!("llama-3.3-70b")),
        (
            GROQ,
            json!({"metadata": {"a": "b"}}),
            "metadata",
            Value::Null,
        ),
        (
            GROQ,
            json!({"user": "u", "safety_identifier": "s"}),
            "user",
            json!("u"),
        ),
        (GROQ, json!({"safety_identifier": "s"}), "user", json!("s")),
        (GEMINI, json!({"user": "u"}), "user", Value::Null),
        (
            GROQ,
            json!({"service_tier": "priority"}),
            "service_tier",
            json!("performance"),
        ),
        (
            GROQ,
            json!({"service_tier": "default"}),
            "service_tier",
            json!("on_demand"),
        ),
        (
            GEMINI,
            json!({"service_tier": "flex"}),
            "service_tier",
            Value::Null,
        ),
        (SONAR, json!({"top_logprobs": 3}), "top_logprobs", json!(3)),
        (
            GROQ,
            json!({"top_logprobs": 0}),
            "top_logprobs",
            Value::Null,
        ),
        (
            GROQ,
            json!({"text": {"format": {"type": "text"}}}),
            "response_format",
            Value::Null,
        ),
        (
            GROQ,
            json!({"text": {"format": {"type": "json_object"}}}),
            "response_format",
            json!({"type": "json_object"}),
        ),
        (
            GROQ,
            json!({"text": {"format": {"type": "json_schema", "name": "n", "description": "d", "schema": {"type": "object"}, "strict": true}}}),
            "response_format",
            json!({"type": "json_schema", "json_schema": {"name": "n", "description": "d", "schema": {"type": "object"}, "strict": true}}),
        ),
        (
            GEMINI,
            json!({"text": {"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": true}}}),
            "response_format",
            json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}),
        ),
    ] {
        let (body, _) = sent(target, &members);
        assert_eq!(
            body.get(key).unwrap_or(&Value::Null),
            &expected,
            "{members}"
        );
    }
}

#[test]
fn what_is_dropped_and_reported() {
    for (target, members, path) in [
        (GROQ, json!({"store": false}), "store"),
        (
            GROQ,
            json!({"context_management": []}),
            "context_management",
        ),
        (GROQ, json!({"prompt_cache_key": "k"}), "prompt_cache_key"),
        (
            GROQ,
            json!({"prompt_cache_retention": "24h"}),
            "prompt_cache_retention",
        ),
        (
            GROQ,
            json!({"prompt_cache_options": {}}),
            "prompt_cache_options",
        ),
        (
            GROQ,
            json!({"background_options": {}}),
            "background_options",
        ),
        (
            GROQ,
            json!({"client_metadata": {"a": "b"}}),
            "client_metadata",
        ),
        (
            GROQ,
            json!({"moderation": {"policy": {"mode": "observe"}}}),
            "moderation",
        ),
        (GROQ, json!({"max_tool_calls": 0}), "max_tool_calls"),
        (GROQ, json!({"image": {}}), "image"),
        (GROQ, json!({"max_tool_calls": 0}), "max_tool_calls"),
        (GROQ, json!({"truncation": "auto"}), "truncation"),
        (
            GROQ,
            json!({"text": {"verbosity": "low"}}),
            "text.verbosity",
        ),
        (
            GROQ,
            json!({"reasoning": {"effort": "high"}}),
            "reasoning.effort",
        ),
        (
            GROQ,
            json!({"reasoning": {"summary": "auto"}}),
            "reasoning.summary",
        ),
        (
            GPT_OSS,
            json!({"reasoning": {"mode": "pro"}}),
            "reasoning.mode",
        ),
        (
            GPT_OSS,
            json!({"reasoning": {"context": "all_turns"}}),
            "reasoning.context",
        ),
        (
            GROQ,
            json!({"include": ["file_search_call.results"]}),
            "include",
        ),
        (
            GROQ,
            json!({"include": ["message.output_text.logprobs"]}),
            "include",
        ),
        (
            GROQ,
            json!({"stream_options": {"include_obfuscation": true}}),
            "stream_options.include_obfuscation",
        ),
        (
            GROQ,
            json!({"user": "u", "safety_identifier": "s"}),
            "safety_identifier",
        ),
        (GEMINI, json!({"user": "u"}), "user"),
        (
            GROQ,
            json!({"parallel_tool_calls": true}),
            "parallel_tool_calls",
        ),
        (
            GROQ,
            json!({"tools": [{"type": "mcp", "server_label": "x"}]}),
            "tools[]",
        ),
        (
            GEMINI,
            json!({"tools": [{"type": "web_search"}]}),
            "tools[]",
        ),
        (
            GROQ,
            json!({"tools": [{"type": "tool_search", "execution": "client"}]}),
            "tools[]",
        ),
        (
            GROQ,
            json!({"tools": [{"type": "function", "name": "f", "defer_loading": true}]}),
            "tools[].defer_loading",
        ),
        (
            GEMINI,
            json!({"tools": [{"type": "function", "name": "f", "strict": true}]}),
            "tools[].strict",
        ),
        (GROQ, json!({"brand_new": 1}), "brand_new"),
        (GROQ, json!({"metadata": {"a": "b"}}), "metadata"),
        (
            GPT_OSS,
            json!({"tools": [{"type": "web_search", "filters": {"allowed_domains": ["a.example"]}}]}),
            "tools[].filters",
        ),
        (
            GROQ,
            json!({"input": [{"role": "assistant", "phase": "commentary", "content": "x"}]}),
            "input[].phase",
        ),
        (
            GROQ,
            json!({"input": [{"role": "assistant", "content": [{"type": "output_text", "text": "x", "annotations": [{}]}]}]}),
            "input[].content[].annotations",
        ),
        (
            GEMINI,
            json!({"input": [{"role": "user", "content": [{"type": "input_file", "filename": "a.pdf",
                "file_data": "data:application/pdf;base64,JVBERi0xLjQ="}]}]}),
            "input[].content[].filename",
        ),
        (
            SONAR,
            json!({"tools": [{"type": "web_search", "external_web_access": true}]}),
            "tools[].external_web_access",
        ),
    ] {
        let (_, report) = sent(target, &members);
        assert!(dropped(&report).contains(&path), "{members}: {report:?}");
    }
    // What is the default, or is carried another way, is no loss.
    for members in [
        json!({"background": false}),
        json!({"include": ["reasoning.encrypted_content"]}),
        json!({"truncation": "disabled"}),
        json!({"previous_response_id": null, "service_tier": "auto"}),
        json!({"access_programs": {"cyber": "standard"}}),
    ] {
        let (_, report) = sent(ANY, &members);
        assert_eq!(report, LossReport::default(), "{members}");
    }
}

#[test]
fn efforts_and_visible_reasoning() {
    for (target, reasoning, expected) in [
        (
            GPT_OSS,
            json!({"effort": "max"}),
            json!({"reasoning_effort": "high", "include_reasoning": true}),
        ),
        (
            GPT_OSS,
            json!({"effort": "none"}),
            json!({"reasoning_effort": "low", "include_reasoning": false}),
        ),
        (
            GPT_OSS,
            json!({"summary": "auto"}),
            json!({"include_reasoning": true}),
        ),
        (GPT_OSS, Value::Null, json!({})),
        (
            (Provider::Groq, "qwen/qwen3-32b"),
            json!({"effort": "low"}),
            json!({"reasoning_effort": "default", "reasoning_format": "parsed"}),
        ),
        (GROQ, json!({"effort": "low"}), json!({})),
        (
            GEMINI,
            json!({"effort": "minimal"}),
            json!({"reasoning_effort": "low"}),
        ),
        (
            GEMINI,
            json!({"generate_summary": "concise"}),
            json!({"extra_body": {"google": {"thinking_config": {"include_thoughts": true}}}}),
        ),
        (
            (Provider::Perplexity, "sonar-reasoning-pro"),
            json!({"effort": "xhigh"}),
            json!({"reasoning_effort": "high"}),
        ),
        (
            ANY,
            json!({"effort": "xhigh"}),
            json!({"reasoning_effort": "xhigh"}),
        ),
    ] {
        let (mut body, _) = sent(target, &json!({ "reasoning": reasoning }));
        let body = body.as_object_mut().unwrap();
        body.retain(|key, _| !["model", "messages"].contains(&key.as_str()));
        assert_eq!(
            Value::Object(body.clone()),
            expected,
            "{} {reasoning}",
            target.1
        );
    }
}

#[test]
fn an_item_may_change_the_settings() {
    let (body, _) = sent(
        GPT_OSS,
        &json!({
            "reasoning": {"effort": "low"},
            "input": [
                {"role": "user", "content": "u"},
                {"type": "configuration_update", "reasoning": {"effort": "high"}, "text": {"format": {"type": "json_object"}}}
            ]
        }),
    );
    assert_eq!(body["reasoning_effort"], "high");
    assert_eq!(body["response_format"], json!({"type": "json_object"}));
}

#[test]
fn a_body_that_is_no_request() {
    let mut report = LossReport::default();
    let mut cx = RequestContext {
        model: "m",
        provider: Provider::Groq,
        options: &Options::default(),
        headers: &http::HeaderMap::new(),
        capabilities: &Capabilities::default(),
        lossy: false,
        report: &mut report,
    };
    assert!(convert(b"[]", &mut cx).is_err());
    assert!(convert(b"\xff", &mut cx).is_err());
    cx.provider = Provider::Anthropic;
    assert_eq!(
        convert(br#"{"input":"x"}"#, &mut cx).unwrap_err().param,
        "model"
    );
}
