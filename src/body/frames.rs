//! What carries the events of a stream: under the conversions, which see names and JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::codec::contains;
use crate::codec::event_stream::{self, FrameError, Message};
use crate::codec::sse;
use crate::convert::bedrock_error;
use crate::convert::invoke;
use crate::convert::machine::StreamError;
use crate::endpoint::Format;
use crate::format::messages::Text;
use crate::format::raw::RawStr;
use crate::provider::spec::Framing;
use crate::usage::Usage;

/// What the buffer of unwrapped events may keep of its capacity once its event is gone.
const KEPT_CAPACITY: usize = 8 * 1024;

/// A push parser of one stream.
pub(super) struct Frames {
    parser: Parser,
    /// The client's format, for errors.
    format: Format,
}

enum Parser {
    Sse(sse::Decoder),
    EventStream(event_stream::Decoder),
    InvokeChunks {
        decoder: event_stream::Decoder,
        /// The event that was last unwrapped.
        unwrapped: Vec<u8>,
        /// What AWS counted.
        counted: Usage,
    },
}

/// What comes next in a piece of a stream.
pub(super) enum Next<'a> {
    /// Nothing: the piece is used up.
    UsedUp,
    /// A message of a kind that no conversion knows: it is passed over.
    Unknown,
    /// An event.
    Event {
        /// Empty where the framing has none.
        name: &'a str,
        /// Mostly JSON.
        data: &'a [u8],
    },
}

/// The payload of an InvokeModel chunk. Its other member, `p`, is padding against the reading of lengths.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Chunk<'a> {
    #[serde(borrow)]
    bytes: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Kind<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
}

impl Frames {
    /// A parser of events of at most `limit` bytes.
    pub(super) fn new(framing: Framing, format: Format, limit: usize) -> Self {
        let parser = match framing {
            Framing::Sse => Parser::Sse(sse::Decoder::new(limit)),
            Framing::EventStream => Parser::EventStream(event_stream::Decoder::new(limit)),
            Framing::InvokeChunks => Parser::InvokeChunks {
                decoder: event_stream::Decoder::new(limit),
                unwrapped: Vec::new(),
                counted: Usage::default(),
            },
        };
        Self { parser, format }
    }

    /// Takes the next event from `input`, and advances it past what was read.
    ///
    /// # Errors
    /// The stream cannot be read on, or says that it failed: it is over.
    pub(super) fn next<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i [u8],
    ) -> Result<Next<'a>, StreamError> {
        let format = self.format;
        match &mut self.parser {
            Parser::Sse(decoder) => match decoder.next(input) {
                Ok(None) => Ok(Next::UsedUp),
                Ok(Some(event)) => Ok(Next::Event {
                    name: event.name,
                    data: event.data,
                }),
                Err(_) => Err(too_large(format)),
            },
            Parser::EventStream(decoder) => {
                let Some(frame) = decoder.next(input).map_err(|e| unreadable(e, format))? else {
                    return Ok(Next::UsedUp);
                };
                let (name, data) = event(frame.message(), format)?;
                Ok(Next::Event { name, data })
            }
            Parser::InvokeChunks {
                decoder,
                unwrapped,
                counted,
            } => {
                let Some(frame) = decoder.next(input).map_err(|e| unreadable(e, format))? else {
                    return Ok(Next::UsedUp);
                };
                let (name, payload) = event(frame.message(), format)?;
                if name != "chunk" {
                    return Ok(Next::Unknown);
                }
                unwrap(payload, unwrapped, counted).ok_or_else(|| {
                    StreamError::malformed(format, "the provider sent a chunk that cannot be read")
                })
            }
        }
    }

    /// Fills in what the conversion does not know of the tokens, but the framing does.
    pub(super) fn complete_usage(&self, usage: &mut Usage) {
        if let Parser::InvokeChunks { counted, .. } = &self.parser {
            invoke::usage::fill(usage, counted);
        }
    }

    /// Whether nothing of a further event has begun.
    pub(super) fn is_between(&self) -> bool {
        match &self.parser {
            Parser::Sse(decoder) => decoder.is_between_events(),
            Parser::EventStream(decoder) | Parser::InvokeChunks { decoder, .. } => {
                decoder.is_between_frames()
            }
        }
    }
}

/// The event that a message is, unless it says that the stream failed.
fn event(message: Message<'_>, format: Format) -> Result<(&str, &[u8]), StreamError> {
    match message {
        Message::Event { name, payload } if bedrock_error::is_exception(name) => {
            Err(bedrock_error::exception(name, payload, format))
        }
        Message::Event { name, payload } => Ok((name, payload)),
        Message::Exception { name, payload } => {
            Err(bedrock_error::exception(name, payload, format))
        }
        Message::Error { code, message } => Err(bedrock_error::unmodeled(code, message, format)),
    }
}

/// Decodes the event in a chunk. AWS's own counts, which the last one holds, are taken out of it.
fn unwrap<'a>(payload: &[u8], unwrapped: &'a mut Vec<u8>, counted: &mut Usage) -> Option<Next<'a>> {
    unwrapped.clear();
    if unwrapped.capacity() > KEPT_CAPACITY {
        *unwrapped = Vec::new();
    }
    let chunk: Chunk<'_> = serde_json::from_slice(payload).ok()?;
    let bytes = chunk.bytes.get()?.decode();
    STANDARD.decode_vec(bytes.as_bytes(), unwrapped).ok()?;
    // One search decides for nearly all events.
    if contains(unwrapped, b"message_stop") && kind(unwrapped)? == "message_stop" {
        *counted = invoke::usage::take(unwrapped);
    }
    Some(Next::Event {
        name: kind(unwrapped)?,
        data: unwrapped,
    })
}

/// The type of an event of Anthropic's, none of which needs an escape; empty where it has none.
fn kind(event: &[u8]) -> Option<&str> {
    let Kind { kind } = serde_json::from_slice(event).ok()?;
    Some(kind.get().map(RawStr::content).unwrap_or_default())
}

fn unreadable(error: FrameError, format: Format) -> StreamError {
    match error {
        FrameError::TooLarge { .. } => too_large(format),
        _ => StreamError::malformed(format, "the provider sent a corrupt event stream"),
    }
}

fn too_large(format: Format) -> StreamError {
    StreamError::malformed(format, "the provider sent an event over the limit")
}

#[cfg(test)]
#[path = "frames_tests.rs"]
mod tests;
