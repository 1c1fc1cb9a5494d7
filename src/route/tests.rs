use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, Limited};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};

use super::{ClientKeys, RouteLayer, RouteTable, Rule};
use crate::body::Payload;
use crate::call::{Attempt, CallOptions, Outcome};
use crate::convert::ConvertLayer;
use crate::error::{BoxError, Error, ErrorClass};
use crate::gateway::{Gateway, GatewayBuilder};
use crate::provider::Provider;
use crate::settings::{Limits, Timeouts};
use crate::target::Target;
use crate::testing::connection;

const PATHS: [&str; 4] = [
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/messages",
    "/v1/messages/count_tokens",
];

fn is_messages(path: &str) -> bool {
    path.starts_with("/v1/messages")
}

/// A gateway with a provider for each endpoint, small limits, and routes that do not lead everywhere.
fn builder() -> GatewayBuilder {
    let openai = connection("o", Provider::OpenAi);
    let anthropic = connection("a", Provider::Anthropic);
    let limits = Limits {
        request_body: 500_000,
        ..Limits::default()
    };
    Gateway::builder()
        .limits(limits)
        .connection(openai.clone())
        .connection(anthropic.clone())
        .rule(Rule::new("gpt-*", [Target::new(openai)]))
        .rule(Rule::new("claude-*", [Target::new(anthropic)]))
}

fn model(path: &str) -> &'static str {
    if is_messages(path) {
        "claude-x"
    } else {
        "gpt-x"
    }
}

fn body(path: &str) -> String {
    format!(r#"{{"model":"{}"}}"#, model(path))
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// `error.type`, and where the format has one `error.code`.
    fn words(&self) -> (&str, Option<&str>) {
        let error = &self.body["error"];
        (error["type"].as_str().unwrap(), error["code"].as_str())
    }
}

async fn read<B>(response: Response<B>) -> Answer
where
    B: Body<Data = Bytes, Error: std::fmt::Debug>,
{
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    }
}

/// Asks a gateway whose provider says `{}`.
async fn ask_of<B>(builder: GatewayBuilder, request: Request<B>) -> Answer
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let client = service_fn(|_: Request<Payload>| async {
        Ok::<_, Infallible>(Response::new(Payload::new("{}")))
    });
    read(
        builder
            .build(client)
            .unwrap()
            .oneshot(request)
            .await
            .unwrap(),
    )
    .await
}

async fn ask(request: Request<Payload>) -> Answer {
    ask_of(builder(), request).await
}

fn post(path: &str, body: impl Into<Bytes>) -> Request<Payload> {
    Request::post(path).body(Payload::new(body)).unwrap()
}

fn with(mut request: Request<Payload>, name: &'static str, value: &str) -> Request<Payload> {
    request.headers_mut().append(name, value.parse().unwrap());
    request
}

/// An error body has the shape that the client's SDK reads.
#[track_caller]
fn assert_shape(path: &str, answer: &Answer) {
    assert_eq!(answer.header("content-type"), "application/json");
    let mut members: Vec<_> = answer
        .body
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    members.sort_unstable();
    let mut inner: Vec<_> = answer.body["error"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    inner.sort_unstable();
    if is_messages(path) {
        assert_eq!(members, ["error", "request_id", "type"]);
        assert_eq!(inner, ["message", "type"]);
        assert_eq!(answer.body["request_id"], answer.header("request-id"));
    } else {
        assert_eq!(members, ["error"]);
        assert_eq!(inner, ["code", "message", "param", "type"]);
        assert_eq!(
            answer.header("x-request-id"),
            answer.header("x-gateway-request-id")
        );
    }
    assert!(!answer.header("x-gateway-request-id").is_empty());
}

#[tokio::test]
async fn every_endpoint_answers() {
    for path in PATHS {
        let answer = ask(post(path, body(path))).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("x-gateway-attempts"), "1");
        assert_eq!(answer.header("x-gateway-model"), model(path));
        let connection = if is_messages(path) { "a" } else { "o" };
        assert_eq!(answer.header("x-gateway-connection"), connection);
        assert!(!answer.headers.contains_key("x-gateway-dropped"));
    }
}

#[tokio::test]
async fn refusals_are_in_the_clients_format() {
    for path in PATHS {
        let good = || post(path, body(path));
        let get = || Request::get(path).body(Payload::default()).unwrap();
        for (request, status, code, kind) in [
            (get(), 405, "method_not_allowed", "invalid_request_error"),
            (
                with(good(), "content-length", "500001"),
                413,
                "request_too_large",
                "request_too_large",
            ),
            (
                with(good(), "content-length", "18446744073709551615"),
                413,
                "request_too_large",
                "request_too_large",
            ),
            (
                post(path, vec![b' '; 500_001]),
                413,
                "request_too_large",
                "request_too_large",
            ),
            (
                with(good(), "content-encoding", "gzip"),
                415,
                "unsupported_content_encoding",
                "invalid_request_error",
            ),
            (
                with(
                    with(good(), "content-encoding", "identity"),
                    "content-encoding",
                    "br",
                ),
                415,
                "unsupported_content_encoding",
                "invalid_request_error",
            ),
            (
                post(path, ""),
                400,
                "invalid_value",
                "invalid_request_error",
            ),
            (
                post(path, "{\"model\":\"gpt-x\""),
                400,
                "invalid_value",
                "invalid_request_error",
            ),
            (
                post(path, "{}"),
                400,
                "invalid_value",
                "invalid_request_error",
            ),
            (
                post(path, &b"{\"model\":\"gpt-\xff\"}"[..]),
                400,
                "invalid_value",
                "invalid_request_error",
            ),
            (
                post(path, r#"{"model":"nobody"}"#),
                404,
                "model_not_found",
                "not_found_error",
            ),
        ] {
            let answer = ask(request).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.body);
            assert_shape(path, &answer);
            if is_messages(path) {
                assert_eq!(answer.words(), (kind, None), "{path}");
            } else {
                assert_eq!(
                    answer.words(),
                    ("invalid_request_error", Some(code)),
                    "{path}"
                );
            }
            assert!(!answer.headers.contains_key("x-gateway-provider"));
            assert_eq!(
                answer.header("allow"),
                if status == 405 { "POST" } else { "" }
            );
        }
    }
}

#[tokio::test]
async fn identity_is_no_encoding() {
    let path = "/v1/messages";
    assert_eq!(
        ask(with(post(path, body(path)), "content-encoding", "Identity"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn unknown_paths_speak_the_format_that_the_headers_show() {
    for path in [
        "/",
        "/v1/embeddings",
        "/v1/messages/",
        "/v1/messages/batches",
        "/V1/messages",
        "//v1/messages",
    ] {
        let answer = ask(post(path, "{}")).await;
        assert_eq!(
            (answer.status, answer.words()),
            (404, ("invalid_request_error", Some("not_found"))),
            "{path}"
        );
        let answer = ask(with(post(path, "{}"), "anthropic-version", "2023-06-01")).await;
        assert_eq!(
            (answer.status, answer.words()),
            (404, ("not_found_error", None)),
            "{path}"
        );
        assert_shape("/v1/messages", &answer);
    }
}

#[tokio::test]
async fn an_upgrade_is_refused_at_once() {
    let mut request = Request::get("/v1/responses")
        .body(Payload::default())
        .unwrap();
    request
        .headers_mut()
        .insert("upgrade", "websocket".parse().unwrap());
    let answer = ask(request).await;
    assert_eq!(
        (answer.status, answer.words().1),
        (426, Some("upgrade_not_supported"))
    );
}

#[tokio::test]
async fn the_unknown_model_is_named_as_the_vendors_do() {
    for path in PATHS {
        let answer = ask(post(path, r#"{"model":"no-such-model"}"#)).await;
        let message = answer.body["error"]["message"].as_str().unwrap();
        if is_messages(path) {
            assert_eq!(message, "model: no-such-model");
        } else {
            assert!(
                message.starts_with("The model `no-such-model` does not exist"),
                "{message}"
            );
            assert_eq!(answer.body["error"]["param"], "model");
        }
    }
}

#[tokio::test]
async fn duplicate_members_and_deep_nesting_are_refused() {
    for (body, param) in [
        (
            r#"{"model":"gpt-x","model":"gpt-y"}"#.to_owned(),
            json!("model"),
        ),
        (
            r#"{"model":"gpt-x","mod\u0065l":"gpt-y"}"#.to_owned(),
            json!("model"),
        ),
        (
            r#"{"model":"gpt-x","n":1,"\u006E":2}"#.to_owned(),
            json!("n"),
        ),
        (
            format!(
                r#"{{"model":"gpt-x","a":{}1{}}}"#,
                "[".repeat(100_000),
                "]".repeat(100_000)
            ),
            Value::Null,
        ),
        (
            format!(r#"{{"model":"gpt-x","a":{}"#, "{\"b\":".repeat(80_000)),
            Value::Null,
        ),
    ] {
        let answer = ask(post("/v1/chat/completions", body)).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.body["error"]["param"], param);
    }
    let nested = r#"{"model":"gpt-x","a":[{"model":1},{"model":2}]}"#;
    assert_eq!(ask(post("/v1/chat/completions", nested)).await.status, 200);
}

/// A body in pieces that never ends well.
struct Pieces {
    left: usize,
    polled: Arc<Mutex<usize>>,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        *self.polled.lock().unwrap() += 1;
        let Some(left) = self.left.checked_sub(1) else {
            return Poll::Ready(Some(Err(std::io::Error::other("reset"))));
        };
        self.left = left;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b' '; 1000])))))
    }
}

#[tokio::test]
async fn bodies_are_read_no_further_than_needed() {
    let polled = Arc::<Mutex<usize>>::default();
    let pieces = |left| Pieces {
        left,
        polled: polled.clone(),
    };
    // Declared too long: not read at all.
    let mut request = Request::post("/v1/messages").body(pieces(9)).unwrap();
    request
        .headers_mut()
        .insert("content-length", "600000".parse().unwrap());
    assert_eq!(ask_of(builder(), request).await.status, 413);
    assert_eq!(*polled.lock().unwrap(), 0);
    // Too long without a word of it.
    let request = Request::post("/v1/messages").body(pieces(100_000)).unwrap();
    assert_eq!(ask_of(builder(), request).await.status, 413);
    assert_eq!(*polled.lock().unwrap(), 501);
    // Broken off.
    let request = Request::post("/v1/chat/completions")
        .body(pieces(3))
        .unwrap();
    let answer = ask_of(builder(), request).await;
    assert_eq!(
        (answer.status, answer.words().1),
        (400, Some("request_aborted"))
    );
}

/// A body that never comes.
struct Silence;

impl Body for Silence {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stands_still_is_not_waited_for() {
    let started = tokio::time::Instant::now();
    for path in PATHS {
        let answer = ask_of(builder(), Request::post(path).body(Silence).unwrap()).await;
        assert_eq!(answer.status, 408);
        assert_shape(path, &answer);
    }
    assert_eq!(started.elapsed().as_secs(), 4 * 10);
}

/// A body of one blank every so many seconds, without an end.
struct Trickle(tokio::time::Interval);

impl Trickle {
    fn every(seconds: u64) -> Self {
        Self(tokio::time::interval(Duration::from_secs(seconds)))
    }
}

impl Body for Trickle {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_tick(cx)
            .map(|_| Some(Ok(Frame::data(Bytes::from_static(b" ")))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_is_not_waited_for_longer_than_its_time() {
    for (seconds, total, expected) in [(9, 1800, 60), (1, 1800, 60), (11, 1800, 10), (1, 5, 5)] {
        let started = tokio::time::Instant::now();
        let timeouts = Timeouts {
            total: Duration::from_secs(total),
            ..Timeouts::default()
        };
        let request = Request::post("/v1/messages").body(Trickle::every(seconds));
        let answer = ask_of(builder().timeouts(timeouts), request.unwrap()).await;
        assert_eq!(answer.status, 408);
        assert_eq!(started.elapsed().as_secs(), expected, "{seconds} {total}");
    }
}

#[tokio::test]
async fn a_limit_around_the_gateway_counts_too() {
    let request = Request::post("/v1/messages")
        .body(Limited::new(Full::from(body("/v1/messages")), 5))
        .unwrap();
    let answer = ask_of(builder(), request).await;
    assert_eq!(
        (answer.status, answer.words().0),
        (413, "request_too_large")
    );
}

#[tokio::test]
async fn client_keys() {
    let keyed = || builder().client_keys(ClientKeys::new().with("ci", "k1"));
    for path in PATHS {
        for request in [
            post(path, body(path)),
            with(post(path, body(path)), "authorization", "Bearer k2"),
            with(post(path, "not even read"), "x-api-key", ""),
        ] {
            let answer = ask_of(keyed(), request).await;
            assert_eq!(answer.status, 401);
            assert_eq!(answer.header("x-should-retry"), "false");
            assert_shape(path, &answer);
            let words = if is_messages(path) {
                ("authentication_error", None)
            } else {
                ("invalid_request_error", Some("invalid_api_key"))
            };
            assert_eq!(answer.words(), words);
        }
        for (name, value) in [("authorization", "Bearer k1"), ("x-api-key", "k1")] {
            let request = with(post(path, body(path)), name, value);
            assert_eq!(ask_of(keyed(), request).await.status, 200);
        }
    }
}

#[tokio::test]
async fn request_ids() {
    let path = "/v1/chat/completions";
    for id in ["abc", "A-b_c.9:/", &"x".repeat(128)] {
        let answer = ask(with(post(path, body(path)), "x-request-id", id)).await;
        assert_eq!(answer.header("x-gateway-request-id"), id);
        assert_eq!(answer.header("x-request-id"), id);
    }
    let mut seen = std::collections::HashSet::new();
    for id in ["", "a b", "a\tb", &"x".repeat(129)] {
        let answer = ask(with(post(path, body(path)), "x-request-id", id)).await;
        let new = answer.header("x-gateway-request-id").to_owned();
        assert!(new.starts_with("req_") && new != id, "{new}");
        assert!(seen.insert(new));
    }
    let answer = ask(with(
        post("/v1/messages", body("/v1/messages")),
        "x-request-id",
        "abc",
    ))
    .await;
    assert_eq!(answer.header("request-id"), "abc");
    assert!(!answer.headers.contains_key("x-request-id"));
}

/// A gateway whose client always fails; answers how often it was asked too.
async fn failing(class: ErrorClass, request: Request<Payload>) -> (Answer, usize, Option<Outcome>) {
    let asked = Arc::<Mutex<usize>>::default();
    let client = {
        let asked = asked.clone();
        service_fn(move |_: Request<Payload>| {
            *asked.lock().unwrap() += 1;
            async move { Err::<Response<Payload>, _>(Error::new(class, "canary: 10.0.0.1 refused")) }
        })
    };
    let response = builder()
        .build(client)
        .unwrap()
        .oneshot(request)
        .await
        .unwrap();
    let outcome = response.extensions().get::<Outcome>().cloned();
    let answer = read(response).await;
    let asked = *asked.lock().unwrap();
    (answer, asked, outcome)
}

#[tokio::test(start_paused = true)]
async fn errors_from_below_are_in_the_clients_format() {
    for path in PATHS {
        for (class, status, code, kind, tries) in [
            (ErrorClass::NeverSent, 502, "upstream_error", "api_error", 3),
            (
                ErrorClass::Incomplete,
                502,
                "upstream_error",
                "api_error",
                3,
            ),
            (ErrorClass::Ambiguous, 502, "upstream_error", "api_error", 3),
            (ErrorClass::Timeout, 504, "timeout", "timeout_error", 3),
            (ErrorClass::Deadline, 504, "timeout", "timeout_error", 1),
            (ErrorClass::Misuse, 500, "internal_error", "api_error", 1),
        ] {
            let (answer, asked, outcome) = failing(class, post(path, body(path))).await;
            assert_eq!((answer.status, asked), (status, tries), "{class:?}");
            assert_shape(path, &answer);
            if is_messages(path) {
                assert_eq!(answer.words(), (kind, None));
            } else {
                assert_eq!(answer.words(), ("server_error", Some(code)));
            }
            assert_eq!(answer.header("x-gateway-attempts"), tries.to_string());
            assert_eq!(answer.header("x-gateway-model"), model(path));
            let provider = if is_messages(path) {
                "anthropic"
            } else {
                "openai"
            };
            assert_eq!(answer.header("x-gateway-provider"), provider);
            assert_eq!(outcome.unwrap().provider.id(), provider);
            assert_eq!(answer.header("x-should-retry"), "false");
            assert!(!answer.body.to_string().contains("canary"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn errors_from_below_say_what_was_lost() {
    let body = r#"{"model":"claude-x","seed":7,"messages":[{"role":"user","content":"hi"}]}"#;
    let request = || post("/v1/chat/completions", body);
    let (answer, asked, outcome) = failing(ErrorClass::NeverSent, request()).await;
    assert_eq!((answer.status, asked), (502, 3));
    assert_eq!(answer.header("x-gateway-provider"), "anthropic");
    assert_eq!(answer.header("x-gateway-dropped"), "seed");
    assert_eq!(outcome.unwrap().report.dropped(), ["seed"]);
    // As answers do.
    assert_eq!(ask(request()).await.header("x-gateway-dropped"), "seed");
}

#[tokio::test(start_paused = true)]
async fn a_call_bounds_its_retries() {
    let path = "/v1/messages";
    for (value, tries) in [("0", 1), ("1", 2), ("10", 11)] {
        let request = with(post(path, body(path)), "x-gateway-max-retries", value);
        assert_eq!(failing(ErrorClass::NeverSent, request).await.1, tries);
    }
    for value in ["11", "-1", "", "x", "1.0", "99999999999"] {
        let request = with(post(path, body(path)), "x-gateway-max-retries", value);
        let (answer, asked, _) = failing(ErrorClass::NeverSent, request).await;
        assert_eq!((answer.status, asked), (400, 0), "{value}");
        let chat = "/v1/chat/completions";
        let request = with(post(chat, body(chat)), "x-gateway-max-retries", value);
        let (answer, ..) = failing(ErrorClass::NeverSent, request).await;
        assert_eq!(answer.body["error"]["param"], "x-gateway-max-retries");
    }
    // What the embedder says wins.
    let mut request = with(post(path, body(path)), "x-gateway-max-retries", "5");
    request
        .extensions_mut()
        .insert(CallOptions::new().max_retries(1));
    assert_eq!(failing(ErrorClass::NeverSent, request).await.1, 2);
}

#[tokio::test(start_paused = true)]
async fn an_embedder_chooses_target_and_time() {
    let target = Target::new(connection("mine", Provider::Anthropic)).model("special");
    let mut request = post("/v1/messages", r#"{"model":"nobody"}"#);
    request
        .extensions_mut()
        .insert(CallOptions::new().target(target));
    let answer = ask(request).await;
    assert_eq!(
        (answer.status, answer.header("x-gateway-connection")),
        (200, "mine")
    );
    assert_eq!(answer.header("x-gateway-model"), "special");

    let client = service_fn(|_: Request<Payload>| {
        std::future::pending::<Result<Response<Payload>, Infallible>>()
    });
    let mut request = post("/v1/messages", body("/v1/messages"));
    request
        .extensions_mut()
        .insert(CallOptions::new().deadline(Duration::from_secs(7)));
    let started = tokio::time::Instant::now();
    let answer = read(
        builder()
            .build(client)
            .unwrap()
            .oneshot(request)
            .await
            .unwrap(),
    )
    .await;
    assert_eq!((answer.status, started.elapsed().as_secs()), (504, 7));
}

#[tokio::test]
async fn a_service_of_any_error_may_stand_below() {
    let table = RouteTable::new(
        vec![Rule::new(
            "*",
            [Target::new(connection("a", Provider::Anthropic))],
        )],
        vec![],
    )
    .unwrap();
    let inner = service_fn(|request: Request<Payload>| async move {
        let attempt = request.extensions().get::<Attempt>().unwrap();
        assert_eq!(attempt.model(), "m");
        Err::<Response<Payload>, BoxError>("anything".into())
    });
    let request = post("/v1/messages", r#"{"model":"m"}"#);
    let answer = read(
        RouteLayer::new(Arc::new(table))
            .layer(inner)
            .oneshot(request)
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(answer.status, 502);
}

#[tokio::test]
async fn a_convert_layer_without_target_says_so() {
    let inner = service_fn(|_: Request<Payload>| async {
        Ok::<_, Infallible>(Response::new(Payload::default()))
    });
    let error = ConvertLayer::new()
        .layer(inner)
        .oneshot(post("/v1/messages", r#"{"model":"m"}"#))
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Misuse);
}

// What a provider's answer means, through all layers.

type Acts = Vec<(u16, &'static str, &'static str)>;

/// A gateway with two providers of the same format; answers which keys were sent where.
async fn fallback(acts: Acts, retries: u32) -> (Answer, Vec<(String, HeaderMap)>) {
    let (first, second) = (
        connection("one", Provider::OpenAi),
        connection("two", Provider::Groq),
    );
    let asked = Arc::<Mutex<Vec<_>>>::default();
    let client = {
        let asked = asked.clone();
        service_fn(move |request: Request<Payload>| {
            let mut asked = asked.lock().unwrap();
            let (status, header, body) = acts[asked.len().min(acts.len() - 1)];
            asked.push((
                request.uri().host().unwrap().to_owned(),
                request.headers().clone(),
            ));
            let mut response = Response::new(Payload::new(body));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            if let Some((name, value)) = header.split_once(": ") {
                response
                    .headers_mut()
                    .insert(http::HeaderName::from_static(name), value.parse().unwrap());
            }
            async move { Ok::<_, Infallible>(response) }
        })
    };
    let gateway = Gateway::builder()
        .rule(Rule::new("*", [Target::new(first), Target::new(second)]))
        .build(client)
        .unwrap();
    let mut request = post("/v1/chat/completions", r#"{"model":"m"}"#);
    request
        .extensions_mut()
        .insert(CallOptions::new().max_retries(retries));
    for name in ["authorization", "x-api-key", "openai-organization"] {
        request = with(request, name, "clients-own");
    }
    let answer = read(gateway.oneshot(request).await.unwrap()).await;
    let asked = asked.lock().unwrap().clone();
    (answer, asked)
}

#[tokio::test(start_paused = true)]
async fn nothing_of_one_provider_leaks_to_the_next() {
    let (answer, asked) = fallback(
        vec![(503, "retry-after: 9", "{}"), (200, "", "{\"ok\":1}")],
        2,
    )
    .await;
    assert_eq!(
        (answer.status, answer.header("x-gateway-connection")),
        (200, "two")
    );
    assert_eq!(answer.header("x-gateway-attempts"), "2");
    assert_eq!(answer.header("retry-after"), "");
    let [(one, first), (two, second)] = &asked[..] else {
        panic!()
    };
    assert_eq!((&**one, &**two), ("one.test", "two.test"));
    assert_eq!(first["authorization"], "Bearer key-one");
    assert_eq!(first["openai-organization"], "clients-own");
    assert_eq!(second["authorization"], "Bearer key-two");
    assert!(!second.contains_key("openai-organization") && !second.contains_key("x-api-key"));
    assert!(!format!("{second:?}").contains("key-one"));
}

#[tokio::test(start_paused = true)]
async fn statuses_are_retried_as_the_contract_says() {
    let error = r#"{"error":{"message":"m","type":"t","param":null,"code":null}}"#;
    for status in [408, 409, 429, 500, 502, 503, 504, 529] {
        let (answer, asked) = fallback(vec![(status, "", error), (200, "", "{}")], 2).await;
        assert_eq!((answer.status, asked.len()), (200, 2), "{status}");
    }
    for status in [400, 401, 402, 403, 404, 405, 413, 415, 422, 501] {
        let (answer, asked) = fallback(vec![(status, "", error)], 2).await;
        assert_eq!((answer.status, asked.len()), (status, 1), "{status}");
        assert_eq!(answer.header("x-gateway-connection"), "one");
        assert_eq!(
            answer.header("x-should-retry") == "false",
            [401, 402].contains(&status)
        );
    }
    let (_, asked) = fallback(
        vec![(400, "x-should-retry: true", error), (200, "", "{}")],
        2,
    )
    .await;
    assert_eq!(asked.len(), 2);
    let (answer, asked) = fallback(vec![(503, "x-should-retry: false", error)], 2).await;
    assert_eq!((answer.status, asked.len()), (503, 1));
    let (answer, asked) = fallback(vec![(429, "retry-after: 99", error)], 2).await;
    assert_eq!((answer.status, asked.len()), (429, 2));
    assert_eq!(
        (
            answer.header("retry-after"),
            answer.header("x-should-retry")
        ),
        ("99", "false")
    );
    // A quota does not come back within a retry, but another target may have one.
    let spent = (429, "", r#"{"error":{"code":"insufficient_quota"}}"#);
    let (answer, asked) = fallback(vec![spent, (200, "", "{}")], 2).await;
    assert_eq!((answer.status, asked.len()), (200, 2));
    let (answer, asked) = fallback(vec![spent, spent, (200, "", "{}")], 2).await;
    assert_eq!((answer.status, asked.len()), (429, 2));
    assert_eq!(answer.header("x-should-retry"), "false");
}

/// Who is answered before the end of the body must not send another request after it.
#[tokio::test]
async fn an_early_answer_ends_the_connection() {
    let path = "/v1/messages";
    let early = || with(post(path, body(path)), "content-length", "500001");
    let answer = ask(early()).await;
    assert_eq!((answer.status, answer.header("connection")), (413, "close"));
    let answer = ask(post(path, vec![b' '; 500_001])).await;
    assert_eq!((answer.status, answer.header("connection")), (413, "close"));
    let mut newer = early();
    *newer.version_mut() = http::Version::HTTP_2;
    let answer = ask(newer).await;
    assert_eq!((answer.status, answer.header("connection")), (413, ""));
    // The body was read, or there is none.
    let answer = ask(post(path, r#"{"model":"nobody"}"#)).await;
    assert_eq!((answer.status, answer.header("connection")), (404, ""));
    let answer = ask(Request::get(path).body(Payload::default()).unwrap()).await;
    assert_eq!((answer.status, answer.header("connection")), (405, ""));
}
