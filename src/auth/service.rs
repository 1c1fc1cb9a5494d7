//! The service.

use std::task::{Context, Poll};

use http::{Request, Response};
use tower::Service;

use super::credential::{Means, NativeApi};
use super::future::ResponseFuture;
use super::{Signer, Signing};
use crate::body::Payload;
use crate::call::Attempt;
use crate::clock::Clock;
use crate::error::BoxError;
use crate::headers;

/// See [`AuthLayer`](super::AuthLayer).
#[derive(Debug, Clone)]
pub struct Auth<S> {
    inner: S,
    fixed: Option<Means>,
    clock: Clock,
}

impl<S> Auth<S> {
    pub(super) fn new(inner: S, fixed: Option<Means>, clock: Clock) -> Self {
        Self {
            inner,
            fixed,
            clock,
        }
    }
}

impl<S, B> Service<Request<Payload>> for Auth<S>
where
    S: Service<Request<Payload>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
{
    type Response = Response<B>;
    /// The inner service's error, or an [`Error`](crate::Error) where a request cannot be authenticated.
    type Error = BoxError;
    type Future = ResponseFuture<S, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<Payload>) -> Self::Future {
        let attempt = request.extensions_mut().remove::<Attempt>();
        let to_native = request.extensions_mut().remove::<NativeApi>().is_some();
        let out = request.headers_mut();
        headers::strip_credentials(out);
        let connection = attempt
            .as_ref()
            .map(|attempt| attempt.target().connection());
        for header in connection.map_or(&[][..], |connection| connection.extra_headers()) {
            header.insert_into(out);
        }
        let target = attempt.as_ref().map(|attempt| attempt.target());
        for header in target.map_or(&[][..], |target| target.extra_headers()) {
            header.insert_into(out);
        }
        // What the layer was given wins: it stands nearer.
        let means = self.fixed.as_ref();
        match means.or_else(|| connection.map(|connection| connection.means())) {
            Some(Means::Signature(signer)) => sign(&mut self.inner, signer, self.clock, request),
            Some(Means::Header { usual, native }) => {
                let header = native.as_ref().filter(|_| to_native).unwrap_or(usual);
                header.insert_into(out);
                ResponseFuture::calling(self.inner.call(request), None)
            }
            Some(Means::None) | None => ResponseFuture::calling(self.inner.call(request), None),
        }
    }
}

fn sign<S, B>(
    inner: &mut S,
    signer: &Signer,
    clock: Clock,
    request: Request<Payload>,
) -> ResponseFuture<S, S::Future>
where
    S: Service<Request<Payload>, Response = Response<B>> + Clone,
{
    // The instance that was asked for readiness is the one to call.
    let ready = || {
        let clone = inner.clone();
        std::mem::replace(inner, clone)
    };
    match signer.sign(request, clock, ready) {
        Ok(Signing::Signed(request, trail)) => {
            ResponseFuture::calling(inner.call(request), Some(trail))
        }
        Ok(Signing::Pending(pending)) => ResponseFuture::pending(pending),
        Err(error) => ResponseFuture::failed(error),
    }
}
