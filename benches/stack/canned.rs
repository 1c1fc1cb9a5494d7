//! The canned answers of an upstream.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Response;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::answers::{EVENTS, Events, Format, events, whole};

/// How a stream's events are written; a word in the question says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// All of them in as few writes as the socket takes.
    AtOnce,
    /// Each in a chunk of its own, as fast as possible.
    Each,
    /// A millisecond between them.
    Slow,
    /// The first, and a millisecond later the end.
    Brief,
    /// Only the first, and then nothing.
    Idle,
}

/// The answers in a provider's format.
pub(crate) struct Canned {
    pub(crate) format: Format,
    whole: Bytes,
    events: Events,
    at_once: Bytes,
}

impl Canned {
    pub(crate) fn new(format: Format) -> Self {
        let events = events(format);
        let mut all = BytesMut::from(&events.head[..]);
        for _ in 0..EVENTS {
            all.extend_from_slice(&events.text);
        }
        all.extend_from_slice(&events.tail);
        Self {
            format,
            whole: whole(format),
            events,
            at_once: all.freeze(),
        }
    }

    /// A whole answer, or a stream at this pace.
    pub(crate) fn answer(&self, pace: Option<Pace>) -> Response<Answer> {
        let (media_type, body) = match pace {
            None => ("application/json", Answer::of(vec![self.whole.clone()])),
            Some(pace) => (self.format.stream_type(), self.stream(pace)),
        };
        Response::builder()
            .header("content-type", media_type)
            .body(body)
            .expect("an answer")
    }

    fn stream(&self, pace: Pace) -> Answer {
        let mut pieces = Vec::with_capacity(EVENTS + 1);
        if pace == Pace::AtOnce {
            pieces.push(self.at_once.clone());
        } else {
            let Events { head, text, tail } = &self.events;
            let mut first = BytesMut::from(&head[..]);
            first.extend_from_slice(text);
            pieces.push(first.freeze());
            if pace != Pace::Brief {
                pieces.extend((1..EVENTS).map(|_| text.clone()));
            }
            pieces.push(tail.clone());
        }
        Answer {
            pace,
            whole: false,
            ..Answer::of(pieces)
        }
    }
}

/// The body of an answer.
pub(crate) struct Answer {
    pieces: std::vec::IntoIter<Bytes>,
    /// Its length is known.
    whole: bool,
    pace: Pace,
    clock: Option<Pin<Box<Sleep>>>,
    begun: bool,
}

impl Answer {
    pub(crate) fn nothing() -> Self {
        Self::of(Vec::new())
    }

    fn of(pieces: Vec<Bytes>) -> Self {
        Self {
            whole: true,
            pieces: pieces.into_iter(),
            pace: Pace::AtOnce,
            clock: None,
            begun: false,
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.begun && self.pace == Pace::Idle {
            return Poll::Pending;
        }
        if self.begun && matches!(self.pace, Pace::Slow | Pace::Brief) {
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

    fn is_end_stream(&self) -> bool {
        self.pieces.len() == 0
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.pieces.as_slice().iter();
        match self.whole {
            true => SizeHint::with_exact(rest.map(|piece| piece.len() as u64).sum()),
            false => SizeHint::default(),
        }
    }
}
