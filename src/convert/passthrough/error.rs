//! Errors of a provider that speaks the client's format, or nearly.

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::convert::machine::StreamError;
use crate::convert::redact::{redact, redact_bytes};
use crate::convert::upstream_error::{UpstreamError, google_status, plain_text, word_status};
use crate::endpoint::Format;
use crate::format::error::ClientError;
use crate::format::messages::Text;
use crate::provider::Provider;

/// How much of a page's text goes into a message.
const SHOWN: usize = 200;
/// How much of what a model wrote instead of a tool call goes into a message, in characters.
const SHOWN_GENERATION: usize = 2000;

/// The error that a client gets instead of `body`; `None` when its SDK can read the body, which then passes unchanged (but
/// see [`redacted`]).
pub(crate) fn rewrite(
    format: Format,
    provider: Provider,
    status: StatusCode,
    body: &[u8],
) -> Option<ClientError> {
    if is_readable(format, body) {
        return None;
    }
    let error = UpstreamError::read(body).unwrap_or_default();
    let mut message = if let Some(message) = &error.message {
        message.clone().into_owned()
    } else {
        let head = format!("{} from {provider}", status.as_u16());
        match plain_text(body, SHOWN) {
            text if text.is_empty() => head,
            text => format!("{head}: {text}"),
        }
    };
    if let Some(text) = &error.failed_generation {
        message.push_str(" (failed_generation: ");
        message.extend(text.chars().take(SHOWN_GENERATION));
        message.push(')');
    }
    let status = repaired_status(provider, status, &error);
    Some(client_error(format, status, &error, &message))
}

/// A body that passes, without the key-like fragments in it: the same bytes when it has none.
pub(crate) fn redacted(body: &Bytes) -> Bytes {
    redact_bytes(body)
}

/// The seconds that a body asks to wait before another try (Google's `RetryInfo`).
pub(crate) fn retry_after(body: &[u8]) -> Option<u64> {
    UpstreamError::read(body)?.retry_after
}

/// An error inside a stream: `error` is what was said, in the client's own format.
pub(crate) fn stream_error(format: Format, error: &UpstreamError<'_>) -> StreamError {
    let upstream_status = implied_status(error);
    let message = error
        .message
        .as_deref()
        .unwrap_or("the provider reported an error");
    StreamError {
        upstream_status,
        class: error.out_of_funds(),
        error: client_error(
            format,
            upstream_status.unwrap_or(StatusCode::BAD_GATEWAY),
            error,
            message,
        ),
    }
}

fn client_error(
    format: Format,
    status: StatusCode,
    error: &UpstreamError<'_>,
    message: &str,
) -> ClientError {
    let class = Class::of(status.as_u16(), message);
    let owned = |text: &Cow<'_, str>| Cow::Owned(redact(text).into_owned());
    let message = Cow::Owned(redact(message).into_owned());
    match format {
        Format::Chat | Format::Responses => ClientError {
            status: match status.as_u16() {
                529 => StatusCode::SERVICE_UNAVAILABLE,
                ..400 => StatusCode::BAD_GATEWAY,
                _ => status,
            },
            kind: error
                .kind
                .as_ref()
                .map_or(Cow::Borrowed(class.openai), owned),
            code: error
                .code
                .as_ref()
                .map(owned)
                .or(class.code.map(Cow::Borrowed)),
            param: error.param.as_ref().map(owned),
            message,
        },
        Format::Messages => ClientError {
            status: match status.as_u16() {
                422 | 424 => StatusCode::BAD_REQUEST,
                408 => StatusCode::GATEWAY_TIMEOUT,
                503 => StatusCode::from_u16(529).unwrap_or(status),
                ..400 => StatusCode::BAD_GATEWAY,
                _ => status,
            },
            kind: error
                .kind
                .as_ref()
                .map_or(Cow::Borrowed(class.anthropic), owned),
            code: None,
            param: None,
            message,
        },
    }
}

/// The words for an HTTP status.
struct Class {
    openai: &'static str,
    code: Option<&'static str>,
    anthropic: &'static str,
}

impl Class {
    fn of(status: u16, message: &str) -> Self {
        const INVALID: &str = "invalid_request_error";
        let (openai, code, anthropic) = match status {
            401 => (INVALID, Some("invalid_api_key"), "authentication_error"),
            402 => (
                "insufficient_quota",
                Some("insufficient_quota"),
                "billing_error",
            ),
            403 => ("permission_error", None, "permission_error"),
            404 if message.to_ascii_lowercase().contains("model") => {
                (INVALID, Some("model_not_found"), "not_found_error")
            }
            404 => (INVALID, Some("not_found"), "not_found_error"),
            408 | 504 => ("timeout_error", None, "timeout_error"),
            413 => (INVALID, Some("request_too_large"), "request_too_large"),
            429 => (
                "rate_limit_error",
                Some("rate_limit_exceeded"),
                "rate_limit_error",
            ),
            503 | 529 => ("server_error", Some("overloaded"), "overloaded_error"),
            400..500 => (INVALID, None, INVALID),
            _ => ("server_error", None, "api_error"),
        };
        Self {
            openai,
            code,
            anthropic,
        }
    }
}

/// The status that a provider should have sent.
fn repaired_status(
    provider: Provider,
    status: StatusCode,
    error: &UpstreamError<'_>,
) -> StatusCode {
    match provider {
        // A wrong key is an invalid argument to Google.
        Provider::Gemini if error.reason.as_deref() == Some("API_KEY_INVALID") => {
            StatusCode::UNAUTHORIZED
        }
        // Prepaid credit that is used up.
        Provider::Gemini if status == StatusCode::PAYMENT_REQUIRED => status,
        Provider::Gemini => error
            .status
            .as_deref()
            .and_then(google_status)
            .unwrap_or(status),
        Provider::Groq => flex_capacity(status),
        _ => status,
    }
}

/// Groq's own 498: no capacity for a flex call.
fn flex_capacity(status: StatusCode) -> StatusCode {
    if status.as_u16() == 498 {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        status
    }
}

/// The status that an error inside a stream stands for, where it says enough.
fn implied_status(error: &UpstreamError<'_>) -> Option<StatusCode> {
    if error.reason.as_deref() == Some("API_KEY_INVALID") {
        return Some(StatusCode::UNAUTHORIZED);
    }
    error
        .status_code
        .and_then(|status| StatusCode::from_u16(status).ok())
        .map(flex_capacity)
        .or_else(|| error.status.as_deref().and_then(google_status))
        .or_else(|| error.code.as_deref().and_then(word_status))
        .or_else(|| error.kind.as_deref().and_then(word_status))
}

/// Whether an SDK of `format` finds the error's type and message where it looks for them.
fn is_readable(format: Format, body: &[u8]) -> bool {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Body<'a> {
        #[serde(borrow, rename = "type")]
        kind: Text<'a>,
        #[serde(borrow)]
        error: Option<&'a RawValue>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Members<'a> {
        #[serde(borrow, rename = "type")]
        kind: Text<'a>,
        #[serde(borrow)]
        message: Text<'a>,
    }
    let is_object = |json: &[u8]| json.trim_ascii_start().first() == Some(&b'{');
    let Some(body) = is_object(body)
        .then(|| serde_json::from_slice::<Body<'_>>(body).ok())
        .flatten()
    else {
        return false;
    };
    let Some(members) = body
        .error
        .filter(|error| is_object(error.get().as_bytes()))
        .and_then(|error| serde_json::from_str::<Members<'_>>(error.get()).ok())
    else {
        return false;
    };
    let has_message = members.message.get().is_some();
    match format {
        Format::Chat | Format::Responses => has_message,
        Format::Messages => {
            let is_error = body.kind.get().is_some_and(|kind| kind.is("error"));
            is_error && has_message && members.kind.get().is_some()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(
        format: Format,
        provider: Provider,
        status: u16,
        body: &str,
    ) -> Option<(u16, String, Option<String>, String)> {
        let status = StatusCode::from_u16(status).unwrap();
        let error = rewrite(format, provider, status, body.as_bytes())?;
        Some((
            error.status.as_u16(),
            error.kind.into_owned(),
            error.code.map(Cow::into_owned),
            error.message.into_owned(),
        ))
    }

    #[test]
    fn readable_bodies_pass() {
        for (format, body) in [
            (
                Format::Chat,
                r#"{"error":{"message":"m","type":"t","param":null,"code":null}}"#,
            ),
            (
                Format::Responses,
                r#" {"error":{"message":"m","code":400}}"#,
            ),
            (
                Format::Messages,
                r#"{"type":"error","error":{"type":"t","message":"m"}}"#,
            ),
        ] {
            assert_eq!(
                rewritten(format, Provider::OpenAi, 400, body),
                None,
                "{body}"
            );
        }
    }

    #[test]
    fn unreadable_bodies_are_rewritten() {
        let chat = Format::Chat;
        for (format, provider, status, body, expected) in [
            (
                chat,
                Provider::Gemini,
                429,
                r#"[{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED"}}]"#,
                (
                    429,
                    "rate_limit_error",
                    Some("rate_limit_exceeded"),
                    "Quota",
                ),
            ),
            (
                chat,
                Provider::Gemini,
                400,
                r#"[{"error":{"code":400,"message":"API key not valid: AIzaSyA-1234567","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}]"#,
                (
                    401,
                    "invalid_request_error",
                    Some("invalid_api_key"),
                    "API key not valid: [redacted]",
                ),
            ),
            (
                chat,
                Provider::Gemini,
                402,
                r#"[{"error":{"code":402,"message":"credit","status":"RESOURCE_EXHAUSTED"}}]"#,
                (
                    402,
                    "insufficient_quota",
                    Some("insufficient_quota"),
                    "credit",
                ),
            ),
            (
                chat,
                Provider::Gemini,
                404,
                r#"[{"error":{"code":404,"message":"models/x is not found","status":"NOT_FOUND"}}]"#,
                (
                    404,
                    "invalid_request_error",
                    Some("model_not_found"),
                    "models/x is not found",
                ),
            ),
            (
                chat,
                Provider::Perplexity,
                401,
                "<html><body><h1>Authorization Required</h1></body></html>",
                (
                    401,
                    "invalid_request_error",
                    Some("invalid_api_key"),
                    "401 from perplexity: Authorization Required",
                ),
            ),
            (
                chat,
                Provider::Perplexity,
                422,
                r#"{"detail":[{"loc":["body","messages"],"msg":"Field required"}]}"#,
                (
                    422,
                    "invalid_request_error",
                    None,
                    "body -> messages: Field required",
                ),
            ),
            (
                chat,
                Provider::Groq,
                498,
                "no capacity",
                (
                    503,
                    "server_error",
                    Some("overloaded"),
                    "498 from groq: no capacity",
                ),
            ),
            (
                chat,
                Provider::Groq,
                400,
                r#"[{"error":{"message":"Failed.","type":"invalid_request_error","code":"tool_use_failed","failed_generation":"<f>"}}]"#,
                (
                    400,
                    "invalid_request_error",
                    Some("tool_use_failed"),
                    "Failed. (failed_generation: <f>)",
                ),
            ),
            (
                chat,
                Provider::OpenAiCompatible,
                500,
                r#"{"error":"model crashed"}"#,
                (500, "server_error", None, "model crashed"),
            ),
            (
                chat,
                Provider::OpenAiCompatible,
                404,
                r#"{"message":"no route"}"#,
                (404, "invalid_request_error", Some("not_found"), "no route"),
            ),
            (
                chat,
                Provider::OpenAi,
                302,
                "",
                (502, "server_error", None, "302 from openai"),
            ),
            (
                chat,
                Provider::OpenAi,
                504,
                "<p>late</p>",
                (504, "timeout_error", None, "504 from openai: late"),
            ),
            (
                chat,
                Provider::OpenAi,
                400,
                r#"{"error":{"code":"x"}}"#,
                (
                    400,
                    "invalid_request_error",
                    Some("x"),
                    r#"400 from openai: {"error":{"code":"x"}}"#,
                ),
            ),
            (
                Format::Responses,
                Provider::OpenAi,
                403,
                "[]",
                (403, "permission_error", None, "403 from openai: []"),
            ),
            (
                Format::Messages,
                Provider::Anthropic,
                503,
                "<b>busy</b>",
                (529, "overloaded_error", None, "503 from anthropic: busy"),
            ),
            (
                Format::Messages,
                Provider::Anthropic,
                413,
                r#"{"error":{"message":"big"}}"#,
                (413, "request_too_large", None, "big"),
            ),
            (
                Format::Messages,
                Provider::Anthropic,
                401,
                r#"{"message":"no"}"#,
                (401, "authentication_error", None, "no"),
            ),
        ] {
            let (status_out, kind, code, message) = expected;
            assert_eq!(
                rewritten(format, provider, status, body),
                Some((
                    status_out,
                    kind.to_owned(),
                    code.map(str::to_owned),
                    message.to_owned()
                )),
                "{body}"
            );
        }
    }

    #[test]
    fn long_generations_are_cut() {
        let text = "x".repeat(5000);
        let body = format!(r#"[{{"error":{{"message":"m","failed_generation":"{text}"}}}}]"#);
        let (_, _, _, message) = rewritten(Format::Chat, Provider::Groq, 400, &body).unwrap();
        assert_eq!(message.len(), "m (failed_generation: )".len() + 2000);
    }

    #[test]
    fn waiting_times() {
        let body = br#"[{"error":{"message":"m","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.07s"}]}}]"#;
        assert_eq!(retry_after(body), Some(35));
        assert_eq!(retry_after(b"{}"), None);
    }
}
