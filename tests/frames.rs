//! AWS's binary streams through a gateway: whole, cut anywhere, corrupt, and with errors in them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::{ServiceExt, service_fn};
use tower_llm_gateway::codec::event_stream::{encode_error, encode_event, encode_exception};
use tower_llm_gateway::settings::RetrySettings;
use tower_llm_gateway::{
    Connection, Credential, Gateway, Outcome, Payload, Provider, Rule, Target,
};

const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a provider answers.
#[derive(Clone)]
struct Canned {
    status: u16,
    headers: Vec<(&'static str, String)>,
    pieces: Vec<Bytes>,
}

impl Canned {
    fn stream(pieces: impl IntoIterator<Item = Bytes>) -> Self {
        let media_type = "application/vnd.amazon.eventstream".to_owned();
        Self {
            status: 200,
            headers: vec![("content-type", media_type)],
            pieces: pieces.into_iter().collect(),
        }
    }

    fn json(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            pieces: vec![Bytes::copy_from_slice(body.as_bytes())],
        }
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// A body that comes in pieces.
struct Pieces(VecDeque<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}

/// A request that reached the provider.
struct Sent {
    path: String,
    headers: HeaderMap,
    body: Value,
}

/// What came of a call.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
    outcome: Option<Outcome>,
    sent: Vec<Sent>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}", self.body))
    }

    /// The data of the stream's events.
    fn events(&self) -> Vec<String> {
        let text = self.body.strip_suffix("\n\n").unwrap_or_else(|| {
            panic!("a stream ends behind an event: {}", self.body);
        });
        let events = text.split("\n\n").map(|event| {
            let line = event.lines().last().unwrap_or_default();
            let data = line.strip_prefix("data: ");
            data.unwrap_or_else(|| panic!("{event}")).to_owned()
        });
        events.collect()
    }

    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).map(|value| value.to_str().unwrap());
        value.unwrap_or_default()
    }
}

/// A client's endpoint, and a provider that serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    provider: Provider,
    path: &'static str,
}

const fn cell(provider: Provider, path: &'static str) -> Cell {
    Cell { provider, path }
}

const CELLS: [Cell; 6] = [
    cell(Provider::AwsBedrockInvoke, "/v1/messages"),
    cell(Provider::AwsBedrockInvoke, "/v1/chat/completions"),
    cell(Provider::AwsBedrockInvoke, "/v1/responses"),
    cell(Provider::AwsBedrock, "/v1/messages"),
    cell(Provider::AwsBedrock, "/v1/chat/completions"),
    cell(Provider::AwsBedrock, "/v1/responses"),
];

impl Cell {
    fn request(self, stream: bool) -> Value {
        match self.path {
            "/v1/responses" => json!({"model": "m", "stream": stream, "input": "hi"}),
            _ => json!({
                "model": "m", "stream": stream, "max_tokens": 50,
                "messages": [{"role": "user", "content": "hi"}],
            }),
        }
    }

    /// The frames of a short answer.
    fn frames(self) -> Vec<Bytes> {
        if self.provider == Provider::AwsBedrock {
            return [
                ("messageStart", r#"{"p":"abc","role":"assistant"}"#),
                (
                    "contentBlockDelta",
                    r#"{"contentBlockIndex":0,"delta":{"text":"Hi"},"p":"abcd"}"#,
                ),
                ("somethingNew", r#"{"p":"a"}"#),
                ("contentBlockStop", r#"{"contentBlockIndex":0}"#),
                ("messageStop", r#"{"stopReason":"end_turn","p":"ab"}"#),
                (
                    "metadata",
                    r#"{"usage":{"inputTokens":10,"outputTokens":4,"totalTokens":14},"metrics":{"latencyMs":5}}"#,
                ),
            ]
            .map(|(name, payload)| frame(name, payload))
            .to_vec();
        }
        let mut frames: Vec<_> = [
            r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"output_tokens":1}}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":4}}"#,
            r#"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":99,"outputTokenCount":99,"cacheReadInputTokenCount":3}}"#,
        ]
        .iter()
        .map(|event| chunk(event))
        .collect();
        frames.insert(3, frame("somethingNew", "{}"));
        frames
    }

    /// How many of the frames there are up to the one that names the stop reason.
    fn complete(self) -> usize {
        if self.provider == Provider::AwsBedrock {
            5
        } else {
            6
        }
    }

    /// How many bytes lie between two cuts: what is below the conversions is the same for all three.
    fn step(self) -> usize {
        if self.path == "/v1/messages" { 1 } else { 7 }
    }

    /// Whether events go on as the provider wrote them.
    fn relays(self) -> bool {
        self.provider == Provider::AwsBedrockInvoke && self.path == "/v1/messages"
    }

    /// Whether an event ends a stream well.
    fn is_success(self, event: &str) -> bool {
        match self.path {
            "/v1/chat/completions" => event == "[DONE]",
            "/v1/responses" => event.contains(r#""type":"response.completed""#),
            _ => event.contains(r#""type":"message_stop""#),
        }
    }

    /// The type of the error that an event is, or `None`.
    fn error(self, event: &str) -> Option<String> {
        let json: Value = serde_json::from_str(event).ok()?;
        let error = match self.path {
            "/v1/responses" if json["type"] == "response.failed" => &json["response"]["error"],
            "/v1/responses" if json["type"] == "error" => &json,
            "/v1/responses" => return None,
            _ => json.get("error")?,
        };
        Some(error["message"].as_str().unwrap_or_default().to_owned())
    }

    async fn ask(self, stream: bool, answers: Vec<Canned>) -> Answer {
        self.send(self.request(stream), answers).await
    }

    /// Sends a request, which as many answers as there are may be tried for.
    async fn send(self, request: Value, answers: Vec<Canned>) -> Answer {
        let connection = Connection::builder("aws", self.provider)
            .base_url("http://127.0.0.1:9")
            .credential(Credential::api_key("the-key"))
            .build()
            .unwrap();
        let mut retry = RetrySettings::default();
        retry.max_retries = u32::try_from(answers.len()).unwrap() - 1;
        retry.backoff_min = Duration::from_millis(1);
        let sent = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(VecDeque::from(answers)));
        let client = {
            let sent = sent.clone();
            service_fn(move |request: Request<Payload>| {
                let (parts, body) = request.into_parts();
                let body = body.into_bytes();
                sent.lock().unwrap().push(Sent {
                    path: parts.uri.path().to_owned(),
                    headers: parts.headers,
                    body: serde_json::from_slice(&body).unwrap(),
                });
                let canned = answers.lock().unwrap().pop_front().unwrap();
                let mut response = Response::builder().status(canned.status);
                for (name, value) in &canned.headers {
                    response = response.header(*name, value);
                }
                let body = Pieces(canned.pieces.into());
                let response = response.body(body).unwrap();
                async move { Ok::<_, Infallible>(response) }
            })
        };
        let connection = Arc::new(connection);
        let target = Target::new(connection.clone()).model(SONNET);
        let gateway = Gateway::builder()
            .connection(connection)
            .rule(Rule::new("m", [target]))
            .retry(retry)
            .build(client)
            .unwrap();
        let request = Request::post(self.path)
            .header("content-type", "application/json")
            .header("anthropic-beta", "context-1m-2025-08-07,odd")
            .body(Payload::new(request.to_string()))
            .unwrap();
        let run = async {
            let Ok(response) = gateway.oneshot(request).await;
            let (parts, body) = response.into_parts();
            let body = body
                .collect()
                .await
                .expect("a converted stream never breaks");
            (parts, body.to_bytes())
        };
        let (mut parts, body) = tokio::time::timeout(PATIENCE, run).await.unwrap();
        let sent = std::mem::take(&mut *sent.lock().unwrap());
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
            outcome: parts.extensions.remove::<Outcome>(),
            sent,
        }
    }
}

fn frame(name: &str, payload: &str) -> Bytes {
    let mut out = BytesMut::new();
    encode_event(name, payload.as_bytes(), &mut out).unwrap();
    out.freeze()
}

fn chunk(event: &str) -> Bytes {
    let payload = format!(r#"{{"bytes":"{}","p":"abcdef"}}"#, STANDARD.encode(event));
    frame("chunk", &payload)
}

fn exception(name: &str) -> Bytes {
    let mut out = BytesMut::new();
    let payload = br#"{"message":"because","p":"abc"}"#;
    encode_exception(name, payload, &mut out).unwrap();
    out.freeze()
}

fn unmodeled(code: &str) -> Bytes {
    let mut out = BytesMut::new();
    encode_error(code, "because", &mut out).unwrap();
    out.freeze()
}

fn joined(frames: &[Bytes]) -> Bytes {
    Bytes::from(frames.concat())
}

/// A stream without what differs between two calls.
fn comparable(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let json = line.strip_prefix("data: ");
        match json.and_then(|json| serde_json::from_str::<Value>(json).ok()) {
            Some(mut json) => {
                mask(&mut json);
                out.push_str(&json.to_string());
            }
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

fn mask(json: &mut Value) {
    match json {
        Value::Object(members) => {
            for (key, value) in members {
                match key.as_str() {
                    "id" | "item_id" | "created" | "created_at" | "completed_at" => {
                        *value = Value::Null;
                    }
                    _ => mask(value),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(mask),
        _ => {}
    }
}

#[tokio::test]
async fn frames_cut_at_every_byte_give_the_same_stream() {
    for cell in CELLS {
        let stream = joined(&cell.frames());
        let whole = cell.ask(true, vec![Canned::stream([stream.clone()])]).await;
        assert_eq!(whole.status, 200, "{cell:?}: {}", whole.body);
        assert!(
            cell.is_success(whole.events().last().unwrap()),
            "{}",
            whole.body
        );
        assert!(!whole.body.contains("invocationMetrics"));
        assert_eq!(
            whole.header("content-type"),
            "text/event-stream; charset=utf-8"
        );
        for at in (1..stream.len()).step_by(cell.step()) {
            let pieces = [stream.slice(..at), stream.slice(at..)];
            let cut = cell.ask(true, vec![Canned::stream(pieces)]).await;
            assert_eq!(
                comparable(&cut.body),
                comparable(&whole.body),
                "{cell:?} {at}"
            );
        }
        let bytes = stream.chunks(1).map(Bytes::copy_from_slice);
        let bytewise = cell.ask(true, vec![Canned::stream(bytes)]).await;
        assert_eq!(comparable(&bytewise.body), comparable(&whole.body));
    }
}

#[tokio::test]
async fn a_stream_that_ends_anywhere_is_complete_or_an_error() {
    for cell in CELLS {
        let frames = cell.frames();
        let stream = joined(&frames);
        let first = frames[0].len();
        let complete: usize = frames[..cell.complete()].iter().map(Bytes::len).sum();
        for at in (0..stream.len()).step_by(cell.step()) {
            let answer = cell
                .ask(true, vec![Canned::stream([stream.slice(..at)])])
                .await;
            if at < first {
                assert_eq!(answer.status, 502, "{cell:?} {at}");
                assert!(answer.json()["error"]["message"].is_string());
                continue;
            }
            let events = answer.events();
            let last = events.last().unwrap();
            if at < complete {
                assert!(cell.error(last).is_some(), "{cell:?} {at}: {last}");
                assert!(!events.iter().any(|event| cell.is_success(event)));
            } else if cell.relays() && at < stream.len() {
                // The reason why it stopped, as it came: the marker of success is the provider's to write.
                let reason = last.contains(r#""type":"message_delta""#)
                    && last.contains(r#""stop_reason":"end_turn""#);
                assert!(reason || cell.is_success(last), "{cell:?} {at}: {last}");
            } else {
                assert!(cell.is_success(last), "{cell:?} {at}: {last}");
            }
        }
    }
}

#[tokio::test]
async fn corrupt_frames_end_the_stream_at_once() {
    for cell in CELLS {
        let frames = cell.frames();
        for at in 0..3 {
            let start: usize = frames[..at].iter().map(Bytes::len).sum();
            let length = frames[at].len();
            // The length, the prelude's checksum, a header, the payload, the checksum.
            for place in [0, 9, 20, length - 8, length - 1] {
                let mut stream = joined(&frames).to_vec();
                stream[start + place] ^= 0x40;
                // Where the length itself is wrong, not a byte more is waited for.
                let end = if place < 12 { start + 12 } else { stream.len() };
                let stream = Bytes::from(stream).slice(..end);
                let answer = cell.ask(true, vec![Canned::stream([stream])]).await;
                if at == 0 {
                    assert_eq!(answer.status, 502);
                    let message = answer.json()["error"]["message"].clone();
                    assert!(message.as_str().unwrap().contains("corrupt"), "{message}");
                    continue;
                }
                let events = answer.events();
                let error = cell.error(events.last().unwrap()).unwrap();
                assert!(error.contains("corrupt"), "{cell:?} {at} {place}: {error}");
                assert!(!events.iter().any(|event| cell.is_success(event)));
            }
        }
    }
}

/// Exceptions, and the status for the OpenAI formats and for Messages.
const EXCEPTIONS: [(&str, u16, u16); 6] = [
    ("internalServerException", 500, 500),
    ("modelStreamErrorException", 502, 502),
    ("modelTimeoutException", 504, 504),
    ("serviceUnavailableException", 503, 529),
    ("throttlingException", 429, 429),
    ("validationException", 400, 400),
];

#[tokio::test]
async fn an_exception_as_first_frame_is_a_plain_error() {
    for cell in CELLS {
        for (name, openai, anthropic) in EXCEPTIONS {
            let answer = cell
                .ask(true, vec![Canned::stream([exception(name)])])
                .await;
            let wanted = if cell.path == "/v1/messages" {
                anthropic
            } else {
                openai
            };
            assert_eq!(answer.status, wanted, "{cell:?} {name}");
            assert_eq!(answer.json()["error"]["message"], "because");
            assert_eq!(answer.header("content-type"), "application/json");
        }
        // Another try may mend most of them.
        let good = Canned::stream(cell.frames());
        let bad = Canned::stream([exception("throttlingException")]);
        let answer = cell.ask(true, vec![bad, good.clone()]).await;
        assert_eq!((answer.status, answer.sent.len()), (200, 2));
        // A quota that is used up does not come back: only another target could help.
        for bad in [
            exception("serviceQuotaExceededException"),
            unmodeled("ServiceQuotaExceededException"),
        ] {
            let replies = vec![Canned::stream([bad]), good.clone()];
            let answer = cell.ask(true, replies).await;
            assert_eq!((answer.status, answer.sent.len()), (429, 1));
        }
        let bad = Canned::stream([exception("validationException")]);
        let answer = cell.ask(true, vec![bad, good]).await;
        assert_eq!((answer.status, answer.sent.len()), (400, 1));
    }
}

#[tokio::test]
async fn a_later_exception_ends_the_stream_with_an_error() {
    let mut unmodeled = BytesMut::new();
    encode_error("InternalFailure", "because", &mut unmodeled).unwrap();
    let named_like_one = frame("throttlingException", r#"{"message":"because"}"#);
    for cell in CELLS {
        let mut errors: Vec<Bytes> = EXCEPTIONS
            .iter()
            .map(|(name, ..)| exception(name))
            .collect();
        errors.push(exception("somethingNewException"));
        errors.push(unmodeled.clone().freeze());
        errors.push(named_like_one.clone());
        for error in errors {
            let mut frames = cell.frames();
            frames.insert(2, error);
            let answer = cell
                .ask(true, vec![Canned::stream([joined(&frames)])])
                .await;
            assert_eq!(answer.status, 200);
            let events = answer.events();
            assert_eq!(
                cell.error(events.last().unwrap()).as_deref(),
                Some("because")
            );
            assert!(!events.iter().any(|event| cell.is_success(event)));
        }
    }
}

#[tokio::test]
async fn an_event_over_the_limit_is_an_error() {
    let long = format!(r#"{{"type":"ping","x":"{}"}}"#, "x".repeat(13 << 20));
    for cell in [CELLS[0], CELLS[4]] {
        let big = frame("chunk", &STANDARD.encode(&long));
        let mut frames = cell.frames();
        frames.insert(1, big);
        let answer = cell
            .ask(true, vec![Canned::stream([joined(&frames)])])
            .await;
        let error = cell.error(answer.events().last().unwrap()).unwrap();
        assert!(error.contains("over the limit"), "{error}");
    }
}

#[tokio::test]
async fn the_usage_is_anthropics_and_awss_where_that_is_missing() {
    for cell in CELLS {
        let answer = cell.ask(true, vec![Canned::stream(cell.frames())]).await;
        let usage = answer.outcome.unwrap().usage.get().unwrap();
        assert_eq!((usage.input, usage.output), (Some(10), Some(4)), "{cell:?}");
        if cell.provider == Provider::AwsBedrockInvoke {
            assert_eq!(usage.cache_read, Some(3), "{cell:?}");
        }
    }
    let body = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"output_tokens":4}}"#;
    for cell in &CELLS[..3] {
        let whole = Canned::json(200, body)
            .header("x-amzn-bedrock-input-token-count", "10")
            .header("x-amzn-bedrock-output-token-count", "99");
        let answer = cell.ask(false, vec![whole]).await;
        assert_eq!(answer.status, 200);
        let usage = answer.outcome.as_ref().unwrap().usage.get().unwrap();
        assert_eq!((usage.input, usage.output), (Some(10), Some(4)));
        if cell.path == "/v1/messages" {
            assert_eq!(answer.body, body);
        }
    }
}

#[tokio::test]
async fn errors_are_awss() {
    for cell in CELLS {
        for stream in [false, true] {
            let denied = Canned::json(403, r#"{"Message":"no access"}"#)
                .header(
                    "x-amzn-errortype",
                    "AccessDeniedException:http://internal.amazon.com/",
                )
                .header("x-amzn-requestid", "aws-1");
            let answer = cell.ask(stream, vec![denied]).await;
            assert_eq!(answer.status, 403);
            assert_eq!(answer.json()["error"]["message"], "no access");
            let id = if cell.path == "/v1/messages" {
                "request-id"
            } else {
                "x-request-id"
            };
            assert_eq!(answer.header(id), "aws-1");

            let busy = Canned::json(400, r#"{"message":"Too many tokens, please wait"}"#)
                .header("x-amzn-errortype", "ValidationException");
            let answer = cell.ask(stream, vec![busy.clone(), busy]).await;
            assert_eq!((answer.status, answer.sent.len()), (429, 2));
            assert_eq!(answer.header("x-should-retry"), "false");
        }
    }
    let unknown = r#"{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}"#;
    for cell in CELLS {
        let answer = cell.ask(false, vec![Canned::json(200, unknown)]).await;
        assert_eq!(answer.status, 502, "{cell:?}");
    }
}

#[tokio::test]
async fn what_invoke_model_gets() {
    for cell in &CELLS[..3] {
        for stream in [false, true] {
            let answer = cell.ask(stream, vec![Canned::json(400, "{}")]).await;
            let [sent] = &answer.sent[..] else {
                panic!("{} calls", answer.sent.len());
            };
            let operation = if stream {
                "invoke-with-response-stream"
            } else {
                "invoke"
            };
            assert_eq!(
                sent.path,
                format!("/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/{operation}")
            );
            let members = sent.body.as_object().unwrap();
            assert!(!members.contains_key("model") && !members.contains_key("stream"));
            assert_eq!(members["anthropic_version"], "bedrock-2023-05-31");
            assert_eq!(sent.headers["authorization"], "Bearer the-key");
            let accept = if stream {
                "x-amzn-bedrock-accept"
            } else {
                "accept"
            };
            assert_eq!(sent.headers[accept], "application/json");
            for name in ["anthropic-beta", "anthropic-version", "accept-encoding"] {
                assert!(!sent.headers.contains_key(name), "{name}");
            }
            if cell.path == "/v1/messages" {
                assert_eq!(members["anthropic_beta"], json!(["context-1m-2025-08-07"]));
                assert_eq!(answer.header("x-gateway-dropped"), "anthropic-beta.odd");
            }
        }
    }
}

#[tokio::test]
async fn what_invoke_model_does_not_get() {
    let [messages, chat, responses] = [CELLS[0], CELLS[1], CELLS[2]];
    let refused = |cell: Cell, request: Value, path: &'static str| async move {
        let answer = cell.send(request, vec![Canned::json(500, "{}")]).await;
        assert_eq!(
            (answer.status, answer.sent.len()),
            (400, 0),
            "{}",
            answer.body
        );
        assert!(answer.body.contains(path), "{path}: {}", answer.body);
    };
    let user = |content: Value| json!([{"role": "user", "content": content}]);
    refused(
        messages,
        json!({"model": "m", "max_tokens": 9, "messages": user(json!([{"type": "image", "source": {"type": "url", "url": "https://a/b.png"}}]))}),
        "messages[0].content[0].source",
    )
    .await;
    refused(
        chat,
        json!({"model": "m", "messages": user(json!([{"type": "image_url", "image_url": {"url": "https://a/b.png"}}]))}),
        "messages[0].content[0].image_url.url",
    )
    .await;
    refused(
        chat,
        json!({"model": "m", "messages": user(json!([{"type": "file", "file": {"file_id": "file_1"}}]))}),
        "messages[0].content[0].file.file_id",
    )
    .await;
    refused(
        chat,
        json!({"model": "m", "messages": user(json!([{"type": "document", "source": {"type": "url", "url": "https://a"}}]))}),
        "messages[0].content[0].source",
    )
    .await;
    refused(
        responses,
        json!({"model": "m", "input": user(json!([{"type": "input_image", "image_url": "https://a/b.png"}]))}),
        "input[0].content[0].image_url",
    )
    .await;
    refused(
        responses,
        json!({"model": "m", "input": user(json!([{"type": "input_file", "file_id": "file_1"}]))}),
        "input[0].content[0].file_id",
    )
    .await;

    let search = json!({"type": "web_search_20250305", "name": "web_search"});
    for (cell, tools) in [
        (messages, json!([search])),
        (chat, json!([search])),
        (responses, json!([{"type": "web_search"}])),
    ] {
        let mut request = cell.request(false);
        request["tools"] = tools;
        let answer = cell.send(request, vec![Canned::json(400, "{}")]).await;
        assert_eq!(
            answer.header("x-gateway-dropped").split(',').next(),
            Some(if cell == messages {
                "anthropic-beta.odd"
            } else {
                "tools[]"
            })
        );
        assert!(answer.header("x-gateway-dropped").contains("tools[]"));
        assert_eq!(answer.sent[0].body.get("tools"), None);
    }
}

#[tokio::test]
async fn system_messages_between_the_others_are_folded() {
    let messages = json!([
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
        {"role": "system", "content": "s"},
        {"role": "assistant", "content": "d"},
        {"role": "user", "content": "e"},
    ]);
    for cell in [CELLS[0], CELLS[1]] {
        let request = json!({"model": "m", "max_tokens": 9, "messages": messages});
        let answer = cell.send(request, vec![Canned::json(400, "{}")]).await;
        let sent = &answer.sent[0].body["messages"];
        let roles: Vec<_> = sent
            .as_array()
            .unwrap()
            .iter()
            .map(|m| &m["role"])
            .collect();
        assert_eq!(roles, ["user", "assistant", "user", "assistant", "user"]);
        assert!(sent[2].to_string().contains("s"), "{sent}");
        assert!(!answer.header("x-gateway-approximated").is_empty());
    }
}

#[tokio::test]
async fn tokens_are_counted() {
    for provider in [Provider::AwsBedrockInvoke, Provider::AwsBedrock] {
        let cell = cell(provider, "/v1/messages/count_tokens");
        let request = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        let counted = Canned::json(200, r#"{"inputTokens":12}"#);
        let answer = cell.send(request.clone(), vec![counted]).await;
        assert_eq!(
            (answer.status, &*answer.body),
            (200, r#"{"input_tokens":12}"#)
        );
        assert_eq!(
            answer.sent[0].path,
            "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens"
        );
        let input = &answer.sent[0].body["input"];
        match provider {
            Provider::AwsBedrock => {
                let message = json!([{"role": "user", "content": [{"text": "hi"}]}]);
                assert_eq!(input["converse"]["messages"], message);
            }
            _ => assert!(input["invokeModel"]["body"].is_string()),
        }
        let error = Canned::json(400, r#"{"message":"not for this model"}"#)
            .header("x-amzn-errortype", "ValidationException");
        let answer = cell.send(request, vec![error]).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json()["error"]["type"], "invalid_request_error");
    }
}

#[tokio::test]
async fn servers_that_speak_sse_are_understood() {
    let events = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":1}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    for cell in &CELLS[..3] {
        let mut canned = Canned::stream([Bytes::from_static(events.as_bytes())]);
        canned.headers[0].1 = "text/event-stream".to_owned();
        let answer = cell.ask(true, vec![canned]).await;
        assert!(cell.is_success(answer.events().last().unwrap()));
        if cell.path == "/v1/messages" {
            assert_eq!(answer.body, events);
        }
    }
}
