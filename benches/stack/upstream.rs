//! The upstream: canned answers in every provider's format.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::time::{Sleep, sleep};

use crate::answers::{EVENTS, Format, events, whole};

/// How a stream's events are written; a word in the question says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// All of them in as few writes as the socket takes.
    AtOnce,
    /// Each in a chunk of its own, as fast as possible.
    Each,
    /// A millisecond between them.
    Slow,
    /// Only the first, and then nothing.
    Idle,
}

pub(crate) fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("its address"));
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            let _ = stream.set_nodelay(true);
            tokio::spawn(async move {
                let _ = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service_fn(answer))
                    .await;
            });
        }
    });
}

async fn answer(
    request: Request<Incoming>,
) -> Result<Response<Either<Full<Bytes>, Stream>>, Infallible> {
    let path = request.uri().path().to_owned();
    let format = Format::of_path(&path);
    let Ok(body) = request.into_body().collect().await else {
        return Ok(Response::new(Either::Left(Full::default())));
    };
    let body = body.to_bytes();
    let has = |word: &str| memchr::memmem::find(&body, word.as_bytes()).is_some();
    let streams = has(r#""stream":true"#) || path.ends_with("-stream") || path.contains(":stream");
    if !streams {
        return Ok(Response::builder()
            .header("content-type", "application/json")
            .body(Either::Left(Full::new(whole(format))))
            .expect("an answer"));
    }
    let pace = if has("pace-slow") {
        Pace::Slow
    } else if has("pace-idle") {
        Pace::Idle
    } else if has("pace-each") {
        Pace::Each
    } else {
        Pace::AtOnce
    };
    let media_type = match format {
        Format::Converse => "application/vnd.amazon.eventstream",
        _ => "text/event-stream",
    };
    Ok(Response::builder()
        .header("content-type", media_type)
        .body(Either::Right(Stream::new(format, pace)))
        .expect("an answer"))
}

struct Stream {
    pieces: std::vec::IntoIter<Bytes>,
    pace: Pace,
    clock: Option<Pin<Box<Sleep>>>,
    begun: bool,
}

impl Stream {
    fn new(format: Format, pace: Pace) -> Self {
        let events = events(format);
        let mut pieces = Vec::with_capacity(EVENTS + 2);
        if pace == Pace::AtOnce {
            let mut all = BytesMut::from(&events.head[..]);
            for _ in 0..EVENTS {
                all.extend_from_slice(&events.text);
            }
            all.extend_from_slice(&events.tail);
            pieces.push(all.freeze());
        } else {
            let mut first = BytesMut::from(&events.head[..]);
            first.extend_from_slice(&events.text);
            pieces.push(first.freeze());
            pieces.extend((1..EVENTS).map(|_| events.text.clone()));
            pieces.push(events.tail);
        }
        Self {
            pieces: pieces.into_iter(),
            pace,
            clock: None,
            begun: false,
        }
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.begun && self.pace == Pace::Idle {
            return Poll::Pending;
        }
        if self.begun && self.pace == Pace::Slow {
            let clock = self
                .clock
                .get_or_insert_with(|| Box::pin(sleep(Duration::from_millis(1))));
            if clock.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.clock = None;
        }
        self.begun = true;
        Poll::Ready(self.pieces.next().map(|piece| Ok(Frame::data(piece))))
    }
}
