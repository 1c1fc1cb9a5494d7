//! AWS Bedrock's InvokeModel and InvokeModelWithResponseStream with Anthropic's bodies: the Messages API of `anthropic/` behind another wire.

mod validate;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Value, json};

use super::Incoming;
use super::answer::trouble;
use super::anthropic;
use super::aws::{self, Operation, validation};
use super::check::{Check, Object, Refusal, get};
use super::reply::{Reply, digest};

/// `POST /model/ID/invoke` and `/model/ID/invoke-with-response-stream`.
pub(super) fn invoke(incoming: &Incoming<'_>, model: &str, operation: Operation) -> Reply {
    respond(incoming, model, operation).unwrap_or_else(|refusal| aws::error(incoming, &refusal))
}

/// Refuses a body that InvokeModel would, without answering it.
pub(super) fn check(bytes: &[u8], model: &str) -> Check {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(body)) => validate::check(&body, claude(model)?).map(|_| ()),
        _ => Err(validation(
            "Malformed input request, please reformat your input and try again.",
        )),
    }
}

fn claude(model: &str) -> Check<&str> {
    if model.contains("no-such-model") {
        let message =
            format!("Could not resolve the foundation model from the model identifier: {model}");
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "ResourceNotFoundException",
            message,
        ));
    }
    if model.contains(":application-inference-profile/") {
        return Ok("claude-sonnet-4-5");
    }
    aws::claude(model).ok_or_else(|| validation("The provided model identifier is invalid."))
}

fn respond(incoming: &Incoming<'_>, model: &str, operation: Operation) -> Check<Reply> {
    aws::authorize(incoming)?;
    let is_streamed = operation.is_streamed();
    let claude = claude(model)?;
    headers(incoming)?;
    let body = incoming.object()?;
    let request = validate::check(&body, claude)?;
    let (mut message, last_user) = anthropic::answered(&request, "bedrock invoke", incoming.bytes);
    let fault = aws::fault(&last_user, trouble(&last_user));
    if let Some(refusal) = fault.and_then(|fault| fault.refusal(is_streamed)) {
        return Err(refusal);
    }
    own_words(&mut message);
    let reply = if is_streamed {
        aws::stream(incoming, chunks(&message, incoming.bytes), fault)
            .with("x-amzn-bedrock-content-type", "application/json")
    } else {
        let count = |name: &str| message["usage"][name].to_string();
        aws::whole(incoming, &message)
            .with("x-amzn-bedrock-input-token-count", count("input_tokens"))
            .with("x-amzn-bedrock-output-token-count", count("output_tokens"))
            .with(
                "x-amzn-bedrock-cache-read-input-token-count",
                count("cache_read_input_tokens"),
            )
            .with(
                "x-amzn-bedrock-cache-write-input-token-count",
                count("cache_creation_input_tokens"),
            )
            .with("x-amzn-bedrock-invocation-latency", "7")
    };
    Ok(match incoming.header("x-amzn-bedrock-service-tier") {
        Some(tier) => reply.with("x-amzn-bedrock-service-tier", tier),
        None => reply,
    })
}

/// The headers that this operation has a meaning for.
fn headers(incoming: &Incoming<'_>) -> Check {
    let known: [(&str, &[&str]); 7] = [
        ("x-amzn-bedrock-accept", &["application/json", "*/*"]),
        (
            "x-amzn-bedrock-trace",
            &["ENABLED", "DISABLED", "ENABLED_FULL"],
        ),
        (
            "x-amzn-bedrock-performanceconfig-latency",
            &["standard", "optimized"],
        ),
        (
            "x-amzn-bedrock-service-tier",
            &["priority", "default", "flex", "reserved"],
        ),
        ("x-amzn-bedrock-guardrailidentifier", &[]),
        ("x-amzn-bedrock-guardrailversion", &[]),
        ("x-amzn-bedrock-request-metadata", &[]),
    ];
    for (name, value) in incoming.headers {
        if !name.as_str().starts_with("x-amzn-bedrock-") {
            continue;
        }
        let value = value.to_str().unwrap_or_default();
        match known.iter().find(|(known, _)| known == name) {
            None => {
                return Err(validation(format!(
                    "The header {name} is not known to this operation."
                )));
            }
            Some((_, words)) if !words.is_empty() && !words.contains(&value) => {
                return Err(validation(format!(
                    "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
                    words.join(", ")
                )));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// What the message says otherwise here than at Anthropic.
fn own_words(message: &mut Value) {
    if let Some(id) = message["id"]
        .as_str()
        .and_then(|id| id.strip_prefix("msg_"))
    {
        message["id"] = json!(format!("msg_bdrk_{id}"));
    }
    if let Some(usage) = message["usage"].as_object_mut() {
        usage.remove("service_tier");
        usage.remove("inference_geo");
    }
}

/// Anthropic's events, each in a frame of its own.
fn chunks(message: &Value, bytes: &[u8]) -> Vec<Vec<u8>> {
    let usage = &message["usage"];
    let events = anthropic::events(message).into_iter();
    // Nothing keeps the line awake here.
    let events = events.filter(|event| event["type"] != "ping").enumerate();
    let framed = events.map(|(index, mut event)| {
        if event["type"] == "message_stop" {
            event["amazon-bedrock-invocationMetrics"] = json!({
                "inputTokenCount": usage["input_tokens"], "outputTokenCount": usage["output_tokens"],
                "invocationLatency": 7, "firstByteLatency": 3,
                "cacheReadInputTokenCount": usage["cache_read_input_tokens"],
                "cacheWriteInputTokenCount": usage["cache_creation_input_tokens"],
            });
        }
        let padding = aws::padding(digest([bytes, index.to_string().as_bytes()]));
        aws::event("chunk", &json!({"bytes": STANDARD.encode(event.to_string()), "p": padding}))
    });
    framed.collect()
}

/// A member of the body that is a text.
fn text<'a>(body: &'a Object, name: &str) -> Option<&'a str> {
    get(body, name)?.as_str()
}
