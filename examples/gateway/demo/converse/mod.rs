//! AWS Bedrock's own format: Converse, ConverseStream and CountTokens, below `/model/ID/`.

mod cache;
mod check;
mod claude;
mod documents;
mod fields;
mod models;
mod pairs;
mod render;
mod sealed;
mod shape;
mod stream;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Value, json};

use super::answer::{answer, trouble};
use super::aws::{self, Operation, validation};
use super::check::{Check, Object, Refusal};
use super::reply::Reply;
use super::shape::{Fault, Problem, Shape, Spelling, Step};
use super::{Incoming, anthropic, invoke};

/// `POST /model/ID/converse` and `/model/ID/converse-stream`.
pub(super) fn converse(incoming: &Incoming<'_>, model: &str, operation: Operation) -> Reply {
    respond(incoming, model, operation).unwrap_or_else(|refusal| aws::error(incoming, &refusal))
}

/// `POST /model/ID/count-tokens`.
pub(super) fn count_tokens(incoming: &Incoming<'_>, model: &str) -> Reply {
    let count = || -> Check<Reply> {
        aws::authorize(incoming)?;
        let family = family(model)?;
        let body = shaped(&shape::COUNT_TOKENS, incoming)?;
        let input = body.get("input").cloned().unwrap_or_default();
        let length = if let Some(body) = input["converse"].as_object() {
            check::check(body, model, &family)?;
            input["converse"].to_string().len()
        } else {
            let bytes = input["invokeModel"]["body"].as_str().unwrap_or_default();
            let bytes = STANDARD.decode(bytes).unwrap_or_default();
            invoke::check(&bytes, model)?;
            bytes.len()
        };
        Ok(aws::whole(
            incoming,
            &json!({"inputTokens": length.div_ceil(4)}),
        ))
    };
    count().unwrap_or_else(|refusal| aws::error(incoming, &refusal))
}

/// Whether the model takes messages of the role `system` among the others.
fn knows_mid_system(model: &str) -> bool {
    anthropic::knows_mid_system(models::claude_id(model))
}

fn family(model: &str) -> Check<models::Family> {
    models::family(model).ok_or_else(|| {
        if model.contains("no-such-model") {
            let message = format!(
                "Could not resolve the foundation model from the model identifier: {model}"
            );
            return Refusal::new(StatusCode::NOT_FOUND, "ResourceNotFoundException", message);
        }
        validation("The provided model identifier is invalid.")
    })
}

fn respond(incoming: &Incoming<'_>, model: &str, operation: Operation) -> Check<Reply> {
    aws::authorize(incoming)?;
    let family = family(model)?;
    let is_streamed = operation.is_streamed();
    let shape = if is_streamed {
        &shape::CONVERSE_STREAM
    } else {
        &shape::CONVERSE
    };
    let body = shaped(shape, incoming)?;
    check::check(&body, model, &family)?;
    let question = render::question(&body, model, &family);
    let fault = aws::fault(&question.last_user, trouble(&question.last_user));
    if let Some(refusal) = fault.and_then(|fault| fault.refusal(is_streamed)) {
        return Err(refusal);
    }
    let turn = render::Turn {
        body: &body,
        bytes: incoming.bytes,
        family,
        question: &question,
        answer: &answer(&question),
    };
    Ok(if is_streamed {
        aws::stream(incoming, stream::events(&turn), fault)
    } else {
        aws::whole(incoming, &turn.whole())
    })
}

/// The body, when it has the shape that the service defines.
fn shaped(shape: &Shape, incoming: &Incoming<'_>) -> Check<Object> {
    let body = Value::Object(incoming.object()?);
    match super::shape::check(shape, &body, Spelling::Exact) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) => Ok(Object::new()),
        Err(fault) => Err(validation(words(&fault))),
    }
}

/// What is wrong with a shape, in the words of AWS.
fn words(fault: &Fault) -> String {
    let steps = fault.path.iter().map(|step| match step {
        Step::Name(name) => name.clone(),
        // Counted from one, and with a word of its own.
        Step::Index(index) => format!("{}.member", index + 1),
    });
    let at = steps.collect::<Vec<_>>().join(".");
    let constraint = match &fault.problem {
        Problem::Unknown(name) => {
            return format!("The field {name} at '{at}' is not known to this operation.");
        }
        Problem::Missing(name) => {
            return format!(
                "1 validation error detected: Value at '{at}.{name}' failed to satisfy constraint: Member must not be null"
            );
        }
        Problem::Type(expected) => {
            return format!("The value at '{at}' can't be read: expected {expected}.");
        }
        Problem::Union(count) => {
            return format!("The value at '{at}' must have exactly one member; it has {count}.");
        }
        Problem::Base64 => return format!("The value at '{at}' is no base64."),
        Problem::Word(value, words) => {
            return format!(
                "1 validation error detected: Value '{value}' at '{at}' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
                words.join(", ")
            );
        }
        Problem::Pattern(value, words) => {
            return format!(
                "1 validation error detected: Value '{value}' at '{at}' failed to satisfy constraint: Member must satisfy regular expression pattern: {words}"
            );
        }
        Problem::Length(length, min, max) => {
            format!("Member must have length between {min} and {max}, inclusive; it has {length}")
        }
        Problem::Range(value) => format!("Member must be in its range; it is {value}"),
    };
    format!(
        "1 validation error detected: Value at '{at}' failed to satisfy constraint: {constraint}"
    )
}
