//! Time: nobody who is slow holds a call for ever.

use std::time::Duration;

use http::Request;
use hyper_util::rt::{TokioIo, TokioTimer};
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
