//! Gemini behind its OpenAI-compatible endpoint.

use http::StatusCode;
use serde_json::{Value, json};

use super::super::answer::End;
use super::super::check::{Check, Object, Refusal, get, list, text};
use super::super::gemini;
use super::super::gemini::signature::{SKIP, sign, signs};
use super::super::reply::{Event, Reply, pieces};
use super::{Dialect, Turn};

/// `generativelanguage.googleapis.com`, under `/v1beta/openai`.
pub(super) struct Gemini;

const MEMBERS: &[&str] = &[
    "model",
    "messages",
    "stream",
    "stream_options",
    "temperature",
    "top_p",
    "n",
    "stop",
    "max_tokens",
    "max_completion_tokens",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "reasoning_effort",
    "extra_body",
];

const MESSAGE_MEMBERS: &[&str] = &[
    "role",
    "content",
    "tool_calls",
    "tool_call_id",
    "extra_content",
];

impl Dialect for Gemini {
    fn name(&self) -> &'static str {
        "gemini chat"
    }

    fn members(&self) -> &'static [&'static str] {
        MEMBERS
    }

    fn unknown(&self, name: &str) -> Refusal {
        unknown(name, "")
    }

    fn check(&self, body: &Object) -> Check {
        let messages = list(body, "messages");
        for (index, message) in messages.iter().enumerate() {
            let Some(message) = message.as_object() else {
                continue;
            };
            if let Some(name) = message
                .keys()
                .find(|name| !MESSAGE_MEMBERS.contains(&name.as_str()))
            {
                return Err(unknown(name, &format!(" at 'messages[{index}]'")));
            }
            let content = get(message, "content");
            let is_empty = match content {
                Some(Value::String(text)) => text.is_empty(),
                Some(Value::Array(parts)) => {
                    parts.is_empty()
                        || parts
                            .iter()
                            .any(|part| part.get("text") == Some(&json!("")))
                }
                _ => list(message, "tool_calls").is_empty(),
            };
            if is_empty
                && list(message, "tool_calls").is_empty()
                && text(message, "role") != Some("tool")
            {
                return Err(invalid(
                    "* GenerateContentRequest.contents: contents.parts must not be empty.",
                ));
            }
        }
        if let Some(options) = get(body, "stream_options").and_then(Value::as_object)
            && let Some(name) = options.keys().find(|name| *name != "include_usage")
        {
            return Err(unknown(name, " at 'stream_options'"));
        }
        if let Some(index) = list(body, "tools")
            .iter()
            .position(|tool| tool["type"] != "function")
        {
            return Err(invalid(&format!(
                "Invalid value at 'tools[{index}].type': expected 'function'"
            )));
        }
        let last = messages
            .last()
            .and_then(|message| message.get("role")?.as_str());
        if last == Some("assistant") {
            return Err(invalid(
                "Please ensure that the last message is not from the assistant.",
            ));
        }
        if get(body, "reasoning_effort").is_some()
            && thinking_config(body).is_some_and(|config| {
                config.get("thinking_level").is_some() || config.get("thinking_budget").is_some()
            })
        {
            return Err(invalid(
                "reasoning_effort and thinking_config cannot be used together.",
            ));
        }
        signatures(body)
    }

    fn thinks(&self, body: &Object) -> bool {
        thinking_config(body)
            .and_then(|config| config.get("include_thoughts")?.as_bool())
            .unwrap_or(false)
    }

    fn plain(&self, turn: &Turn<'_>) -> Value {
        let content = match &turn.answer.thinking {
            Some(thought) => format!("<thought>{thought}</thought>{}", turn.answer.text),
            None => turn.answer.text.clone(),
        };
        let mut message = json!({"role": "assistant"});
        if !content.is_empty() {
            message["content"] = json!(content);
        }
        let calls = signed_calls(turn);
        if !calls.is_empty() {
            message["tool_calls"] = Value::Array(calls);
        }
        let mut completion = turn.envelope("chat.completion");
        completion["choices"] =
            json!([{"index": 0, "message": message, "finish_reason": finish(turn)}]);
        completion["usage"] = usage(turn, turn.said());
        completion
    }

    fn stream(&self, turn: &Turn<'_>) -> Vec<Event> {
        let mut deltas = Vec::new();
        if let Some(thought) = &turn.answer.thinking {
            for (index, piece) in pieces(thought, 2).iter().enumerate() {
                let opening = if index == 0 { "<thought>" } else { "" };
                deltas.push(json!({
                    "role": "assistant", "content": format!("{opening}{piece}"),
                    "extra_content": {"google": {"thought": true}},
                }));
            }
        }
        // What follows the thoughts closes their mark, a call in a delta of its own.
        let mut closing = if turn.answer.thinking.is_some() {
            "</thought>"
        } else {
            ""
        };
        for piece in pieces(&turn.answer.text, 4) {
            deltas.push(json!({"role": "assistant", "content": format!("{closing}{piece}")}));
            closing = "";
        }
        if !closing.is_empty() {
            deltas.push(json!({"role": "assistant", "content": closing}));
        }
        // Each call is whole, and has no index.
        deltas.extend(
            signed_calls(turn)
                .iter()
                .map(|call| json!({"role": "assistant", "tool_calls": [call]})),
        );
        if deltas.is_empty() {
            deltas.push(json!({"role": "assistant"}));
        }
        let count = deltas.len();
        let chunks = deltas.into_iter().enumerate().map(|(index, delta)| {
            // The end is told with the last delta, and calls are no reason of it.
            let finish = (index + 1 == count).then(|| match finish(turn) {
                "tool_calls" => "stop",
                other => other,
            });
            let mut chunk = turn.envelope("chat.completion.chunk");
            chunk["choices"] = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
            // Counts grow with every chunk, asked for or not.
            chunk["usage"] = usage(
                turn,
                (turn.said() * (index as u64 + 1)).div_ceil(count as u64),
            );
            Event::data(&chunk)
        });
        chunks.chain([Event::done()]).collect()
    }

    fn error(&self, refusal: &Refusal) -> Reply {
        Reply::json(refusal.status, &body_of(refusal))
    }

    fn error_event(&self) -> Event {
        Event::data(&body_of(&self.overloaded()))
    }

    fn overloaded(&self) -> Refusal {
        Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "UNAVAILABLE",
            "The model is overloaded. Please try again later.",
        )
    }

    fn rate_limited(&self) -> Refusal {
        Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            "RESOURCE_EXHAUSTED",
            "You exceeded your current quota of the demo.",
        )
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("server-timing", "gfet4t7; dur=12"), ("vary", "Origin")]
    }
}

fn invalid(message: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", message)
}

fn unknown(name: &str, at: &str) -> Refusal {
    invalid(&format!(
        "Invalid JSON payload received. Unknown name \"{name}\"{at}: Cannot find field."
    ))
}

/// Google's error, in the list that its Chat endpoint wraps it in.
fn body_of(refusal: &Refusal) -> Value {
    json!([gemini::body_of(refusal)])
}

fn thinking_config(body: &Object) -> Option<&Value> {
    body.get("extra_body")?
        .get("google")?
        .get("thinking_config")
}

/// The signature of a call, the same as in the native format.
fn signature(call: &Value) -> String {
    let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
    let arguments: Value = serde_json::from_str(arguments).unwrap_or_default();
    let name = call["function"]["name"].as_str().unwrap_or_default();
    sign(name, &arguments, &[])
}

/// The calls of the answer; the first one carries the signature.
fn signed_calls(turn: &Turn<'_>) -> Vec<Value> {
    let mut calls = turn.calls();
    if signs(&turn.question.model)
        && let Some(first) = calls.first_mut()
    {
        first["extra_content"] = json!({"google": {"thought_signature": signature(first)}});
    }
    calls
}

/// Each step of the current turn must bring its signature back.
fn signatures(body: &Object) -> Check {
    if !text(body, "model").is_some_and(signs) {
        return Ok(());
    }
    let messages = list(body, "messages");
    let is_user = |message: &Value| message["role"] == "user";
    let start = messages
        .iter()
        .rposition(is_user)
        .map_or(0, |user| user + 1);
    for (index, message) in messages.iter().enumerate().skip(start) {
        let Some(first) = message.get("tool_calls").and_then(|calls| calls.get(0)) else {
            continue;
        };
        let given = first
            .pointer("/extra_content/google/thought_signature")
            .and_then(Value::as_str);
        match given {
            None => {
                return Err(invalid(&format!(
                    "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly. Function call `{}`, position {index}.",
                    first["function"]["name"].as_str().unwrap_or_default()
                )));
            }
            Some(given) if given != SKIP && given != signature(first) => {
                return Err(invalid("Corrupted thought signature."));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn finish(turn: &Turn<'_>) -> &'static str {
    match turn.answer.end {
        End::Refusal => "content_filter",
        _ => turn.finish(),
    }
}

/// The answer's tokens exclude the thoughts, the total includes them.
fn usage(turn: &Turn<'_>, said: u64) -> Value {
    json!({
        "prompt_tokens": turn.asked(), "completion_tokens": said,
        "total_tokens": turn.asked() + said + turn.thought(),
    })
}
