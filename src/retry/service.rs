//! The service.

use std::task::{Context, Poll};

use http::{Request, Response};
use tower::{Service, ServiceExt};

use super::future::ResponseFuture;
use super::policy::RetryPolicy;
use crate::body::Payload;
use crate::call::Attempt;
use crate::error::Error;
use crate::settings::RetrySettings;

/// See [`RetryLayer`](super::RetryLayer).
#[derive(Debug, Clone)]
pub struct Retry<S> {
    inner: S,
    settings: RetrySettings,
}

impl<S> Retry<S> {
    pub(super) fn new(inner: S, settings: RetrySettings) -> Self {
        Self { inner, settings }
    }
}

impl<S, B> Service<Request<Payload>> for Retry<S>
where
    S: Service<Request<Payload>, Response = Response<B>, Error = Error> + Clone,
{
    type Response = Response<B>;
    type Error = Error;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // The inner service is asked in the future, inside the call's deadline.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Payload>) -> Self::Future {
        let call = request
            .extensions()
            .get::<Attempt>()
            .map(|attempt| attempt.call().clone());
        let policy = RetryPolicy::new(self.settings);
        let retry = tower::retry::Retry::new(policy, self.inner.clone());
        ResponseFuture::new(retry.oneshot(request), call)
    }
}
