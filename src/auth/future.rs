//! The future.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::Service;

use super::{Pending, Trail};
use crate::body::Payload;
use crate::error::{BoxError, Error};

pin_project! {
    /// The future of [`Auth`](super::Auth). Dropping it gives up the call; a load of credentials that other calls wait for
    /// goes on with them.
    pub struct ResponseFuture<S, F> {
        #[pin]
        state: State<F>,
        pending: Option<Box<Pending<S>>>,
        trail: Option<Trail>,
    }
}

pin_project! {
    #[project = StateProject]
    enum State<F> {
        Calling {
            #[pin]
            future: F,
        },
        /// Waiting for credentials.
        Pending,
        Failed { error: Option<Error> },
    }
}

impl<S, F> ResponseFuture<S, F> {
    pub(super) fn calling(future: F, trail: Option<Trail>) -> Self {
        Self {
            state: State::Calling { future },
            pending: None,
            trail,
        }
    }

    pub(super) fn pending(pending: Box<Pending<S>>) -> Self {
        Self {
            state: State::Pending,
            pending: Some(pending),
            trail: None,
        }
    }

    pub(super) fn failed(error: Error) -> Self {
        Self {
            state: State::Failed { error: Some(error) },
            pending: None,
            trail: None,
        }
    }
}

impl<S, F, B> Future for ResponseFuture<S, F>
where
    S: Service<Request<Payload>, Response = Response<B>, Future = F>,
    S::Error: Into<BoxError>,
    F: Future<Output = Result<Response<B>, S::Error>>,
{
    type Output = Result<Response<B>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut state = this.state;
        loop {
            match state.as_mut().project() {
                StateProject::Calling { future } => {
                    if let Some(trail) = this.trail.as_mut() {
                        trail.poll(cx);
                    }
                    let mut response = ready!(future.poll(cx)).map_err(Into::into)?;
                    if let Some(trail) = this.trail.take() {
                        trail.mark(&mut response);
                    }
                    return Poll::Ready(Ok(response));
                }
                StateProject::Pending => {
                    let Some(pending) = this.pending.as_mut() else {
                        return Poll::Pending;
                    };
                    let signed = ready!(pending.poll(cx));
                    *this.pending = None;
                    match signed {
                        Ok((mut service, request, trail)) => {
                            *this.trail = Some(trail);
                            let future = service.call(request);
                            state.set(State::Calling { future });
                        }
                        Err(error) => return Poll::Ready(Err(error.into())),
                    }
                }
                StateProject::Failed { error } => {
                    return error
                        .take()
                        .map_or(Poll::Pending, |error| Poll::Ready(Err(error.into())));
                }
            }
        }
    }
}

impl<S, F> fmt::Debug for ResponseFuture<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
