//! What the provider of each format answers.

use bytes::Bytes;
use http::{Response, header::CONTENT_TYPE};
use tower_llm_gateway::Payload;

const CHAT: &str = r#"{"id":"c-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop",
    "message":{"role":"assistant","content":"Hello"}}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}"#;
const CHAT_STREAM: &str = concat!(
    r#"data: {"id":"c-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Hello"}}]}"#,
    "\n\n",
    r#"data: {"id":"c-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}"#,
    "\n\ndata: [DONE]\n\n",
);
const RESPONSES: &str = r#"{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"m","output":[{"type":"message",
    "id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Hello","annotations":[]}]}],
    "usage":{"input_tokens":3,"output_tokens":1,"total_tokens":4}}"#;
const RESPONSES_STREAM: &str = concat!(
    "event: response.created\n",
    r#"data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1,"status":"in_progress","model":"m","output":[]}}"#,
    "\n\nevent: response.completed\n",
    r#"data: {"type":"response.completed","sequence_number":1,"response":{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"m","output":[],"usage":{"input_tokens":3,"output_tokens":1,"total_tokens":4}}}"#,
    "\n\n",
);
const MESSAGES: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hello"}],
    "stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}"#;
const MESSAGES_STREAM: &str = concat!(
    "event: message_start\n",
    r#"data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}}"#,
    "\n\nevent: content_block_start\n",
    r#"data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
    "\n\nevent: content_block_delta\n",
    r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}"#,
    "\n\nevent: content_block_stop\n",
    r#"data: {"type":"content_block_stop","index":0}"#,
    "\n\nevent: message_delta\n",
    r#"data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":1}}"#,
    "\n\nevent: message_stop\n",
    r#"data: {"type":"message_stop"}"#,
    "\n\n",
);
const GEMINI: &str = r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"Hello"}]},"finishReason":"STOP","index":0}],
    "usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":1,"totalTokenCount":4},"modelVersion":"m","responseId":"r1"}"#;
const GEMINI_STREAM: &str = concat!(
    r#"data: {"candidates":[{"content":{"role":"model","parts":[{"text":"Hello"}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":1,"totalTokenCount":4},"modelVersion":"m","responseId":"r1"}"#,
    "\n\n",
);
const CONVERSE: &str = r#"{"output":{"message":{"role":"assistant","content":[{"text":"Hello"}]}},"stopReason":"end_turn",
    "usage":{"inputTokens":3,"outputTokens":1,"totalTokens":4},"metrics":{"latencyMs":1}}"#;

/// The answer of the provider whose path this is.
pub(crate) fn of(path: &str, body: &[u8]) -> Response<Payload> {
    const JSON: &str = "application/json";
    const SSE: &str = "text/event-stream";
    const EVENTS: &str = "application/vnd.amazon.eventstream";
    let streams =
        serde_json::from_slice::<serde_json::Value>(body).is_ok_and(|body| body["stream"] == true);
    let sse = |plain: &'static str, stream: &'static str| match streams {
        true => (SSE, Bytes::from_static(stream.as_bytes())),
        false => (JSON, Bytes::from_static(plain.as_bytes())),
    };
    let (media, body) = match path {
        _ if path.ends_with("/chat/completions") => sse(CHAT, CHAT_STREAM),
        _ if path.ends_with("/responses") => sse(RESPONSES, RESPONSES_STREAM),
        _ if path.ends_with("/v1/messages") => sse(MESSAGES, MESSAGES_STREAM),
        _ if path.ends_with("/invoke") => (JSON, MESSAGES.into()),
        _ if path.ends_with("/converse") => (JSON, CONVERSE.into()),
        _ if path.contains(":generateContent") => (JSON, GEMINI.into()),
        _ if path.contains(":streamGenerateContent") => (SSE, GEMINI_STREAM.into()),
        _ if path.ends_with("/count_tokens") => (JSON, r#"{"input_tokens":3}"#.into()),
        _ if path.ends_with("/count-tokens") => (JSON, r#"{"inputTokens":3}"#.into()),
        _ if path.ends_with("/converse-stream") => (
            EVENTS,
            golden("chat_to_converse/stream-thinking-text-two-tools"),
        ),
        _ if path.ends_with("/invoke-with-response-stream") => {
            (EVENTS, golden("bedrock_wire/invoke-stream-passthrough"))
        }
        _ => panic!("no provider has {path}"),
    };
    // What Converse's answers are called by: they have no id in them.
    let response = Response::builder()
        .header(CONTENT_TYPE, media)
        .header("x-amzn-requestid", "00000000-0000-0000-0000-000000000001");
    response.body(Payload::new(body)).unwrap()
}

/// The binary stream of a golden case.
fn golden(case: &str) -> Bytes {
    let file = format!(
        "{}/tests/golden/{case}/upstream_stream.bin",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read(&file)
        .unwrap_or_else(|error| panic!("{file}: {error}"))
        .into()
}
