//! Streams: Messages events → Responses events.
//!
//! A block's item ends when the next block starts or the message is over: only then is it known whether it was the one that
//! the output limit cut off.

mod block;
mod custom;
mod server;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use bytes::BytesMut;

use self::block::{Cited, OpenBlock, OpenBlocks};
use self::server::{Pending, ResultBlock};
use super::error;
use super::state::State;
use crate::codec::write::{self, Object};
use crate::convert::anthropic_envelope;
use crate::convert::chat_to_messages::response::annotations::scalars;
use crate::convert::context::AnswerContext;
use crate::convert::machine::{Flow, Machine, StreamError};
use crate::convert::responses_out::{Call, End, Index, ItemStatus, ResponseWriter, Unfinished};
use crate::endpoint::Format;
use crate::format::messages::{
    Answer, Block, Citation, Counts, Delta, Event, ServiceTier, StopDetails, StopReason,
};
use crate::format::raw::RawStr;
use crate::usage::Usage;
use serde_json::value::RawValue;

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
            "error" => return Err(error::convert_event(event.error)),
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

    /// Opens a block; all of it, where a whole answer is converted.
    pub(super) fn block_start(
        &mut self,
        index: u64,
        json: &str,
        out: &mut BytesMut,
    ) -> Result<(), StreamError> {
        let block: Block<'_> = serde_json::from_str(json)
            .map_err(|_| malformed("malformed upstream content block"))?;
        if !self.open.has_room() {
            return Err(malformed("too many open content blocks"));
        }
        // A block that was never stopped ends where its index is used again.
        self.block_stop(index, out);
        self.settle(out);
        let kind = block.kind.get().map(RawStr::decode).unwrap_or_default();
        let open = match &*kind {
            "text" => {
                self.open_message(out);
                OpenBlock::Text {
                    start: self.text_length,
                    cited: Vec::new(),
                }
            }
            "thinking" => {
                self.leave_text(out);
                OpenBlock::Thinking {
                    item: self.writer.reasoning(out),
                    text: String::new(),
                    signature: String::new(),
                }
            }
            "redacted_thinking" => {
                self.leave_text(out);
                let data = block.data.get().map_or("", RawStr::content);
                OpenBlock::Redacted {
                    item: self.writer.reasoning(out),
                    data: data.to_owned(),
                }
            }
            "tool_use" => {
                self.leave_text(out);
                self.open_call(&block, out)
            }
            kind if anthropic_envelope::is_server_block(kind) => {
                self.open_server_block(kind, &block, json, out)
            }
            // Types not known here: nothing that the client could do with them.
            _ => OpenBlock::Hidden,
        };
        self.held = self.held.saturating_add(open.held());
        self.open.insert(index, open);
        // Whatever the block begins with.
        if let Some(text) = block.text.non_empty() {
            self.text(index, text, out);
        }
        if let Some(text) = block.thinking.non_empty() {
            self.thinking(index, text, out);
        }
        if let Some(signature) = block.signature.non_empty() {
            self.signature(index, signature);
        }
        for citation in Citation::list(block.citations) {
            self.citation(index, citation);
        }
        Ok(())
    }

    /// The message that takes a text; a new one where none is open.
    fn open_message(&mut self, out: &mut BytesMut) -> Index {
        if let Some(message) = self.message {
            return message;
        }
        self.flush_carrier(out);
        let message = self.writer.message(out);
        self.writer.text_part(message, out);
        self.message = Some(message);
        self.text_length = 0;
        message
    }

    /// What comes now is no text: the open message ends, and what server tools did goes to the client.
    fn leave_text(&mut self, out: &mut BytesMut) {
        self.close_message(ItemStatus::Completed, out);
        self.flush_carrier(out);
    }

    fn close_message(&mut self, status: ItemStatus, out: &mut BytesMut) {
        if let Some(message) = self.message.take() {
            self.writer.end(message, status, out);
        }
    }

    /// Ends the item of the block that stopped last.
    fn settle(&mut self, out: &mut BytesMut) {
        if let Some((item, status)) = self.stopped.take() {
            self.writer.end(item, status, out);
        }
    }

    fn open_call(&mut self, block: &Block<'_>, out: &mut BytesMut) -> OpenBlock {
        let name = block
            .name
            .get()
            .map_or(Cow::Borrowed(""), |name| name.decode());
        let tool = self.state.tools.get(&name);
        let call_id_json = match block.id.non_empty() {
            Some(id) => id.json().to_owned(),
            None => format!("\"call_{}\"", self.writer.next_index()),
        };
        let call = Call {
            call_id_json,
            name_json: quoted(tool.map_or(&*name, |tool| &tool.name)),
            namespace_json: tool.and_then(|tool| tool.namespace.as_deref()).map(quoted),
        };
        let input = block.input.map_or("{}", RawValue::get).to_owned();
        if tool.is_some_and(|tool| tool.custom) {
            OpenBlock::Custom {
                item: self.writer.custom(call, out),
                input,
                streamed: false,
            }
        } else {
            OpenBlock::Function {
                item: self.writer.function(call, out),
                input,
                streamed: false,
            }
        }
    }

    /// A block of a tool that Anthropic runs itself: the client may not run it.
    fn open_server_block(
        &mut self,
        kind: &str,
        block: &Block<'_>,
        json: &str,
        out: &mut BytesMut,
    ) -> OpenBlock {
        self.close_message(ItemStatus::Completed, out);
        let name = block.name.get().map(RawStr::decode).unwrap_or_default();
        let id = block.id.get().map(RawStr::decode).unwrap_or_default();
        let mut search = None;
        if kind == "server_tool_use" && matches!(&*name, "web_search" | "web_fetch") {
            search = Some((self.writer.web_search(out), name == "web_fetch"));
        }
        if matches!(kind, "web_search_tool_result" | "web_fetch_tool_result") {
            self.search_result(json, out);
        }
        OpenBlock::Server {
            json: json.to_owned(),
            input: String::new(),
            search,
            id: id.into_owned(),
        }
    }

    fn search_result(&mut self, json: &str, out: &mut BytesMut) {
        let result = ResultBlock::read(json);
        let Some(id) = result.tool_use_id.get().map(RawStr::decode) else {
            return;
        };
        let Some(at) = self.pending.iter().position(|pending| pending.id == id) else {
            return;
        };
        let pending = self.pending.remove(at);
        for (waiting, _) in &mut self.carried {
            if waiting.as_deref() == Some(&*id) {
                *waiting = None;
            }
        }
        let action = result.action(&pending, self.state.include_sources);
        self.writer.set_action(pending.item, action);
        self.writer.searched(pending.item, out);
        let status = if result.is_error() {
            ItemStatus::Failed
        } else {
            ItemStatus::Completed
        };
        self.writer.end(pending.item, status, out);
    }

    fn carry(&mut self, waiting: Option<String>, json: String) {
        if self.state.carry_server_blocks {
            self.held = self.held.saturating_add(json.len());
            self.carried.push((waiting, json));
        }
    }

    /// Sends what server tools did as a reasoning item without text, which clients send back as it is.
    fn flush_carrier(&mut self, out: &mut BytesMut) {
        if self.carried.is_empty() {
            return;
        }
        let carried = std::mem::take(&mut self.carried);
        let size: usize = carried.iter().map(|(_, json)| json.len()).sum();
        self.held = self.held.saturating_sub(size);
        let item = self.writer.reasoning(out);
        let envelope = anthropic_envelope::write(carried.iter().map(|(_, json)| json.as_str()));
        self.writer.set_encrypted_content(item, envelope);
        self.writer.end(item, ItemStatus::Completed, out);
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
                    self.ensure_open(index, r#"{"type":"text"}"#, out)?;
                    self.text(index, text, out);
                }
            }
            "thinking_delta" => {
                if let Some(text) = delta.thinking.non_empty() {
                    self.ensure_open(index, r#"{"type":"thinking"}"#, out)?;
                    self.thinking(index, text, out);
                }
            }
            "input_json_delta" => {
                if let Some(fragment) = delta.partial_json.non_empty() {
                    self.input(index, fragment, out)?;
                }
            }
            "signature_delta" => {
                if let Some(signature) = delta.signature.get() {
                    self.signature(index, signature);
                }
            }
            "citations_delta" => {
                if let Some(citation) = delta.citation {
                    self.citation(index, Citation::read(citation));
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
        block: &str,
        out: &mut BytesMut,
    ) -> Result<(), StreamError> {
        if self.open.get(index).is_some() {
            return Ok(());
        }
        self.block_start(index, block, out)
    }

    fn text(&mut self, index: u64, text: RawStr<'_>, out: &mut BytesMut) {
        if !matches!(self.open.get(index), Some(OpenBlock::Text { .. })) {
            return;
        }
        if self.message.is_none() {
            // Another block came between, and took the message with it.
            self.settle(out);
            self.open_message(out);
            if let Some(OpenBlock::Text { start, .. }) = self.open.get(index) {
                *start = 0;
            }
        }
        let message = self.open_message(out);
        self.text_length = self.text_length.saturating_add(scalars(text));
        self.writer.text(message, text.content(), out);
    }

    fn thinking(&mut self, index: u64, fragment: RawStr<'_>, out: &mut BytesMut) {
        if let Some(OpenBlock::Thinking { item, text, .. }) = self.open.get(index) {
            text.push_str(fragment.content());
            self.held = self.held.saturating_add(fragment.content().len());
            self.writer.summary(*item, fragment.content(), out);
        }
    }

    fn signature(&mut self, index: u64, new: RawStr<'_>) {
        if let Some(OpenBlock::Thinking { signature, .. }) = self.open.get(index) {
            // As in Anthropic's SDKs: the last one holds.
            self.held = self.held.saturating_sub(signature.len());
            self.held = self.held.saturating_add(new.content().len());
            signature.clear();
            signature.push_str(new.content());
        }
    }

    fn citation(&mut self, index: u64, citation: Citation<'_>) {
        let Some(OpenBlock::Text { cited, .. }) = self.open.get(index) else {
            return;
        };
        let or_empty = |text: Option<RawStr<'_>>| text.map_or("\"\"", RawStr::json).to_owned();
        let new = if let Some((url, title)) = citation.page() {
            Cited::Page {
                url: url.json().to_owned(),
                title: or_empty(title),
            }
        } else if let Some((id, name)) = citation.file() {
            Cited::File {
                id: id.json().to_owned(),
                name: or_empty(name),
            }
        } else {
            return;
        };
        self.held = self.held.saturating_add(new.size());
        cited.push(new);
    }

    fn input(
        &mut self,
        index: u64,
        fragment: RawStr<'_>,
        out: &mut BytesMut,
    ) -> Result<(), StreamError> {
        match self.open.get(index) {
            Some(OpenBlock::Function { item, streamed, .. }) => {
                *streamed = true;
                let item = *item;
                self.writer.arguments(item, fragment.content(), out);
            }
            Some(OpenBlock::Custom {
                input, streamed, ..
            }) => {
                if !*streamed {
                    // What is streamed replaces what the block started with.
                    *streamed = true;
                    self.held = self.held.saturating_sub(input.len());
                    input.clear();
                }
                let text = fragment.decode();
                input.push_str(&text);
                self.held = self.held.saturating_add(text.len());
            }
            Some(OpenBlock::Server { input, .. }) => {
                let text = fragment.decode();
                input.push_str(&text);
                self.held = self.held.saturating_add(text.len());
            }
            Some(_) => {}
            // Skipping it would leave the client with a call whose arguments are not the model's.
            None => return Err(malformed("upstream tool input without its block")),
        }
        Ok(())
    }

    pub(super) fn block_stop(&mut self, index: u64, out: &mut BytesMut) {
        let Some(block) = self.open.remove(index) else {
            return;
        };
        self.held = self.held.saturating_sub(block.held());
        match block {
            OpenBlock::Text { start, cited } => self.annotate(start, &cited, out),
            OpenBlock::Thinking {
                item,
                text,
                signature,
            } => {
                if !signature.is_empty() {
                    let json = format!(
                        r#"{{"type":"thinking","thinking":"{text}","signature":"{signature}"}}"#
                    );
                    self.seal(item, &json);
                }
                self.stop(item, ItemStatus::Completed, out);
            }
            OpenBlock::Redacted { item, data } => {
                if !data.is_empty() {
                    let json = format!(r#"{{"type":"redacted_thinking","data":"{data}"}}"#);
                    self.seal(item, &json);
                }
                self.stop(item, ItemStatus::Completed, out);
            }
            OpenBlock::Function {
                item,
                input,
                streamed,
            } => {
                if !streamed {
                    self.writer.arguments(item, &escaped(&input), out);
                }
                self.stop(item, ItemStatus::Completed, out);
            }
            OpenBlock::Custom { item, input, .. } => {
                let unwrapped = custom::unwrap(&input);
                self.writer.input(item, &unwrapped.input, out);
                let status = if unwrapped.whole {
                    ItemStatus::Completed
                } else {
                    ItemStatus::Incomplete
                };
                self.stop(item, status, out);
            }
            OpenBlock::Server {
                json,
                input,
                search,
                id,
            } => {
                let json = server::with_input(&json, &input);
                let waiting = search.map(|(item, opens_page)| {
                    let what = server::what(&json, opens_page);
                    self.writer.searching(item, out);
                    self.pending.push(Pending {
                        id: id.clone(),
                        item,
                        opens_page,
                        what,
                    });
                    id
                });
                self.carry(waiting, json);
            }
            OpenBlock::Hidden => {}
        }
    }

    /// Notes that an item is complete; it ends when it is known not to be the last one.
    fn stop(&mut self, item: Index, status: ItemStatus, out: &mut BytesMut) {
        self.settle(out);
        self.stopped = Some((item, status));
    }

    fn seal(&mut self, item: Index, block: &str) {
        let envelope = anthropic_envelope::write([block]);
        self.writer.set_encrypted_content(item, envelope);
    }

    /// Sends the citations of a text that begins at `start` and ends here.
    fn annotate(&mut self, start: u64, cited: &[Cited], out: &mut BytesMut) {
        let Some(message) = self.message else { return };
        for cited in cited {
            let mut json = BytesMut::new();
            let mut object = Object::begin(&mut json);
            match cited {
                Cited::Page { url, title } => object
                    .string("type", "url_citation")
                    .raw("url", url)
                    .raw("title", title)
                    .uint("start_index", start)
                    .uint("end_index", self.text_length),
                Cited::File { id, name } => object
                    .string("type", "file_citation")
                    .raw("file_id", id)
                    .raw("filename", name)
                    .uint("index", self.text_length),
            };
            object.end();
            let json = String::from_utf8_lossy(&json);
            self.writer.annotation(message, &json, out);
        }
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
            let message = match self.message {
                Some(message) => message,
                None => {
                    self.flush_carrier(out);
                    let message = self.writer.message(out);
                    self.message = Some(message);
                    message
                }
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
        let code = error::failure_code(&error.error);
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
