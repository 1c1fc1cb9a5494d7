//! The six cells where client and provider speak the same format: byte-exact both ways, through the public API.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use proptest::prelude::*;
use tower::{Service, ServiceExt};
use tower_llm_gateway::{
    Connection, Credential, Gateway, Outcome, Payload, Provider, Rule, Target,
};

/// A provider's answer in pieces.
#[derive(Clone, Default)]
struct Pieces(std::collections::VecDeque<Bytes>);

impl Pieces {
    fn of(bytes: &[u8], size: usize) -> Self {
        Self(bytes.chunks(size).map(Bytes::copy_from_slice).collect())
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}

/// What the client service was asked.
type Asked = Arc<Mutex<Vec<Request<Payload>>>>;

/// A client that records what it is asked, and answers the same each time.
#[derive(Clone)]
struct Recorder {
    asked: Asked,
    answer: Response<Pieces>,
}

impl Service<Request<Payload>> for Recorder {
    type Response = Response<Pieces>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Payload>) -> Self::Future {
        self.asked.lock().unwrap().push(request);
        std::future::ready(Ok(self.answer.clone()))
    }
}

struct Cell {
    provider: Provider,
    path: &'static str,
    url: &'static str,
    key: (&'static str, &'static str),
}

const BEARER: (&str, &str) = ("authorization", "Bearer provider-key");

/// The six passthrough cells, `count_tokens`, and the connections that name their own base.
const CELLS: [Cell; 8] = [
    Cell {
        provider: Provider::OpenAi,
        path: "/v1/chat/completions",
        url: "https://api.openai.com/v1/chat/completions",
        key: BEARER,
    },
    Cell {
        provider: Provider::OpenAi,
        path: "/v1/responses",
        url: "https://api.openai.com/v1/responses",
        key: BEARER,
    },
    Cell {
        provider: Provider::Anthropic,
        path: "/v1/messages",
        url: "https://api.anthropic.com/v1/messages",
        key: ("x-api-key", "provider-key"),
    },
    Cell {
        provider: Provider::Anthropic,
        path: "/v1/messages/count_tokens",
        url: "https://api.anthropic.com/v1/messages/count_tokens",
        key: ("x-api-key", "provider-key"),
    },
    Cell {
        provider: Provider::Gemini,
        path: "/v1/chat/completions",
        url: "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
        key: BEARER,
    },
    Cell {
        provider: Provider::Groq,
        path: "/v1/chat/completions",
        url: "https://api.groq.com/openai/v1/chat/completions",
        key: BEARER,
    },
    Cell {
        provider: Provider::Perplexity,
        path: "/v1/chat/completions",
        url: "https://api.perplexity.ai/chat/completions",
        key: BEARER,
    },
    Cell {
        provider: Provider::OpenAiCompatible,
        path: "/v1/chat/completions",
        url: "http://localhost:8000/base/chat/completions",
        key: BEARER,
    },
];

fn connection(cell: &Cell) -> Arc<Connection> {
    let mut builder =
        Connection::builder("main", cell.provider).credential(Credential::api_key("provider-key"));
    if cell.provider == Provider::OpenAiCompatible {
        builder = builder.base_url("http://localhost:8000/base/");
    }
    Arc::new(builder.build().unwrap())
}

fn gateway(cell: &Cell, answer: Response<Pieces>) -> (Gateway<Recorder>, Asked) {
    let asked = Asked::default();
    let connection = connection(cell);
    let recorder = Recorder {
        asked: asked.clone(),
        answer,
    };
    let gateway = Gateway::builder()
        .connection(connection.clone())
        .rule(Rule::new(
            "alias",
            [Target::new(connection.clone()).model("real-id")],
        ))
        .rule(Rule::new("*", [Target::new(connection)]))
        .build(recorder)
        .unwrap();
    (gateway, asked)
}

fn answer(content_type: &str, body: Pieces) -> Response<Pieces> {
    Response::builder()
        .header("content-type", content_type)
        .body(body)
        .unwrap()
}

fn post(cell: &Cell, body: impl Into<Bytes>) -> Request<Payload> {
    Request::post(cell.path)
        .header("content-type", "application/json")
        .body(Payload::new(body))
        .unwrap()
}

/// A request as clients write it, with members that nobody here knows, odd numbers and odd blanks.
const REQUEST: &str = "{ \"messages\" : [ {\"role\":\"user\",\"content\":\"\\u00e9 é \\/ \\ud83d\\ude00\",\"cache_control\":{\"type\":\"ephemeral\"}} ],\r\n\t\"model\"  :\t\"claude-x\" , \"temperature\":1e400, \"big\":18446744073709551616,\"n\":0.10,\"input\":[],
  \"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\",\"max_uses\":5}],\"never_heard_of\":{\"b\":1,\"a\":[{}],\"model\":\"inner\"} }\n";

#[tokio::test]
async fn requests_arrive_as_they_were_sent() {
    for cell in &CELLS {
        let (gateway, asked) = gateway(cell, answer("application/json", Pieces::of(b"{}", 9)));
        let response = gateway.oneshot(post(cell, REQUEST)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{}", cell.url);
        let asked = asked.lock().unwrap();
        let [sent] = &asked[..] else {
            panic!("{}", cell.url)
        };
        assert_eq!(sent.uri(), cell.url);
        assert_eq!(sent.method(), "POST");
        assert_eq!(sent.version(), http::Version::HTTP_11);
        assert_eq!(sent.headers()[cell.key.0], cell.key.1);
        assert_eq!(sent.body().bytes(), REQUEST, "{}", cell.url);
        assert!(sent.extensions().is_empty());
    }
}

#[tokio::test]
async fn only_the_models_name_is_replaced() {
    for (asked_model, sent_model) in [
        ("\"alias\"", "\"real-id\""),
        ("\"al\\u0069as\"", "\"real-id\""),
        ("\"main/vendor/id:7\"", "\"vendor/id:7\""),
        ("\"other\"", "\"other\""),
        ("\"\\u006fther\"", "\"\\u006fther\""),
    ] {
        for cell in &CELLS {
            let (gateway, asked) = gateway(cell, answer("application/json", Pieces::of(b"{}", 9)));
            let body = REQUEST.replace("\"claude-x\"", asked_model);
            gateway.oneshot(post(cell, body)).await.unwrap();
            let asked = asked.lock().unwrap();
            assert_eq!(
                asked[0].body().bytes(),
                &REQUEST.replace("\"claude-x\"", sent_model)
            );
        }
    }
}

#[tokio::test]
async fn a_clients_own_headers_go_to_their_provider_only() {
    let own = [
        ("anthropic-beta", "context-1m-2025-08-07,never-heard-of"),
        ("anthropic-version", "2099-01-01"),
        ("openai-beta", "responses=v1"),
        ("openai-organization", "org"),
        ("openai-project", "proj"),
    ];
    for cell in &CELLS {
        let (gateway, asked) = gateway(cell, answer("application/json", Pieces::of(b"{}", 9)));
        let mut request = post(cell, REQUEST);
        for (name, value) in own.into_iter().chain([
            ("authorization", "Bearer canary"),
            ("x-api-key", "canary"),
            ("api-key", "canary"),
            ("x-goog-api-key", "canary"),
            ("proxy-authorization", "canary"),
            ("cookie", "canary"),
            ("x-amz-security-token", "canary"),
            ("x-forwarded-for", "canary"),
            ("content-length", "3"),
            ("transfer-encoding", "gzip, chunked"),
            ("connection", "close, x-api-key, authorization"),
            ("te", "trailers"),
            ("expect", "100-continue"),
            ("x-stainless-lang", "canary"),
        ]) {
            request
                .headers_mut()
                .insert(http::HeaderName::from_static(name), value.parse().unwrap());
        }
        gateway.oneshot(request).await.unwrap();
        let asked = asked.lock().unwrap();
        let mut names: Vec<_> = asked[0]
            .headers()
            .keys()
            .map(http::HeaderName::as_str)
            .collect();
        names.sort_unstable();
        let mut expected = vec![
            "accept",
            "accept-encoding",
            "content-type",
            "user-agent",
            cell.key.0,
        ];
        expected.extend(
            own.iter()
                .map(|(name, _)| *name)
                .filter(|name| match cell.provider {
                    Provider::OpenAi => name.starts_with("openai"),
                    Provider::Anthropic => name.starts_with("anthropic"),
                    _ => false,
                }),
        );
        expected.sort_unstable();
        assert_eq!(names, expected, "{}", cell.url);
        for (name, value) in own {
            if let Some(sent) = asked[0].headers().get(name) {
                assert_eq!(sent, value);
            }
        }
        assert_eq!(asked[0].headers()[cell.key.0], cell.key.1);
    }
}

#[tokio::test]
async fn several_lines_of_a_header_stay_several() {
    let cell = &CELLS[2];
    let (gateway, asked) = gateway(cell, answer("application/json", Pieces::of(b"{}", 9)));
    let mut request = post(cell, REQUEST);
    for beta in ["one", "two"] {
        request
            .headers_mut()
            .append("anthropic-beta", beta.parse().unwrap());
    }
    gateway.oneshot(request).await.unwrap();
    let asked = asked.lock().unwrap();
    let betas: Vec<_> = asked[0]
        .headers()
        .get_all("anthropic-beta")
        .iter()
        .collect();
    assert_eq!(betas, ["one", "two"]);
    // A provider that demands a version gets one where the client gave none.
    assert_eq!(asked[0].headers()["anthropic-version"], "2023-06-01");
}

#[tokio::test]
async fn the_query_string_is_kept() {
    for cell in &CELLS {
        let (gateway, asked) = gateway(cell, answer("application/json", Pieces::of(b"{}", 9)));
        let mut request = post(cell, REQUEST);
        *request.uri_mut() = format!("{}?beta=true&x=%2F&&y", cell.path).parse().unwrap();
        gateway.oneshot(request).await.unwrap();
        let asked = asked.lock().unwrap();
        assert_eq!(
            asked[0].uri().to_string(),
            format!("{}?beta=true&x=%2F&&y", cell.url)
        );
    }
}

#[tokio::test]
async fn a_host_in_the_request_leads_nowhere_else() {
    for cell in &CELLS {
        let (gateway, asked) = gateway(cell, answer("application/json", Pieces::of(b"{}", 9)));
        let mut request = post(
            cell,
            r#"{"model":"m","api_base":"http://evil.test","base_url":"http://evil.test"}"#,
        );
        *request.uri_mut() = format!("http://evil.test{}", cell.path).parse().unwrap();
        request
            .headers_mut()
            .insert("host", "evil.test".parse().unwrap());
        gateway.oneshot(request).await.unwrap();
        let asked = asked.lock().unwrap();
        assert_eq!(asked[0].uri(), cell.url);
        assert!(!asked[0].headers().contains_key("host"));
    }
}

#[tokio::test]
async fn answers_come_as_they_were_given() {
    let body = "{ \"odd\" : 1e400,\r\n \"usage\":{\"input_tokens\":3,\"output_tokens\":5, \"prompt_tokens\":3,\"completion_tokens\":5}, \"x\":\"\\u00e9\" }\n";
    for cell in &CELLS {
        for size in [1, 7, 1000] {
            let (gateway, _) = gateway(
                cell,
                answer(
                    "application/json; charset=odd",
                    Pieces::of(body.as_bytes(), size),
                ),
            );
            let response = gateway.oneshot(post(cell, REQUEST)).await.unwrap();
            assert_eq!(
                response.headers()["content-type"],
                "application/json; charset=odd"
            );
            let outcome = response.extensions().get::<Outcome>().unwrap().clone();
            assert_eq!(outcome.connection.as_ref(), "main");
            let sent = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(sent, body, "{}", cell.url);
        }
    }
}

/// A stream with everything that a converter would trip over.
fn stream(path: &str) -> String {
    let end = match path {
        "/v1/chat/completions" => {
            "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\r\n\r\ndata: [DONE]\n\n"
        }
        "/v1/responses" => {
            "event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":3,\"response\":{}}\n\n"
        }
        _ => {
            "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
        }
    };
    format!(
        "\u{feff}: hello\n\nid: 7\r\nretry: 10\r\nevent: never_heard_of\r\ndata: {{\"type\":\"never_heard_of\",\r\ndata: \"é\":1e400}}\r\n\r\n:\n\ndata:{{\"type\":\"ping\"}}\r\rdata: not json\n\n{end}: trailing"
    )
}

#[tokio::test]
async fn streams_come_as_they_were_given() {
    for cell in &CELLS {
        let text = stream(cell.path);
        for size in [1, 2, 3, 5, 64, 10_000] {
            let (gateway, asked) = gateway(
                cell,
                answer("text/event-stream", Pieces::of(text.as_bytes(), size)),
            );
            let body = REQUEST.replace("\"n\"", "\"stream\":true,\"n\"");
            let response = gateway.oneshot(post(cell, body)).await.unwrap();
            assert_eq!(response.headers()["content-type"], "text/event-stream");
            assert_eq!(response.headers()["x-gateway-attempts"], "1");
            let sent = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(sent, text, "{} {size}", cell.url);
            assert_eq!(
                asked.lock().unwrap()[0].headers()["accept"],
                "text/event-stream"
            );
        }
    }
}

#[tokio::test]
async fn errors_keep_their_status_and_body() {
    let body = r#"{ "type":"error","error":{"type":"invalid_request_error","message":"odd  spacing","param":null,"code":null} }"#;
    for cell in &CELLS {
        let mut given = answer("application/json", Pieces::of(body.as_bytes(), 5));
        *given.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        for (name, value) in [
            ("x-request-id", "their-id"),
            ("request-id", "their-id"),
            ("set-cookie", "canary"),
            ("server", "canary"),
            ("x-ratelimit-remaining-requests", "7"),
        ] {
            given.headers_mut().insert(name, value.parse().unwrap());
        }
        let (gateway, _) = gateway(cell, given);
        let mut request = post(cell, REQUEST);
        request
            .headers_mut()
            .insert("x-request-id", "client-id".parse().unwrap());
        let response = gateway.oneshot(request).await.unwrap();
        assert_eq!(response.status(), 422);
        let headers = response.headers().clone();
        let sent = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(sent, body, "{}", cell.url);
        let id = if cell.path.contains("messages") {
            "request-id"
        } else {
            "x-request-id"
        };
        assert_eq!(
            names(&headers),
            {
                let mut expected = vec![
                    "content-type",
                    id,
                    "x-gateway-attempts",
                    "x-gateway-connection",
                    "x-gateway-model",
                    "x-gateway-provider",
                    "x-gateway-request-id",
                    "x-ratelimit-remaining-requests",
                ];
                expected.sort_unstable();
                expected
            },
            "{}",
            cell.url
        );
        assert_eq!(headers[id], "their-id");
        assert_eq!(headers["x-gateway-request-id"], "client-id");
        assert_eq!(headers["x-gateway-provider"], cell.provider.id());
        assert_eq!(headers["x-gateway-model"], "claude-x");
    }
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<_> = headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

// Any JSON at all.

fn blank() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "", "", " ", "\n", "\r\n\t", "   "]).prop_map(str::to_owned)
}

/// A JSON string as someone might spell it.
fn string() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![
            any::<char>().prop_map(|c| match c {
                '"' | '\\' => format!("\\{c}"),
                c if (c as u32) < 0x20 => format!("\\u{:04x}", c as u32),
                c => c.to_string(),
            }),
            prop::sample::select(vec![
                "\\n",
                "\\/",
                "\\u00E9",
                "\\ud83d\\ude00",
                "\\ud800",
                "\\u0000",
                "model",
                "}",
                "tlg"
            ])
            .prop_map(str::to_owned),
        ],
        0..8,
    )
    .prop_map(|parts| format!("\"{}\"", parts.concat()))
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        prop::sample::select(vec![
            "null",
            "true",
            "false",
            "0",
            "-0",
            "1e400",
            "-1E-400",
            "18446744073709551616",
            "0.10",
            "1.0e+2",
            "3.141592653589793238462643383279"
        ])
        .prop_map(str::to_owned),
        string(),
    ];
    leaf.prop_recursive(6, 40, 5, |inner| {
        prop_oneof![
            (prop::collection::vec((blank(), inner.clone(), blank()), 0..5)).prop_map(|items| {
                let items: Vec<_> = items
                    .into_iter()
                    .map(|(a, item, b)| a + &item + &b)
                    .collect();
                format!("[{}]", items.join(","))
            }),
            // Nested objects may repeat their keys, and have a `model` of their own.
            prop::collection::vec(
                (
                    blank(),
                    prop_oneof![string(), Just("\"model\"".to_owned())],
                    blank(),
                    inner
                ),
                0..5
            )
            .prop_map(|members| {
                let members: Vec<_> = members
                    .into_iter()
                    .map(|(a, key, b, value)| format!("{a}{key}{b}:{value}"))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// The text before and after the model's value.
fn request() -> impl Strategy<Value = (String, String)> {
    let key = prop::sample::select(vec![
        "\"model\"",
        "\"mod\\u0065l\"",
        "\"\\u006D\\u006f\\u0064\\u0065\\u006C\"",
    ]);
    let members = || prop::collection::vec((blank(), value(), blank()), 0..6);
    (members(), members(), key, blank(), blank(), blank()).prop_map(
        |(before, after, key, a, b, c)| {
            let list = |members: Vec<(String, String, String)>, from: usize| {
                members
                    .into_iter()
                    .enumerate()
                    .map(|(at, (a, value, b))| format!("{a}\"k\\u0031{}\":{b}{value}", from + at))
                    .collect::<Vec<_>>()
            };
            let mut start: String = list(before, 0)
                .into_iter()
                .map(|member| member + ",")
                .collect();
            start = format!("{a}{{{start}{b}{key}{c}:{a}");
            let end: String = list(after, 100)
                .into_iter()
                .map(|member| format!(",{member}"))
                .collect();
            (start, format!("{b}{end}{c}}}{a}"))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_json_passes_but_for_the_models_name((start, end) in request(), cell in 0..CELLS.len()) {
        let cell = &CELLS[cell];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        for (model, sent_model) in [("\"alias\"", "\"real-id\""), ("\"ot\\u0068er\"", "\"ot\\u0068er\"")] {
            let (gateway, asked) = gateway(cell, answer("application/json", Pieces::of(b"{}", 9)));
            let body = format!("{start}{model}{end}");
            let response = runtime.block_on(gateway.oneshot(post(cell, body.clone()))).unwrap();
            prop_assert_eq!(response.status(), StatusCode::OK, "{}", body);
            let asked = asked.lock().unwrap();
            prop_assert_eq!(asked[0].body().bytes(), &format!("{start}{sent_model}{end}"));
        }
    }
}
