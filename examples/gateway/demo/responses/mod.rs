//! OpenAI Responses: `/v1/responses`.

mod input;
mod models;
mod parts;
mod render;
mod stream;
mod validate;

use http::StatusCode;
use serde_json::json;

use super::Incoming;
use super::answer::{Trouble, answer, trouble};
use super::chat::{OPENAI_HEADERS, openai_error};
use super::check::{Check, Refusal, flag};
use super::reply::{Event, Reply, first_half, id};

/// `POST /v1/responses`.
pub(super) fn responses(incoming: &Incoming<'_>) -> Reply {
    respond(incoming)
        .unwrap_or_else(|refusal| {
            let reply = Reply::json(refusal.status, &openai_error(&refusal));
            match refusal.status {
                StatusCode::TOO_MANY_REQUESTS => reply.with("retry-after", "1"),
                _ => reply,
            }
        })
        .with("x-request-id", id("req_", incoming.bytes, 0))
        .with_all(OPENAI_HEADERS)
}

fn respond(incoming: &Incoming<'_>) -> Check<Reply> {
    if !incoming
        .bearer()
        .is_some_and(|token| token.starts_with("demo"))
    {
        return Err(Refusal::new(
            StatusCode::UNAUTHORIZED,
            "invalid_request_error",
            "Incorrect API key provided.",
        )
        .code("invalid_api_key"));
    }
    let body = incoming.object()?;
    validate::request(&body)?;
    let question = input::question(&body);
    let trouble = trouble(&question.last_user);
    match trouble {
        Some(Trouble::Overloaded) => return Err(overloaded()),
        Some(Trouble::RateLimit) => {
            return Err(Refusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                "requests",
                "Rate limit reached for the demo.",
            )
            .code("rate_limit_exceeded"));
        }
        Some(Trouble::ErrorEvent | Trouble::FirstEventError | Trouble::Cut) | None => {}
    }
    let answer = answer(&question);
    let response = render::response(&body, &question, &answer, incoming.bytes);
    if !flag(&body, "stream") {
        return Ok(Reply::json(StatusCode::OK, &response));
    }
    let events = stream::events(&response);
    Ok(Reply::stream(match trouble {
        Some(Trouble::FirstEventError) => {
            let refusal = overloaded();
            vec![Event::typed(&json!({
                "type": "error", "sequence_number": 0, "code": refusal.code,
                "message": refusal.message, "param": null,
            }))]
        }
        Some(Trouble::ErrorEvent) => {
            let mut events = first_half(events);
            events.push(stream::failed(&response, events.len()));
            events
        }
        Some(Trouble::Cut) => first_half(events),
        Some(Trouble::Overloaded | Trouble::RateLimit) | None => events,
    }))
}

fn overloaded() -> Refusal {
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "server_error",
        "The demo is overloaded.",
    )
    .code("server_error")
}
