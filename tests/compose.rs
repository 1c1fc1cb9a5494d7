//! The gateway among other services and layers: gRPC on the same port, tower-http's layers around it, a client below it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http::{HeaderName, Request, Response, StatusCode, header};
use http_body_util::combinators::{BoxBody, UnsyncBoxBody};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceBuilder, ServiceExt};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::decompression::{DecompressionBody, DecompressionLayer};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::sensitive_headers::SetSensitiveHeadersLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer};
use tower_llm_gateway::settings::Limits;
use tower_llm_gateway::testing::{Reply, Upstream};
use tower_llm_gateway::{
    BodyError, BoxError, Connection, Credential, Gateway, GatewayBuilder, GatewayLayer, Payload,
    Provider, Rule, Target,
};

const CHAT: &str = "/v1/chat/completions";
const QUESTION: &str = r#"{"model":"claude-x","messages":[{"role":"user","content":"hi"}]}"#;
const ANSWER: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[{"type":"text","text":"hello"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2}}"#;
/// `{}`, compressed.
const GZIPPED: [u8; 22] = [
    0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0xff, 0xab, 0xae, 0x05, 0, 0x43, 0xbf, 0xa6, 0xa3, 2, 0, 0,
    0,
];

fn builder() -> GatewayBuilder {
    let connection = Connection::builder("main", Provider::Anthropic)
        .credential(Credential::api_key("provider-key"))
        .build()
        .unwrap();
    let connection = Arc::new(connection);
    Gateway::builder()
        .connection(connection.clone())
        .rule(Rule::new("*", [Target::new(connection)]))
}

/// A provider that answers what it takes: Anthropic's path and the connection's key.
fn anthropic() -> Upstream {
    Upstream::answering(|request| {
        if request.path() == "/v1/messages" && request.header("x-api-key") == Some("provider-key") {
            Reply::json(ANSWER)
        } else {
            Reply::new().status(404)
        }
    })
}

/// The gateway of `below` at Chat's path of an axum service.
fn app<C, B>(below: C) -> Router
where
    C: Service<Request<Payload>, Response = Response<B>> + Clone + Send + Sync + 'static,
    C::Error: Into<BoxError> + Send,
    C::Future: Send,
    B: http_body::Body<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<BoxError> + Send,
{
    Router::new().route_service(CHAT, builder().build(below).unwrap())
}

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn client(http2: bool) -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new())
        .http2_only(http2)
        .build_http()
}

fn post(address: SocketAddr, path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post(format!("http://{address}{path}"))
        .body(Full::new(body.into()))
        .unwrap()
}

async fn text<B: http_body::Body>(response: Response<B>) -> String
where
    B::Error: std::fmt::Debug,
{
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn grpc_and_the_gateway_share_a_port_over_both_versions_of_http() {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter
        .set_service_status("", tonic_health::ServingStatus::Serving)
        .await;
    let gateway = builder().build(anthropic()).unwrap();
    let app = tonic::service::Routes::new(health)
        .into_axum_router()
        .layer(GatewayLayer::new(gateway));
    let address = serve(app).await;

    for http2 in [false, true] {
        let request = post(address, "/v1/chat/completions", QUESTION);
        let response = client(http2).request(request).await.unwrap();
        assert_eq!(response.status(), 200, "{http2}");
        assert_eq!(response.headers()["x-gateway-provider"], "anthropic");
        let text = text(response).await;
        assert!(text.contains("\"content\":\"hello\""), "{text}");
    }

    // An empty HealthCheckRequest: five bytes of framing, no message.
    let mut request = post(
        address,
        "/grpc.health.v1.Health/Check",
        Bytes::from_static(&[0; 5]),
    );
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, "application/grpc".parse().unwrap());
    headers.insert(header::TE, "trailers".parse().unwrap());
    let response = client(true).request(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/grpc");
    let collected = response.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["grpc-status"], "0");
    // Field 1, SERVING.
    assert_eq!(&collected.to_bytes()[..], [0, 0, 0, 0, 2, 8, 1]);
}

#[tokio::test]
async fn tower_https_layers_go_around_it() {
    let panics = Arc::new(AtomicBool::new(false));
    let switch = panics.clone();
    let below = anthropic().map_request(move |request: Request<Payload>| {
        assert!(!switch.load(Ordering::Relaxed), "a defect of the client");
        request
    });
    let app = app(below).layer(
        ServiceBuilder::new()
            .layer(SetSensitiveHeadersLayer::new([header::AUTHORIZATION]))
            .layer(TraceLayer::new_for_http())
            .layer(CatchPanicLayer::new())
            .layer(TimeoutLayer::with_status_code(
                StatusCode::GATEWAY_TIMEOUT,
                Duration::from_secs(20),
            ))
            .layer(RequestBodyLimitLayer::new(1000)),
    );
    let address = serve(app).await;
    let ask = || client(false).request(post(address, CHAT, QUESTION));

    let response = ask().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(text(response).await.contains("hello"));

    panics.store(true, Ordering::Relaxed);
    assert_eq!(ask().await.unwrap().status(), 500);
    panics.store(false, Ordering::Relaxed);
    assert_eq!(ask().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_body_limit_is_a_413_and_in_the_clients_format_where_the_gateway_meets_it() {
    let upstream = anthropic();
    let app = app(upstream.clone()).layer(RequestBodyLimitLayer::new(1000));
    let large = QUESTION.replace("hi", &"x".repeat(2000));
    // Without a length beforehand: the limit is met while the gateway reads.
    let pieces = Reply::new().bytes(large.clone()).in_pieces_of(300);
    let chunked = axum::body::Body::new(pieces.wait(Duration::ZERO).into_body());
    let request = Request::post(CHAT).body(chunked).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 413);
    let told: serde_json::Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(told["error"]["code"], "request_too_large");
    // With one, tower-http answers by itself, in plain text: `Limits::request_body` is for who minds.
    let request = Request::post(CHAT)
        .header("content-length", large.len())
        .body(axum::body::Body::from(large.clone()))
        .unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 413);
    assert_eq!(text(response).await, "length limit exceeded");

    let mut limits = Limits::default();
    limits.request_body = 1000;
    let gateway = builder().limits(limits).build(upstream.clone()).unwrap();
    let request = Request::post(CHAT)
        .header("content-length", large.len())
        .body(Full::<Bytes>::from(large))
        .unwrap();
    let response = gateway.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 413);
    assert!(
        text(response)
            .await
            .contains(r#""code":"request_too_large""#)
    );
    assert!(upstream.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_timeout_around_it_ends_the_call_to_the_provider() {
    let upstream = Upstream::always(Reply::never());
    let app = app(upstream.clone()).layer(TimeoutLayer::with_status_code(
        StatusCode::GATEWAY_TIMEOUT,
        Duration::from_secs(5),
    ));
    let request = Request::post(CHAT).body(axum::body::Body::from(QUESTION));
    let response = app.oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), 504);
    assert_eq!((upstream.requests().len(), upstream.open()), (1, 0));
}

/// What is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_trace_shows_the_call_and_not_the_headers_that_are_marked() {
    let log = Log::default();
    let of_subscriber = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || of_subscriber.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let marked = [header::AUTHORIZATION, HeaderName::from_static("x-api-key")];
    let trace = TraceLayer::new_for_http()
        .make_span_with(DefaultMakeSpan::new().include_headers(true))
        .on_response(DefaultOnResponse::new().include_headers(true));
    let app = app(anthropic()).layer(
        ServiceBuilder::new()
            .layer(SetSensitiveHeadersLayer::new(marked))
            .layer(trace),
    );
    let request = Request::post(CHAT)
        .header("authorization", "Bearer client-secret")
        .header("x-api-key", "client-secret")
        .body(axum::body::Body::from(QUESTION))
        .unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    text(response).await;
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for word in [
        "uri=/v1/chat/completions",
        "finished processing request",
        "x-gateway-provider",
        "Sensitive",
    ] {
        assert!(log.contains(word), "{word}: {log}");
    }
    for secret in ["client-secret", "provider-key"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[tokio::test]
async fn a_decompression_layer_goes_below_it() {
    // A provider that compresses although nobody asked for it.
    let gzip = Reply::json(&GZIPPED[..]).header("content-encoding", "gzip");
    let upstream = Upstream::always(gzip);
    let ask = || {
        Request::post("/v1/messages")
            .body(Full::<Bytes>::from(QUESTION))
            .unwrap()
    };
    let plain = builder().build(upstream.clone()).unwrap();
    assert_eq!(plain.oneshot(ask()).await.unwrap().status(), 502);

    let below = ServiceBuilder::new()
        // The gateway wants bodies that can be moved.
        .map_response(|response: Response<DecompressionBody<_>>| response.map(Box::pin))
        .layer(DecompressionLayer::new())
        .service(upstream);
    let gateway = builder().build(below).unwrap();
    let response = gateway.oneshot(ask()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(!response.headers().contains_key("content-encoding"));
    assert_eq!(text(response).await, "{}");
}

/// A client of the owner's, with request and answer bodies that are not the gateway's.
#[derive(Clone)]
struct OwnClient(Upstream);

type OwnBody = BoxBody<Bytes, std::io::Error>;

impl Service<Request<OwnBody>> for OwnClient {
    type Response = Response<OwnBody>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<OwnBody>, std::io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), std::io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<OwnBody>) -> Self::Future {
        let upstream = self.0.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let bytes = body.collect().await?.to_bytes();
            let request = Request::from_parts(parts, Payload::new(bytes));
            let response = upstream.oneshot(request).await;
            let response = response.map_err(std::io::Error::other)?;
            Ok(response.map(|body| body.map_err(std::io::Error::other).boxed()))
        })
    }
}

#[tokio::test]
async fn a_client_with_bodies_of_another_type_goes_below_it() {
    let upstream = anthropic();
    let below = ServiceBuilder::new()
        .map_request(|request: Request<Payload>| {
            request.map(|body| body.map_err(|never| match never {}).boxed())
        })
        .service(OwnClient(upstream.clone()));
    let gateway = builder().build(below).unwrap();
    let request = Request::post(CHAT).body(Full::<Bytes>::from(QUESTION));
    let response = gateway.oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(text(response).await.contains("hello"));
    assert!(upstream.only_request().text().contains(r#""max_tokens""#));
}

#[tokio::test]
async fn a_program_calls_it_without_a_server() {
    let below = ServiceBuilder::new()
        .concurrency_limit(1)
        .service(anthropic());
    let gateway = builder().build(below).unwrap();
    // Any body of bytes goes in; boxed and erased it is one type for a program to hold.
    type Erased = BoxCloneSyncService<
        Request<Full<Bytes>>,
        Response<UnsyncBoxBody<Bytes, BodyError>>,
        Infallible,
    >;
    let boxed = ServiceExt::<Request<Full<Bytes>>>::map_response(gateway, |response| {
        response.map(BodyExt::boxed_unsync)
    });
    let mut erased = Erased::new(boxed);
    for _ in 0..3 {
        let request = Request::post("/v1/chat/completions")
            .body(Full::from(QUESTION))
            .unwrap();
        let response = erased.ready().await.unwrap().call(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(text(response).await.contains("hello"));
    }
}
