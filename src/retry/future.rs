//! The future: tower's, inside the call's deadline.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep_until};
use tower::Service;
use tower::util::Oneshot;

use super::policy::RetryPolicy;
use crate::body::Payload;
use crate::call::Call;
use crate::error::{Error, ErrorClass};

type Tries<S, B> = Oneshot<tower::retry::Retry<RetryPolicy<B>, S>, Request<Payload>>;

pin_project! {
    /// The future of [`Retry`](super::Retry).
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<Payload>, Response = Response<B>, Error = Error>,
        S: Clone,
    {
        #[pin]
        inner: Tries<S, B>,
        call: Option<Arc<Call>>,
        // The policy is not asked while an attempt runs or the service is not ready: the clock stands outside. It is armed where
        // the attempt has none of its own.
        #[pin]
        deadline: Option<Sleep>,
    }
}

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Request<Payload>, Response = Response<B>, Error = Error> + Clone,
{
    pub(super) fn new(inner: Tries<S, B>, call: Option<Arc<Call>>) -> Self {
        Self {
            inner,
            call,
            deadline: None,
        }
    }
}

impl<S, B> Future for ResponseFuture<S, B>
where
    S: Service<Request<Payload>, Response = Response<B>, Error = Error> + Clone,
{
    type Output = Result<Response<B>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Poll::Ready(result) = this.inner.poll(cx) {
            return Poll::Ready(result);
        }
        let Some(call) = this.call.as_ref() else {
            return Poll::Pending;
        };
        if call.timed.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        if this.deadline.is_none() {
            this.deadline.set(Some(sleep_until(call.deadline)));
        }
        match this.deadline.as_pin_mut().map(|deadline| deadline.poll(cx)) {
            Some(Poll::Ready(())) => Poll::Ready(Err(Error::plain(
                ErrorClass::Deadline,
                "the call's time is over",
            ))),
            _ => Poll::Pending,
        }
    }
}

impl<S, B> fmt::Debug for ResponseFuture<S, B>
where
    S: Service<Request<Payload>, Response = Response<B>, Error = Error> + Clone,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
