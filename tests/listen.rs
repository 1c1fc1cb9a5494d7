//! Where the gateway program listens: IPv6 and Unix sockets, and how it is asked whether it is alive.

pub mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use support::gateway::Gateway;

const BODY: &str =
    r#"{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"Hi there."}]}"#;

fn ask(mut stream: impl Read + Write) -> String {
    let length = BODY.len();
    write!(
        stream,
        "POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{BODY}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The exit code of `gateway --health --listen PLACE`.
fn health(place: &str) -> Option<i32> {
    let builder = Gateway::builder()
        .arg("--health")
        .arg("--listen")
        .arg(place);
    builder.run().code()
}

#[test]
fn a_unix_socket() {
    let path =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.sock", std::process::id()));
    let place = format!("unix:{}", path.display());
    // A socket that a killed gateway left behind.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let gateway = Gateway::builder().start_at(&place);
    let stream = UnixStream::connect(&path).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let answer = ask(stream);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(health(&place), Some(0));

    // Its place is taken: another one does not push it out.
    let second = Gateway::builder().arg("--listen").arg(&place).run();
    assert_eq!(second.code(), Some(2));
    assert_eq!(health(&place), Some(0));

    assert!(gateway.stop().0.success());
    assert!(!path.exists());
    assert_eq!(health(&place), Some(1));
}

#[test]
fn ipv6_loopback() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        println!("SKIPPED: this machine has no IPv6 loopback");
        return;
    }
    let gateway = Gateway::builder().start_at("[::1]:0");
    let stream = TcpStream::connect(gateway.addr()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    assert!(gateway.addr().starts_with("[::1]:"));
    assert!(ask(stream).starts_with("HTTP/1.1 200 "));
    assert_eq!(health(gateway.addr()), Some(0));
}

#[test]
fn places_that_make_no_sense() {
    for place in ["unix:relative.sock", "unix:", "localhost", "1.2.3.4"] {
        let finished = Gateway::builder().arg("--listen").arg(place).run();
        assert_eq!(finished.code(), Some(2), "{place}");
        assert!(finished.stderr.contains("listen: "), "{}", finished.stderr);
        assert_eq!(health(place), Some(2), "{place}");
    }
}
