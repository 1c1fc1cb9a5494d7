//! Chat: OpenAI and the providers that are nearly compatible with it.

use serde_json::{Value, json};

use super::{
    GEMINI, GROQ, OPENAI, PERPLEXITY, arguments, call, ok, parameters, request, send, stream,
    streamed, with,
};

const ALL: [(&str, &str, &str); 4] = [
    (OPENAI, "gpt-5", "openai chat"),
    (GEMINI, "gemini-3-flash", "gemini chat"),
    (GROQ, "llama-3.3-70b-versatile", "groq"),
    (PERPLEXITY, "sonar", "perplexity"),
];

fn body(model: &str, text: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": text}]})
}

fn tools(body: &Value) -> Value {
    with(
        body,
        "tools",
        json!([
            {"type": "function", "function": {"name": "get_weather", "parameters": parameters()}},
            {"type": "function", "function": {"name": "now"}},
        ]),
    )
}

/// The error that this is refused with.
async fn refused(uri: &str, body: &Value) -> Value {
    let (status, value) = call(uri, body).await;
    assert_eq!(status, 400, "{value}");
    if uri == GEMINI {
        value[0]["error"].clone()
    } else {
        value["error"].clone()
    }
}

async fn assert_refused(uri: &str, body: &Value, expected: &str) {
    let error = refused(uri, body).await;
    let message = error["message"].as_str().expect("message");
    assert!(message.contains(expected), "{message}");
}

/// The text of a member over all deltas.
fn deltas(events: &[Value], member: &str) -> String {
    let texts = events
        .iter()
        .filter_map(|event| event["choices"][0]["delta"][member].as_str());
    texts.collect()
}

fn finish(events: &[Value]) -> Vec<&str> {
    let ends = events
        .iter()
        .filter_map(|event| event["choices"][0]["finish_reason"].as_str());
    ends.collect()
}

#[tokio::test]
async fn text_is_quoted_whole_and_streamed() {
    for (uri, model, dialect) in ALL {
        let completion = ok(uri, &body(model, "Grüß Gott")).await;
        assert_eq!(completion["object"], "chat.completion");
        let choice = &completion["choices"][0];
        assert_eq!(choice["finish_reason"], "stop");
        let text = choice["message"]["content"].as_str().expect("text");
        assert!(
            text.starts_with(&format!("You said: “Grüß Gott” (demo {dialect}, {model})")),
            "{text}"
        );

        let (events, is_done) = stream(uri, &streamed(&body(model, "Grüß Gott"))).await;
        assert_eq!(deltas(&events, "content"), text);
        assert_eq!(finish(&events), ["stop"]);
        assert_eq!(is_done, uri != PERPLEXITY);
        let pieces = events.iter().filter(|event| {
            event["choices"][0]["delta"]["content"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        });
        assert!((3..=6).contains(&pieces.count()), "{dialect}");
        assert!(
            events
                .iter()
                .all(|event| event["object"] == "chat.completion.chunk")
        );
    }
}

#[tokio::test]
async fn counts_come_where_each_provider_puts_them() {
    for (uri, model, dialect) in ALL {
        let (events, _) = stream(uri, &streamed(&body(model, "hi"))).await;
        let counted = events
            .iter()
            .filter(|event| event["usage"].is_object())
            .count();
        let is_everywhere = uri == GEMINI || uri == PERPLEXITY;
        assert_eq!(
            counted,
            if is_everywhere { events.len() } else { 0 },
            "{dialect}"
        );
        if is_everywhere {
            let counts: Vec<_> = events
                .iter()
                .map(|event| event["usage"]["completion_tokens"].as_u64().expect("count"))
                .collect();
            assert!(
                counts.is_sorted() && counts.first() < counts.last(),
                "{counts:?}"
            );
        }
        if uri == PERPLEXITY {
            continue;
        }
        let asked = with(
            &streamed(&body(model, "hi")),
            "stream_options",
            json!({"include_usage": true}),
        );
        let (events, _) = stream(uri, &asked).await;
        let last = events.last().expect("events");
        assert!(last["usage"]["total_tokens"].as_u64() > Some(0));
        assert_eq!(last["choices"] == json!([]), uri != GEMINI, "{dialect}");
    }
    let asked = with(
        &body("gpt-5", "hi"),
        "stream_options",
        json!({"include_usage": true}),
    );
    assert_refused(OPENAI, &asked, "only allowed when 'stream' is enabled").await;
    let cached = ok(OPENAI, &body("gpt-5", "hi again")).await;
    assert!(cached["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64() > Some(0));
}

#[tokio::test]
async fn tools_are_called_with_arguments_that_fit() {
    for (uri, model, dialect) in ALL {
        if uri == PERPLEXITY {
            continue;
        }
        let completion = ok(uri, &tools(&body(model, "weather?"))).await;
        let choice = &completion["choices"][0];
        assert_eq!(choice["finish_reason"], "tool_calls", "{dialect}");
        let calls = choice["message"]["tool_calls"].as_array().expect("calls");
        assert_eq!(calls.len(), 1);
        assert_eq!(calls[0]["function"]["name"], "get_weather");
        let text = calls[0]["function"]["arguments"].as_str().expect("text");
        assert_eq!(
            serde_json::from_str::<Value>(text).expect("JSON"),
            arguments()
        );

        let (events, _) = stream(
            uri,
            &streamed(&tools(&body(model, "both tools in parallel"))),
        )
        .await;
        let parts: Vec<_> = events
            .iter()
            .filter_map(|event| event["choices"][0]["delta"]["tool_calls"].as_array())
            .flatten()
            .collect();
        let names: Vec<_> = parts
            .iter()
            .filter_map(|part| part["function"]["name"].as_str())
            .collect();
        assert_eq!(names, ["get_weather", "now"]);
        if uri == GEMINI {
            assert_eq!(finish(&events), ["stop"]);
            assert_eq!(parts.len(), 2, "calls are whole");
            assert!(parts.iter().all(|part| part.get("index").is_none()));
        } else {
            assert_eq!(finish(&events), ["tool_calls"]);
            for (index, expected) in [(0, arguments()), (1, json!({}))] {
                let text: String = parts
                    .iter()
                    .filter(|part| part["index"] == index)
                    .filter_map(|part| part["function"]["arguments"].as_str())
                    .collect();
                assert_eq!(
                    serde_json::from_str::<Value>(&text).expect("JSON"),
                    expected
                );
            }
        }
        let single = with(
            &tools(&body(model, "both")),
            "parallel_tool_calls",
            json!(false),
        );
        let single = with(&single, "tool_choice", json!("required"));
        let completion = ok(uri, &single).await;
        assert_eq!(
            completion["choices"][0]["message"]["tool_calls"]
                .as_array()
                .map(Vec::len),
            Some(1)
        );
    }
    let custom = with(
        &body("gpt-5", "the tool"),
        "tools",
        json!([{"type": "custom", "custom": {"name": "run"}}]),
    );
    let completion = ok(OPENAI, &custom).await;
    assert_eq!(
        completion["choices"][0]["message"]["tool_calls"][0]["custom"],
        json!({"name": "run", "input": "demo"})
    );
}

/// A conversation after the first call was answered.
async fn looped(uri: &str, model: &str) -> Value {
    let mut body = tools(&body(model, "weather?"));
    let completion = ok(uri, &body).await;
    let message = completion["choices"][0]["message"].clone();
    let id = message["tool_calls"][0]["id"].clone();
    let messages = body["messages"].as_array_mut().expect("messages");
    messages.push(message);
    messages.push(json!({"role": "tool", "tool_call_id": id, "content": "18 °C"}));
    body
}

#[tokio::test]
async fn results_are_quoted_and_must_have_their_calls() {
    for (uri, model, _) in ALL {
        if uri == PERPLEXITY {
            continue;
        }
        let mut body = looped(uri, model).await;
        if uri == OPENAI {
            // OpenAI takes its own answer back.
            assert!(body["messages"][1]["content"].is_null());
        }
        let completion = ok(uri, &body).await;
        let text = completion["choices"][0]["message"]["content"]
            .as_str()
            .expect("text");
        assert!(text.contains("The tool said: “18 °C”"), "{text}");
        let messages = body["messages"].as_array_mut().expect("messages");
        let result = messages.pop().expect("result");
        let expected = match uri {
            GEMINI => "the last message is not from the assistant",
            _ => "must be followed by tool messages responding to each",
        };
        assert_refused(uri, &body, expected).await;
        let messages = body["messages"].as_array_mut().expect("messages");
        messages.pop();
        messages.push(result);
        assert_refused(uri, &body, "messages with role 'tool' must be a response").await;
    }
}

#[tokio::test]
async fn troubles_come_on_demand() {
    for (uri, model, dialect) in ALL {
        let (status, _) = call(uri, &body(model, "demo:overloaded")).await;
        assert_eq!(status, 503, "{dialect}");
        let (status, headers, _) = send(request(uri, &body(model, "demo:ratelimit"))).await;
        assert_eq!(
            (status, &headers["retry-after"]),
            (429, &"1".parse().expect("header"))
        );
        let is_error = |event: &Value| event["error"].is_object() || event[0]["error"].is_object();
        let (events, is_done) =
            stream(uri, &streamed(&body(model, "demo:first-event-error"))).await;
        assert!(events.len() == 1 && is_error(&events[0]) && !is_done);
        let (events, is_done) = stream(uri, &streamed(&body(model, "demo:error-event"))).await;
        assert!(events.len() > 1 && is_error(events.last().expect("events")) && !is_done);
        let (events, is_done) = stream(uri, &streamed(&body(model, "demo:cut"))).await;
        assert!(!events.iter().any(is_error) && finish(&events).is_empty() && !is_done);
        let (status, _, text) = send({
            let mut anonymous = request(uri, &body(model, "hi"));
            anonymous.headers_mut().remove("authorization");
            anonymous
        })
        .await;
        assert_eq!(
            (status, text.starts_with("<html>")),
            (401, uri == PERPLEXITY),
            "{text}"
        );
    }
}

#[tokio::test]
async fn openai_refuses_and_ends_in_its_own_words() {
    let hello = body("gpt-5", "hi");
    let error = refused(OPENAI, &with(&hello, "thinking", json!({}))).await;
    assert_eq!(
        error["message"],
        "Unrecognized request argument supplied: thinking"
    );
    assert_eq!(error["type"], "invalid_request_error");
    let mut extended = hello.clone();
    extended["messages"][0]["cache_control"] = json!({});
    assert_refused(
        OPENAI,
        &extended,
        "Unknown parameter: 'messages[0].cache_control'",
    )
    .await;
    let open = json!({"type": "json_schema", "json_schema": {"name": "x", "strict": true,
        "schema": {"type": "object", "properties": {}}}});
    assert_refused(
        OPENAI,
        &with(&hello, "response_format", open),
        "'additionalProperties' is required",
    )
    .await;
    assert_refused(
        OPENAI,
        &with(&hello, "temperature", json!(3)),
        "between 0 and 2",
    )
    .await;

    let completion = ok(OPENAI, &body("gpt-5", "please refuse")).await;
    assert!(completion["choices"][0]["message"]["content"].is_null());
    assert!(completion["choices"][0]["message"]["refusal"].is_string());
    let (events, _) = stream(OPENAI, &streamed(&body("gpt-5", "please refuse"))).await;
    assert_eq!(
        deltas(&events, "refusal"),
        completion["choices"][0]["message"]["refusal"]
            .as_str()
            .expect("text")
    );
    let cut = ok(
        OPENAI,
        &with(
            &body("gpt-5", "a long text"),
            "max_completion_tokens",
            json!(3),
        ),
    )
    .await;
    assert_eq!(cut["choices"][0]["finish_reason"], "length");
    let stopped = ok(
        OPENAI,
        &with(&body("gpt-5", "before STOP after"), "stop", json!("STOP")),
    )
    .await;
    assert_eq!(
        stopped["choices"][0]["message"]["content"],
        "You said: “before "
    );
    let schema =
        json!({"type": "json_schema", "json_schema": {"name": "x", "schema": parameters()}});
    let structured = ok(OPENAI, &with(&hello, "response_format", schema)).await;
    let text = structured["choices"][0]["message"]["content"]
        .as_str()
        .expect("text");
    assert_eq!(
        serde_json::from_str::<Value>(text).expect("JSON"),
        arguments()
    );
    let (_, headers, _) = send(request(OPENAI, &hello)).await;
    assert!(
        headers.contains_key("x-request-id")
            && headers.contains_key("x-ratelimit-remaining-tokens")
    );
}

#[tokio::test]
async fn gemini_wants_its_signatures_back_and_nothing_unknown() {
    let hello = body("gemini-3-flash", "hi");
    let error = refused(GEMINI, &with(&hello, "metadata", json!({}))).await;
    assert_eq!(error["status"], "INVALID_ARGUMENT");
    assert!(
        error["message"]
            .as_str()
            .expect("text")
            .contains("Unknown name \"metadata\"")
    );
    let mut looped = looped(GEMINI, "gemini-3-flash").await;
    let call = |body: &mut Value| body["messages"][1]["tool_calls"][0].take();
    let first = call(&mut looped.clone());
    assert!(first["extra_content"]["google"]["thought_signature"].is_string());
    // Arguments count by value: spaces make no difference.
    let mut spaced = looped.clone();
    let arguments = serde_json::to_string_pretty(&arguments()).expect("JSON");
    spaced["messages"][1]["tool_calls"][0]["function"]["arguments"] = json!(arguments);
    ok(GEMINI, &spaced).await;
    looped["messages"][1]["tool_calls"][0]["extra_content"]["google"]["thought_signature"] =
        json!("c2ln");
    assert_refused(GEMINI, &looped, "Corrupted thought signature").await;
    let skip = json!("skip_thought_signature_validator");
    looped["messages"][1]["tool_calls"][0]["extra_content"]["google"]["thought_signature"] = skip;
    ok(GEMINI, &looped).await;
    looped["messages"][1]["tool_calls"][0]
        .as_object_mut()
        .expect("call")
        .remove("extra_content");
    assert_refused(GEMINI, &looped, "missing a thought_signature").await;
    // Only the current turn counts.
    let turns = looped["messages"].as_array_mut().expect("messages");
    turns.push(json!({"role": "user", "content": "thanks"}));
    ok(GEMINI, &looped).await;

    let shown = json!({"google": {"thinking_config": {"include_thoughts": true}}});
    let thinking = with(
        &tools(&body("gemini-3-flash", "weather")),
        "extra_body",
        shown,
    );
    let (events, _) = stream(GEMINI, &streamed(&thinking)).await;
    assert_eq!(
        events[0]["choices"][0]["delta"]["extra_content"]["google"]["thought"],
        true
    );
    let text = deltas(&events, "content");
    assert!(
        text.starts_with("<thought>") && text.ends_with("</thought>"),
        "{text}"
    );
    let usage = &events.last().expect("events")["usage"];
    let sum = usage["prompt_tokens"]
        .as_u64()
        .zip(usage["completion_tokens"].as_u64())
        .map(|(a, b)| a + b);
    assert!(usage["total_tokens"].as_u64() > sum);
}

#[tokio::test]
async fn groq_refuses_what_others_take() {
    let hello = body("llama-3.3-70b-versatile", "hi");
    assert_refused(
        GROQ,
        &with(&hello, "logprobs", json!(true)),
        "`logprobs` is not supported",
    )
    .await;
    assert_refused(
        GROQ,
        &with(&hello, "verbosity", json!("low")),
        "property 'verbosity' is unsupported",
    )
    .await;
    assert_refused(
        GROQ,
        &with(&hello, "reasoning_effort", json!("low")),
        "not supported with this model",
    )
    .await;
    let mut named = hello.clone();
    named["messages"][0]["name"] = json!("me");
    assert_refused(GROQ, &named, "property 'name' is unsupported").await;
    let thinking = body("openai/gpt-oss-120b", "hi");
    let completion = ok(GROQ, &thinking).await;
    assert!(completion["choices"][0]["message"]["reasoning"].is_string());
    assert!(completion["x_groq"]["id"].is_string());
    let (events, _) = stream(GROQ, &streamed(&thinking)).await;
    assert_eq!(
        deltas(&events, "reasoning"),
        completion["choices"][0]["message"]["reasoning"]
            .as_str()
            .expect("text")
    );
    assert!(events[0]["x_groq"]["id"].is_string());
    assert!(events.last().expect("events")["x_groq"]["usage"].is_object());
    let (status, headers, _) = send(request(GROQ, &hello)).await;
    assert_eq!(
        (status, &headers["x-ratelimit-reset-tokens"]),
        (200, &"7.66s".parse().expect("header"))
    );
}

#[tokio::test]
async fn perplexity_wants_turns_and_gives_sources() {
    let hello = body("sonar", "hi");
    assert_refused(PERPLEXITY, &tools(&hello), "Tool calling is not supported").await;
    assert_refused(
        PERPLEXITY,
        &with(&hello, "stream_options", json!({})),
        "Extra inputs",
    )
    .await;
    let messages = |roles: &[&str]| {
        let messages: Vec<_> = roles
            .iter()
            .map(|role| json!({"role": role, "content": "x"}))
            .collect();
        with(&hello, "messages", json!(messages))
    };
    assert_refused(
        PERPLEXITY,
        &messages(&["user", "user"]),
        "should be alternating",
    )
    .await;
    assert_refused(
        PERPLEXITY,
        &messages(&["user", "system"]),
        "should be alternating",
    )
    .await;
    assert_refused(
        PERPLEXITY,
        &messages(&["assistant", "user"]),
        "should be alternating",
    )
    .await;
    let error = refused(PERPLEXITY, &messages(&["user", "assistant"])).await;
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!("invalid_message"), &json!(400))
    );
    assert_refused(
        PERPLEXITY,
        &messages(&["developer", "user"]),
        "role: Input should be",
    )
    .await;
    let mut bare = hello.clone();
    bare["messages"][0]["content"] = Value::Null;
    assert_refused(
        PERPLEXITY,
        &bare,
        "messages -> 0 -> content: Field required",
    )
    .await;
    ok(
        PERPLEXITY,
        &messages(&["system", "system", "user", "assistant", "user"]),
    )
    .await;

    let completion = ok(PERPLEXITY, &hello).await;
    assert_eq!(completion["citations"].as_array().map(Vec::len), Some(2));
    assert_eq!(completion["usage"]["cost"]["total_cost"], 0.005);
    let (events, _) = stream(PERPLEXITY, &streamed(&body("sonar-reasoning-pro", "hi"))).await;
    let text = deltas(&events, "content");
    assert!(
        text.starts_with("<think>\n") && text.ends_with("[1]"),
        "{text}"
    );
    let last = events.last().expect("events");
    assert_eq!(last["choices"][0]["message"]["content"], text);
    assert!(last["search_results"].is_array());
}

#[tokio::test]
async fn images_and_files_are_named() {
    let pdf = "JVBERi0x";
    let inline = format!("data:application/pdf;base64,{pdf}");
    let cases = [
        (
            OPENAI,
            "gpt-5",
            json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}),
            "image/png of 8 bytes",
        ),
        (
            OPENAI,
            "gpt-5",
            json!({"type": "file", "file": {"filename": "a.pdf", "file_data": inline}}),
            "application/pdf of 6 bytes",
        ),
        (
            GEMINI,
            "gemini-3.8-flash",
            json!({"type": "image_url", "image_url": {"url": inline}}),
            "application/pdf of 6 bytes",
        ),
        (
            PERPLEXITY,
            "sonar",
            json!({"type": "file_url", "file_url": {"url": pdf}}),
            "application/pdf of 6 bytes",
        ),
    ];
    for (uri, model, part, seen) in cases {
        let content = json!([{"type": "text", "text": "look"}, part]);
        let body = json!({"model": model, "messages": [{"role": "user", "content": content}]});
        let completion = ok(uri, &body).await;
        let text = completion["choices"][0]["message"]["content"].as_str();
        let text = text.expect("text");
        assert!(
            text.contains(&format!("“look” and sent {seen} (demo")),
            "{text}"
        );
    }
    let broken = json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]);
    let body = json!({"model": "gpt-5", "messages": [{"role": "user", "content": broken}]});
    let (status, error) = call(OPENAI, &body).await;
    assert_eq!(
        (status, &error["error"]["param"]),
        (400, &json!("messages[0].content[0]"))
    );
}

#[tokio::test]
async fn results_are_quoted_whatever_else_is_said() {
    let calls =
        json!([{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]);
    let messages = json!([
        {"role": "user", "content": "use the tool"},
        {"role": "assistant", "content": null, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c", "content": "18 °C"},
        {"role": "user", "content": "the tool’s image"},
    ]);
    let completion = ok(OPENAI, &json!({"model": "gpt-5", "messages": messages})).await;
    let text = completion["choices"][0]["message"]["content"].as_str();
    assert!(text.expect("text").starts_with("The tool said: “18 °C”"));
}

#[tokio::test]
async fn perplexity_counts_the_same_whole_and_streamed() {
    let body =
        json!({"model": "sonar-reasoning-pro", "messages": [{"role": "user", "content": "hi"}]});
    let whole = ok(PERPLEXITY, &body).await;
    let (events, _) = stream(PERPLEXITY, &streamed(&body)).await;
    let count = |value: &Value| value["usage"]["completion_tokens"].as_u64().expect("count");
    assert_eq!(count(&whole), count(events.last().expect("events")));
    assert!(events.is_sorted_by_key(count));
}
