//! Answers on their way to the client: the gateway's own headers, and errors in the client's format.

use std::error::Error as StdError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use http_body::Body;

use super::body::ResponseBody;
use super::record::Record;
use crate::body::Payload;
use crate::call::{Call, Outcome};
use crate::error::{BoxError, Chain, Error, ErrorClass};
use crate::format::error::{ClientError, Fault};
use crate::headers::{
    FALSE, GATEWAY_ATTEMPTS, GATEWAY_REQUEST_ID, JSON, X_SHOULD_RETRY, request_id_name,
};
use crate::observe::UsageHandle;
use crate::target::Target;

/// When a client may come again that was turned away for too many open calls.
const SHED: Duration = Duration::from_secs(1);

/// The answer to a request that goes no further.
pub(super) fn refusal<B>(record: Record, error: &ClientError) -> Response<ResponseBody<B>> {
    render(record, error)
}

/// An answer from below.
pub(super) fn relay<B: Body>(
    mut record: Record,
    response: Response<B>,
) -> Response<ResponseBody<B>> {
    let (mut parts, body) = response.into_parts();
    identify(&record, parts.status, &mut parts.headers);
    record.relayed(parts.status, parts.extensions.get::<Outcome>().cloned());
    Response::from_parts(parts, ResponseBody::inner(body, record))
}

/// The answer where there is none from below.
pub(super) fn failure<B>(mut record: Record, error: &BoxError) -> Response<ResponseBody<B>> {
    let mut source: Option<&(dyn StdError + 'static)> = Some(&**error);
    let mut class = ErrorClass::Ambiguous;
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<Error>() {
            class = error.class();
            break;
        }
        source = error.source();
    }
    let (fault, message) = match class {
        ErrorClass::NeverSent => (Fault::BadGateway, "the provider could not be reached"),
        ErrorClass::Overloaded => {
            record.retry_after = Some(SHED);
            (
                Fault::RateLimited,
                "the gateway has too many open calls; try again later",
            )
        }
        ErrorClass::Incomplete => (
            Fault::BadGateway,
            "the connection to the provider broke before its answer",
        ),
        ErrorClass::Ambiguous => (Fault::BadGateway, "the call to the provider failed"),
        ErrorClass::Timeout => (Fault::Timeout, "the provider did not answer in time"),
        ErrorClass::Deadline => (Fault::Timeout, "the time for this call is over"),
        ErrorClass::Credentials => (
            Fault::BadGateway,
            "the gateway has no valid credentials for the provider",
        ),
        ErrorClass::Stopping => (Fault::Stopping, "the gateway stops"),
        ErrorClass::Misuse => (
            Fault::Internal,
            "the gateway is not assembled as it must be",
        ),
    };
    tracing::warn!(
        target: "tower_llm_gateway::upstream",
        request_id = record.arrival.request_id_text(),
        class = ?class,
        error = %Chain(&**error),
        "call failed"
    );
    let error = ClientError::gateway(record.arrival.format, fault, message);
    let mut response = render(record, &error);
    if !matches!(fault, Fault::Stopping | Fault::RateLimited) {
        // Our own tries are spent; the client's SDK shall not begin its own.
        response.headers_mut().insert(X_SHOULD_RETRY, FALSE);
    }
    response
}

fn render<B>(mut record: Record, error: &ClientError) -> Response<ResponseBody<B>> {
    let arrival = &record.arrival;
    let json = error.to_json(arrival.format, arrival.request_id.to_str().ok());
    let call = record.call();
    let target = call.and_then(|call| Some((call, chosen(call)?)));
    let outcome = target.map(|(call, target)| Outcome {
        provider: target.connection().provider(),
        connection: target.connection().shared_name(),
        model: target
            .shared_model()
            .unwrap_or_else(|| call.default_model.clone()),
        report: call.last_report(),
        usage: UsageHandle::default(),
    });
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, JSON);
    if error.status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("POST"));
    }
    if arrival.unread {
        // A server that still has to read a request cannot take the next one (RFC 9112, section 9.3); a client that is not told
        // sends it all the same, and sees a broken connection.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(wait) = record.retry_after {
        // In whole seconds, and never too early.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    if let Some((call, target)) = target {
        let model = target.model_id().unwrap_or(&call.default_model);
        crate::headers::describe_target(&mut headers, target, model);
        crate::headers::describe_loss(&mut headers, &call.last_report());
    }
    identify(&record, error.status, &mut headers);
    record.answered(error.status, outcome.clone());
    let mut response = Response::new(ResponseBody::payload(Payload::new(json), record));
    *response.status_mut() = error.status;
    *response.headers_mut() = headers;
    if let Some(outcome) = outcome {
        response.extensions_mut().insert(outcome);
    }
    response
}

/// The target that the call was last sent to.
fn chosen(call: &Call) -> Option<&Target> {
    call.target(call.chosen.load(Ordering::Relaxed))
}

/// The ids, how often the call was sent, and that a refused key is not worth another try.
fn identify(record: &Record, status: StatusCode, headers: &mut HeaderMap) {
    if status == StatusCode::UNAUTHORIZED {
        // Claude Code tries again for minutes, in silence, unless it is told.
        headers.insert(X_SHOULD_RETRY, FALSE);
    }
    let arrival = &record.arrival;
    headers.insert(GATEWAY_REQUEST_ID, arrival.request_id.clone());
    headers
        .entry(request_id_name(arrival.format))
        .or_insert_with(|| arrival.request_id.clone());
    if let Some(call) = record.call() {
        headers.insert(GATEWAY_ATTEMPTS, HeaderValue::from(call.attempts()));
    }
}
