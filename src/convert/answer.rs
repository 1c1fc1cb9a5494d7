//! From a provider's answer to the client's: heads, error bodies, and what they mean for a retry.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use http::response::Parts;
use http::{HeaderValue, Response, StatusCode};

use tokio::time::Instant;

use super::bedrock_error;
use super::context::{AnswerContext, UpstreamId};
use super::invoke;
use super::layer::Shared;
use super::machine::StreamError;
use super::pair::Conversion;
use super::passthrough;
use super::report::LossReport;
use crate::auth;
use crate::body::{AnswerBody, Stream, StreamSettings, TranscodeBody};
use crate::call::{Attempt, Failure, FailureClass, Outcome};
use crate::codec::contains;
use crate::endpoint::Format;
use crate::error::{Error, ErrorClass};
use crate::format::error::{ClientError, Fault};
use crate::headers::{self, EVENT_STREAM, FALSE, JSON, NO_CACHE, X_SHOULD_RETRY, request_id_name};
use crate::observe::{Facts, UsageHandle, Watch};
use crate::provider::spec::{AuthScheme, Framing, Spec};
use crate::retry::retry_after;
use crate::shutdown::{Ending, Shutdown};

/// The media type of server-sent events.
const SSE_TYPE: &str = "text/event-stream";
/// The media type of AWS's event streams.
const AWS_TYPE: &str = "application/vnd.amazon.eventstream";

/// One try on its way through the layer.
#[derive(Debug)]
pub(super) struct Trip {
    pub(super) attempt: Attempt,
    /// `None` in a passthrough cell.
    pub(super) conversion: Option<Conversion>,
    /// The client does not see the usage that its stream was asked for.
    pub(super) hides_usage: bool,
    pub(super) report: Arc<LossReport>,
    pub(super) usage: UsageHandle,
    pub(super) shared: Arc<Shared>,
    /// When the head, or a stream's first event, must have come.
    pub(super) begin_by: Instant,
}

/// How an answer's body is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An answer that cannot be used, whatever its body says.
    Unusable(&'static str),
    Error,
    Whole,
    Stream,
}

impl Drop for Trip {
    fn drop(&mut self) {
        self.attempt.call().timed.store(false, Ordering::Relaxed);
    }
}

impl Trip {
    pub(super) fn format(&self) -> Format {
        self.attempt.call().endpoint.format()
    }

    pub(super) fn context(&self, upstream: &HeaderMap) -> AnswerContext {
        AnswerContext {
            now: self.shared.clock.unix_seconds(),
            request_id: upstream
                .get(self.request_id_header())
                .and_then(UpstreamId::read),
        }
    }

    /// The figures of a stream.
    pub(super) fn stream_settings(&self) -> StreamSettings {
        StreamSettings {
            format: self.format(),
            event_limit: self.shared.limits.event,
            idle: self.shared.timeouts.idle,
            deadline: self.attempt.call().deadline,
            keep_alive: self.shared.settings.keep_alive,
        }
    }

    /// Resolves when the gateway stops.
    pub(super) fn ending(&self) -> Option<Ending> {
        self.shared.shutdown.as_ref().map(Shutdown::ending)
    }

    /// When nothing more came for too long, from now on.
    pub(super) fn idle_alarm(&self) -> Instant {
        let deadline = self.attempt.call().deadline;
        Instant::now()
            .checked_add(self.shared.timeouts.idle)
            .map_or(deadline, |alarm| alarm.min(deadline))
    }

    /// A clock of this try ran out.
    pub(super) fn late(&self, what: &'static str) -> Error {
        let class = if Instant::now() >= self.attempt.call().deadline {
            ErrorClass::Deadline
        } else {
            ErrorClass::Timeout
        };
        Error::plain(class, what)
    }

    /// What the head says about the body.
    pub(super) fn kind(&self, parts: &Parts) -> Kind {
        if parts.status.is_client_error() || parts.status.is_server_error() {
            // Its status is worth more than its body.
            return Kind::Error;
        }
        if is_encoded(&parts.headers) {
            return Kind::Unusable(
                "the provider's answer is compressed, though nobody asked for that",
            );
        }
        if parts.status.is_redirection() || parts.status.is_informational() {
            // Never followed: the credential belongs to the configured host alone.
            return Kind::Unusable("the provider answered with a redirect");
        }
        // Some compatible servers do not name the media type of their streams.
        let unnamed = self.attempt.call().stream && !has_type(parts, "application/json");
        if has_type(parts, SSE_TYPE) || has_type(parts, AWS_TYPE) || unnamed {
            Kind::Stream
        } else {
            Kind::Whole
        }
    }

    /// How the stream behind this head is framed.
    pub(super) fn framing(&self, parts: &Parts) -> Framing {
        if has_type(parts, SSE_TYPE) {
            return Framing::Sse;
        }
        self.spec().framing
    }

    /// The answer to a whole body.
    pub(super) fn whole<B>(&mut self, parts: &Parts, body: Bytes) -> Response<AnswerBody<B>> {
        let Some(conversion) = self.conversion.take() else {
            self.usage
                .set(passthrough::answer_usage(self.format(), &body));
            self.usage.set_facts(&Facts::of(self.format(), &body));
            let mut response = self.response(&parts.headers, AnswerBody::whole(body));
            *response.status_mut() = parts.status;
            copy(&parts.headers, CONTENT_TYPE, response.headers_mut());
            return response;
        };
        let stream = self.attempt.call().stream && conversion.replays();
        let converted = if stream {
            let mut out = bytes::BytesMut::new();
            conversion
                .replay(&body, self.context(&parts.headers), &mut out)
                .map(|usage| (out.freeze(), usage))
        } else {
            conversion
                .answer(&body, self.context(&parts.headers))
                .map(|answer| (answer.body, answer.usage))
        };
        self.conversion = Some(conversion);
        match converted {
            Ok((body, mut usage)) => {
                if self.spec().framing == Framing::InvokeChunks {
                    invoke::usage::fill(&mut usage, &invoke::usage::of_headers(&parts.headers));
                }
                self.usage.set(usage);
                self.usage.set_facts(&if stream {
                    let mut watch = Watch::new(self.format());
                    watch.events(&body);
                    watch.facts().clone()
                } else {
                    Facts::of(self.format(), &body)
                });
                let mut response = self.response(&parts.headers, AnswerBody::whole(body));
                *response.status_mut() = parts.status;
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, if stream { EVENT_STREAM } else { JSON });
                if stream {
                    headers.insert(CACHE_CONTROL, NO_CACHE);
                }
                response
            }
            Err(error) => {
                tracing::warn!(
                    target: "tower_llm_gateway::upstream",
                    request_id = self.attempt.call().request_id.to_str().unwrap_or_default(),
                    connection = self.attempt.target().connection().name(),
                    "the provider's answer could not be understood"
                );
                self.failed(&parts.headers, &error, FailureClass::Ambiguous, None)
            }
        }
    }

    /// A passthrough answer that is too large to be held: what was read of it, and the rest.
    pub(super) fn relay<B>(&self, parts: &Parts, head: Bytes, rest: B) -> Response<AnswerBody<B>> {
        let stream = Stream::unwatched(head, self.stream_settings(), self.usage.clone());
        let body = AnswerBody::stream(TranscodeBody::new(rest, stream).until(self.ending()));
        let mut response = self.response(&parts.headers, body);
        *response.status_mut() = parts.status;
        copy(&parts.headers, CONTENT_TYPE, response.headers_mut());
        response
    }

    /// The head of an answer that is a stream.
    pub(super) fn stream<B>(&self, parts: &Parts, body: AnswerBody<B>) -> Response<AnswerBody<B>> {
        let mut response = self.response(&parts.headers, body);
        *response.status_mut() = parts.status;
        let headers = response.headers_mut();
        let upstream = parts
            .headers
            .get(CONTENT_TYPE)
            .filter(|_| self.conversion.is_none());
        headers.insert(CONTENT_TYPE, upstream.cloned().unwrap_or(EVENT_STREAM));
        headers.insert(CACHE_CONTROL, NO_CACHE);
        response
    }

    /// The answer to a provider's error.
    pub(super) fn error<B>(&self, parts: &Parts, body: &Bytes) -> Response<AnswerBody<B>> {
        let status = parts.status;
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            tracing::warn!(
                target: "tower_llm_gateway::upstream",
                request_id = self.attempt.call().request_id.to_str().unwrap_or_default(),
                connection = self.attempt.target().connection().name(),
                status = status.as_u16(),
                "the provider refused the gateway's credential"
            );
        }
        let is_aws = self.spec().auth == AuthScheme::Aws;
        let class = if is_aws {
            match bedrock_error::class(status, &parts.headers, body) {
                // A key that is refused stays refused; a signature may be better the next time.
                FailureClass::Credential if !auth::refused(parts, body) => FailureClass::Final,
                class => class,
            }
        } else {
            classify(status, body)
        };
        // Some providers say in the body how long to wait.
        let mut hinted = None;
        if retry_after::parse(&parts.headers, self.shared.clock.now()).is_none()
            && let Some(seconds) = passthrough::retry_after(body)
        {
            let headers = hinted.insert(parts.headers.clone());
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        let upstream = hinted.as_ref().unwrap_or(&parts.headers);
        let provider = self.attempt.target().connection().provider();
        let rewritten = match &self.conversion {
            // Whatever it carries, the error is AWS's.
            _ if is_aws => Some(bedrock_error::convert(
                status,
                &parts.headers,
                body,
                self.format(),
            )),
            Some(conversion) => Some(conversion.error(status, &parts.headers, body)),
            None => passthrough::rewrite(self.format(), provider, status, body),
        };
        if let Some(error) = rewritten {
            return self.failed(upstream, &error, class, Some(status));
        }
        let body = passthrough::redacted(body);
        let mut response = self.response(upstream, AnswerBody::whole(body));
        *response.status_mut() = status;
        copy(upstream, CONTENT_TYPE, response.headers_mut());
        self.mark(&mut response, upstream, class, Some(status));
        response
    }

    /// The answer to an error that is the first event of a stream.
    pub(super) fn stream_error<B>(
        &self,
        parts: &Parts,
        error: &StreamError,
    ) -> Response<AnswerBody<B>> {
        let by_status = || {
            let status = error.upstream_status;
            status.map_or(FailureClass::Ambiguous, |status| classify(status, &[]))
        };
        let class = error.class.unwrap_or_else(by_status);
        self.failed(&parts.headers, &error.error, class, error.upstream_status)
    }

    /// The answer to an answer that cannot be used.
    pub(super) fn unusable<B>(&self, parts: &Parts, what: &'static str) -> Response<AnswerBody<B>> {
        let error = ClientError::gateway(self.format(), Fault::BadGateway, what);
        self.failed(
            &parts.headers,
            &error,
            FailureClass::Ambiguous,
            Some(parts.status),
        )
    }

    pub(super) fn failed<B>(
        &self,
        upstream: &HeaderMap,
        error: &ClientError,
        class: FailureClass,
        status: Option<StatusCode>,
    ) -> Response<AnswerBody<B>> {
        // The provider's own id or none: ours stands in the head.
        let id = upstream.get(self.request_id_header());
        let json = error.to_json(self.format(), id.and_then(|id| id.to_str().ok()));
        let mut response = self.response(upstream, AnswerBody::whole(json));
        *response.status_mut() = error.status;
        response.headers_mut().insert(CONTENT_TYPE, JSON);
        if error.status == StatusCode::PAYMENT_REQUIRED {
            response.headers_mut().insert(X_SHOULD_RETRY, FALSE);
        }
        self.mark(&mut response, upstream, class, status);
        response
    }

    fn mark<B>(
        &self,
        response: &mut Response<AnswerBody<B>>,
        upstream: &HeaderMap,
        class: FailureClass,
        status: Option<StatusCode>,
    ) {
        let should_retry = match upstream.get(X_SHOULD_RETRY).map(HeaderValue::as_bytes) {
            Some(b"true") => Some(true),
            Some(b"false") => Some(false),
            _ => None,
        };
        let retry_after = retry_after::parse(upstream, self.shared.clock.now());
        response.extensions_mut().insert(Failure {
            class,
            retry_after,
            should_retry,
            status,
        });
    }

    fn spec(&self) -> &'static Spec {
        self.attempt.target().connection().provider().spec()
    }

    fn request_id_header(&self) -> &'static str {
        self.spec().request_id
    }

    /// An answer with everything that all answers have in common.
    fn response<B>(&self, upstream: &HeaderMap, body: AnswerBody<B>) -> Response<AnswerBody<B>> {
        let mut response = Response::new(body);
        let out = response.headers_mut();
        headers::inbound(upstream, self.format(), out);
        if let Some(conversion) = &self.conversion {
            conversion.rate_limits(upstream, self.shared.clock.unix_seconds(), out);
        }
        if let Some(id) = upstream.get(self.request_id_header()) {
            out.insert(request_id_name(self.format()), id.clone());
        }
        describe(&self.attempt, &self.report, &self.usage, &mut response);
        response
    }
}

/// The answer to a request that the target cannot express.
pub(super) fn refusal<B>(
    attempt: &Attempt,
    error: &ClientError,
    report: &Arc<LossReport>,
) -> Response<AnswerBody<B>> {
    let format = attempt.call().endpoint.format();
    let json = error.to_json(format, attempt.call().request_id.to_str().ok());
    let mut response = Response::new(AnswerBody::whole(json));
    *response.status_mut() = error.status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    describe(attempt, report, &UsageHandle::default(), &mut response);
    response.extensions_mut().insert(Failure {
        class: FailureClass::Unsupported,
        retry_after: None,
        should_retry: None,
        status: None,
    });
    response
}

/// Says which target it was and what was lost.
fn describe<B>(
    attempt: &Attempt,
    report: &Arc<LossReport>,
    usage: &UsageHandle,
    response: &mut Response<B>,
) {
    let connection = attempt.target().connection();
    let out = response.headers_mut();
    headers::describe_target(out, attempt.target(), attempt.model());
    headers::describe_loss(out, report);
    headers::describe_cost(out, usage.cost());
    response.extensions_mut().insert(Outcome {
        provider: connection.provider(),
        connection: connection.shared_name(),
        model: attempt.shared_model(),
        report: report.clone(),
        usage: usage.clone(),
    });
}

/// Whether a body is compressed, though nobody asked for that.
pub(super) fn is_encoded(headers: &HeaderMap) -> bool {
    headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Whether the head says that the body is of this media type.
fn has_type(parts: &Parts, media_type: &str) -> bool {
    parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.as_bytes().get(..media_type.len()))
        .is_some_and(|start| start.eq_ignore_ascii_case(media_type.as_bytes()))
}

fn copy(from: &HeaderMap, name: http::HeaderName, to: &mut HeaderMap) {
    if let Some(value) = from.get(&name) {
        to.insert(name, value.clone());
    }
}

/// What a provider's status, and little of its error body, mean for another try.
fn classify(status: StatusCode, body: &[u8]) -> FailureClass {
    match status.as_u16() {
        // Money or a day's quota does not come back within a retry.
        429 if contains(body, b"insufficient_quota") || contains(body, b"PerDay") => {
            FailureClass::Exhausted
        }
        408 | 409 | 425 | 429 | 498 | 503 | 529 => FailureClass::Refused,
        500 | 502 | 504 => FailureClass::Ambiguous,
        _ => FailureClass::Final,
    }
}
