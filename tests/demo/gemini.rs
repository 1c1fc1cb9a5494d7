//! Native Gemini. What is right is judged by Google's SDK in `vendors.rs`; here is what is refused, and how streams are framed.

use serde_json::{Value, json};

use super::{answered, send, signed, with};

const NEW: &str = "gemini-3.8-flash";
const OLD: &str = "gemini-2.5-flash";

fn uri(model: &str, method: &str) -> String {
    format!("https://generativelanguage.googleapis.com/v1beta/models/{model}:{method}")
}

fn body(text: &str) -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": text}]}]})
}

fn declared() -> Value {
    json!({"functionDeclarations": [{"name": "now"}]})
}

/// The message of the 400 that this is refused with.
async fn refused(model: &str, body: &Value) -> String {
    let (status, _, error) = answered(&uri(model, "generateContent"), body).await;
    assert_eq!(status, 400, "{body}: {error}");
    assert_eq!(
        (&error["error"]["code"], &error["error"]["status"]),
        (&json!(400), &json!("INVALID_ARGUMENT"))
    );
    let (status, _, same) = answered(&uri(model, "streamGenerateContent?alt=sse"), body).await;
    assert_eq!((status, &same), (400, &error));
    // Where the answer would have been a list the error is in one.
    let (status, _, listed) = answered(&uri(model, "streamGenerateContent"), body).await;
    assert_eq!((status, &listed[0]), (400, &error));
    error["error"]["message"]
        .as_str()
        .expect("message")
        .to_owned()
}

#[tokio::test]
async fn what_is_not_known_is_refused() {
    let hello = &body("Hello.");
    let part = |part: Value| json!({"contents": [{"role": "user", "parts": [part]}]});
    let config = |config: Value| with(hello, "generationConfig", config);
    let tools = |tools: Value| with(hello, "tools", tools);
    let function = |function: Value| tools(json!([{"functionDeclarations": [function]}]));
    let cases = [
        (
            NEW,
            with(hello, "stream", json!(true)),
            "Unknown name \"stream\": Cannot find field.",
        ),
        (
            NEW,
            part(json!({"type": "text", "text": "Hi."})),
            "Unknown name \"type\" at 'contents[0].parts[0]'",
        ),
        (
            NEW,
            part(json!({"text": "Hi.", "inlineData": {"mimeType": "image/png", "data": "aGk="}})),
            "oneof field 'data' is already set",
        ),
        (
            NEW,
            part(json!({"text": ""})),
            "required oneof field 'data'",
        ),
        (
            NEW,
            part(json!({"inlineData": {"mimeType": "image/png", "data": "aGk="}})),
            "does not match",
        ),
        (
            NEW,
            part(json!({"fileData": {"fileUri": "gs://bucket/a"}})),
            "file uri",
        ),
        (NEW, json!({"contents": []}), "contents is not specified"),
        (
            NEW,
            json!({"contents": [{"role": "user", "parts": []}]}),
            "contents.parts must not be empty",
        ),
        (
            NEW,
            json!({"contents": [{"role": "assistant", "parts": [{"text": "Hi."}]}]}),
            "valid role",
        ),
        (
            NEW,
            config(json!({"max_tokens": 1})),
            "Unknown name \"max_tokens\"",
        ),
        (
            NEW,
            config(json!({"presencePenalty": 0.5})),
            "Penalty is not enabled",
        ),
        (
            NEW,
            config(json!({"stopSequences": ["1", "2", "3", "4", "5", "6"]})),
            "stopSequences",
        ),
        (NEW, config(json!({"responseJsonSchema": {}})), "mime type"),
        (
            NEW,
            config(json!({"thinkingConfig": {"thinkingBudget": 1, "thinkingLevel": "LOW"}})),
            "only one",
        ),
        (
            NEW,
            config(json!({"thinkingConfig": {"thinkingBudget": 1024}})),
            "budget is not supported",
        ),
        (
            OLD,
            config(json!({"thinkingConfig": {"thinkingLevel": "LOW"}})),
            "level is not supported",
        ),
        (
            NEW,
            tools(json!([{"google_search_retrieval": {}}])),
            "google_search tool instead",
        ),
        (
            NEW,
            tools(json!([{"googleSearch": {"excludeDomains": []}}])),
            "Unknown name \"excludeDomains\"",
        ),
        (NEW, tools(json!([{}])), "oneof field 'type'"),
        (NEW, function(json!({"name": "1"})), "Invalid function name"),
        (
            NEW,
            function(json!({"name": "a", "parameters": {"type": "OBJECT", "properties": {}}})),
            "non-empty for OBJECT",
        ),
        (
            NEW,
            function(
                json!({"name": "a", "parameters": {"type": "object", "additionalProperties": false}}),
            ),
            "Unknown name \"additionalProperties\"",
        ),
        (
            NEW,
            function(
                json!({"name": "a", "parametersJsonSchema": {"type": "object", "$schema": "x"}}),
            ),
            "parameters_json_schema",
        ),
        (
            NEW,
            tools(json!([declared(), declared()])),
            "Duplicate function declaration",
        ),
        (
            OLD,
            tools(json!([declared(), {"googleSearch": {}}])),
            "cannot be combined",
        ),
        (
            NEW,
            tools(json!([declared(), {"googleSearch": {}}])),
            "include_server_side_tool_invocations",
        ),
        (
            NEW,
            with(
                hello,
                "toolConfig",
                json!({"functionCallingConfig": {"mode": "ANY"}}),
            ),
            "without function_declarations",
        ),
        (
            NEW,
            with(
                &tools(json!([declared()])),
                "toolConfig",
                json!({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["then"]}}),
            ),
            "not in function_declarations",
        ),
        (
            NEW,
            with(
                &tools(json!([declared()])),
                "cachedContent",
                json!("cachedContents/a"),
            ),
            "CachedContent",
        ),
    ];
    for (model, body, words) in &cases {
        let message = refused(model, body).await;
        assert!(message.contains(words), "{body}: {message}");
    }
}

#[tokio::test]
async fn calls_responses_and_signatures_are_paired() {
    let call = |id: Option<&str>, signature: Option<&str>| {
        let mut part = json!({"functionCall": {"name": "now", "args": {}}});
        if let Some(id) = id {
            part["functionCall"]["id"] = json!(id);
        }
        if let Some(signature) = signature {
            part["thoughtSignature"] = json!(signature);
        }
        part
    };
    let response = |id: Option<&str>| {
        let mut part = json!({"functionResponse": {"name": "now", "response": {"output": "noon"}}});
        if let Some(id) = id {
            part["functionResponse"]["id"] = json!(id);
        }
        part
    };
    let history = |model: Value, user: Value| {
        json!({
            "contents": [
                {"role": "user", "parts": [{"text": "What time is it?"}]},
                {"role": "model", "parts": model}, {"role": "user", "parts": user},
            ],
            "tools": [declared()],
        })
    };
    let skip = Some("skip_thought_signature_validator");
    let cases = [
        (
            NEW,
            history(json!([call(Some("a"), None)]), json!([response(Some("a"))])),
            "missing a thought_signature",
        ),
        (
            NEW,
            history(
                json!([call(Some("a"), Some("c2ln"))]),
                json!([response(Some("a"))]),
            ),
            "Corrupted thought signature",
        ),
        (
            NEW,
            history(json!([call(Some("a"), skip)]), json!([response(Some("b"))])),
            "does not match",
        ),
        (
            NEW,
            history(json!([call(Some("a"), skip)]), json!([{"text": "So?"}])),
            "number of function response parts",
        ),
        (
            NEW,
            history(
                json!([call(Some("a"), skip)]),
                json!([response(Some("a")), {"text": "So?"}]),
            ),
            "cannot be mixed",
        ),
        (
            NEW,
            history(json!([response(None)]), json!([response(None)])),
            "cannot hold this part",
        ),
        (
            OLD,
            history(json!([call(Some("a"), None)]), json!([response(Some("a"))])),
            "ids are not supported",
        ),
    ];
    for (model, body, words) in &cases {
        let message = refused(model, body).await;
        assert!(message.contains(words), "{body}: {message}");
    }
    for (model, body) in [
        (
            NEW,
            history(json!([call(Some("a"), skip)]), json!([response(Some("a"))])),
        ),
        (
            OLD,
            history(json!([call(None, None)]), json!([response(None)])),
        ),
    ] {
        let (status, _, answer) = answered(&uri(model, "generateContent"), &body).await;
        assert_eq!(status, 200, "{answer}");
        let text = answer["candidates"][0]["content"]["parts"][0]["text"]
            .as_str()
            .expect("text");
        assert!(text.contains("noon"), "{text}");
    }
}

#[tokio::test]
async fn streams_are_events_or_one_list() {
    let (status, headers, text) = send(signed(
        &uri(NEW, "streamGenerateContent?alt=sse"),
        &body("Grüß Gott"),
    ))
    .await;
    assert_eq!(
        (status, &headers["content-type"]),
        (200, &"text/event-stream".parse().expect("type"))
    );
    assert!(text.ends_with("\r\n\r\n") && !text.contains("[DONE]"));
    let events: Vec<Value> = text
        .split_terminator("\r\n\r\n")
        .map(|event| {
            serde_json::from_str(event.strip_prefix("data: ").expect("data")).expect("JSON")
        })
        .collect();
    let (_, headers, text) = send(signed(
        &uri(NEW, "streamGenerateContent"),
        &body("Grüß Gott"),
    ))
    .await;
    assert_eq!(headers["content-type"], "application/json; charset=UTF-8");
    assert_eq!(
        serde_json::from_str::<Vec<Value>>(&text).expect("a list"),
        events
    );
    let texts = events.iter().map(|event| {
        event["candidates"][0]["content"]["parts"][0]["text"]
            .as_str()
            .expect("text")
    });
    assert_eq!(
        texts.collect::<String>(),
        format!("You said: “Grüß Gott” (demo gemini native, {NEW})")
    );
}

#[tokio::test]
async fn the_key_has_a_header_of_its_own() {
    let with_bearer = super::request(&uri(NEW, "generateContent"), &body("Hello."));
    let (status, _, text) = send(with_bearer).await;
    assert_eq!(status, 401, "{text}");
    let mut without = signed(&uri(NEW, "generateContent"), &body("Hello."));
    without.headers_mut().remove("x-goog-api-key");
    assert_eq!(send(without).await.0, 403);
    let (status, _, error) = answered(
        &uri("gemini-no-such-model", "generateContent"),
        &body("Hello."),
    )
    .await;
    assert_eq!(
        (status, &error["error"]["status"]),
        (404, &json!("NOT_FOUND"))
    );
    let (status, _, error) = answered(&uri(NEW, "generateContent"), &body("demo:ratelimit")).await;
    assert_eq!(status, 429);
    assert_eq!(error["error"]["details"][0]["retryDelay"], "1s");
}
