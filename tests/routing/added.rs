//! What an owner adds to requests: marks for prompt caches, and the question for a stream's usage.

use std::collections::BTreeMap;

use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use support::upstream::{Reply, Upstream};
use tokio::time::timeout;
use tower::ServiceExt;
use tower_llm_gateway::client::HttpsClient;
use tower_llm_gateway::{Gateway, Outcome, Payload, Usage};

use super::{CHAT, MESSAGES, PATHS, PATIENCE, RESPONSES, gateway, support};

const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const PROVIDERS: [(&str, &str); 8] = [
    ("openai", "gpt-5.5"),
    ("anthropic", "claude-sonnet-4-5"),
    ("gemini", "gemini-3.8-flash"),
    ("groq", "openai/gpt-oss-120b"),
    ("perplexity", "sonar-pro"),
    ("openai-compatible", "qwen"),
    ("aws-bedrock", SONNET),
    ("aws-bedrock-invoke", SONNET),
];

/// Every provider as a connection of its name, and routes to each: `NAME` with what is added, `NAME-plain` without.
fn config(upstream: &Upstream, options: &str, defaults: &str) -> String {
    let url = upstream.url();
    PROVIDERS
        .map(|(name, model)| {
            let region = if name.starts_with("aws-") { "region = \"us-east-1\"\n" } else { "" };
            format!(
                "[connections.{name}]\nprovider = \"{name}\"\nbase_url = \"{url}\"\napi_key = \"k\"\n{region}options = {{ {options} }}\n\
                 [[routes]]\nmodel = \"{name}\"\ndefaults = {{ {defaults} }}\ntargets = [{{ connection = \"{name}\", model = \"{model}\" }}]\n\
                 [[routes]]\nmodel = \"{name}-plain\"\ntargets = [{{ connection = \"{name}\", model = \"{model}\" }}]\n"
            )
        })
        .concat()
}

/// The answer's report of what was approximated, its text, and what it used.
async fn send(
    gateway: &Gateway<HttpsClient>,
    path: &str,
    body: String,
) -> (String, String, Option<Usage>) {
    let request = Request::post(path).body(Payload::new(body)).unwrap();
    let Ok(response) = timeout(PATIENCE, gateway.clone().oneshot(request))
        .await
        .expect("it hangs");
    let (mut parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let report = parts.headers.get("x-gateway-approximated");
    let report = report
        .map_or("", |value| value.to_str().unwrap())
        .to_owned();
    let outcome = parts.extensions.remove::<Outcome>();
    let usage = outcome.and_then(|outcome| outcome.usage.get());
    (report, String::from_utf8(bytes.to_vec()).unwrap(), usage)
}

/// A request with tools and a system prompt.
fn question(path: &str, model: &str) -> Value {
    let (schema, text) = (json!({"type": "object", "properties": {}}), "What now?");
    let function = json!({"name": "look", "description": "Looks.", "parameters": schema});
    match path {
        CHAT => json!({"model": model, "tools": [{"type": "function", "function": function}],
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]}),
        RESPONSES => {
            let mut tool = function;
            tool["type"] = json!("function");
            json!({"model": model, "instructions": "Be brief.", "tools": [tool], "input": text})
        }
        _ => json!({"model": model, "max_tokens": 50, "system": "Be brief.",
            "tools": [{"name": "look", "description": "Looks.", "input_schema": schema}],
            "messages": [{"role": "user", "content": text}]}),
    }
}

/// Takes the marks out of a request of Anthropic's or Converse's, and says where they were.
fn take_marks(request: &mut Value) -> Vec<String> {
    let mut found = Vec::new();
    fn walk(value: &mut Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                if let Some(mark) = members.remove("cache_control") {
                    found.push(format!("{path} {mark}"));
                }
                for (key, value) in members {
                    walk(value, &format!("{path}.{key}"), found);
                }
            }
            Value::Array(list) => {
                let points: Vec<_> = list
                    .extract_if(.., |value| value.get("cachePoint").is_some())
                    .collect();
                for point in points {
                    found.push(format!("{path} {}", point["cachePoint"]));
                }
                for value in list {
                    walk(value, path, found);
                }
            }
            _ => {}
        }
    }
    walk(request, "", &mut found);
    found.sort();
    found
}

/// A text and a list of this one text are the same to Anthropic.
fn as_blocks(request: &mut Value) {
    let blocks = |content: &mut Value| {
        if let Some(text) = content.as_str() {
            *content = json!([{"type": "text", "text": text}]);
        }
    };
    if let Some(system) = request.get_mut("system") {
        blocks(system);
    }
    for message in request["messages"].as_array_mut().into_iter().flatten() {
        blocks(&mut message["content"]);
    }
}

#[tokio::test]
async fn cache_marks_stand_where_the_target_takes_them_and_nowhere_else() {
    // Nothing is asked again after a 400.
    let upstream = Upstream::start(|_| Reply::json(400, "{}"));
    let gateway = gateway(&config(&upstream, "", "cache_marks = { ttl = \"1h\" }"));
    for path in PATHS {
        for (name, _) in PROVIDERS {
            let mut sent = BTreeMap::new();
            for model in [name.to_owned(), format!("{name}-plain")] {
                let before = upstream.requests().len();
                let (report, ..) = send(&gateway, path, question(path, &model).to_string()).await;
                let requests = upstream.requests();
                let Some(request) = requests.get(before) else {
                    // Perplexity has no tools.
                    assert_eq!(name, "perplexity");
                    continue;
                };
                sent.insert(model, (request.json(), report.contains("cache_control")));
            }
            let Some((mut marked, reported)) = sent.remove(name) else {
                continue;
            };
            let (mut plain, reported_plain) = sent.remove(&format!("{name}-plain")).unwrap();
            let (marks, none) = (take_marks(&mut marked), take_marks(&mut plain));
            as_blocks(&mut marked);
            as_blocks(&mut plain);
            assert_eq!(marked, plain, "{path} {name}");
            assert!(none.is_empty() && !reported_plain);
            let expected: &[&str] = match name {
                "anthropic" | "aws-bedrock-invoke" => &[
                    r#".messages.content {"ttl":"1h","type":"ephemeral"}"#,
                    r#".system {"ttl":"1h","type":"ephemeral"}"#,
                    r#".tools {"ttl":"1h","type":"ephemeral"}"#,
                ],
                "aws-bedrock" => &[
                    r#".messages.content {"ttl":"1h","type":"default"}"#,
                    r#".system {"ttl":"1h","type":"default"}"#,
                    r#".toolConfig.tools {"ttl":"1h","type":"default"}"#,
                ],
                _ => &[],
            };
            assert_eq!(marks, expected, "{path} {name}");
            assert_eq!(reported, !expected.is_empty(), "{path} {name}");
        }
    }
}

#[tokio::test]
async fn marks_in_what_passes_through_change_no_other_byte() {
    let upstream = Upstream::start(|_| Reply::json(400, "{}"));
    let gateway = gateway(&config(&upstream, "", "cache_marks = { tools = false }"));
    let mark = r#","cache_control":{"type":"ephemeral"}"#;
    let request = |system: &str, last: &str| {
        format!(
            "{{ \"model\" : \"claude-sonnet-4-5\",\n\"system\":{system}, \"max_tokens\":1.0e1,\"messages\":[{{\"role\":\"user\",\"content\":[{{\"text\":\"\\u0041\",\"type\":\"text\"{last} }}]}}] }}"
        )
    };
    let asked = request("\"S\"", "");
    let marked = request(&format!("[{{\"type\":\"text\",\"text\":\"S\"{mark}}}]"), "")
        .replace("\"text\" }]}", &format!("\"text\" {mark}}}]}}"));
    let asked = asked.replace("claude-sonnet-4-5", "anthropic");
    let (report, ..) = send(&gateway, MESSAGES, asked.clone()).await;
    assert_eq!(report, "cache_control");
    // A client that marks something itself knows what it does, and tokens are counted as they are.
    let own = request("\"S\"", mark).replace("claude-sonnet-4-5", "anthropic");
    let (report, ..) = send(&gateway, MESSAGES, own.clone()).await;
    assert_eq!(report, "");
    send(&gateway, "/v1/messages/count_tokens", asked.clone()).await;
    let requests = upstream.requests();
    let sent: Vec<_> = requests.iter().map(|request| request.text()).collect();
    let own = own.replace("\"anthropic\"", "\"claude-sonnet-4-5\"");
    let asked = asked.replace("\"anthropic\"", "\"claude-sonnet-4-5\"");
    assert_eq!(sent, [marked, own, asked]);
}

const CHUNKS: [&str; 3] = [
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"finish_reason\":null}],\"usage\":null}\r\n\r\n",
    ": still here\r\n\r\n",
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\r\n\r\n",
];
const USAGE: &str = "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3,\"total_tokens\":10}}\r\n\r\n";
const DONE: &str = "data: [DONE]\r\n\r\n";

#[tokio::test]
async fn streams_are_asked_for_their_usage_and_clients_do_not_see_it() {
    // Answers as the wire has it, in odd pieces, with the extra chunk for those that ask.
    let upstream = Upstream::start(|request| {
        let asks = request.json()["stream_options"]["include_usage"] == json!(true);
        let text = CHUNKS.concat() + if asks { USAGE } else { "" } + DONE;
        let pieces: Vec<_> = text.as_bytes().chunks(11).map(<[u8]>::to_vec).collect();
        Reply::sse(pieces)
    });
    let gateway = gateway(&config(&upstream, "inject_usage = true", ""));
    let unseen = CHUNKS.concat() + DONE;
    let seen = CHUNKS.concat() + USAGE + DONE;
    for (name, model) in PROVIDERS {
        if ![
            "openai",
            "gemini",
            "groq",
            "openai-compatible",
            "perplexity",
        ]
        .contains(&name)
        {
            continue;
        }
        let asks = name != "perplexity";
        let own = r#","stream_options":{"include_usage":true}"#;
        for (options, sent, answer, known, injected) in [
            ("", own, &unseen, asks, asks),
            (
                r#","stream_options":{"include_usage":false,"x":1}"#,
                r#","stream_options":{"include_usage":true,"x":1}"#,
                &unseen,
                asks,
                asks,
            ),
            (own, own, &seen, true, false),
        ] {
            let body = |model: &str, first: &str, options: &str| {
                format!(
                    "{{{first}\"model\":\"{model}\", \"stream\":true,\"messages\":[]{options}}}"
                )
            };
            let asked = body(name, "", options);
            let (report, text, usage) = send(&gateway, CHAT, asked.clone()).await;
            assert_eq!(&text, answer, "{asked}");
            assert_eq!(
                usage.is_some_and(|usage| usage.output == Some(3)),
                known,
                "{asked}"
            );
            let added = if injected {
                "stream_options.include_usage"
            } else {
                ""
            };
            assert_eq!(report, added, "{asked}");
            let expected = match (injected, options) {
                (false, _) => body(model, "", options),
                (true, "") => body(model, "\"stream_options\":{\"include_usage\":true},", ""),
                (true, _) => body(model, "", sent),
            };
            assert_eq!(upstream.requests().last().unwrap().text(), expected);
        }
    }
    // Calls that are no streams are let alone.
    let whole = r#"{"model":"openai","messages":[]}"#;
    let (report, ..) = send(&gateway, CHAT, whole.to_owned()).await;
    assert_eq!(report, "");
}
