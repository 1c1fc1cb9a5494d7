//! The service.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, Version};
use http_body::Body;
use tokio::time::Instant;
use tower::Service;

use super::body::ResponseBody;
use super::content::Content;
use super::future::ResponseFuture;
use super::layer::Settings;
use super::parse;
use super::record::Record;
use super::table::Resolved;
use crate::body::{Payload, Reading, too_large};
use crate::call::{Call, CallOptions};
use crate::clock::after;
use crate::endpoint::{Endpoint, Format};
use crate::error::BoxError;
use crate::format::error::{ClientError, Fault};
use crate::headers::{GATEWAY_MAX_RETRIES, X_REQUEST_ID};
use crate::observe;
use crate::random;
use crate::shutdown::Shutdown;

/// The most further calls that a client may ask for.
const MAX_RETRIES: u32 = 10;

/// See [`RouteLayer`](super::RouteLayer).
#[derive(Debug, Clone)]
pub struct Route<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> Route<S> {
    pub(super) fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self { inner, settings }
    }
}

/// What is known of a request before its body was read.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) format: Format,
    pub(super) endpoint: Option<Endpoint>,
    pub(super) request_id: HeaderValue,
    pub(super) started: Instant,
    pub(super) client: Option<Arc<str>>,
    /// Which try of the client's own it is, by its word.
    pub(super) client_retry: u32,
    max_retries: Option<u32>,
    /// Whether the body may not have arrived yet on a connection that carries one request after the other (HTTP/1): an answer
    /// before its end must then end the connection, and say so.
    pub(super) unread: bool,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Route<S>
where
    S: Service<Request<Payload>, Response = Response<ResBody>> + Clone,
    S::Error: Into<BoxError>,
    ReqBody: Body<Data = Bytes>,
    ReqBody::Error: Into<BoxError>,
    ResBody: Body,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = Infallible;
    type Future = ResponseFuture<S, ReqBody>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The inner service is asked once the request's body is here; see the future.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let mut arrival = Arrival::new(&parts);
        arrival.unread = parts.version < Version::HTTP_2 && !body.is_end_stream();
        let observers = self.settings.observers.clone();
        let followers = observers.began(&observe::Arrival {
            request_id: arrival.request_id_text(),
            endpoint: arrival.endpoint,
            method: &parts.method,
            headers: &parts.headers,
        });
        let mut record = Record::new(arrival, observers, followers);
        match self.settings.admit(&parts, &mut record.arrival) {
            Ok(()) => ResponseFuture::reading(
                body,
                parts,
                record,
                self.inner.clone(),
                self.settings.clone(),
            ),
            Err(refused) => ResponseFuture::refused(record, refused),
        }
    }
}

impl Arrival {
    fn new(parts: &Parts) -> Self {
        Self {
            format: Format::of_request(&parts.uri, &parts.headers),
            endpoint: Endpoint::from_path(parts.uri.path()),
            request_id: request_id(parts),
            started: Instant::now(),
            client: None,
            client_retry: parts
                .headers
                .get("x-stainless-retry-count")
                .and_then(|count| count.to_str().ok()?.parse().ok())
                .unwrap_or(0),
            max_retries: None,
            unread: false,
        }
    }

    /// The id that the call has in logs.
    pub(super) fn request_id_text(&self) -> &str {
        self.request_id.to_str().unwrap_or_default()
    }
}

/// The client's own id where it can stand in logs and headers, else a new one.
fn request_id(parts: &Parts) -> HeaderValue {
    if let Some(id) = parts.headers.get(X_REQUEST_ID)
        && (1..=128).contains(&id.len())
        && id.as_bytes().iter().all(u8::is_ascii_graphic)
    {
        return id.clone();
    }
    let mut id = Vec::with_capacity(36);
    id.extend_from_slice(b"req_");
    for number in [random::number(), random::number()] {
        let digits = (0..16).map(|at| (number >> (60 - 4 * at)) & 15);
        id.extend(digits.filter_map(|digit| b"0123456789abcdef".get(usize::try_from(digit).ok()?)));
    }
    HeaderValue::from_maybe_shared(Bytes::from(id))
        .unwrap_or_else(|_| HeaderValue::from_static("req_"))
}

impl Settings {
    /// Decides on what stands in the head of a request.
    fn admit(&self, parts: &Parts, arrival: &mut Arrival) -> Result<(), ClientError> {
        let format = arrival.format;
        let error =
            |fault, message: &'static str| Err(ClientError::gateway(format, fault, message));
        if arrival.endpoint == Some(Endpoint::Responses) && parts.headers.contains_key(UPGRADE) {
            return error(
                Fault::UpgradeRequired,
                "this gateway serves HTTP only; call again without Upgrade",
            );
        }
        if arrival.endpoint.is_none() {
            return error(Fault::NotFound, "there is no such endpoint on this gateway");
        }
        if parts.method != Method::POST {
            return error(Fault::MethodNotAllowed, "this endpoint takes POST");
        }
        if self.shutdown.as_ref().is_some_and(Shutdown::is_refusing) {
            return error(Fault::Stopping, "the gateway stops; call another one");
        }
        match self.keys.check(&parts.headers) {
            Ok(client) => arrival.client = client,
            Err(_) => return error(Fault::Unauthorized, "missing or unknown client key"),
        }
        let mut encodings = parts.headers.get_all(CONTENT_ENCODING).iter();
        if encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return error(
                Fault::ContentEncoding,
                "the request body must not be compressed",
            );
        }
        if let Some(wished) = parts.headers.get(GATEWAY_MAX_RETRIES) {
            let count = wished.to_str().ok().and_then(|text| text.parse().ok());
            match count.filter(|count| *count <= MAX_RETRIES) {
                Some(count) => arrival.max_retries = Some(count),
                None => {
                    return Err(ClientError::gateway(
                        format,
                        Fault::Invalid,
                        "x-gateway-max-retries takes 0 to 10",
                    )
                    .with_param("x-gateway-max-retries"));
                }
            }
        }
        let length = parts
            .headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if length.is_some_and(|length| {
            usize::try_from(length).map_or(true, |length| length > self.limits.request_body)
        }) {
            return Err(too_large(format, self.limits.request_body));
        }
        Ok(())
    }

    /// When a call must have ended.
    pub(super) fn deadline(&self, arrival: &Arrival, wished: Option<Duration>) -> Instant {
        let total = self.timeouts.total;
        after(
            arrival.started,
            wished.map_or(total, |wished| wished.min(total)),
        )
    }

    /// Begins to read a client's request body.
    pub(super) fn read<B>(&self, arrival: &Arrival, body: B) -> Reading<B> {
        let timeouts = &self.timeouts;
        Reading::new(
            body,
            self.limits.request_body,
            arrival.started,
            timeouts.request_idle,
            after(arrival.started, timeouts.request_body.min(timeouts.total)),
        )
    }

    /// Understands a request whose body is there.
    pub(super) fn understand(
        &self,
        mut parts: Parts,
        body: Bytes,
        record: &Record,
    ) -> Result<Call, ClientError> {
        let arrival = &record.arrival;
        let format = arrival.format;
        let Some(endpoint) = arrival.endpoint else {
            return Err(ClientError::gateway(
                format,
                Fault::NotFound,
                "there is no such endpoint on this gateway",
            ));
        };
        let head = parse::head(&body, &self.limits, format)?;
        let options = parts.extensions.remove::<CallOptions>().unwrap_or_default();
        let Resolved {
            targets,
            model: default_model,
            route,
        } = if let Some(target) = options.target {
            Resolved {
                route: format!("{}/*", target.connection().name()).into(),
                targets: Arc::from([target]),
                model: head.model.clone(),
            }
        } else {
            let content = Content::new(&body, format);
            self.table
                .resolve(&head.model, |condition| condition.holds(&content))
                .ok_or_else(|| unknown_model(format, &head.model))?
        };
        let deadline = self.deadline(arrival, options.deadline);
        Ok(Call {
            endpoint,
            request_id: arrival.request_id.clone(),
            first: 0,
            model: head.model,
            default_model: default_model.into(),
            stream: head.stream,
            stateful: head.stateful,
            body: Payload::new(body),
            model_span: head.model_span,
            query: parts.uri.query().map(str::to_owned),
            headers: parts.headers,
            targets,
            max_retries: options.max_retries.or(arrival.max_retries),
            lossy: options.lossy,
            deadline,
            client: arrival.client.clone(),
            sent: AtomicU32::new(0),
            chosen: AtomicUsize::new(0),
            report: Mutex::default(),
            route,
            tags: options.tags,
            tries: Mutex::default(),
            followers: record.followers().clone(),
            tokens: OnceLock::new(),
            timed: AtomicBool::new(false),
        })
    }
}

fn unknown_model(format: Format, model: &str) -> ClientError {
    let message = match format {
        Format::Chat | Format::Responses => {
            format!("The model `{model}` does not exist or no route leads to it")
        }
        Format::Messages => format!("model: {model}"),
    };
    let error = ClientError::gateway(format, Fault::ModelNotFound, message);
    if format == Format::Messages {
        error
    } else {
        error.with_param("model")
    }
}
