//! Anthropic's errors in OpenAI's words.

use std::borrow::Cow;

use http::StatusCode;

use crate::convert::machine::StreamError;
use crate::convert::redact::redact;
use crate::convert::upstream_error::{UpstreamError, plain_text};
use crate::format::error::ClientError;
use serde_json::value::RawValue;

/// How much of a body that is no Anthropic error the client gets to see.
const SHOWN: usize = 2048;

/// An error of a type that Anthropic's documentation lists, or that OpenAI knows.
struct Row {
    /// Anthropic's status for it.
    upstream: StatusCode,
    kind: &'static str,
    code: Option<&'static str>,
}

/// Converts the body of an answer with an error status.
pub(crate) fn convert(status: StatusCode, body: &[u8]) -> ClientError {
    let error = UpstreamError::read(body).unwrap_or_default();
    let message = match error.message {
        Some(message) => message,
        None => match plain_text(body, SHOWN) {
            text if text.is_empty() => Cow::Owned(format!(
                "the provider answered with status {}",
                status.as_u16()
            )),
            text => Cow::Owned(text),
        },
    };
    let row = error.kind.and_then(|kind| row(&kind, &message));
    client_error(client_status(status), row, &message)
}

/// Converts the `error` member of an `error` event.
pub(crate) fn convert_event(error: Option<&RawValue>) -> StreamError {
    let error = error
        .and_then(UpstreamError::read_object)
        .unwrap_or_default();
    let message = error
        .message
        .unwrap_or(Cow::Borrowed("the provider reported an error"));
    let row = error.kind.and_then(|kind| row(&kind, &message));
    let upstream_status = row.as_ref().map(|row| row.upstream);
    let status = upstream_status.map_or(StatusCode::BAD_GATEWAY, client_status);
    StreamError {
        upstream_status,
        class: None,
        error: client_error(status, row, &message),
    }
}

fn client_error(status: StatusCode, row: Option<Row>, message: &str) -> ClientError {
    let row = row.unwrap_or(Row {
        upstream: status,
        kind: if status.is_server_error() {
            "server_error"
        } else {
            "invalid_request_error"
        },
        code: Some("upstream_error"),
    });
    ClientError {
        status,
        kind: Cow::Borrowed(row.kind),
        code: row.code.map(Cow::Borrowed),
        param: None,
        message: Cow::Owned(redact(message).into_owned()),
    }
}

/// The status that OpenAI's clients get: Anthropic's own 529 is none of OpenAI's, and an error never has a status below 400.
fn client_status(status: StatusCode) -> StatusCode {
    match status.as_u16() {
        529 => StatusCode::SERVICE_UNAVAILABLE,
        ..400 => StatusCode::BAD_GATEWAY,
        _ => status,
    }
}

fn row(kind: &str, message: &str) -> Option<Row> {
    const INVALID: &str = "invalid_request_error";
    let (status, kind, code) = match kind {
        "invalid_request_error" => {
            let too_long =
                message.contains("prompt is too long") || message.contains("exceed context limit");
            (400, INVALID, too_long.then_some("context_length_exceeded"))
        }
        "authentication_error" => (401, INVALID, Some("invalid_api_key")),
        "billing_error" => (402, "insufficient_quota", Some("insufficient_quota")),
        "permission_error" => (403, INVALID, Some("permission_denied")),
        "not_found_error" if message.starts_with("model:") => {
            (404, INVALID, Some("model_not_found"))
        }
        "not_found_error" => (404, INVALID, Some("not_found")),
        "conflict_error" => (409, INVALID, Some("conflict")),
        "request_too_large" => (413, INVALID, Some("request_too_large")),
        "rate_limit_error" => (429, "rate_limit_error", Some("rate_limit_exceeded")),
        "api_error" => (500, "server_error", Some("api_error")),
        "timeout_error" => (504, "server_error", Some("timeout")),
        "overloaded_error" => (529, "server_error", Some("overloaded_error")),
        _ => return None,
    };
    Some(Row {
        upstream: StatusCode::from_u16(status).ok()?,
        kind,
        code,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(kind: &str, message: &str) -> String {
        format!(
            r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}},"request_id":"req_1"}}"#
        )
    }

    #[test]
    fn the_table() {
        for (status, kind, message, client, client_kind, code) in [
            (
                400,
                "invalid_request_error",
                "bad",
                400,
                "invalid_request_error",
                None,
            ),
            (
                400,
                "invalid_request_error",
                "prompt is too long: 9 > 8",
                400,
                "invalid_request_error",
                Some("context_length_exceeded"),
            ),
            (
                400,
                "invalid_request_error",
                "input and max_tokens exceed context limit",
                400,
                "invalid_request_error",
                Some("context_length_exceeded"),
            ),
            (
                401,
                "authentication_error",
                "no",
                401,
                "invalid_request_error",
                Some("invalid_api_key"),
            ),
            (
                402,
                "billing_error",
                "pay",
                402,
                "insufficient_quota",
                Some("insufficient_quota"),
            ),
            (
                403,
                "permission_error",
                "no",
                403,
                "invalid_request_error",
                Some("permission_denied"),
            ),
            (
                404,
                "not_found_error",
                "model: x",
                404,
                "invalid_request_error",
                Some("model_not_found"),
            ),
            (
                404,
                "not_found_error",
                "file",
                404,
                "invalid_request_error",
                Some("not_found"),
            ),
            (
                409,
                "conflict_error",
                "c",
                409,
                "invalid_request_error",
                Some("conflict"),
            ),
            (
                413,
                "request_too_large",
                "big",
                413,
                "invalid_request_error",
                Some("request_too_large"),
            ),
            (
                429,
                "rate_limit_error",
                "slow",
                429,
                "rate_limit_error",
                Some("rate_limit_exceeded"),
            ),
            (
                500,
                "api_error",
                "oops",
                500,
                "server_error",
                Some("api_error"),
            ),
            (
                504,
                "timeout_error",
                "late",
                504,
                "server_error",
                Some("timeout"),
            ),
            (
                529,
                "overloaded_error",
                "Overloaded",
                503,
                "server_error",
                Some("overloaded_error"),
            ),
            (
                418,
                "teapot_error",
                "t",
                418,
                "invalid_request_error",
                Some("upstream_error"),
            ),
            (
                599,
                "new_error",
                "t",
                599,
                "server_error",
                Some("upstream_error"),
            ),
        ] {
            let error = convert(
                StatusCode::from_u16(status).unwrap(),
                body(kind, message).as_bytes(),
            );
            assert_eq!(error.status.as_u16(), client, "{kind}");
            assert_eq!(error.kind, client_kind, "{kind}");
            assert_eq!(error.code.as_deref(), code, "{kind}");
            assert_eq!(error.message, message);
            let raw = format!(r#"{{"type":"{kind}","message":"{message}"}}"#);
            let event = convert_event(Some(serde_json::from_str(&raw).unwrap()));
            let known = code != Some("upstream_error");
            assert_eq!(
                event.upstream_status.map(|status| status.as_u16()),
                known.then_some(status),
                "{kind}"
            );
            assert_eq!(
                event.error.status.as_u16(),
                if known { client } else { 502 }
            );
        }
    }

    #[test]
    fn bodies_of_other_shapes() {
        let error = convert(
            StatusCode::BAD_GATEWAY,
            b"<html><h1>502 Bad Gateway</h1></html>",
        );
        assert_eq!(error.message, "502 Bad Gateway");
        assert_eq!(error.kind, "server_error");
        assert_eq!(error.code.as_deref(), Some("upstream_error"));
        let error = convert(StatusCode::from_u16(529).unwrap(), b"");
        assert_eq!(error.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(error.message, "the provider answered with status 529");
        let long = "x".repeat(5000);
        assert_eq!(
            convert(StatusCode::BAD_REQUEST, long.as_bytes())
                .message
                .len(),
            2048
        );
        assert_eq!(
            convert(StatusCode::FOUND, b"{}").status,
            StatusCode::BAD_GATEWAY
        );
        assert_eq!(convert_event(None).error.status, StatusCode::BAD_GATEWAY);
    }

    #[test]
    fn keys_are_redacted() {
        let error = convert(
            StatusCode::UNAUTHORIZED,
            body("authentication_error", "invalid x-api-key sk-ant-api03-abc").as_bytes(),
        );
        assert_eq!(error.message, "invalid x-api-key [redacted]");
    }
}
