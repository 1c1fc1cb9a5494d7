//! Time: nobody who is slow holds a call for ever.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower_llm_gateway::client::client;
use tower_llm_gateway::settings::Timeouts;
use tower_llm_gateway::{Gateway, Payload, Provider, Rule, Target};

use crate::setup::{Cell, ask, cells, patient, quick_retries};
use crate::support::upstream::{Reply, Upstream};

fn timeouts(change: impl FnOnce(&mut Timeouts)) -> Timeouts {
    let mut timeouts = Timeouts::default();
    change(&mut timeouts);
    timeouts
}

fn gateway(
    cell: Cell,
    upstream: &Upstream,
    timeouts: Timeouts,
) -> Gateway<tower_llm_gateway::client::HttpsClient> {
    let connection = cell.connection("main", &upstream.url());
    Gateway::builder()
        .rule(Rule::new("*", [Target::new(connection)]))
        .retry(quick_retries(0))
        .timeouts(timeouts)
        .build(client(&timeouts).unwrap())
        .unwrap()
}

const SHORT: Duration = Duration::from_millis(30);

#[tokio::test]
async fn t1_every_clock_ends_in_an_error_of_the_clients() {
    for cell in cells() {
        // No head; a head and nothing behind it; part of an answer.
        for (reply, clock) in [
            (Reply::never(), timeouts(|clock| clock.first_byte = SHORT)),
            (Reply::never(), timeouts(|clock| clock.total = SHORT)),
            (
                Reply::json(200, "{").lie_about_length_and_wait(100),
                timeouts(|clock| clock.idle = SHORT),
            ),
        ] {
            let upstream = Upstream::scripted([reply]);
            let request: Request<Payload> = cell.post(cell.body("m", ""));
            let answer = ask(gateway(cell, &upstream, clock), request).await;
            assert_eq!(answer.status, 504, "{cell:?} {answer:?}");
            cell.assert_error(&answer);
            upstream.cancelled(0).await;
        }
        let upstream = Upstream::scripted([Reply::sse([": hello\n\n"]).expect_cancel()]);
        let body = cell.body("m", r#","stream":true"#);
        let clock = timeouts(|clock| clock.first_byte_stream = SHORT);
        let answer = ask(gateway(cell, &upstream, clock), cell.post(body)).await;
        assert_eq!(answer.status, 504, "{cell:?} {answer:?}");
        cell.assert_error(&answer);
        upstream.cancelled(0).await;
    }
}

#[tokio::test]
async fn t2_a_client_that_sends_slowly_is_refused() {
    let cell = Cell {
        provider: Provider::Anthropic,
        path: "/v1/messages",
    };
    for (idle, whole, pieces) in [(SHORT, PATIENT, 0), (PATIENT, SHORT, usize::MAX)] {
        let upstream = Upstream::new();
        let clock = timeouts(|clock| {
            clock.request_idle = idle;
            clock.request_body = whole;
        });
        let gateway = gateway(cell, &upstream, clock);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(gateway))
                .await
        });
        let mut stream = patient(TcpStream::connect(address)).await.unwrap();
        let head = "POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n{";
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut input, mut output) = stream.into_split();
        let trickle = async {
            for _ in 0..pieces {
                if output.write_all(b" ").await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            std::future::pending::<()>().await;
        };
        let mut answer = [0; 12];
        tokio::select! {
            read = patient(input.read_exact(&mut answer)) => { read.unwrap(); }
            () = trickle => {}
        }
        assert_eq!(&answer, b"HTTP/1.1 408");
        assert_eq!(upstream.connections(), 0);
    }
}

const PATIENT: Duration = Duration::from_secs(600);

/// A stream whose second half waits for a word.
struct Halves {
    halves: Vec<&'static str>,
    word: tokio::sync::watch::Receiver<bool>,
    waits: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Body for Halves {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.halves.len() == 1 && !*self.word.borrow() {
            let mut word = self.word.clone();
            let waits = self.waits.get_or_insert_with(|| {
                Box::pin(async move {
                    let _ = word.wait_for(|said| *said).await;
                })
            });
            if waits.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
        let half = self
            .halves
            .pop()
            .map(|half| Bytes::from_static(half.as_bytes()));
        Poll::Ready(half.map(|half| Ok(Frame::data(half))))
    }
}

#[tokio::test]
async fn t9_a_provider_that_goes_away_ends_what_it_began_and_gets_no_more() {
    let cell = Cell {
        provider: Provider::Anthropic,
        path: "/v1/chat/completions",
    };
    let start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\n";
    let end = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let (say, word) = tokio::sync::watch::channel(false);
    let (go_away, leaving) = tokio::sync::watch::channel(false);
    let counted = connections.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
            let (word, mut leaving) = (word.clone(), leaving.clone());
            tokio::spawn(async move {
                let service = service_fn(move |_: Request<Incoming>| {
                    let response = Response::builder()
                        .header("content-type", "text/event-stream")
                        .body(Halves {
                            halves: vec![end, start],
                            word: word.clone(),
                            waits: None,
                        });
                    async { Ok::<_, Infallible>(response.unwrap()) }
                });
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let mut connection =
                    std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
                if first {
                    tokio::select! {
                        _ = connection.as_mut() => return,
                        _ = leaving.wait_for(|leaving| *leaving) => {}
                    }
                    connection.as_mut().graceful_shutdown();
                }
                let _ = connection.await;
            });
        }
    });
    let connection = cell.connection("main", &format!("http://{address}"));
    let gateway = Gateway::builder()
        .rule(Rule::new("*", [Target::new(connection)]))
        .retry(quick_retries(2))
        .build(
            Client::builder(TokioExecutor::new())
                .http2_only(true)
                .build_http::<Payload>(),
        )
        .unwrap();
    let call = || cell.post(cell.body("m", r#","stream":true"#));
    let Ok(open) = patient(tower::ServiceExt::oneshot(gateway.clone(), call())).await;
    assert_eq!(open.status(), 200);
    let mut open = Box::pin(open.into_body());
    assert!(patient(open.frame()).await.is_some());
    go_away.send(true).unwrap();
    tokio::time::sleep(SHORT).await;
    // The next call goes elsewhere, while the first one's stream is still open.
    let Ok(next) = patient(tower::ServiceExt::oneshot(gateway, call())).await;
    assert_eq!(next.status(), 200, "{:?}", next.headers());
    assert_eq!(connections.load(Ordering::SeqCst), 2);
    say.send(true).unwrap();
    for body in [open, Box::pin(next.into_body())] {
        let text = patient(body.collect()).await.unwrap().to_bytes();
        assert!(text.ends_with(b"data: [DONE]\n\n"), "{text:?}");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}
