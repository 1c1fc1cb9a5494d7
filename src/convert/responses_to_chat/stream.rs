//! Streams: Chat chunks → Responses events.

use bytes::BytesMut;

use super::sink::Items;
use super::state::State;
use crate::convert::chat_in::Reader;
use crate::convert::context::AnswerContext;
use crate::convert::machine::{Flow, Machine, StreamError};
use crate::convert::responses_out::Unfinished;
use crate::endpoint::Format;
use crate::usage::Usage;

/// Converts the chunks of a Chat stream to events of a Responses stream.
#[derive(Debug)]
pub(crate) struct ChatToResponses {
    reader: Reader,
    items: Items,
    held_limit: usize,
}

impl ChatToResponses {
    /// A converter for one answer that holds back at most `held_limit` bytes.
    pub(crate) fn new(state: State, cx: AnswerContext, held_limit: usize) -> Self {
        Self {
            reader: Reader::new(state.origin, held_limit),
            items: Items::new(state, cx),
            held_limit,
        }
    }

    fn complete(&mut self, out: &mut BytesMut) {
        let (end, usage) = self.items.conclude(&self.reader.ending());
        self.items.response.finish(end, &usage, out);
    }
}

impl Machine for ChatToResponses {
    fn event(&mut self, name: &str, data: &[u8], out: &mut BytesMut) -> Result<Flow, StreamError> {
        if self.items.response.is_ended() {
            return Ok(Flow::Done);
        }
        if self.items.held().saturating_add(data.len()) > self.held_limit {
            return Err(StreamError::malformed(
                Format::Responses,
                "the provider's answer holds back more than the gateway takes",
            ));
        }
        let flow = self
            .reader
            .event(name, data, &mut self.items.sending(out))?;
        if flow == Flow::Done {
            self.complete(out);
        }
        Ok(flow)
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<(), StreamError> {
        if self.items.response.is_ended() {
            return Ok(());
        }
        self.reader.finish(&mut self.items.sending(out))?;
        self.complete(out);
        Ok(())
    }

    fn fail(&mut self, error: &StreamError, out: &mut BytesMut) {
        // The codes of OpenAI's `ResponseError`.
        let code = match error.error.status.as_u16() {
            429 => "rate_limit_exceeded",
            400..500 => "invalid_prompt",
            _ => "server_error",
        };
        let usage = self.reader.usage();
        let message = &error.error.message;
        self.items
            .response
            .fail(code, message, Unfinished::LeftOut, &usage, out);
    }

    fn usage(&self) -> Usage {
        self.reader.usage()
    }
}
