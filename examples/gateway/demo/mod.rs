//! The embedded demo providers: an upstream inside the process, without sockets or keys.
//!
//! [`Demo`] is an HTTP client that answers by itself, in the wire formats of the providers that it stands for, and refuses what they
//! would refuse. So the first call of a newcomer shows a real conversion, and a converter that writes a body its provider
//! would not take is found without a key. What is answered depends on nothing but the request (whether a signature is taken also on the
//! time); see `answer.rs` for the words in the last user text that choose it.
//!
//! Any credential that starts with `demo` is accepted; the Bedrock runtime wants a signature with the demo's own keys instead, or
//! such a credential as its API key.

mod answer;
mod anthropic;
mod aws;
mod body;
mod chat;
mod check;
mod converse;
mod gemini;
mod invoke;
mod media;
mod once;
mod reply;
mod responses;
mod schema;
mod shape;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header};
use serde_json::Value;
use tower::Service;
use tower_llm_gateway::Payload;

use aws::Operation;
pub(crate) use aws::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
pub(crate) use body::DemoBody;
use check::Refusal;
use reply::Reply;

/// The providers' side of the demo: an HTTP client that never fails and never leaves the process.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Demo;

impl Service<Request<Payload>> for Demo {
    type Response = Response<DemoBody>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Payload>) -> Self::Future {
        ready(Ok(route(&request).into_response()))
    }
}

/// What a dialect gets to see of a request.
struct Incoming<'a> {
    uri: &'a Uri,
    headers: &'a HeaderMap,
    /// Its digest names everything in the answer.
    bytes: &'a [u8],
}

impl Incoming<'_> {
    /// The header's text; absent when it is no text.
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The token of `authorization: Bearer`.
    fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// The JSON object in the body.
    fn object(&self) -> Result<serde_json::Map<String, Value>, Refusal> {
        let media = self.header("content-type").unwrap_or_default();
        if !media.starts_with("application/json") {
            return Err(Refusal::invalid(format!(
                "content-type: expected application/json, got {media:?}"
            )));
        }
        if let Some(length) = self.header("content-length")
            && length.parse() != Ok(self.bytes.len())
        {
            return Err(Refusal::invalid(
                "content-length: does not match the body".to_owned(),
            ));
        }
        match serde_json::from_slice(self.bytes) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(Refusal::invalid(
                "The request body is not a JSON object.".to_owned(),
            )),
            Err(error) => Err(Refusal::invalid(format!(
                "The request body is not valid JSON: {error}"
            ))),
        }
    }
}

/// What answers an operation.
type Answer = Box<dyn Fn(&Incoming<'_>) -> Reply>;

/// Finds the provider by path, and by host where two have the same path.
fn route(request: &Request<Payload>) -> Reply {
    let host = request
        .uri()
        .host()
        .or_else(|| request.headers().get(header::HOST)?.to_str().ok())
        .unwrap_or_default();
    let incoming = Incoming {
        uri: request.uri(),
        headers: request.headers(),
        bytes: request.body().bytes(),
    };
    let path = request.uri().path();
    let answer: Answer = match path {
        "/v1/messages" => Box::new(anthropic::messages),
        "/v1/messages/count_tokens" => Box::new(anthropic::count_tokens),
        // Compatible servers are reached under `/v1` as well; Groq's base path wins over its host.
        "/v1/chat/completions" => Box::new(chat::openai),
        "/v1/responses" => Box::new(responses::responses),
        "/v1beta/openai/chat/completions" => Box::new(chat::gemini),
        "/openai/v1/chat/completions" => Box::new(chat::groq),
        "/chat/completions" if host.contains("openai") => Box::new(chat::openai),
        "/chat/completions" => Box::new(chat::perplexity),
        _ => match named(path) {
            Some(answer) => answer,
            None => {
                return Reply::json(
                    StatusCode::NOT_FOUND,
                    &serde_json::json!({"error": {
                        "message": format!("The demo has no provider at {host}{path}"),
                        "type": "invalid_request_error", "param": null, "code": "unknown_url",
                    }}),
                );
            }
        },
    };
    if request.method() != Method::POST {
        return Reply::json(
            StatusCode::METHOD_NOT_ALLOWED,
            &serde_json::json!({"error": {
                "message": format!("Not allowed to {} on {}", request.method(), request.uri().path()),
                "type": "invalid_request_error", "param": null, "code": "method_not_supported",
            }}),
        )
        .with("allow", "POST");
    }
    answer(&incoming)
}

/// Finds the operation of a path that names its model.
fn named(path: &str) -> Option<Answer> {
    if let Some((model, is_streamed)) = gemini::operation(path) {
        return Some(Box::new(move |incoming| {
            gemini::generate(incoming, &model, is_streamed)
        }));
    }
    if !path.starts_with("/model/") {
        return None;
    }
    let Some((model, operation)) = aws::operation(path) else {
        return Some(Box::new(|_| aws::unknown_operation()));
    };
    Some(match operation {
        Operation::Converse | Operation::ConverseStream => {
            Box::new(move |incoming| converse::converse(incoming, &model, operation))
        }
        Operation::Invoke | Operation::InvokeStream => {
            Box::new(move |incoming| invoke::invoke(incoming, &model, operation))
        }
        Operation::CountTokens => {
            Box::new(move |incoming| converse::count_tokens(incoming, &model))
        }
    })
}
