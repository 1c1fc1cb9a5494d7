//! Streams: Messages events → Chat chunks.
//!
//! OpenAI's `stream()` helpers merge every key of every delta: strings are joined, numbers added, and lists need an integer
//! `index` in each entry from the second list on. So list entries that are not Chat's own carry an `index` that is sent once,
//! `annotations` (which have none) come in a single chunk, and no delta has a number of its own.

mod block;
mod replay;
#[cfg(test)]
mod tests;

use bytes::BytesMut;
use serde_json::value::RawValue;

use self::block::{OpenBlock, OpenBlocks};
pub(crate) use self::replay::replay;
use super::response::finish_reason;
use super::response::tools;
use super::state::State;
use crate::convert::anthropic_error;
use crate::convert::chat_answer::annotations::Annotations;
use crate::convert::chat_answer::chunk::Chunks;
use crate::convert::chat_answer::cutter::Cutter;
use crate::convert::chat_answer::reasoning::{Fields, SEPARATOR, Signed};
use crate::convert::context::AnswerContext;
use crate::convert::machine::{Flow, Machine, StreamError};
use crate::convert::scalars::scalars;
use crate::endpoint::Format;
use crate::format::messages::{
    Answer, Block, Citation, Counts, Delta, Event, StopDetails, StopReason,
};
use crate::format::raw::RawStr;
use crate::usage::Usage;

/// How much of a stream may be held back (thinking until it is signed, inputs of freeform tools, citations).
const HELD_LIMIT: usize = 16 << 20;

/// Converts the events of a Messages stream to chunks of a Chat stream.
#[derive(Debug)]
pub(crate) struct MessagesToChat {
    state: State,
    fields: Fields,
    chunks: Chunks,
    phase: Phase,
    open: OpenBlocks,
    counts: Counts,
    stop: Option<StopReason>,
    /// Why the model refused, as a JSON string.
    refusal: Option<String>,
    /// Client tool calls that began so far.
    calls: u64,
    /// Client tool calls sent so far; the next one's index. A freeform call is sent when it ends.
    sent_calls: u64,
    /// Signed blocks sent so far; the next one's index.
    signed: u64,
    /// Whether any text of a thinking block was sent.
    reasoned: bool,
    /// Unicode scalar values of `content` so far.
    text_length: u64,
    annotations: Annotations,
    /// Looks for the stop sequences that the provider does not know, where there are any.
    cutter: Option<Cutter>,
    /// Bytes held in open blocks.
    held: usize,
    held_limit: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing was sent: the head of the message is not known yet.
    Waiting,
    /// The chunk with the role was sent.
    Open,
    /// The stream is complete, or ended with an error.
    Ended,
}

impl MessagesToChat {
    /// A converter for one answer.
    pub(crate) fn new(state: State, cx: AnswerContext) -> Self {
        Self {
            fields: Fields::of(state.reasoning),
            chunks: Chunks::new(cx.now, state.include_usage),
            cutter: Cutter::new(&state.stops),
            state,
            phase: Phase::Waiting,
            open: OpenBlocks::default(),
            counts: Counts::default(),
            stop: None,
            refusal: None,
            calls: 0,
            sent_calls: 0,
            signed: 0,
            reasoned: false,
            text_length: 0,
            annotations: Annotations::default(),
            held: 0,
            held_limit: HELD_LIMIT,
        }
    }

    /// The same, holding back at most `limit` bytes.
    pub(crate) fn with_held_limit(mut self, limit: usize) -> Self {
        self.held_limit = limit;
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
        match &*event.kind(name) {
            "content_block_delta" => {
                if let Some(delta) = &event.delta {
                    self.block_delta(event.index.get().unwrap_or(0), delta, out)?;
                }
            }
            "content_block_start" => {
                let block = event
                    .content_block
                    .and_then(|raw| serde_json::from_str(raw.get()).ok())
                    .ok_or_else(|| malformed("malformed upstream content block"))?;
                self.block_start(event.index.get().unwrap_or(0), &block, out)?;
            }
            "content_block_stop" => self.block_stop(event.index.get().unwrap_or(0), out)?,
            "message_start" => {
                let head = event
                    .message
                    .and_then(|raw| serde_json::from_str(raw.get()).ok())
                    .unwrap_or_default();
                self.message_start(&head, out);
            }
            "message_delta" => self.message_delta(event.delta.unwrap_or_default(), event.usage),
            "message_stop" => {
                self.epilogue(out)?;
                return Ok(Flow::Done);
            }
            "ping" => out.extend_from_slice(b": ping\n\n"),
            "error" => return Err(anthropic_error::convert_event(event.error)),
            // Newer events.
            _ => {}
        }
        if self.is_cut() {
            // Whatever the provider still has to say, the client's message ends here.
            self.epilogue(out)?;
            return Ok(Flow::Done);
        }
        Ok(Flow::Continue)
    }

    /// Whether a stop sequence was met.
    fn is_cut(&self) -> bool {
        self.cutter.as_ref().is_some_and(Cutter::is_cut)
    }

    fn message_start(&mut self, head: &Answer<'_>, out: &mut BytesMut) {
        self.counts.update(head.usage);
        if self.phase == Phase::Waiting {
            self.chunks.set_head(head.id.get(), head.model.get());
            self.ensure_started(out);
        }
    }

    /// The chunk with the role comes before any other.
    fn ensure_started(&mut self, out: &mut BytesMut) {
        if self.phase == Phase::Waiting {
            self.phase = Phase::Open;
            self.chunks
                .delta(out, &[r#""role":"assistant","content":"""#]);
        }
    }

    fn block_start(
        &mut self,
        index: u64,
        block: &Block<'_>,
        out: &mut BytesMut,
    ) -> Result<(), StreamError> {
        self.ensure_started(out);
        // A block that was never stopped ends where its index is used again.
        self.block_stop(index, out)?;
        let kind = block.kind.get().map(RawStr::decode);
        if kind.as_deref() != Some("text") {
            self.end_of_text(out);
        }
        let open = match kind.as_deref() {
            Some("text") => OpenBlock::text(self.text_length),
            Some("thinking") => OpenBlock::thinking(),
            Some("redacted_thinking") if self.fields.any() => {
                let data = block.data.get().map_or("", RawStr::content);
                OpenBlock::Redacted { data: data.into() }
            }
            Some("tool_use") => self.tool_start(block, out),
            // Tools that the provider runs itself, and types not known here: the client would try to run them.
            _ => OpenBlock::Hidden,
        };
        self.hold(open.held())?;
        if !self.open.insert(index, open) {
            return Err(malformed("too many open content blocks"));
        }
        // Whatever the block begins with (all of it, where a whole answer is replayed).
        if let Some(text) = block.text.non_empty() {
            self.text(index, text, out);
        }
        if let Some(text) = block.thinking.non_empty() {
            self.thinking(index, text, out)?;
        }
        if let Some(signature) = block.signature.non_empty() {
            self.signature(index, signature)?;
        }
        for citation in Citation::list(block.citations) {
            self.citation(index, citation)?;
        }
        Ok(())
    }

    fn tool_start(&mut self, block: &Block<'_>, out: &mut BytesMut) -> OpenBlock {
        let ord = self.calls;
        self.calls += 1;
        let mut call = tools::call(block, ord, &self.state);
        // The deprecated fields know no freeform tools.
        call.custom &= !self.state.legacy_functions;
        if self.state.legacy_functions {
            if ord > 0 {
                // `function_call` holds one call, so the request allowed no second.
                return OpenBlock::Hidden;
            }
            self.chunks.legacy_call(out, &call);
        } else if !call.custom {
            self.chunks.call(out, self.sent_calls, &call);
        }
        let ord = self.sent_calls;
        self.sent_calls += u64::from(!call.custom);
        OpenBlock::tool(ord, call, block.input.map(RawValue::get))
    }

    fn block_delta(
        &mut self,
        index: u64,
        delta: &Delta<'_>,
        out: &mut BytesMut,
    ) -> Result<(), StreamError> {
        let Some(kind) = delta.kind.get() else {
            return Ok(());
        };
        match &*kind.decode() {
            "text_delta" => {
                if let Some(text) = delta.text.non_empty() {
                    self.ensure_started(out);
                    self.ensure_open(index, || OpenBlock::text(0))?;
                    self.text(index, text, out);
                }
            }
            "thinking_delta" => {
                if let Some(text) = delta.thinking.non_empty() {
                    self.ensure_started(out);
                    if self.open.get(index).is_none() {
                        self.end_of_text(out);
                    }
                    self.ensure_open(index, OpenBlock::thinking)?;
                    self.thinking(index, text, out)?;
                }
            }
            "input_json_delta" => {
                if let Some(fragment) = delta.partial_json.non_empty() {
                    self.input(index, fragment, out)?;
                }
            }
            "signature_delta" => {
                if let Some(signature) = delta.signature.get() {
                    self.signature(index, signature)?;
                }
            }
            "citations_delta" => {
                if let Some(citation) = delta.citation {
                    self.citation(index, Citation::read(citation))?;
                }
            }
            // Newer deltas.
            _ => {}
        }
        Ok(())
    }

    /// Some compatible servers leave out the start of a text or thinking block.
    fn ensure_open(
        &mut self,
        index: u64,
        block: impl FnOnce() -> OpenBlock,
    ) -> Result<(), StreamError> {
        if self.open.get(index).is_some() {
            return Ok(());
        }
        let mut block = block();
        if let OpenBlock::Text { start, .. } = &mut block {
            *start = self.text_length;
        }
        if self.open.insert(index, block) {
            Ok(())
        } else {
            Err(malformed("too many open content blocks"))
        }
    }

    fn text(&mut self, index: u64, text: RawStr<'_>, out: &mut BytesMut) {
        if let Some(OpenBlock::Text { .. }) = self.open.get(index) {
            self.text_length = self.text_length.saturating_add(scalars(text));
            match &mut self.cutter {
                None => self.chunks.string(out, "content", text.content()),
                Some(cutter) => self.chunks.text(out, &cutter.push(&text.decode())),
            }
        }
    }

    /// What follows is no text: no stop sequence goes on behind it.
    fn end_of_text(&mut self, out: &mut BytesMut) {
        if let Some(cutter) = &mut self.cutter {
            self.chunks.text(out, &cutter.flush());
        }
    }

    fn thinking(
        &mut self,
        index: u64,
        fragment: RawStr<'_>,
        out: &mut BytesMut,
    ) -> Result<(), StreamError> {
        if !self.fields.any() {
            return Ok(());
        }
        let Some(OpenBlock::Thinking { text, .. }) = self.open.get(index) else {
            return Ok(());
        };
        if text.is_empty() {
            if self.reasoned {
                self.chunks.reasoning(out, self.fields, SEPARATOR);
            }
            self.reasoned = true;
        }
        text.push_str(fragment.content());
        self.chunks.reasoning(out, self.fields, fragment.content());
        self.hold(fragment.content().len())
    }

    fn signature(&mut self, index: u64, new: RawStr<'_>) -> Result<(), StreamError> {
        if !self.fields.any() {
            return Ok(());
        }
        let Some(OpenBlock::Thinking { signature, .. }) = self.open.get(index) else {
            return Ok(());
        };
        // As in Anthropic's SDKs: the last one holds.
        let before = signature.len();
        signature.clear();
        signature.push_str(new.content());
        self.held = self.held.saturating_sub(before);
        self.hold(new.content().len())
    }

    fn citation(&mut self, index: u64, citation: Citation<'_>) -> Result<(), StreamError> {
        let Some((url, title)) = citation.page() else {
            return Ok(());
        };
        let Some(OpenBlock::Text { pages, .. }) = self.open.get(index) else {
            return Ok(());
        };
        let url = url.json().to_owned();
        let title = title.map_or("\"\"", RawStr::json).to_owned();
        let held = url.len() + title.len();
        pages.push((url, title));
        self.hold(held)
    }

    fn input(
        &mut self,
        index: u64,
        fragment: RawStr<'_>,
        out: &mut BytesMut,
    ) -> Result<(), StreamError> {
        match self.open.get(index) {
            Some(OpenBlock::Tool {
                ord,
                call,
                input,
                streamed,
            }) => {
                if !call.custom {
                    *streamed = true;
                    let (ord, legacy) = (*ord, self.state.legacy_functions);
                    self.chunks.arguments(out, ord, legacy, fragment.content());
                    return Ok(());
                }
                if !*streamed {
                    // What is streamed replaces what the block started with.
                    *streamed = true;
                    self.held = self.held.saturating_sub(input.len());
                    input.clear();
                }
                let text = fragment.decode();
                input.push_str(&text);
                self.hold(text.len())
            }
            Some(_) => Ok(()),
            // Skipping it would leave the client with a call whose arguments are not the model's.
            None => Err(malformed("upstream tool input without its block")),
        }
    }

    fn block_stop(&mut self, index: u64, out: &mut BytesMut) -> Result<(), StreamError> {
        let Some(block) = self.open.remove(index) else {
            return Ok(());
        };
        self.held = self.held.saturating_sub(block.held());
        match block {
            OpenBlock::Text { start, pages } => {
                let end = self.text_length;
                if !pages.is_empty()
                    && let Some(cutter) = &mut self.cutter
                {
                    cutter.cite(end, self.annotations.size());
                }
                for (url, title) in &pages {
                    self.annotations.push_page(url, title, start, end);
                }
                self.hold(0)?;
            }
            OpenBlock::Thinking { text, signature } => {
                if !signature.is_empty() {
                    self.signed_block(
                        Signed::Thinking {
                            text: &text,
                            signature: &signature,
                        },
                        out,
                    );
                }
            }
            OpenBlock::Redacted { data } => {
                if !data.is_empty() {
                    self.signed_block(Signed::Redacted { data: &data }, out);
                }
            }
            OpenBlock::Tool { call, input, .. } if call.custom => {
                self.chunks.custom_call(out, self.sent_calls, &call, &input);
                self.sent_calls += 1;
            }
            OpenBlock::Tool {
                ord,
                input,
                streamed,
                ..
            } => {
                // Clients parse what they got: never an empty text.
                if !streamed {
                    let legacy = self.state.legacy_functions;
                    self.chunks.whole_arguments(out, ord, legacy, &input);
                }
            }
            OpenBlock::Hidden => {}
        }
        Ok(())
    }

    fn signed_block(&mut self, block: Signed<'_>, out: &mut BytesMut) {
        self.chunks
            .signed_block(out, self.fields, self.signed, block);
        self.signed += 1;
    }

    fn message_delta(&mut self, delta: Delta<'_>, usage: Option<&RawValue>) {
        self.counts.update(usage);
        if let Some(reason) = delta.stop_reason.get() {
            self.message_stopped(StopReason::read(reason), delta.stop_details);
        }
    }

    fn message_stopped(&mut self, reason: StopReason, details: Option<&RawValue>) {
        self.stop = Some(reason);
        self.refusal = (reason == StopReason::Refusal)
            .then(|| StopDetails::read(details).explanation.non_empty())
            .flatten()
            .map(|explanation| explanation.json().to_owned());
    }

    /// Completes the client's stream.
    fn epilogue(&mut self, out: &mut BytesMut) -> Result<(), StreamError> {
        self.ensure_started(out);
        self.end_of_text(out);
        while let Some(index) = self.open.first() {
            self.block_stop(index, out)?;
        }
        if self.is_cut() {
            self.stop = Some(StopReason::Finished);
            self.refusal = None;
        }
        if let Some(size) = self.cutter.as_ref().and_then(Cutter::citations) {
            self.annotations.truncate(size);
        }
        if !self.annotations.is_empty() {
            self.chunks.annotations(out, &self.annotations);
        }
        if let Some(refusal) = &self.refusal {
            self.chunks.delta(out, &["\"refusal\":", refusal]);
        }
        let reason = finish_reason(self.stop, self.calls > 0, &self.state);
        self.chunks.finish(out, reason);
        if self.state.include_usage {
            self.chunks.usage(out, &self.counts.usage());
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
        self.phase = Phase::Ended;
        Ok(())
    }

    /// Counts `more` bytes that are held back.
    fn hold(&mut self, more: usize) -> Result<(), StreamError> {
        self.held = self.held.saturating_add(more);
        if self.held.saturating_add(self.annotations.size()) > self.held_limit {
            return Err(malformed(
                "the provider's answer holds back more than the gateway takes",
            ));
        }
        Ok(())
    }
}

impl Machine for MessagesToChat {
    fn event(&mut self, name: &str, data: &[u8], out: &mut BytesMut) -> Result<Flow, StreamError> {
        if self.phase == Phase::Ended {
            return Ok(Flow::Done);
        }
        let written = out.len();
        let flow = self.dispatch(name, data, out);
        if flow.is_err() {
            out.truncate(written);
        }
        flow
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<(), StreamError> {
        if self.phase == Phase::Ended {
            return Ok(());
        }
        if self.stop.is_none() {
            return Err(StreamError::ended(Format::Chat));
        }
        let written = out.len();
        let end = self.epilogue(out);
        if end.is_err() {
            out.truncate(written);
        }
        end
    }

    fn fail(&mut self, error: &StreamError, out: &mut BytesMut) {
        if self.phase != Phase::Ended {
            self.phase = Phase::Ended;
            error.error.write_event(Format::Chat, 0, out);
        }
    }

    fn usage(&self) -> Usage {
        self.counts.usage()
    }
}

fn malformed(what: &'static str) -> StreamError {
    StreamError::malformed(Format::Chat, what)
}
