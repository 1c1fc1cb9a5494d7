//! What calls cost, worked out by hand, and told by the program: in the answer's head and in its metrics.

pub mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::gateway::Gateway;
use support::http1::Recorded;
use support::upstream::{Reply, Upstream};

/// Dollars per million tokens, and per thousand searches.
const PRICES: &str = r#"
[prices."*claude*"]
input = 3
cache_read = 0.3
cache_write = "3.75"
cache_write_1h = 6
output = 15
reasoning = 20
web_search = 10

[prices."sonar*"]
input = 1000
output = 1000
"#;

/// What the call below costs:
///
/// | what | count | rate | dollars |
/// |---|---|---|---|
/// | fresh input | 1 203 | 3 | 0.003609 |
/// | read from the cache | 48 001 | 0.3 | 0.0144003 |
/// | written for 5 minutes | 2 000 | 3.75 | 0.0075 |
/// | written for an hour | 7 007 | 6 | 0.042042 |
/// | output that is no reasoning | 1 501 − 640 | 15 | 0.012915 |
/// | reasoning | 640 | 20 | 0.0128 |
/// | together | | | 0.0932663 |
const TOKENS: &str = "0.0932663";
/// The same, and three searches at 10 dollars per thousand.
const WITH_SEARCHES: &str = "0.1232663";
/// What Perplexity says itself.
const SAID: &str = "0.0123";

fn usage() -> Value {
    json!({"input_tokens": 1203, "cache_read_input_tokens": 48001, "cache_creation_input_tokens": 9007,
        "cache_creation": {"ephemeral_5m_input_tokens": 2000, "ephemeral_1h_input_tokens": 7007},
        "output_tokens": 1501, "output_tokens_details": {"thinking_tokens": 640},
        "server_tool_use": {"web_search_requests": 3}, "service_tier": "standard"})
}

fn provide(request: &Recorded) -> Reply {
    let path = request.path();
    if path.ends_with("/converse") {
        let usage = json!({"inputTokens": 1203, "outputTokens": 1501, "totalTokens": 59712, "cacheReadInputTokens": 48001,
            "cacheWriteInputTokens": 9007,
            "cacheDetails": [{"ttl": "1h", "inputTokens": 7007}, {"ttl": "5m", "inputTokens": 2000}]});
        let fields = json!({"usage": {"output_tokens_details": {"thinking_tokens": 640}}});
        let answer = json!({"output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}}, "stopReason": "end_turn",
            "usage": usage, "metrics": {"latencyMs": 1}, "additionalModelResponseFields": fields});
        return Reply::json(200, answer.to_string());
    }
    if path.ends_with("/chat/completions") {
        let usage = json!({"prompt_tokens": 9, "completion_tokens": 8, "total_tokens": 17, "num_search_queries": 2,
            "search_context_size": "low", "cost": {"request_cost": 0.005, "total_cost": 0.0123}});
        let message = json!({"role": "assistant", "content": "Hi"});
        let answer = json!({"id": "1", "object": "chat.completion", "created": 1, "model": "sonar",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage});
        return Reply::json(200, answer.to_string());
    }
    let mut message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
        "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn", "stop_sequence": null, "usage": usage()});
    if request.json()["stream"] != json!(true) {
        return Reply::json(200, message.to_string());
    }
    // The counts come twice, and grow: they are no sums.
    message["content"] = json!([]);
    message["stop_reason"] = Value::Null;
    message["usage"]["output_tokens"] = json!(1);
    let events = [
        json!({"type": "message_start", "message": message}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": usage()}),
        json!({"type": "message_stop"}),
    ];
    let event = |event: &Value| {
        format!(
            "event: {}\ndata: {event}\n\n",
            event["type"].as_str().unwrap()
        )
    };
    Reply::sse(events.iter().map(event))
}

/// Sends a request and gives the whole answer.
fn send(gateway: &Gateway, request: &str) -> String {
    let mut connection = TcpStream::connect(gateway.addr()).unwrap();
    connection
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

/// What the answer's head says that a call costs.
fn cost(gateway: &Gateway, path: &str, model: &str, stream: bool) -> Option<String> {
    let (list, text) = match path {
        "/v1/responses" => ("input", json!("Hi")),
        _ => ("messages", json!([{"role": "user", "content": "Hi"}])),
    };
    let mut body = json!({"model": model, "stream": stream});
    if path == "/v1/messages" {
        body["max_tokens"] = json!(2000);
    }
    body[list] = text;
    let body = body.to_string();
    let length = body.len();
    let answer = send(
        gateway,
        &format!(
            "POST {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        ),
    );
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let mut lines = answer.lines().take_while(|line| !line.is_empty());
    lines.find_map(|line| Some(line.strip_prefix("x-gateway-cost: ")?.to_owned()))
}

/// What the metrics say that the calls over a connection cost, in pico-dollars.
fn counted(gateway: &Gateway, connection: &str) -> u64 {
    let page = send(
        gateway,
        "GET /metrics HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n",
    );
    let label = format!("connection=\"{connection}\"");
    page.lines()
        .filter(|line| {
            line.starts_with("llm_gateway_cost_picodollars_total{") && line.contains(&label)
        })
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum()
}

#[test]
fn every_category_has_its_price() {
    let upstream = Upstream::start(provide);
    let url = upstream.url();
    let mut config = PRICES.to_owned();
    for (name, more) in [
        ("anthropic", ""),
        ("aws-bedrock", "region = \"us-east-1\"\n"),
        ("aws-bedrock-invoke", "region = \"us-east-1\"\n"),
        ("perplexity", ""),
    ] {
        config.push_str(&format!(
            "[connections.{name}]\nprovider = \"{name}\"\nbase_url = \"{url}\"\napi_key = \"k\"\n{more}"
        ));
    }
    let gateway = Gateway::with_config(config);
    let bedrock = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    for (connection, model, expected, picos) in [
        (
            "anthropic",
            "claude-sonnet-4-5",
            WITH_SEARCHES,
            123_266_300_000_u64,
        ),
        (
            "aws-bedrock-invoke",
            bedrock,
            WITH_SEARCHES,
            123_266_300_000,
        ),
        ("aws-bedrock", bedrock, TOKENS, 93_266_300_000),
        ("perplexity", "sonar-pro", SAID, 12_300_000_000),
    ] {
        let asked = format!("{connection}/{model}");
        let mut calls = 0;
        for path in ["/v1/messages", "/v1/chat/completions", "/v1/responses"] {
            let told = cost(&gateway, path, &asked, false);
            assert_eq!(told.as_deref(), Some(expected), "{path} {connection}");
            calls += 1;
            // Of streams only the record knows.
            if connection == "anthropic" {
                assert_eq!(cost(&gateway, path, &asked, true), None);
                calls += 1;
            }
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        while counted(&gateway, connection) != calls * picos {
            assert!(
                Instant::now() < deadline,
                "{connection}: {}",
                counted(&gateway, connection)
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
