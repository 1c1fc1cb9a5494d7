//! Streams: Messages events → Responses events.
//!
//! A block's item ends when the next block starts or the message is over: only then is it known whether it was the one that
//! the output limit cut off.

mod block;
mod custom;
mod delta;
mod server;
mod start;
mod stop;
#[cfg(test)]
mod tests;

use bytes::BytesMut;
use serde_json::value::RawValue;

use self::block::OpenBlocks;
use self::server::Pending;
use super::state::State;
use crate::codec::write;
use crate::convert::anthropic_error;
use crate::convert::context::AnswerContext;
use crate::convert::machine::{Flow, Machine, StreamError};
use crate::convert::responses_out::{
    End, Index, ItemStatus, ResponseWriter, Unfinished, failure_code,
};
use crate::endpoint::Format;
use crate::format::messages::{Answer, Counts, Event, ServiceTier, StopDetails, StopReason};
use crate::format::raw::RawStr;
use crate::usage::Usage;

/// How much of a stream may be held: its last event repeats all of it.
const HELD_LIMIT: usize = 16 << 20;

/// Converts the events of a Messages stream to those of a Responses stream.
#[derive(Debug)]
pub(crate) struct MessagesToResponses {
    state: State,
    writer: ResponseWriter,
    open: OpenBlocks,
    counts: Counts,
    stop: Option<StopReason>,
    /// Why the model refused: raw JSON text without quotes.
    refusal: Option<String>,
    /// The message that takes the next text.
    message: Option<Index>,
    /// Unicode scalar values of that message's text so far.
    text_length: u64,
    /// The item of the block that stopped last, while it is not ended.
    stopped: Option<(Index, ItemStatus)>,
    /// Searches without a result.
    pending: Vec<Pending>,
    /// Blocks for the next carrier, each with the id of the result that it waits for.
    carried: Vec<(Option<String>, String)>,
    /// Bytes held in open blocks and for carriers.
    held: usize,
    held_limit: usize,
}

impl MessagesToResponses {
    /// A converter for one answer.
    pub(crate) fn new(state: State, cx: AnswerContext) -> Self {
        Self {
            writer: ResponseWriter::new(state.echo.clone(), cx.now).without_custom_status(),
            state,
            open: OpenBlocks::default(),
            counts: Counts::default(),
            stop: None,
            refusal: None,
            message: None,
            text_length: 0,
            stopped: None,
            pending: Vec::new(),
            carried: Vec::new(),
            held: 0,
            held_limit: HELD_LIMIT,
        }
    }

    /// The same, holding at most `limit` bytes.
    pub(crate) fn with_held_limit(mut self, limit: usize) -> Self {
        self.held_limit = limit;
        self
    }

    /// The same for a whole answer, see [`MessagesToResponses::write_whole`].
    pub(super) fn without_events(mut self) -> Self {
        self.writer = self.writer.without_events();
        self.held_limit = usize::MAX;
        self
    }

    fn dispatch(
        &mut self,
        name: &str,
        data: &[u8],
        out: &mut BytesMut,
    ) -> Result<Flow, StreamError> {
        let Some(event) = Event::read(data) else {
            return Err(malformed("malformed upstream event"));
        };
        let index = event.index.get().unwrap_or(0);
        match &*event.kind(name) {
            "content_block_delta" => {
                if let Some(delta) = &event.delta {
                    self.block_delta(index, delta, out)?;
                }
            }
            "content_block_start" => {
                let block = event.content_block.map(RawValue::get);
                let block = block.ok_or_else(|| malformed("malformed upstream content block"))?;
                self.block_start(index, block, out)?;
            }
            "content_block_stop" => self.block_stop(index, out),
            "message_start" => {
                let head = event
                    .message
                    .and_then(|raw| serde_json::from_str(raw.get()).ok())
                    .unwrap_or_default();
                self.message_start(&head, out);
            }
            "message_delta" => {
                self.counts.update(event.usage);
                let delta = event.delta.unwrap_or_default();
                self.message_stopped(delta.stop_reason.get(), delta.stop_details);
            }
            "message_stop" => {
                self.epilogue(out);
                return Ok(Flow::Done);
            }
            "ping" => out.extend_from_slice(b": ping\n\n"),
            "error" => return Err(anthropic_error::convert_event(event.error)),
            // Newer events.
            _ => {}
        }
        Ok(Flow::Continue)
    }

    pub(super) fn message_start(&mut self, head: &Answer<'_>, out: &mut BytesMut) {
        self.counts.update(head.usage);
        let id = head.id.get().map(RawStr::content);
        let suffix = id.map(|id| id.strip_prefix("msg_").unwrap_or(id));
        self.writer.set_head(suffix, head.model.get(), None);
        self.writer.start(out);
    }

    pub(super) fn message_stopped(
        &mut self,
        reason: Option<RawStr<'_>>,
        details: Option<&RawValue>,
    ) {
        let Some(reason) = reason.map(StopReason::read) else {
            return;
        };
        self.stop = Some(reason);
        self.refusal = (reason == StopReason::Refusal)
            .then(|| StopDetails::read(details).explanation.non_empty())
            .flatten()
            .map(|explanation| explanation.content().to_owned());
    }

    fn end(&self) -> End {
        match self.stop {
            // Nothing was to be generated.
            Some(StopReason::Length) if self.state.prewarm => End::Completed,
            Some(StopReason::Length | StopReason::Paused) => End::Incomplete("max_output_tokens"),
            Some(StopReason::Refusal) => End::Incomplete("content_filter"),
            Some(StopReason::Finished | StopReason::ToolUse) | None => End::Completed,
        }
    }

    /// Ends all items; the last one is incomplete where the response is.
    fn end_items(&mut self, out: &mut BytesMut) {
        while let Some(index) = self.open.first() {
            self.block_stop(index, out);
        }
        let last = match self.end() {
            End::Completed => ItemStatus::Completed,
            End::Incomplete(_) => ItemStatus::Incomplete,
        };
        if let Some(refusal) = self.refusal.take() {
            self.settle(out);
            let message = if let Some(message) = self.message {
                message
            } else {
                self.flush_carrier(out);
                let message = self.writer.message(out);
                self.message = Some(message);
                message
            };
            self.writer.refusal(message, &refusal, out);
        }
        if let Some((_, status)) = &mut self.stopped
            && *status == ItemStatus::Completed
        {
            *status = last;
        }
        self.settle(out);
        self.close_message(last, out);
        for pending in std::mem::take(&mut self.pending) {
            self.writer.end(pending.item, ItemStatus::Incomplete, out);
        }
        if self.stop != Some(StopReason::Paused) {
            // A question without an answer cannot be sent back, unless to be answered.
            self.carried.retain(|(waiting, _)| waiting.is_none());
        }
        self.flush_carrier(out);
        let tier = self.counts.service_tier().and_then(service_tier);
        self.writer.set_service_tier(tier);
    }

    /// Completes the client's stream.
    pub(super) fn epilogue(&mut self, out: &mut BytesMut) {
        self.writer.start(out);
        self.end_items(out);
        let usage = self.counts.usage();
        self.writer.finish(self.end(), &usage, out);
    }

    /// Writes the whole response instead of a stream.
    pub(super) fn write_whole(&mut self, out: &mut BytesMut) {
        self.end_items(out);
        let usage = self.counts.usage();
        self.writer.whole(self.end(), &usage, out);
    }

    /// The tokens seen so far.
    pub(super) fn counted(&self) -> Usage {
        self.counts.usage()
    }
}

impl Machine for MessagesToResponses {
    fn event(&mut self, name: &str, data: &[u8], out: &mut BytesMut) -> Result<Flow, StreamError> {
        if self.writer.is_ended() {
            return Ok(Flow::Done);
        }
        let held = self.held.saturating_add(self.writer.held());
        if held.saturating_add(data.len()) > self.held_limit {
            return Err(malformed(
                "the provider's answer is larger than the gateway takes",
            ));
        }
        self.dispatch(name, data, out)
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<(), StreamError> {
        if self.writer.is_ended() {
            return Ok(());
        }
        if self.stop.is_none() {
            return Err(StreamError::ended(Format::Responses));
        }
        self.epilogue(out);
        Ok(())
    }

    fn fail(&mut self, error: &StreamError, out: &mut BytesMut) {
        if self.writer.is_ended() {
            return;
        }
        self.settle(out);
        let code = failure_code(&error.error);
        let usage = self.counts.usage();
        self.writer
            .fail(code, &error.error.message, Unfinished::Listed, &usage, out);
    }

    fn usage(&self) -> Usage {
        self.counted()
    }
}

fn malformed(what: &'static str) -> StreamError {
    StreamError::malformed(Format::Responses, what)
}

fn service_tier(tier: ServiceTier) -> Option<&'static str> {
    match tier {
        ServiceTier::Standard => Some("default"),
        ServiceTier::Priority => Some("priority"),
        ServiceTier::Batch => None,
    }
}

/// `text` as a JSON string.
fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// `text` as the inside of a JSON string.
fn escaped(text: &str) -> String {
    let mut out = BytesMut::with_capacity(text.len() + 8);
    write::string_content(&mut out, text);
    // Escaping keeps UTF-8 what it is.
    String::from_utf8_lossy(&out).into_owned()
}
