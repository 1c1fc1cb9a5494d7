//! OpenAI Chat Completions, and the providers that are nearly compatible with it: a file per dialect.

mod gemini;
mod groq;
mod messages;
mod openai;
mod perplexity;
mod question;

use http::StatusCode;
use serde_json::{Value, json};

use super::Incoming;
use super::answer::{Answer, End, Input, Question, Trouble, answer, is_repeated, trouble};
use super::check::{Check, Object, Refusal, flag, get};
use super::reply::{CREATED, Event, Reply, first_half, id, tokens};

// Its other endpoint speaks the same errors.
pub(super) use openai::{HEADERS as OPENAI_HEADERS, body_of as openai_error};

/// `POST https://api.openai.com/v1/chat/completions`.
pub(super) fn openai(incoming: &Incoming<'_>) -> Reply {
    run(incoming, &openai::OpenAi)
}

/// `POST https://generativelanguage.googleapis.com/v1beta/openai/chat/completions`.
pub(super) fn gemini(incoming: &Incoming<'_>) -> Reply {
    run(incoming, &gemini::Gemini)
}

/// `POST https://api.groq.com/openai/v1/chat/completions`.
pub(super) fn groq(incoming: &Incoming<'_>) -> Reply {
    run(incoming, &groq::Groq)
}

/// `POST https://api.perplexity.ai/chat/completions`.
pub(super) fn perplexity(incoming: &Incoming<'_>) -> Reply {
    run(incoming, &perplexity::Perplexity)
}

/// What sets a dialect apart.
trait Dialect {
    /// Provider and format, as answers name them.
    fn name(&self) -> &'static str;
    /// The top-level members that it knows.
    fn members(&self) -> &'static [&'static str];
    /// Its words for one that it does not.
    fn unknown(&self, name: &str) -> Refusal;
    /// What it refuses beyond what all refuse.
    fn check(&self, body: &Object) -> Check;
    /// Whether the model's thinking is asked for.
    fn thinks(&self, body: &Object) -> bool;
    /// A whole answer.
    fn plain(&self, turn: &Turn<'_>) -> Value;
    /// A streamed answer.
    fn stream(&self, turn: &Turn<'_>) -> Vec<Event>;
    /// An error response.
    fn error(&self, refusal: &Refusal) -> Reply;
    /// A failure inside a stream.
    fn error_event(&self) -> Event;
    /// What to say when it has too much to do.
    fn overloaded(&self) -> Refusal {
        Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "server_error",
            "The demo is overloaded.",
        )
    }
    /// What to say when a client calls too often.
    fn rate_limited(&self) -> Refusal {
        Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            "requests",
            "Rate limit reached for the demo.",
        )
        .code("rate_limit_exceeded")
    }
    /// The headers that every answer has.
    fn headers(&self) -> &'static [(&'static str, &'static str)];
}

/// A valid request and its answer.
struct Turn<'a> {
    body: &'a Object,
    bytes: &'a [u8],
    question: &'a Question,
    answer: &'a Answer,
}

fn run(incoming: &Incoming<'_>, dialect: &dyn Dialect) -> Reply {
    respond(incoming, dialect)
        .unwrap_or_else(|refusal| {
            let reply = dialect.error(&refusal);
            match refusal.status {
                StatusCode::TOO_MANY_REQUESTS => reply.with("retry-after", "1"),
                _ => reply,
            }
        })
        .with("x-request-id", id("req_", incoming.bytes, 0))
        .with_all(dialect.headers())
}

fn respond(incoming: &Incoming<'_>, dialect: &dyn Dialect) -> Check<Reply> {
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
    if let Some(name) = body
        .keys()
        .find(|name| !dialect.members().contains(&name.as_str()))
    {
        return Err(dialect.unknown(name));
    }
    // First in the dialect's own words, then in those of the format.
    dialect.check(&body)?;
    question::check(&body)?;
    let question = question::question(&body, dialect);
    let trouble = trouble(&question.last_user);
    match trouble {
        Some(Trouble::Overloaded) => return Err(dialect.overloaded()),
        Some(Trouble::RateLimit) => return Err(dialect.rate_limited()),
        Some(Trouble::ErrorEvent | Trouble::FirstEventError | Trouble::Cut) | None => {}
    }
    let answer = answer(&question);
    let turn = Turn {
        body: &body,
        bytes: incoming.bytes,
        question: &question,
        answer: &answer,
    };
    if !flag(&body, "stream") {
        return Ok(Reply::json(StatusCode::OK, &dialect.plain(&turn)));
    }
    let events = dialect.stream(&turn);
    Ok(Reply::stream(match trouble {
        Some(Trouble::FirstEventError) => vec![dialect.error_event()],
        Some(Trouble::ErrorEvent) => {
            let mut events = first_half(events);
            events.push(dialect.error_event());
            events
        }
        Some(Trouble::Cut) => first_half(events),
        Some(Trouble::Overloaded | Trouble::RateLimit) | None => events,
    }))
}

impl Turn<'_> {
    /// The members that an answer and each of its chunks have in common.
    fn envelope(&self, object: &str) -> Value {
        json!({
            "id": id("chatcmpl-", self.bytes, 0), "object": object, "created": CREATED,
            "model": self.question.model,
        })
    }

    /// A chunk with this delta and end.
    fn chunk(&self, delta: &Value, finish: Option<&str>) -> Value {
        let mut chunk = self.envelope("chat.completion.chunk");
        chunk["choices"] = json!([{
            "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish,
        }]);
        chunk
    }

    /// Why the answer ends, in the words of Chat.
    fn finish(&self) -> &'static str {
        match self.answer.end {
            End::Done | End::Stop(_) | End::Refusal => "stop",
            End::Calls => "tool_calls",
            End::Length => "length",
        }
    }

    /// The calls of the answer, with their arguments as text.
    fn calls(&self) -> Vec<Value> {
        let calls = self.answer.calls.iter().enumerate();
        calls
            .map(|(index, call)| {
                let id = id("call_", self.bytes, index);
                match &call.input {
                    Input::Json(input) => json!({
                        "id": id, "type": "function",
                        "function": {"name": call.name, "arguments": input.to_string()},
                    }),
                    Input::Text(text) => json!({
                        "id": id, "type": "custom", "custom": {"name": call.name, "input": text},
                    }),
                }
            })
            .collect()
    }

    /// Tokens of what was thought.
    fn thought(&self) -> u64 {
        self.answer.thinking.as_deref().map_or(0, tokens)
    }

    /// Tokens of what was said.
    fn said(&self) -> u64 {
        let calls: u64 = self
            .calls()
            .iter()
            .map(|call| tokens(&call.to_string()))
            .sum();
        (tokens(&self.answer.text) + calls).max(1)
    }

    /// Tokens of the prompt.
    fn asked(&self) -> u64 {
        (self.bytes.len() as u64).div_ceil(4)
    }

    /// Tokens of the prompt that the cache held.
    fn cached(&self) -> u64 {
        if is_repeated(&self.question.last_user) {
            self.asked() * 3 / 4
        } else {
            0
        }
    }

    /// Whether the client asked for the counts of a stream.
    fn wants_usage(&self) -> bool {
        get(self.body, "stream_options")
            .and_then(|options| options.get("include_usage")?.as_bool())
            .unwrap_or(false)
    }
}
