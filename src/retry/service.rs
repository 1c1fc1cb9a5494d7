//! The service.

use std::task::{Context, Poll};

use http::{Request, Response};
use tower::Service;

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

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Payload>) -> Self::Future {
        let deadline = request
            .extensions()
            .get::<Attempt>()
            .map(|attempt| attempt.call().deadline);
        // The ready service takes the call, its clone waits for the next one.
        let unready = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, unready);
        let mut retry = tower::retry::Retry::new(RetryPolicy::new(self.settings), ready);
        ResponseFuture::new(retry.call(request), deadline)
    }
}
