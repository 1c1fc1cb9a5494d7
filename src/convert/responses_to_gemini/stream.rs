//! Streams: Gemini's chunks → Responses events.

use bytes::BytesMut;

use super::response::ORIGIN;
use super::sink::Items;
use super::state::State;
use crate::convert::context::AnswerContext;
use crate::convert::gemini_in::Reader;
use crate::convert::machine::{Flow, Machine, StreamError};
use crate::convert::responses_out::{Unfinished, failure_code};
use crate::endpoint::Format;
use crate::usage::Usage;

/// Converts the chunks of a stream.
#[derive(Debug)]
pub(crate) struct GeminiToResponses {
    reader: Reader,
    items: Items,
    held_limit: usize,
}

impl GeminiToResponses {
    /// A converter for one answer that holds at most `held_limit` bytes: the last event repeats the whole answer.
    pub(crate) fn new(state: State, cx: AnswerContext, held_limit: usize) -> Self {
        Self {
            reader: Reader::new(ORIGIN, held_limit),
            items: Items::new(state, cx),
            held_limit,
        }
    }
}

impl Machine for GeminiToResponses {
    fn event(&mut self, name: &str, data: &[u8], out: &mut BytesMut) -> Result<Flow, StreamError> {
        if self.items.response.is_ended() {
            return Ok(Flow::Done);
        }
        let held = self.items.response.held();
        if held.saturating_add(data.len()) > self.held_limit {
            return Err(StreamError::malformed(
                Format::Responses,
                "the provider's answer is larger than the gateway takes",
            ));
        }
        self.reader
            .event(name, data, &mut self.items.sending(out))?;
        Ok(Flow::Continue)
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<(), StreamError> {
        if self.items.response.is_ended() {
            return Ok(());
        }
        self.reader.finish()?;
        let end = match self.reader.blocked() {
            Some(reason) => self.items.block(reason, out),
            None => self.items.conclude(self.reader.progress(), out),
        };
        self.items.response.finish(end, &self.usage(), out);
        Ok(())
    }

    fn fail(&mut self, error: &StreamError, out: &mut BytesMut) {
        let code = failure_code(&error.error);
        let usage = self.usage();
        self.items
            .response
            .fail(code, &error.error.message, Unfinished::Listed, &usage, out);
    }

    fn usage(&self) -> Usage {
        self.reader.tokens().usage
    }
}
