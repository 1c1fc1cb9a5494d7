//! Flow: memory stays bounded, and nothing runs on for a client that left.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower::limit::ConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::{Layer, service_fn};
use tower_llm_gateway::settings::Timeouts;
use tower_llm_gateway::{Gateway, Payload, Provider, Rule, Target};

use crate::setup::{Cell, ask, cells, full, patient, serve};
use crate::streams::STREAMED;
use crate::support::upstream::{Reply, Upstream};

const MESSAGES: Cell = Cell {
    provider: Provider::Anthropic,
    path: "/v1/messages",
};

pub(crate) type TestClient = Client<HttpConnector, Full<bytes::Bytes>>;

pub(crate) fn http_client(http2: bool) -> TestClient {
    Client::builder(TokioExecutor::new())
        .http2_only(http2)
        .build_http()
}

pub(crate) fn request(
    address: std::net::SocketAddr,
    cell: Cell,
    body: &str,
) -> Request<Full<bytes::Bytes>> {
    Request::post(format!("http://{address}{}", cell.path))
        .header("content-type", "application/json")
        .body(full(body.to_owned()))
        .unwrap()
}

/// 96 KiB of a stream's text.
fn delta() -> String {
    format!(
        "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{}\"}}}}\n\n",
        "x".repeat(96 * 1024)
    )
}

const START: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n";

#[tokio::test]
async fn b1_a_stopped_client_stops_the_provider() {
    const PIECES: usize = 1000;
    for http2 in [false, true] {
        for path in ["/v1/messages", "/v1/chat/completions"] {
            let cell = Cell { path, ..MESSAGES };
            let mut pieces = vec![START.to_owned()];
            pieces.extend((0..PIECES).map(|_| delta()));
            let upstream = Upstream::scripted([Reply::sse(pieces)]);
            let address = serve(cell.gateway(&upstream)).await;
            let client = http_client(http2);
            let body = cell.body("m", r#","stream":true"#);
            let response: Response<Incoming> =
                patient(client.request(request(address, cell, &body)))
                    .await
                    .unwrap();
            assert_eq!(response.status(), 200);
            let mut body = response.into_body();
            assert!(patient(body.frame()).await.is_some());
            // Nothing is read. Whatever the buffers of the kernel take, most of the 96 MB must stay where it is.
            tokio::time::sleep(Duration::from_millis(400)).await;
            assert_eq!(upstream.open_connections(), 1, "{cell:?} {http2}");
            let done = tokio::time::timeout(Duration::from_millis(200), upstream.ended(0)).await;
            assert!(done.is_err(), "{cell:?} {http2} {done:?}");
            drop(body);
            drop(client);
            upstream.cancelled(0).await;
        }
    }
}

#[tokio::test]
async fn b7_a_limit_around_the_client_holds() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counted = (now.clone(), most.clone());
    let client = service_fn(move |_: Request<Payload>| {
        let (now, most) = counted.clone();
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(1)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, std::convert::Infallible>(Response::new(Payload::new("{}")))
        }
    });
    let connection = MESSAGES.connection("main", "http://127.0.0.1:9");
    let gateway = Gateway::builder()
        .connection(connection.clone())
        .rule(Rule::new("*", [Target::new(connection)]))
        .build(ConcurrencyLimitLayer::new(4).layer(client))
        .unwrap();
    let calls: Vec<_> = (0..100)
        .map(|_| tokio::spawn(ask(gateway.clone(), MESSAGES.post(MESSAGES.body("m", "")))))
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().status, 200);
    }
    assert_eq!(most.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn b7_too_many_open_calls_are_turned_away() {
    for cell in cells() {
        let upstream = Upstream::scripted([Reply::never()]);
        let connection = cell.connection("main", &upstream.url());
        let client = tower_llm_gateway::client::client(&Timeouts::default()).unwrap();
        let gateway = Gateway::builder()
            .connection(connection.clone())
            .rule(Rule::new("*", [Target::new(connection)]))
            .build(LoadShedLayer::new().layer(ConcurrencyLimitLayer::new(1).layer(client)))
            .unwrap();
        let first = tokio::spawn(ask(gateway.clone(), cell.post(cell.body("m", ""))));
        upstream.requested(1).await;
        let answer = ask(gateway.clone(), cell.post(cell.body("m", ""))).await;
        assert_eq!(answer.status, 429, "{cell:?}");
        assert_eq!(answer.headers["retry-after"], "1", "{cell:?}");
        assert!(!answer.headers.contains_key("x-should-retry"), "{cell:?}");
        assert!(answer.text().contains("too many open calls"), "{cell:?}");
        assert_eq!(upstream.requests().len(), 1, "{cell:?}");
        // The place is free again when the first call is over.
        first.abort();
        upstream.cancelled(0).await;
    }
}

/// A reply, the phase of the call it stops in, and how many of its steps are carried out before the client goes.
fn phases() -> Vec<(&'static str, Reply, usize)> {
    vec![
        ("before the head", Reply::never(), 0),
        (
            "while the first event is looked for",
            Reply::sse([": hello\n\n"]).expect_cancel(),
            2,
        ),
        (
            "in an answer",
            Reply::json(200, "{\"a\":").lie_about_length_and_wait(100),
            2,
        ),
        (
            "in an error",
            Reply::json(500, "{\"a\":").lie_about_length_and_wait(100),
            2,
        ),
    ]
}

#[tokio::test]
async fn b3_a_client_that_leaves_ends_the_call_in_every_cell() {
    for cell in cells() {
        for (phase, reply, steps) in phases() {
            for http2 in [false, true] {
                let upstream = Upstream::scripted([reply.clone()]);
                let address = serve(cell.gateway(&upstream)).await;
                let client = http_client(http2);
                let body = cell.body("m", r#","stream":true"#);
                let call = tokio::spawn(client.request(request(address, cell, &body)));
                upstream.requested(1).await;
                upstream.progressed(0, steps).await;
                assert!(!call.is_finished(), "{cell:?} {phase}");
                call.abort();
                drop(client);
                upstream.cancelled(0).await;
                assert_eq!(upstream.requests().len(), 1, "{cell:?} {phase}");
            }
        }
    }
}

#[tokio::test]
async fn b3_a_client_that_leaves_while_it_sends_calls_nobody() {
    use tokio::io::AsyncWriteExt;
    let upstream = Upstream::new();
    let address = serve(MESSAGES.gateway(&upstream)).await;
    let mut stream = patient(tokio::net::TcpStream::connect(address))
        .await
        .unwrap();
    let head = "POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{\"model\"";
    stream.write_all(head.as_bytes()).await.unwrap();
    drop(stream);
    // A whole call behind it finds the upstream as it was.
    upstream.push(Reply::json(200, "{}"));
    let body = MESSAGES.body("m", "");
    let client = http_client(false);
    let response = patient(client.request(request(address, MESSAGES, &body)))
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn b3_a_client_that_leaves_in_mid_stream_ends_the_call() {
    for cell in STREAMED {
        for http2 in [false, true] {
            let upstream = Upstream::scripted([Reply::sse([cell.start()]).expect_cancel()]);
            let address = serve(cell.gateway(&upstream)).await;
            let client = http_client(http2);
            let body = cell.body("m", r#","stream":true"#);
            let call = client.request(request(address, cell, &body));
            let mut response = patient(call).await.unwrap();
            assert_eq!(response.status(), 200, "{cell:?}");
            assert!(patient(response.body_mut().frame()).await.is_some());
            drop(response);
            drop(client);
            upstream.cancelled(0).await;
        }
    }
}
