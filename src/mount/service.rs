//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::UPGRADE;
use http::uri::PathAndQuery;
use http::{Method, Request, Response, Uri};
use http_body::Body;
use tower::Service;

use super::body::MountBody;
use super::future::ResponseFuture;
use crate::body::{AnswerBody, Payload};
use crate::endpoint::Endpoint;
use crate::error::BoxError;
use crate::gateway::Gateway;
use crate::route;

/// See [`GatewayLayer`](super::GatewayLayer).
#[derive(Debug, Clone)]
pub struct Mount<S, C> {
    inner: S,
    gateway: Gateway<C>,
    prefix: Arc<str>,
    all_methods: bool,
}

impl<S, C> Mount<S, C> {
    pub(super) fn new(inner: S, gateway: Gateway<C>, prefix: Arc<str>, all_methods: bool) -> Self {
        Self {
            inner,
            gateway,
            prefix,
            all_methods,
        }
    }

    /// The URI as the gateway knows it, if the request is the gateway's.
    fn claim<B>(&self, request: &Request<B>) -> Option<Uri> {
        let path = request.uri().path().strip_prefix(&*self.prefix)?;
        let endpoint = Endpoint::from_path(path)?;
        let upgrade = endpoint == Endpoint::Responses && request.headers().contains_key(UPGRADE);
        if request.method() != Method::POST && !upgrade && !self.all_methods {
            return None;
        }
        if self.prefix.is_empty() {
            return Some(request.uri().clone());
        }
        let path_and_query = request
            .uri()
            .path_and_query()?
            .as_str()
            .get(self.prefix.len()..)?;
        Some(Uri::from(PathAndQuery::try_from(path_and_query).ok()?))
    }
}

/// The body of a gateway's answer around a client whose bodies are `B`.
pub(super) type GatewayBody<B> = route::ResponseBody<AnswerBody<B>>;

impl<S, C, ReqBody, InnerBody, B> Service<Request<ReqBody>> for Mount<S, C>
where
    S: Service<Request<ReqBody>, Response = Response<InnerBody>>,
    C: Service<Request<Payload>, Response = Response<B>> + Clone,
    C::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
    ReqBody: Body<Data = Bytes>,
    ReqBody::Error: Into<BoxError>,
{
    type Response = Response<MountBody<GatewayBody<B>, InnerBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<<Gateway<C> as Service<Request<ReqBody>>>::Future, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        // The gateway itself is always ready.
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        match self.claim(&request) {
            Some(uri) => {
                *request.uri_mut() = uri;
                ResponseFuture::gateway(self.gateway.call(request))
            }
            None => ResponseFuture::inner(self.inner.call(request)),
        }
    }
}
