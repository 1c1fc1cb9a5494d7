//! Errors of Chat Completions endpoints in the client's words.

use std::borrow::Cow;

use http::StatusCode;
use serde_json::value::RawValue;

use super::Origin;
use crate::convert::machine::StreamError;
use crate::convert::redact::redact;
use crate::convert::upstream_error::{UpstreamError, google_status, plain_text, word_status};
use crate::endpoint::Format;
use crate::format::chat::answer;
use crate::format::error::ClientError;
use crate::provider::Provider;

/// How much of a body that is no JSON the client gets to see.
const SHOWN: usize = 200;
/// How much of what a model wrote instead of a tool call the client gets to see.
const SHOWN_GENERATION: usize = 2000;

/// Converts the body of an answer with an error status.
pub(crate) fn convert(
    status: StatusCode,
    body: &[u8],
    provider: Provider,
    client: Format,
) -> ClientError {
    let error = UpstreamError::read(body).unwrap_or_default();
    let message = if let Some(message) = &error.message {
        message.to_string()
    } else {
        let text = match body.trim_ascii_start().first() {
            // Odd JSON is nothing to read for a person.
            Some(b'{' | b'[') | None => String::new(),
            Some(_) => plain_text(body, SHOWN),
        };
        let colon = if text.is_empty() { "" } else { ": " };
        format!("{} from {provider}{colon}{text}", status.as_u16())
    };
    client_error(fixed(status, &error), &error, message, client)
}

/// Converts an error inside a stream.
pub(in crate::convert) fn in_stream(
    error: Option<&RawValue>,
    provider: Provider,
    client: Format,
) -> StreamError {
    let error = error
        .and_then(UpstreamError::read_object)
        .unwrap_or_default();
    let upstream_status = error
        .status_code
        .and_then(|status| StatusCode::from_u16(status).ok())
        .or_else(|| google_status(error.status.as_deref()?))
        .or_else(|| word_status(error.code.as_deref()?))
        .or_else(|| word_status(error.kind.as_deref()?))
        .map(|status| fixed(status, &error));
    let message = match &error.message {
        Some(message) => message.to_string(),
        None => format!("{provider} reported an error"),
    };
    let status = upstream_status.unwrap_or(StatusCode::BAD_GATEWAY);
    StreamError {
        upstream_status,
        class: error.out_of_funds(),
        error: client_error(status, &error, message, client),
    }
}

/// Converts a list that holds an error first, as Google sends them; `None` where it is something else.
pub(in crate::convert) fn in_list(
    data: &[u8],
    provider: Provider,
    client: Format,
) -> Option<StreamError> {
    let raw: &RawValue = serde_json::from_slice(data).ok()?;
    let first = answer::list(Some(raw)).into_iter().next()?;
    let completion: answer::Completion<'_> = answer::object(Some(first))?;
    Some(in_stream(Some(completion.error?), provider, client))
}

/// An error that stands where a whole answer should.
pub(super) fn in_answer(error: &RawValue, origin: &Origin) -> ClientError {
    in_stream(Some(error), origin.provider, origin.client).error
}

/// The status that an error really has.
fn fixed(status: StatusCode, error: &UpstreamError<'_>) -> StatusCode {
    match status.as_u16() {
        // Google answers 400 to a bad key.
        400 if error.reason.as_deref() == Some("API_KEY_INVALID") => StatusCode::UNAUTHORIZED,
        // Groq's flex capacity.
        498 => StatusCode::SERVICE_UNAVAILABLE,
        ..400 => StatusCode::BAD_GATEWAY,
        _ => status,
    }
}

fn client_error(
    status: StatusCode,
    error: &UpstreamError<'_>,
    mut message: String,
    client: Format,
) -> ClientError {
    if let Some(generation) = &error.failed_generation {
        let shown = generation
            .char_indices()
            .map(|(at, character)| at + character.len_utf8())
            .take_while(|end| *end <= SHOWN_GENERATION)
            .last()
            .and_then(|end| generation.get(..end))
            .unwrap_or_default();
        message = format!("{message} (failed_generation: {shown})");
    }
    let message = Cow::Owned(redact(&message).into_owned());
    let row = row(status.as_u16());
    if client == Format::Messages {
        return ClientError {
            status: StatusCode::from_u16(row.messages_status).unwrap_or(status),
            kind: Cow::Borrowed(row.messages),
            code: None,
            param: None,
            message,
        };
    }
    let own = error
        .code
        .as_deref()
        .filter(|_| status != StatusCode::UNAUTHORIZED);
    let code = match (own, row.code) {
        (Some(own), _) => Some(Cow::Owned(own.to_owned())),
        (None, Some("model_not_found")) if !names_model(error, &message) => {
            Some(Cow::Borrowed("not_found"))
        }
        (None, code) => code.map(Cow::Borrowed),
    };
    ClientError {
        status,
        kind: Cow::Borrowed(row.openai),
        code,
        param: error
            .param
            .as_deref()
            .map(|param| Cow::Owned(param.to_owned())),
        message,
    }
}

/// Google's 404 is not always about a model.
fn names_model(error: &UpstreamError<'_>, message: &str) -> bool {
    error.status.is_none() || message.contains("model")
}

/// What a class of errors is called.
struct Row {
    openai: &'static str,
    code: Option<&'static str>,
    messages: &'static str,
    messages_status: u16,
}

fn row(status: u16) -> Row {
    const INVALID: &str = "invalid_request_error";
    let (openai, code, messages, messages_status) = match status {
        422 | 424 => (INVALID, None, INVALID, 400),
        401 => (
            INVALID,
            Some("invalid_api_key"),
            "authentication_error",
            401,
        ),
        402 => (
            "insufficient_quota",
            Some("insufficient_quota"),
            "billing_error",
            402,
        ),
        403 => ("permission_error", None, "permission_error", 403),
        404 => (INVALID, Some("model_not_found"), "not_found_error", 404),
        408 | 504 => ("timeout_error", None, "timeout_error", 504),
        413 => (INVALID, Some("request_too_large"), "request_too_large", 413),
        429 => (
            "rate_limit_error",
            Some("rate_limit_exceeded"),
            "rate_limit_error",
            429,
        ),
        503 | 529 => ("server_error", Some("overloaded"), "overloaded_error", 529),
        500.. => ("server_error", None, "api_error", status),
        _ => (INVALID, None, INVALID, status),
    };
    Row {
        openai,
        code,
        messages,
        messages_status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, body: &str, client: Format) -> ClientError {
        let status = StatusCode::from_u16(status).unwrap();
        convert(status, body.as_bytes(), Provider::Groq, client)
    }

    #[test]
    fn the_table() {
        for (status, openai, code, messages, messages_status) in [
            (
                400,
                "invalid_request_error",
                None,
                "invalid_request_error",
                400,
            ),
            (
                401,
                "invalid_request_error",
                Some("invalid_api_key"),
                "authentication_error",
                401,
            ),
            (
                402,
                "insufficient_quota",
                Some("insufficient_quota"),
                "billing_error",
                402,
            ),
            (403, "permission_error", None, "permission_error", 403),
            (
                404,
                "invalid_request_error",
                Some("model_not_found"),
                "not_found_error",
                404,
            ),
            (
                405,
                "invalid_request_error",
                None,
                "invalid_request_error",
                405,
            ),
            (408, "timeout_error", None, "timeout_error", 504),
            (
                409,
                "invalid_request_error",
                None,
                "invalid_request_error",
                409,
            ),
            (
                413,
                "invalid_request_error",
                Some("request_too_large"),
                "request_too_large",
                413,
            ),
            (
                422,
                "invalid_request_error",
                None,
                "invalid_request_error",
                400,
            ),
            (
                424,
                "invalid_request_error",
                None,
                "invalid_request_error",
                400,
            ),
            (
                429,
                "rate_limit_error",
                Some("rate_limit_exceeded"),
                "rate_limit_error",
                429,
            ),
            (500, "server_error", None, "api_error", 500),
            (502, "server_error", None, "api_error", 502),
            (
                503,
                "server_error",
                Some("overloaded"),
                "overloaded_error",
                529,
            ),
            (504, "timeout_error", None, "timeout_error", 504),
            (
                529,
                "server_error",
                Some("overloaded"),
                "overloaded_error",
                529,
            ),
        ] {
            let found = error(status, r#"{"error":{"message":"m"}}"#, Format::Responses);
            assert_eq!(found.status.as_u16(), status);
            assert_eq!(found.kind, openai, "{status}");
            assert_eq!(found.code.as_deref(), code, "{status}");
            let found = error(status, r#"{"error":{"message":"m"}}"#, Format::Messages);
            assert_eq!(found.kind, messages, "{status}");
            assert_eq!(found.status.as_u16(), messages_status, "{status}");
        }
    }

    #[test]
    fn bodies_of_every_shape() {
        for (status, body, client_status, message, code) in [
            (
                400,
                r#"{"error":{"message":"Failed.","code":"tool_use_failed","failed_generation":"<f>"}}"#,
                400,
                "Failed. (failed_generation: <f>)",
                Some("tool_use_failed"),
            ),
            (
                401,
                "<html><h1>Authorization Required</h1></html>",
                401,
                "401 from groq: Authorization Required",
                Some("invalid_api_key"),
            ),
            (
                400,
                r#"[{"error":{"code":400,"message":"bad key AIzaSyA-12345678","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}]"#,
                401,
                "bad key [redacted]",
                Some("invalid_api_key"),
            ),
            (
                404,
                r#"[{"error":{"code":404,"message":"no such file","status":"NOT_FOUND"}}]"#,
                404,
                "no such file",
                Some("not_found"),
            ),
            (
                422,
                r#"{"detail":[{"loc":["body",0],"msg":"required"}]}"#,
                422,
                "body -> 0: required",
                None,
            ),
            (
                498,
                r#"{"error":{"message":"flex"}}"#,
                503,
                "flex",
                Some("overloaded"),
            ),
            (
                429,
                r#"{"error":{"message":"slow","code":429}}"#,
                429,
                "slow",
                Some("rate_limit_exceeded"),
            ),
            (500, "", 500, "500 from groq", None),
            (500, r#"{"odd":1}"#, 500, "500 from groq", None),
        ] {
            let found = error(status, body, Format::Chat);
            assert_eq!(found.status.as_u16(), client_status, "{body}");
            assert_eq!(found.message, message, "{body}");
            assert_eq!(found.code.as_deref(), code, "{body}");
        }
        let long = format!(
            r#"{{"error":{{"message":"m","failed_generation":"{}"}}}}"#,
            "é".repeat(3000)
        );
        let found = error(400, &long, Format::Chat);
        assert_eq!(found.message.len(), "m (failed_generation: )".len() + 2000);
    }
}
