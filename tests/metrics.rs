//! What `/metrics` says after a mixed run is what the providers counted, to the unit, in every cell, plain and streaming.

pub mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use support::gateway::Gateway;
use support::http1::Recorded;
use support::reply::Reply;
use support::upstream::Upstream;
use tower_llm_gateway::codec::event_stream;
use tower_llm_gateway::{Endpoint, Provider};

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Every provider, and a model of it; the connections bear their names.
const PROVIDERS: [(&str, &str); 8] = [
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
];

/// The cells of the table that this version serves.
fn cells(path: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let endpoint = Endpoint::from_path(path).unwrap();
    PROVIDERS
        .into_iter()
        .filter(move |(id, _)| id.parse::<Provider>().unwrap().serves(endpoint))
}

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const MESSAGES: &str = "/v1/messages";

/// What one call used, in the gateway's own categories.
#[derive(Debug, Clone, Copy, Default)]
struct Used {
    input: u64,
    cache_read: u64,
    write_5m: u64,
    write_1h: u64,
    write: u64,
    output: u64,
    reasoning: u64,
    searches: u64,
    /// The provider's own word, in pico-dollars.
    cost: Option<u64>,
}

/// What the providers counted, by connection.
type Counted = Arc<Mutex<BTreeMap<(String, &'static str), u64>>>;

/// Dollars per million tokens of each kind and per thousand searches, as the configuration below has them.
const INPUT: u64 = 3;
const CACHE_READ_TENTHS: u64 = 3;
const WRITE_HUNDREDTHS: u64 = 375;
const WRITE_1H: u64 = 6;
const OUTPUT: u64 = 15;
const SEARCHES: u64 = 10;

impl Used {
    /// Numbers that no other call has.
    fn of(connection: &str, call: u64) -> Self {
        let mut used = Self {
            input: 1000 + call * 13,
            cache_read: 200 + call * 7,
            output: 50 + call * 3,
            reasoning: 11 + call,
            ..Self::default()
        };
        match connection {
            "anthropic" | "aws-bedrock-invoke" => {
                used.write_5m = 31 + call;
                used.write_1h = 57 + call * 2;
                used.searches = call % 3;
            }
            "aws-bedrock" => {
                used.write_5m = 31 + call;
                used.write_1h = 57 + call * 2;
            }
            "openai" => used.write = 19 + call,
            "perplexity" => {
                used.cache_read = 0;
                used.searches = 1 + call % 2;
                used.cost = Some(5_000_000_000 + call * 10_000_000);
            }
            "gemini" => used.cache_read = 0,
            _ => {}
        }
        used
    }

    fn prompt(&self) -> u64 {
        self.input + self.cache_read + self.write_5m + self.write_1h + self.write
    }

    /// In pico-dollars: a dollar per million tokens is a million of them per token.
    fn cost(&self) -> u64 {
        self.cost.unwrap_or(
            (self.input * INPUT + self.write_1h * WRITE_1H + self.output * OUTPUT) * 1_000_000
                + self.cache_read * CACHE_READ_TENTHS * 100_000
                + (self.write_5m + self.write) * WRITE_HUNDREDTHS * 10_000
                + self.searches * SEARCHES * 1_000_000_000,
        )
    }

    fn count(&self, connection: &str, counted: &Counted) {
        let mut counted = counted.lock().unwrap();
        for (kind, count) in [
            ("calls", 1),
            ("input", self.input),
            ("cache_read", self.cache_read),
            ("cache_write_5m", self.write_5m),
            ("cache_write_1h", self.write_1h),
            ("cache_write", self.write),
            ("output", self.output),
            ("reasoning", self.reasoning),
            ("searches", self.searches),
            ("cost", self.cost()),
        ] {
            if count > 0 {
                *counted.entry((connection.to_owned(), kind)).or_default() += count;
            }
        }
    }

    /// OpenAI's words for it, as this provider uses them.
    fn chat(&self, connection: &str) -> Value {
        let prompt = self.prompt();
        let mut usage = json!({"prompt_tokens": prompt, "completion_tokens": self.output, "total_tokens": prompt + self.output});
        match connection {
            // The thoughts are missing from the completion, but not from the total.
            "gemini" => usage["completion_tokens"] = json!(self.output - self.reasoning),
            // They are counted beside the completion.
            "perplexity" => {
                usage["completion_tokens"] = json!(self.output - self.reasoning);
                usage["reasoning_tokens"] = json!(self.reasoning);
                usage["num_search_queries"] = json!(self.searches);
                usage["search_context_size"] = json!("low");
                let cost = self.cost.unwrap_or_default();
                let cost = format!(
                    "{}.{:012}",
                    cost / 1_000_000_000_000,
                    cost % 1_000_000_000_000
                );
                let cost: Value = serde_json::from_str(&cost).unwrap();
                usage["cost"] = json!({"request_cost": 0.005, "total_cost": cost});
            }
            _ => {
                usage["prompt_tokens_details"] =
                    json!({"cached_tokens": self.cache_read, "cache_write_tokens": self.write});
                usage["completion_tokens_details"] = json!({"reasoning_tokens": self.reasoning});
            }
        }
        usage
    }

    fn responses(&self) -> Value {
        json!({"input_tokens": self.prompt(), "output_tokens": self.output, "total_tokens": self.prompt() + self.output,
            "input_tokens_details": {"cached_tokens": self.cache_read, "cache_write_tokens": self.write},
            "output_tokens_details": {"reasoning_tokens": self.reasoning}})
    }

    fn messages(&self) -> Value {
        json!({"input_tokens": self.input, "cache_read_input_tokens": self.cache_read,
            "cache_creation_input_tokens": self.write_5m + self.write_1h,
            "cache_creation": {"ephemeral_5m_input_tokens": self.write_5m, "ephemeral_1h_input_tokens": self.write_1h},
            "output_tokens": self.output, "output_tokens_details": {"thinking_tokens": self.reasoning},
            "server_tool_use": {"web_search_requests": self.searches, "web_fetch_requests": 0}, "service_tier": "standard"})
    }
}

impl Used {
    fn converse(&self) -> Value {
        json!({"inputTokens": self.input, "outputTokens": self.output, "totalTokens": self.prompt() + self.output,
            "cacheReadInputTokens": self.cache_read, "cacheWriteInputTokens": self.write_5m + self.write_1h,
            "cacheDetails": [{"ttl": "1h", "inputTokens": self.write_1h}, {"ttl": "5m", "inputTokens": self.write_5m}]})
    }
}

/// Events in AWS's framing.
fn aws_stream(events: impl IntoIterator<Item = (&'static str, Value)>) -> Reply {
    let frames = events.into_iter().map(|(name, payload)| {
        let mut frame = bytes::BytesMut::new();
        event_stream::encode_event(name, payload.to_string().as_bytes(), &mut frame).unwrap();
        frame.to_vec()
    });
    Reply::stream("application/vnd.amazon.eventstream", frames)
}

/// Converse.
fn converse(used: &Used, stream: bool) -> Reply {
    let fields = json!({"usage": {"output_tokens_details": {"thinking_tokens": used.reasoning}}});
    if !stream {
        let tool = json!({"toolUse": {"toolUseId": "tooluse_1", "name": "look", "input": {}}});
        let answer = json!({"output": {"message": {"role": "assistant", "content": [tool]}}, "stopReason": "tool_use",
            "usage": used.converse(), "metrics": {"latencyMs": 1}, "additionalModelResponseFields": fields});
        return Reply::json(200, answer.to_string());
    }
    aws_stream([
        ("messageStart", json!({"role": "assistant"})),
        (
            "contentBlockStart",
            json!({"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "tooluse_1", "name": "look"}}}),
        ),
        ("contentBlockStop", json!({"contentBlockIndex": 0})),
        (
            "messageStop",
            json!({"stopReason": "tool_use", "additionalModelResponseFields": fields}),
        ),
        (
            "metadata",
            json!({"usage": used.converse(), "metrics": {"latencyMs": 1}}),
        ),
    ])
}

/// A provider that counts what it says it used. The first part of a path names the connection.
fn provide(request: &Recorded, counted: &Counted, calls: &Mutex<u64>) -> Reply {
    let (connection, path) = request.path()[1..].split_once('/').unwrap();
    let body = request.json();
    let text = body.to_string();
    if text.contains("scripted:busy") {
        return Reply::json(503, r#"{"error":{"message":"busy","type":"server_error"}}"#)
            .header("retry-after", "0");
    }
    let call = {
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        *calls
    };
    let used = Used::of(connection, call);
    let bedrock = path.starts_with("model/");
    let stream = body["stream"] == json!(true) || path.ends_with("-stream");
    let model = if bedrock {
        json!("claude-sonnet-4-5-20250929")
    } else {
        body["model"].clone()
    };
    if path.contains("/converse") {
        used.count(connection, counted);
        return converse(&used, stream);
    }
    let framed = |events: Vec<(&'static str, Value)>| {
        if !bedrock {
            return Reply::sse(
                events
                    .into_iter()
                    .map(|(name, data)| format!("event: {name}\ndata: {data}\n\n")),
            );
        }
        aws_stream(events.into_iter().map(|(_, data)| {
            let bytes = base64::engine::general_purpose::STANDARD.encode(data.to_string());
            ("chunk", json!({"bytes": bytes, "p": "abc"}))
        }))
    };
    if path.ends_with("chat/completions") {
        let tool = json!([{"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]);
        let usage = used.chat(connection);
        used.count(connection, counted);
        if !stream {
            return Reply::json(200, json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model,
                "choices": [{"index": 0, "message": {"role": "assistant", "content": "Lima", "tool_calls": tool}, "finish_reason": "tool_calls"}],
                "usage": usage}).to_string());
        }
        let asked =
            body["stream_options"]["include_usage"] == json!(true) || connection == "perplexity";
        assert!(asked, "a stream that did not ask for its usage: {text}");
        let chunk = |delta: Value, finish: Value| {
            json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
            "model": model, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
        };
        let mut events = vec![
            chunk(json!({"role": "assistant", "content": "Li"}), Value::Null),
            chunk(json!({"tool_calls": tool}), Value::Null),
            chunk(json!({}), json!("tool_calls")),
        ];
        match connection {
            // Gemini and Perplexity have it on the last chunk, Groq in a member of its own there.
            "gemini" | "perplexity" => events[2]["usage"] = usage,
            "groq" => events[2]["x_groq"] = json!({"id": "req", "usage": usage}),
            _ => events.push(json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model,
                "choices": [], "usage": usage})),
        }
        let mut pieces: Vec<String> = events
            .iter()
            .map(|event| format!("data: {event}\n\n"))
            .collect();
        pieces.push("data: [DONE]\n\n".to_owned());
        return Reply::sse(pieces);
    }
    if path.ends_with("responses") {
        let item = json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look", "arguments": "{}", "status": "completed"});
        let answer = json!({"id": "resp_1", "object": "response", "created_at": 1, "model": model, "status": "completed", "error": null,
            "incomplete_details": null, "output": [item], "usage": used.responses(), "service_tier": "default"});
        used.count(connection, counted);
        if !stream {
            return Reply::json(200, answer.to_string());
        }
        let mut begun = answer.clone();
        begun["status"] = json!("in_progress");
        begun["output"] = json!([]);
        begun["usage"] = Value::Null;
        let mut started = item.clone();
        started["arguments"] = json!("");
        return framed(vec![
            (
                "response.created",
                json!({"type": "response.created", "sequence_number": 0, "response": begun}),
            ),
            (
                "response.output_item.added",
                json!({"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": started}),
            ),
            (
                "response.function_call_arguments.done",
                json!({"type": "response.function_call_arguments.done", "sequence_number": 2,
                "output_index": 0, "item_id": "fc_1", "name": "look", "arguments": "{}"}),
            ),
            (
                "response.output_item.done",
                json!({"type": "response.output_item.done", "sequence_number": 3, "output_index": 0, "item": item}),
            ),
            (
                "response.completed",
                json!({"type": "response.completed", "sequence_number": 4, "response": answer}),
            ),
        ]);
    }
    assert!(path.ends_with("messages") || bedrock, "{path}");
    let usage = used.messages();
    let mut message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": model,
        "content": [{"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}], "stop_reason": "tool_use", "stop_sequence": null, "usage": usage});
    if !stream {
        used.count(connection, counted);
        return Reply::json(200, message.to_string());
    }
    let block =
        json!({"type": "content_block_start", "index": 0, "content_block": message["content"][0]});
    message["content"] = json!([]);
    message["stop_reason"] = Value::Null;
    // The output is only known at the end.
    message["usage"]["output_tokens"] = json!(1);
    message["usage"]
        .as_object_mut()
        .unwrap()
        .remove("output_tokens_details");
    let mut events = vec![
        (
            "message_start",
            json!({"type": "message_start", "message": message}),
        ),
        ("content_block_start", block),
    ];
    if text.contains("scripted:hang") {
        let begun = Used {
            output: 1,
            reasoning: 0,
            ..used
        };
        begun.count(connection, counted);
        return framed(events).expect_cancel();
    }
    used.count(connection, counted);
    events.extend([
        ("content_block_stop", json!({"type": "content_block_stop", "index": 0})),
        ("message_delta", json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null},
            "usage": {"output_tokens": used.output, "output_tokens_details": {"thinking_tokens": used.reasoning}}})),
        ("message_stop", json!({"type": "message_stop"})),
    ]);
    framed(events)
}

fn config(url: &str) -> String {
    let mut text = String::from(
        "client_keys = [{ name = \"ci\", key = \"k1\" }]\n[retry]\nbackoff_min = \"5ms\"\n",
    );
    for (name, _) in PROVIDERS {
        if !Endpoint::ALL
            .into_iter()
            .any(|endpoint| name.parse::<Provider>().unwrap().serves(endpoint))
        {
            continue;
        }
        if name.starts_with("aws-") {
            text.push_str(&format!(
                "[connections.{name}]\nprovider = \"{name}\"\nbase_url = \"{url}/{name}\"\nregion = \"us-east-1\"\napi_key = \"provider-key\"\n"
            ));
            continue;
        }
        text.push_str(&format!(
            "[connections.{name}]\nprovider = \"{name}\"\nbase_url = \"{url}/{name}\"\napi_key = \"provider-key\"\n"
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
    if path == RESPONSES {
        body["input"] = json!(text);
        return body;
    }
    body["messages"] = json!([{"role": "user", "content": text}]);
    if path == MESSAGES {
        body["max_tokens"] = json!(2000);
    } else if stream {
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
            for (connection, model) in cells(path) {
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
    assert!(count >= 3 * 3 * 7 * 2);

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
    response.body_mut().frame().await.unwrap().unwrap();
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
