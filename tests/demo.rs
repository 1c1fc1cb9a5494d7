//! Tests of the demo providers: each dialect whole, streamed, with tools, and refusing.

// The scripted upstream frames its streams with the demo's encoder.
#![allow(clippy::duplicate_mod)]

#[path = "../examples/gateway/demo/mod.rs"]
mod demo;
#[path = "../examples/gateway/demo/serve.rs"]
mod serve;

pub mod support;

#[path = "demo/anthropic.rs"]
mod anthropic;
#[path = "demo/chat.rs"]
mod chat;
#[path = "demo/converse.rs"]
mod converse;
#[path = "demo/gemini.rs"]
mod gemini;
#[path = "demo/golden.rs"]
mod golden;
#[path = "demo/invoke.rs"]
mod invoke;
#[path = "demo/responses.rs"]
mod responses;
#[path = "demo/vendors.rs"]
mod vendors;

use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use tower_llm_gateway::Payload;

use demo::Demo;

const ANTHROPIC: &str = "https://api.anthropic.com/v1/messages";
const OPENAI: &str = "https://api.openai.com/v1/chat/completions";
const RESPONSES: &str = "https://api.openai.com/v1/responses";
const GEMINI: &str = "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions";
const GROQ: &str = "https://api.groq.com/openai/v1/chat/completions";
const PERPLEXITY: &str = "https://api.perplexity.ai/chat/completions";

/// A request with the headers that every provider wants.
fn request(uri: &str, body: &Value) -> Request<Payload> {
    Request::post(uri)
        .header("content-type", "application/json")
        .header("authorization", "Bearer demo")
        .header("anthropic-version", "2023-06-01")
        .body(Payload::new(body.to_string()))
        .expect("valid request")
}

/// The same with the header that each of the newer formats wants instead.
fn signed(uri: &str, body: &Value) -> Request<Payload> {
    let request = Request::post(uri).header("content-type", "application/json");
    let request = if uri.contains("/model/") {
        request.header("authorization", "Bearer demo")
    } else {
        request.header("x-goog-api-key", "demo")
    };
    request
        .body(Payload::new(body.to_string()))
        .expect("valid request")
}

async fn raw(request: Request<Payload>) -> (u16, HeaderMap, Vec<u8>) {
    let Ok(response) = Demo.oneshot(request).await;
    let (head, body) = response.into_parts();
    let Ok(body) = body.collect().await;
    (head.status.as_u16(), head.headers, body.to_bytes().to_vec())
}

async fn send(request: Request<Payload>) -> (u16, HeaderMap, String) {
    let (status, headers, body) = raw(request).await;
    (status, headers, String::from_utf8(body).expect("UTF-8"))
}

/// The JSON that answers, with its status.
async fn call(uri: &str, body: &Value) -> (u16, Value) {
    let (status, headers, text) = send(request(uri, body)).await;
    assert_eq!(headers["content-type"], "application/json", "{text}");
    (status, serde_json::from_str(&text).expect("JSON"))
}

/// The JSON of a success.
async fn ok(uri: &str, body: &Value) -> Value {
    let (status, value) = call(uri, body).await;
    assert_eq!(status, 200, "{value}");
    value
}

/// The data of a stream's events, and whether `[DONE]` ended it; names must equal types where there are any.
async fn stream(uri: &str, body: &Value) -> (Vec<Value>, bool) {
    let (status, headers, text) = send(request(uri, body)).await;
    assert_eq!(status, 200, "{text}");
    assert_eq!(headers["content-type"], "text/event-stream; charset=utf-8");
    let mut events = Vec::new();
    let mut is_done = false;
    for event in text.split_terminator("\n\n") {
        let (name, data) = match event.split_once('\n') {
            Some((name, data)) => (name.strip_prefix("event: "), data),
            None => (None, event),
        };
        let data = data.strip_prefix("data: ").expect("data");
        assert!(!is_done, "nothing follows [DONE]");
        if data == "[DONE]" {
            is_done = true;
            continue;
        }
        let data: Value = serde_json::from_str(data).expect("JSON");
        if let (Some(name), Some(kind)) = (name, data["type"].as_str()) {
            assert_eq!(name, kind);
        }
        events.push(data);
    }
    (events, is_done)
}

/// The JSON that answers one of the newer formats, with its status.
async fn answered(uri: &str, body: &Value) -> (u16, HeaderMap, Value) {
    let (status, headers, text) = send(signed(uri, body)).await;
    (status, headers, serde_json::from_str(&text).expect("JSON"))
}

/// The messages of an AWS stream: the header that names each, its value, and the payload. Checks both checksums of each.
fn messages(mut bytes: &[u8]) -> Vec<(String, String, Value)> {
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes[..4].try_into().expect("four bytes"));
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let (length, head) = (number(bytes) as usize, number(&bytes[4..]) as usize);
        assert_eq!(number(&bytes[8..]), crc32fast::hash(&bytes[..8]));
        let (message, rest) = bytes.split_at(length);
        assert_eq!(
            number(&message[length - 4..]),
            crc32fast::hash(&message[..length - 4])
        );
        let (mut headers, payload) = message[12..length - 4].split_at(head);
        let mut found = Vec::new();
        while let [name, after @ ..] = headers {
            let (name, after) = after.split_at(usize::from(*name));
            assert_eq!(after[0], 7);
            let size = usize::from(u16::from_be_bytes([after[1], after[2]]));
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
            found.push((text(name), text(&after[3..3 + size])));
            headers = &after[3 + size..];
        }
        let (name, value) = found.swap_remove(0);
        let payload = serde_json::from_slice(payload).unwrap_or_default();
        messages.push((name, value, payload));
        bytes = rest;
    }
    messages
}

/// With `stream` on.
fn streamed(body: &Value) -> Value {
    with(body, "stream", json!(true))
}

/// With this member set.
fn with(body: &Value, name: &str, value: Value) -> Value {
    let mut body = body.clone();
    body[name] = value;
    body
}

/// Parameters with something of everything.
fn parameters() -> Value {
    json!({
        "type": "object", "required": ["city", "days", "unit", "tags", "exact"],
        "properties": {
            "city": {"type": "string"}, "days": {"type": "integer"},
            "unit": {"enum": ["C", "F"]}, "exact": {"type": "boolean"},
            "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}},
            "optional": {"type": "string"},
        },
        "$defs": {"tag": {"type": ["null", "string"]}},
    })
}

fn arguments() -> Value {
    json!({"city": "demo", "days": 1, "unit": "C", "tags": ["demo"], "exact": true})
}

#[tokio::test]
async fn paths_and_methods_are_checked() {
    let (status, _, _) = send(request("https://api.openai.com/v1/embeddings", &json!({}))).await;
    assert_eq!(status, 404);
    let mut get = request(OPENAI, &json!({}));
    *get.method_mut() = http::Method::GET;
    let (status, headers, _) = send(get).await;
    assert_eq!(
        (status, &headers["allow"]),
        (405, &"POST".parse().expect("header"))
    );
}

#[tokio::test]
async fn bad_bodies_are_refused_in_the_dialect_of_the_path() {
    for uri in [ANTHROPIC, OPENAI, RESPONSES, GEMINI, GROQ, PERPLEXITY] {
        for text in ["", "{", "[]", "\u{feff}{}"] {
            let mut request = request(uri, &Value::Null);
            *request.body_mut() = Payload::new(text.to_owned());
            let (status, _, text) = send(request).await;
            assert_eq!(status, 400, "{uri}: {text}");
            let error: Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(error.is_array(), uri == GEMINI, "{text}");
            assert_eq!(error["type"] == "error", uri == ANTHROPIC, "{text}");
        }
    }
}

#[tokio::test]
async fn answers_depend_on_the_request_alone() {
    let body = json!({"model": "gpt-5", "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(ok(OPENAI, &body).await, ok(OPENAI, &body).await);
    let other = with(&body, "seed", json!(1));
    assert_ne!(
        ok(OPENAI, &body).await["id"],
        ok(OPENAI, &other).await["id"]
    );
}

#[tokio::test]
async fn events_come_one_per_frame_with_a_pause() {
    tokio::time::pause();
    let body =
        streamed(&json!({"model": "gpt-5", "messages": [{"role": "user", "content": "hi"}]}));
    let start = tokio::time::Instant::now();
    let Ok(response) = Demo.oneshot(request(OPENAI, &body)).await;
    let mut body = response.into_body();
    let mut frames = 0;
    while let Some(Ok(frame)) = body.frame().await {
        let data = frame.into_data().expect("data");
        assert!(data.starts_with(b"data: ") && data.ends_with(b"\n\n"));
        assert_eq!(data.windows(2).filter(|pair| pair == b"\n\n").count(), 1);
        frames += 1;
    }
    assert!(frames > 5);
    assert!(start.elapsed() >= std::time::Duration::from_millis(5) * (frames - 1));
}

#[tokio::test]
async fn the_same_answers_come_out_of_a_socket() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bind");
    let address = listener.local_addr().expect("address");
    let server = tokio::spawn(Demo.serve(listener));
    let body = json!({"model": "claude-sonnet-4-5", "max_tokens": 99,
        "messages": [{"role": "user", "content": "hi"}]});
    let direct = ok(ANTHROPIC, &body).await;
    let body = body.to_string();
    let mut socket = tokio::net::TcpStream::connect(address)
        .await
        .expect("connect");
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: {address}\r\nx-api-key: demo\r\nanthropic-version: 2023-06-01\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.expect("head");
    socket.write_all(body.as_bytes()).await.expect("body");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("answer");
    let (head, text) = answer.split_once("\r\n\r\n").expect("head and body");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(serde_json::from_str::<Value>(text).expect("JSON"), direct);
    server.abort();
}

#[tokio::test]
async fn recursive_schemas_end() {
    let node = json!({"type": "object", "required": ["a", "b", "c", "d"], "properties": {
        "a": {"$ref": "#"}, "b": {"$ref": "#"}, "c": {"$ref": "#"}, "d": {"$ref": "#"}}});
    let body = json!({"model": "gpt-5", "messages": [{"role": "user", "content": "tool"}],
        "tools": [{"type": "function", "function": {"name": "tree", "parameters": node}}]});
    let completion = ok(OPENAI, &body).await;
    let text = &completion["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"];
    let text = text.as_str().expect("text");
    assert!(
        text.len() < 100_000 && text.starts_with("{\"a\":{\"a\":"),
        "{}",
        text.len()
    );
}
