//! The service.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::Service;

use super::credential::{InjectedHeader, NativeApi};
use crate::body::Payload;
use crate::call::Attempt;
use crate::headers;

/// See [`AuthLayer`](super::AuthLayer).
#[derive(Debug, Clone)]
pub struct Auth<S> {
    inner: S,
    fixed: Option<InjectedHeader>,
    native: Option<InjectedHeader>,
}

impl<S> Auth<S> {
    pub(crate) fn new(
        inner: S,
        fixed: Option<InjectedHeader>,
        native: Option<InjectedHeader>,
    ) -> Self {
        Self {
            inner,
            fixed,
            native,
        }
    }
}

impl<S, B> Service<Request<Payload>> for Auth<S>
where
    S: Service<Request<Payload>, Response = Response<B>>,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Payload>) -> Self::Future {
        let attempt = request.extensions_mut().remove::<Attempt>();
        let native = request.extensions_mut().remove::<NativeApi>().is_some();
        let out = request.headers_mut();
        headers::strip_credentials(out);
        if let Some(attempt) = &attempt {
            for header in attempt.target().connection().injected(native) {
                header.insert_into(out);
            }
        }
        let fixed = if native { &self.native } else { &self.fixed };
        if let Some(header) = fixed {
            header.insert_into(out);
        }
        ResponseFuture {
            inner: self.inner.call(request),
        }
    }
}

pin_project! {
    /// The future of [`Auth`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().inner.poll(cx)
    }
}
