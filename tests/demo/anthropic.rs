//! Messages.

use serde_json::{Value, json};

use super::{ANTHROPIC, arguments, call, ok, parameters, request, send, stream, streamed, with};

fn body(text: &str) -> Value {
    json!({"model": "claude-sonnet-4-5", "max_tokens": 2048, "messages": [{"role": "user", "content": text}]})
}

fn tools(body: &Value) -> Value {
    with(
        body,
        "tools",
        json!([
            {"name": "get_weather", "description": "Weather", "input_schema": parameters()},
            {"name": "now", "input_schema": {"type": "object", "properties": {}}},
        ]),
    )
}

fn thinking(body: &Value) -> Value {
    with(
        body,
        "thinking",
        json!({"type": "enabled", "budget_tokens": 1024}),
    )
}

/// The message of the 400 that this is refused with.
async fn refused(body: &Value) -> String {
    let (status, value) = call(ANTHROPIC, body).await;
    assert_eq!(status, 400, "{value}");
    assert_eq!(value["type"], "error");
    assert_eq!(value["error"]["type"], "invalid_request_error");
    value["error"]["message"]
        .as_str()
        .expect("message")
        .to_owned()
}

/// A message, rebuilt from the events of its stream.
async fn streamed_message(body: &Value) -> Value {
    let (events, is_done) = stream(ANTHROPIC, &streamed(body)).await;
    assert!(!is_done);
    let mut message = events[0]["message"].clone();
    assert_eq!(message["content"], json!([]));
    let mut json = String::new();
    for event in &events[1..] {
        let content = message["content"].as_array_mut().expect("content");
        match event["type"].as_str().expect("type") {
            "content_block_start" => {
                assert_eq!(event["index"], content.len());
                content.push(event["content_block"].clone());
                json.clear();
            }
            "content_block_delta" => {
                let block = content.last_mut().expect("block");
                let delta = &event["delta"];
                let mut append = |name: &str, text: &Value| {
                    let whole = format!(
                        "{}{}",
                        block[name].as_str().expect("text"),
                        text.as_str().expect("text")
                    );
                    block[name] = json!(whole);
                };
                match delta["type"].as_str().expect("type") {
                    "text_delta" => append("text", &delta["text"]),
                    "thinking_delta" => append("thinking", &delta["thinking"]),
                    "signature_delta" => block["signature"] = delta["signature"].clone(),
                    "input_json_delta" => {
                        json.push_str(delta["partial_json"].as_str().expect("text"))
                    }
                    other => panic!("{other}"),
                }
            }
            "content_block_stop" if !json.is_empty() => {
                content.last_mut().expect("block")["input"] =
                    serde_json::from_str(&json).expect("JSON");
            }
            "message_delta" => {
                for name in ["stop_reason", "stop_sequence", "stop_details"] {
                    message[name] = event["delta"][name].clone();
                }
                for (name, count) in event["usage"].as_object().expect("usage") {
                    message["usage"][name] = count.clone();
                }
            }
            "content_block_stop" | "ping" | "message_stop" => {}
            other => panic!("{other}"),
        }
    }
    assert_eq!(events.last().expect("events")["type"], "message_stop");
    message
}

#[tokio::test]
async fn text_is_quoted_whole_and_streamed() {
    let message = ok(ANTHROPIC, &body("Grüß Gott")).await;
    assert_eq!(
        message["content"],
        json!([{"type": "text", "text": "You said: “Grüß Gott” (demo anthropic, claude-sonnet-4-5)"}])
    );
    assert_eq!(message["stop_reason"], "end_turn");
    let streamed = streamed_message(&body("Grüß Gott")).await;
    assert_eq!(streamed["content"], message["content"]);
    assert_eq!(streamed["stop_reason"], "end_turn");
    assert_eq!(
        streamed["usage"]["output_tokens"],
        message["usage"]["output_tokens"]
    );
    let (events, _) = stream(ANTHROPIC, &super::streamed(&body("Grüß Gott"))).await;
    let deltas = events
        .iter()
        .filter(|event| event["type"] == "content_block_delta")
        .count();
    assert!((3..=6).contains(&deltas), "{deltas}");
}

#[tokio::test]
async fn tools_are_called_with_arguments_that_fit() {
    let message = ok(ANTHROPIC, &tools(&body("the weather, please"))).await;
    assert_eq!(message["stop_reason"], "tool_use");
    assert_eq!(message["content"][0]["name"], "get_weather");
    assert_eq!(message["content"][0]["input"], arguments());
    let both = tools(&body("both tools"));
    let message = streamed_message(&both).await;
    let names: Vec<_> = message["content"]
        .as_array()
        .expect("content")
        .iter()
        .map(|block| &block["name"])
        .collect();
    assert_eq!(names, [&Value::Null, &json!("get_weather"), &json!("now")]);
    assert_eq!(message["content"][2]["input"], json!({}));
    let single = with(
        &both,
        "tool_choice",
        json!({"type": "any", "disable_parallel_tool_use": true}),
    );
    assert_eq!(
        ok(ANTHROPIC, &single).await["content"]
            .as_array()
            .expect("content")
            .len(),
        1
    );
    let none = with(&both, "tool_choice", json!({"type": "none"}));
    assert_eq!(ok(ANTHROPIC, &none).await["stop_reason"], "end_turn");
    let forced = with(
        &tools(&body("hi")),
        "tool_choice",
        json!({"type": "tool", "name": "now"}),
    );
    assert_eq!(ok(ANTHROPIC, &forced).await["content"][0]["name"], "now");
}

#[tokio::test]
async fn signed_thinking_survives_a_tool_loop_and_nothing_else_does() {
    let first = thinking(&tools(&body("the weather")));
    let message = streamed_message(&first).await;
    assert_eq!(message["content"][0]["type"], "thinking");
    assert!(message["usage"]["output_tokens_details"]["thinking_tokens"].as_u64() > Some(0));
    let mut second = first.clone();
    let turns = second["messages"].as_array_mut().expect("messages");
    turns.push(json!({"role": "assistant", "content": message["content"]}));
    turns.push(json!({"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": message["content"][1]["id"], "content": "18 °C"}]}));
    let answer = ok(ANTHROPIC, &second).await;
    assert_eq!(answer["stop_reason"], "end_turn");
    let text = answer["content"][1]["text"].as_str().expect("text");
    assert!(text.contains("“18 °C”"), "{text}");

    let mut changed = second.clone();
    changed["messages"][1]["content"][0]["thinking"] = json!("changed");
    assert_eq!(
        refused(&changed).await,
        "messages.1.content.0: Invalid `signature` in `thinking` block"
    );
    let mut foreign = second.clone();
    foreign["messages"][1]["content"][0]["signature"] = json!("tlg1.plain.e30");
    assert!(refused(&foreign).await.contains("Invalid `signature`"));
    let mut bare = second.clone();
    bare["messages"][1]["content"]
        .as_array_mut()
        .expect("content")
        .remove(0);
    assert!(
        refused(&bare)
            .await
            .contains("Expected `thinking` or `redacted_thinking`, but found `tool_use`")
    );
    // Only manual thinking asks for the block.
    let mut adaptive = bare;
    adaptive["model"] = json!("claude-sonnet-4-6");
    adaptive["thinking"] = json!({"type": "adaptive"});
    ok(ANTHROPIC, &adaptive).await;
}

#[tokio::test]
async fn thinking_may_be_omitted_or_redacted() {
    let omitted = with(
        &with(&body("please redact"), "model", json!("claude-opus-4-8")),
        "thinking",
        json!({"type": "adaptive", "display": "omitted"}),
    );
    let message = streamed_message(&omitted).await;
    assert_eq!(message["content"][0]["thinking"], "");
    assert_ne!(message["content"][0]["signature"], "");
    assert_eq!(message["content"][1]["type"], "redacted_thinking");
    let mut next = omitted;
    let turns = next["messages"].as_array_mut().expect("messages");
    turns.push(json!({"role": "assistant", "content": message["content"]}));
    turns.push(json!({"role": "user", "content": "go on"}));
    ok(ANTHROPIC, &next).await;
    next["messages"][1]["content"][1]["data"] = json!("AAAA");
    assert!(
        refused(&next)
            .await
            .starts_with("messages.1.content.1: Invalid `data`")
    );
}

#[tokio::test]
async fn ends_are_named() {
    let cut = with(&body("a long text"), "max_tokens", json!(3));
    let message = ok(ANTHROPIC, &cut).await;
    assert_eq!(message["stop_reason"], "max_tokens");
    assert_eq!(message["content"][0]["text"], "You said: “a");
    let stopped = with(
        &body("before STOP after"),
        "stop_sequences",
        json!(["nothing", "STOP"]),
    );
    let message = ok(ANTHROPIC, &stopped).await;
    assert_eq!(message["stop_reason"], "stop_sequence");
    assert_eq!(message["stop_sequence"], "STOP");
    assert_eq!(message["content"][0]["text"], "You said: “before ");
    let message = streamed_message(&body("please refuse")).await;
    assert_eq!(message["stop_reason"], "refusal");
    assert_eq!(message["stop_details"]["type"], "refusal");
    assert!(message["stop_details"]["explanation"].is_string());
}

#[tokio::test]
async fn structured_output_fits_its_schema() {
    let schema = json!({"type": "object", "required": ["n", "when"], "additionalProperties": false,
        "properties": {"n": {"type": "number"}, "when": {"type": "string", "format": "date"}}});
    let wanted = with(
        &body("hi"),
        "output_config",
        json!({"format": {"type": "json_schema", "schema": schema}}),
    );
    let message = ok(ANTHROPIC, &wanted).await;
    let text = message["content"][0]["text"].as_str().expect("text");
    assert_eq!(
        serde_json::from_str::<Value>(text).expect("JSON"),
        json!({"n": 1, "when": "2026-11-22"})
    );
    let mut bad = wanted.clone();
    bad["output_config"]["format"]["schema"]["properties"]["n"]["minimum"] = json!(0);
    assert!(
        refused(&bad)
            .await
            .contains("property 'minimum' is not supported")
    );
    let mut open = wanted.clone();
    open["output_config"]["format"]["schema"]
        .as_object_mut()
        .expect("schema")
        .remove("additionalProperties");
    assert!(
        refused(&open)
            .await
            .contains("'additionalProperties' must be explicitly set to false")
    );
    let mut named = wanted;
    named["output_config"]["format"]["name"] = json!("x");
    assert_eq!(
        refused(&named).await,
        "output_config.format.name: Extra inputs are not permitted"
    );
}

#[tokio::test]
async fn marks_fill_the_cache_and_then_hit_it() {
    let marked = |text: &str, ttl: &str| {
        with(
            &body("x"),
            "messages",
            json!([{"role": "user", "content": [
            {"type": "text", "text": text, "cache_control": {"type": "ephemeral", "ttl": ttl}}]}]),
        )
    };
    let usage = &ok(ANTHROPIC, &marked("hi", "1h")).await["usage"];
    let written = usage["cache_creation_input_tokens"]
        .as_u64()
        .expect("count");
    assert!(written > 0);
    assert_eq!(
        usage["cache_creation"]["ephemeral_1h_input_tokens"],
        written
    );
    assert_eq!(usage["cache_read_input_tokens"], 0);
    let usage = &ok(ANTHROPIC, &marked("hi again", "5m")).await["usage"];
    assert!(usage["cache_read_input_tokens"].as_u64() > Some(0));
    assert_eq!(usage["cache_creation_input_tokens"], 0);
    let block = |index: usize| json!({"type": "text", "text": index.to_string(), "cache_control": {"type": "ephemeral"}});
    let five: Vec<_> = (0..5).map(block).collect();
    let message = refused(&with(&body("x"), "system", json!(five))).await;
    assert_eq!(
        message,
        "A maximum of 4 blocks with cache_control may be provided. Found 5."
    );
    let late = json!([
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "b", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
    ]);
    assert!(
        refused(&with(&body("x"), "system", late))
            .await
            .contains("must not come after")
    );
}

#[tokio::test]
async fn members_are_checked() {
    let cases = [
        ("seed", json!(1), "seed: Extra inputs are not permitted"),
        (
            "context_management",
            json!({}),
            "context_management: Extra inputs are not permitted",
        ),
        ("system", Value::Null, "system: Input should not be null"),
        (
            "max_tokens",
            json!("9"),
            "max_tokens: Input should be a valid integer",
        ),
        ("max_tokens", json!(999_999), "max_tokens: 999999 > 64000"),
        ("temperature", json!(1.4), "temperature: range: 0..1"),
        (
            "stop_sequences",
            json!([" "]),
            "stop_sequences: each stop sequence must contain non-whitespace",
        ),
        (
            "tool_choice",
            json!({"type": "auto"}),
            "tool_choice may only be specified while providing tools",
        ),
        (
            "metadata",
            json!({"user_id": "a@example.com"}),
            "metadata.user_id: user_id appears to contain an email address",
        ),
        (
            "output_config",
            json!({"effort": "low"}),
            "This model does not support the effort parameter",
        ),
        (
            "thinking",
            json!({"type": "adaptive"}),
            "\"thinking.type.adaptive\" is not supported",
        ),
        (
            "thinking",
            json!({"type": "enabled", "budget_tokens": 2048}),
            "`max_tokens` must be greater",
        ),
        (
            "tools",
            json!([{"name": "a b", "input_schema": {"type": "object"}}]),
            "tools.0.custom.name: String should match pattern",
        ),
        (
            "tools",
            json!([{"name": "a", "input_schema": {}}]),
            "tools.0.custom.input_schema.type: Field required",
        ),
    ];
    for (name, value, expected) in cases {
        let message = refused(&with(&body("hi"), name, value)).await;
        assert!(message.starts_with(expected), "{message}");
    }
    let hot = with(&thinking(&body("hi")), "temperature", json!(0.5));
    assert!(
        refused(&hot)
            .await
            .contains("may only be set to 1 when thinking is enabled")
    );
    let forced = with(
        &thinking(&tools(&body("hi"))),
        "tool_choice",
        json!({"type": "any"}),
    );
    assert!(
        refused(&forced)
            .await
            .contains("Thinking may not be enabled")
    );
    let both = with(
        &with(&body("hi"), "temperature", json!(0.5)),
        "top_p",
        json!(0.5),
    );
    assert!(refused(&both).await.contains("cannot both be specified"));
    let newer = with(&body("hi"), "model", json!("claude-sonnet-5-5"));
    assert!(
        refused(&with(&newer, "temperature", json!(1)))
            .await
            .contains("not supported for this model")
    );
    let forced = with(&tools(&newer), "tool_choice", json!({"type": "any"}));
    assert!(
        refused(&forced)
            .await
            .contains("does not support forced tool use")
    );
    let (status, unknown) = call(ANTHROPIC, &with(&body("hi"), "model", json!("gpt-5"))).await;
    assert_eq!(
        (status, &unknown["error"]["message"]),
        (404, &json!("model: gpt-5"))
    );
}

#[tokio::test]
async fn messages_are_checked() {
    let result = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": "x"});
    let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "now", "input": {}});
    let user = |content: Value| json!({"role": "user", "content": content});
    let assistant = |content: Value| json!({"role": "assistant", "content": content});
    let cases = [
        (json!([]), "messages: at least one message is required"),
        (
            json!([assistant(json!("hi")), user(json!("hi"))]),
            "messages: first message must use the \"user\" role",
        ),
        (
            json!([{"role": "system", "content": "x"}, user(json!("hi"))]),
            "messages.0.role: Input should be",
        ),
        (
            json!([{"role": "user", "content": "hi", "name": "x"}]),
            "messages.0.name: Extra inputs are not permitted",
        ),
        (
            json!([user(json!([{"type": "text", "text": ""}]))]),
            "messages: text content blocks must be non-empty",
        ),
        (
            json!([user(json!([{"type": "text", "text": " \n"}]))]),
            "messages: text content blocks must contain non-whitespace text",
        ),
        (
            json!([user(json!(""))]),
            "messages.0: user messages must have non-empty content",
        ),
        (
            json!([user(json!([{"type": "text", "text": "x", "index": 0}]))]),
            "messages.0.content.0.text.index: Extra inputs",
        ),
        (
            json!([user(json!([{"type": "input_audio"}]))]),
            "messages.0.content.0: Input tag 'input_audio' found using 'type'",
        ),
        (
            json!([
                user(json!("x")),
                assistant(json!([call("a")])),
                user(json!("no result"))
            ]),
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: a.",
        ),
        (
            json!([
                user(json!("x")),
                assistant(json!([call("a")])),
                user(json!([{"type": "text", "text": "late"}, result("a")]))
            ]),
            "messages.1: `tool_use` ids were found",
        ),
        (
            json!([
                user(json!("x")),
                assistant(json!("y")),
                user(json!([result("a")]))
            ]),
            "messages.2.content.0: unexpected `tool_use_id` found in `tool_result` blocks: a.",
        ),
        (
            json!([
                user(json!("x")),
                assistant(json!([call("f:1")])),
                user(json!([result("f:1")]))
            ]),
            "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
        ),
        (
            json!([user(json!("x")), assistant(json!("prefill "))]),
            "messages: final assistant content cannot end with trailing whitespace",
        ),
    ];
    for (messages, expected) in cases {
        let message = refused(&with(&body(""), "messages", messages)).await;
        assert!(message.starts_with(expected), "{message}");
    }
    // Neighbours of one role are one turn.
    let split = json!([
        user(json!("x")),
        assistant(json!([call("a"), call("b")])),
        user(json!([result("a")])),
        user(json!([result("b")])),
    ]);
    ok(ANTHROPIC, &with(&body(""), "messages", split)).await;
    let prefill = json!([user(json!("x")), assistant(json!("Well"))]);
    ok(ANTHROPIC, &with(&body(""), "messages", prefill.clone())).await;
    let newer = with(
        &with(&body(""), "messages", prefill),
        "model",
        json!("claude-opus-4-6"),
    );
    assert!(
        refused(&newer)
            .await
            .starts_with("This model does not support assistant message prefill")
    );
    let system = |next: Value| {
        let messages = json!([user(json!("x")), {"role": "system", "content": "Be brief."}, next]);
        with(
            &with(&body(""), "messages", messages),
            "model",
            json!("claude-opus-5"),
        )
    };
    assert!(
        refused(&system(user(json!("y"))))
            .await
            .contains("role 'system' must precede")
    );
}

#[tokio::test]
async fn headers_are_checked_and_given() {
    let mut anonymous = request(ANTHROPIC, &body("hi"));
    anonymous.headers_mut().remove("authorization");
    let (status, _, text) = send(anonymous).await;
    assert_eq!(status, 401);
    assert!(text.contains("authentication_error"), "{text}");
    let mut versionless = request(ANTHROPIC, &body("hi"));
    versionless.headers_mut().remove("anthropic-version");
    let (status, _, text) = send(versionless).await;
    assert_eq!(status, 400);
    assert!(
        text.contains("anthropic-version: header is required"),
        "{text}"
    );
    let mut beta = request(
        ANTHROPIC,
        &with(&body("hi"), "context_management", json!({"edits": []})),
    );
    beta.headers_mut().insert(
        "anthropic-beta",
        "context-management-2025-06-27".parse().expect("header"),
    );
    let (status, headers, _) = send(beta).await;
    assert_eq!(status, 200);
    assert!(
        headers["request-id"]
            .to_str()
            .expect("text")
            .starts_with("req_")
    );
    assert!(headers.contains_key("anthropic-ratelimit-tokens-remaining"));
    let mut newer = request(ANTHROPIC, &with(&body("hi"), "temperature", json!(1)));
    newer
        .headers_mut()
        .insert("anthropic-version", "2026-10-21".parse().expect("header"));
    let (status, _, text) = send(newer).await;
    assert_eq!(status, 400);
    assert!(
        text.contains("temperature: Extra inputs are not permitted"),
        "{text}"
    );
}

#[tokio::test]
async fn troubles_come_on_demand() {
    let (status, _, text) = send(request(ANTHROPIC, &body("demo:overloaded"))).await;
    assert_eq!(status, 529);
    assert!(text.contains("overloaded_error"), "{text}");
    let (status, headers, _) = send(request(ANTHROPIC, &body("demo:ratelimit"))).await;
    assert_eq!(
        (status, &headers["retry-after"]),
        (429, &"1".parse().expect("header"))
    );
    let (events, _) = stream(ANTHROPIC, &streamed(&body("demo:first-event-error"))).await;
    assert_eq!((events.len(), &events[0]["type"]), (1, &json!("error")));
    let (events, _) = stream(ANTHROPIC, &streamed(&body("demo:error-event"))).await;
    assert_eq!(events[0]["type"], "message_start");
    assert_eq!(
        events.last().expect("events")["error"]["type"],
        "overloaded_error"
    );
    let (events, _) = stream(ANTHROPIC, &streamed(&body("demo:cut"))).await;
    assert_eq!(
        events.last().expect("events")["type"],
        "content_block_delta"
    );
}

#[tokio::test]
async fn tokens_are_counted() {
    let uri = "https://api.anthropic.com/v1/messages/count_tokens";
    let body =
        json!({"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "hi"}]});
    assert!(ok(uri, &body).await["input_tokens"].as_u64() > Some(0));
    let (status, value) = call(uri, &with(&body, "max_tokens", json!(1))).await;
    assert_eq!(
        (status, &value["error"]["message"]),
        (400, &json!("max_tokens: Extra inputs are not permitted"))
    );
}

#[tokio::test]
async fn what_was_found_comes_back_as_it_was_sent() {
    let search = json!([{"type": "web_search_20250305", "name": "web_search"}]);
    let first = with(&body("search this"), "tools", search);
    let message = ok(ANTHROPIC, &first).await;
    let content = &message["content"];
    assert_eq!(content[0]["input"]["query"], "search this");
    assert_eq!(content[1]["tool_use_id"], content[0]["id"]);
    let citation = &content[3]["citations"][0];
    assert_eq!(citation["url"], content[1]["content"][0]["url"]);
    let (events, _) = stream(ANTHROPIC, &streamed(&first)).await;
    let deltas = events
        .iter()
        .filter(|event| event["delta"]["type"] == "citations_delta");
    assert_eq!(deltas.count(), 1);

    let second = |content: &Value| {
        let messages = json!([
            {"role": "user", "content": "search this"},
            {"role": "assistant", "content": content},
            {"role": "user", "content": "thanks"},
        ]);
        with(&first, "messages", messages)
    };
    ok(ANTHROPIC, &second(content)).await;
    for pointer in [
        "/1/content/0/encrypted_content",
        "/3/citations/0/encrypted_index",
    ] {
        let mut changed = content.clone();
        *changed.pointer_mut(pointer).expect("sealed") = json!("EmwK");
        let message = refused(&second(&changed)).await;
        assert!(message.contains("Invalid encrypted content"), "{message}");
    }
}
