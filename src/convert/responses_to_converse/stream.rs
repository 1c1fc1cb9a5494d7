//! Streams: Converse events → Responses events.

use bytes::BytesMut;

use super::sink::Items;
use super::state::State;
use crate::convert::context::AnswerContext;
use crate::convert::converse_in::Reader;
use crate::convert::machine::{Flow, Machine, StreamError};
use crate::convert::responses_out::{Unfinished, failure_code};
use crate::endpoint::Format;
use crate::usage::Usage;

/// Converts the events of a ConverseStream to those of a Responses stream.
#[derive(Debug)]
pub(crate) struct ConverseToResponses {
    reader: Reader,
    items: Items,
    held_limit: usize,
}

impl ConverseToResponses {
    /// A converter for one answer that holds at most `held_limit` bytes: the last event repeats the whole answer.
    pub(crate) fn new(state: State, cx: AnswerContext, held_limit: usize) -> Self {
        Self {
            reader: Reader::new(cx, Format::Responses, held_limit),
            items: Items::new(state, cx),
            held_limit,
        }
    }

    fn complete(&mut self, out: &mut BytesMut) {
        let (end, usage) = self.items.conclude(&self.reader.ending());
        self.items.response.finish(end, &usage, out);
    }
}

impl Machine for ConverseToResponses {
    fn event(&mut self, name: &str, data: &[u8], out: &mut BytesMut) -> Result<Flow, StreamError> {
        if self.items.response.is_ended() {
            return Ok(Flow::Done);
        }
        if self.items.held().saturating_add(data.len()) > self.held_limit {
            return Err(StreamError::malformed(
                Format::Responses,
                "the provider's answer is larger than the gateway takes",
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
        if !self.items.response.is_ended() {
            self.reader.finish()?;
            self.complete(out);
        }
        Ok(())
    }

    fn fail(&mut self, error: &StreamError, out: &mut BytesMut) {
        let code = failure_code(&error.error);
        let usage = self.reader.usage();
        self.items.set_head(self.reader.head());
        self.items
            .response
            .fail(code, &error.error.message, Unfinished::Listed, &usage, out);
    }

    fn usage(&self) -> Usage {
        self.reader.usage()
    }
}
