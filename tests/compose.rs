//! The gateway among other services and layers: gRPC on the same port, tower-http's layers around it, a client below it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http::{HeaderName, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::decompression::{DecompressionBody, DecompressionLayer};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::sensitive_headers::SetSensitiveHeadersLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tower_llm_gateway::{
    BodyError, Connection, Credential, Gateway, GatewayBuilder, GatewayLayer, Payload, Provider,
    Rule, Target,
};

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

async fn anthropic(request: Request<Payload>) -> Result<Response<Full<Bytes>>, Infallible> {
    assert_eq!(request.uri().path(), "/v1/messages");
    assert_eq!(request.headers()["x-api-key"], "provider-key");
    Ok(Response::builder()
        .header("content-type", "application/json")
        .body(Full::from(ANSWER))
        .unwrap())
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
    let gateway = builder().build(service_fn(anthropic)).unwrap();
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
    let below = service_fn(move |request: Request<Payload>| {
        assert!(!switch.load(Ordering::Relaxed), "a defect of the client");
        anthropic(request)
    });
    let gateway = builder().build(below).unwrap();
    let app = Router::new()
        .route_service("/v1/chat/completions", gateway)
        .layer(
            ServiceBuilder::new()
                .layer(SetSensitiveHeadersLayer::new([
                    header::AUTHORIZATION,
                    HeaderName::from_static("x-api-key"),
                ]))
                .layer(TraceLayer::new_for_http())
                .layer(CatchPanicLayer::new())
                .layer(TimeoutLayer::with_status_code(
                    StatusCode::GATEWAY_TIMEOUT,
                    Duration::from_secs(20),
                ))
                .layer(RequestBodyLimitLayer::new(1000)),
        );
    let address = serve(app).await;
    let ask = |body: String| client(false).request(post(address, "/v1/chat/completions", body));

    let response = ask(QUESTION.to_owned()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(text(response).await.contains("hello"));

    let large = QUESTION.replace("hi", &"x".repeat(2000));
    assert_eq!(ask(large).await.unwrap().status(), 413);

    panics.store(true, Ordering::Relaxed);
    assert_eq!(ask(QUESTION.to_owned()).await.unwrap().status(), 500);
    panics.store(false, Ordering::Relaxed);
    assert_eq!(ask(QUESTION.to_owned()).await.unwrap().status(), 200);
}

/// A provider that compresses although nobody asked for it.
async fn compressing(_: Request<Payload>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::builder()
        .header("content-type", "application/json")
        .header("content-encoding", "gzip")
        .body(Full::from(GZIPPED.to_vec()))
        .unwrap())
}

#[tokio::test]
async fn a_decompression_layer_goes_below_it() {
    let ask = || {
        Request::post("/v1/messages")
            .body(Full::<Bytes>::from(QUESTION))
            .unwrap()
    };
    let plain = builder().build(service_fn(compressing)).unwrap();
    assert_eq!(plain.oneshot(ask()).await.unwrap().status(), 502);

    let below = ServiceBuilder::new()
        // The gateway wants bodies that can be moved.
        .map_response(|response: Response<DecompressionBody<_>>| response.map(Box::pin))
        .layer(DecompressionLayer::new())
        .service(service_fn(compressing));
    let gateway = builder().build(below).unwrap();
    let response = gateway.oneshot(ask()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(text(response).await, "{}");
}

#[tokio::test]
async fn a_program_calls_it_without_a_server() {
    let below = ServiceBuilder::new()
        .concurrency_limit(1)
        .service(service_fn(anthropic));
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
