//! Watching a stream that passes: is it complete, did it fail, what did it cost.

use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::stream_error;
use super::usage::{self, Holder};
use crate::codec::{has_value, values};
use crate::convert::chat_in::Sources;
use crate::convert::machine::{Dialect, StreamError};
use crate::convert::upstream_error::UpstreamError;
use crate::endpoint::Format;
use crate::format::chat::answer::object;
use crate::format::messages::{Answer, Counts, Event, Text};
use crate::usage::{ServiceTier, Usage};

/// Watches the events of one stream.
#[derive(Debug)]
pub(crate) struct Tap {
    format: Format,
    complete: bool,
    /// The last event held nothing but the usage of a Chat stream.
    usage_alone: bool,
    usage: Usage,
    /// What a Messages stream said of its usage, which it does in two parts.
    counts: Counts,
    /// The last `sequence_number` of a Responses stream.
    sequence_number: Option<u64>,
    /// The searches that Groq says it ran.
    sources: Sources,
    /// The tier that a Chat stream names.
    service_tier: Option<ServiceTier>,
    /// The keys of those Chat chunks that are more than a piece of text.
    chat_keys: [Finder<'static>; 4],
    sequence_key: Finder<'static>,
}

/// A Chat chunk that is more than a piece of text.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Chunk<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    choices: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    x_groq: Option<&'a RawValue>,
    #[serde(borrow)]
    service_tier: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Choice<'a> {
    #[serde(borrow)]
    finish_reason: Text<'a>,
    /// [`Delta`].
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Delta<'a> {
    #[serde(borrow)]
    executed_tools: Option<&'a RawValue>,
}

/// A terminal event of a Responses stream, or the response in it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Terminal<'a> {
    #[serde(borrow)]
    response: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Kind<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
}

impl Tap {
    /// A tap for one stream.
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            complete: false,
            usage_alone: false,
            usage: Usage::default(),
            counts: Counts::default(),
            sequence_number: None,
            sources: Sources::default(),
            service_tier: None,
            chat_keys: [
                Finder::new("\"finish_reason\""),
                Finder::new("\"usage\""),
                Finder::new("\"error\""),
                Finder::new("\"executed_tools\""),
            ],
            sequence_key: Finder::new("\"sequence_number\""),
        }
    }

    /// Looks at one event. What cannot be read is none of the tap's business: the client sees the same bytes.
    ///
    /// # Errors
    /// The event is an error, given as the client's format would have it in place of a stream. It counts as the stream's
    /// end: the client sees the event.
    pub(crate) fn event(&mut self, name: &str, data: &[u8]) -> Result<(), StreamError> {
        self.usage_alone = false;
        match self.format {
            Format::Chat => self.chat(name, data),
            Format::Responses => self.responses(name, data),
            Format::Messages => self.messages(name, data),
        }
    }

    /// Whether the stream said that it is complete: after that, its end is no failure.
    pub(crate) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether the event that was seen last is the chunk of a Chat stream that comes only because its usage was asked for.
    pub(crate) fn saw_usage_alone(&self) -> bool {
        self.usage_alone
    }

    /// The number that the next event of a Responses stream would have.
    pub(crate) fn next_sequence_number(&self) -> u64 {
        self.sequence_number
            .map_or(0, |number| number.saturating_add(1))
    }

    /// The tokens seen so far.
    pub(crate) fn usage(&self) -> Usage {
        match self.format {
            Format::Messages => self.counts.usage(),
            Format::Responses => self.usage,
            Format::Chat => Usage {
                service_tier: self.service_tier.or(self.usage.service_tier),
                web_searches: self.usage.web_searches.or(self.sources.searched()),
                ..self.usage
            },
        }
    }

    fn fail(&mut self, error: Option<UpstreamError<'_>>) -> Result<(), StreamError> {
        self.complete = true;
        Err(stream_error(self.format, &error.unwrap_or_default()))
    }

    fn chat(&mut self, name: &str, data: &[u8]) -> Result<(), StreamError> {
        let data = data.trim_ascii();
        if data.starts_with(b"[DONE]") {
            self.complete = true;
            return Ok(());
        }
        if name == "error" {
            let error = UpstreamError::read(data);
            // Some servers leave the wrapping object out.
            let bare = || {
                serde_json::from_slice::<&RawValue>(data)
                    .ok()
                    .and_then(UpstreamError::read_object)
            };
            return self.fail(error.or_else(bare));
        }
        if data.first() == Some(&b'[') {
            return match UpstreamError::read(data) {
                Some(error) => self.fail(Some(error)),
                None => Ok(()),
            };
        }
        if !self.chat_keys.iter().any(|key| has_value(key, data)) {
            return Ok(());
        }
        let Ok(chunk) = serde_json::from_slice::<Chunk<'_>>(data) else {
            return Ok(());
        };
        if let Some(error) = chunk.error.filter(|error| is_truthy(error)) {
            return self.fail(UpstreamError::read_object(error));
        }
        self.service_tier = usage::tier(chunk.service_tier).or(self.service_tier);
        let holder = Holder {
            usage: chunk.usage,
            x_groq: chunk.x_groq,
            ..Holder::default()
        };
        if let Some(usage) = usage::chat(&holder) {
            self.usage = usage;
        }
        let choices: Vec<Choice<'_>> = chunk
            .choices
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default();
        let no_choice = chunk.choices.is_some_and(|raw| raw.get().starts_with('['));
        self.usage_alone = no_choice
            && choices.is_empty()
            && chunk.usage.is_some_and(|raw| raw.get().starts_with('{'));
        for choice in &choices {
            let delta: Delta<'_> = object(choice.delta).unwrap_or_default();
            self.sources.update_executed(delta.executed_tools);
        }
        self.complete |= choices
            .iter()
            .any(|choice| choice.finish_reason.non_empty().is_some());
        Ok(())
    }

    fn responses(&mut self, name: &str, data: &[u8]) -> Result<(), StreamError> {
        if let Some(number) = number_after(&self.sequence_key, data) {
            self.sequence_number = Some(number);
        }
        let kind = kind(name, data);
        let failed = match &*kind {
            "response.completed" | "response.incomplete" | "response.cancelled" => false,
            "response.failed" | "error" => true,
            _ => return Ok(()),
        };
        self.complete = true;
        let event: Terminal<'_> = serde_json::from_slice(data).unwrap_or_default();
        let response: Terminal<'_> = event
            .response
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default();
        if let Some(answer) = event.response {
            self.usage = usage::responses(answer.get().as_bytes());
        }
        if !failed {
            return Ok(());
        }
        let error = if let Some(error) = response.error.or(event.error) {
            UpstreamError::read_object(error)
        } else {
            // `error` events have the members themselves; their `type` is the event's.
            let error = serde_json::from_slice::<&RawValue>(data)
                .ok()
                .and_then(UpstreamError::read_object);
            error.map(|error| UpstreamError {
                kind: None,
                ..error
            })
        };
        self.fail(error)
    }

    fn messages(&mut self, name: &str, data: &[u8]) -> Result<(), StreamError> {
        // Nearly all events: their names say that there is nothing to see.
        if matches!(
            name,
            "content_block_delta" | "content_block_start" | "content_block_stop" | "ping"
        ) {
            return Ok(());
        }
        let Some(event) = Event::read(data) else {
            self.complete |= name == "message_stop";
            return if name == "error" {
                self.fail(None)
            } else {
                Ok(())
            };
        };
        match &*event.kind(name) {
            "message_start" => {
                let head: Answer<'_> = event
                    .message
                    .and_then(|raw| serde_json::from_str(raw.get()).ok())
                    .unwrap_or_default();
                self.counts.update(head.usage);
            }
            "message_delta" => {
                self.counts.update(event.usage);
                let delta = event.delta.unwrap_or_default();
                self.complete |= delta.stop_reason.get().is_some();
            }
            "message_stop" => self.complete = true,
            "error" => return self.fail(event.error.and_then(UpstreamError::read_object)),
            _ => {}
        }
        Ok(())
    }
}

/// Whether an event only keeps the connection alive, so that a peek at the first event looks behind it.
pub(crate) fn is_keep_alive(dialect: Dialect, name: &str, data: &[u8]) -> bool {
    if data.trim_ascii().is_empty() || name == "ping" {
        return true;
    }
    match dialect {
        Dialect::Chat | Dialect::Converse | Dialect::Gemini => false,
        Dialect::Responses => matches!(&*kind(name, data), "keepalive" | "ping"),
        // The names of Anthropic's events are their types: only where the name is missing the data must be read.
        Dialect::Messages => name.is_empty() && &*kind(name, data) == "ping",
    }
}

/// An event's type: its name, or what its data say where it has none.
fn kind<'a>(name: &'a str, data: &'a [u8]) -> std::borrow::Cow<'a, str> {
    if !name.is_empty() {
        return name.into();
    }
    let Kind { kind } = serde_json::from_slice(data).unwrap_or_default();
    kind.get().map(|kind| kind.decode()).unwrap_or_default()
}

/// The first number that stands after `key`.
fn number_after(key: &Finder<'_>, json: &[u8]) -> Option<u64> {
    values(key, json).find_map(|value| {
        let length = value
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        std::str::from_utf8(value.get(..length)?).ok()?.parse().ok()
    })
}

/// Whether a client would take the value of an `error` member for an error.
fn is_truthy(value: &RawValue) -> bool {
    !matches!(value.get(), "null" | "false" | "0" | "\"\"")
}

#[cfg(test)]
mod tests;
