//! What `/metrics` says after a mixed run is what the providers counted, to the unit, in every cell, plain and streaming.

#[path = "metrics/provider.rs"]
mod provider;
pub mod support;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use provider::{Counted, provide};
use serde_json::{Value, json};
use support::gateway::Gateway;
use support::upstream::Upstream;

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Every provider, and a model of it; the connections bear their names. `gemini-native` is Gemini for calls that need its native
/// API, and `quiet` is OpenAI for streams that did not ask for their usage.
const PROVIDERS: [(&str, &str); 10] = [
    ("openai", "gpt-5.5"),
    ("anthropic", "claude-sonnet-4-5"),
    ("gemini", "gemini-3.8-flash"),
    ("groq", "openai/gpt-oss-120b"),
    ("perplexity", "sonar-pro"),
    ("openai-compatible", "qwen"),
    (
        "aws-bedrock",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    ),
    (
        "aws-bedrock-invoke",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    ),
    (NATIVE, "gemini-3.8-flash"),
    (QUIET, "gpt-5.5"),
];
const NATIVE: &str = "gemini-native";
const QUIET: &str = "quiet";

/// The provider that a connection leads to.
fn provider_of(connection: &str) -> &str {
    match connection {
        NATIVE => "gemini",
        QUIET => "openai",
        own => own,
    }
}

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const MESSAGES: &str = "/v1/messages";

fn config(url: &str) -> String {
    let mut text = String::from(
        "client_keys = [{ name = \"ci\", key = \"k1\" }]\n[retry]\nbackoff_min = \"5ms\"\n",
    );
    for (name, _) in PROVIDERS {
        let provider = provider_of(name);
        let more = match name {
            "aws-bedrock" | "aws-bedrock-invoke" => "region = \"us-east-1\"\n",
            QUIET => "options = { inject_usage = true }\n",
            _ => "",
        };
        text.push_str(&format!(
            "[connections.{name}]\nprovider = \"{provider}\"\nbase_url = \"{url}/{name}\"\napi_key = \"provider-key\"\n{more}"
        ));
    }
    text.push_str("[[routes]]\nmodel = \"claude-*\"\ntargets = [{ connection = \"anthropic\" }]\n");
    text.push_str("[[routes]]\nmodel = \"alias\"\ntargets = [{ connection = \"groq\", model = \"openai/gpt-oss-120b\" }, { connection = \"openai\", model = \"gpt-5.5\" }]\n");
    text.push_str(
        "[prices.\"*\"]\ninput = 3\ncache_read = 0.3\ncache_write = \"3.75\"\ncache_write_1h = 6.0\noutput = 15\nweb_search = 10\n",
    );
    text
}

/// A call of the gateway.
async fn ask(
    client: &Client<HttpConnector, Full<Bytes>>,
    url: &str,
    body: &Value,
) -> (u16, http::HeaderMap, String) {
    let method = if body.is_null() {
        Method::GET
    } else {
        Method::POST
    };
    let text = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let request = Request::builder()
        .method(method)
        .uri(url)
        .header("content-type", "application/json")
        .header("authorization", "Bearer k1")
        .body(Full::new(Bytes::from(text)))
        .unwrap();
    let response = tokio::time::timeout(PATIENCE, client.request(request))
        .await
        .unwrap()
        .unwrap();
    let (parts, body) = response.into_parts();
    let body = tokio::time::timeout(PATIENCE, body.collect())
        .await
        .unwrap()
        .unwrap();
    (
        parts.status.as_u16(),
        parts.headers,
        String::from_utf8(body.to_bytes().to_vec()).unwrap(),
    )
}

fn question(path: &str, model: &str, stream: bool, text: &str) -> Value {
    let mut body = json!({"model": model, "stream": stream});
    if model.starts_with(NATIVE) {
        // Only Gemini's native API searches.
        match path {
            CHAT => body["web_search_options"] = json!({}),
            RESPONSES => body["tools"] = json!([{"type": "web_search"}]),
            _ => body["tools"] = json!([{"type": "web_search_20250305", "name": "web_search"}]),
        }
    }
    if path == RESPONSES {
        body["input"] = json!(text);
        return body;
    }
    body["messages"] = json!([{"role": "user", "content": text}]);
    if path == MESSAGES {
        body["max_tokens"] = json!(2000);
    } else if stream && !model.starts_with(QUIET) {
        body["stream_options"] = json!({"include_usage": true});
    }
    body
}

/// The samples of a metric: labels and value.
struct Samples(Vec<(String, BTreeMap<String, String>, u64)>);

impl Samples {
    fn read(text: &str) -> Self {
        let samples = text
            .lines()
            .filter(|line| !line.starts_with('#') && line.contains("llm_gateway_"));
        let samples = samples.filter_map(|line| {
            let (name, rest) = line
                .split_once('{')
                .unwrap_or_else(|| line.split_once(' ').unwrap());
            let (labels, value) = rest.rsplit_once('}').unwrap_or(("", rest));
            let labels = labels.split("\",").filter_map(|label| {
                let (key, value) = label.split_once("=\"")?;
                Some((key.to_owned(), value.trim_end_matches('"').to_owned()))
            });
            // Times are no whole numbers.
            Some((
                name.to_owned(),
                labels.collect(),
                value.trim().parse().ok()?,
            ))
        });
        Self(samples.collect())
    }

    fn sum(&self, name: &str, with: &[(&str, &str)]) -> u64 {
        let name = format!("llm_gateway_{name}");
        let has = |labels: &BTreeMap<String, String>| {
            with.iter()
                .all(|(key, value)| labels.get(*key).is_some_and(|label| label == value))
        };
        self.0
            .iter()
            .filter(|(own, labels, _)| *own == name && has(labels))
            .map(|(_, _, value)| value)
            .sum()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_agree_with_what_the_providers_counted() {
    let counted = Counted::default();
    let calls = Mutex::new(0);
    let of_upstream = counted.clone();
    let upstream = Upstream::start(move |request| provide(request, &of_upstream, &calls));
    let gateway = Gateway::with_config(config(&upstream.url()));
    let client = Client::builder(TokioExecutor::new()).build_http();
    let url = |path: &str| format!("{}{path}", gateway.url());

    let mut asked: BTreeMap<(&str, &str, bool), u64> = BTreeMap::new();
    let mut told = 0;
    for round in 0..3 {
        for path in [CHAT, RESPONSES, MESSAGES] {
            for (connection, model) in PROVIDERS {
                for stream in [false, true] {
                    let body = question(path, &format!("{connection}/{model}"), stream, "Hi");
                    let before: u64 = counted
                        .lock()
                        .unwrap()
                        .get(&(connection.to_owned(), "cost"))
                        .copied()
                        .unwrap_or(0);
                    let (status, headers, text) = ask(&client, &url(path), &body).await;
                    assert_eq!(status, 200, "{round} {path} {connection} {stream}: {text}");
                    *asked.entry((path, connection, stream)).or_default() += 1;
                    if stream && path == CHAT && connection == QUIET {
                        assert!(!text.contains("\"usage\""), "{text}");
                    }
                    let after = counted.lock().unwrap()[&(connection.to_owned(), "cost")];
                    let cost = headers
                        .get("x-gateway-cost")
                        .map(|cost| cost.to_str().unwrap().to_owned());
                    if stream {
                        assert_eq!(cost, None);
                    } else {
                        let cost: tower_llm_gateway::price::Dollars =
                            cost.unwrap().parse().unwrap();
                        assert_eq!(cost.picos(), after - before, "{path} {connection}");
                        told += 1;
                    }
                }
            }
        }
    }
    let count: u64 = asked.values().sum();
    assert_eq!(told * 2, count);
    // All cells, plain and streaming, in each round.
    assert_eq!(count, 3 * 3 * 10 * 2);

    // What goes wrong: a provider that is busy until the next target takes over, models that nobody has, a wrong request, and
    // a client that leaves in the middle.
    let (status, headers, _) = ask(
        &client,
        &url(CHAT),
        &question(CHAT, "alias", false, "scripted:busy"),
    )
    .await;
    assert_eq!(
        (status, headers["x-gateway-attempts"].to_str().unwrap()),
        (503, "3")
    );
    for number in 0..5 {
        let (status, _, _) = ask(
            &client,
            &url(CHAT),
            &question(CHAT, &format!("canary-{number}"), false, "Hi"),
        )
        .await;
        assert_eq!(status, 404);
    }
    let (status, _, _) = ask(
        &client,
        &url(MESSAGES),
        &json!({"model": "claude-canary", "messages": 7, "max_tokens": true}),
    )
    .await;
    let passed_through = status == 200;
    let body = question(MESSAGES, "claude-canary", true, "scripted:hang");
    let request = Request::post(url(MESSAGES))
        .header("x-api-key", "k1")
        .body(Full::new(Bytes::from(body.to_string())))
        .unwrap();
    let mut response = client.request(request).await.unwrap();
    let mut seen = String::new();
    while !seen.contains("content_block_start") {
        let frame = response.body_mut().frame().await.unwrap().unwrap();
        seen.push_str(&String::from_utf8_lossy(frame.data_ref().unwrap()));
    }
    drop(response);
    let last = upstream.requests().len() - 1;
    upstream.cancelled(last).await;

    // The record is delivered when the connection's task has seen the client leave.
    let mut samples = Samples(Vec::new());
    let mut page = String::new();
    for _ in 0..200 {
        let (status, headers, text) = ask(&client, &url("/metrics"), &Value::Null).await;
        assert_eq!(status, 200);
        assert!(
            headers["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/plain")
        );
        samples = Samples::read(&text);
        page = text;
        if samples.sum("calls_open", &[]) == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(samples.sum("calls_open", &[]), 0);

    let counted = counted.lock().unwrap().clone();
    for (connection, _) in PROVIDERS {
        for kind in ["calls", "input", "output", "reasoning", "cost"] {
            assert!(
                counted.contains_key(&(connection.to_owned(), kind)),
                "{connection} {kind}"
            );
        }
        let counted = |kind: &'static str| {
            counted
                .get(&(connection.to_owned(), kind))
                .copied()
                .unwrap_or(0)
        };
        for kind in [
            "input",
            "cache_read",
            "cache_write_5m",
            "cache_write_1h",
            "cache_write",
            "output",
        ] {
            let ours = samples.sum(
                "tokens_total",
                &[("connection", connection), ("type", kind), ("client", "ci")],
            );
            assert_eq!(ours, counted(kind), "{connection} {kind}");
        }
        for (name, kind) in [
            ("reasoning_tokens_total", "reasoning"),
            ("web_searches_total", "searches"),
            ("cost_picodollars_total", "cost"),
        ] {
            assert_eq!(
                samples.sum(name, &[("connection", connection)]),
                counted(kind),
                "{connection} {kind}"
            );
        }
        let answered = samples.sum(
            "attempts_total",
            &[("connection", connection), ("result", "answered")],
        );
        assert_eq!(answered, counted("calls"), "{connection}");
    }
    for ((path, connection, stream), count) in asked {
        let endpoint = path.trim_start_matches("/v1/").split('/').next().unwrap();
        let stream = if stream { "true" } else { "false" };
        let labels = [
            ("endpoint", endpoint),
            ("connection", connection),
            ("stream", stream),
            ("status", "200"),
            ("end", "complete"),
            ("model", &format!("{connection}/*")),
        ];
        assert_eq!(samples.sum("calls_total", &labels), count, "{labels:?}");
    }
    assert_eq!(
        samples.sum(
            "calls_total",
            &[("status", "404"), ("model", "none"), ("connection", "none")]
        ),
        5
    );
    assert_eq!(
        samples.sum(
            "calls_total",
            &[
                ("end", "cancelled"),
                ("model", "claude-*"),
                ("status", "200")
            ]
        ),
        1
    );
    assert_eq!(samples.sum("calls_total", &[("status", "503")]), 1);
    assert_eq!(
        samples.sum(
            "attempts_total",
            &[("result", "refused"), ("status", "503")]
        ),
        3
    );
    assert_eq!(samples.sum("unpriced_calls_total", &[]), 0);
    // Each answer calls one tool, converted or not; the wrong request may have passed through to one more.
    let tools = count + u64::from(passed_through) + 1;
    assert_eq!(samples.sum("tool_calls_total", &[]), tools);
    assert_eq!(
        samples.sum("time_to_first_event_seconds_count", &[]),
        count / 2 + 1
    );
    assert!(!page.contains("canary"), "a client's word became a label");
}
