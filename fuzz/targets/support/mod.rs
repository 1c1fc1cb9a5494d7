//! What the targets that drive a whole gateway share.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tower::{Service, ServiceExt};
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
    /// The longest event that is taken; `None`: as by default.
    pub event_limit: Option<usize>,
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

/// What the client of the call under way answers, and what it was sent.
#[derive(Default)]
struct Wire {
    content_type: &'static str,
    answer: Vec<Bytes>,
    slow: bool,
    sent: Vec<Request<Payload>>,
}

thread_local! {
    static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    static WIRE: RefCell<Wire> = RefCell::default();
    // Building one takes longer than most calls.
    static GATEWAYS: RefCell<HashMap<Key, Gateway<Client>>> = RefCell::default();
}

/// What gateways differ in.
type Key = (Provider, Option<&'static str>, Option<usize>);

/// A client that records requests and answers what the call says.
#[derive(Debug, Clone)]
struct Client;

impl Service<Request<Payload>> for Client {
    type Response = Response<Pieces>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Payload>) -> Self::Future {
        WIRE.with_borrow_mut(|wire| {
            wire.sent.push(request);
            let body = Pieces {
                pieces: wire.answer.clone().into(),
                slow: wire.slow,
                waited: false,
            };
            let mut response = Response::builder().header("content-type", wire.content_type);
            // What answers have no id in their body are named after the call's.
            for name in ["request-id", "x-request-id", "x-amzn-requestid"] {
                response = response.header(name, "req0123456789");
            }
            ready(Ok(response.body(body).unwrap()))
        })
    }
}

fn gateway((provider, model, event_limit): Key) -> Gateway<Client> {
    let mut builder = Connection::builder("fuzz", provider)
        .base_url(format!("https://{AUTHORITY}{BASE}"))
        .credential(Credential::api_key("the-providers-key"));
    if matches!(provider, Provider::AwsBedrock | Provider::AwsBedrockInvoke) {
        builder = builder.region("us-east-1");
    }
    let connection = Arc::new(builder.build().unwrap());
    let mut target = Target::new(connection.clone());
    if let Some(model) = model {
        target = target.model(model);
    }
    let mut retry = RetrySettings::default();
    retry.max_retries = 0;
    let mut limits = Limits::default();
    if let Some(limit) = event_limit {
        limits.event = limit;
    }
    Gateway::builder()
        .connection(connection)
        .rule(Rule::new("*", [target]))
        .retry(retry)
        .limits(limits)
        .clock(Clock::fixed(1_700_000_000))
        .build(Client)
        .unwrap()
}

/// Sends `call` through a gateway whose client records it and answers.
pub fn run(call: Call) -> Outcome {
    let key = (call.provider, call.model, call.event_limit);
    let gateway = GATEWAYS.with_borrow_mut(|gateways| {
        let kept = gateways.entry(key).or_insert_with(|| gateway(key));
        kept.clone()
    });
    RUNTIME.with(|runtime| runtime.block_on(drive(gateway, call)))
}

async fn drive(gateway: Gateway<Client>, call: Call) -> Outcome {
    WIRE.with_borrow_mut(|wire| {
        *wire = Wire {
            content_type: call.content_type,
            answer: call.answer,
            slow: call.slow,
            sent: Vec::new(),
        };
    });
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
    Outcome {
        sent: WIRE.take().sent,
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
