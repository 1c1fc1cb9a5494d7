//! Groq.

use http::StatusCode;
use serde_json::{Value, json};

use super::super::answer::{End, REFUSAL};
use super::super::check::{Check, Object, Refusal, get, list, text};
use super::super::reply::{Event, Reply, id, pieces};
use super::{Dialect, Turn};

/// `api.groq.com`.
pub(super) struct Groq;

const MEMBERS: &[&str] = &[
    "messages",
    "model",
    "citation_options",
    "compound_custom",
    "disable_tool_validation",
    "documents",
    "frequency_penalty",
    "function_call",
    "functions",
    "include_reasoning",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "metadata",
    "n",
    "parallel_tool_calls",
    "presence_penalty",
    "reasoning_effort",
    "reasoning_format",
    "response_format",
    "search_settings",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
];

/// Known, and refused with words of their own.
const REFUSED: &[&str] = &["logprobs", "logit_bias", "top_logprobs"];

impl Dialect for Groq {
    fn name(&self) -> &'static str {
        "groq"
    }

    fn members(&self) -> &'static [&'static str] {
        MEMBERS
    }

    fn unknown(&self, name: &str) -> Refusal {
        Refusal::invalid(format!("property '{name}' is unsupported"))
    }

    fn check(&self, body: &Object) -> Check {
        if let Some(name) = REFUSED.iter().find(|name| get(body, name).is_some()) {
            return Err(
                Refusal::invalid(format!("`{name}` is not supported with this model")).param(*name),
            );
        }
        if get(body, "n").is_some_and(|n| n != 1) {
            return Err(Refusal::invalid("'n' : number must be at most 1").param("n"));
        }
        let model = text(body, "model").unwrap_or_default();
        for (index, message) in list(body, "messages").iter().enumerate() {
            let Some(message) = message.as_object() else {
                continue;
            };
            let role = text(message, "role").unwrap_or_default();
            let known: &[&str] = match role {
                "assistant" => &[
                    "role",
                    "content",
                    "tool_calls",
                    "function_call",
                    "reasoning",
                ],
                "tool" => &["role", "content", "tool_call_id"],
                "function" => &["role", "content", "name"],
                _ => &["role", "content"],
            };
            if let Some(name) = message.keys().find(|name| !known.contains(&name.as_str())) {
                return Err(Refusal::invalid(format!(
                    "'messages.{index}' : for 'role:{role}' the following must be satisfied[('messages.{index}' : property '{name}' is unsupported)]"
                )));
            }
            // Only the content may be null.
            if let Some((name, _)) = message
                .iter()
                .find(|(name, value)| value.is_null() && *name != "content")
            {
                return Err(Refusal::invalid(format!(
                    "'messages.{index}.{name}' : value must not be null"
                )));
            }
            if message.contains_key("reasoning") && !model.contains("gpt-oss") {
                return Err(Refusal::invalid(
                    "reasoning is not supported with this model",
                ));
            }
        }
        if let Some(tool) = list(body, "tools")
            .iter()
            .find(|tool| tool["type"] == "custom")
        {
            return Err(Refusal::invalid(format!(
                "'tools' : type {} is unsupported",
                tool["type"]
            )));
        }
        if get(body, "include_reasoning").is_some() && get(body, "reasoning_format").is_some() {
            return Err(Refusal::invalid(
                "cannot specify both `include_reasoning` and `reasoning_format`",
            ));
        }
        if let Some(effort) = get(body, "reasoning_effort") {
            let efforts: &[&str] = if model.contains("gpt-oss") {
                &["low", "medium", "high"]
            } else if model.contains("qwen3") {
                &["none", "default", "low", "medium", "high"]
            } else {
                return Err(Refusal::invalid(
                    "reasoning_effort is not supported with this model",
                ));
            };
            if !effort
                .as_str()
                .is_some_and(|effort| efforts.contains(&effort))
            {
                return Err(Refusal::invalid(format!(
                    "`reasoning_effort` must be one of {}",
                    efforts.join(", ")
                )));
            }
        }
        Ok(())
    }

    fn thinks(&self, body: &Object) -> bool {
        let model = text(body, "model").unwrap_or_default();
        let is_hidden = get(body, "include_reasoning") == Some(&json!(false))
            || get(body, "reasoning_format").is_some_and(|format| format == "hidden")
            || get(body, "reasoning_effort").is_some_and(|effort| effort == "none");
        (model.contains("gpt-oss") || model.contains("qwen3")) && !is_hidden
    }

    fn plain(&self, turn: &Turn<'_>) -> Value {
        let mut message = json!({"role": "assistant"});
        let text = said(turn);
        if !text.is_empty() {
            message["content"] = json!(text);
        }
        if let Some(thought) = &turn.answer.thinking {
            message["reasoning"] = json!(thought);
        }
        if !turn.answer.calls.is_empty() {
            message["tool_calls"] = Value::Array(turn.calls());
        }
        let mut completion = turn.envelope("chat.completion");
        completion["choices"] = json!([{
            "index": 0, "message": message, "logprobs": null, "finish_reason": turn.finish(),
        }]);
        completion["usage"] = usage(turn);
        completion["usage_breakdown"] = Value::Null;
        completion["system_fingerprint"] = json!("fp_demo");
        completion["x_groq"] = json!({"id": request_id(turn), "seed": 1});
        completion["service_tier"] = json!("on_demand");
        completion
    }

    fn stream(&self, turn: &Turn<'_>) -> Vec<Event> {
        let mut deltas = vec![json!({"role": "assistant", "content": ""})];
        let thought = turn.answer.thinking.as_deref().unwrap_or_default();
        deltas.extend(
            pieces(thought, 3)
                .iter()
                .map(|text| json!({"reasoning": text})),
        );
        deltas.extend(
            pieces(&said(turn), 4)
                .iter()
                .map(|text| json!({"content": text})),
        );
        deltas.extend(
            turn.calls()
                .into_iter()
                .enumerate()
                .map(|(index, mut call)| {
                    call["index"] = json!(index);
                    json!({"tool_calls": [call]})
                }),
        );
        let mut chunks: Vec<_> = deltas
            .into_iter()
            .map(|delta| turn.chunk(&delta, None))
            .collect();
        if let Some(first) = chunks.first_mut() {
            first["x_groq"] = json!({"id": request_id(turn), "seed": 1});
        }
        let mut end = turn.chunk(&json!({}), Some(turn.finish()));
        end["x_groq"] = json!({"id": request_id(turn), "usage": usage(turn)});
        chunks.push(end);
        if turn.wants_usage() {
            let mut last = turn.envelope("chat.completion.chunk");
            last["choices"] = json!([]);
            last["usage"] = usage(turn);
            chunks.push(last);
        }
        for chunk in &mut chunks {
            chunk["system_fingerprint"] = json!("fp_demo");
        }
        chunks
            .iter()
            .map(Event::data)
            .chain([Event::done()])
            .collect()
    }

    fn error(&self, refusal: &Refusal) -> Reply {
        Reply::json(refusal.status, &body_of(refusal))
    }

    fn error_event(&self) -> Event {
        let mut error = body_of(
            &Refusal::invalid("Failed to call a function. Please adjust your prompt.")
                .code("tool_use_failed"),
        );
        error["error"]["status_code"] = json!(400);
        error["error"]["failed_generation"] = json!("{\"name\": \"demo\"");
        Event::named("error", &error)
    }

    fn overloaded(&self) -> Refusal {
        Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "internal_server_error",
            "Service Unavailable",
        )
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("x-ratelimit-limit-requests", "14400"),
            ("x-ratelimit-limit-tokens", "18000"),
            ("x-ratelimit-remaining-requests", "14370"),
            ("x-ratelimit-remaining-tokens", "17997"),
            ("x-ratelimit-reset-requests", "2m59.56s"),
            ("x-ratelimit-reset-tokens", "7.66s"),
        ]
    }
}

/// Its error object leaves out what it has not got.
fn body_of(refusal: &Refusal) -> Value {
    let mut error = json!({"message": refusal.message, "type": refusal.kind});
    if let Some(code) = refusal.code {
        error["code"] = json!(code);
    }
    if let Some(param) = &refusal.param {
        error["param"] = json!(param);
    }
    json!({"error": error})
}

fn request_id(turn: &Turn<'_>) -> String {
    id("req_", turn.bytes, 0)
}

/// The text, a refusal too: the format has no other place for one here.
fn said(turn: &Turn<'_>) -> String {
    match turn.answer.end {
        End::Refusal => REFUSAL.to_owned(),
        _ => turn.answer.text.clone(),
    }
}

fn usage(turn: &Turn<'_>) -> Value {
    let output = turn.thought() + turn.said();
    let mut usage = json!({
        "queue_time": 0.01, "prompt_time": 0.002, "completion_time": 0.03, "total_time": 0.032,
        "prompt_tokens": turn.asked(), "completion_tokens": output,
        "total_tokens": turn.asked() + output,
        "prompt_tokens_details": {"cached_tokens": turn.cached()},
    });
    if turn.thought() > 0 {
        usage["completion_tokens_details"] = json!({"reasoning_tokens": turn.thought()});
    }
    usage
}
