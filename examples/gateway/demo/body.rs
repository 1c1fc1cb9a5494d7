//! The body of a demo answer.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

/// Between two events of a stream: long enough to see it stream, short enough for tests.
const PACE: Duration = Duration::from_millis(6);

/// A whole JSON text, or a stream that yields one event per frame.
#[derive(Debug, Default)]
pub(crate) struct DemoBody {
    frames: VecDeque<Bytes>,
    /// What the next frame waits for.
    pause: Option<Pin<Box<Sleep>>>,
}

impl DemoBody {
    /// A body of one piece.
    pub(super) fn whole(bytes: Vec<u8>) -> Self {
        Self::events(vec![bytes])
    }

    /// A body of one frame per event, with a pause between them.
    pub(super) fn events(events: Vec<Vec<u8>>) -> Self {
        Self {
            frames: events.into_iter().map(Bytes::from).collect(),
            pause: None,
        }
    }
}

impl Body for DemoBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let frame = self.frames.pop_front();
        if frame.is_some() && !self.frames.is_empty() {
            self.pause = Some(Box::pin(tokio::time::sleep(PACE)));
        }
        Poll::Ready(frame.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.frames.len() {
            0 => SizeHint::with_exact(0),
            1 => SizeHint::with_exact(self.frames.iter().map(|bytes| bytes.len() as u64).sum()),
            _ => SizeHint::default(),
        }
    }
}
