//! Converse. What is right is judged by botocore in `vendors.rs`; here is what is refused, and in which words.

use http::Request;
use serde_json::{Value, json};
use tower_llm_gateway::Payload;

use super::{answered, messages, raw, send, signed, with};

const HOST: &str = "https://bedrock-runtime.us-east-1.amazonaws.com";
const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1%3A0";
const NOVA: &str = "amazon.nova-2-lite-v1%3A0";
const OPENAI: &str = "openai.gpt-5.5";

fn uri(model: &str, operation: &str) -> String {
    format!("{HOST}/model/{model}/{operation}")
}

fn body(text: &str) -> Value {
    json!({"messages": [{"role": "user", "content": [{"text": text}]}]})
}

fn turns(turns: &[(&str, Value)]) -> Value {
    let turns = turns
        .iter()
        .map(|(role, content)| json!({"role": role, "content": content}));
    json!({"messages": turns.collect::<Vec<_>>()})
}

fn tool() -> Value {
    json!({"toolSpec": {"name": "now", "inputSchema": {"json": {"type": "object", "properties": {}}}}})
}

/// The message of the 400 that this is refused with, the same for both operations.
async fn refused(model: &str, body: &Value) -> String {
    let mut words = Vec::new();
    for operation in ["converse", "converse-stream"] {
        let (status, headers, error) = answered(&uri(model, operation), body).await;
        assert_eq!(status, 400, "{body}: {error}");
        let kind = headers["x-amzn-errortype"].to_str().expect("text");
        assert!(kind.starts_with("ValidationException:"), "{kind}");
        assert!(headers.contains_key("x-amzn-requestid"));
        words.push(error["message"].as_str().expect("message").to_owned());
    }
    assert_eq!(words[0], words[1]);
    words.remove(0)
}

/// Asserts that each of these is refused with these words.
async fn all_refused(model: &str, cases: &[(Value, &str)]) {
    for (body, words) in cases {
        let message = refused(model, body).await;
        assert!(message.contains(words), "{body}: {message}");
    }
}

#[tokio::test]
async fn shapes_are_checked() {
    let hello = &body("Hello.");
    let block = |block: Value| json!({"messages": [{"role": "user", "content": [{"text": "Hello."}, block]}]});
    let cases = [
        (with(hello, "model", json!("claude")), "The field model"),
        (with(hello, "messages", Value::Null), "expected list"),
        (
            with(hello, "inferenceConfig", json!({"max_tokens": 1})),
            "The field max_tokens at 'inferenceConfig'",
        ),
        (
            with(hello, "inferenceConfig", json!({"maxTokens": 0})),
            "inferenceConfig.maxTokens",
        ),
        (
            with(hello, "inferenceConfig", json!({"temperature": 1.5})),
            "inferenceConfig.temperature",
        ),
        (
            with(hello, "inferenceConfig", json!({"stopSequences": [""]})),
            "inferenceConfig.stopSequences.1.member",
        ),
        (
            with(hello, "serviceTier", json!({"type": "auto"})),
            "[priority, default, flex, reserved]",
        ),
        (
            with(hello, "requestMetadata", json!({"a": "{}"})),
            "regular expression pattern",
        ),
        (
            with(hello, "toolConfig", json!({"tools": []})),
            "toolConfig.tools",
        ),
        (
            with(
                hello,
                "toolConfig",
                json!({"tools": [tool()], "toolChoice": {"none": {}}}),
            ),
            "The field none",
        ),
        (
            with(hello, "guardrailConfig", json!({"trace": "on"})),
            "enabled_full",
        ),
        (
            block(json!({"type": "text", "text": "Hi."})),
            "exactly one member; it has 2",
        ),
        (block(json!({"thinking": "Hi."})), "The field thinking"),
        (
            block(json!({"image": {"format": "jpg", "source": {"bytes": "aGk="}}})),
            "Value 'jpg'",
        ),
        (
            block(json!({"image": {"format": "png", "source": {"bytes": "a"}}})),
            "no base64",
        ),
        (
            block(json!({"image": {"format": "png", "source": {"url": "https://example.com"}}})),
            "The field url",
        ),
        (
            block(json!({"document": {"source": {"text": "Hi."}}})),
            "document.name",
        ),
        (
            block(json!({"cachePoint": {"type": "ephemeral"}})),
            "Value 'ephemeral'",
        ),
        (
            block(json!({"toolResult": {"toolUseId": "a b", "content": []}})),
            "[a-zA-Z0-9_.:-]+",
        ),
        (
            block(
                json!({"toolResult": {"toolUseId": "a", "content": [{"cachePoint": {"type": "default"}}]}}),
            ),
            "The field cachePoint",
        ),
    ];
    all_refused(CLAUDE, &cases).await;
    // The one member that only the stream knows.
    let guarded = with(
        hello,
        "guardrailConfig",
        json!({"streamProcessingMode": "async"}),
    );
    assert_eq!(answered(&uri(CLAUDE, "converse"), &guarded).await.0, 400);
    assert_eq!(
        raw(signed(&uri(CLAUDE, "converse-stream"), &guarded))
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn turns_are_checked() {
    let hello = json!([{"text": "Hello."}]);
    let call = json!([{"toolUse": {"toolUseId": "t1", "name": "now", "input": {}}}]);
    let result = json!({"toolResult": {"toolUseId": "t1", "content": [{"text": "noon"}]}});
    let tools = |body: Value| with(&body, "toolConfig", json!({"tools": [tool()]}));
    let cases = [
        (turns(&[]), "messages is empty"),
        (
            turns(&[("assistant", hello.clone())]),
            "must start with a user message",
        ),
        (
            turns(&[("user", hello.clone()), ("user", hello.clone())]),
            "must alternate",
        ),
        (
            turns(&[("user", hello.clone()), ("system", hello.clone())]),
            "[user, assistant]",
        ),
        (turns(&[("user", json!([]))]), "is empty"),
        (
            turns(&[("user", json!([{"text": " \n"}]))]),
            "messages.0.content.0 is blank",
        ),
        (
            turns(&[
                ("user", hello.clone()),
                (
                    "assistant",
                    json!([{"image": {"format": "png", "source": {"bytes": "aGk="}}}]),
                ),
            ]),
            "image",
        ),
        (
            turns(&[
                ("user", hello.clone()),
                ("assistant", call.clone()),
                ("user", json!([result])),
            ]),
            "toolConfig field must be defined",
        ),
        (
            tools(turns(&[
                ("user", hello.clone()),
                ("assistant", call.clone()),
                ("user", hello.clone()),
            ])),
            "Expected toolResult blocks at messages.2.content for the following Ids: t1",
        ),
        (
            tools(turns(&[("user", json!([result]))])),
            "exceeds the number of toolUse blocks",
        ),
        (
            tools(turns(&[
                ("user", hello.clone()),
                ("assistant", call.clone()),
                ("user", json!([{"text": "So?"}, result])),
            ])),
            "must come before",
        ),
        (
            tools(turns(&[
                ("user", hello.clone()),
                ("assistant", call.clone()),
                ("user", json!([result, result])),
            ])),
            "exceeds",
        ),
        (
            tools(turns(&[
                ("user", hello.clone()),
                ("assistant", call.clone()),
            ])),
            "Expected toolResult blocks",
        ),
        (
            tools(turns(&[
                ("user", hello.clone()),
                ("assistant", call.clone()),
                (
                    "user",
                    json!([{"toolResult": {"toolUseId": "t1", "content": [{"text": " "}]}}]),
                ),
            ])),
            "toolResult.content.0 is blank",
        ),
        (
            tools(turns(&[
                ("user", hello.clone()),
                (
                    "assistant",
                    json!([{"toolUse": {"toolUseId": "t1", "name": "now", "input": []}}]),
                ),
                ("user", json!([result])),
            ])),
            "Provide a json object",
        ),
    ];
    all_refused(CLAUDE, &cases).await;
    let hello = &body("Hello.");
    let cases = [
        (
            with(hello, "system", json!([{"text": " "}])),
            "system.0 is blank",
        ),
        (
            with(hello, "toolConfig", json!({"tools": [tool(), tool()]})),
            "more than once",
        ),
        (
            with(
                hello,
                "toolConfig",
                json!({"tools": [{"toolSpec": {"name": "a", "inputSchema": {"json": {}}}}]}),
            ),
            "must be one of the following: object",
        ),
        (
            with(
                hello,
                "toolConfig",
                json!({"tools": [tool()], "toolChoice": {"tool": {"name": "then"}}}),
            ),
            "The tool then",
        ),
        (
            with(hello, "additionalModelResponseFieldPaths", json!(["stop"])),
            "JSON pointer",
        ),
        (
            with(
                hello,
                "outputConfig",
                json!({"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{"}}}}),
            ),
            "no JSON object",
        ),
    ];
    all_refused(CLAUDE, &cases).await;
}

#[tokio::test]
async fn documents_and_cache_points_are_checked() {
    let document = |name: &str| json!({"document": {"format": "txt", "name": name, "source": {"text": "Hi."}}});
    let point = |ttl: &str| json!({"cachePoint": {"type": "default", "ttl": ttl}});
    let user = |blocks: &[Value]| turns(&[("user", json!(blocks))]);
    let text = json!({"text": "Hello."});
    let cases = [
        (user(&[document("a")]), "A text block must be included"),
        (user(&[text.clone(), document("a.txt")]), "can only contain"),
        (user(&[text.clone(), document("a  b")]), "consecutive"),
        (
            user(&[text.clone(), document("a"), document("a")]),
            "duplicate",
        ),
        (
            user(
                &[
                    &[text.clone()][..],
                    &["a", "b", "c", "d", "e", "f"].map(document)[..],
                ]
                .concat(),
            ),
            "more than 5 documents",
        ),
        (user(&[point("5m"), text.clone()]), "no content before it"),
        (
            user(&[text.clone(), point("5m"), point("5m")]),
            "no content before it",
        ),
        (
            user(&[text.clone(), point("5m"), text.clone(), point("1h")]),
            "must not come after",
        ),
        (
            with(
                &user(&[
                    text.clone(),
                    point("5m"),
                    text.clone(),
                    point("5m"),
                    text.clone(),
                    point("5m"),
                ]),
                "system",
                json!([text, point("5m"), text, point("5m")]),
            ),
            "Found 5",
        ),
    ];
    all_refused(CLAUDE, &cases).await;
    all_refused(
        OPENAI,
        &[(
            user(&[text.clone(), point("5m")]),
            "did not allow prompt caching",
        )],
    )
    .await;
    let marked = json!({"tools": [tool(), {"cachePoint": {"type": "default"}}]});
    let in_tools = with(&body("Hello."), "toolConfig", marked);
    all_refused(
        NOVA,
        &[
            (in_tools, "Tool caching"),
            (user(&[text, point("5m")]), "cachePoint.ttl"),
        ],
    )
    .await;
}

#[tokio::test]
async fn fields_of_families_are_checked() {
    let own = |fields: Value| with(&body("Hello."), "additionalModelRequestFields", fields);
    let limit = |tokens: u64| {
        with(
            &body("Hello."),
            "inferenceConfig",
            json!({"maxTokens": tokens}),
        )
    };
    let choice = with(
        &body("Hello."),
        "toolConfig",
        json!({"tools": [tool()], "toolChoice": {"any": {}}}),
    );
    let cases: &[(&str, Value, &str)] = &[
        (
            CLAUDE,
            own(json!({"reasoning_effort": "low"})),
            "reasoning_effort: Extra inputs",
        ),
        (
            CLAUDE,
            own(json!({"thinking": {"type": "enabled", "budget_tokens": 10}})),
            "budget_tokens",
        ),
        (
            CLAUDE,
            own(json!({"anthropic_beta": ["oauth-2025-04-20"]})),
            "invalid beta flag",
        ),
        (
            CLAUDE,
            own(json!({"tool_choice": {"disable_parallel_tool_use": true}})),
            "while providing tools",
        ),
        (
            CLAUDE,
            with(
                &own(json!({"tool_choice": {"disable_parallel_tool_use": true}})),
                "toolConfig",
                json!({"tools": [tool()]}),
            ),
            "missing field `type`",
        ),
        (
            CLAUDE,
            with(
                &own(json!({"tool_choice": {"type": "auto"}})),
                "toolConfig",
                choice["toolConfig"].clone(),
            ),
            "conflicts with toolConfig.toolChoice",
        ),
        (
            CLAUDE,
            limit(1_000_000),
            "maximum allowed number of output tokens",
        ),
        (
            CLAUDE,
            with(
                &body("Hello."),
                "inferenceConfig",
                json!({"temperature": 0.5, "topP": 0.5}),
            ),
            "cannot both be specified",
        ),
        (
            "anthropic.claude-opus-4-7",
            own(json!({"thinking": {"type": "disabled"}})),
            "thinking.type.disabled",
        ),
        (
            "anthropic.claude-opus-4-7",
            own(json!({"thinking": {"type": "enabled", "budget_tokens": 1024}})),
            "thinking.type.enabled",
        ),
        (
            NOVA,
            own(json!({"thinking": {"type": "enabled"}})),
            "thinking: Extra inputs",
        ),
        (
            NOVA,
            own(json!({"reasoningConfig": {"type": "enabled"}})),
            "maxReasoningEffort",
        ),
        (
            NOVA,
            with(
                &own(json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}})),
                "inferenceConfig",
                json!({"maxTokens": 100}),
            ),
            "must not be set when maxReasoningEffort is high",
        ),
        (
            "amazon.nova-pro-v1%3A0",
            limit(20_000),
            "model limit of 10000",
        ),
        (
            "openai.gpt-oss-120b-1%3A0",
            own(json!({"reasoning_effort": "max"})),
            "reasoning_effort",
        ),
        (OPENAI, limit(15), ">= 16"),
        (
            OPENAI,
            own(json!({"reasoning": {"effort": "low", "summary": "auto"}})),
            "summary: Extra inputs",
        ),
        (
            "deepseek.r1-v1%3A0",
            own(json!({"reasoning_effort": "low"})),
            "Extra inputs",
        ),
        (
            "deepseek.r1-v1%3A0",
            with(&body("Hi."), "toolConfig", json!({"tools": [tool()]})),
            "doesn't support tool use",
        ),
        (
            "meta.llama3-70b-instruct-v1%3A0",
            choice.clone(),
            "toolConfig.toolChoice.any",
        ),
        (
            "meta.llama3-70b-instruct-v1%3A0",
            with(
                &body("Hi."),
                "toolConfig",
                json!({"tools": [{"systemTool": {"name": "nova_grounding"}}]}),
            ),
            "systemTool",
        ),
        (
            "nobody.model",
            body("Hello."),
            "model identifier is invalid",
        ),
    ];
    for (model, body, words) in cases {
        all_refused(model, &[(body.clone(), words)]).await;
    }
    let thought = |reasoning: Value| {
        turns(&[
            ("user", json!([{"text": "Hello."}])),
            (
                "assistant",
                json!([{"reasoningContent": reasoning}, {"text": "Hi."}]),
            ),
            ("user", json!([{"text": "And?"}])),
        ])
    };
    let text = thought(json!({"reasoningText": {"text": "Hm.", "signature": "EqQB"}}));
    let sealed = thought(json!({"redactedContent": "cnNuX2Fi"}));
    all_refused(
        CLAUDE,
        &[
            (text.clone(), "Invalid `signature`"),
            (sealed.clone(), "Invalid `data`"),
        ],
    )
    .await;
    all_refused(
        OPENAI,
        &[
            (text.clone(), "reasoningText"),
            (sealed.clone(), "could not be verified"),
        ],
    )
    .await;
    all_refused(
        NOVA,
        &[(text, "reasoningText"), (sealed, "redactedContent")],
    )
    .await;
}

#[tokio::test]
async fn events_are_framed_and_padded() {
    let (status, headers, bytes) =
        raw(signed(&uri(CLAUDE, "converse-stream"), &body("Grüß Gott"))).await;
    assert_eq!(
        (status, &headers["content-type"]),
        (
            200,
            &"application/vnd.amazon.eventstream".parse().expect("type")
        )
    );
    let events = messages(&bytes);
    let names: Vec<_> = events.iter().map(|(_, name, _)| name.as_str()).collect();
    assert_eq!((names[0], names[1]), ("messageStart", "contentBlockDelta"));
    assert_eq!(names[names.len() - 2..], ["messageStop", "metadata"]);
    assert!(events.iter().all(|(header, ..)| header == ":event-type"));
    assert!(events.iter().all(|(.., payload)| {
        payload["p"]
            .as_str()
            .is_some_and(|padding| !padding.is_empty())
    }));
}

/// The same request, byte for byte, was signed by botocore; only its date is long past.
#[tokio::test]
async fn signatures_are_checked() {
    let request = |authorization: Option<&str>, more: &[(&str, &str)]| {
        let mut request =
            Request::post(uri(CLAUDE, "converse")).header("content-type", "application/json");
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        request
            .body(Payload::new(body("Hello.").to_string()))
            .expect("valid request")
    };
    let scope = "AWS4-HMAC-SHA256 Credential=AKIDDEMO/20260101/us-east-1/bedrock/aws4_request";
    let signed = format!("{scope}, SignedHeaders=content-type;host;x-amz-date, Signature=00");
    let date = [("x-amz-date", "20260101T000000Z")];
    for (authorization, more, kind, words) in [
        (
            None,
            &[][..],
            "MissingAuthenticationTokenException",
            "Missing",
        ),
        (
            Some("Bearer other"),
            &[][..],
            "AccessDeniedException",
            "API Key",
        ),
        (
            Some("Bearer demo"),
            &date[..],
            "ValidationException",
            "x-amz-date",
        ),
        (
            Some("Bearer demo"),
            &[("x-api-key", "demo")][..],
            "ValidationException",
            "x-api-key",
        ),
        (
            Some("AWS4-HMAC-SHA256 nonsense"),
            &date[..],
            "IncompleteSignatureException",
            "requires",
        ),
        (
            Some(signed.as_str()),
            &[][..],
            "IncompleteSignatureException",
            "X-Amz-Date",
        ),
        (
            Some(signed.as_str()),
            &date[..],
            "InvalidSignatureException",
            "Signature expired",
        ),
        (
            Some(signed.replace("us-east-1", "eu-west-1").as_str()),
            &date[..],
            "InvalidSignatureException",
            "region",
        ),
        (
            Some(signed.replace("/bedrock/", "/bedrock-runtime/").as_str()),
            &date[..],
            "InvalidSignatureException",
            "service",
        ),
        (
            Some(signed.replace("content-type;", "").as_str()),
            &date[..],
            "InvalidSignatureException",
            "'content-type'",
        ),
        (
            Some(signed.replace("AKIDDEMO", "AKIDOTHER").as_str()),
            &date[..],
            "UnrecognizedClientException",
            "token",
        ),
    ] {
        let (status, headers, text) = send(request(authorization, more)).await;
        let given = headers["x-amzn-errortype"].to_str().expect("text");
        assert!(
            given.starts_with(kind) && text.contains(words),
            "{given}: {text}"
        );
        let expected = if kind == "ValidationException" {
            400
        } else {
            403
        };
        assert_eq!(status, expected, "{text}");
        assert_eq!(headers.contains_key("date"), status == 403);
    }
}

#[tokio::test]
async fn a_path_with_a_bare_slash_is_another_operation() {
    let (status, _, answer) =
        answered(&uri("arn:aws:bedrock:x/y", "converse"), &body("Hello.")).await;
    assert_eq!(status, 200);
    assert!(
        answer["Output"]["__type"]
            .as_str()
            .expect("type")
            .ends_with("UnknownOperationException")
    );
}
