//! Gemini's own format: `models/MODEL:generateContent` and `:streamGenerateContent`.
//!
//! Words that choose an answer only here: `demo:block` (the prompt is blocked), `demo:malformed` (a call that came out wrong, and nothing else),
//! `demo:empty` (no candidate and no reason), `demo:thought-out` (the limit is reached in thought); `compute` with code execution, and an
//! address with URL context.

mod check;
mod contents;
mod render;
mod shape;
pub(super) mod signature;
mod stream;

use http::StatusCode;
use serde_json::{Value, json};

use super::Incoming;
use super::answer::{Trouble, answer, trouble};
use super::check::{Check, Object, Refusal};
use super::reply::Reply;
use super::shape::{Fault, Problem, Spelling, Step};

/// Model and method of `/VERSION/models/MODEL:METHOD`; none when the path is no such path.
pub(super) fn operation(path: &str) -> Option<(String, bool)> {
    let path = ["/v1beta/", "/v1alpha/", "/v1/"]
        .iter()
        .find_map(|version| path.strip_prefix(version))?;
    let (name, method) = path.split_once(':')?;
    let is_streamed = match method {
        "generateContent" => false,
        "streamGenerateContent" => true,
        _ => return None,
    };
    let name = name
        .strip_prefix("models/")
        .or_else(|| name.starts_with("tunedModels/").then_some(name))?;
    let name = percent_encoding::percent_decode_str(name)
        .decode_utf8()
        .ok()?;
    Some((name.into_owned(), is_streamed))
}

/// `POST /v1beta/models/MODEL:generateContent` and `:streamGenerateContent`.
pub(super) fn generate(incoming: &Incoming<'_>, model: &str, is_streamed: bool) -> Reply {
    let query = incoming.uri.query().unwrap_or_default();
    let is_sse = query.split('&').any(|pair| pair == "alt=sse");
    respond(incoming, model, is_streamed, is_sse)
        .unwrap_or_else(|refusal| {
            let error = body_of(&refusal);
            // Where the answer would have been a list the error is in one.
            let error = if is_streamed && !is_sse {
                json!([error])
            } else {
                error
            };
            Reply::json(refusal.status, &error)
        })
        .with_all(&[("server-timing", "gfet4t7; dur=12"), ("vary", "Origin")])
}

fn respond(incoming: &Incoming<'_>, model: &str, is_streamed: bool, is_sse: bool) -> Check<Reply> {
    authorize(incoming)?;
    let is_known = (model.starts_with("gemini-") || model.starts_with("tunedModels/"))
        && !model.contains("no-such-model");
    if !is_known {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            format!(
                "models/{model} is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of available models and their supported methods."
            ),
        ));
    }
    let body = shaped(incoming)?;
    check::check(&body, model)?;
    let question = render::question(&body, model);
    let trouble = trouble(&question.last_user);
    match trouble {
        Some(Trouble::Overloaded) => return Err(overloaded()),
        Some(Trouble::RateLimit) => {
            return Err(Refusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                "RESOURCE_EXHAUSTED",
                "You exceeded your current quota of the demo.",
            ));
        }
        Some(Trouble::ErrorEvent | Trouble::FirstEventError | Trouble::Cut) | None => {}
    }
    let turn = render::Turn {
        body: &body,
        bytes: incoming.bytes,
        model,
        question: &question,
        answer: &answer(&question),
    };
    let odd = odd(&turn);
    if !is_streamed {
        return Ok(Reply::json(
            StatusCode::OK,
            &odd.unwrap_or_else(|| turn.whole()),
        ));
    }
    let pieces = match odd {
        Some(odd) => vec![odd],
        None => stream::troubled(stream::pieces_of(&turn), trouble, &body_of(&overloaded())),
    };
    Ok(if is_sse {
        Reply::frames("text/event-stream", stream::events(&pieces))
    } else {
        Reply::frames("application/json; charset=UTF-8", stream::elements(&pieces))
    })
}

/// Answers that hold no text and no call.
fn odd(turn: &render::Turn<'_>) -> Option<Value> {
    let words = &turn.question.last_user;
    let mut answer = turn.envelope();
    let asked = turn.usage(0, 1)["promptTokenCount"].clone();
    answer["usageMetadata"] = json!({"promptTokenCount": asked, "totalTokenCount": asked});
    if words.contains("demo:block") {
        answer["promptFeedback"] = json!({"blockReason": "SAFETY"});
    } else if words.contains("demo:malformed") {
        answer["candidates"] = json!([{
            "index": 0, "content": {}, "finishReason": "MALFORMED_FUNCTION_CALL",
            "finishMessage": "Malformed function call: get_weather(",
        }]);
    } else if words.contains("demo:thought-out") {
        answer["candidates"] =
            json!([{"index": 0, "content": {"role": "model"}, "finishReason": "MAX_TOKENS"}]);
    } else if !words.contains("demo:empty") {
        return None;
    }
    Some(answer)
}

/// The one header that carries the key here.
fn authorize(incoming: &Incoming<'_>) -> Check {
    let unauthorized = |message: &str| {
        Err(Refusal::new(
            StatusCode::UNAUTHORIZED,
            "UNAUTHENTICATED",
            message,
        ))
    };
    if incoming.headers.contains_key("authorization") {
        return unauthorized(
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.",
        );
    }
    match incoming.header("x-goog-api-key") {
        Some(key) if key.starts_with("demo") => Ok(()),
        Some(_) => Err(invalid("API key not valid. Please pass a valid API key.")),
        None => Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "PERMISSION_DENIED",
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
        )),
    }
}

fn overloaded() -> Refusal {
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "UNAVAILABLE",
        "The model is overloaded. Please try again later.",
    )
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", message)
}

/// Google's error.
pub(super) fn body_of(refusal: &Refusal) -> Value {
    let status = match refusal.status {
        StatusCode::UNAUTHORIZED => "UNAUTHENTICATED",
        _ if refusal.kind == "invalid_request_error" => "INVALID_ARGUMENT",
        _ => refusal.kind,
    };
    let mut error = json!({
        "code": refusal.status.as_u16(), "message": refusal.message, "status": status,
    });
    if refusal.status == StatusCode::TOO_MANY_REQUESTS {
        error["details"] = json!([
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"},
        ]);
    }
    json!({"error": error})
}

/// The body, when it has the shape that the API defines, its members named as there.
fn shaped(incoming: &Incoming<'_>) -> Check<Object> {
    let body = Value::Object(incoming.object()?);
    match super::shape::check(&shape::GENERATE, &body, Spelling::Either) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) => Ok(Object::new()),
        Err(fault) => Err(invalid(words(&fault))),
    }
}

/// What is wrong with a shape, in the words of Google.
fn words(fault: &Fault) -> String {
    let at = fault
        .path
        .iter()
        .fold(String::new(), |at, step| match step {
            Step::Name(name) if at.is_empty() => name.clone(),
            Step::Name(name) => format!("{at}.{name}"),
            Step::Index(index) => format!("{at}[{index}]"),
        });
    match &fault.problem {
        Problem::Unknown(name) if at.is_empty() => {
            format!("Invalid JSON payload received. Unknown name \"{name}\": Cannot find field.")
        }
        Problem::Unknown(name) => {
            format!(
                "Invalid JSON payload received. Unknown name \"{name}\" at '{at}': Cannot find field."
            )
        }
        Problem::Missing(name) => {
            format!("* GenerateContentRequest.{at}.{name}: required field is missing")
        }
        Problem::Type(expected) => format!("Invalid value at '{at}': expected {expected}"),
        Problem::Word(value, _) => format!("Invalid value at '{at}', \"{value}\""),
        Problem::Base64 => format!("Invalid value at '{at}' (TYPE_BYTES), Base64 decoding failed"),
        Problem::Length(length, min, max) => {
            format!("* GenerateContentRequest.{at}: {length} is not between {min} and {max}")
        }
        Problem::Range(value) => {
            format!("* GenerateContentRequest.{at}: {value} is out of its range")
        }
        Problem::Pattern(value, words) => {
            format!("Invalid value at '{at}', \"{value}\": expected {words}")
        }
        Problem::Union(count) => format!("Invalid value at '{at}': {count} members"),
    }
}
