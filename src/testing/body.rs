//! The body of a scripted answer.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::upstream::Open;

/// What comes next in a body.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Data(Bytes),
    Wait(Duration),
    Cut,
    Hang,
}

/// The body of a [`Reply`](super::Reply): each piece of it is a frame of its own.
pub struct ReplyBody {
    steps: VecDeque<Step>,
    sleep: Option<Pin<Box<Sleep>>>,
    open: Option<Open>,
}

impl ReplyBody {
    pub(super) fn new(steps: VecDeque<Step>, open: Open) -> Self {
        Self {
            steps,
            sleep: None,
            open: Some(open),
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        loop {
            if let Some(sleep) = &mut self.sleep {
                if sleep.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                self.sleep = None;
            }
            return match self.steps.pop_front() {
                Some(Step::Data(bytes)) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Step::Wait(time)) => {
                    self.sleep = Some(Box::pin(sleep(time)));
                    continue;
                }
                Some(Step::Hang) => {
                    self.steps.push_front(Step::Hang);
                    Poll::Pending
                }
                Some(Step::Cut) => {
                    self.steps.clear();
                    self.open = None;
                    Poll::Ready(Some(Err(Broken)))
                }
                None => {
                    self.open = None;
                    Poll::Ready(None)
                }
            };
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty() && self.sleep.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let mut length = 0;
        for step in &self.steps {
            match step {
                Step::Data(bytes) => length += bytes.len() as u64,
                // What is still being made, or breaks off, has no length yet.
                Step::Wait(_) | Step::Cut | Step::Hang => return SizeHint::default(),
            }
        }
        SizeHint::with_exact(length)
    }
}

impl fmt::Debug for ReplyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyBody")
            .field("steps", &self.steps.len())
            .finish_non_exhaustive()
    }
}

/// The error of a body that [`Reply::cut`](super::Reply::cut) cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the scripted answer breaks off here")
    }
}

impl std::error::Error for Broken {}
