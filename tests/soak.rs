//! A long run at a bounded rate with faults: neither memory nor connections may grow. Not part of a usual run:
//!
//! `SOAK_SECONDS=1800 SOAK_RATE=200 cargo test --test soak -- --ignored --nocapture`

pub mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tower::ServiceExt;
use tower_llm_gateway::client::client;
use tower_llm_gateway::settings::{RetrySettings, Timeouts};
use tower_llm_gateway::{Connection, Credential, Gateway, Payload, Provider, Rule, Target};

use support::upstream::{Reply, Upstream};

/// A number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// The resident memory of this process, in KiB; `None` where the operating system does not tell.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The growth in KiB per minute that fits best (least squares).
fn slope(samples: &[(f64, f64)]) -> f64 {
    let count = samples.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|sample| sample.0), mean(|sample| sample.1));
    let above: f64 = samples.iter().map(|(at, kib)| (at - x) * (kib - y)).sum();
    let below: f64 = samples.iter().map(|(at, _)| (at - x).powi(2)).sum();
    above / below
}

const MESSAGE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"hello"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2}}"#;
const CHAT: &str = r#"{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#;
const MESSAGE_STREAM: [&str; 3] = [
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hello\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
];
const CHAT_STREAM: [&str; 3] = [
    "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"hel\"}}]}\n\n",
    "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}]}\n\n",
    "data: [DONE]\n\n",
];

/// The `number`th answer in a provider's format: one in twenty is a fault.
fn reply(number: usize, messages: bool, stream: bool) -> Reply {
    let events = if messages {
        MESSAGE_STREAM
    } else {
        CHAT_STREAM
    };
    match number % 20 {
        7 => match number / 20 % 5 {
            0 => Reply::json(503, r#"{"error":{"message":"full"}}"#),
            1 => Reply::no_head_fin(),
            2 => Reply::no_head_reset(),
            3 => Reply::sse([events[0], events[1]]).reset(),
            _ => Reply::json(200, "{").lie_about_length(100),
        },
        _ if stream => Reply::sse(events),
        _ => Reply::json(200, if messages { MESSAGE } else { CHAT }),
    }
}

fn upstream(messages: bool) -> Upstream {
    let count = AtomicUsize::new(0);
    Upstream::start(move |request| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        reply(number, messages, request.contains("\"stream\":true"))
    })
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn neither_memory_nor_connections_grow() {
    let (seconds, rate) = (
        setting("SOAK_SECONDS", 120),
        setting("SOAK_RATE", 50).max(1),
    );
    let upstreams = [upstream(true), upstream(false)];
    let mut retry = RetrySettings::default();
    retry.backoff_min = Duration::from_millis(5);
    retry.backoff_max = Duration::from_millis(20);
    let mut builder = Gateway::builder().retry(retry);
    for ((name, provider), upstream) in [("a", Provider::Anthropic), ("g", Provider::Groq)]
        .into_iter()
        .zip(&upstreams)
    {
        let connection = Connection::builder(name, provider)
            .base_url(upstream.url())
            .credential(Credential::api_key("k"))
            .build()
            .unwrap();
        let connection = Arc::new(connection);
        let rule = Rule::new(name, [Target::new(connection.clone())]);
        builder = builder.connection(connection).rule(rule);
    }
    let gateway = builder
        .build(client(&Timeouts::default()).unwrap())
        .unwrap();

    let open = Arc::new(AtomicUsize::new(0));
    let good = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let mut ticks = interval(Duration::from_nanos(1_000_000_000 / rate));
    // What a busy machine misses is not made up for at once: that would be another load, and memory for it.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut samples, mut number) = (Vec::new(), 0_usize);
    while began.elapsed() < Duration::from_secs(seconds) {
        ticks.tick().await;
        number += 1;
        // Every endpoint of both providers, whole and streamed; one call in fifty is left in its middle.
        let model = if number.is_multiple_of(2) { "a" } else { "g" };
        let stream = number / 2 % 2 == 0;
        let (path, body) = match number / 4 % 3 {
            0 => (
                "/v1/chat/completions",
                r#""messages":[{"role":"user","content":"hi"}]"#,
            ),
            1 => ("/v1/responses", r#""input":"hi""#),
            _ => (
                "/v1/messages",
                r#""max_tokens":9,"messages":[{"role":"user","content":"hi"}]"#,
            ),
        };
        let body = format!(r#"{{"model":"{model}","stream":{stream},{body}}}"#);
        let request = Request::post(path).body(Payload::new(body)).unwrap();
        let (gateway, open, good) = (gateway.clone(), open.clone(), good.clone());
        let leaves = number % 50 == 49;
        open.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            let Ok(response) = gateway.oneshot(request).await;
            let status = response.status();
            if !leaves && response.into_body().collect().await.is_ok() && status.is_success() {
                good.fetch_add(1, Ordering::Relaxed);
            }
            open.fetch_sub(1, Ordering::Relaxed);
        });
        if number.is_multiple_of(usize::try_from(rate).unwrap()) {
            // What was asked is of no interest, and would be the only thing that grows.
            for upstream in &upstreams {
                upstream.forget();
            }
            let at = began.elapsed().as_secs_f64() / 60.0;
            // The first third is for warming up.
            if at * 60.0 * 3.0 > seconds as f64
                && let Some(kib) = resident()
            {
                samples.push((at, kib));
            }
            if number.is_multiple_of(usize::try_from(rate * 60).unwrap()) {
                let kib = resident().unwrap_or_default();
                println!("{at:.1} minutes: {number} calls, {kib} KiB resident");
            }
        }
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    while open.load(Ordering::Relaxed) > 0 {
        assert!(Instant::now() < deadline, "calls do not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let good = good.load(Ordering::Relaxed);
    println!("{number} calls, {good} whole answers");
    assert!(good * 10 > number * 8, "{good} of {number}");
    for upstream in &upstreams {
        let resting = upstream.open_connections();
        assert!(resting <= 64, "{resting} connections");
    }
    drop(gateway);
    for upstream in &upstreams {
        upstream.idle().await;
    }
    if samples.len() > 10 {
        let slope = slope(&samples);
        println!("memory grows by {slope:.0} KiB per minute");
        assert!(slope < 1024.0, "{slope} KiB per minute");
    }
}
