//! How a request's body is read.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::{Full, Limited};

use super::*;
use crate::settings::Timeouts;

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
