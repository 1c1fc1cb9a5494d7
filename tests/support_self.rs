//! The test machinery tested: what the scripted upstream puts on the wire, and what it records, seen by a raw client.

pub mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use support::upstream::{End, Reply, Upstream};

/// A connection that never waits longer than ten seconds for a byte.
fn connect(upstream: &Upstream) -> TcpStream {
    let stream = TcpStream::connect(upstream.addr()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream
}

/// Sends a small POST.
fn post(stream: &mut TcpStream, body: &str) {
    let length = body.len();
    write!(
        stream,
        "POST /v1/x?q=1 HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
}

/// Reads until the text ends with this.
fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut got = Vec::new();
    let mut byte = [0];
    while !got.ends_with(end.as_bytes()) {
        let read = stream.read(&mut byte).unwrap();
        assert_eq!(read, 1, "end after {:?}", String::from_utf8_lossy(&got));
        got.push(byte[0]);
    }
    String::from_utf8(got).unwrap()
}

/// Reads to the end of the connection; `Err` when it was reset.
fn read_all(stream: &mut TcpStream) -> (String, Result<(), ErrorKind>) {
    let mut got = Vec::new();
    let end = stream.read_to_end(&mut got).map(drop);
    (
        String::from_utf8(got).unwrap(),
        end.map_err(|error| error.kind()),
    )
}

#[test]
fn records_byte_for_byte_and_keeps_the_connection() {
    let upstream = Upstream::scripted([
        Reply::json(200, "{}").header("X-Extra", "yes"),
        Reply::json(500, "[1]"),
    ]);
    let mut stream = connect(&upstream);
    post(&mut stream, "{\"a\":1}");
    let first = read_until(&mut stream, "{}");
    assert_eq!(
        first,
        "HTTP/1.1 200 Scripted\r\ncontent-type: application/json\r\nX-Extra: yes\r\ncontent-length: 2\r\n\r\n{}"
    );
    stream
        .write_all(b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n")
        .unwrap();
    assert!(read_until(&mut stream, "[1]").starts_with("HTTP/1.1 500 "));

    let requests = upstream.requests();
    assert_eq!(upstream.connections(), 1);
    assert_eq!(requests[0].method, "POST");
    assert_eq!(requests[0].target, "/v1/x?q=1");
    assert_eq!(requests[0].path(), "/v1/x");
    assert_eq!(requests[0].body, b"{\"a\":1}");
    let names: Vec<&str> = requests[0].headers.iter().map(|h| h.0.as_str()).collect();
    assert_eq!(names, ["Host", "X-A", "x-a", "Content-Length"]);
    assert_eq!(requests[0].header("host"), Some("h"));
    assert!(requests[0].head.ends_with(b"Content-Length: 7\r\n\r\n"));
    assert!(requests[0].contains("X-A: 1") && requests[0].contains("\"a\""));
    assert!(!requests[0].contains("nowhere"));
    assert_eq!((requests[1].chunked, requests[1].text()), (true, "abcde"));
    assert_eq!(upstream.wait_end(1), End::Done);
}

#[test]
fn a_header_sent_twice_is_noticed() {
    let upstream = Upstream::scripted([Reply::json(200, "{}")]);
    post(&mut connect(&upstream), "");
    let request = upstream.wait_requests(1).remove(0);
    let twice = std::panic::catch_unwind(|| request.header("x-a").map(str::len));
    assert!(twice.is_err());
}

#[test]
fn streams_one_chunk_for_each_piece() {
    let upstream = Upstream::scripted([Reply::sse(["data: 1\n\n", "data: twenty-two\n\n"])]);
    let mut stream = connect(&upstream);
    post(&mut stream, "");
    let head = read_until(&mut stream, "\r\n\r\n");
    assert!(head.contains("content-type: text/event-stream; charset=utf-8\r\n"));
    assert!(head.contains("transfer-encoding: chunked\r\n"));
    assert_eq!(
        read_until(&mut stream, "0\r\n\r\n"),
        "9\r\ndata: 1\n\n\r\n12\r\ndata: twenty-two\n\n\r\n0\r\n\r\n"
    );
}

#[test]
fn holds_until_released() {
    let upstream = Upstream::scripted([
        Reply::sse(["a"]).hold().piece("b"),
        Reply::json(200, "1").hold_before_head(),
    ]);
    let mut stream = connect(&upstream);
    post(&mut stream, "");
    read_until(&mut stream, "1\r\na\r\n");
    stream
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    assert!(
        stream.read(&mut [0]).is_err(),
        "nothing comes while it holds"
    );
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    upstream.release();
    assert_eq!(read_until(&mut stream, "0\r\n\r\n"), "1\r\nb\r\n0\r\n\r\n");
    post(&mut stream, "");
    upstream.release();
    read_until(&mut stream, "\r\n\r\n1");
}

#[test]
fn ends_the_connection_as_told() {
    let upstream = Upstream::new();
    let exchange = |reply: Reply| {
        upstream.push(reply);
        let mut stream = connect(&upstream);
        post(&mut stream, "");
        let (text, end) = read_all(&mut stream);
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        (body, end)
    };
    let body = |text: &str| Some(text.to_owned());
    // A clean end without the final chunk, with it, and in the middle of a promised length.
    assert_eq!(
        exchange(Reply::sse(["x"]).fin()),
        (body("1\r\nx\r\n"), Ok(()))
    );
    assert_eq!(
        exchange(Reply::sse(["x"]).close()),
        (body("1\r\nx\r\n0\r\n\r\n"), Ok(()))
    );
    assert_eq!(
        exchange(Reply::json(200, "abc").lie_about_length(9)),
        (body("abc"), Ok(()))
    );
    assert_eq!(
        exchange(Reply::json(200, "abc").until_close()),
        (body("abc"), Ok(()))
    );
    // A reset, after what was written has arrived.
    assert_eq!(
        exchange(Reply::sse(["x"]).reset()),
        (body("1\r\nx\r\n"), Err(ErrorKind::ConnectionReset))
    );
    assert_eq!(
        exchange(Reply::no_head_reset()),
        (None, Err(ErrorKind::ConnectionReset))
    );
    assert_eq!(exchange(Reply::no_head_fin()), (None, Ok(())));
    assert_eq!(exchange(Reply::raw("junk")), (None, Ok(())));
    upstream.wait_idle();
}

#[test]
fn tells_the_promised_length_from_the_sent_one() {
    let upstream = Upstream::scripted([Reply::json(200, "abc").lie_about_length(9)]);
    let mut stream = connect(&upstream);
    post(&mut stream, "");
    let (text, _) = read_all(&mut stream);
    assert!(text.contains("content-length: 9\r\n"));
}

#[test]
fn sees_when_the_peer_leaves() {
    let upstream = Upstream::scripted([
        Reply::sse(["x"]).expect_cancel(),
        Reply::never(),
        Reply::sse(["x"]).pause(30_000).piece("y"),
    ]);
    for (index, expected) in [true, true, false].into_iter().enumerate() {
        let mut stream = connect(&upstream);
        post(&mut stream, "");
        upstream.wait_requests(index + 1);
        if index != 1 {
            upstream.wait_progress(index, 2);
        }
        let left = Instant::now();
        drop(stream);
        let End::PeerClosed { at, expected: was } = upstream.wait_end(index) else {
            panic!("exchange {index} ended otherwise");
        };
        assert_eq!(was, expected);
        assert!(at >= left && at - left < Duration::from_secs(5));
    }
    upstream.wait_idle();
}

#[test]
fn pauses_where_told() {
    let upstream = Upstream::scripted([Reply::json(200, "1").pause_before_head(150)]);
    let mut stream = connect(&upstream);
    let sent = Instant::now();
    post(&mut stream, "");
    read_until(&mut stream, "\r\n\r\n1");
    assert!(sent.elapsed() >= Duration::from_millis(150));
}

#[test]
fn answers_by_function_after_the_queue() {
    let upstream = Upstream::start(|request| Reply::json(200, format!("\"{}\"", request.path())));
    upstream.push(Reply::json(201, "\"queued\""));
    let mut stream = connect(&upstream);
    post(&mut stream, "");
    read_until(&mut stream, "\"queued\"");
    post(&mut stream, "");
    read_until(&mut stream, "\"/v1/x\"");
    let idle = Upstream::new();
    let mut stream = connect(&idle);
    post(&mut stream, "");
    assert!(read_until(&mut stream, "\r\n\r\n").starts_with("HTTP/1.1 418 "));
}

#[test]
fn refuses_what_is_ambiguous() {
    let upstream = Upstream::new();
    let mut stream = connect(&upstream);
    stream
        .write_all(b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
        .unwrap();
    let (text, _) = read_all(&mut stream);
    assert_eq!(text, "");
    upstream.wait_idle();
    assert_eq!(upstream.errors(), ["connection 0: ambiguous framing"]);
    assert!(upstream.requests().is_empty());
}

#[test]
fn ends_with_its_handle() {
    let upstream = Upstream::scripted([Reply::never()]);
    let mut stream = connect(&upstream);
    post(&mut stream, "");
    upstream.wait_requests(1);
    let before = Instant::now();
    drop(upstream);
    let (text, _) = read_all(&mut stream);
    assert_eq!(text, "");
    assert!(before.elapsed() < Duration::from_secs(5));
}

/// The async waits leave the test's own runtime free, here its only thread, which the client needs.
#[tokio::test]
async fn waits_without_blocking_the_runtime() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let upstream = Upstream::scripted([Reply::sse(["x"]).hold().expect_cancel()]);
    let addr = upstream.addr();
    let client = tokio::spawn(async move {
        let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let mut head = vec![0; 15];
        stream.read_exact(&mut head).await.unwrap();
        (stream, head)
    });
    assert_eq!(upstream.requested(1).await[0].method, "GET");
    upstream.progressed(0, 2).await;
    upstream.released().await;
    let (stream, head) = client.await.unwrap();
    assert_eq!(head, b"HTTP/1.1 200 Sc");
    drop(stream);
    upstream.cancelled(0).await;
    assert!(matches!(upstream.ended(0).await, End::PeerClosed { .. }));
    upstream.idle().await;
}

#[test]
fn bounds_a_child_and_keeps_its_output() {
    use std::process::Command;
    use support::process;

    let mut command = Command::new("sh");
    command.args(["-c", "echo out; echo err >&2; exit 3"]);
    let finished = process::run(&mut command, Duration::from_secs(30)).unwrap();
    assert_eq!(finished.status.and_then(|status| status.code()), Some(3));
    assert_eq!(
        (finished.stdout.as_str(), finished.stderr.as_str()),
        ("out\n", "err\n")
    );
    assert!(!finished.success());

    let mut command = Command::new("sh");
    command.args(["-c", "echo out; exec sleep 60"]);
    let began = Instant::now();
    let finished = process::run(&mut command, Duration::from_secs(1)).unwrap();
    assert!(finished.status.is_none() && began.elapsed() < Duration::from_secs(20));
    assert_eq!(finished.stdout, "out\n");
}
