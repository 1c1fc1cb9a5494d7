//! What the layers below fail with, and what an embedder wishes.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tower::Layer;

use super::super::{RouteLayer, RouteTable};
use super::*;
use crate::call::{Attempt, CallOptions, Outcome};
use crate::convert::ConvertLayer;
use crate::error::{Error, ErrorClass};

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
