//! Providers and clients that fail, over real sockets and with the crate's own client.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tower_llm_gateway::client::{HttpsClient, client};
use tower_llm_gateway::settings::{RetrySettings, Timeouts};
use tower_llm_gateway::{Connection, Credential, Gateway, Provider, Rule, Shutdown, Target};

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

async fn patient<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("it hangs")
}

/// A raw connection of a provider.
struct Peer {
    stream: TcpStream,
    /// What was read beyond the last request.
    rest: Vec<u8>,
}

impl Peer {
    /// The next request, byte by byte; `None` when the connection was closed.
    async fn request(&mut self) -> Option<String> {
        let mut bytes = std::mem::take(&mut self.rest);
        loop {
            let text = String::from_utf8_lossy(&bytes);
            if let Some((head, _)) = text.split_once("\r\n\r\n") {
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
                    .unwrap_or(0);
                let end = head.len() + 4 + length;
                if bytes.len() >= end {
                    self.rest = bytes.split_off(end);
                    return Some(String::from_utf8(bytes).unwrap());
                }
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(n) => bytes.extend_from_slice(&buffer[..n]),
            }
        }
    }

    async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    async fn answer(&mut self, status: &str, body: &str) {
        let length = body.len();
        self.send(&format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
        .await;
    }

    async fn begin_stream(&mut self) {
        self.send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
            .await;
    }

    async fn chunk(&mut self, text: &str) {
        self.send(&format!("{:x}\r\n{text}\r\n", text.len())).await;
    }

    async fn end_stream(&mut self) {
        self.send("0\r\n\r\n").await;
    }

    /// Waits until the other side closed the connection.
    async fn is_closed(&mut self) {
        let mut buffer = [0; 4096];
        while !matches!(patient(self.stream.read(&mut buffer)).await, Ok(0) | Err(_)) {}
    }
}

/// A provider on a port of its own.
struct Upstream {
    listener: TcpListener,
}

impl Upstream {
    async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener }
    }

    fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }

    async fn accept(&self) -> Peer {
        let (stream, _) = patient(self.listener.accept()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Peer {
            stream,
            rest: Vec::new(),
        }
    }
}

fn gateway_to(provider: Provider, urls: &[String], timeouts: Timeouts) -> Gateway<HttpsClient> {
    gateway_until(Shutdown::new(), provider, urls, timeouts)
}

fn gateway_until(
    shutdown: Shutdown,
    provider: Provider,
    urls: &[String],
    timeouts: Timeouts,
) -> Gateway<HttpsClient> {
    let mut retry = RetrySettings::default();
    retry.backoff_min = Duration::from_millis(5);
    let mut builder = Gateway::builder()
        .retry(retry)
        .timeouts(timeouts)
        .shutdown(shutdown);
    let mut targets = Vec::new();
    for (at, url) in urls.iter().enumerate() {
        let connection = Connection::builder(format!("c{at}"), provider)
            .base_url(url)
            .credential(Credential::api_key("provider-key"))
            .build()
            .unwrap();
        let connection = Arc::new(connection);
        builder = builder.connection(connection.clone());
        targets.push(Target::new(connection));
    }
    builder
        .rule(Rule::new("*", targets))
        .build(client(&timeouts).unwrap())
        .unwrap()
}

/// Serves a gateway to HTTP/1.1 and HTTP/2 clients.
async fn serve(gateway: Gateway<HttpsClient>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(gateway.clone());
            tokio::spawn(async move {
                hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await
            });
        }
    });
    address
}

type TestClient = Client<HttpConnector, Full<Bytes>>;

fn http1() -> TestClient {
    Client::builder(TokioExecutor::new()).build_http()
}

fn http2() -> TestClient {
    Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http()
}

const BODY: &str = r#"{"model":"m","stream":true,"messages":[]}"#;

fn post(gateway: SocketAddr, path: &str) -> Request<Full<Bytes>> {
    Request::post(format!("http://{gateway}{path}"))
        .header("content-type", "application/json")
        .body(Full::from(BODY))
        .unwrap()
}

async fn ask(client: &TestClient, gateway: SocketAddr) -> Response<Incoming> {
    let request = post(gateway, "/v1/messages");
    patient(client.request(request)).await.unwrap()
}

/// What arrives of a body, and whether it ended in an error.
async fn read(mut body: Incoming) -> (String, bool) {
    let mut text = Vec::new();
    let broken = loop {
        match patient(body.frame()).await {
            Some(Ok(frame)) => text.extend_from_slice(&frame.into_data().unwrap_or_default()),
            Some(Err(_)) => break true,
            None => break false,
        }
    };
    (String::from_utf8(text).unwrap(), broken)
}

async fn single(upstream: &Upstream) -> SocketAddr {
    let gateway = gateway_to(Provider::Anthropic, &[upstream.url()], Timeouts::default());
    serve(gateway).await
}

const EVENT: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\n";
const DELTA: &str =
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0}\n\n";
const STOP: &str = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

#[tokio::test]
async fn a_refused_connection_is_a_502_in_the_clients_format() {
    // A port that nobody listens on any more.
    let url = Upstream::bind().await.url();
    for (provider, path, word) in [
        (
            Provider::OpenAi,
            "/v1/chat/completions",
            "\"code\":\"upstream_error\"",
        ),
        (
            Provider::OpenAi,
            "/v1/responses",
            "\"code\":\"upstream_error\"",
        ),
        (
            Provider::Anthropic,
            "/v1/messages",
            "{\"type\":\"error\",\"error\":{\"type\":\"api_error\"",
        ),
    ] {
        let gateway = gateway_to(provider, std::slice::from_ref(&url), Timeouts::default());
        let address = serve(gateway).await;
        let response = patient(http1().request(post(address, path))).await.unwrap();
        assert_eq!(response.status(), 502);
        let headers = response.headers().clone();
        assert_eq!(headers["x-gateway-attempts"], "3");
        assert_eq!(headers["x-gateway-connection"], "c0");
        assert_eq!(headers["x-gateway-provider"], provider.id());
        assert_eq!(headers["x-gateway-model"], "m");
        assert_eq!(headers["x-should-retry"], "false");
        assert_eq!(headers["content-type"], "application/json");
        let (text, _) = read(response.into_body()).await;
        assert!(text.contains(word), "{text}");
        assert!(!text.contains("127.0.0.1"), "{text}");
    }
}

#[tokio::test]
async fn a_dead_target_is_left_for_the_next() {
    let dead = Upstream::bind().await.url();
    let upstream = Upstream::bind().await;
    let gateway = gateway_to(
        Provider::Anthropic,
        &[dead, upstream.url()],
        Timeouts::default(),
    );
    let address = serve(gateway).await;
    let provide = async {
        let mut peer = upstream.accept().await;
        peer.request().await.unwrap();
        peer.answer("200 OK", "{}").await;
        peer
    };
    let client = http1();
    let (response, _peer) = tokio::join!(ask(&client, address), provide);
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-gateway-connection"], "c1");
    assert_eq!(response.headers()["x-gateway-attempts"], "2");
}

#[tokio::test]
async fn a_stream_cut_between_events_ends_with_an_error_event() {
    for client in [http1(), http2()] {
        let upstream = Upstream::bind().await;
        let address = single(&upstream).await;
        let provide = async {
            let mut peer = upstream.accept().await;
            peer.request().await.unwrap();
            peer.begin_stream().await;
            peer.chunk(EVENT).await;
            peer.chunk(DELTA).await;
            peer.end_stream().await;
            peer
        };
        let (response, _peer) = tokio::join!(ask(&client, address), provide);
        let (text, broken) = read(response.into_body()).await;
        let added = text.strip_prefix(&format!("{EVENT}{DELTA}")).expect(&text);
        assert!(
            added.starts_with("event: error\ndata: {\"type\":\"error\""),
            "{added}"
        );
        assert!(!broken);
    }
}

#[tokio::test]
async fn a_stream_cut_inside_an_event_breaks_behind_every_byte() {
    for client in [http1(), http2()] {
        for clean in [true, false] {
            let upstream = Upstream::bind().await;
            let address = single(&upstream).await;
            let provide = async {
                let mut peer = upstream.accept().await;
                peer.request().await.unwrap();
                peer.begin_stream().await;
                peer.chunk(&format!("{EVENT}{DELTA}event: mess")).await;
                if clean {
                    peer.end_stream().await;
                }
            };
            let (response, ()) = tokio::join!(ask(&client, address), provide);
            assert_eq!(response.status(), 200);
            let (text, broken) = read(response.into_body()).await;
            assert_eq!(text, format!("{EVENT}{DELTA}event: mess"));
            assert!(broken);
        }
    }
}

#[tokio::test]
async fn a_stream_whose_transport_breaks_delivers_what_came() {
    for client in [http1(), http2()] {
        let upstream = Upstream::bind().await;
        let address = single(&upstream).await;
        // Both at once: the head, the events and the end are there before anybody reads.
        let provide = async {
            let mut peer = upstream.accept().await;
            peer.request().await.unwrap();
            let length = EVENT.len();
            peer.send(&format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{EVENT}\r\n"))
                .await;
        };
        let (response, ()) = tokio::join!(ask(&client, address), provide);
        assert_eq!(response.status(), 200);
        let (text, broken) = read(response.into_body()).await;
        assert_eq!(text, EVENT);
        assert!(broken);
    }
}

#[tokio::test]
async fn an_answer_cut_before_its_end_is_asked_for_again() {
    let upstream = Upstream::bind().await;
    let address = single(&upstream).await;
    let provide = async {
        let mut peer = upstream.accept().await;
        peer.request().await.unwrap();
        peer.send(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{\"a\"",
        )
        .await;
        drop(peer);
        // A stream that ends before it said anything.
        let mut peer = upstream.accept().await;
        peer.request().await.unwrap();
        peer.begin_stream().await;
        peer.chunk(": hello\n\n").await;
        peer.end_stream().await;
        // The connection is still good.
        peer.request().await.unwrap();
        peer.answer("200 OK", "{\"whole\":1}").await;
        peer
    };
    let client = http1();
    let (response, _peer) = tokio::join!(ask(&client, address), provide);
    assert_eq!(response.headers()["x-gateway-attempts"], "3");
    assert_eq!(
        read(response.into_body()).await,
        ("{\"whole\":1}".to_owned(), false)
    );
}

#[tokio::test]
async fn an_error_as_first_event_becomes_a_plain_answer() {
    let upstream = Upstream::bind().await;
    let address = single(&upstream).await;
    let provide = async {
        let mut peer = upstream.accept().await;
        for _ in 0..3 {
            peer.request().await.unwrap();
            peer.begin_stream().await;
            peer.chunk("event: ping\ndata: {\"type\":\"ping\"}\n\n")
                .await;
            peer.chunk("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"full\"}}\n\n").await;
            peer.end_stream().await;
            if peer.stream.peek(&mut [0]).await.unwrap_or(0) == 0 {
                peer = upstream.accept().await;
            }
        }
    };
    let client = http1();
    let response = tokio::select! {
        response = ask(&client, address) => response,
        () = async { provide.await; std::future::pending().await } => unreachable!(),
    };
    assert_eq!(response.status(), 529);
    assert_eq!(response.headers()["x-gateway-attempts"], "3");
    let (text, _) = read(response.into_body()).await;
    assert!(
        text.contains("overloaded_error") && text.contains("full"),
        "{text}"
    );
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_the_call() {
    for client in [http1, http2] {
        for phase in [
            "before the head",
            "before the first event",
            "in the stream",
            "in an answer",
        ] {
            let upstream = Upstream::bind().await;
            let address = single(&upstream).await;
            let client = client();
            let request = client.request(post(address, "/v1/messages"));
            let call = tokio::spawn(async move {
                let response = request.await.unwrap();
                let mut body = response.into_body();
                while body.frame().await.is_some() {}
            });
            let mut peer = upstream.accept().await;
            patient(peer.request()).await.unwrap();
            match phase {
                "before the head" => {}
                "before the first event" => {
                    peer.begin_stream().await;
                    peer.chunk(": hello\n\n").await;
                }
                "in the stream" => {
                    peer.begin_stream().await;
                    peer.chunk(EVENT).await;
                }
                _ => peer.send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{").await,
            }
            // Nothing that is sent may be lost on the way before the client goes.
            tokio::time::sleep(Duration::from_millis(30)).await;
            assert!(!call.is_finished(), "{phase}");
            call.abort();
            drop(client);
            peer.is_closed().await;
        }
    }
}

#[tokio::test]
async fn a_client_that_goes_away_during_a_wait_ends_the_retries() {
    let upstream = Upstream::bind().await;
    let address = single(&upstream).await;
    let client = http1();
    let request = client.request(post(address, "/v1/messages"));
    let call = tokio::spawn(request);
    let mut peer = upstream.accept().await;
    peer.request().await.unwrap();
    peer.send("HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n")
        .await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    call.abort();
    drop(client);
    let again = tokio::time::timeout(Duration::from_secs(2), peer.request()).await;
    assert!(!matches!(again, Ok(Some(_))), "{again:?}");
}

#[tokio::test]
async fn a_stale_length_does_not_go_upstream() {
    let upstream = Upstream::bind().await;
    let gateway = gateway_to(Provider::Anthropic, &[upstream.url()], Timeouts::default());
    // As a middleware in front might leave it behind.
    let service = tower::ServiceBuilder::new()
        .map_request(|mut request: Request<Full<Bytes>>| {
            request
                .headers_mut()
                .insert("content-length", "3".parse().unwrap());
            request
                .headers_mut()
                .insert("transfer-encoding", "gzip, chunked".parse().unwrap());
            *request.version_mut() = http::Version::HTTP_2;
            request
        })
        .service(gateway);
    let call = async {
        let request = Request::post("/v1/messages?beta=true")
            .body(Full::from(r#"{"model":"c0/other-model"}"#))
            .unwrap();
        patient(tower::ServiceExt::oneshot(service, request))
            .await
            .unwrap()
    };
    let provide = async {
        let mut peer = upstream.accept().await;
        let request = patient(peer.request()).await.unwrap();
        peer.answer("200 OK", "{}").await;
        request
    };
    let (response, request) = tokio::join!(call, provide);
    assert_eq!(response.status(), 200);
    assert!(
        request.starts_with("POST /v1/messages?beta=true HTTP/1.1\r\n"),
        "{request}"
    );
    assert_eq!(request.matches("content-length").count(), 1, "{request}");
    assert!(request.contains("content-length: 23\r\n"), "{request}");
    assert!(!request.contains("transfer-encoding"), "{request}");
    assert!(
        request.ends_with("\r\n\r\n{\"model\":\"other-model\"}"),
        "{request}"
    );
}

#[tokio::test]
async fn an_http2_client_reaches_an_http1_provider() {
    let upstream = Upstream::bind().await;
    let address = single(&upstream).await;
    let provide = async {
        let mut peer = upstream.accept().await;
        let request = peer.request().await.unwrap();
        assert!(
            request.starts_with("POST /v1/messages HTTP/1.1\r\n"),
            "{request}"
        );
        assert!(request.ends_with(BODY), "{request}");
        peer.begin_stream().await;
        peer.chunk(EVENT).await;
        peer.chunk(STOP).await;
        peer.end_stream().await;
        peer
    };
    let client = http2();
    let (response, _peer) = tokio::join!(ask(&client, address), provide);
    assert_eq!(response.version(), http::Version::HTTP_2);
    assert_eq!(
        read(response.into_body()).await,
        (format!("{EVENT}{STOP}"), false)
    );
}

#[tokio::test]
async fn errors_leave_their_connection_to_the_next_try() {
    let upstream = Upstream::bind().await;
    let address = single(&upstream).await;
    let connections = AtomicUsize::new(0);
    let provide = async {
        let mut peer = upstream.accept().await;
        connections.fetch_add(1, Ordering::Relaxed);
        for status in ["429 Too Many Requests", "503 Service Unavailable", "200 OK"] {
            // A further connection would leave this one waiting.
            patient(peer.request()).await.unwrap();
            peer.answer(status, &format!("{{\"pad\":\"{}\"}}", "x".repeat(20_000)))
                .await;
        }
        peer
    };
    let client = http1();
    let (response, _peer) = tokio::join!(ask(&client, address), provide);
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-gateway-attempts"], "3");
}

#[tokio::test]
async fn a_provider_that_closes_after_each_answer_is_no_failure() {
    let upstream = Upstream::bind().await;
    let address = single(&upstream).await;
    // It says nothing of closing: the pool thinks that the connection is good.
    let provider = tokio::spawn(async move {
        loop {
            let mut peer = upstream.accept().await;
            if peer.request().await.is_some() {
                peer.answer("200 OK", "{}").await;
            }
        }
    });
    let client = http1();
    for _ in 0..50 {
        assert_eq!(ask(&client, address).await.status(), 200);
    }
    provider.abort();
}

#[tokio::test]
async fn a_provider_that_never_answers_is_a_timeout() {
    let upstream = Upstream::bind().await;
    let mut timeouts = Timeouts::default();
    timeouts.first_byte_stream = Duration::from_millis(50);
    let address = serve(gateway_to(Provider::Anthropic, &[upstream.url()], timeouts)).await;
    let provide = async {
        let mut peers = Vec::new();
        for speaks in [false, true, true] {
            let mut peer = upstream.accept().await;
            patient(peer.request()).await.unwrap();
            if speaks {
                peer.begin_stream().await;
                peer.chunk(": hello\n\n").await;
            }
            peers.push(peer);
        }
        peers
    };
    let client = http1();
    let (response, _peers) = tokio::join!(ask(&client, address), provide);
    assert_eq!(response.status(), 504);
    let (text, _) = read(response.into_body()).await;
    assert!(text.contains("timeout_error"), "{text}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (upstream, elsewhere) = (Upstream::bind().await, Upstream::bind().await);
    let address = single(&upstream).await;
    let location = elsewhere.url();
    let provider = tokio::spawn(async move {
        loop {
            let mut peer = upstream.accept().await;
            if peer.request().await.is_some() {
                peer.send(&format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")).await;
            }
        }
    });
    let response = ask(&http1(), address).await;
    assert_eq!(response.status(), 502);
    assert!(!response.headers().contains_key("location"));
    provider.abort();
    let touched = timeout(Duration::from_millis(50), elsewhere.listener.accept()).await;
    assert!(touched.is_err());
}

#[tokio::test]
async fn a_compressed_answer_is_refused_and_a_compressed_error_keeps_its_status() {
    for (status, expected) in [("200 OK", 502), ("404 Not Found", 404)] {
        let upstream = Upstream::bind().await;
        let address = single(&upstream).await;
        let provider = tokio::spawn(async move {
            loop {
                let mut peer = upstream.accept().await;
                while peer.request().await.is_some() {
                    peer.send(&format!("HTTP/1.1 {status}\r\ncontent-encoding: gzip\r\ncontent-type: application/json\r\ncontent-length: 3\r\n\r\nxyz")).await;
                }
            }
        });
        let response = ask(&http1(), address).await;
        assert_eq!(response.status(), expected);
        assert!(!response.headers().contains_key("content-encoding"));
        let (text, _) = read(response.into_body()).await;
        assert!(text.starts_with("{\"type\":\"error\""), "{text}");
        provider.abort();
    }
}

#[tokio::test]
async fn a_shutdown_ends_open_calls_in_the_clients_format() {
    for (provider, path, word) in [
        (
            Provider::Anthropic,
            "/v1/messages",
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\"",
        ),
        (
            Provider::Anthropic,
            "/v1/chat/completions",
            "data: {\"error\":{\"message\":\"the gateway stopped",
        ),
        (
            Provider::Anthropic,
            "/v1/responses",
            "event: response.failed\ndata: {",
        ),
    ] {
        let shutdown = Shutdown::new();
        let (upstream, timeouts) = (Upstream::bind().await, Timeouts::default());
        let gateway = gateway_until(shutdown.clone(), provider, &[upstream.url()], timeouts);
        let address = serve(gateway).await;
        let client = http1();
        let request = |path: &str| {
            let body = match path {
                "/v1/responses" => r#"{"model":"m","stream":true,"input":"hi"}"#,
                "/v1/messages" => BODY,
                _ => r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#,
            };
            Request::post(format!("http://{address}{path}"))
                .body(Full::from(body))
                .unwrap()
        };
        let begin = async {
            let mut peer = upstream.accept().await;
            peer.request().await.unwrap();
            peer.begin_stream().await;
            peer.chunk(EVENT).await;
            peer
        };
        let (response, mut open) = tokio::join!(patient(client.request(request(path))), begin);
        // Another call waits for its head.
        let waiting = tokio::spawn(client.request(request(path)));
        let mut silent = upstream.accept().await;
        silent.request().await.unwrap();

        shutdown.refuse_calls();
        let refused = patient(client.request(request(path))).await.unwrap();
        assert_eq!(refused.status(), 503);
        let (text, _) = read(refused.into_body()).await;
        assert!(text.contains("the gateway stops"), "{text}");

        shutdown.end_calls();
        let (text, broken) = read(response.unwrap().into_body()).await;
        assert!(text.contains(word) && !broken, "{text}");
        assert!(!text.contains("[DONE]"), "{text}");
        let late = patient(waiting).await.unwrap().unwrap();
        assert_eq!(late.status(), 503);
        open.is_closed().await;
        silent.is_closed().await;
    }
}
