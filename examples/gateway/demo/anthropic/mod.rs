//! Anthropic Messages: `/v1/messages` and `/v1/messages/count_tokens`.

mod blocks;
mod models;
mod render;
pub(super) mod signature;
mod stream;
mod tools;
mod validate;

use http::StatusCode;
use serde_json::{Value, json};

use super::Incoming;
use super::answer::{Trouble, answer, trouble};
use super::check::{Check, Object, Refusal, flag};
use super::reply::{Reply, first_half, id};

/// `POST /v1/messages`.
pub(super) fn messages(incoming: &Incoming<'_>) -> Reply {
    respond(incoming).unwrap_or_else(|refusal| error(incoming, &refusal))
}

/// `POST /v1/messages/count_tokens`.
pub(super) fn count_tokens(incoming: &Incoming<'_>) -> Reply {
    let count = || -> Check<Reply> {
        check_headers(incoming)?;
        let body = incoming.object()?;
        validate::count_tokens(&body, incoming)?;
        Ok(head(
            Reply::json(
                StatusCode::OK,
                &json!({"input_tokens": incoming.bytes.len().div_ceil(4)}),
            ),
            incoming,
        ))
    };
    count().unwrap_or_else(|refusal| error(incoming, &refusal))
}

/// Refuses what the Messages API would, for the wires of others that carry its bodies.
pub(super) fn check(body: &Object, incoming: &Incoming<'_>) -> Check {
    validate::messages(body, incoming)
}

/// The message that answers a valid body, in the name of another wire, and the text of its last user message.
pub(super) fn answered(body: &Object, dialect: &'static str, bytes: &[u8]) -> (Value, String) {
    let mut question = render::question(body);
    question.dialect = dialect;
    let message = render::message(body, &question, &answer(&question), bytes);
    (message, question.last_user)
}

/// The data of the events that make up a message.
pub(super) fn events(message: &Value) -> Vec<Value> {
    stream::values(message)
}

/// Whether a valid body makes the model think.
pub(super) fn thinks(body: &Object) -> bool {
    render::question(body).thinking
}

/// Whether what it thinks is shown.
pub(super) fn shows(body: &Object) -> bool {
    render::is_shown(body)
}

/// Whether Anthropic defines (or runs) this tool.
pub(super) fn is_anthropic(tool: &Value) -> bool {
    tools::is_anthropic(tool)
}

/// The most output tokens of a model.
pub(super) fn max_tokens(model: &str) -> Option<u64> {
    Some(models::model(model)?.max_tokens)
}

/// Whether a model takes messages of the role `system` among the others.
pub(super) fn knows_mid_system(model: &str) -> bool {
    models::model(model).is_some_and(|model| model.mid_system)
}

fn respond(incoming: &Incoming<'_>) -> Check<Reply> {
    check_headers(incoming)?;
    let body = incoming.object()?;
    validate::messages(&body, incoming)?;
    let question = render::question(&body);
    let trouble = trouble(&question.last_user);
    match trouble {
        Some(Trouble::Overloaded) => return Err(overloaded()),
        Some(Trouble::RateLimit) => {
            return Err(Refusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limit_error",
                "This request would exceed the demo's rate limit.",
            ));
        }
        Some(Trouble::ErrorEvent | Trouble::FirstEventError | Trouble::Cut) | None => {}
    }
    let message = render::message(&body, &question, &answer(&question), incoming.bytes);
    let reply = if flag(&body, "stream") {
        let events = stream::events(&message);
        let failure = stream::error(&overloaded(), &request_id(incoming));
        Reply::stream(match trouble {
            Some(Trouble::FirstEventError) => vec![failure],
            Some(Trouble::ErrorEvent) => {
                let mut events = first_half(events);
                events.push(failure);
                events
            }
            Some(Trouble::Cut) => first_half(events),
            Some(Trouble::Overloaded | Trouble::RateLimit) | None => events,
        })
    } else {
        Reply::json(StatusCode::OK, &message)
    };
    Ok(head(reply, incoming))
}

/// What the API asks of the headers.
fn check_headers(incoming: &Incoming<'_>) -> Check {
    let unauthorized =
        |message: &str| Refusal::new(StatusCode::UNAUTHORIZED, "authentication_error", message);
    match (incoming.header("x-api-key"), incoming.bearer()) {
        (Some(key), _) if key.starts_with("demo") => {}
        (Some(_), _) => return Err(unauthorized("invalid x-api-key")),
        (None, Some(token)) if token.starts_with("demo") => {}
        (None, Some(_)) => return Err(unauthorized("Invalid bearer token")),
        (None, None) => return Err(unauthorized("x-api-key header is required")),
    }
    match incoming.header("anthropic-version") {
        Some("2023-06-01" | "2026-10-21") => Ok(()),
        Some(version) => Err(Refusal::invalid(format!(
            "anthropic-version: \"{version}\" is not a valid version"
        ))),
        None => Err(Refusal::invalid("anthropic-version: header is required")),
    }
}

fn overloaded() -> Refusal {
    let status = StatusCode::from_u16(529).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    Refusal::new(status, "overloaded_error", "Overloaded")
}

fn request_id(incoming: &Incoming<'_>) -> String {
    id("req_", incoming.bytes, 0)
}

fn error(incoming: &Incoming<'_>, refusal: &Refusal) -> Reply {
    let reply = Reply::json(
        refusal.status,
        &json!({
            "type": "error",
            "error": {"type": refusal.kind, "message": refusal.message},
            "request_id": request_id(incoming),
        }),
    );
    let retry = match refusal.status.as_u16() {
        429 => reply
            .with("retry-after", "1")
            .with("x-should-retry", "true"),
        529 => reply.with("x-should-retry", "true"),
        _ => reply.with("x-should-retry", "false"),
    };
    head(retry, incoming)
}

/// The headers that every answer has.
fn head(reply: Reply, incoming: &Incoming<'_>) -> Reply {
    reply.with("request-id", request_id(incoming)).with_all(&[
        (
            "anthropic-organization-id",
            "00000000-0000-4000-8000-0000000de300",
        ),
        ("anthropic-ratelimit-requests-limit", "4000"),
        ("anthropic-ratelimit-requests-remaining", "3999"),
        ("anthropic-ratelimit-requests-reset", "2026-11-22T12:00:01Z"),
        ("anthropic-ratelimit-tokens-limit", "400000"),
        ("anthropic-ratelimit-tokens-remaining", "399000"),
        ("anthropic-ratelimit-tokens-reset", "2026-11-22T12:00:02Z"),
    ])
}
