//! A client's request body on its way into memory: within a limit, and in time.

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::LengthLimitError;
use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::gather::{GatherError, Gathered};
use crate::alarm::Alarm;
use crate::clock::after;
use crate::endpoint::Format;
use crate::error::BoxError;
use crate::format::error::{ClientError, Fault};

pin_project! {
    /// Reads a body to its end.
    pub(crate) struct Reading<B> {
        #[pin]
        body: B,
        gathered: Gathered,
        limit: usize,
        // A client that sends slowly holds a connection and memory for nothing.
        #[pin]
        alarm: Alarm,
        // When the whole body must be there.
        deadline: Instant,
        idle_time: Duration,
        // Bytes that were there when the idle time began.
        seen: usize,
    }
}

/// Why a body is not there.
#[derive(Debug)]
pub(crate) enum ReadError<E> {
    TooLarge { limit: usize },
    TooSlow,
    Body(E),
}

impl<B> Reading<B> {
    /// Reads at most `limit` bytes until `deadline`, with at most `idle` between two pieces from `start` on.
    pub(crate) fn new(
        body: B,
        limit: usize,
        start: Instant,
        idle: Duration,
        deadline: Instant,
    ) -> Self {
        Self {
            body,
            gathered: Gathered::new(limit),
            limit,
            alarm: Alarm::at(after(start, idle).min(deadline)),
            deadline,
            idle_time: idle,
            seen: 0,
        }
    }
}

impl<B: Body<Data = Bytes>> Future for Reading<B> {
    type Output = Result<Bytes, ReadError<B::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        Poll::Ready(match this.gathered.poll(this.body, cx) {
            Poll::Ready(Ok(())) => Ok(this.gathered.take()),
            Poll::Ready(Err(GatherError::TooLarge)) => {
                Err(ReadError::TooLarge { limit: *this.limit })
            }
            Poll::Ready(Err(GatherError::Body(error))) => Err(ReadError::Body(error)),
            Poll::Pending => {
                if this.gathered.len() > *this.seen {
                    *this.seen = this.gathered.len();
                    let idle = after(Instant::now(), *this.idle_time);
                    this.alarm.as_mut().set(idle.min(*this.deadline));
                }
                ready!(this.alarm.poll(cx));
                Err(ReadError::TooSlow)
            }
        })
    }
}

impl<E: Into<BoxError>> ReadError<E> {
    /// The error in the client's words. `limit` is what is told where somebody else's limit was passed.
    pub(crate) fn into_client_error(self, format: Format, limit: usize) -> ClientError {
        let (fault, message) = match self {
            Self::TooLarge { limit } => return too_large(format, limit),
            Self::TooSlow => (
                Fault::RequestTimeout,
                "the request body did not come in time",
            ),
            Self::Body(error) => {
                if is_over_a_limit(&*error.into()) {
                    return too_large(format, limit);
                }
                (Fault::RequestAborted, "the request body did not come whole")
            }
        };
        ClientError::gateway(format, fault, message)
    }
}

/// What a body limit around this service says.
fn is_over_a_limit(error: &(dyn StdError + 'static)) -> bool {
    let mut source = Some(error);
    while let Some(error) = source {
        if error.is::<LengthLimitError>() {
            return true;
        }
        source = error.source();
    }
    false
}

/// The error of a body that is over the limit.
pub(crate) fn too_large(format: Format, limit: usize) -> ClientError {
    ClientError::gateway(
        format,
        Fault::TooLarge,
        format!("the request body is over the limit of {limit} bytes"),
    )
}
