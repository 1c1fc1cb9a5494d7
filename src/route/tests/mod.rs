//! The layer, and through it a whole gateway.

mod bodies;
mod failures;
mod requests;
mod statuses;

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::{ServiceExt, service_fn};

use super::Rule;
use crate::body::Payload;
use crate::error::BoxError;
use crate::gateway::{Gateway, GatewayBuilder};
use crate::provider::Provider;
use crate::settings::Limits;
use crate::target::Target;
use crate::testing::connection;

const PATHS: [&str; 4] = [
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/messages",
    "/v1/messages/count_tokens",
];

fn is_messages(path: &str) -> bool {
    path.starts_with("/v1/messages")
}

/// A gateway with a provider for each endpoint, small limits, and routes that do not lead everywhere.
fn builder() -> GatewayBuilder {
    let openai = connection("o", Provider::OpenAi);
    let anthropic = connection("a", Provider::Anthropic);
    let limits = Limits {
        request_body: 500_000,
        ..Limits::default()
    };
    Gateway::builder()
        .limits(limits)
        .connection(openai.clone())
        .connection(anthropic.clone())
        .rule(Rule::new("gpt-*", [Target::new(openai)]))
        .rule(Rule::new("claude-*", [Target::new(anthropic)]))
}

fn model(path: &str) -> &'static str {
    if is_messages(path) {
        "claude-x"
    } else {
        "gpt-x"
    }
}

fn body(path: &str) -> String {
    format!(r#"{{"model":"{}"}}"#, model(path))
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// `error.type`, and where the format has one `error.code`.
    fn words(&self) -> (&str, Option<&str>) {
        let error = &self.body["error"];
        (error["type"].as_str().unwrap(), error["code"].as_str())
    }
}

async fn read<B>(response: Response<B>) -> Answer
where
    B: Body<Data = Bytes, Error: std::fmt::Debug>,
{
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    }
}

/// Asks a gateway whose provider says `{}`.
async fn ask_of<B>(builder: GatewayBuilder, request: Request<B>) -> Answer
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let client = service_fn(|_: Request<Payload>| async {
        Ok::<_, Infallible>(Response::new(Payload::new("{}")))
    });
    read(
        builder
            .build(client)
            .unwrap()
            .oneshot(request)
            .await
            .unwrap(),
    )
    .await
}

async fn ask(request: Request<Payload>) -> Answer {
    ask_of(builder(), request).await
}

fn post(path: &str, body: impl Into<Bytes>) -> Request<Payload> {
    Request::post(path).body(Payload::new(body)).unwrap()
}

fn with(mut request: Request<Payload>, name: &'static str, value: &str) -> Request<Payload> {
    request.headers_mut().append(name, value.parse().unwrap());
    request
}

/// An error body has the shape that the client's SDK reads.
#[track_caller]
fn assert_shape(path: &str, answer: &Answer) {
    assert_eq!(answer.header("content-type"), "application/json");
    let mut members: Vec<_> = answer
        .body
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    members.sort_unstable();
    let mut inner: Vec<_> = answer.body["error"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    inner.sort_unstable();
    if is_messages(path) {
        assert_eq!(members, ["error", "request_id", "type"]);
        assert_eq!(inner, ["message", "type"]);
        assert_eq!(answer.body["request_id"], answer.header("request-id"));
    } else {
        assert_eq!(members, ["error"]);
        assert_eq!(inner, ["code", "message", "param", "type"]);
        assert_eq!(
            answer.header("x-request-id"),
            answer.header("x-gateway-request-id")
        );
    }
    assert!(!answer.header("x-gateway-request-id").is_empty());
}
