//! The gateway mounted in axum and hyper servers, over real sockets: the placements that work, and those that do not.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, ServiceBuilder, service_fn};
use tower_llm_gateway::{
    Connection, Credential, Gateway, GatewayLayer, Payload, Provider, Rule, Target,
};

/// A client service that stands for a provider: it says which path it was asked for.
async fn provider(request: Request<Payload>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = format!("{{\"provider\":\"{}\"}}", request.uri().path());
    Ok(Response::builder()
        .header("content-type", "application/json")
        .body(Full::from(body))
        .unwrap())
}

macro_rules! gateway {
    () => {{
        let connection = Connection::builder("main", Provider::Anthropic)
            .credential(Credential::api_key("k"))
            .build()
            .unwrap();
        let connection = Arc::new(connection);
        Gateway::builder()
            .connection(connection.clone())
            .rule(Rule::new("*", [Target::new(connection)]))
            .build(service_fn(provider))
            .unwrap()
    }};
}

/// An answer: its status, and all of it.
struct Answer {
    status: u16,
    text: String,
}

impl Answer {
    /// Whether the gateway answered.
    fn is_gateways(&self) -> bool {
        self.text.contains("x-gateway-request-id:")
    }
}

async fn ask(address: SocketAddr, method: &str, path: &str, extra: &str) -> Answer {
    let body = r#"{"model":"claude-x"}"#;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{extra}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let text = tokio::time::timeout(Duration::from_secs(10), answer)
        .await
        .unwrap();
    let status = text.get(9..12).unwrap().parse().unwrap();
    Answer { status, text }
}

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn own_routes() -> Router {
    Router::new()
        .route("/hello", get(|| async { "hello" }))
        .route("/v1/embeddings", post(|| async { "mine too" }))
}

async fn own_fallback() -> (http::StatusCode, &'static str) {
    (http::StatusCode::IM_A_TEAPOT, "own fallback")
}

/// The gateway has its endpoints below `prefix`, and the router has everything else.
async fn assert_both(app: Router, prefix: &str, fallback: u16) {
    let address = serve(app).await;
    for path in ["/v1/messages", "/v1/messages/count_tokens"] {
        let answer = ask(address, "POST", &format!("{prefix}{path}?beta=true"), "").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(
            answer.is_gateways()
                && answer
                    .text
                    .contains(&format!("{{\"provider\":\"{path}\"}}")),
            "{}",
            answer.text
        );
    }
    for path in ["/v1/chat/completions", "/v1/responses"] {
        assert!(
            ask(address, "POST", &format!("{prefix}{path}"), "")
                .await
                .is_gateways(),
            "{path}"
        );
    }
    let upgrade = ask(
        address,
        "GET",
        &format!("{prefix}/v1/responses"),
        "upgrade: websocket\r\n",
    )
    .await;
    assert_eq!(upgrade.status, 426);

    let hello = ask(address, "GET", "/hello", "").await;
    assert!(hello.status == 200 && hello.text.ends_with("hello") && !hello.is_gateways());
    assert!(
        ask(address, "POST", "/v1/embeddings", "")
            .await
            .text
            .ends_with("mine too")
    );
    for (method, path) in [
        ("GET", format!("{prefix}/v1/messages")),
        ("POST", format!("{prefix}/v1/messages/")),
        (
            "POST",
            format!("/{}x/v1/messages", prefix.trim_start_matches('/')),
        ),
        ("POST", "/nowhere".to_owned()),
    ] {
        let answer = ask(address, method, &path, "").await;
        assert_eq!(answer.status, fallback, "{method} {path}: {}", answer.text);
        assert!(!answer.is_gateways());
    }
}

#[tokio::test]
async fn a_layer_after_the_fallback() {
    let app = own_routes()
        .fallback(own_fallback)
        .layer(GatewayLayer::new(gateway!()));
    assert_both(app, "", 418).await;
}

#[tokio::test]
async fn a_layer_without_a_fallback() {
    assert_both(own_routes().layer(GatewayLayer::new(gateway!())), "", 404).await;
}

#[tokio::test]
async fn a_layer_with_a_prefix() {
    for prefix in ["/llm", "llm/", "/llm/"] {
        let layer = GatewayLayer::new(gateway!()).prefix(prefix);
        assert_both(
            own_routes().fallback(own_fallback).layer(layer),
            "/llm",
            418,
        )
        .await;
    }
}

#[tokio::test]
async fn a_layer_among_others() {
    let layers = ServiceBuilder::new()
        .map_request(|request: axum::extract::Request| request)
        .layer(GatewayLayer::new(gateway!()).prefix("/a/b"));
    assert_both(
        own_routes().fallback(own_fallback).layer(layers),
        "/a/b",
        418,
    )
    .await;
}

#[tokio::test]
async fn a_layer_in_a_nested_router_with_a_fallback() {
    let nested = own_routes()
        .fallback(own_fallback)
        .layer(GatewayLayer::new(gateway!()));
    let address = serve(Router::new().nest("/api", nested)).await;
    let answer = ask(address, "POST", "/api/v1/messages", "").await;
    assert!(
        answer.is_gateways() && answer.status == 200,
        "{}",
        answer.text
    );
    assert_eq!(ask(address, "GET", "/api/hello", "").await.status, 200);
}

#[tokio::test]
async fn other_methods_where_the_owner_says_so() {
    let layer = GatewayLayer::new(gateway!()).all_methods(true);
    let address = serve(own_routes().fallback(own_fallback).layer(layer)).await;
    let answer = ask(address, "GET", "/v1/messages", "").await;
    assert!(
        answer.is_gateways() && answer.status == 405 && answer.text.contains("allow: POST"),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn a_route_service() {
    let app = Router::new()
        .route("/hello", get(|| async { "hello" }))
        .route_service("/v1/messages", gateway!())
        .fallback_service(gateway!());
    let address = serve(app).await;
    assert_eq!(ask(address, "POST", "/v1/messages", "").await.status, 200);
    assert_eq!(ask(address, "GET", "/v1/messages", "").await.status, 405);
    assert_eq!(
        ask(address, "POST", "/v1/messages/count_tokens", "")
            .await
            .status,
        200
    );
    assert!(
        ask(address, "GET", "/hello", "")
            .await
            .text
            .ends_with("hello")
    );
    let unknown = ask(address, "POST", "/v1/embeddings", "").await;
    assert!(unknown.is_gateways() && unknown.status == 404);
}

#[tokio::test]
async fn a_nested_service_gets_its_paths_without_the_prefix() {
    let app = own_routes().nest_service("/llm", gateway!());
    let address = serve(app).await;
    let answer = ask(address, "POST", "/llm/v1/messages", "").await;
    assert!(
        answer.is_gateways() && answer.status == 200,
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn around_a_whole_router() {
    let service = GatewayLayer::new(gateway!()).layer(own_routes().fallback(own_fallback));
    let app = Router::new().fallback_service(service);
    assert_both(app, "", 418).await;
}

// The placements that never see the gateway's paths. Should axum change, the documentation changes too.

#[tokio::test]
async fn a_layer_before_the_fallback_sees_nothing() {
    let app = own_routes()
        .layer(GatewayLayer::new(gateway!()))
        .fallback(own_fallback);
    let answer = ask(serve(app).await, "POST", "/v1/messages", "").await;
    assert!(
        !answer.is_gateways() && answer.status == 418,
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn a_layer_in_a_nested_router_without_a_fallback_sees_nothing() {
    let nested = own_routes().layer(GatewayLayer::new(gateway!()));
    let app = Router::new().nest("/api", nested).fallback(own_fallback);
    let answer = ask(serve(app).await, "POST", "/api/v1/messages", "").await;
    assert!(
        !answer.is_gateways() && answer.status == 418,
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn a_route_layer_sees_nothing() {
    let app = own_routes()
        .fallback(own_fallback)
        .route_layer(GatewayLayer::new(gateway!()));
    let answer = ask(serve(app).await, "POST", "/v1/messages", "").await;
    assert!(
        !answer.is_gateways() && answer.status == 418,
        "{}",
        answer.text
    );
}

// Other servers.

#[tokio::test]
async fn in_a_hyper_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let gateway = gateway!();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = hyper_util::service::TowerToHyperService::new(gateway.clone());
            // Spawned: what the gateway returns can go to any thread.
            tokio::spawn(async move {
                hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new())
                    .serve_connection(hyper_util::rt::TokioIo::new(stream), service)
                    .await
            });
        }
    });
    let answer = ask(address, "POST", "/v1/messages", "").await;
    assert!(
        answer.is_gateways() && answer.status == 200,
        "{}",
        answer.text
    );
    assert_eq!(ask(address, "POST", "/hello", "").await.status, 404);

    // HTTP/2 with prior knowledge, on the same port.
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .http2_only(true)
        .build_http::<Full<Bytes>>();
    let request = Request::post(format!("http://{address}/v1/messages"))
        .body(Full::from(r#"{"model":"claude-x"}"#))
        .unwrap();
    let response = client.request(request).await.unwrap();
    assert_eq!(response.version(), http::Version::HTTP_2);
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("x-gateway-request-id"));
}

/// What servers demand of a service, with the client that the crate makes.
#[test]
fn everything_is_send() {
    fn is_service<S>(_: &S)
    where
        S: tower::Service<axum::extract::Request, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
        S::Response: axum::response::IntoResponse,
    {
    }
    let client = tower_llm_gateway::client::client(&Default::default()).unwrap();
    let gateway = Gateway::builder().build(client).unwrap();
    is_service(&gateway);
    is_service(&GatewayLayer::new(gateway).layer(own_routes()));
}

#[tokio::test]
async fn a_body_limit_around_the_gateway_is_a_413() {
    let app = own_routes()
        .fallback(own_fallback)
        .layer(GatewayLayer::new(gateway!()))
        .layer(tower::util::MapRequestLayer::new(
            |request: axum::extract::Request| {
                request.map(|body| axum::body::Body::new(http_body_util::Limited::new(body, 10)))
            },
        ));
    let answer = ask(serve(app).await, "POST", "/v1/messages", "").await;
    assert!(
        answer.is_gateways() && answer.status == 413,
        "{}",
        answer.text
    );
    assert!(answer.text.contains("request_too_large"), "{}", answer.text);
}
