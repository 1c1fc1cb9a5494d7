use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use tower::{Service, ServiceExt};

use super::testing::{
    ANSWER, Act, CHAT, Calls, ERROR, MESSAGES, PING, START, STOP, Script, Step, TEXT, TOOL, events,
    json, post, question, setup, setup_with,
};
use super::{Arrival, AttemptRecord, CallObserver, CallRecord, End, Observer};
use crate::body::Payload;
use crate::call::{Attempt, CallOptions};
use crate::error::ErrorClass;
use crate::price::{Price, PriceTable};
use crate::provider::Provider;
use crate::route::ClientKeys;
use crate::target::Target;
use crate::testing::connection;

#[tokio::test]
async fn a_whole_answer_tells_everything() {
    for path in [CHAT, MESSAGES] {
        let setup = setup_with([json(ANSWER)], |builder| {
            builder.client_keys(ClientKeys::new().with("ci", "secret-canary"))
        });
        let mut request = question(path, "alias", false);
        for (name, value) in [
            ("x-api-key", "secret-canary"),
            ("x-request-id", "mine"),
            ("x-stainless-retry-count", "2"),
        ] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        request
            .extensions_mut()
            .insert(CallOptions::new().tag("tenant", "t1"));
        let (response, record) = setup.ask_all(request).await;
        // 1000 × 2 + 400 × 0.5 + 30 × 10 per million
        assert_eq!(response.headers()["x-gateway-cost"], "0.0025");
        assert_eq!(record.cost.unwrap().to_string(), "0.0025");
        assert_eq!(record.request_id, "mine");
        assert_eq!(record.endpoint.unwrap().path(), path);
        assert_eq!(record.client.as_deref(), Some("ci"));
        assert_eq!(record.requested_model.as_deref(), Some("alias"));
        assert_eq!(record.route.as_deref(), Some("alias"));
        assert_eq!(record.model.as_deref(), Some("claude-real"));
        assert_eq!(record.model_label(), Some("claude-real"));
        assert_eq!(
            record.answered_model.as_deref(),
            Some("claude-real-20260101")
        );
        assert_eq!(record.provider, Some(Provider::Anthropic));
        assert_eq!(record.connection.as_deref(), Some("ant"));
        assert_eq!(record.status, Some(StatusCode::OK));
        assert_eq!(record.usage.prompt(), 1400);
        assert_eq!(record.usage.reasoning, Some(7));
        assert_eq!(record.time_to_first_event, None);
        assert_eq!((record.end, record.is_success()), (End::Complete, true));
        assert_eq!((record.client_retry, record.sent()), (2, 1));
        assert_eq!(&*record.tags[0].0, "tenant");
        let call = &record.tool_calls[0];
        assert_eq!((&*call.id, &*call.name), ("toolu_1", "look"));
        let finish = if path == CHAT {
            "tool_calls"
        } else {
            "tool_use"
        };
        assert_eq!(record.finish_reason.as_deref(), Some(finish));
        assert!(!format!("{record:?}").contains("canary"));
    }
}

#[tokio::test]
async fn streams_tell_as_much_converted_or_not() {
    for path in [CHAT, MESSAGES, "/v1/responses"] {
        let steps = [PING, START, TEXT, TOOL, STOP].map(Step::Data);
        let setup = setup([events(steps)]);
        let request = if path == "/v1/responses" {
            post(path, r#"{"model":"alias","stream":true,"input":"Hi"}"#)
        } else {
            question(path, "alias", true)
        };
        let (response, record) = setup.ask_all(request).await;
        assert!(!response.headers().contains_key("x-gateway-cost"));
        assert!(record.stream);
        assert_eq!(
            (record.usage.input, record.usage.output),
            (Some(11), Some(20))
        );
        assert_eq!(record.cost.unwrap().to_string(), "0.000222");
        assert!(record.time_to_first_event.is_some(), "{path}");
        assert_eq!(
            (record.end, record.stream_error.as_deref()),
            (End::Complete, None)
        );
        assert_eq!(
            record.answered_model.as_deref(),
            Some("claude-real-1"),
            "{path}"
        );
        let [call] = &record.tool_calls[..] else {
            panic!("{path}: {:?}", record.tool_calls)
        };
        assert_eq!((&*call.id, &*call.name), ("toolu_1", "look"));
        let finish = match path {
            CHAT => "tool_calls",
            MESSAGES => "tool_use",
            _ => "completed",
        };
        assert_eq!(record.finish_reason.as_deref(), Some(finish));
    }
}

/// Reads `count` frames, then leaves.
async fn leave_after(response: Response<Calls>, count: usize) {
    let mut body = Box::pin(response.into_body());
    for _ in 0..count {
        body.frame().await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_told_apart_from_one_that_has_all() {
    for path in [CHAT, MESSAGES] {
        let setup = setup([
            events([Step::Data(START), Step::Data(TEXT), Step::Hang]),
            events([Step::Data(START), Step::Data(STOP), Step::Hang]),
        ]);
        leave_after(setup.ask(question(path, "alias", true)).await, 1).await;
        let record = setup.notes.one();
        assert!(record.is_cancelled() && !record.is_success(), "{path}");
        assert_eq!(
            (record.usage.input, record.usage.output),
            (Some(11), Some(1))
        );
        assert_eq!(record.cost.unwrap().to_string(), "0.000032");
        setup.notes.0.lock().unwrap().clear();
        // The last event is enough for a client.
        leave_after(setup.ask(question(path, "alias", true)).await, 1).await;
        assert_eq!(setup.notes.one().end, End::Complete, "{path}");
    }
    // A whole answer that is not fetched.
    let setup = setup([json(ANSWER)]);
    drop(setup.ask(question(CHAT, "alias", false)).await);
    assert!(setup.notes.one().is_cancelled());
}

#[tokio::test]
async fn streams_that_fail_in_the_middle_say_why() {
    for (path, last, word) in [
        (CHAT, None, "upstream_stream_ended"),
        (MESSAGES, None, "api_error"),
        (CHAT, Some(Step::Data(ERROR)), "overloaded_error"),
        (MESSAGES, Some(Step::Data(ERROR)), "overloaded_error"),
        (CHAT, Some(Step::Break), "upstream_stream_ended"),
    ] {
        let setup = setup([events(
            [Step::Data(START), Step::Data(TEXT)]
                .into_iter()
                .chain(last.clone()),
        )]);
        let (_, record) = setup.ask_all(question(path, "alias", true)).await;
        assert_eq!(record.end, End::Broken, "{path} {last:?}");
        assert_eq!(record.status, Some(StatusCode::OK));
        assert_eq!(record.usage.input, Some(11));
        let error = record.stream_error.as_deref().unwrap();
        assert!(
            error == word || error == "server_error",
            "{path} {last:?}: {error}"
        );
    }
    // What passes through ends as it did.
    for last in [Step::Break, Step::Data("event: mess")] {
        let setup = setup([events([Step::Data(START), last])]);
        let (_, record) = setup.ask_all(question(MESSAGES, "alias", true)).await;
        assert_eq!(record.end, End::Broken);
    }
}

#[tokio::test]
async fn an_error_as_the_first_event_is_an_answer_like_others() {
    for path in [CHAT, MESSAGES] {
        let setup = setup([events([Step::Data(ERROR)])]);
        let mut request = question(path, "alias", true);
        request
            .headers_mut()
            .insert("x-gateway-max-retries", "0".parse().unwrap());
        let (response, record) = setup.ask_all(request).await;
        assert!(response.status().is_server_error());
        assert_eq!((record.end, record.stream_error), (End::Complete, None));
        assert_eq!(record.time_to_first_event, None);
        assert_eq!(record.attempts[0].result.word(), "refused");
    }
}

#[tokio::test]
async fn calls_that_reach_no_provider_are_told_too() {
    let keys = || ClientKeys::new().with("ci", "k");
    let with_key = |mut request: Request<Payload>| {
        request
            .headers_mut()
            .insert("x-api-key", "k".parse().unwrap());
        request
    };
    let mut get = question(CHAT, "alias", false);
    *get.method_mut() = Method::GET;
    for (request, status) in [
        (question(CHAT, "alias", false), 401),
        (with_key(question("/v1/embeddings", "alias", false)), 404),
        (with_key(get), 405),
        (with_key(question(CHAT, "nobody", false)), 404),
        (with_key(post(CHAT, "{")), 400),
        (
            with_key(post(MESSAGES, r#"{"model":"fast/x","messages":7}"#)),
            400,
        ),
    ] {
        let setup = setup_with([], |builder| builder.client_keys(keys()));
        let path = request.uri().path().to_owned();
        let (response, record) = setup.ask_all(request).await;
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(record.status, Some(response.status()));
        assert_eq!((record.end, record.sent()), (End::Complete, 0));
        assert_eq!(record.cost, None);
        assert!(!record.is_success());
        // Path and method are looked at before the key.
        let known =
            matches!(status, 400) || record.status == Some(StatusCode::NOT_FOUND) && path == CHAT;
        assert_eq!(record.client.is_some(), known, "{path} {status}");
    }
}

#[tokio::test]
async fn a_call_that_is_cancelled_before_its_head_is_told() {
    // At the provider.
    let setup = setup([Act::Never]);
    {
        let mut asked = pin!(setup.ask(question(CHAT, "any-thing", true)));
        let once = poll_fn(|cx| Poll::Ready(asked.as_mut().poll(cx).is_pending()));
        assert!(once.await);
        assert!(setup.notes.0.lock().unwrap().is_empty());
    }
    let record = setup.notes.one();
    assert!(record.is_cancelled());
    assert_eq!((record.status, record.sent()), (None, 1));
    assert_eq!(record.attempts[0].result.word(), "abandoned");
    assert_eq!(record.requested_model.as_deref(), Some("any-thing"));
    // A model that the client may choose freely is no label.
    assert_eq!(
        (record.model.as_deref(), record.model_label()),
        (Some("any-thing"), Some("any-*"))
    );

    // While it sends its body.
    let setup = super::testing::setup([]);
    let request = Request::post(CHAT)
        .body(Script([Step::Hang].into()))
        .unwrap();
    {
        let mut asked = pin!(setup.gateway.clone().oneshot(request));
        assert!(poll_fn(|cx| Poll::Ready(asked.as_mut().poll(cx).is_pending())).await);
    }
    let record = setup.notes.one();
    assert!(record.is_cancelled() && record.requested_model.is_none());

    // Never looked at.
    let setup = super::testing::setup([]);
    drop(setup.gateway.clone().call(question(CHAT, "nobody", false)));
    assert!(setup.notes.one().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn every_try_is_told_with_its_reason() {
    let busy = Act::Answer(503, "application/json", vec![Step::Data("{}")]);
    let setup = setup([
        busy,
        Act::Fail(ErrorClass::NeverSent),
        json(r#"{"choices":[{"message":{}}]}"#),
    ]);
    let (_, record) = setup.ask_all(question(CHAT, "two-x", false)).await;
    let told: Vec<_> = record
        .attempts
        .iter()
        .map(|attempt| {
            let status = attempt.status.map(|status| status.as_u16());
            (
                &*attempt.connection,
                attempt.result.word(),
                status,
                attempt.model_label(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("ant", "refused", Some(503), "claude-real"),
            ("fast", "never_sent", None, "two-*"),
            ("fast", "answered", None, "two-*"),
        ]
    );
    assert!(
        record
            .attempts
            .iter()
            .all(|attempt| attempt.duration.is_some())
    );
    assert_eq!(
        (record.connection.as_deref(), record.sent()),
        (Some("fast"), 3)
    );

    // A target that cannot express the request is not asked.
    let setup = super::testing::setup([json(ANSWER)]);
    let request = post(
        MESSAGES,
        r#"{"model":"tools","max_tokens":9,"messages":[{"role":"user","content":"Hi"}],"tools":[{"name":"f","input_schema":{"type":"object"}}]}"#,
    );
    let (_, record) = setup.ask_all(request).await;
    let told: Vec<_> = record
        .attempts
        .iter()
        .map(|a| (a.result.word(), a.sent))
        .collect();
    assert_eq!(told, [("unsupported", false), ("answered", true)]);
    assert_eq!(record.connection.as_deref(), Some("ant"));
}

#[tokio::test(start_paused = true)]
async fn a_call_without_time_left_says_that_it_was_waiting() {
    let setup = setup([Act::Never]);
    let mut request = question(CHAT, "alias", false);
    request
        .extensions_mut()
        .insert(CallOptions::new().deadline(Duration::from_secs(3)));
    let (response, record) = setup.ask_all(request).await;
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(record.end, End::Complete);
    assert!(matches!(
        record.attempts[0].result.word(),
        "deadline" | "abandoned"
    ));
    assert_eq!(record.duration, Duration::from_secs(3));
}

#[tokio::test]
async fn an_answer_of_nothing_is_complete() {
    let setup = setup([Act::Answer(200, "application/json", vec![])]);
    let response = setup.ask(question(MESSAGES, "alias", false)).await;
    assert!(response.body().is_end_stream());
    drop(response);
    assert_eq!(setup.notes.one().end, End::Complete);
}

/// An observer that panics, and one that follows.
#[derive(Debug, Default)]
struct Panics;

impl Observer for Panics {
    fn call_began(&self, _: &Arrival<'_>) -> Option<Box<dyn CallObserver>> {
        panic!("scripted")
    }

    fn call_ended(&self, _: &CallRecord) {
        panic!("scripted")
    }
}

#[derive(Debug, Clone, Default)]
struct Follows(Arc<Mutex<Vec<String>>>);

impl Follows {
    fn note(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }
}

impl Observer for Follows {
    fn call_began(&self, arrival: &Arrival<'_>) -> Option<Box<dyn CallObserver>> {
        self.note(format!("began {} {:?}", arrival.method, arrival.endpoint));
        Some(Box::new(self.clone()))
    }

    fn call_ended(&self, _: &CallRecord) {
        self.note("over".into());
    }
}

impl CallObserver for Follows {
    fn sending(&self, attempt: &Attempt, headers: &mut HeaderMap) {
        headers.insert("traceparent", "mine".parse().unwrap());
        self.note(format!("sending {}", attempt.model()));
    }

    fn tried(&self, attempt: &AttemptRecord) {
        self.note(attempt.result.word().to_owned());
    }

    fn ended(&self, record: &CallRecord) {
        self.note(format!("ended {}", record.end.word()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_can_be_followed_and_panics_are_contained() {
    let follows = Follows::default();
    let busy = Act::Answer(503, "application/json", vec![Step::Data("{}")]);
    let setup = setup_with([busy, json(ANSWER)], |builder| {
        builder
            .observer(Arc::new(Panics))
            .observer(Arc::new(follows.clone()))
    });
    let (response, _) = setup.ask_all(question(CHAT, "alias", false)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        *follows.0.lock().unwrap(),
        [
            "began POST Some(Chat)",
            "sending claude-real",
            "refused",
            "sending claude-real",
            "answered",
            "ended complete",
            "over"
        ]
    );
    let sent = setup.sent.lock().unwrap();
    assert!(sent.iter().all(|headers| headers["traceparent"] == "mine"));
}

#[tokio::test]
async fn what_the_provider_says_of_the_cost_wins() {
    let body = r#"{"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30,
        "num_search_queries":2,"cost":{"input_tokens_cost":1e-05,"output_tokens_cost":2e-05,"request_cost":0.005,"total_cost":0.00503}}}"#;
    for path in [CHAT, MESSAGES] {
        let setup = setup_with([json(body)], |builder| {
            builder.prices(
                PriceTable::new().with("*", Price::new("1".parse().unwrap(), "1".parse().unwrap())),
            )
        });
        let mut request = question(path, "sonar", false);
        request.extensions_mut().insert(
            CallOptions::new().target(Target::new(connection("sonar", Provider::Perplexity))),
        );
        let (response, record) = setup.ask_all(request).await;
        assert_eq!(response.headers()["x-gateway-cost"], "0.00503", "{path}");
        assert_eq!(record.usage.web_searches, Some(2));
        assert_eq!(record.model_label(), Some("sonar/*"));
    }
}
