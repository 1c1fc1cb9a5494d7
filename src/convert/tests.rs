use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::time::{Instant, Sleep, sleep};
use tower::{Layer, Service, ServiceExt, service_fn};

use super::ConvertLayer;
use crate::auth::{AuthLayer, Credential};
use crate::body::{AnswerBody, Payload};
use crate::call::{Failure, FailureClass, Outcome};
use crate::error::{Error, ErrorClass};
use crate::provider::Provider;
use crate::settings::{ConvertSettings, Limits, Timeouts};
use crate::target::Target;
use crate::testing::connection;

/// Pieces of a body, and waits between them; at the end it ends, or hangs.
#[derive(Default)]
struct Script {
    steps: VecDeque<Step>,
    sleep: Option<Pin<Box<Sleep>>>,
}

#[derive(Clone)]
enum Step {
    Data(Bytes),
    Wait(u64),
    Hang,
    Break,
}
use Step::{Break, Hang, Wait};

fn data(text: impl Into<String>) -> Step {
    Step::Data(text.into().into())
}

impl Body for Script {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        loop {
            if let Some(sleep) = &mut self.sleep {
                if sleep.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                self.sleep = None;
            }
            return match self.steps.front().cloned() {
                Some(Hang) => Poll::Pending,
                step => {
                    self.steps.pop_front();
                    match step {
                        Some(Wait(seconds)) => {
                            self.sleep = Some(Box::pin(sleep(Duration::from_secs(seconds))));
                            continue;
                        }
                        Some(Step::Data(bytes)) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                        Some(Break) => Poll::Ready(Some(Err(std::io::Error::other("reset")))),
                        Some(Hang) | None => Poll::Ready(None),
                    }
                }
            };
        }
    }
}

fn layer(provider: Provider) -> ConvertLayer {
    ConvertLayer::to(Target::new(connection("c", provider)))
}

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";
const BODY: &str =
    r#"{"model":"claude-x","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
const STREAM: &str = r#"{"model":"claude-x","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#;

/// What a provider answers.
struct Given {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    head_after: u64,
    steps: Vec<Step>,
}

fn json(steps: impl IntoIterator<Item = Step>) -> Given {
    Given {
        status: 200,
        headers: vec![("content-type", "application/json")],
        head_after: 0,
        steps: steps.into_iter().collect(),
    }
}

fn events(steps: impl IntoIterator<Item = Step>) -> Given {
    Given {
        headers: vec![("content-type", "Text/Event-Stream; charset=utf-8")],
        ..json(steps)
    }
}

type Answer = Result<Response<AnswerBody<Script>>, Error>;

async fn ask(layer: ConvertLayer, path: &str, body: &'static str, given: Given) -> Answer {
    let mut given = Some(given);
    let provider = service_fn(move |_: Request<Payload>| {
        let given = given.take().expect("asked once");
        async move {
            sleep(Duration::from_secs(given.head_after)).await;
            let mut response = Response::new(Script {
                steps: given.steps.into(),
                sleep: None,
            });
            *response.status_mut() = StatusCode::from_u16(given.status).unwrap();
            for (name, value) in given.headers {
                response.headers_mut().append(name, value.parse().unwrap());
            }
            Ok::<_, Infallible>(response)
        }
    });
    let request = Request::post(path).body(Payload::new(body)).unwrap();
    layer.layer(provider).oneshot(request).await
}

/// All of an answer's body, and whether it broke.
async fn read(response: Response<AnswerBody<Script>>) -> (String, bool) {
    let mut body = std::pin::pin!(response.into_body());
    let mut text = Vec::new();
    let broken = loop {
        match body.frame().await {
            Some(Ok(frame)) => text.extend_from_slice(&frame.into_data().unwrap()),
            Some(Err(_)) => break true,
            None => break false,
        }
    };
    (String::from_utf8(text).unwrap(), broken)
}

fn failure(response: &Response<AnswerBody<Script>>) -> Failure {
    *response.extensions().get::<Failure>().unwrap()
}

fn small() -> Limits {
    Limits {
        response_body: 100,
        error_body: 100,
        ..Limits::default()
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_too_large_to_hold_is_relayed() {
    let piece = "x".repeat(60);
    let steps = || vec![data(&piece), Wait(1), data(&piece), Wait(1), data(&piece)];
    let given = Given {
        headers: vec![
            ("content-type", "application/json"),
            ("content-length", "180"),
        ],
        ..json(steps())
    };
    let response = ask(
        layer(Provider::Anthropic).limits(small()),
        MESSAGES,
        BODY,
        given,
    )
    .await
    .unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(!response.headers().contains_key("content-length"));
    assert_eq!(response.body().size_hint().exact(), None);
    assert_eq!(read(response).await, (piece.repeat(3), false));

    // It breaks behind what came, and has the clocks of a stream.
    for (end, took) in [(Break, 2), (Hang, 302)] {
        let started = Instant::now();
        let given = json(steps().into_iter().take(4).chain([end]));
        let response = ask(
            layer(Provider::Anthropic).limits(small()),
            MESSAGES,
            BODY,
            given,
        )
        .await
        .unwrap();
        assert_eq!(read(response).await, (piece.repeat(2), true));
        assert!(
            started.elapsed().as_secs().abs_diff(took) <= 1,
            "{:?}",
            started.elapsed()
        );
    }
}

#[tokio::test]
async fn an_answer_too_large_to_convert_is_a_502() {
    let given = json([data("x".repeat(200))]);
    let response = ask(
        layer(Provider::Anthropic).limits(small()),
        CHAT,
        BODY,
        given,
    )
    .await
    .unwrap();
    assert_eq!(
        (response.status(), failure(&response).class()),
        (StatusCode::BAD_GATEWAY, FailureClass::Final)
    );
}

#[tokio::test]
async fn an_error_body_over_the_limit_keeps_its_status() {
    let given = Given {
        status: 400,
        ..json([data(format!(
            r#"{{"type":"error","error":{{"message":"{}"}}}}"#,
            "m".repeat(500)
        ))])
    };
    let response = ask(
        layer(Provider::Anthropic).limits(small()),
        MESSAGES,
        BODY,
        given,
    )
    .await
    .unwrap();
    assert_eq!(response.status(), 400);
    let (text, _) = read(response).await;
    serde_json::from_str::<serde_json::Value>(&text).expect(&text);
}

#[tokio::test(start_paused = true)]
async fn head_and_first_event_share_a_clock() {
    for (head_after, steps) in [
        (61, vec![]),
        (40, vec![Hang]),
        (40, vec![data(": hi\n\n"), Wait(19), data(": hi\n\n"), Hang]),
        (
            0,
            (0..100)
                .flat_map(|_| [data("event: ping\ndata: {\"type\":\"ping\"}\n\n"), Wait(1)])
                .collect(),
        ),
    ] {
        let started = Instant::now();
        let given = Given {
            head_after,
            ..events(steps)
        };
        let error = ask(layer(Provider::Anthropic), MESSAGES, STREAM, given)
            .await
            .unwrap_err();
        assert_eq!(
            (error.class(), started.elapsed().as_secs()),
            (ErrorClass::Timeout, 60)
        );
    }
    let error = ask(
        layer(Provider::Anthropic),
        MESSAGES,
        BODY,
        Given {
            head_after: 601,
            ..json([])
        },
    )
    .await
    .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Timeout);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_stands_still_is_a_timeout() {
    let started = Instant::now();
    let given = json([data("{"), Wait(299), data(" "), Hang]);
    let error = ask(layer(Provider::Anthropic), MESSAGES, BODY, given)
        .await
        .unwrap_err();
    assert_eq!(
        (error.class(), started.elapsed().as_secs()),
        (ErrorClass::Timeout, 599)
    );

    // A trickle ends with the call's time.
    let started = Instant::now();
    let given = json((0..100).flat_map(|_| [data(" "), Wait(200)]));
    let error = ask(layer(Provider::Anthropic), MESSAGES, BODY, given)
        .await
        .unwrap_err();
    assert_eq!(
        (error.class(), started.elapsed().as_secs()),
        (ErrorClass::Deadline, 1800)
    );
}

#[tokio::test(start_paused = true)]
async fn no_clock_overflows() {
    let mut timeouts = Timeouts::default();
    (
        timeouts.first_byte,
        timeouts.first_byte_stream,
        timeouts.idle,
    ) = (Duration::MAX, Duration::MAX, Duration::MAX);
    for body in [BODY, STREAM] {
        let layer = layer(Provider::Anthropic).timeouts(timeouts);
        let error = ask(layer, MESSAGES, body, json([data("{"), Hang]))
            .await
            .unwrap_err();
        assert_eq!(error.class(), ErrorClass::Deadline);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_may_be_asked_for_again() {
    let error = ask(
        layer(Provider::Anthropic),
        MESSAGES,
        BODY,
        json([data("{"), Break]),
    )
    .await
    .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Ambiguous);
    // An error's status is worth more than its body.
    let given = Given {
        status: 403,
        ..json([data("{"), Break])
    };
    assert_eq!(
        ask(layer(Provider::Anthropic), MESSAGES, BODY, given)
            .await
            .unwrap()
            .status(),
        403
    );
}

#[tokio::test]
async fn the_answer_decides_whether_it_is_a_stream() {
    const STOP: &str = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let stop = || [data(STOP)];
    for (asked, given, media_type) in [
        (BODY, events(stop()), "Text/Event-Stream; charset=utf-8"),
        (
            STREAM,
            Given {
                headers: vec![],
                ..events(stop())
            },
            "text/event-stream; charset=utf-8",
        ),
        (STREAM, json(stop()), "application/json"),
    ] {
        let response = ask(layer(Provider::Anthropic), MESSAGES, asked, given)
            .await
            .unwrap();
        assert_eq!(response.headers()["content-type"], media_type);
        assert_eq!(read(response).await, (STOP.to_owned(), false));
    }
}

#[tokio::test]
async fn without_a_peek_the_first_error_stays_in_the_stream() {
    const ERROR: &str = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}\n\n";
    let settings = ConvertSettings {
        peek: false,
        ..ConvertSettings::default()
    };
    let response = ask(
        layer(Provider::Anthropic).settings(settings),
        MESSAGES,
        STREAM,
        events([data(ERROR)]),
    )
    .await
    .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(read(response).await, (ERROR.to_owned(), false));
    let response = ask(
        layer(Provider::Anthropic),
        MESSAGES,
        STREAM,
        events([data(ERROR)]),
    )
    .await
    .unwrap();
    assert_eq!(
        (response.status().as_u16(), failure(&response).class()),
        (529, FailureClass::Refused)
    );
    assert_eq!(failure(&response).status().unwrap().as_u16(), 529);
}

#[tokio::test]
async fn a_wait_asked_for_in_the_body_counts() {
    let body = r#"[{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}]}}]"#;
    let given = |headers| Given {
        status: 429,
        headers,
        ..json([data(body)])
    };
    let response = ask(layer(Provider::Gemini), CHAT, BODY, given(vec![]))
        .await
        .unwrap();
    assert_eq!(response.headers()["retry-after"], "34");
    assert_eq!(
        failure(&response).retry_after(),
        Some(Duration::from_secs(34))
    );
    let response = ask(
        layer(Provider::Gemini),
        CHAT,
        BODY,
        given(vec![("retry-after", "5")]),
    )
    .await
    .unwrap();
    assert_eq!(response.headers()["retry-after"], "5");
    assert_eq!(
        failure(&response).retry_after(),
        Some(Duration::from_secs(5))
    );
}

const BEGIN: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-x\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"so far\"}}\n\n";
const END: &str = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":5}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

#[tokio::test(start_paused = true)]
async fn a_converted_stream_that_is_cut_ends_with_an_error() {
    for (cut, code) in [
        (vec![], "upstream_stream_ended"),
        (vec![Break], "upstream_stream_ended"),
        (vec![data("event: mess"), Break], "upstream_stream_ended"),
        (vec![Hang], "timeout"),
    ] {
        let steps = [data(BEGIN)].into_iter().chain(cut);
        let response = ask(layer(Provider::Anthropic), CHAT, STREAM, events(steps))
            .await
            .unwrap();
        let outcome = response.extensions().get::<Outcome>().unwrap().clone();
        let (text, broken) = read(response).await;
        assert!(!broken && text.contains("\"so far\""), "{text}");
        let last = text.trim_end().rsplit("\n\n").next().unwrap();
        assert!(
            last.starts_with("data: {\"error\":{") && last.contains(code),
            "{last}"
        );
        assert!(
            !text.contains("[DONE]") && !text.contains("\"stop\""),
            "{text}"
        );
        assert_eq!(outcome.usage.get().unwrap().input, Some(7));
    }
    for end in [vec![], vec![Break], vec![Hang]] {
        let steps = [data(BEGIN), data(END)].into_iter().chain(end);
        let response = ask(layer(Provider::Anthropic), CHAT, STREAM, events(steps))
            .await
            .unwrap();
        let outcome = response.extensions().get::<Outcome>().unwrap().clone();
        let (text, broken) = read(response).await;
        assert!(
            !broken && text.ends_with("data: [DONE]\n\n") && !text.contains("\"error\""),
            "{text}"
        );
        assert_eq!(outcome.usage.get().unwrap().output, Some(5));
    }
}

// The layers alone.

#[tokio::test]
async fn alone_the_layer_answers_what_it_cannot_send() {
    for (path, body, status) in [
        ("/v1/embeddings", BODY, 404),
        (MESSAGES, "{", 400),
        (MESSAGES, "{}", 400),
        ("/v1/responses", BODY, 400),
    ] {
        let layer = layer(Provider::Anthropic);
        let mut service = layer.layer(service_fn(|_: Request<Payload>| async {
            panic!("nothing is sent");
            #[expect(unreachable_code, reason = "the type of the client")]
            Ok::<Response<Script>, Infallible>(Response::default())
        }));
        let request = Request::post(path).body(Payload::new(body)).unwrap();
        let response = service.ready().await.unwrap().call(request).await.unwrap();
        assert_eq!(response.status(), status, "{path}");
    }
}

async fn authorised(layer: AuthLayer, headers: &[(&'static str, &'static str)]) -> HeaderMap {
    let client = service_fn(|request: Request<Payload>| async move {
        let mut response = Response::new(Payload::default());
        *response.headers_mut() = request.headers().clone();
        Ok::<_, Infallible>(response)
    });
    let mut request = Request::new(Payload::default());
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    layer
        .layer(client)
        .oneshot(request)
        .await
        .unwrap()
        .headers()
        .clone()
}

#[tokio::test]
async fn alone_the_auth_layer_strips_and_injects() {
    let sent = [
        ("authorization", "Bearer canary"),
        ("authorization", "Basic canary"),
        ("proxy-authorization", "canary"),
        ("x-api-key", "canary"),
        ("api-key", "canary"),
        ("x-goog-api-key", "canary"),
        ("cookie", "canary"),
        ("x-amz-security-token", "canary"),
        ("x-amz-date", "canary"),
        ("x-other", "stays"),
    ];
    for (provider, name, value) in [
        (Provider::Anthropic, "x-api-key", "k"),
        (Provider::OpenAi, "authorization", "Bearer k"),
    ] {
        let layer = AuthLayer::with(provider, &Credential::api_key("k")).unwrap();
        let headers = authorised(layer, &sent).await;
        assert_eq!(headers.len(), 2);
        assert_eq!(headers[name], value);
        assert_eq!(headers["x-other"], "stays");
        assert!(headers[name].is_sensitive());
    }
    let headers = authorised(AuthLayer::new(), &sent).await;
    assert_eq!(headers.keys().collect::<Vec<_>>(), ["x-other"]);
    assert!(AuthLayer::with(Provider::OpenAi, &Credential::api_key("a\nb")).is_err());
}

#[tokio::test]
async fn a_connections_own_headers_are_sent() {
    let connection = crate::target::Connection::builder("c", Provider::OpenAi)
        .credential(Credential::api_key("k"))
        .header("openai-organization", "org")
        .build()
        .unwrap();
    let client = service_fn(|request: Request<Payload>| async move {
        assert_eq!(request.headers()["openai-organization"], "org");
        assert_eq!(request.headers()["authorization"], "Bearer k");
        assert!(request.extensions().is_empty());
        Ok::<_, Infallible>(Response::new(Payload::new("{}")))
    });
    let service =
        ConvertLayer::to(Target::new(Arc::new(connection))).layer(AuthLayer::new().layer(client));
    let request = Request::post(CHAT)
        .header("openai-organization", "clients")
        .body(Payload::new(BODY))
        .unwrap();
    assert_eq!(service.oneshot(request).await.unwrap().status(), 200);
}
