//! What a response repeats of its request.

use bytes::{Bytes, BytesMut};
use serde_json::value::RawValue;

use crate::codec::write::Object;
use crate::format::responses::request::{Reasoning, Request};
use crate::format::walk;

/// The members of OpenAI's `Response` that repeat the request's, as JSON text: made once, cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Echo {
    /// The members with commas between them, without braces.
    members: Bytes,
}

impl Default for Echo {
    fn default() -> Self {
        Self::of(&Request::default())
    }
}

impl Echo {
    /// What will be repeated of `request`, with OpenAI's defaults for what it does not say.
    pub(crate) fn of(request: &Request<'_>) -> Self {
        Self::with_sampling(request, "1.0")
    }

    /// The same for a provider whose own defaults for `temperature` and `top_p` are not known.
    pub(crate) fn without_sampling_defaults(request: &Request<'_>) -> Self {
        Self::with_sampling(request, "null")
    }

    fn with_sampling(request: &Request<'_>, default: &'static str) -> Self {
        let raw = |value: Option<&RawValue>| value.map(|value| value.get().to_owned());
        let or = |value: Option<&RawValue>, default: &'static str| {
            raw(value).unwrap_or_else(|| default.to_owned())
        };
        let mut buffer = BytesMut::with_capacity(1024);
        let mut object = Object::begin(&mut buffer);
        object
            .raw("instructions", &or(request.instructions, "null"))
            .raw("metadata", &or(request.metadata, "{}"))
            .bool(
                "parallel_tool_calls",
                request.parallel_tool_calls.unwrap_or(true),
            )
            .raw("tool_choice", &or(request.tool_choice, "\"auto\""));
        let mut tools = object.array("tools");
        for tool in request.tools.iter().flat_map(|list| &list.0) {
            tools.raw(tool.get());
        }
        tools.end();
        object
            .raw("temperature", &or(request.temperature, default))
            .raw("top_p", &or(request.top_p, default))
            .raw("max_output_tokens", &or(request.max_output_tokens, "null"))
            .raw("max_tool_calls", &or(request.max_tool_calls, "null"))
            .raw("truncation", &or(request.truncation, "\"disabled\""));
        write_text(&mut object, request.text);
        write_reasoning(&mut object, request.reasoning);
        for (key, value) in [
            ("safety_identifier", request.safety_identifier),
            ("user", request.user),
            ("prompt_cache_key", request.prompt_cache_key),
        ] {
            if let Some(value) = raw(value) {
                object.raw(key, &value);
            }
        }
        object
            .uint("top_logprobs", 0)
            .raw("previous_response_id", "null")
            .bool("background", false)
            // Nothing is ever stored.
            .bool("store", false);
        object.end();
        let whole = buffer.freeze();
        let inside = 1..whole.len().saturating_sub(1);
        Self {
            members: whole.slice(inside),
        }
    }

    /// The members as JSON text.
    pub(super) fn members(&self) -> &str {
        // Made of strings only.
        std::str::from_utf8(&self.members).unwrap_or_default()
    }
}

/// `text`, with the format that holds where the request names none.
fn write_text(object: &mut Object<'_>, text: Option<&RawValue>) {
    const PLAIN: &str = r#"{"type":"text"}"#;
    let text = text.map(RawValue::get).unwrap_or_default();
    let mut echoed = object.object("text");
    echoed.raw("format", walk::member(text, "format").unwrap_or(PLAIN));
    for (key, value) in walk::members(text) {
        if !key.is("format") {
            echoed.raw(key.content(), value);
        }
    }
    echoed.end();
}

fn write_reasoning(object: &mut Object<'_>, reasoning: Option<&RawValue>) {
    let view: Reasoning<'_> = reasoning
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default();
    let mut echoed = object.object("reasoning");
    echoed.raw("effort", view.effort.map_or("null", |effort| effort.json()));
    let summary = view.summary.or(view.generate_summary);
    echoed.raw("summary", summary.map_or("null", |summary| summary.json()));
    echoed.end();
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn echo(request: &str) -> Value {
        let request: Request<'_> = serde_json::from_str(request).unwrap();
        serde_json::from_str(&format!("{{{}}}", Echo::of(&request).members())).unwrap()
    }

    #[test]
    fn defaults() {
        assert_eq!(
            echo("{}"),
            json!({
                "instructions": null, "metadata": {}, "parallel_tool_calls": true, "tool_choice": "auto", "tools": [],
                "temperature": 1.0, "top_p": 1.0, "max_output_tokens": null, "max_tool_calls": null,
                "truncation": "disabled", "text": {"format": {"type": "text"}},
                "reasoning": {"effort": null, "summary": null}, "top_logprobs": 0, "previous_response_id": null,
                "background": false, "store": false
            })
        );
    }

    #[test]
    fn what_the_client_said_comes_back_as_it_was() {
        let echoed = echo(
            r#"{"instructions":"i","metadata":{"a":"b"},"parallel_tool_calls":false,"tools":[{"type":"custom","name":"c"},{"type":"x"}],
            "tool_choice":{"type":"custom","name":"c"},"text":{"verbosity":"low"},"reasoning":{"effort":"low","generate_summary":"auto","context":"x"},
            "user":"u","prompt_cache_key":"k","store":true,"temperature":null,"max_output_tokens":5}"#,
        );
        assert_eq!(echoed["tools"][0]["name"], "c");
        assert_eq!(echoed["tool_choice"]["name"], "c");
        assert_eq!(
            echoed["text"],
            json!({"format": {"type": "text"}, "verbosity": "low"})
        );
        assert_eq!(
            echoed["reasoning"],
            json!({"effort": "low", "summary": "auto"})
        );
        assert_eq!(echoed["temperature"], 1.0);
        assert_eq!(echoed["max_output_tokens"], 5);
        assert_eq!(echoed["store"], false);
        assert_eq!(echoed["user"], "u");
        assert_eq!(echoed["parallel_tool_calls"], false);
    }
}
