//! Scripted providers behind a gateway that is observed.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tower::{Service, ServiceExt};

use super::{CallRecord, Observer};
use crate::body::Payload;
use crate::error::{BoxError, Error, ErrorClass};
use crate::gateway::{Gateway, GatewayBuilder};
use crate::price::{Price, PriceTable};
use crate::provider::Provider;
use crate::route::Rule;
use crate::target::Target;
use crate::testing::connection;

/// What one frame of a provider's body is.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Data(&'static str),
    /// Nothing more comes, ever.
    Hang,
    Break,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Script(pub(super) VecDeque<Step>);

impl Body for Script {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.0.front() {
            None => Poll::Ready(None),
            Some(Step::Hang) => Poll::Pending,
            Some(Step::Data(text)) => {
                let frame = Frame::data(Bytes::from_static(text.as_bytes()));
                self.0.pop_front();
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Step::Break) => {
                self.0.clear();
                Poll::Ready(Some(Err("it broke".into())))
            }
        }
    }
}

/// What a provider does.
#[derive(Debug, Clone)]
pub(super) enum Act {
    Answer(u16, &'static str, Vec<Step>),
    Fail(ErrorClass),
    /// No head, ever.
    Never,
}

pub(super) fn json(body: &'static str) -> Act {
    Act::Answer(200, "application/json", vec![Step::Data(body)])
}

pub(super) fn events(steps: impl IntoIterator<Item = Step>) -> Act {
    Act::Answer(200, "text/event-stream", steps.into_iter().collect())
}

/// Providers that do one thing after the other.
#[derive(Debug, Clone)]
pub(super) struct Client(Arc<Mutex<VecDeque<Act>>>, Arc<Mutex<Vec<HeaderMap>>>);

impl Service<Request<Payload>> for Client {
    type Response = Response<Script>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Script>, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Payload>) -> Self::Future {
        self.1.lock().unwrap().push(request.headers().clone());
        let act = self.0.lock().unwrap().pop_front().expect("a further act");
        Box::pin(async move {
            match act {
                Act::Never => std::future::pending().await,
                Act::Fail(class) => Err(Error::new(class, "scripted")),
                Act::Answer(status, kind, steps) => Ok(Response::builder()
                    .status(status)
                    .header("content-type", kind)
                    .body(Script(steps.into()))
                    .unwrap()),
            }
        })
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Notes(pub(super) Arc<Mutex<Vec<CallRecord>>>);

impl Observer for Notes {
    fn call_ended(&self, record: &CallRecord) {
        self.0.lock().unwrap().push(record.clone());
    }
}

impl Notes {
    /// The record of the one call.
    #[track_caller]
    pub(super) fn one(&self) -> CallRecord {
        let records = self.0.lock().unwrap();
        let [record] = &records[..] else {
            panic!("one record, not {}", records.len())
        };
        record.clone()
    }
}

pub(super) type Calls = crate::route::ResponseBody<crate::body::AnswerBody<Script>>;

pub(super) struct Setup {
    pub(super) gateway: Gateway<Client>,
    pub(super) notes: Notes,
    pub(super) sent: Arc<Mutex<Vec<HeaderMap>>>,
}

fn prices() -> PriceTable {
    let price = Price {
        cache_read: Some("0.5".parse().unwrap()),
        ..Price::new("2".parse().unwrap(), "10".parse().unwrap())
    };
    PriceTable::new().with("claude-real", price)
}

pub(super) fn setup_with(
    acts: impl IntoIterator<Item = Act>,
    more: impl FnOnce(GatewayBuilder) -> GatewayBuilder,
) -> Setup {
    let anthropic = connection("ant", Provider::Anthropic);
    let groq = connection("fast", Provider::Groq);
    let sonar = connection("sonar", Provider::Perplexity);
    let notes = Notes::default();
    let sent = Arc::default();
    let client = Client(
        Arc::new(Mutex::new(acts.into_iter().collect())),
        Arc::clone(&sent),
    );
    let builder = Gateway::builder()
        .connection(groq.clone())
        .rule(Rule::new(
            "two-*",
            [
                Target::new(anthropic.clone()).model("claude-real"),
                Target::new(groq),
            ],
        ))
        .rule(Rule::new(
            "tools",
            [
                Target::new(sonar),
                Target::new(anthropic.clone()).model("claude-real"),
            ],
        ))
        .rule(Rule::new("any-*", [Target::new(anthropic.clone())]))
        .rule(Rule::new(
            "alias",
            [Target::new(anthropic).model("claude-real")],
        ))
        .prices(prices())
        .observer(Arc::new(notes.clone()));
    Setup {
        gateway: more(builder).build(client).unwrap(),
        notes,
        sent,
    }
}

pub(super) fn setup(acts: impl IntoIterator<Item = Act>) -> Setup {
    setup_with(acts, |builder| builder)
}

pub(super) fn post(path: &str, body: &str) -> Request<Payload> {
    Request::post(path)
        .body(Payload::new(body.to_owned()))
        .unwrap()
}

pub(super) const CHAT: &str = "/v1/chat/completions";
pub(super) const MESSAGES: &str = "/v1/messages";

pub(super) fn question(path: &str, model: &str, stream: bool) -> Request<Payload> {
    post(
        path,
        &format!(
            r#"{{"model":"{model}","stream":{stream},"max_tokens":9,"messages":[{{"role":"user","content":"Hi"}}]}}"#
        ),
    )
}

impl Setup {
    pub(super) async fn ask(&self, request: Request<Payload>) -> Response<Calls> {
        self.gateway.clone().oneshot(request).await.unwrap()
    }

    pub(super) async fn ask_all(&self, request: Request<Payload>) -> (Response<()>, CallRecord) {
        let (parts, body) = self.ask(request).await.into_parts();
        assert!(self.notes.0.lock().unwrap().is_empty(), "too early");
        let _ = body.collect().await;
        (Response::from_parts(parts, ()), self.notes.one())
    }
}

pub(super) const ANSWER: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-real-20260101",
    "content":[{"type":"tool_use","id":"toolu_1","name":"look","input":{}}],"stop_reason":"tool_use",
    "usage":{"input_tokens":1000,"cache_read_input_tokens":400,"output_tokens":30,"output_tokens_details":{"thinking_tokens":7},"service_tier":"standard"}}"#;

pub(super) const START: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-real-1\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":11,\"output_tokens\":1}}}\n\n";
pub(super) const PING: &str = "event: ping\ndata: {\"type\":\"ping\"}\n\n";
pub(super) const TEXT: &str = "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Lima\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n";
pub(super) const TOOL: &str = "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"look\",\"input\":{}}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"name\\\":1}\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n";
pub(super) const STOP: &str = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":20}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
pub(super) const ERROR: &str = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
