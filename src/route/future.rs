//! The future.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::Service;
use tower::util::{Oneshot, ServiceExt};

use super::answer;
use super::body::ResponseBody;
use super::layer::Settings;
use super::record::Record;
use super::table::draw;
use crate::body::{Payload, Reading};
use crate::call::Attempt;
use crate::error::{BoxError, Error, ErrorClass};
use crate::format::error::{ClientError, Fault};
use crate::random;
use crate::shutdown::{Ending, Shutdown};

pin_project! {
    /// The future of [`Route`](super::Route).
    pub struct ResponseFuture<S, ReqBody>
    where
        S: Service<Request<Payload>>,
    {
        #[pin]
        state: State<S, ReqBody>,
    }
}

pin_project! {
    #[project = StateProject]
    enum State<S, ReqBody>
    where
        S: Service<Request<Payload>>,
    {
        Reading {
            #[pin]
            reading: Reading<ReqBody>,
            // Taken once, when the body is there.
            next: Option<Next<S>>,
        },
        Calling {
            #[pin]
            future: Oneshot<S, Request<Payload>>,
            #[pin]
            ending: Option<Ending>,
            // Taken once, with the answer.
            record: Option<Record>,
        },
        Refused {
            record: Option<Record>,
            error: ClientError,
        },
    }
}

/// What is needed once the body is there.
struct Next<S> {
    parts: Parts,
    record: Record,
    inner: S,
    settings: Arc<Settings>,
}

impl<S, ReqBody> ResponseFuture<S, ReqBody>
where
    S: Service<Request<Payload>>,
{
    pub(super) fn reading(
        body: ReqBody,
        parts: Parts,
        record: Record,
        inner: S,
        settings: Arc<Settings>,
    ) -> Self {
        let reading = settings.read(&record.arrival, body);
        let next = Some(Next {
            parts,
            record,
            inner,
            settings,
        });
        Self {
            state: State::Reading { reading, next },
        }
    }

    pub(super) fn refused(record: Record, error: ClientError) -> Self {
        Self {
            state: State::Refused {
                record: Some(record),
                error,
            },
        }
    }
}

impl<S, ReqBody, ResBody> Future for ResponseFuture<S, ReqBody>
where
    S: Service<Request<Payload>, Response = Response<ResBody>>,
    S::Error: Into<BoxError>,
    ReqBody: Body<Data = Bytes>,
    ReqBody::Error: Into<BoxError>,
    ResBody: Body,
{
    type Output = Result<Response<ResponseBody<ResBody>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProject::Reading { reading, next } => {
                    if next.is_none() {
                        return Poll::Pending;
                    }
                    let read = ready!(reading.poll(cx));
                    // A future that is polled again after it was ready may hang, but must not panic.
                    let Some(Next {
                        parts,
                        mut record,
                        inner,
                        settings,
                    }) = next.take()
                    else {
                        return Poll::Pending;
                    };
                    let format = record.arrival.format;
                    record.arrival.unread &= read.is_err();
                    let next = match read {
                        Ok(body) => settings.understand(parts, body, &record),
                        Err(error) => {
                            Err(error.into_client_error(format, settings.limits.request_body))
                        }
                    };
                    let next = next.and_then(|mut call| {
                        let place = draw(&call.targets, random::number(), || call.tokens());
                        call.first = *place.as_ref().unwrap_or(&0);
                        let call = Arc::new(call);
                        record.understood(&call);
                        if let Err(wait) = place {
                            record.retry_after = Some(wait);
                            return Err(ClientError::gateway(
                                format,
                                Fault::RateLimited,
                                "the gateway's capacity for this model is used up; try again later",
                            ));
                        }
                        let attempt = Attempt::first(call.clone());
                        let attempt = attempt.ok_or_else(|| {
                            ClientError::gateway(format, Fault::Internal, "the route has no target")
                        })?;
                        let mut request = Request::new(call.body.clone());
                        request.extensions_mut().insert(attempt);
                        Ok(request)
                    });
                    match next {
                        Ok(request) => {
                            state.set(State::Calling {
                                future: inner.oneshot(request),
                                ending: settings.shutdown.as_ref().map(Shutdown::ending),
                                record: Some(record),
                            });
                        }
                        Err(error) => return Poll::Ready(Ok(answer::refusal(record, &error))),
                    }
                }
                StateProject::Calling {
                    future,
                    ending,
                    record,
                } => {
                    if record.is_none() {
                        return Poll::Pending;
                    }
                    let result = match future.poll(cx) {
                        Poll::Ready(result) => result.map_err(Into::into),
                        Poll::Pending => {
                            let Some(ending) = ending.as_pin_mut() else {
                                return Poll::Pending;
                            };
                            ready!(ending.poll(cx));
                            Err(Error::plain(ErrorClass::Stopping, "the gateway stops").into())
                        }
                    };
                    let Some(record) = record.take() else {
                        return Poll::Pending;
                    };
                    return Poll::Ready(Ok(match result {
                        Ok(response) => answer::relay(record, response),
                        Err(error) => answer::failure(record, &error),
                    }));
                }
                StateProject::Refused { record, error } => {
                    let Some(record) = record.take() else {
                        return Poll::Pending;
                    };
                    return Poll::Ready(Ok(answer::refusal(record, error)));
                }
            }
        }
    }
}

impl<S, ReqBody> fmt::Debug for ResponseFuture<S, ReqBody>
where
    S: Service<Request<Payload>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
