//! The configuration read again while the gateway program runs.

pub mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use support::gateway::Gateway;
use support::upstream::{Reply, Upstream};

fn config(upstream: &Upstream, model: &str) -> String {
    let url = upstream.url();
    format!(
        "client_keys = [\"k1\"]\n[connections.c]\nprovider = \"openai\"\nbase_url = \"{url}\"\napi_key = \"p\"\n\n\
         [[routes]]\nmodel = \"m\"\ntargets = [{{ connection = \"c\", model = \"{model}\" }}]\n"
    )
}

/// Sends a call on a connection of its own and gives that, with nothing read of the answer.
fn call(gateway: &Gateway, key: &str, stream: bool) -> TcpStream {
    let body = format!(r#"{{"model":"m","stream":{stream},"messages":[]}}"#);
    let mut connection = TcpStream::connect(gateway.addr()).unwrap();
    connection
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let length = body.len();
    write!(
        connection,
        "POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {key}\r\n\
         connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    connection
}

fn rest(mut connection: TcpStream) -> String {
    let mut text = String::new();
    connection.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn what_a_connection_knows_outlives_a_new_configuration() {
    let upstream = upstream();
    let limited = |model: &str| {
        let capacity = "api_key = \"p\"\ncapacity = { requests_per_minute = 1 }\n";
        config(&upstream, model).replace("api_key = \"p\"\n", capacity)
    };
    let gateway = Gateway::with_config(limited("one"));
    let status = || rest(call(&gateway, "k1", false))[9..12].to_owned();
    assert_eq!((status(), status()), ("200".to_owned(), "429".to_owned()));
    let read = |text: &str| {
        let before = gateway
            .log()
            .matches("the configuration was read again")
            .count();
        gateway.replace_config(text);
        gateway.signal("-HUP");
        let deadline = Instant::now() + Duration::from_secs(20);
        while gateway
            .log()
            .matches("the configuration was read again")
            .count()
            == before
        {
            assert!(Instant::now() < deadline, "the file is not read again");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    // Another route over the same connection: its minute goes on.
    read(&limited("two"));
    assert_eq!(status(), "429");
    // Another key is another connection.
    read(&limited("two").replace("api_key = \"p\"", "api_key = \"q\""));
    assert_eq!((status(), status()), ("200".to_owned(), "429".to_owned()));
    let seen = upstream.requests();
    assert_eq!(seen.len(), 2);
    assert!(seen[1].contains("\"two\""));
}

fn upstream() -> Upstream {
    Upstream::start(|request| {
        if request.contains("\"stream\":true") {
            Reply::sse(["data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"begun\"}}]}\n\n"])
                .hold()
                .piece(
                    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
                )
        } else {
            Reply::json(200, "{\"choices\":[]}")
        }
    })
}

#[test]
fn a_new_configuration_takes_effect_without_dropping_anything() {
    let (old, new) = (upstream(), upstream());
    let gateway = Gateway::with_config(config(&old, "one"));
    let open = call(&gateway, "k1", true);
    old.wait_requests(1);

    // Calls go on all the time, and none of them fails.
    let (over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let deadline = Instant::now() + Duration::from_secs(60);
                while !over.load(Ordering::Relaxed) && Instant::now() < deadline {
                    let answer = rest(call(&gateway, "k1", false));
                    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // By the file alone, by signal, and what cannot be used changes nothing.
        gateway.replace_config(&config(&new, "two"));
        new.wait_requests(1);
        gateway.replace_config("listen = 1");
        gateway.wait_log("the new configuration is not used");
        gateway.replace_config(&config(&new, "three"));
        gateway.signal("-HUP");
        let deadline = Instant::now() + Duration::from_secs(20);
        while !new
            .requests()
            .iter()
            .any(|request| request.contains("\"three\""))
        {
            assert!(Instant::now() < deadline, "the signal does nothing");
            std::thread::sleep(Duration::from_millis(10));
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(answered.load(Ordering::Relaxed) > 0);

    // The stream that began before all this ends as it should.
    old.release();
    let answer = rest(open);
    assert!(
        answer.contains("begun") && answer.contains("data: [DONE]"),
        "{answer}"
    );
    let seen = new.requests();
    assert!(seen.iter().any(|request| request.contains("\"two\"")));
    assert!(!seen.iter().any(|request| request.contains("\"one\"")));

    // Client keys change too, and what cannot change says so.
    let changed = config(&new, "four").replace("k1", "k2");
    gateway.replace_config(&format!("shutdown_grace = \"1s\"\n{changed}"));
    gateway.wait_log("this setting takes effect at the next start only");
    let deadline = Instant::now() + Duration::from_secs(20);
    while !rest(call(&gateway, "k2", false)).starts_with("HTTP/1.1 200 ") {
        assert!(Instant::now() < deadline, "the new key is refused");
    }
    assert!(rest(call(&gateway, "k1", false)).starts_with("HTTP/1.1 401 "));
    assert!(gateway.stop().0.success());
}
