//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::Service;

use super::future::ResponseFuture;
use super::layer::Shared;
use super::prepare::prepare;
use crate::body::{AnswerBody, Payload};
use crate::call::Attempt;
use crate::error::{BoxError, Error};

/// See [`ConvertLayer`](super::ConvertLayer).
#[derive(Debug, Clone)]
pub struct Convert<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> Convert<S> {
    pub(super) fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<S, B> Service<Request<Payload>> for Convert<S>
where
    S: Service<Request<Payload>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Response = Response<AnswerBody<B>>;
    type Error = Error;
    type Future = ResponseFuture<S::Future, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner
            .poll_ready(cx)
            .map_err(|error| self.shared.classed(error.into()))
    }

    fn call(&mut self, mut request: Request<Payload>) -> Self::Future {
        let attempt = match request.extensions_mut().remove::<Attempt>() {
            Some(attempt) => attempt,
            None => match super::alone::attempt(request, &self.shared) {
                Ok(attempt) => attempt,
                Err(answered) => return ResponseFuture::answered(answered),
            },
        };
        match prepare(attempt.clone(), &self.shared) {
            Ok(mut prepared) => {
                let call = attempt.call();
                call.note_sent(&attempt, &prepared.report);
                call.followers
                    .sending(&attempt, prepared.request.headers_mut());
                let future = self.inner.call(prepared.request);
                ResponseFuture::sending(
                    future,
                    attempt,
                    prepared.conversion,
                    prepared.asks_usage,
                    prepared.report,
                    self.shared.clone(),
                )
            }
            Err(refused) => ResponseFuture::refused(&attempt, &refused),
        }
    }
}
