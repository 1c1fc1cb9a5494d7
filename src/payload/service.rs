//! The service.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tokio::time::Instant;
use tower::Service;

use super::future::ResponseFuture;
use crate::body::{OrPayload, Payload, Reading, too_large};
use crate::clock::after;
use crate::endpoint::Format;
use crate::error::BoxError;
use crate::settings::{Limits, Timeouts};

/// See [`PayloadLayer`](super::PayloadLayer).
#[derive(Debug, Clone)]
pub struct Gather<S> {
    inner: S,
    limits: Limits,
    timeouts: Timeouts,
}

impl<S> Gather<S> {
    pub(super) fn new(inner: S, limits: Limits, timeouts: Timeouts) -> Self {
        Self {
            inner,
            limits,
            timeouts,
        }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Gather<S>
where
    S: Service<Request<Payload>, Response = Response<ResBody>> + Clone,
    ReqBody: Body<Data = Bytes>,
    ReqBody::Error: Into<BoxError>,
{
    type Response = Response<OrPayload<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        // The inner service is asked once the body is here: a slow client shall hold none of its places.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let limit = self.limits.request_body;
        let declared = body.size_hint().lower();
        if usize::try_from(declared).map_or(true, |declared| declared > limit) {
            let format = Format::of_request(&parts.uri, &parts.headers);
            return ResponseFuture::answered(too_large(format, limit).to_response(format));
        }
        let start = Instant::now();
        let idle = self.timeouts.request_idle;
        let deadline = after(start, self.timeouts.request_body);
        let reading = Reading::new(body, limit, start, idle, deadline);
        ResponseFuture::reading(reading, parts, limit, self.inner.clone())
    }
}
