//! The future.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::Service;
use tower::util::{Oneshot, ServiceExt};

use crate::body::{OrPayload, Payload, Reading};
use crate::endpoint::Format;
use crate::error::BoxError;

pin_project! {
    /// The future of [`Gather`](super::Gather).
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
            limit: usize,
            // Taken once, when the body is there.
            next: Option<(Parts, S)>,
        },
        Calling {
            #[pin]
            future: Oneshot<S, Request<Payload>>,
        },
        Answered {
            response: Option<Response<Payload>>,
        },
    }
}

impl<S, ReqBody> ResponseFuture<S, ReqBody>
where
    S: Service<Request<Payload>>,
{
    pub(super) fn reading(reading: Reading<ReqBody>, parts: Parts, limit: usize, inner: S) -> Self {
        Self {
            state: State::Reading {
                reading,
                limit,
                next: Some((parts, inner)),
            },
        }
    }

    pub(super) fn answered(response: Response<Payload>) -> Self {
        Self {
            state: State::Answered {
                response: Some(response),
            },
        }
    }
}

impl<S, ReqBody, ResBody> Future for ResponseFuture<S, ReqBody>
where
    S: Service<Request<Payload>, Response = Response<ResBody>>,
    ReqBody: Body<Data = Bytes>,
    ReqBody::Error: Into<BoxError>,
{
    type Output = Result<Response<OrPayload<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProject::Reading {
                    reading,
                    limit,
                    next,
                } => {
                    let read = ready!(reading.poll(cx));
                    // A future that is polled again after it was ready may hang, but must not panic.
                    let Some((mut parts, inner)) = next.take() else {
                        return Poll::Pending;
                    };
                    match read {
                        Ok(body) => {
                            // The body's own length speaks from here on.
                            parts.headers.remove(CONTENT_LENGTH);
                            parts.headers.remove(TRANSFER_ENCODING);
                            let request = Request::from_parts(parts, Payload::new(body));
                            State::Calling {
                                future: inner.oneshot(request),
                            }
                        }
                        Err(error) => {
                            let format = Format::of_request(&parts.uri, &parts.headers);
                            let error = error.into_client_error(format, *limit);
                            State::Answered {
                                response: Some(error.to_response(format)),
                            }
                        }
                    }
                }
                StateProject::Calling { future } => {
                    let response = ready!(future.poll(cx))?;
                    return Poll::Ready(Ok(response.map(OrPayload::inner)));
                }
                StateProject::Answered { response } => {
                    return response.take().map_or(Poll::Pending, |response| {
                        Poll::Ready(Ok(response.map(OrPayload::payload)))
                    });
                }
            };
            state.set(next);
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
