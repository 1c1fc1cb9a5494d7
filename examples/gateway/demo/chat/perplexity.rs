//! Perplexity's Sonar.

use http::StatusCode;
use serde_json::{Value, json};

use super::super::answer::{End, REFUSAL};
use super::super::check::{Check, Object, Refusal, get, list, text};
use super::super::reply::{Event, Reply, pieces, tokens};
use super::{Dialect, Turn};

/// `api.perplexity.ai`.
pub(super) struct Perplexity;

const MEMBERS: &[&str] = &[
    "model",
    "messages",
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "stop",
    "n",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
    "response_format",
    "stream",
    "stream_mode",
    "reasoning_effort",
    "web_search_options",
    "search_mode",
    "search_domain_filter",
    "search_language_filter",
    "search_recency_filter",
    "search_after_date_filter",
    "search_before_date_filter",
    "last_updated_after_filter",
    "last_updated_before_filter",
    "return_images",
    "return_related_questions",
    "image_domain_filter",
    "image_format_filter",
    "disable_search",
    "enable_search_classifier",
    "language_preference",
    "country",
    "latitude",
    "longitude",
    "safe_search",
    "num_search_results",
    "file_workspace_id",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
];

impl Dialect for Perplexity {
    fn name(&self) -> &'static str {
        "perplexity"
    }

    fn members(&self) -> &'static [&'static str] {
        MEMBERS
    }

    fn unknown(&self, name: &str) -> Refusal {
        bad(format!(
            "[\"At body -> {name}: Extra inputs are not permitted\"]"
        ))
    }

    fn check(&self, body: &Object) -> Check {
        if ["tools", "tool_choice"]
            .iter()
            .any(|name| get(body, name).is_some())
        {
            return Err(bad("Tool calling is not supported for this model"));
        }
        if get(body, "response_format").is_some_and(|format| format["type"] == "json_object") {
            return Err(bad(
                "[\"At body -> response_format -> type: Input should be 'text', 'json_schema' or 'regex'\"]",
            ));
        }
        let messages = list(body, "messages");
        let mut before = "system";
        for (index, message) in messages.iter().enumerate() {
            let Some(message) = message.as_object() else {
                continue;
            };
            let role = text(message, "role").unwrap_or_default();
            if let Some(name) = message
                .keys()
                .find(|name| *name != "role" && *name != "content")
            {
                return Err(bad(format!(
                    "[\"At body -> messages -> {index} -> {name}: Extra inputs are not permitted\"]"
                )));
            }
            if get(message, "content").is_none() {
                return Err(bad(format!(
                    "[\"At body -> messages -> {index} -> content: Field required\"]"
                )));
            }
            let is_in_order = match role {
                "system" => before == "system",
                "user" => before != "user",
                "assistant" => before == "user",
                _ => {
                    return Err(bad(format!(
                        "[\"At body -> messages -> {index} -> role: Input should be 'system', 'user' or 'assistant'\"]"
                    )));
                }
            };
            if !is_in_order {
                return Err(invalid_message(
                    "After the (optional) system message(s), user and assistant roles should be alternating.",
                ));
            }
            before = role;
        }
        if before == "user" {
            Ok(())
        } else {
            Err(invalid_message("Last message must have role `user`."))
        }
    }

    fn thinks(&self, body: &Object) -> bool {
        text(body, "model")
            .is_some_and(|model| model.contains("reasoning") || model.contains("deep-research"))
    }

    fn plain(&self, turn: &Turn<'_>) -> Value {
        let mut completion = turn.envelope("chat.completion");
        extras(&mut completion, turn, tokens(&said(turn)));
        completion["choices"] = json!([{
            "index": 0, "message": {"role": "assistant", "content": content(turn)},
            "delta": {"role": "assistant", "content": ""}, "finish_reason": finish(turn),
        }]);
        completion
    }

    fn stream(&self, turn: &Turn<'_>) -> Vec<Event> {
        let pieces = pieces(&content(turn), 5);
        let count = pieces.len();
        let mut whole = String::new();
        let mut events = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            whole.push_str(piece);
            let is_last = index + 1 == count;
            let mut chunk = turn.envelope("chat.completion.chunk");
            // Counts grow with every chunk; what was thought is not in them.
            let all = tokens(&said(turn));
            extras(
                &mut chunk,
                turn,
                (all * (index as u64 + 1)).div_ceil(count as u64),
            );
            // `message` holds all so far, `delta` what is new.
            chunk["choices"] = json!([{
                "index": 0, "message": {"role": "assistant", "content": whole},
                "delta": {"role": "assistant", "content": piece},
                "finish_reason": is_last.then(|| finish(turn)),
            }]);
            events.push(Event::data(&chunk));
        }
        events
    }

    fn error(&self, refusal: &Refusal) -> Reply {
        if refusal.status == StatusCode::UNAUTHORIZED {
            // The proxy in front of it answers, in HTML.
            return Reply::html(
                refusal.status,
                "<html>\r\n<head><title>401 Authorization Required</title></head>\r\n<body>\r\n<center><h1>401 Authorization Required</h1></center>\r\n</body>\r\n</html>\r\n",
            );
        }
        Reply::json(refusal.status, &body_of(refusal))
    }

    fn error_event(&self) -> Event {
        Event::data(&body_of(&self.overloaded()))
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("cf-ray", "0de300000000demo-FRA")]
    }
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "bad_request", message)
}

fn invalid_message(message: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "invalid_message", message)
}

/// Its codes are numbers.
fn body_of(refusal: &Refusal) -> Value {
    json!({"error": {
        "message": refusal.message, "type": refusal.kind, "code": refusal.status.as_u16(),
    }})
}

/// The text with a mark of its first source.
fn said(turn: &Turn<'_>) -> String {
    match turn.answer.end {
        End::Refusal => REFUSAL.to_owned(),
        End::Done if turn.question.schema.is_none() => format!("{} [1]", turn.answer.text),
        _ => turn.answer.text.clone(),
    }
}

/// The text after what was thought.
fn content(turn: &Turn<'_>) -> String {
    let text = said(turn);
    match &turn.answer.thinking {
        Some(thought) => format!("<think>\n{thought}\n</think>\n\n{text}"),
        None => text,
    }
}

fn finish(turn: &Turn<'_>) -> &'static str {
    match turn.answer.end {
        End::Length => "length",
        _ => "stop",
    }
}

/// Sources, and counts with their price.
fn extras(completion: &mut Value, turn: &Turn<'_>, said: u64) {
    completion["citations"] = json!(["https://example.com/demo", "https://example.org/café"]);
    completion["search_results"] = json!([
        {"title": "Demo", "url": "https://example.com/demo", "date": "2026-11-22",
         "last_updated": "2026-11-22", "snippet": "A demo.", "source": "web"},
        {"title": "Café", "url": "https://example.org/café", "date": null,
         "last_updated": null, "snippet": "Another.", "source": "web"},
    ]);
    completion["usage"] = json!({
        "prompt_tokens": turn.asked(), "completion_tokens": said,
        "total_tokens": turn.asked() + said, "search_context_size": "low",
        "cost": {
            "input_tokens_cost": 0.0, "output_tokens_cost": 0.0, "request_cost": 0.005, "total_cost": 0.005,
        },
    });
    if turn.thought() > 0 {
        completion["usage"]["reasoning_tokens"] = json!(turn.thought());
    }
}
