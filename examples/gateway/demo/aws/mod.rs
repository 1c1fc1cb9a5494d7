//! What the operations of the Bedrock runtime have in common: paths, authorization, errors, streams.

mod betas;
mod fault;
mod frame;
mod sigv4;

use http::StatusCode;
use serde_json::{Value, json};

use super::Incoming;
use super::check::{Check, Refusal};
use super::reply::{Reply, digest};

pub(super) use betas::unknown_beta;
pub(super) use fault::{Fault, fault};
pub(super) use frame::event;
pub(crate) use sigv4::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};

/// What a path asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Converse,
    ConverseStream,
    Invoke,
    InvokeStream,
    CountTokens,
}

impl Operation {
    /// Whether its answer is a stream.
    pub(super) fn is_streamed(self) -> bool {
        matches!(self, Self::ConverseStream | Self::InvokeStream)
    }
}

/// Model id and operation of `/model/ID/OPERATION`; none when the path is no such path.
pub(super) fn operation(path: &str) -> Option<(String, Operation)> {
    let (id, operation) = path.strip_prefix("/model/")?.split_once('/')?;
    let operation = match operation {
        "converse" => Operation::Converse,
        "converse-stream" => Operation::ConverseStream,
        "invoke" => Operation::Invoke,
        "invoke-with-response-stream" => Operation::InvokeStream,
        "count-tokens" => Operation::CountTokens,
        _ => return None,
    };
    let id = percent_encoding::percent_decode_str(id)
        .decode_utf8()
        .ok()?;
    Some((id.into_owned(), operation))
}

/// What AWS says, with status 200, of a path that it does not know: an id whose `/` is not encoded, say.
pub(super) fn unknown_operation() -> Reply {
    Reply::json(
        StatusCode::OK,
        &json!({"Output": {"__type": "com.amazon.coral.service#UnknownOperationException"}, "Version": "1.0"}),
    )
}

/// Refuses what does not bring the demo's signature or one of its API keys.
pub(super) fn authorize(incoming: &Incoming<'_>) -> Check {
    let refused = |kind, message: &str| Err(Refusal::new(StatusCode::FORBIDDEN, kind, message));
    let foreign = [
        "x-api-key",
        "anthropic-version",
        "anthropic-beta",
        "x-goog-api-key",
        "cookie",
    ];
    if let Some(name) = foreign
        .iter()
        .find(|name| incoming.headers.contains_key(**name))
    {
        return Err(validation(format!(
            "The header {name} belongs to another API."
        )));
    }
    let Some(authorization) = incoming.header("authorization") else {
        return refused(
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        );
    };
    let Some(key) = authorization.strip_prefix("Bearer ") else {
        return sigv4::verify(
            incoming.uri,
            incoming.headers,
            authorization,
            incoming.bytes,
        );
    };
    let signed = ["x-amz-date", "x-amz-security-token"];
    if let Some(name) = signed
        .iter()
        .find(|name| incoming.headers.contains_key(**name))
    {
        return Err(validation(format!(
            "The header {name} does not go with an API key."
        )));
    }
    if !key.starts_with("demo") {
        return refused(
            "AccessDeniedException",
            "Authentication failed: Please make sure your API Key is valid.",
        );
    }
    Ok(())
}

/// A refusal by the rules of the service.
pub(super) fn validation(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "ValidationException", message)
}

/// The name of a request, made of its bytes.
pub(super) fn request_id(incoming: &Incoming<'_>) -> String {
    let first = digest([b"request".as_slice(), incoming.bytes]);
    let second = digest([first.to_be_bytes().as_slice(), incoming.bytes]);
    let digits = format!("{first:016x}{second:016x}");
    let parts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
    let parts = parts.map(|(from, to)| digits.get(from..to).unwrap_or_default());
    parts.join("-")
}

/// An error response.
pub(super) fn error(incoming: &Incoming<'_>, refusal: &Refusal) -> Reply {
    // What a dialect below calls an invalid request is a validation error here.
    let kind = if refusal.kind.ends_with("Exception") {
        refusal.kind
    } else {
        "ValidationException"
    };
    let mut body = json!({"message": refusal.message});
    if kind.starts_with("ModelError") {
        body["originalStatusCode"] = json!(500);
    }
    let reply = Reply::json(refusal.status, &body)
        .with("x-amzn-requestid", request_id(incoming))
        .with(
            "x-amzn-errortype",
            format!("{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/"),
        );
    match refusal.status.as_u16() {
        403 => reply.with(
            "date",
            httpdate::fmt_http_date(std::time::SystemTime::now()),
        ),
        429 | 503 => reply.with("retry-after", "1"),
        _ => reply,
    }
}

/// A stream of these messages, with what was asked to go wrong.
pub(super) fn stream(incoming: &Incoming<'_>, frames: Vec<Vec<u8>>, fault: Option<Fault>) -> Reply {
    let frames = match fault {
        Some(fault) => fault.apply(frames),
        None => frames,
    };
    Reply::frames(frame::MEDIA, frames).with("x-amzn-requestid", request_id(incoming))
}

/// A whole answer.
pub(super) fn whole(incoming: &Incoming<'_>, answer: &Value) -> Reply {
    Reply::json(StatusCode::OK, answer).with("x-amzn-requestid", request_id(incoming))
}

/// The padding that hides how long an event is.
pub(super) fn padding(seed: u64) -> &'static str {
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let length = usize::try_from(seed % 61).unwrap_or(0) + 1;
    LETTERS.get(..length).unwrap_or(LETTERS)
}

/// The id without what says where it is served: `anthropic.claude-…` of `us.anthropic.claude-…` or of an ARN.
pub(super) fn bare(id: &str) -> &str {
    let id = id.rsplit('/').next().unwrap_or(id);
    [
        "us.", "eu.", "apac.", "jp.", "au.", "ca.", "sa.", "us-gov.", "global.",
    ]
    .iter()
    .find_map(|place| id.strip_prefix(place))
    .unwrap_or(id)
}

/// Anthropic's own id of a Claude model: without vendor and version.
pub(super) fn claude(id: &str) -> Option<&str> {
    let id = bare(id).strip_prefix("anthropic.")?;
    let id = id.split(':').next().unwrap_or(id);
    let id = ["-v1", "-v2"]
        .iter()
        .find_map(|version| id.strip_suffix(version))
        .unwrap_or(id);
    id.starts_with("claude-").then_some(id)
}
