//! Errors of the Bedrock runtime, in the client's words: answers with an error status, and exceptions inside streams.
//!
//! Sources: the error sections of the Bedrock runtime's API reference, and the service model that AWS's SDKs are made of.

use std::borrow::Cow;

use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::anthropic_error;
use super::machine::StreamError;
use super::passthrough;
use super::redact::redact;
use super::upstream_error::{UpstreamError, plain_text};
use crate::call::FailureClass;
use crate::endpoint::Format;
use crate::format::error::{ClientError, Fault};
use crate::format::messages::{Count, Text};

/// In which an answer names its error.
const ERROR_TYPE: &str = "x-amzn-errortype";
/// How much of a body that is no JSON the client gets to see.
const SHOWN: usize = 200;

/// A kind of error.
struct Row {
    /// Without `Exception` at its end; names are compared without regard to case, as members of streams begin in lower case.
    name: &'static str,
    /// AWS's status for it; where AWS's says too little of another try (424), the one that does.
    upstream: u16,
    class: FailureClass,
    /// The status, `type` and `code` for the OpenAI formats.
    openai: (u16, &'static str, Option<&'static str>),
    /// The status and `type` for Messages.
    anthropic: (u16, &'static str),
}

const INVALID: &str = "invalid_request_error";
const SERVER: &str = "server_error";

const VALIDATION: Row = Row {
    name: "Validation",
    upstream: 400,
    class: FailureClass::Final,
    openai: (400, INVALID, None),
    anthropic: (400, INVALID),
};
const ACCESS_DENIED: Row = Row {
    name: "AccessDenied",
    upstream: 403,
    class: FailureClass::Final,
    openai: (403, INVALID, Some("permission_denied")),
    anthropic: (403, "permission_error"),
};
const CREDENTIAL: Row = Row {
    name: "UnrecognizedClient",
    class: FailureClass::Credential,
    ..ACCESS_DENIED
};
/// The same where AWS's own status says so.
const UNAUTHORIZED: Row = Row {
    upstream: 401,
    openai: (401, INVALID, Some("invalid_api_key")),
    anthropic: (401, "authentication_error"),
    ..CREDENTIAL
};
const NOT_FOUND: Row = Row {
    name: "ResourceNotFound",
    upstream: 404,
    class: FailureClass::Final,
    openai: (404, INVALID, Some("model_not_found")),
    anthropic: (404, "not_found_error"),
};
/// No exception of the Bedrock runtime: what stands before it takes no more.
const TOO_LARGE: Row = Row {
    upstream: 413,
    class: FailureClass::Final,
    openai: (413, INVALID, Some("request_too_large")),
    anthropic: (413, "request_too_large"),
    ..UNKNOWN
};
const TIMEOUT: Row = Row {
    name: "ModelTimeout",
    upstream: 408,
    class: FailureClass::Refused,
    openai: (504, SERVER, Some("model_timeout")),
    anthropic: (504, "timeout_error"),
};
const THROTTLING: Row = Row {
    name: "Throttling",
    upstream: 429,
    class: FailureClass::Refused,
    openai: (429, "rate_limit_error", Some("rate_limit_exceeded")),
    anthropic: (429, "rate_limit_error"),
};
const NOT_READY: Row = Row {
    name: "ModelNotReady",
    upstream: 429,
    class: FailureClass::Refused,
    openai: (503, SERVER, Some("model_not_ready")),
    anthropic: (529, "overloaded_error"),
};
const QUOTA: Row = Row {
    name: "ServiceQuotaExceeded",
    upstream: 400,
    class: FailureClass::Exhausted,
    openai: (429, "rate_limit_error", Some("insufficient_quota")),
    anthropic: (429, "rate_limit_error"),
};
const MODEL_ERROR: Row = Row {
    name: "ModelError",
    upstream: 502,
    class: FailureClass::Ambiguous,
    openai: (502, SERVER, Some("model_error")),
    anthropic: (502, "api_error"),
};
/// A model's error that it blames on the request.
const MODEL_REFUSAL: Row = Row {
    upstream: 400,
    class: FailureClass::Final,
    openai: (400, INVALID, Some("model_error")),
    anthropic: (400, INVALID),
    ..MODEL_ERROR
};
const MODEL_STREAM_ERROR: Row = Row {
    name: "ModelStreamError",
    upstream: 502,
    class: FailureClass::Ambiguous,
    openai: (502, SERVER, Some("model_stream_error")),
    anthropic: (502, "api_error"),
};
const INTERNAL: Row = Row {
    name: "InternalServer",
    upstream: 500,
    class: FailureClass::Ambiguous,
    openai: (500, SERVER, None),
    anthropic: (500, "api_error"),
};
const UNAVAILABLE: Row = Row {
    name: "ServiceUnavailable",
    upstream: 503,
    class: FailureClass::Refused,
    openai: (503, SERVER, Some("service_unavailable")),
    anthropic: (529, "overloaded_error"),
};

/// An error in a stream whose name is not known.
const UNKNOWN: Row = Row {
    name: "",
    upstream: 502,
    class: FailureClass::Ambiguous,
    openai: (502, SERVER, Some("upstream_error")),
    anthropic: (502, "api_error"),
};

const ROWS: &[Row] = &[
    VALIDATION,
    ACCESS_DENIED,
    CREDENTIAL,
    NOT_FOUND,
    TIMEOUT,
    THROTTLING,
    NOT_READY,
    QUOTA,
    MODEL_ERROR,
    MODEL_STREAM_ERROR,
    INTERNAL,
    UNAVAILABLE,
];

/// Other names under which AWS refuses a credential, a signature, or the time in it.
const CREDENTIAL_NAMES: [&str; 6] = [
    "InvalidSignature",
    "SignatureDoesNotMatch",
    "MissingAuthenticationToken",
    "ExpiredToken",
    "InvalidClientTokenId",
    "RequestExpired",
];

/// What can be read of an error's body.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    message: Text<'a>,
    /// Some of AWS's front ends write it so.
    #[serde(borrow, rename = "Message")]
    capital: Text<'a>,
    #[serde(borrow, rename = "__type")]
    kind: Text<'a>,
    #[serde(borrow)]
    code: Text<'a>,
    #[serde(rename = "originalStatusCode")]
    original_status: Count,
    /// Anthropic's own error, where a model's answer is passed on.
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// What an error says.
struct Told {
    class: FailureClass,
    upstream: StatusCode,
    error: ClientError,
}

/// Converts an answer with an error status.
pub(crate) fn convert(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    format: Format,
) -> ClientError {
    answer(status, headers, body, format).error
}

/// What an answer with an error status means for another try.
pub(crate) fn class(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> FailureClass {
    answer(status, headers, body, Format::Chat).class
}

/// The name, without `Exception` at its end, of an error that refuses the gateway's credential or signature.
#[cfg(feature = "aws")]
pub(crate) fn refused_credential(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Option<String> {
    if class(status, headers, body) != FailureClass::Credential {
        return None;
    }
    let body: Body<'_> = serde_json::from_slice(body).unwrap_or_default();
    let name = name(headers, &body);
    Some(short_name(after_namespace(&name)).to_owned())
}

/// Converts an exception that ends a stream; `name` is its `:exception-type`.
pub(crate) fn exception(name: &str, payload: &[u8], format: Format) -> StreamError {
    let body: Body<'_> = serde_json::from_slice(payload).unwrap_or_default();
    let message = message(&body).unwrap_or(Cow::Borrowed("the provider reported an error"));
    let row = row(name, &body, &message).unwrap_or(UNKNOWN);
    told(&row, &body, &message, format).into_stream_error()
}

/// Converts an error that ends a stream and that the service's model does not know.
pub(crate) fn unmodeled(code: &str, message: &str, format: Format) -> StreamError {
    let body = Body::default();
    let message = match (message, code) {
        ("", "") => "the provider reported an error",
        ("", code) => code,
        (message, _) => message,
    };
    let row = row(code, &body, message).unwrap_or(UNKNOWN);
    told(&row, &body, message, format).into_stream_error()
}

/// Whether an event is named as an exception is: some servers send those as events.
pub(crate) fn is_exception(event: &str) -> bool {
    short_name(event).len() < event.len()
}

/// The error of an answer with status 200 that is none: what AWS's front end says to a path that it does not know.
pub(crate) fn in_success(body: &[u8], format: Format) -> Option<ClientError> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Answer<'a> {
        #[serde(borrow, rename = "Output")]
        capital: Option<&'a RawValue>,
        #[serde(borrow)]
        output: Option<&'a RawValue>,
    }
    let answer: Answer<'_> = serde_json::from_slice(body).ok()?;
    let output = answer.capital.or(answer.output)?;
    let output: Body<'_> = serde_json::from_str(output.get()).ok()?;
    let kind = output.kind.get()?.decode();
    let message = format!("bad upstream response: {}", after_namespace(&kind));
    Some(ClientError::gateway(format, Fault::BadGateway, message))
}

fn answer(status: StatusCode, headers: &HeaderMap, bytes: &[u8], format: Format) -> Told {
    let body: Body<'_> = serde_json::from_slice(bytes).unwrap_or_default();
    let name = name(headers, &body);
    let message = message(&body).unwrap_or_else(|| {
        let text = plain_text(bytes, SHOWN);
        let head = format!("the provider answered with status {}", status.as_u16());
        // JSON that says nothing is no text for people.
        match bytes.trim_ascii_start().first() {
            None | Some(b'{' | b'[') => Cow::Owned(head),
            _ if text.is_empty() => Cow::Owned(head),
            _ => Cow::Owned(format!("{head}: {text}")),
        }
    });
    let row = match row(&name, &body, &message) {
        Some(row) if row.name == CREDENTIAL.name && status == StatusCode::UNAUTHORIZED => {
            UNAUTHORIZED
        }
        Some(row) => row,
        None => by_status(status),
    };
    told(&row, &body, &message, format)
}

/// The name of an error, as AWS writes it.
fn name<'a>(headers: &'a HeaderMap, body: &Body<'a>) -> Cow<'a, str> {
    let header = headers
        .get(ERROR_TYPE)
        .and_then(|value| value.to_str().ok());
    let stated = body.kind.get().or(body.code.get());
    header
        .map(Cow::Borrowed)
        .or_else(|| stated.map(|text| text.decode()))
        .unwrap_or_default()
}

/// The row of a name; that of throttling for what is called invalid but is none of the request's fault.
fn row(name: &str, body: &Body<'_>, message: &str) -> Option<Row> {
    let name = short_name(after_namespace(name));
    if CREDENTIAL_NAMES
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
    {
        return Some(CREDENTIAL);
    }
    let row = ROWS
        .iter()
        .find(|row| name.eq_ignore_ascii_case(row.name))
        .map(|row| Row { ..*row })?;
    let lower = || message.to_ascii_lowercase();
    Some(match row.name {
        "Validation" if lower().contains("throttl") || message.contains("Too many") => THROTTLING,
        "ModelError" if matches!(body.original_status.get(), Some(400..500)) => MODEL_REFUSAL,
        _ => row,
    })
}

/// The row for a status whose error has no name that is known.
fn by_status(status: StatusCode) -> Row {
    let status = status.as_u16();
    match status {
        400 => VALIDATION,
        401 => UNAUTHORIZED,
        403 => ACCESS_DENIED,
        404 => NOT_FOUND,
        408 => TIMEOUT,
        413 => TOO_LARGE,
        424 => MODEL_ERROR,
        429 => THROTTLING,
        503 => UNAVAILABLE,
        ..500 => Row {
            upstream: status,
            class: match status {
                409 | 425 => FailureClass::Refused,
                _ => FailureClass::Final,
            },
            openai: (status, INVALID, Some("upstream_error")),
            anthropic: (status, INVALID),
            ..UNKNOWN
        },
        _ => Row {
            upstream: status,
            class: match status {
                500 | 502 | 504 => FailureClass::Ambiguous,
                529 => FailureClass::Refused,
                _ => FailureClass::Final,
            },
            openai: (status, SERVER, Some("upstream_error")),
            anthropic: (status, "api_error"),
            ..UNKNOWN
        },
    }
}

/// The error for the client: Anthropic's own, where the body or the message holds one.
fn told(row: &Row, body: &Body<'_>, message: &str, format: Format) -> Told {
    let upstream = StatusCode::from_u16(row.upstream).unwrap_or(StatusCode::BAD_GATEWAY);
    if let Some(inner) = body
        .error
        .and_then(|error| anthropics(error, format))
        .or_else(|| in_message(message, format))
    {
        // What the model says outdoes what AWS makes of it.
        let class = match inner.upstream_status.map(|status| status.as_u16()) {
            Some(429 | 503 | 529) => FailureClass::Refused,
            Some(500 | 502 | 504) => FailureClass::Ambiguous,
            Some(_) => FailureClass::Final,
            None => row.class,
        };
        return Told {
            class,
            upstream: inner.upstream_status.unwrap_or(upstream),
            error: inner.error,
        };
    }
    let (status, kind, code) = match format {
        Format::Chat | Format::Responses => row.openai,
        Format::Messages => (row.anthropic.0, row.anthropic.1, None),
    };
    let status = match status {
        529 if format != Format::Messages => StatusCode::SERVICE_UNAVAILABLE,
        status => StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY),
    };
    Told {
        class: row.class,
        upstream,
        error: ClientError {
            status,
            kind: Cow::Borrowed(kind),
            code: code.map(Cow::Borrowed),
            param: None,
            message: Cow::Owned(redact(message).into_owned()),
        },
    }
}

/// An error of Anthropic's: an object with a type.
fn anthropics(error: &RawValue, format: Format) -> Option<StreamError> {
    let read = UpstreamError::read_object(error)?;
    read.kind.as_ref()?;
    Some(match format {
        Format::Chat | Format::Responses => anthropic_error::convert_event(Some(error)),
        Format::Messages => passthrough::stream_error(format, &read),
    })
}

/// Anthropic's error, where it stands as JSON inside AWS's message.
fn in_message(message: &str, format: Format) -> Option<StreamError> {
    let json = message.get(message.find('{')?..)?;
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<&RawValue>();
    let object = values.next()?.ok()?;
    let body: Body<'_> = serde_json::from_str(object.get()).ok()?;
    anthropics(body.error?, format)
}

fn message<'a>(body: &Body<'a>) -> Option<Cow<'a, str>> {
    let said = body.message.non_empty().or(body.capital.non_empty())?;
    Some(said.decode())
}

/// What is before the first colon and after the last `#`.
fn after_namespace(name: &str) -> &str {
    let name = name.split(':').next().unwrap_or_default();
    name.rsplit('#').next().unwrap_or_default().trim()
}

fn short_name(name: &str) -> &str {
    name.strip_suffix("Exception").unwrap_or(name)
}

impl Told {
    fn into_stream_error(self) -> StreamError {
        StreamError {
            upstream_status: Some(self.upstream),
            // The status says the rest; a signature that was good enough for the head is not refused later.
            class: (self.class == FailureClass::Exhausted).then_some(self.class),
            error: self.error,
        }
    }
}

#[cfg(test)]
#[path = "bedrock_error_tests.rs"]
mod tests;
