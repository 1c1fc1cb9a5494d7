//! Where calls go: conditions of routes, and the capacity of connections, with scripted providers.

#[path = "routing/added.rs"]
mod added;
pub mod support;

use std::time::Duration;

use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use support::upstream::{Reply, Upstream};
use tokio::time::timeout;
use tower::ServiceExt;
use tower_llm_gateway::client::{ClientBuilder, HttpsClient};
use tower_llm_gateway::config::Config;
use tower_llm_gateway::settings::Timeouts;
use tower_llm_gateway::{Gateway, Payload};

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const MESSAGES: &str = "/v1/messages";
const PATHS: [&str; 3] = [CHAT, RESPONSES, MESSAGES];

/// A provider that answers every format with what passes through.
fn provider() -> Upstream {
    Upstream::start(|_| Reply::json(200, "{}"))
}

/// A connection of each format: `NAME-o` and `NAME-a`.
fn connections(name: &str, upstream: &Upstream, capacity: &str) -> String {
    let url = upstream.url();
    ["openai", "anthropic"]
        .map(|provider| {
            let letter = &provider[..1];
            format!(
                "[connections.{name}-{letter}]\nprovider = \"{provider}\"\nbase_url = \"{url}\"\napi_key = \"k\"\n{capacity}\n"
            )
        })
        .concat()
}

fn gateway(config: &str) -> Gateway<HttpsClient> {
    let config: Config = toml::from_str(config).unwrap();
    let client = ClientBuilder::new(&Timeouts::default()).build().unwrap();
    let builder = config.gateway(|_| None).unwrap();
    builder.build(client).unwrap()
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// The connection's name without its format.
    fn place(&self) -> &str {
        let name = self.header("x-gateway-connection");
        name.split_once('-').map_or(name, |(place, _)| place)
    }
}

async fn ask(gateway: &Gateway<HttpsClient>, path: &str, body: &Value) -> Answer {
    let request = Request::post(path).body(Payload::new(body.to_string()));
    let answer = gateway.clone().oneshot(request.unwrap());
    let response: Response<_> = timeout(PATIENCE, answer).await.expect("it hangs").unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    }
}

/// A request of each format that says this, with these parts and tools.
fn says(path: &str, text: &str, image: bool, tools: bool) -> Value {
    let model = if path == MESSAGES { "m-a" } else { "m-o" };
    let (list, kind) = match path {
        RESPONSES => ("input", "input_text"),
        _ => ("messages", "text"),
    };
    let mut parts = vec![json!({"type": kind, "text": text})];
    if image {
        parts.push(match path {
            CHAT => json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}),
            RESPONSES => json!({"type": "input_image", "image_url": "data:image/png;base64,AA=="}),
            _ => json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}),
        });
    }
    let mut body = json!({"model": model, "max_tokens": 9});
    body[list] = json!([{"role": "user", "content": parts}]);
    if tools {
        body["tools"] = json!([{"type": "function", "name": "f"}]);
    }
    body
}

fn said(path: &str, text: &str) -> Value {
    says(path, text, false, false)
}

/// Routes of both formats: with the condition to `b`, all others to `a`.
fn conditional(when: &str) -> String {
    ["o", "a"]
        .map(|letter| {
            format!(
                "[[routes]]\nmodel = \"m-{letter}\"\nwhen = {when}\ntargets = [{{ connection = \"b-{letter}\" }}]\n\
                 [[routes]]\nmodel = \"*-{letter}\"\ntargets = [{{ connection = \"a-{letter}\" }}]\n"
            )
        })
        .concat()
}

async fn goes_by(when: &str, yes: impl Fn(&str) -> Value, no: impl Fn(&str) -> Value) {
    let (a, b) = (provider(), provider());
    let connections = connections("a", &a, "") + &connections("b", &b, "");
    let gateway = gateway(&(connections + &conditional(when)));
    for path in PATHS {
        for (body, place) in [(yes(path), "b"), (no(path), "a")] {
            let answer = ask(&gateway, path, &body).await;
            assert_eq!(
                (answer.status, answer.place()),
                (200, place),
                "{when} {body}"
            );
        }
    }
    // What went out is what the client sent.
    assert_eq!((a.requests().len(), b.requests().len()), (3, 3));
    for (path, request) in PATHS.into_iter().zip(b.requests()) {
        assert_eq!(request.text(), yes(path).to_string());
    }
}

#[tokio::test]
async fn long_prompts() {
    let long = "word ".repeat(2000);
    let when = "{ min_input_tokens = 2000 }";
    goes_by(when, |path| said(path, &long), |path| said(path, "short")).await;
    let when = "{ max_input_tokens = 1999 }";
    goes_by(when, |path| said(path, "short"), |path| said(path, &long)).await;
}

#[tokio::test]
async fn tools() {
    let with = |path: &str| says(path, "x", false, true);
    let without = |path: &str| said(path, "x");
    goes_by("{ tools = true }", with, without).await;
    goes_by("{ tools = false }", without, with).await;
}

#[tokio::test]
async fn images() {
    let with = |path: &str| says(path, "x", true, false);
    let without = |path: &str| said(path, "image_url input_image image");
    goes_by("{ images = true }", with, without).await;
    goes_by("{ images = false }", without, with).await;
}

#[tokio::test]
async fn what_the_user_said_last() {
    let yes = |path: &str| said(path, "Please THINK hard.");
    goes_by("{ last_message = \"think hard\" }", yes, |path| {
        said(path, "I rethink hardly")
    })
    .await;
    goes_by("{ last_message = \"please*\" }", yes, |path| {
        said(path, "Now please")
    })
    .await;
    // All of a condition must hold.
    let when = "{ last_message = \"think\", images = false }";
    goes_by(when, yes, |path| says(path, "think", true, false)).await;
}

#[tokio::test]
async fn error_rate_of_the_primary() {
    let spare = provider();
    let broken = Upstream::start(|request| match request.contains("fine") {
        true => Reply::json(200, "{}"),
        false => Reply::json(500, "{}"),
    });
    let rate = "{ error_rate = { connection = \"a-o\", above_percent = 40, over = \"5m\", min_tries = 4 } }";
    let config = "retry = { max_retries = 0 }\n".to_owned()
        + &connections("a", &broken, "")
        + &connections("b", &spare, "")
        + &conditional(rate);
    let gateway = gateway(&config);
    for (text, status, place) in [
        ("fine", 200, "a"),
        ("fine", 200, "a"),
        ("x", 500, "a"),
        // One of three: too few.
        ("x", 500, "a"),
        // Two of four.
        ("x", 200, "b"),
        ("fine", 200, "b"),
    ] {
        let answer = ask(&gateway, CHAT, &said(CHAT, text)).await;
        assert_eq!((answer.status, answer.place()), (status, place), "{text}");
    }
}

#[tokio::test]
async fn a_model_that_only_failed_conditions_lead_to_is_unknown() {
    let a = provider();
    let rule = "[[routes]]\nmodel = \"m-o\"\nwhen = { tools = true }\ntargets = [{ connection = \"a-o\" }]\n";
    let gateway = gateway(&(connections("a", &a, "") + rule));
    let answer = ask(&gateway, CHAT, &said(CHAT, "x")).await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.body["error"]["code"], "model_not_found");
    assert!(a.requests().is_empty());
}

/// Routes of both formats: to `a`, and when that is full to `b`.
fn fallback() -> String {
    ["o", "a"]
        .map(|letter| {
            format!(
                "[[routes]]\nmodel = \"m-{letter}\"\ntargets = [{{ connection = \"a-{letter}\" }}, {{ connection = \"b-{letter}\" }}]\n"
            )
        })
        .concat()
}

/// A full house in the client's own words.
fn assert_full(path: &str, answer: &Answer) {
    assert_eq!(answer.status, 429);
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(answer.header("x-gateway-attempts"), "0");
    let error = &answer.body["error"];
    assert_eq!(error["type"], "rate_limit_error");
    if path == MESSAGES {
        assert_eq!(answer.body["type"], "error");
    } else {
        assert_eq!(error["code"], "rate_limit_exceeded");
    }
}

#[tokio::test]
async fn requests_per_minute_steer_and_then_refuse() {
    let (a, b) = (provider(), provider());
    let one = "capacity = { requests_per_minute = 1 }";
    let config = connections("a", &a, one) + &connections("b", &b, one) + &fallback();
    for path in PATHS {
        let gateway = gateway(&config);
        for place in ["a", "b"] {
            let answer = ask(&gateway, path, &said(path, "x")).await;
            assert_eq!((answer.status, answer.place()), (200, place));
            assert_eq!(answer.header("x-gateway-attempts"), "1");
        }
        let before = a.requests().len() + b.requests().len();
        assert_full(path, &ask(&gateway, path, &said(path, "x")).await);
        assert_eq!(a.requests().len() + b.requests().len(), before);
    }
}

#[tokio::test]
async fn tokens_per_minute_steer_by_the_estimate_and_by_what_was_used() {
    let used = r#"{"choices":[],"usage":{"prompt_tokens":900,"completion_tokens":100,"total_tokens":1000}}"#;
    let (a, b) = (Upstream::start(move |_| Reply::json(200, used)), provider());
    let config = connections("a", &a, "capacity = { tokens_per_minute = 3000 }")
        + &connections("b", &b, "")
        + &fallback();
    let gateway = gateway(&config);
    let (short, long) = (said(CHAT, "x"), said(CHAT, &"word ".repeat(2200)));
    for (body, place) in [
        (&short, "a"),
        // The short ones cost a thousand each, as it turned out: what is left is too little for a long one.
        (&long, "b"),
        (&short, "a"),
        (&short, "a"),
        (&long, "b"),
    ] {
        assert_eq!(ask(&gateway, CHAT, body).await.place(), place);
    }
}

#[tokio::test]
async fn limits_that_providers_tell_steer_before_they_refuse() {
    for (path, headers) in [
        (
            CHAT,
            vec![
                ("x-ratelimit-limit-requests", "100"),
                ("x-ratelimit-remaining-requests", "0"),
                ("x-ratelimit-reset-requests", "59m0s"),
            ],
        ),
        (CHAT, vec![("x-ratelimit-remaining-tokens", "2")]),
        (
            MESSAGES,
            vec![
                ("anthropic-ratelimit-requests-remaining", "0"),
                ("anthropic-ratelimit-requests-reset", "2999-01-01T00:00:00Z"),
            ],
        ),
        (
            MESSAGES,
            vec![("anthropic-ratelimit-input-tokens-remaining", "2")],
        ),
    ] {
        let told = headers.clone();
        let a = Upstream::start(move |_| {
            let reply = Reply::json(200, "{}");
            told.iter()
                .fold(reply, |reply, (name, value)| reply.header(name, value))
        });
        let b = provider();
        let both = connections("a", &a, "") + &connections("b", &b, "") + &fallback();
        let gateway = gateway(&both);
        for place in ["a", "b", "b"] {
            let answer = ask(&gateway, path, &said(path, "x")).await;
            assert_eq!((answer.status, answer.place()), (200, place), "{headers:?}");
        }
        // Where there is no other place, nothing is refused.
        let direct = format!("a-{}/m", if path == MESSAGES { "a" } else { "o" });
        let mut body = said(path, "x");
        body["model"] = direct.into();
        for _ in 0..2 {
            assert_eq!(ask(&gateway, path, &body).await.status, 200, "{headers:?}");
        }
    }
}

#[tokio::test]
async fn a_fallback_without_capacity_is_passed_over() {
    let (broken, b, c) = (
        Upstream::start(|_| Reply::json(503, "{}")),
        provider(),
        provider(),
    );
    let config = connections("a", &broken, "")
        + &connections("b", &b, "capacity = { requests_per_minute = 1 }")
        + &connections("c", &c, "")
        + "[[routes]]\nmodel = \"m-o\"\ntargets = [{ connection = \"a-o\" }, { connection = \"b-o\" }, { connection = \"c-o\" }]\n";
    let gateway = gateway(&config);
    for place in ["b", "c"] {
        let answer = ask(&gateway, CHAT, &said(CHAT, "x")).await;
        assert_eq!((answer.status, answer.place()), (200, place));
    }
    assert_eq!((b.requests().len(), c.requests().len()), (1, 1));
}

#[tokio::test]
async fn retries_count_too() {
    let a = Upstream::start(|_| Reply::json(503, "{}"));
    let config = "retry = { backoff_min = \"1ms\", backoff_max = \"2ms\", max_retries = 9 }\n"
        .to_owned()
        + &connections("a", &a, "capacity = { requests_per_minute = 3 }");
    let gateway = gateway(&config);
    let mut body = said(CHAT, "x");
    body["model"] = "a-o/m".into();
    let answer = ask(&gateway, CHAT, &body).await;
    // The provider's own last word, then nothing at all is sent.
    assert_eq!(
        (answer.status, answer.header("x-gateway-attempts")),
        (503, "3")
    );
    assert_full(CHAT, &ask(&gateway, CHAT, &body).await);
    assert_eq!(a.requests().len(), 3);
}

#[tokio::test]
async fn routes_replace_what_clients_give() {
    let a = provider();
    let route = "[[routes]]\nmodel = \"m-o\"\ndefaults = { max_tokens = 50, reasoning_effort = \"low\", replace = true }\n\
                 targets = [{ connection = \"a-o\" }]\n";
    let gateway = gateway(&(connections("a", &a, "") + route));
    let own =
        json!({"model": "m-o", "max_tokens": 3000, "reasoning_effort": "high", "messages": []});
    let answer = ask(&gateway, CHAT, &own).await;
    assert_eq!(
        answer.header("x-gateway-approximated"),
        "max_tokens,reasoning_effort"
    );
    let sent = a.requests()[0].json();
    assert_eq!(sent["max_tokens"], 50);
    assert_eq!(sent["reasoning_effort"], "low");
}

#[tokio::test]
async fn routes_give_defaults_and_headers() {
    let a = provider();
    let route = "[[routes]]\nmodel = \"m-o\"\ndefaults = { max_tokens = 50, reasoning_effort = \"low\" }\n\
                 headers = { x-team = \"search\", x-kind = \"route\" }\n\
                 targets = [{ connection = \"a-o\", headers = { x-kind = \"target\" } }]\n";
    let gateway = gateway(&(connections("a", &a, "") + route));
    let body = json!({"model": "m-o", "messages": []});
    let answer = ask(&gateway, CHAT, &body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("x-gateway-approximated"),
        "max_completion_tokens,reasoning_effort"
    );
    // A client that says it itself is left alone.
    let own = json!({"model": "m-o", "max_tokens": 3, "reasoning_effort": "high", "messages": []});
    let answer = ask(&gateway, CHAT, &own).await;
    assert_eq!(answer.header("x-gateway-approximated"), "");
    let requests = a.requests();
    let first = &requests[0];
    let text = body.to_string();
    let rest = text.strip_prefix('{').unwrap();
    assert_eq!(
        first.text(),
        format!("{{\"max_completion_tokens\":50,\"reasoning_effort\":\"low\",{rest}")
    );
    assert_eq!(first.header("x-team"), Some("search"));
    assert_eq!(first.header("x-kind"), Some("target"));
    assert_eq!(requests[1].text(), own.to_string());
    // Without the route there is none of it.
    let mut direct = body.clone();
    direct["model"] = "a-o/m".into();
    ask(&gateway, CHAT, &direct).await;
    assert_eq!(a.requests()[2].header("x-team"), None);

    // Messages clients' requests are converted from what was added.
    let mut messages = said(MESSAGES, "x");
    messages["model"] = "m-o".into();
    messages.as_object_mut().unwrap().remove("max_tokens");
    let answer = ask(&gateway, MESSAGES, &messages).await;
    assert!(
        answer
            .header("x-gateway-approximated")
            .contains("max_tokens")
    );
    let sent = a.requests()[3].json();
    assert_eq!(sent["max_output_tokens"], 50, "{sent}");
    assert_eq!(sent["reasoning"]["effort"], "low", "{sent}");
}
