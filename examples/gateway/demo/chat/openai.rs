//! OpenAI itself.

use serde_json::{Map, Value, json};

use super::super::answer::{End, REFUSAL};
use super::super::check::{Check, Object, Refusal, get, list};
use super::super::reply::{Event, Reply, pieces};
use super::super::schema;
use super::{Dialect, Turn};

/// `api.openai.com`.
pub(super) struct OpenAi;

const MEMBERS: &[&str] = &[
    "messages",
    "model",
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "metadata",
    "modalities",
    "moderation",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
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
    "verbosity",
    "web_search_options",
];

const MESSAGE_MEMBERS: &[&str] = &[
    "role",
    "content",
    "name",
    "tool_calls",
    "tool_call_id",
    "function_call",
    "refusal",
    "audio",
    "annotations",
];

impl Dialect for OpenAi {
    fn name(&self) -> &'static str {
        "openai chat"
    }

    fn members(&self) -> &'static [&'static str] {
        MEMBERS
    }

    fn unknown(&self, name: &str) -> Refusal {
        Refusal::invalid(format!("Unrecognized request argument supplied: {name}"))
    }

    fn check(&self, body: &Object) -> Check {
        for (index, message) in list(body, "messages").iter().enumerate() {
            let unknown = message.as_object().and_then(|message| {
                message
                    .keys()
                    .find(|name| !MESSAGE_MEMBERS.contains(&name.as_str()))
            });
            if let Some(name) = unknown {
                return Err(Refusal::invalid(format!(
                    "Unknown parameter: 'messages[{index}].{name}'."
                ))
                .param(format!("messages[{index}].{name}"))
                .code("unknown_parameter"));
            }
        }
        if get(body, "max_tokens").is_some() && get(body, "max_completion_tokens").is_some() {
            return Err(Refusal::invalid(
                "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            ));
        }
        if get(body, "top_logprobs").is_some() && get(body, "logprobs") != Some(&json!(true)) {
            return Err(Refusal::invalid(
                "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
            )
            .param("top_logprobs"));
        }
        if get(body, "metadata").is_some() && get(body, "store") != Some(&json!(true)) {
            return Err(Refusal::invalid(
                "The 'metadata' parameter is only allowed when 'store' is enabled.",
            )
            .param("metadata"));
        }
        strict_schemas(body)
    }

    fn thinks(&self, body: &Object) -> bool {
        // Its Chat never shows what was thought; the count tells.
        get(body, "reasoning_effort").is_some_and(|effort| effort != "none")
    }

    fn plain(&self, turn: &Turn<'_>) -> Value {
        let mut message = json!({
            "role": "assistant", "content": turn.answer.text, "refusal": null, "annotations": [],
        });
        if turn.answer.end == End::Refusal {
            message["content"] = Value::Null;
            message["refusal"] = json!(REFUSAL);
        }
        if !turn.answer.calls.is_empty() {
            if turn.answer.text.is_empty() {
                message["content"] = Value::Null;
            }
            let calls = turn.calls();
            if is_legacy(turn.body) {
                message["function_call"] = legacy(&calls);
            } else {
                message["tool_calls"] = Value::Array(calls);
            }
        }
        let mut completion = turn.envelope("chat.completion");
        completion["choices"] = json!([{
            "index": 0, "message": message, "logprobs": null, "finish_reason": finish(turn),
        }]);
        completion["usage"] = usage(turn);
        completion["service_tier"] = json!("default");
        completion["system_fingerprint"] = json!("fp_demo");
        completion
    }

    fn stream(&self, turn: &Turn<'_>) -> Vec<Event> {
        let mut deltas = vec![json!({"role": "assistant", "content": "", "refusal": null})];
        if turn.answer.end == End::Refusal {
            deltas.extend(
                pieces(REFUSAL, 3)
                    .iter()
                    .map(|text| json!({"refusal": text})),
            );
        }
        deltas.extend(
            pieces(&turn.answer.text, 5)
                .iter()
                .map(|text| json!({"content": text})),
        );
        let calls = turn.calls();
        if is_legacy(turn.body) && !calls.is_empty() {
            deltas.push(json!({"function_call": legacy(&calls)}));
        } else {
            for (index, call) in calls.iter().enumerate() {
                deltas.extend(call_deltas(index, call));
            }
        }
        let mut chunks: Vec<_> = deltas
            .into_iter()
            .map(|delta| turn.chunk(&delta, None))
            .collect();
        chunks.push(turn.chunk(&json!({}), Some(finish(turn))));
        if turn.wants_usage() {
            for chunk in &mut chunks {
                chunk["usage"] = Value::Null;
            }
            let mut last = turn.envelope("chat.completion.chunk");
            last["choices"] = json!([]);
            last["usage"] = usage(turn);
            chunks.push(last);
        }
        for chunk in &mut chunks {
            chunk["service_tier"] = json!("default");
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
        Event::data(&body_of(&self.overloaded()))
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        HEADERS
    }
}

/// The headers of OpenAI's answers.
pub(in super::super) const HEADERS: &[(&str, &str)] = &[
    ("openai-organization", "demo"),
    ("openai-processing-ms", "12"),
    ("openai-version", "2020-10-01"),
    ("x-ratelimit-limit-requests", "10000"),
    ("x-ratelimit-limit-tokens", "2000000"),
    ("x-ratelimit-remaining-requests", "9999"),
    ("x-ratelimit-remaining-tokens", "1999000"),
    ("x-ratelimit-reset-requests", "6ms"),
    ("x-ratelimit-reset-tokens", "30ms"),
];

/// OpenAI's error object.
pub(in super::super) fn body_of(refusal: &Refusal) -> Value {
    json!({"error": {
        "message": refusal.message, "type": refusal.kind, "param": refusal.param, "code": refusal.code,
    }})
}

/// What strict mode refuses in the schemas of a request.
fn strict_schemas(body: &Object) -> Check {
    for (index, tool) in list(body, "tools").iter().enumerate() {
        if tool.pointer("/function/strict") == Some(&json!(true))
            && let Some(refusal) = tool
                .pointer("/function/parameters")
                .and_then(schema::openai_refusal)
        {
            return Err(Refusal::invalid(format!(
                "Invalid schema for function: In context=(), {refusal}"
            ))
            .param(format!("tools[{index}].function.parameters"))
            .code("invalid_function_parameters"));
        }
    }
    let format = get(body, "response_format").and_then(|format| format.get("json_schema"));
    if let Some(format) = format
        && format.get("strict") == Some(&json!(true))
        && let Some(refusal) = format.get("schema").and_then(schema::openai_refusal)
    {
        return Err(Refusal::invalid(format!(
            "Invalid schema for response_format: In context=(), {refusal}"
        ))
        .param("response_format"));
    }
    Ok(())
}

/// Whether the request is in the old form of function calls.
fn is_legacy(body: &Object) -> bool {
    !list(body, "functions").is_empty()
}

fn legacy(calls: &[Value]) -> Value {
    calls
        .first()
        .map(|call| call["function"].clone())
        .unwrap_or_default()
}

fn finish(turn: &Turn<'_>) -> &'static str {
    if is_legacy(turn.body) && turn.answer.end == End::Calls {
        "function_call"
    } else {
        turn.finish()
    }
}

/// A call in fragments: its name first, then pieces of its arguments.
pub(super) fn call_deltas(index: usize, call: &Value) -> Vec<Value> {
    let kind = call["type"].as_str().unwrap_or("function");
    let member = if kind == "custom" {
        "input"
    } else {
        "arguments"
    };
    let mut first = call.clone();
    first["index"] = json!(index);
    let whole = std::mem::replace(&mut first[kind][member], json!(""));
    let mut deltas = vec![json!({"tool_calls": [first]})];
    deltas.extend(
        pieces(whole.as_str().unwrap_or_default(), 3)
            .iter()
            .map(|piece| {
                let fragment = Map::from_iter([(member.to_owned(), json!(piece))]);
                let mut call = json!({"index": index});
                call[kind] = Value::Object(fragment);
                json!({"tool_calls": [call]})
            }),
    );
    deltas
}

fn usage(turn: &Turn<'_>) -> Value {
    let output = turn.thought() + turn.said();
    json!({
        "prompt_tokens": turn.asked(), "completion_tokens": output,
        "total_tokens": turn.asked() + output,
        "prompt_tokens_details": {
            "cached_tokens": turn.cached(), "cache_write_tokens": 0, "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": turn.thought(), "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    })
}
