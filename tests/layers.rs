//! Each layer alone, and what an embedder asks of a single call.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use tokio::time::Instant;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_llm_gateway::route::ClientKeys;
use tower_llm_gateway::settings::{Lossy, RetrySettings, Timeouts};
use tower_llm_gateway::testing::{Reply, Upstream};
use tower_llm_gateway::{
    Attempt, AuthLayer, BoxError, CallOptions, CallRecord, Connection, ConvertLayer, Credential,
    ErrorClass, Failure, FailureClass, Gateway, GatewayLayer, Observer, Outcome, Payload,
    PayloadLayer, Provider, RetryLayer, RouteLayer, RouteTable, Rule, Target,
};
use tower_test::mock;

const QUESTION: &str = r#"{"model":"claude-x","messages":[{"role":"user","content":"hi"}]}"#;
const ANSWER: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[{"type":"text","text":"hello"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2}}"#;
const CHAT: &str = "/v1/chat/completions";

fn target(name: &str, provider: Provider) -> Target {
    let mut builder =
        Connection::builder(name, provider).credential(Credential::api_key(format!("key-{name}")));
    if provider == Provider::OpenAiCompatible {
        builder = builder.base_url("http://127.0.0.1:9/v1");
    }
    Target::new(Arc::new(builder.build().unwrap()))
}

fn post(path: &str, body: &'static str) -> Request<Payload> {
    Request::post(path).body(Payload::new(body)).unwrap()
}

async fn text<B>(response: Response<B>) -> String
where
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn routes(targets: impl IntoIterator<Item = Target>) -> RouteLayer {
    let table = RouteTable::new(vec![Rule::new("*", targets)], vec![]).unwrap();
    RouteLayer::new(Arc::new(table))
}

// PayloadLayer

#[tokio::test]
async fn a_payload_layer_makes_a_client_stack_take_any_body() {
    let upstream = Upstream::always(Reply::json(ANSWER));
    let key = Credential::api_key("k");
    let stack = ServiceBuilder::new()
        .layer(PayloadLayer::new())
        .layer(ConvertLayer::to(target("c", Provider::Anthropic)))
        .layer(AuthLayer::with(Provider::Anthropic, &key).unwrap())
        .service(upstream.clone());
    let full = Request::post(CHAT).body(Full::<Bytes>::from(QUESTION));
    let response = stack.clone().oneshot(full.unwrap()).await.unwrap();
    assert!(text(response).await.contains("\"content\":\"hello\""));
    // As a server gives it: boxed, in pieces, with a length that a proxy got wrong.
    let pieces = Reply::new().bytes(QUESTION).in_pieces_of(7).into_body();
    let boxed: UnsyncBoxBody<Bytes, BoxError> = pieces.map_err(Into::into).boxed_unsync();
    let request = Request::post(CHAT).header("content-length", "5");
    let response = stack.oneshot(request.body(boxed).unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    let sent = upstream.requests();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].body(), sent[1].body());
    assert_eq!(sent[1].header("x-api-key"), Some("k"));
}

// RouteLayer

#[tokio::test]
async fn a_route_layer_chooses_and_refuses_in_front_of_any_service() {
    let inner = service_fn(|request: Request<Payload>| async move {
        let attempt = request.extensions().get::<Attempt>().unwrap();
        assert_eq!(attempt.call().client(), Some("ci"));
        let model = attempt.model().to_owned();
        assert_eq!(attempt.target().connection().name(), "a");
        Ok::<_, BoxError>(Response::new(Payload::new(model)))
    });
    let service = routes([target("a", Provider::Anthropic)])
        .client_keys(ClientKeys::new().with("ci", "k1"))
        .layer(inner);
    let mut request = post("/v1/messages", r#"{"model":"claude-x"}"#);
    let refused = service.clone().oneshot(request.clone()).await.unwrap();
    assert_eq!(refused.status(), 401);
    assert!(text(refused).await.contains("authentication_error"));
    request
        .headers_mut()
        .insert("x-api-key", "k1".parse().unwrap());
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(text(response).await, "claude-x");
}

// RetryLayer

#[tokio::test(start_paused = true)]
async fn a_retry_layer_goes_on_by_the_class_of_an_error() {
    for (class, expected) in [
        (ErrorClass::NeverSent, 2),
        (ErrorClass::Incomplete, 2),
        (ErrorClass::Ambiguous, 2),
        (ErrorClass::Misuse, 1),
    ] {
        let below = Upstream::new([Reply::fail(class), Reply::json("{}")]);
        let service = ServiceBuilder::new()
            .layer(routes([
                target("a", Provider::Anthropic),
                target("b", Provider::Anthropic),
            ]))
            .layer(RetryLayer::new(RetrySettings::default()))
            .service(below.clone());
        let response = service
            .oneshot(post("/v1/messages", QUESTION))
            .await
            .unwrap();
        assert_eq!(below.requests().len(), expected, "{class:?}");
        assert_eq!(response.status() == 200, expected == 2, "{class:?}");
    }
}

#[tokio::test]
async fn a_retry_layer_lets_pass_what_nobody_routed() {
    let below = Upstream::new([Reply::fail(ErrorClass::NeverSent), Reply::json("{}")]);
    let mut service = RetryLayer::default().layer(below.clone());
    let first = service.call(post("/anything", "")).await;
    assert_eq!(first.unwrap_err().class(), ErrorClass::NeverSent);
    assert_eq!(
        service.call(post("/anything", "")).await.unwrap().status(),
        200
    );
    assert_eq!(below.requests()[0].path(), "/anything");
}

// ConvertLayer

#[tokio::test]
async fn a_convert_layer_speaks_to_one_provider() {
    for (provider, path) in [
        (Provider::Anthropic, "/v1/messages"),
        (Provider::OpenAi, "/v1/chat/completions"),
        (Provider::Groq, "/openai/v1/chat/completions"),
        (Provider::Gemini, "/v1beta/openai/chat/completions"),
        (Provider::OpenAiCompatible, "/v1/chat/completions"),
    ] {
        let upstream = Upstream::always(Reply::json(ANSWER));
        let service =
            ConvertLayer::to(target("c", provider).model("theirs")).layer(upstream.clone());
        let response = service.oneshot(post(CHAT, QUESTION)).await.unwrap();
        assert_eq!(response.status(), 200, "{provider}");
        let outcome = response.extensions().get::<Outcome>().unwrap();
        assert_eq!((outcome.provider, &*outcome.model), (provider, "theirs"));
        let sent = upstream.only_request();
        assert_eq!(sent.path(), path, "{provider}");
        assert!(sent.text().contains(r#""model":"theirs""#), "{sent:?}");
        // It holds no credential: that is AuthLayer's business.
        assert!(sent.header("authorization").is_none() && sent.header("x-api-key").is_none());
    }
}

#[tokio::test]
async fn a_convert_layer_marks_failures_and_keeps_the_inner_services_readiness() {
    let busy = Reply::json(r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#);
    let upstream = Upstream::new([busy.status(529).header("retry-after", "3")]);
    let layer = ConvertLayer::to(target("c", Provider::Anthropic));
    let response = layer
        .layer(upstream)
        .oneshot(post(CHAT, QUESTION))
        .await
        .unwrap();
    let failure = response.extensions().get::<Failure>().unwrap();
    assert_eq!(failure.class(), FailureClass::Refused);
    assert_eq!(failure.retry_after(), Some(Duration::from_secs(3)));
    assert!(text(response).await.starts_with("{\"error\":"));

    let (mock, mut handle) = mock::pair::<Request<Payload>, Response<Payload>>();
    handle.allow(0);
    let mut service = tokio_test::task::spawn(layer.layer(mock));
    let ready =
        service.enter(|cx, mut service| Service::<Request<Payload>>::poll_ready(&mut *service, cx));
    assert!(ready.is_pending());
    handle.allow(1);
    assert!(service.is_woken());
    handle.send_error("gone");
    let ready =
        service.enter(|cx, mut service| Service::<Request<Payload>>::poll_ready(&mut *service, cx));
    let std::task::Poll::Ready(Err(error)) = ready else {
        panic!("{ready:?}")
    };
    assert_eq!(error.class(), ErrorClass::Ambiguous);
}

// AuthLayer

#[tokio::test]
async fn an_auth_layer_signs_as_each_provider_wants_it() {
    for (provider, name, value) in [
        (Provider::Anthropic, "x-api-key", "k"),
        (Provider::OpenAi, "authorization", "Bearer k"),
        (Provider::Perplexity, "authorization", "Bearer k"),
        // A Bedrock API key.
        (Provider::AwsBedrock, "authorization", "Bearer k"),
    ] {
        let upstream = Upstream::always(Reply::json("{}"));
        let key = Credential::api_key("k");
        let service = AuthLayer::with(provider, &key)
            .unwrap()
            .layer(upstream.clone());
        let mut request = post("/anything", "untouched");
        for name in ["authorization", "x-api-key", "cookie", "x-goog-api-key"] {
            request
                .headers_mut()
                .insert(name, "clients-own".parse().unwrap());
        }
        service.oneshot(request).await.unwrap();
        let sent = upstream.only_request();
        assert_eq!(sent.headers().len(), 1, "{provider}: {sent:?}");
        assert_eq!(sent.header(name), Some(value));
        assert!(sent.headers()[name].is_sensitive());
        assert_eq!(sent.text(), "untouched");
    }
}

// GatewayLayer

#[tokio::test]
async fn a_gateway_layer_leaves_the_inner_service_as_it_is() {
    let upstream = Upstream::always(Reply::json(ANSWER));
    let gateway = Gateway::builder()
        .rule(Rule::new("*", [target("c", Provider::Anthropic)]))
        .build(upstream.clone())
        .unwrap();
    let (mock, mut handle) = mock::pair::<Request<Payload>, Response<Payload>>();
    handle.allow(0);
    let mut service = tokio_test::task::spawn(GatewayLayer::new(gateway).layer(mock));
    // The server sees the inner service's readiness, and its errors.
    assert!(
        service
            .enter(|cx, mut service| Service::<Request<Payload>>::poll_ready(&mut *service, cx))
            .is_pending()
    );
    handle.allow(1);
    assert!(
        service
            .enter(|cx, mut service| Service::<Request<Payload>>::poll_ready(&mut *service, cx))
            .is_ready()
    );
    let mut mine = post("/mine", "as it came");
    mine.headers_mut()
        .insert("authorization", "Bearer mine".parse().unwrap());
    let call = service.enter(|_, mut service| service.call(mine));
    let (request, respond) = handle.next_request().await.unwrap();
    assert_eq!(request.body().bytes(), "as it came");
    assert_eq!(request.headers()["authorization"], "Bearer mine");
    respond.send_error("its own error");
    assert_eq!(call.await.unwrap_err().to_string(), "its own error");
    assert!(upstream.requests().is_empty());
    // The gateway's own calls ask nothing of it.
    let call = service.enter(|_, mut service| service.call(post("/v1/messages", QUESTION)));
    assert_eq!(call.await.unwrap().status(), 200);
    assert_eq!(upstream.requests().len(), 1);
}

// CallOptions

#[derive(Debug, Clone, Default)]
struct Notes(Arc<Mutex<Vec<CallRecord>>>);

impl Observer for Notes {
    fn call_ended(&self, record: &CallRecord) {
        self.0.lock().unwrap().push(record.clone());
    }
}

struct Asked {
    status: StatusCode,
    outcome: Outcome,
    record: CallRecord,
    took: Duration,
}

/// Asks a gateway that leads to `upstream`, with these wishes.
async fn ask(upstream: &Upstream, options: CallOptions, body: &'static str) -> Asked {
    let notes = Notes::default();
    let gateway = Gateway::builder()
        .rule(Rule::new("*", [target("routed", Provider::Anthropic)]))
        .observer(Arc::new(notes.clone()))
        .build(upstream.clone())
        .unwrap();
    let mut request = post(CHAT, body);
    request
        .headers_mut()
        .insert("x-gateway-max-retries", "4".parse().unwrap());
    request.extensions_mut().insert(options);
    let started = Instant::now();
    let response = gateway.oneshot(request).await.unwrap();
    let took = started.elapsed();
    let outcome = response.extensions().get::<Outcome>().unwrap().clone();
    let status = response.status();
    drop(response);
    let record = notes.0.lock().unwrap()[0].clone();
    Asked {
        status,
        outcome,
        record,
        took,
    }
}

#[tokio::test(start_paused = true)]
async fn the_retries_of_a_call() {
    for retries in [0, 1, 3] {
        let upstream = Upstream::always(Reply::fail(ErrorClass::NeverSent));
        let asked = ask(&upstream, CallOptions::new().max_retries(retries), QUESTION).await;
        assert_eq!(asked.status, 502);
        assert_eq!(upstream.requests().len(), retries as usize + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_call() {
    let upstream = Upstream::always(Reply::never());
    let options = CallOptions::new().deadline(Duration::from_secs(7));
    let asked = ask(&upstream, options, QUESTION).await;
    assert_eq!((asked.status.as_u16(), asked.took.as_secs()), (504, 7));
    assert_eq!(upstream.open(), 0, "the call to the provider ended with it");
}

#[tokio::test]
async fn the_target_of_a_call() {
    let upstream = Upstream::always(Reply::json(ANSWER));
    let mine = target("mine", Provider::Anthropic).model("special");
    let asked = ask(&upstream, CallOptions::new().target(mine), QUESTION).await;
    assert_eq!(
        (asked.status.as_u16(), &*asked.outcome.connection),
        (200, "mine")
    );
    let sent = upstream.only_request();
    assert_eq!(sent.header("x-api-key"), Some("key-mine"));
    assert!(sent.text().contains(r#""model":"special""#));
}

#[tokio::test]
async fn the_lossiness_of_a_call() {
    // A model that cannot be made to call a tool.
    const FORCED: &str = r#"{"model":"claude-opus-5-5","messages":[{"role":"user","content":"hi"}],"tool_choice":"required","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]}"#;
    let upstream = Upstream::always(Reply::json(ANSWER));
    let asked = ask(&upstream, CallOptions::new(), FORCED).await;
    assert_eq!((asked.status.as_u16(), upstream.requests().len()), (400, 0));
    let options = CallOptions::new().lossy(Lossy::Drop);
    let asked = ask(&upstream, options.clone(), FORCED).await;
    assert_eq!(asked.status, 200);
    assert_eq!(asked.outcome.report.approximated(), ["tool_choice"]);

    // The same where ConvertLayer stands alone.
    let service = ConvertLayer::to(target("c", Provider::Anthropic)).layer(upstream);
    let mut request = post(CHAT, FORCED);
    assert_eq!(
        service
            .clone()
            .oneshot(request.clone())
            .await
            .unwrap()
            .status(),
        400
    );
    request.extensions_mut().insert(options);
    assert_eq!(service.oneshot(request).await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_tags_of_a_call() {
    let upstream = Upstream::always(Reply::json(ANSWER));
    let options = CallOptions::new().tag("tenant", "t1").tag("team", "b");
    let asked = ask(&upstream, options, QUESTION).await;
    let tags: Vec<_> = asked
        .record
        .tags
        .iter()
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    assert_eq!(tags, ["tenant=t1", "team=b"]);
}

#[tokio::test(start_paused = true)]
async fn a_convert_layer_alone_takes_target_and_deadline() {
    let mut timeouts = Timeouts::default();
    timeouts.total = Duration::from_secs(5);
    let upstream = Upstream::always(Reply::never());
    let service = ConvertLayer::to(target("c", Provider::Anthropic))
        .timeouts(timeouts)
        .layer(upstream.clone());
    for (wished, expected) in [(3, 3), (9, 5)] {
        let mut request = post(CHAT, QUESTION);
        let options = CallOptions::new()
            .target(target("g", Provider::Groq))
            .deadline(Duration::from_secs(wished));
        request.extensions_mut().insert(options);
        let started = Instant::now();
        let error = service.clone().oneshot(request).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Deadline);
        assert_eq!(started.elapsed().as_secs(), expected);
    }
    assert_eq!(upstream.requests()[0].path(), "/openai/v1/chat/completions");
    assert_eq!(upstream.open(), 0);
}

/// The error type of a whole gateway is none.
#[tokio::test]
async fn a_gateway_never_fails() {
    fn infallible<S: Service<Request<Payload>, Error = Infallible>>(_: &S) {}
    let upstream = Upstream::new([]);
    let gateway = Gateway::builder()
        .rule(Rule::new("*", [target("c", Provider::Anthropic)]))
        .build(upstream)
        .unwrap();
    infallible(&gateway);
    // The script is over: a defect of the test's own, which is told as the gateway's.
    let response = gateway
        .oneshot(post("/v1/messages", QUESTION))
        .await
        .unwrap();
    assert_eq!(response.status(), 500);
}
