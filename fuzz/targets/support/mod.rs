//! What the targets that drive a whole gateway share.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tower::{ServiceExt, service_fn};
use tower_llm_gateway::settings::{Limits, Lossy, RetrySettings};
use tower_llm_gateway::{
    CallOptions, Clock, Connection, Credential, Gateway, Payload, Provider, Rule, Target,
};

/// The key that clients send.
pub const CLIENT_KEY: &str = "the-clients-own-key";
/// Where every provider is.
pub const AUTHORITY: &str = "upstream.test:8443";
/// The base URL's path.
pub const BASE: &str = "/base";

/// A body in pieces; with `slow`, before each of them nothing is there for a moment.
pub struct Pieces {
    pieces: VecDeque<Bytes>,
    slow: bool,
    waited: bool,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.slow && !self.waited {
            self.waited = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.waited = false;
        Poll::Ready(self.pieces.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}

/// One call.
pub struct Call {
    pub provider: Provider,
    pub path_and_query: String,
    pub body: Bytes,
    /// The model's id at the provider, if it is another than the client's name.
    pub model: Option<&'static str>,
    pub lossy: Lossy,
    pub limits: Limits,
    pub content_type: &'static str,
    pub answer: Vec<Bytes>,
    pub slow: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    pub sent: Vec<Request<Payload>>,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The body ended with an error.
    pub broken: bool,
}

/// Sends `call` through a gateway whose client records it and answers.
pub fn run(call: Call) -> Outcome {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
    }
    RUNTIME.with(|runtime| runtime.block_on(drive(call)))
}

async fn drive(call: Call) -> Outcome {
    let connection = Connection::builder("fuzz", call.provider)
        .base_url(format!("https://{AUTHORITY}{BASE}"))
        .credential(Credential::api_key("the-providers-key"))
        .build()
        .unwrap();
    let connection = Arc::new(connection);
    let mut target = Target::new(connection.clone());
    if let Some(model) = call.model {
        target = target.model(model);
    }
    let mut retry = RetrySettings::default();
    retry.max_retries = 0;
    let record = Arc::new(Mutex::new(Vec::new()));
    let client = {
        let record = record.clone();
        let (answer, content_type, slow) = (call.answer, call.content_type, call.slow);
        service_fn(move |request: Request<Payload>| {
            record.lock().unwrap().push(request);
            let body = Pieces {
                pieces: answer.clone().into(),
                slow,
                waited: false,
            };
            let response = Response::builder()
                .header("content-type", content_type)
                .body(body)
                .unwrap();
            async move { Ok::<_, Infallible>(response) }
        })
    };
    let gateway = Gateway::builder()
        .connection(connection)
        .rule(Rule::new("*", [target]))
        .retry(retry)
        .limits(call.limits)
        .clock(Clock::fixed(1_700_000_000))
        .build(client)
        .unwrap();
    let mut request = Request::post(call.path_and_query)
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {CLIENT_KEY}"))
        .header("x-request-id", "req_fuzz")
        .body(Payload::new(call.body))
        .unwrap();
    request
        .extensions_mut()
        .insert(CallOptions::new().lossy(call.lossy));
    let Ok(response) = gateway.oneshot(request).await;
    let (parts, body) = response.into_parts();
    let mut body = std::pin::pin!(body);
    let (mut bytes, mut broken) = (BytesMut::new(), false);
    while let Some(frame) = body.as_mut().frame().await {
        match frame {
            Ok(frame) => bytes.extend_from_slice(&frame.into_data().unwrap()),
            Err(_) => {
                broken = true;
                break;
            }
        }
    }
    let sent = std::mem::take(&mut *record.lock().unwrap());
    Outcome {
        sent,
        status: parts.status,
        headers: parts.headers,
        body: bytes.freeze(),
        broken,
    }
}

/// Asserts that an error is one in the format of the endpoint at `path`.
pub fn assert_error(path: &str, outcome: &Outcome) {
    let text = String::from_utf8_lossy(&outcome.body);
    assert_eq!(outcome.headers["content-type"], "application/json");
    let json: serde_json::Value = serde_json::from_slice(&outcome.body)
        .unwrap_or_else(|error| panic!("an error that is no JSON: {error}: {text}"));
    let error = &json["error"];
    let mut well = error["message"].is_string() && error["type"].is_string();
    if path.starts_with("/v1/messages") {
        well &= json["type"] == "error";
    } else {
        well &= error.get("param").is_some() && error.get("code").is_some();
    }
    assert!(well, "not the client's error format: {text}");
}
