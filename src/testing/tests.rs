use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::Instant;
use tokio_test::task::spawn;
use tower::{Service, ServiceExt};

use super::{Broken, Reply, ReplyBody, Upstream};
use crate::body::Payload;
use crate::codec::event_stream::{Decoder, Message};
use crate::codec::sse;
use crate::error::ErrorClass;

fn request(path: &str) -> Request<Payload> {
    Request::post(path).body(Payload::new("{}")).unwrap()
}

async fn ask(reply: Reply) -> Response<ReplyBody> {
    let upstream = Upstream::new([reply]);
    upstream.oneshot(request("/")).await.unwrap()
}

/// The frames of a body, and whether it broke.
async fn frames(reply: Reply) -> (Vec<Bytes>, bool) {
    let mut body = reply.into_body();
    let mut frames = Vec::new();
    loop {
        match body.frame().await {
            Some(Ok(frame)) => frames.push(frame.into_data().unwrap()),
            Some(Err(Broken)) => return (frames, true),
            None => return (frames, false),
        }
    }
}

#[tokio::test]
async fn replies_come_in_order_and_requests_are_kept() {
    let upstream = Upstream::new([
        Reply::json("{}"),
        Reply::new().status(503).header("retry-after", "2"),
    ]);
    let mut client = upstream.clone();
    assert_eq!((upstream.left(), upstream.requests().len()), (2, 0));
    let first = client.call(request("/a?b=c")).await.unwrap();
    assert_eq!(first.status(), 200);
    assert_eq!(first.headers()["content-type"], "application/json");
    assert_eq!(upstream.only_request().path(), "/a");
    let second = client.call(request("/d")).await.unwrap();
    assert_eq!(second.status(), 503);
    assert_eq!(second.headers()["retry-after"], "2");
    assert_eq!(upstream.left(), 0);
    let error = client.call(request("/e")).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Misuse);
    let sent = upstream.requests();
    let paths: Vec<_> = sent
        .iter()
        .map(|request| request.uri().to_string())
        .collect();
    assert_eq!(paths, ["/a?b=c", "/d", "/e"]);
    assert_eq!((sent[0].method().as_str(), sent[0].text()), ("POST", "{}"));
}

#[tokio::test]
async fn the_content_type_is_replaced_and_other_headers_are_added() {
    let reply = Reply::sse()
        .header("content-type", "text/event-stream")
        .header("x-a", "1")
        .header("x-a", "2");
    let headers = ask(reply).await.headers().clone();
    assert_eq!(headers.get_all("content-type").iter().count(), 1);
    assert_eq!(headers["content-type"], "text/event-stream");
    assert_eq!(headers.get_all("x-a").iter().count(), 2);
}

#[tokio::test]
async fn events_are_frames_that_the_decoder_reads() {
    let reply = Reply::sse()
        .event("ping", "{\n \"a\": 1\r\n}")
        .data("[DONE]");
    let (sent, broken) = frames(reply.clone()).await;
    assert_eq!((sent.len(), broken), (2, false));
    assert_eq!(sent[1], "data: [DONE]\n\n");
    let whole = sent.concat();
    let (pieces, _) = frames(reply.in_pieces_of(3)).await;
    assert!(pieces.iter().all(|piece| piece.len() <= 3));
    assert_eq!(pieces.concat(), whole);
    let mut decoder = sse::Decoder::new(1000);
    let mut input = &whole[..];
    let event = decoder.next(&mut input).unwrap().unwrap();
    assert_eq!(event.name, "ping");
    assert_eq!(event.data, b"{\n \"a\": 1\n}");
}

#[tokio::test]
async fn aws_frames_are_what_the_decoder_reads() {
    let reply = Reply::aws_stream()
        .aws_event("messageStart", "{}")
        .aws_exception("throttlingException", r#"{"message":"m"}"#);
    let response = ask(reply.clone()).await;
    assert_eq!(
        response.headers()["content-type"],
        "application/vnd.amazon.eventstream"
    );
    let (sent, _) = frames(reply).await;
    let whole = sent.concat();
    let mut decoder = Decoder::new(10_000);
    let mut input = &whole[..];
    let frame = decoder.next(&mut input).unwrap().unwrap();
    assert!(matches!(
        frame.message(),
        Message::Event {
            name: "messageStart",
            ..
        }
    ));
    let frame = decoder.next(&mut input).unwrap().unwrap();
    assert!(matches!(
        frame.message(),
        Message::Exception {
            name: "throttlingException",
            ..
        }
    ));
}

#[tokio::test(start_paused = true)]
async fn waits_are_tokios() {
    let started = Instant::now();
    let reply = Reply::json("{")
        .head_after(Duration::from_secs(5))
        .wait(Duration::from_secs(7))
        .bytes("}");
    let response = ask(reply).await;
    assert_eq!(started.elapsed().as_secs(), 5);
    assert_eq!(response.body().size_hint().exact(), None);
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "{}"
    );
    assert_eq!(started.elapsed().as_secs(), 12);
    let failed = Reply::fail(ErrorClass::Ambiguous).head_after(Duration::from_secs(3));
    let upstream = Upstream::new([failed]);
    let error = upstream.oneshot(request("/")).await.unwrap_err();
    assert_eq!(
        (error.class(), started.elapsed().as_secs()),
        (ErrorClass::Ambiguous, 15)
    );
}

#[tokio::test]
async fn every_way_to_fail() {
    for class in [
        ErrorClass::NeverSent,
        ErrorClass::Incomplete,
        ErrorClass::Ambiguous,
        ErrorClass::Timeout,
    ] {
        let upstream = Upstream::new([Reply::fail(class)]);
        assert_eq!(
            upstream.oneshot(request("/")).await.unwrap_err().class(),
            class
        );
    }
    let (sent, broken) = frames(Reply::sse().data("{}").cut().data("never")).await;
    assert_eq!((sent.len(), broken), (1, true));

    let mut body = spawn(Reply::sse().data("{}").hang().into_body());
    let mut poll = || body.enter(|cx, body| body.poll_frame(cx));
    assert!(matches!(poll(), Poll::Ready(Some(Ok(_)))));
    assert!(poll().is_pending() && poll().is_pending());
}

#[tokio::test]
async fn what_is_open_is_counted() {
    let upstream = Upstream::new([Reply::never(), Reply::json("{}").hang(), Reply::json("{}")]);
    let mut client = upstream.clone();
    let mut never = spawn(client.call(request("/")));
    assert!(never.poll().is_pending());
    let hanging = client.call(request("/")).await.unwrap();
    let whole = client.call(request("/")).await.unwrap();
    assert_eq!(upstream.open(), 3);
    whole.into_body().collect().await.unwrap();
    assert_eq!(upstream.open(), 2);
    drop((never, hanging));
    assert_eq!(upstream.open(), 0);
}

#[test]
fn debug_shows_no_secret() {
    let mut secret = http::HeaderValue::from_static("canary");
    secret.set_sensitive(true);
    let request = Request::post("/v1/messages")
        .header("authorization", "Bearer canary")
        .header("x-api-key", "canary")
        .header("x-mine", secret)
        .header("x-other", "shown")
        .body(Payload::new(r#"{"model":"m"}"#))
        .unwrap();
    let mut upstream = Upstream::always(Reply::json("{}"));
    drop(upstream.call(request));
    let shown = format!("{upstream:?}");
    assert!(!shown.contains("canary"), "{shown}");
    for word in ["authorization", "x-mine", "shown", "/v1/messages", "model"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
}

#[test]
#[should_panic(expected = "one request was expected, and 0 came")]
fn one_request_is_one() {
    let _ = Upstream::new([]).only_request();
}
