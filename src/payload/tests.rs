use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full, Limited};
use tokio::time::Instant;
use tower::{Layer, ServiceExt, service_fn};
use tower_test::mock;

use super::PayloadLayer;
use crate::body::Payload;
use crate::error::BoxError;
use crate::settings::Limits;
use crate::testing::Reply;

fn layer() -> PayloadLayer {
    PayloadLayer::new().limits(Limits {
        request_body: 10,
        ..Limits::default()
    })
}

/// Says how the request looks below the layer.
async fn echo(request: Request<Payload>) -> Result<Response<Payload>, Infallible> {
    assert!(!request.headers().contains_key("content-length"));
    assert!(!request.headers().contains_key("transfer-encoding"));
    assert_eq!(request.headers()["x-other"], "stays");
    assert_eq!(request.extensions().get::<u8>(), Some(&7));
    let length = request.body().bytes().len() as u64;
    assert_eq!(request.body().size_hint().exact(), Some(length));
    Ok(Response::new(request.into_body()))
}

fn post<B>(path: &str, body: B) -> Request<B> {
    Request::post(path)
        .header("content-length", "99")
        .header("transfer-encoding", "chunked")
        .header("x-other", "stays")
        .extension(7_u8)
        .body(body)
        .unwrap()
}

/// The status, and the body as JSON or else as text.
async fn ask<B>(request: Request<B>) -> (u16, serde_json::Value)
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let response = layer().layer(service_fn(echo)).oneshot(request).await;
    let (parts, body) = response.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let value = serde_json::from_slice(&bytes);
    let text = || String::from_utf8(bytes.to_vec()).unwrap().into();
    (parts.status.as_u16(), value.unwrap_or_else(|_| text()))
}

#[tokio::test]
async fn any_body_becomes_a_payload() {
    assert_eq!(ask(post("/", Full::from("Hi"))).await, (200, "Hi".into()));
    assert_eq!(ask(post("/", Payload::default())).await, (200, "".into()));
    let pieces = Reply::new()
        .bytes("1234")
        .wait(Duration::from_millis(1))
        .bytes("567890");
    assert_eq!(
        ask(post("/", pieces.into_body())).await,
        (200, 1_234_567_890.into())
    );
}

#[tokio::test(start_paused = true)]
async fn what_does_not_come_is_told_in_the_clients_format() {
    let large = || {
        Reply::new()
            .bytes("12345")
            .wait(Duration::ZERO)
            .bytes("123456")
    };
    for path in ["/v1/chat/completions", "/v1/responses", "/v1/messages"] {
        let of_messages = path == "/v1/messages";
        for (body, status, code, kind) in [
            (large(), 413, "request_too_large", "request_too_large"),
            // Its size is known beforehand.
            (
                Reply::new().bytes("12345678901"),
                413,
                "request_too_large",
                "request_too_large",
            ),
            (large().cut(), 413, "request_too_large", "request_too_large"),
            (
                Reply::new().bytes("{").cut(),
                400,
                "request_aborted",
                "invalid_request_error",
            ),
            (
                Reply::new().bytes("{").hang(),
                408,
                "request_timeout",
                "timeout_error",
            ),
        ] {
            let (got, body) = ask(post(path, body.into_body())).await;
            assert_eq!(got, status, "{path}: {body}");
            let error = &body["error"];
            if of_messages {
                assert_eq!(
                    (&body["type"], &error["type"]),
                    (&"error".into(), &kind.into())
                );
            } else {
                assert_eq!(error["code"], code, "{path}");
            }
        }
    }
    // A limit that somebody else set around the body.
    let limited = Limited::new(Reply::new().bytes("1234").bytes("5").into_body(), 4);
    assert_eq!(ask(post("/v1/messages", limited)).await.0, 413);
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_is_waited_for_as_long_as_it_may_take() {
    let drops = |every| {
        let drops = (0..100).map(|_| every).map(Duration::from_secs);
        drops.fold(Reply::new(), |reply, wait| reply.wait(wait).bytes("x"))
    };
    for (every, expected) in [(11, 10), (9, 60)] {
        let started = Instant::now();
        let request = post("/v1/messages", drops(every).into_body());
        let service = PayloadLayer::new().layer(service_fn(echo));
        assert_eq!(service.oneshot(request).await.unwrap().status(), 408);
        assert_eq!(started.elapsed().as_secs(), expected);
    }
    let started = Instant::now();
    let service = PayloadLayer::new()
        .request_timeouts(Duration::from_secs(30), Duration::from_secs(45))
        .layer(service_fn(echo));
    let request = post("/v1/messages", drops(20).into_body());
    assert_eq!(service.oneshot(request).await.unwrap().status(), 408);
    assert_eq!(started.elapsed().as_secs(), 45);
}

#[tokio::test]
async fn the_inner_service_is_asked_once_the_body_is_there_and_keeps_its_errors() {
    let (mock, mut handle) = mock::pair::<Request<Payload>, Response<Payload>>();
    handle.allow(0);
    let service = layer().layer(mock);
    // Ready although the inner one is not: a body can be read meanwhile.
    let call = service.oneshot(post("/", Full::<Bytes>::from("Hi")));
    let mut call = tokio_test::task::spawn(call);
    assert!(call.poll().is_pending());
    handle.allow(1);
    assert!(call.is_woken() && call.poll().is_pending());
    let (request, respond) = handle.next_request().await.unwrap();
    assert_eq!(request.body().bytes(), "Hi");
    respond.send_error("its own");
    assert_eq!(call.await.unwrap_err().to_string(), "its own");
}
