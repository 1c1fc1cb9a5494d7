//! Every row of the request, and the pitfalls.

use serde_json::{Value, json};

use super::convert;
use crate::convert::context::RequestContext;
use crate::convert::report::{LossReport, Refusal};
use crate::format::error::Fault;
use crate::models::Capabilities;
use crate::provider::Provider;
use crate::target::Options;

const GEMINI: (Provider, &str) = (Provider::Gemini, "gemini-3.8-flash");
const GROQ: (Provider, &str) = (Provider::Groq, "llama-3.3-70b");
const GPT_OSS: (Provider, &str) = (Provider::Groq, "openai/gpt-oss-120b");
const COMPOUND: (Provider, &str) = (Provider::Groq, "groq/compound");
const SONAR: (Provider, &str) = (Provider::Perplexity, "sonar");
const ANY: (Provider, &str) = (Provider::OpenAiCompatible, "some/model");

fn try_convert(
    (provider, model): (Provider, &str),
    request: &Value,
) -> Result<(Value, LossReport), Refusal> {
    let mut report = LossReport::default();
    let mut cx = RequestContext {
        model,
        provider,
        options: &Options::default(),
        capabilities: &Capabilities::default(),
        lossy: false,
        report: &mut report,
    };
    let converted = convert(request.to_string().as_bytes(), &mut cx)?;
    Ok((serde_json::from_slice(&converted.body).unwrap(), report))
}

/// A request with these members beside model and input.
fn with(members: &Value) -> Value {
    let mut request = json!({"model": "asked", "input": "hi"});
    for (key, value) in members.as_object().unwrap() {
        request[key] = value.clone();
    }
    request
}

fn sent(target: (Provider, &str), members: &Value) -> (Value, LossReport) {
    try_convert(target, &with(members)).unwrap_or_else(|refusal| panic!("{members}: {refusal:?}"))
}

fn refused(target: (Provider, &str), members: &Value) -> (Fault, String) {
    match try_convert(target, &with(members)) {
        Ok((body, _)) => panic!("{members} was sent as {body}"),
        Err(refusal) => (refusal.fault, refusal.param.into_owned()),
    }
}

fn dropped(report: &LossReport) -> Vec<&str> {
    report.dropped().iter().map(|path| &**path).collect()
}

fn messages(target: (Provider, &str), input: Value) -> Value {
    sent(target, &json!({ "input": input })).0["messages"].clone()
}

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
        json!({"metadata": {"a": "b"}}),
        json!({"previous_response_id": null, "service_tier": "auto"}),
        json!({"access_programs": {"cyber": "standard"}}),
    ] {
        let (_, report) = sent(ANY, &members);
        assert_eq!(report, LossReport::default(), "{members}");
    }
}

#[test]
fn what_is_refused() {
    use Fault::{Invalid, Unsupported};
    for (target, members, fault, param) in [
        (
            GROQ,
            json!({"previous_response_id": "resp_1"}),
            Unsupported,
            "previous_response_id",
        ),
        (
            GROQ,
            json!({"conversation": "conv_1"}),
            Unsupported,
            "conversation",
        ),
        (GROQ, json!({"prompt": {"id": "p"}}), Unsupported, "prompt"),
        (GROQ, json!({"background": true}), Unsupported, "background"),
        (GROQ, json!({"generate": false}), Unsupported, "generate"),
        (
            GROQ,
            json!({"access_programs": {"bio": "x"}}),
            Unsupported,
            "access_programs",
        ),
        (
            GROQ,
            json!({"moderation": {"policy": {"mode": "block"}}}),
            Unsupported,
            "moderation",
        ),
        (
            GROQ,
            json!({"prompt_cache_options": {"prewarm": true}}),
            Unsupported,
            "prompt_cache_options.prewarm",
        ),
        (
            GROQ,
            json!({"top_logprobs": 2}),
            Unsupported,
            "top_logprobs",
        ),
        (
            GEMINI,
            json!({"top_logprobs": 2}),
            Unsupported,
            "top_logprobs",
        ),
        (
            SONAR,
            json!({"text": {"format": {"type": "json_object"}}}),
            Unsupported,
            "text.format",
        ),
        (
            GROQ,
            json!({"text": {"format": {"type": "xml"}}}),
            Unsupported,
            "text.format.type",
        ),
        (
            GROQ,
            json!({"text": {"format": {"type": "json_schema"}}}),
            Invalid,
            "text.format.schema",
        ),
        (
            GROQ,
            json!({"reasoning": {"effort": "huge"}}),
            Invalid,
            "reasoning.effort",
        ),
        (
            GROQ,
            json!({"max_output_tokens": "5"}),
            Invalid,
            "max_output_tokens",
        ),
        (GROQ, json!({"input": null}), Invalid, "input"),
        (GROQ, json!({"input": []}), Invalid, "input"),
        (
            GROQ,
            json!({"input": [], "instructions": "x"}),
            Invalid,
            "input",
        ),
        (GROQ, json!({"input": 5}), Invalid, "input"),
        (
            GROQ,
            json!({"instructions": ["x"]}),
            Invalid,
            "instructions",
        ),
        (
            SONAR,
            json!({"tools": [{"type": "function", "name": "f"}]}),
            Unsupported,
            "tools",
        ),
        (
            SONAR,
            json!({"tools": [{"type": "namespace", "name": "n", "tools": [{"type": "custom", "name": "f"}]}]}),
            Unsupported,
            "tools",
        ),
        (
            GROQ,
            json!({"tools": [{"type": "function"}]}),
            Invalid,
            "tools[0].name",
        ),
        (
            GROQ,
            json!({"tools": [{"name": "f"}]}),
            Invalid,
            "tools[0].type",
        ),
        (
            GROQ,
            json!({"tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "f"}]}),
            Invalid,
            "tools[1].name",
        ),
        (
            GROQ,
            json!({"tools": [{"type": "function", "name": "f", "allowed_callers": ["programmatic"]}]}),
            Unsupported,
            "tools[0].allowed_callers",
        ),
        (
            GROQ,
            json!({"tool_choice": "sometimes"}),
            Invalid,
            "tool_choice",
        ),
        (
            GROQ,
            json!({"tool_choice": {"type": "function", "name": "f"}}),
            Invalid,
            "tool_choice",
        ),
        (
            GROQ,
            json!({"tools": [{"type": "mcp"}], "tool_choice": {"type": "mcp"}}),
            Unsupported,
            "tool_choice",
        ),
        (
            GROQ,
            json!({"tools": [{"type": "mcp"}], "tool_choice": "required"}),
            Unsupported,
            "tool_choice",
        ),
        (
            GEMINI,
            json!({"tools": [{"type": "web_search"}], "tool_choice": {"type": "web_search"}}),
            Unsupported,
            "tool_choice",
        ),
        (
            GPT_OSS,
            json!({"tools": [{"type": "web_search"}, {"type": "function", "name": "f"}], "tool_choice": {"type": "web_search"}}),
            Unsupported,
            "tool_choice",
        ),
        (
            GROQ,
            json!({"input": [{"type": "item_reference", "id": "x"}]}),
            Unsupported,
            "input[0]",
        ),
        (
            GROQ,
            json!({"input": [{"type": "compaction"}]}),
            Unsupported,
            "input[0].type",
        ),
        (
            GROQ,
            json!({"input": [{"type": "computer_call"}]}),
            Unsupported,
            "input[0].type",
        ),
        (
            GROQ,
            json!({"input": [{"type": "mcp_call"}]}),
            Unsupported,
            "input[0].type",
        ),
        (
            GROQ,
            json!({"input": [{"type": "brand_new"}]}),
            Unsupported,
            "input[0].type",
        ),
        (GROQ, json!({"input": [{}]}), Invalid, "input[0].type"),
        (
            GROQ,
            json!({"input": [{"role": "user"}]}),
            Invalid,
            "input[0].content",
        ),
        (
            GROQ,
            json!({"input": [{"role": "robot", "content": "x"}]}),
            Invalid,
            "input[0].role",
        ),
        (
            GROQ,
            json!({"input": [{"role": "user", "content": 5}]}),
            Invalid,
            "input[0].content",
        ),
        (GROQ, json!({"input": ["x"]}), Invalid, "input[0]"),
        (
            GROQ,
            json!({"input": [{"type": "function_call_output", "output": "x"}]}),
            Invalid,
            "input[0].call_id",
        ),
        (
            GROQ,
            json!({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}),
            Invalid,
            "input[0]",
        ),
        (
            GROQ,
            json!({"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": 5}]}),
            Invalid,
            "input[0].arguments",
        ),
        (
            GROQ,
            json!({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "x"}]}]}),
            Unsupported,
            "input[0].content[0].file_id",
        ),
        (
            GROQ,
            json!({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "ftp://x"}]}]}),
            Invalid,
            "input[0].content[0].image_url",
        ),
        (
            GROQ,
            json!({"input": [{"role": "user", "content": [{"type": "input_file", "file_data": "JVBERi0="}]}]}),
            Unsupported,
            "input[0].content[0].file_data",
        ),
        (
            GROQ,
            json!({"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "https://x"}]}]}),
            Unsupported,
            "input[0].content[0].file_url",
        ),
        (
            SONAR,
            json!({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "x"}]}]}),
            Unsupported,
            "input[0].content[0].file_id",
        ),
        (
            GROQ,
            json!({"input": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}]}]}),
            Unsupported,
            "input[0].content[0]",
        ),
        (
            GROQ,
            json!({"input": [{"role": "user", "content": [{"type": "hologram"}]}]}),
            Unsupported,
            "input[0].content[0]",
        ),
        (
            GROQ,
            json!({"input": [{"role": "assistant", "content": [{"type": "input_image", "image_url": "https://x"}]}]}),
            Unsupported,
            "input[0].content[0]",
        ),
        (
            GEMINI,
            json!({"input": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}),
            Unsupported,
            "input[1]",
        ),
        (
            SONAR,
            json!({"max_tool_calls": 0, "tools": [{"type": "web_search"}]}),
            Unsupported,
            "max_tool_calls",
        ),
    ] {
        assert_eq!(
            refused(target, &members),
            (fault, param.to_owned()),
            "{members}"
        );
    }
}

#[test]
fn tools() {
    let function = |name: &str, parameters: Value| json!({"type": "function", "function": {"name": name, "parameters": parameters}});
    let (body, report) = sent(
        GROQ,
        &json!({
            "tools": [
                {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": true},
                {"type": "function", "name": "g", "parameters": null, "strict": null},
                {"type": "namespace", "name": "crm", "description": "CRM.", "tools": [
                    {"type": "function", "name": "find", "description": "Finds."},
                    {"type": "custom", "name": "raw"},
                    {"type": "file_search"}
                ]},
                {"type": "local_shell"}
            ],
            "tool_choice": {"type": "function", "name": "find", "namespace": "crm"},
            "parallel_tool_calls": false
        }),
    );
    assert_eq!(
        body["tools"],
        json!([
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": true}},
            function("g", json!({"type": "object", "properties": {}})),
            {"type": "function", "function": {"name": "crm__find", "description": "CRM.\n\nFinds.", "parameters": {"type": "object", "properties": {}}}},
            {"type": "function", "function": {
                "name": "crm__raw",
                "description": "CRM.\n\nPut the complete tool input, as plain text, in the single string field `input`.",
                "parameters": {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"], "additionalProperties": false}
            }}
        ])
    );
    assert_eq!(
        body["tool_choice"],
        json!({"type": "function", "function": {"name": "crm__find"}})
    );
    assert_eq!(body["parallel_tool_calls"], false);
    assert_eq!(dropped(&report), ["tools[].tools[]", "tools[]"]);
}

#[test]
fn choices_of_tools() {
    let tools = json!([{"type": "function", "name": "f"}, {"type": "custom", "name": "c"}, {"type": "mcp"}]);
    for (choice, expected, count) in [
        (json!("none"), json!("none"), 2),
        (json!("required"), json!("required"), 2),
        (
            json!({"type": "custom", "name": "c"}),
            json!({"type": "function", "function": {"name": "c"}}),
            2,
        ),
        (
            json!({"type": "allowed_tools", "mode": "required", "tools": [{"type": "custom", "name": "c"}, {"type": "mcp"}]}),
            json!("required"),
            1,
        ),
    ] {
        let (body, _) = sent(GROQ, &json!({"tools": tools, "tool_choice": choice}));
        assert_eq!(body["tool_choice"], expected);
        assert_eq!(body["tools"].as_array().unwrap().len(), count, "{choice}");
    }
    // Without a tool there is nothing to choose.
    let (body, _) = sent(
        GROQ,
        &json!({"tools": [{"type": "mcp"}], "tool_choice": "auto"}),
    );
    assert!(body.get("tools").is_none() && body.get("tool_choice").is_none());
    let unknown = json!({"tools": tools, "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "x"}]}});
    assert_eq!(refused(GROQ, &unknown).1, "tool_choice.tools[0]");
}

#[test]
fn searches() {
    let search = json!([{
        "type": "web_search",
        "search_context_size": "low",
        "user_location": {"type": "approximate", "city": "Paris", "country": "FR"},
        "filters": {"allowed_domains": ["a.org"], "blocked_domains": ["b.org"]}
    }]);
    let (body, _) = sent(
        SONAR,
        &json!({"tools": search, "tool_choice": {"type": "web_search_preview"}}),
    );
    assert_eq!(
        body["web_search_options"],
        json!({"search_context_size": "low", "user_location": {"city": "Paris", "country": "FR"}})
    );
    assert_eq!(body["search_domain_filter"], json!(["a.org", "-b.org"]));
    assert!(body.get("tools").is_none() && body.get("tool_choice").is_none());
    let (body, _) = sent(COMPOUND, &json!({ "tools": search }));
    assert_eq!(
        body["search_settings"],
        json!({"country": "FR", "include_domains": ["a.org"], "exclude_domains": ["b.org"]})
    );
    let (body, _) = sent(
        GPT_OSS,
        &json!({
            "tools": [{"type": "web_search_2025_08_26"}, {"type": "code_interpreter", "container": {"type": "auto"}}],
        }),
    );
    assert_eq!(
        body["tools"],
        json!([{"type": "browser_search"}, {"type": "code_interpreter"}])
    );
    let (body, _) = sent(
        GPT_OSS,
        &json!({"tools": search, "tool_choice": {"type": "web_search"}}),
    );
    assert_eq!(body["tool_choice"], "required");
    let (body, report) = sent(
        GPT_OSS,
        &json!({"tools": [{"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["x"]}}]}),
    );
    assert!(body.get("tools").is_none() && dropped(&report) == ["tools[]"]);
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
fn a_codex_turn() {
    let (body, report) = sent(
        GROQ,
        &json!({
            "input": [
                {"type": "additional_tools", "role": "developer", "tools": [
                    {"type": "namespace", "name": "functions", "tools": [
                        {"type": "custom", "name": "exec", "format": {"type": "grammar", "syntax": "lark", "definition": "start: X"}},
                        {"type": "function", "name": "wait", "parameters": {"type": "object"}}
                    ]}
                ]},
                {"type": "message", "id": "msg_1", "role": "developer", "content": [{"type": "input_text", "text": "sys"}]},
                {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "p"}, {"type": "input_text", "text": "q"}]},
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "env"}]},
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "do"}]},
                {"type": "reasoning", "id": "rs", "summary": [], "content": null, "encrypted_content": "gAAAA"},
                {"type": "custom_tool_call", "call_id": "c1", "name": "exec", "namespace": "functions", "input": "ls\n\"x\""},
                {"type": "function_call", "call_id": "c2", "name": "wait", "namespace": "functions", "arguments": ""},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Running.", "annotations": []}]},
                {"type": "function_call_output", "call_id": "c2", "output": ""},
                {"type": "custom_tool_call_output", "call_id": "c1", "output": [
                    {"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"},
                    {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "original"}
                ]},
                {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search"}}
            ],
            "tools": [{"type": "web_search", "external_web_access": true}],
            "tool_choice": "auto",
            "client_metadata": {}
        }),
    );
    assert_eq!(
        body["messages"],
        json!([
            {"role": "system", "content": "sys\n\np\n\nq"},
            {"role": "user", "content": "env"},
            {"role": "user", "content": "do"},
            {"role": "assistant", "content": "Running.", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "functions__exec", "arguments": "{\"input\":\"ls\\n\\\"x\\\"\"}"}},
                {"id": "c2", "type": "function", "function": {"name": "functions__wait", "arguments": "{}"}}
            ]},
            {"role": "tool", "tool_call_id": "c2", "content": "(no text output)"},
            {"role": "tool", "tool_call_id": "c1", "content": "a\nb"},
            {"role": "user", "content": [
                {"type": "text", "text": "[image returned by tool call c1]"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "high"}}
            ]}
        ])
    );
    assert_eq!(body["tools"].as_array().unwrap().len(), 2);
    assert_eq!(
        body["tools"][0]["function"]["description"],
        "Put the complete tool input, as plain text, in the single string field `input`. It must match this lark grammar:\nstart: X"
    );
    for path in [
        "tools[]",
        "client_metadata",
        "input[].encrypted_content",
        "input[]",
    ] {
        assert!(dropped(&report).contains(&path), "{path}");
    }
}

#[test]
fn parts_by_provider() {
    let user = |part: Value| json!([{"role": "user", "content": [{"type": "input_text", "text": "see"}, part]}]);
    let pdf = json!({"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="});
    let text = json!({"type": "input_file", "filename": "a.txt", "file_data": "aGkKeW91"});
    let image = json!({"type": "input_image", "image_url": "https://x/a.png", "detail": "high"});
    let audio = json!({"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}});
    for (target, part, expected) in [
        (
            GEMINI,
            &pdf,
            json!({"type": "image_url", "image_url": {"url": "data:application/pdf;base64,JVBERi0="}}),
        ),
        (
            SONAR,
            &pdf,
            json!({"type": "file_url", "file_url": {"url": "JVBERi0="}, "file_name": "a.pdf"}),
        ),
        (
            ANY,
            &pdf,
            json!({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}}),
        ),
        (
            SONAR,
            &text,
            json!({"type": "file_url", "file_url": {"url": "aGkKeW91"}, "file_name": "a.txt"}),
        ),
        (
            GROQ,
            &image,
            json!({"type": "image_url", "image_url": {"url": "https://x/a.png", "detail": "high"}}),
        ),
        (
            GEMINI,
            &image,
            json!({"type": "image_url", "image_url": {"url": "https://x/a.png"}}),
        ),
        (
            GEMINI,
            &audio,
            json!({"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}),
        ),
        (
            SONAR,
            &json!({"type": "input_file", "file_url": "https://x/a.pdf"}),
            json!({"type": "file_url", "file_url": {"url": "https://x/a.pdf"}}),
        ),
        (
            GROQ,
            &json!({"type": "input_file", "file_data": "data:image/png;base64,iVBO"}),
            json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}),
        ),
    ] {
        let messages = messages(target, user(part.clone()));
        assert_eq!(messages[0]["content"][1], expected, "{} {part}", target.1);
    }
    assert_eq!(
        messages(GROQ, user(text))[0]["content"],
        "see\n[file: a.txt]\nhi\nyou"
    );
    let broken = json!({"type": "input_file", "filename": "a.txt", "file_data": "%%%"});
    assert_eq!(
        refused(GROQ, &json!({"input": user(broken)})).1,
        "input[0].content[1].file_data"
    );
}

#[test]
fn roles_and_refusals_of_the_history() {
    assert_eq!(
        messages(
            GROQ,
            json!([
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}], "type": "message", "phase": "final"},
                {"role": "user", "content": "b"},
                {"role": "assistant", "content": [{"type": "output_text", "text": "x"}, {"type": "output_text", "text": "y"}, {"type": "refusal", "refusal": "no"}]},
                {"role": "developer", "content": "late"},
                {"role": "user", "content": "c"}
            ])
        ),
        json!([
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "no"},
            {"role": "user", "content": "b"},
            {"role": "assistant", "content": "xy"},
            {"role": "system", "content": "late"},
            {"role": "user", "content": "c"}
        ])
    );
}

#[test]
fn gemini_gets_all_system_texts_in_one() {
    let (body, report) = sent(
        GEMINI,
        &json!({
            "instructions": "i",
            "input": [
                {"role": "developer", "content": "a"},
                {"role": "user", "content": "u"},
                {"role": "system", "content": "b"},
                {"role": "user", "content": "v"}
            ]
        }),
    );
    assert_eq!(
        body["messages"][0],
        json!({"role": "system", "content": "i\n\na\n\nb"})
    );
    assert_eq!(body["messages"].as_array().unwrap().len(), 3);
    assert_eq!(report.approximated(), ["input[].role"]);
}

#[test]
fn reasoning_of_other_providers_is_never_replayed() {
    let input = json!([
        {"role": "user", "content": "u"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "s"}], "encrypted_content": "gAAAA"},
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "own"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "r"}
    ]);
    for target in [GEMINI, GROQ, ANY] {
        let text = messages(target, input.clone()).to_string();
        assert!(
            !text.contains("gAAAA") && !text.contains("own") && !text.contains("\"s\""),
            "{text}"
        );
    }
    assert_eq!(messages(GPT_OSS, input)[1]["reasoning"], "s\n\nown");
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
