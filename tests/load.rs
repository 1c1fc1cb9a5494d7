//! Loads that no usual run has the time for, on the standalone program: what it holds for streams that rest and for clients that
//! stop, how much of a dead provider's load is repetition, and how much memory one large body takes.
//!
//!     cargo build --release --example gateway
//!     cargo test --release --test load -- --ignored --nocapture --test-threads=1
//!
//! The streams at rest need 16 000 open files each in the program and here (`ulimit -n`). Figures: docs/reliability.md.

pub mod support;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, interval, sleep, timeout};

use support::gateway::Gateway;

const MIB: usize = 1024 * 1024;
/// Far more than anything here waits for.
const PATIENCE: Duration = Duration::from_secs(120);

const START: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n";
const MESSAGE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"hello"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2}}"#;

/// What the provider does with every call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Conduct {
    /// A stream that begins, and then rests.
    Rests,
    /// A stream without end, as fast as it is read.
    Endless,
    Answers,
    Refuses,
    /// Closes the connection instead of an answer.
    Closes,
}

/// An answer's body.
struct Reply {
    first: Option<Bytes>,
    /// What follows for ever.
    then: Option<Bytes>,
    rests: bool,
    seen: Arc<Seen>,
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if let Some(piece) = &self.then {
            self.seen.pieces.fetch_add(1, Ordering::Relaxed);
            return Poll::Ready(Some(Ok(Frame::data(piece.clone()))));
        }
        if self.rests {
            return Poll::Pending;
        }
        Poll::Ready(None)
    }
}

/// What the provider counts.
#[derive(Debug, Default)]
struct Seen {
    requests: AtomicUsize,
    /// Pieces of endless streams that were handed to the connection.
    pieces: AtomicUsize,
    open: AtomicUsize,
    connections: AtomicUsize,
    /// Bytes of requests.
    bytes: AtomicUsize,
}

impl Seen {
    async fn all_closed(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.open.load(Ordering::Relaxed) > 0 {
            assert!(Instant::now() < deadline, "{self:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Starts a provider.
async fn provider(conduct: Conduct) -> (SocketAddr, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Seen::default());
    let counted = seen.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let seen = counted.clone();
            tokio::spawn(async move {
                seen.open.fetch_add(1, Ordering::Relaxed);
                seen.connections.fetch_add(1, Ordering::Relaxed);
                let counted = seen.clone();
                let service = service_fn(move |request| answer(conduct, request, counted.clone()));
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
                seen.open.fetch_sub(1, Ordering::Relaxed);
            });
        }
    });
    (address, seen)
}

async fn answer(
    conduct: Conduct,
    request: Request<Incoming>,
    seen: Arc<Seen>,
) -> Result<Response<Reply>, &'static str> {
    seen.requests.fetch_add(1, Ordering::Relaxed);
    let mut body = request.into_body();
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        seen.bytes.fetch_add(length, Ordering::Relaxed);
    }
    let (status, kind, first) = match conduct {
        Conduct::Rests | Conduct::Endless => (200, "text/event-stream", START),
        Conduct::Answers => (200, "application/json", MESSAGE),
        Conduct::Refuses => (
            503,
            "application/json",
            r#"{"type":"error","error":{"type":"api_error","message":"down"}}"#,
        ),
        Conduct::Closes => return Err("closed"),
    };
    let delta = format!(
        "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{}\"}}}}\n\n",
        "x".repeat(16 * 1024)
    );
    let response = Response::builder()
        .status(status)
        .header("content-type", kind)
        .body(Reply {
            first: Some(Bytes::from_static(first.as_bytes())),
            then: (conduct == Conduct::Endless).then(|| delta.into()),
            rests: conduct == Conduct::Rests,
            seen,
        });
    Ok(response.unwrap())
}

/// The program in front of a provider at this address.
fn gateway(provider: SocketAddr) -> Gateway {
    let config = format!(
        r#"
[connections.main]
provider = "anthropic"
base_url = "http://{provider}"
api_key = "k"
[[routes]]
model = "*"
targets = [ {{ connection = "main" }} ]
"#
    );
    let builder = Gateway::builder().config(config);
    builder.env("RUST_LOG", "off,gateway=info").start()
}

/// A figure of the program's memory, in KiB.
fn memory(gateway: &Gateway, name: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The endpoints of even and odd calls: one is relayed, one is converted.
const PATHS: [&str; 2] = ["/v1/messages", "/v1/chat/completions"];

fn request(path: &str, text: &str) -> Request<Full<Bytes>> {
    let body = format!(
        r#"{{"model":"m","max_tokens":9,"stream":true,"messages":[{{"role":"user","content":"{text}"}}]}}"#
    );
    Request::post(path)
        .header("host", "gateway")
        .header("content-type", "application/json")
        .body(Full::new(body.into()))
        .unwrap()
}

async fn http1(gateway: &Gateway) -> conn::http1::SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(gateway.addr()).await.unwrap();
    let (sender, connection) = conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn http2(gateway: &Gateway) -> conn::http2::SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(gateway.addr()).await.unwrap();
    let handshake = conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    sender
}

/// The first piece of an answer that must be a stream, and the rest.
async fn begin(
    answer: impl Future<Output = hyper::Result<Response<Incoming>>>,
) -> Response<Incoming> {
    let mut answer = timeout(PATIENCE, answer).await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    let first = timeout(PATIENCE, answer.body_mut().frame()).await.unwrap();
    assert!(!first.unwrap().unwrap().into_data().unwrap().is_empty());
    answer
}

#[tokio::test]
#[ignore = "takes a minute"]
async fn b2_ten_thousand_streams_at_rest_are_held() {
    const STREAMS: usize = 10_000;
    const PER_CONNECTION: usize = 100;
    let (address, seen) = provider(Conduct::Rests).await;
    let gateway = gateway(address);
    let mut held = Vec::new();
    let before = memory(&gateway, "VmRSS:");
    // Half of them on a connection each, half a hundred to a connection.
    while held.len() < STREAMS / 2 {
        let mut sender = http1(&gateway).await;
        let path = PATHS[held.len() % 2];
        let answer = begin(sender.send_request(request(path, "hi"))).await;
        held.push((answer, Some(sender)));
    }
    let one_each = memory(&gateway, "VmRSS:");
    let mut senders = Vec::new();
    while held.len() < STREAMS {
        if held.len().is_multiple_of(PER_CONNECTION) {
            senders.push(http2(&gateway).await);
        }
        let sender = senders.last_mut().unwrap();
        sender.ready().await.unwrap();
        let mut call = request(PATHS[held.len() % 2], "hi");
        *call.uri_mut() = format!("http://gateway{}", call.uri()).parse().unwrap();
        held.push((begin(sender.send_request(call)).await, None));
    }
    assert_eq!(seen.open.load(Ordering::Relaxed), STREAMS);
    let all = memory(&gateway, "VmRSS:");
    println!(
        "{STREAMS} streams at rest: {} MiB resident of the program, {} MiB before; {:.1} KiB for each with a connection of its own, \
         {:.1} KiB for each on HTTP/2",
        all / 1024,
        before / 1024,
        (one_each - before) as f64 * 2.0 / STREAMS as f64,
        (all - one_each) as f64 * 2.0 / STREAMS as f64,
    );
    assert!(all < 400 * 1024, "{all} KiB");
    drop(held);
    drop(senders);
    seen.all_closed().await;
    println!("all of the provider's connections were closed behind them");
}

#[tokio::test]
#[ignore = "takes a minute"]
async fn b1_a_thousand_stopped_clients_take_no_more_memory() {
    const CLIENTS: usize = 1_000;
    let (address, seen) = provider(Conduct::Endless).await;
    let gateway = gateway(address);
    let mut held = Vec::new();
    while held.len() < CLIENTS {
        let mut sender = http1(&gateway).await;
        let path = PATHS[held.len() % 2];
        let answer = begin(sender.send_request(request(path, "hi"))).await;
        held.push((answer, sender));
    }
    // Until all that lies between the two is full.
    let deadline = Instant::now() + PATIENCE;
    let mut pieces = 0;
    while seen.pieces.load(Ordering::Relaxed) != pieces {
        assert!(Instant::now() < deadline, "it never stops");
        pieces = seen.pieces.load(Ordering::Relaxed);
        sleep(Duration::from_secs(3)).await;
    }
    let began = memory(&gateway, "VmRSS:");
    let mut most = began;
    for _ in 0..20 {
        sleep(Duration::from_secs(1)).await;
        most = most.max(memory(&gateway, "VmRSS:"));
    }
    println!(
        "{CLIENTS} stopped clients: {} MiB resident of the program, {} KiB more at most in 20 s; {} MiB were sent, then {} pieces more",
        began / 1024,
        most - began,
        pieces * 16 / 1024,
        seen.pieces.load(Ordering::Relaxed) - pieces,
    );
    assert_eq!(seen.pieces.load(Ordering::Relaxed), pieces);
    assert!(most - began <= 256, "{began} KiB grew to {most}");
    drop(held);
    seen.all_closed().await;
}

#[tokio::test]
#[ignore = "takes a minute"]
async fn r3_a_dead_provider_gets_few_repetitions() {
    const RATE: usize = 1_000;
    const SECONDS: usize = 10;
    for conduct in [Conduct::Refuses, Conduct::Closes] {
        let (address, seen) = provider(conduct).await;
        let gateway = gateway(address);
        let mut senders = Vec::new();
        for _ in 0..20 {
            senders.push(http2(&gateway).await);
        }
        let began = Instant::now();
        let mut ticks = interval(Duration::from_millis(10));
        let mut calls = Vec::new();
        while calls.len() < RATE * SECONDS {
            ticks.tick().await;
            for _ in 0..RATE / 100 {
                let at = calls.len();
                let sender = &mut senders[at % 20];
                sender.ready().await.unwrap();
                let mut call = request(PATHS[at % 2], "hi");
                *call.uri_mut() = format!("http://gateway{}", call.uri()).parse().unwrap();
                let answer = sender.send_request(call);
                calls.push(tokio::spawn(async move {
                    let answer = timeout(PATIENCE, answer).await.unwrap().unwrap();
                    assert!(answer.status().is_server_error(), "{}", answer.status());
                    assert_eq!(answer.headers()["x-should-retry"], "false");
                }));
            }
        }
        let sending = began.elapsed().as_secs_f64();
        let count = calls.len();
        for call in calls {
            call.await.unwrap();
        }
        let seconds = began.elapsed().as_secs_f64();
        let sent = seen.requests.load(Ordering::Relaxed);
        println!(
            "{conduct:?}: {count} calls at {:.0}/s gave {sent} requests, {:.3} of the calls",
            count as f64 / sending,
            sent as f64 / count as f64,
        );
        // The floor: ten a second over ten seconds at once, and ten more for each second; beyond it a fifth of the successes, none.
        let floor = 10.0 * (10.0 + 1.0 + seconds);
        assert!(sent as f64 <= count as f64 + floor, "{sent}");
    }
}

#[tokio::test]
#[ignore = "takes a minute"]
async fn j3_a_large_body_takes_little_more_than_twice_its_size() {
    // Just below the limit.
    let text = "word ".repeat((32 * MIB - 4096) / 5);
    for path in PATHS {
        let (address, seen) = provider(Conduct::Answers).await;
        let gateway = gateway(address);
        let mut sender = http1(&gateway).await;
        let warm = sender.send_request(request(path, "hi")).await.unwrap();
        warm.into_body().collect().await.unwrap();
        let before = memory(&gateway, "VmRSS:");
        seen.bytes.store(0, Ordering::Relaxed);
        let call = request(path, &text);
        let answer = timeout(PATIENCE, sender.send_request(call))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(answer.status(), 200);
        answer.into_body().collect().await.unwrap();
        let sent = seen.bytes.load(Ordering::Relaxed);
        assert!(sent > 31 * MIB, "{sent}");
        let peak = (memory(&gateway, "VmHWM:") - before) as f64 / 1024.0;
        println!(
            "{path}: a body of {:.1} MiB took {peak:.1} MiB at its peak, {:.2} times its size",
            sent as f64 / MIB as f64,
            peak / 32.0
        );
        assert!(peak <= 2.2 * 32.0, "{peak} MiB");
    }
}
