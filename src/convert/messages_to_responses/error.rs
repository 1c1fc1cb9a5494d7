//! OpenAI's errors in Anthropic's words.

use std::borrow::Cow;

use http::StatusCode;
use serde_json::value::RawValue;

use crate::convert::machine::StreamError;
use crate::convert::redact::redact;
use crate::convert::upstream_error::{UpstreamError, plain_text};
use crate::format::error::ClientError;

/// How much of a body that is no error of OpenAI's the client gets to see.
const SHOWN: usize = 2048;

/// Converts the body of an answer with an error status.
pub(crate) fn convert(status: StatusCode, body: &[u8]) -> ClientError {
    let error = UpstreamError::read(body).unwrap_or_default();
    let message = match error.message.clone() {
        Some(message) => message,
        None => match plain_text(body, SHOWN) {
            text if text.is_empty() => Cow::Owned(format!(
                "the provider answered with status {}",
                status.as_u16()
            )),
            text => Cow::Owned(text),
        },
    };
    let out_of_funds = status == StatusCode::TOO_MANY_REQUESTS && error.out_of_funds().is_some();
    let (client, kind) = if out_of_funds {
        (402, BILLING)
    } else {
        client_words(status.as_u16())
    };
    client_error(client, kind, &error, &message)
}

/// Converts the `error` of a response that failed.
pub(crate) fn failed(error: Option<&RawValue>) -> StreamError {
    let error = error
        .and_then(UpstreamError::read_object)
        .unwrap_or_default();
    let message = error
        .message
        .clone()
        .unwrap_or(Cow::Borrowed("the provider reported an error"));
    let word = error.code.as_deref().or(error.kind.as_deref());
    // The status that OpenAI would have answered with, had it known at the head of the answer.
    let upstream = match word {
        Some("rate_limit_exceeded" | "rate_limit_error" | "requests" | "tokens") => 429,
        Some("insufficient_quota") => 402,
        Some("server_error" | "api_error" | "internal_error") => 500,
        Some("server_is_overloaded" | "slow_down" | "overloaded_error") => 503,
        Some("vector_store_timeout" | "timeout") => 504,
        Some(_) => 400,
        None => 502,
    };
    let (client, kind) = match upstream {
        502 => (502, "api_error"),
        status => client_words(status),
    };
    let known = word.and_then(|_| StatusCode::from_u16(upstream).ok());
    StreamError {
        upstream_status: known,
        class: error.out_of_funds(),
        error: client_error(client, kind, &error, &message),
    }
}

/// Converts an `error` event: the error stands in its members, or in `error`.
pub(crate) fn event(nested: Option<&RawValue>, data: &[u8]) -> StreamError {
    match nested {
        Some(error) => failed(Some(error)),
        None => failed(serde_json::from_slice(data).ok()),
    }
}

const BILLING: &str = "billing_error";

/// Status and `error.type` for the client.
fn client_words(status: u16) -> (u16, &'static str) {
    const INVALID: &str = "invalid_request_error";
    match status {
        400 | 422 => (400, INVALID),
        401 => (401, "authentication_error"),
        402 => (402, BILLING),
        403 => (403, "permission_error"),
        404 => (404, "not_found_error"),
        408 | 504 => (504, "timeout_error"),
        409 => (409, "conflict_error"),
        413 => (413, "request_too_large"),
        429 => (429, "rate_limit_error"),
        500 | 502 => (500, "api_error"),
        503 | 529 => (529, "overloaded_error"),
        ..400 => (502, "api_error"),
        500.. => (status, "api_error"),
        _ => (status, INVALID),
    }
}

fn client_error(
    status: u16,
    kind: &'static str,
    error: &UpstreamError<'_>,
    message: &str,
) -> ClientError {
    let mut message = redact(message).into_owned();
    if error.code.as_deref() == Some("context_length_exceeded") {
        // Claude Code compacts the conversation when it reads these words.
        message.insert_str(0, "prompt is too long: ");
    }
    ClientError {
        status: StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY),
        kind: Cow::Borrowed(kind),
        code: None,
        param: None,
        message: Cow::Owned(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(code: &str, message: &str) -> String {
        format!(r#"{{"error":{{"message":"{message}","type":"t","param":null,"code":"{code}"}}}}"#)
    }

    #[test]
    fn the_table() {
        for (status, code, client, kind) in [
            (400, "x", 400, "invalid_request_error"),
            (422, "x", 400, "invalid_request_error"),
            (401, "invalid_api_key", 401, "authentication_error"),
            (402, "x", 402, "billing_error"),
            (403, "x", 403, "permission_error"),
            (404, "model_not_found", 404, "not_found_error"),
            (408, "x", 504, "timeout_error"),
            (504, "x", 504, "timeout_error"),
            (409, "x", 409, "conflict_error"),
            (413, "x", 413, "request_too_large"),
            (429, "rate_limit_exceeded", 429, "rate_limit_error"),
            (429, "insufficient_quota", 402, "billing_error"),
            (500, "x", 500, "api_error"),
            (502, "x", 500, "api_error"),
            (503, "server_is_overloaded", 529, "overloaded_error"),
            (503, "slow_down", 529, "overloaded_error"),
            (507, "x", 507, "api_error"),
            (418, "x", 418, "invalid_request_error"),
            (302, "x", 502, "api_error"),
        ] {
            let upstream = StatusCode::from_u16(status).unwrap();
            let error = convert(upstream, body(code, "m").as_bytes());
            assert_eq!(error.status.as_u16(), client, "{status} {code}");
            assert_eq!(error.kind, kind, "{status} {code}");
            assert_eq!(error.message, "m");
        }
    }

    #[test]
    fn errors_inside_answers() {
        for (code, upstream, client, kind) in [
            ("rate_limit_exceeded", 429, 429, "rate_limit_error"),
            ("server_error", 500, 500, "api_error"),
            ("server_is_overloaded", 503, 529, "overloaded_error"),
            ("invalid_prompt", 400, 400, "invalid_request_error"),
            ("invalid_image_format", 400, 400, "invalid_request_error"),
            ("bio_policy", 400, 400, "invalid_request_error"),
        ] {
            let raw = format!(r#"{{"code":"{code}","message":"m"}}"#);
            let error = failed(Some(serde_json::from_str(&raw).unwrap()));
            assert_eq!(error.upstream_status.unwrap().as_u16(), upstream, "{code}");
            assert_eq!(error.error.status.as_u16(), client, "{code}");
            assert_eq!(error.error.kind, kind, "{code}");
        }
        let unknown = failed(None);
        assert_eq!(unknown.upstream_status, None);
        assert_eq!(unknown.error.status, StatusCode::BAD_GATEWAY);
        assert_eq!(unknown.error.kind, "api_error");
    }

    #[test]
    fn error_events_of_both_shapes() {
        let flat = br#"{"type":"error","code":"server_error","message":"a","param":null}"#;
        assert_eq!(event(None, flat).error.message, "a");
        assert_eq!(event(None, flat).error.kind, "api_error");
        let nested = r#"{"type":"server_error","message":"b"}"#;
        let error = event(Some(serde_json::from_str(nested).unwrap()), b"{}");
        assert_eq!(error.error.message, "b");
        assert_eq!(error.error.kind, "api_error");
    }

    #[test]
    fn long_prompts_and_keys() {
        let error = convert(
            StatusCode::BAD_REQUEST,
            body("context_length_exceeded", "Too many tokens").as_bytes(),
        );
        assert_eq!(error.message, "prompt is too long: Too many tokens");
        let error = convert(
            StatusCode::UNAUTHORIZED,
            body("invalid_api_key", "Incorrect API key provided: sk-abc123.").as_bytes(),
        );
        assert!(!error.message.contains("sk-abc123"), "{}", error.message);
        let error = convert(StatusCode::BAD_GATEWAY, b"<html><h1>Bad</h1></html>");
        assert_eq!(error.message, "Bad");
        assert_eq!(
            convert(StatusCode::NOT_FOUND, b"").message,
            "the provider answered with status 404"
        );
    }
}
