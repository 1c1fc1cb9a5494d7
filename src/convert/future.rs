//! The future.

use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use http::response::Parts;
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use super::alone::Answered;
use super::answer::{self, Kind, Trip, is_encoded};
use super::layer::Shared;
use super::pair::Conversion;
use super::prepare::Refused;
use super::report::LossReport;
use crate::alarm::Alarm;
use crate::body::{AnswerBody, GatherError, Gathered, Stream, TranscodeBody, Work};
use crate::call::{Attempt, FailureClass};
use crate::error::{BoxError, Error, ErrorClass};
use crate::format::error::{ClientError, Fault};
use crate::observe::UsageHandle;

pin_project! {
    /// The future of [`Convert`](super::Convert).
    pub struct ResponseFuture<F, B> {
        #[pin]
        state: State<F, B>,
        trip: Option<Trip>,
    }
}

pin_project! {
    #[project = StateProject]
    enum State<F, B> {
        /// Waiting for the head.
        Sending {
            #[pin]
            future: F,
            #[pin]
            clock: Sleep,
        },
        /// Reading a body that is no stream.
        Gathering {
            parts: Parts,
            body: Option<B>,
            gathered: Gathered,
            kind: Kind,
            // When the last piece came is kept by the alarm.
            #[pin]
            alarm: Alarm,
        },
        /// Waiting for the first event of a stream.
        Peeking {
            parts: Parts,
            body: Option<TranscodeBody<B>>,
            #[pin]
            alarm: Alarm,
        },
        Answered {
            result: Option<Result<Response<AnswerBody<B>>, Error>>,
        },
    }
}

impl<F, B> ResponseFuture<F, B> {
    pub(super) fn sending(
        future: F,
        attempt: Attempt,
        conversion: Option<Conversion>,
        hides_usage: bool,
        report: Arc<LossReport>,
        shared: Arc<Shared>,
    ) -> Self {
        let timeouts = &shared.timeouts;
        let wait = if attempt.call().stream {
            timeouts.first_byte_stream
        } else {
            timeouts.first_byte
        };
        let deadline = attempt.call().deadline;
        let begin_by = Instant::now()
            .checked_add(wait)
            .map_or(deadline, |alarm| alarm.min(deadline));
        let state = State::Sending {
            future,
            clock: sleep_until(begin_by),
        };
        let price = shared
            .prices
            .lookup(attempt.target().connection().name(), attempt.model())
            .cloned();
        attempt.call().timed.store(true, Ordering::Relaxed);
        let trip = Trip {
            attempt,
            conversion,
            hides_usage,
            report,
            usage: UsageHandle::priced(price),
            shared,
            begin_by,
        };
        Self {
            state,
            trip: Some(trip),
        }
    }

    pub(super) fn refused(attempt: &Attempt, refused: &Refused) -> Self {
        let response = answer::refusal(attempt, &refused.error, &refused.report);
        Self {
            state: State::Answered {
                result: Some(Ok(response)),
            },
            trip: None,
        }
    }

    pub(super) fn answered(answered: Answered) -> Self {
        let result = match answered {
            Answered::Misuse => Err(Error::plain(
                ErrorClass::Misuse,
                "a request without a target: no RetryLayer above, no target given",
            )),
            Answered::Response(response) => {
                Ok((*response).map(|payload| AnswerBody::whole(payload.into_bytes())))
            }
        };
        Self {
            state: State::Answered {
                result: Some(result),
            },
            trip: None,
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Into<BoxError>,
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<AnswerBody<B>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut state = this.state;
        if let StateProject::Answered { result } = state.as_mut().project() {
            return result.take().map_or(Poll::Pending, Poll::Ready);
        }
        let Some(trip) = this.trip.as_mut() else {
            return Poll::Pending;
        };
        loop {
            let next = match state.as_mut().project() {
                StateProject::Sending { future, clock } => match future.poll(cx) {
                    Poll::Ready(Ok(response)) => {
                        let meter = trip.attempt.target().connection().meter();
                        meter.observe(response.headers(), trip.shared.clock.unix_seconds());
                        read(trip, response)
                    }
                    Poll::Ready(Err(error)) => {
                        return Poll::Ready(Err(trip.shared.classed(error.into())));
                    }
                    Poll::Pending => {
                        ready!(clock.poll(cx));
                        return Poll::Ready(Err(trip.late("the provider did not answer in time")));
                    }
                },
                StateProject::Gathering {
                    parts,
                    body: slot,
                    gathered,
                    kind,
                    mut alarm,
                } => {
                    let Some(body) = slot.as_mut() else {
                        return Poll::Pending;
                    };
                    let before = gathered.len();
                    let read = match gathered.poll(Pin::new(body), cx) {
                        Poll::Ready(read) => read,
                        Poll::Pending => {
                            if gathered.len() > before {
                                alarm.as_mut().set(trip.idle_alarm());
                            }
                            ready!(alarm.poll(cx));
                            return Poll::Ready(Err(
                                trip.late("the provider's answer stood still for too long")
                            ));
                        }
                    };
                    return Poll::Ready(gathered_answer(trip, parts, slot, gathered, *kind, read));
                }
                StateProject::Peeking {
                    parts,
                    body: slot,
                    alarm,
                } => {
                    let Some(body) = slot.as_mut() else {
                        return Poll::Pending;
                    };
                    let peeked = match body.poll_peek(cx) {
                        Poll::Ready(peeked) => peeked,
                        Poll::Pending => {
                            ready!(alarm.poll(cx));
                            return Poll::Ready(Err(
                                trip.late("the provider's stream did not begin in time")
                            ));
                        }
                    };
                    let body = slot.take();
                    return match (peeked, body) {
                        (Ok(()), Some(body)) => {
                            Poll::Ready(Ok(trip.stream(parts, AnswerBody::stream(body))))
                        }
                        (Err(error), _) => Poll::Ready(Ok(trip.stream_error(parts, &error))),
                        (Ok(()), None) => Poll::Pending,
                    };
                }
                StateProject::Answered { .. } => return Poll::Pending,
            };
            match next {
                ControlFlow::Break(response) => return Poll::Ready(Ok(*response)),
                ControlFlow::Continue(next) => state.set(next),
            }
        }
    }
}

/// What follows a head: mostly its body is to be read, else there is an answer already.
type Next<F, B> = ControlFlow<Box<Response<AnswerBody<B>>>, State<F, B>>;

/// Decides how an answer's body is read.
fn read<F, B>(trip: &Trip, response: Response<B>) -> Next<F, B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let (parts, body) = response.into_parts();
    let limits = &trip.shared.limits;
    let kind = trip.kind(&parts);
    let limit = match kind {
        Kind::Unusable(what) => return ControlFlow::Break(Box::new(trip.unusable(&parts, what))),
        Kind::Stream => return open(trip, parts, body),
        // Nobody could read it.
        Kind::Error if is_encoded(&parts.headers) => {
            return ControlFlow::Break(Box::new(trip.error(&parts, &Bytes::new())));
        }
        Kind::Error => limits.error_body,
        Kind::Whole => limits.response_body,
    };
    let gathered = Gathered::new(limit);
    let alarm = Alarm::at(trip.idle_alarm());
    ControlFlow::Continue(State::Gathering {
        parts,
        body: Some(body),
        gathered,
        kind,
        alarm,
    })
}

/// Begins a stream.
fn open<F, B>(trip: &Trip, parts: Parts, body: B) -> Next<F, B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let shared = trip.shared.clone();
    let work = match &trip.conversion {
        Some(conversion) => Work::Convert {
            dialect: conversion.dialect(),
            framing: trip.framing(&parts),
            machine: conversion
                .clone()
                .machine(trip.context(&parts.headers), shared.limits.event),
        },
        None => Work::relay(trip.format()),
    };
    let mut stream = Stream::new(work, trip.stream_settings(), trip.usage.clone());
    if trip.hides_usage {
        stream = stream.hiding_usage();
    }
    let body = TranscodeBody::new(body, stream).until(trip.ending());
    if shared.settings.peek {
        // One clock for the head and the first event.
        let alarm = Alarm::at(trip.begin_by);
        ControlFlow::Continue(State::Peeking {
            parts,
            body: Some(body),
            alarm,
        })
    } else {
        ControlFlow::Break(Box::new(trip.stream(&parts, AnswerBody::stream(body))))
    }
}

/// The answer made of a body that was read.
fn gathered_answer<B>(
    trip: &mut Trip,
    parts: &Parts,
    body: &mut Option<B>,
    gathered: &mut Gathered,
    kind: Kind,
    read: Result<(), GatherError<B::Error>>,
) -> Result<Response<AnswerBody<B>>, Error>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    match (read, kind) {
        (Ok(()) | Err(GatherError::TooLarge), Kind::Error) => {
            let mut bytes = gathered.take();
            bytes.truncate(trip.shared.limits.error_body);
            Ok(trip.error(parts, &bytes))
        }
        // An error's head is worth more than the rest of its body.
        (Err(GatherError::Body(_)), Kind::Error) => Ok(trip.error(parts, &gathered.take())),
        (Ok(()), _) => Ok(trip.whole(parts, gathered.take())),
        (Err(GatherError::TooLarge), _) => {
            if let (None, Some(rest)) = (&trip.conversion, body.take()) {
                return Ok(trip.relay(parts, gathered.take(), rest));
            }
            let message = "the provider's answer is over the limit";
            let error = ClientError::gateway(trip.format(), Fault::BadGateway, message);
            Ok(trip.failed(
                &parts.headers,
                &error,
                FailureClass::Final,
                Some(parts.status),
            ))
        }
        (Err(GatherError::Body(error)), _) => Err(Error::new(ErrorClass::Ambiguous, error)),
    }
}

impl<F, B> fmt::Debug for ResponseFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
