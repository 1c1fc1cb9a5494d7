//! Streams: Responses events → Messages events.
//!
//! OpenAI's items may interleave, Anthropic's blocks follow each other: what belongs to another block than the open one
//! waits until that one is closed.

mod order;
mod progress;
mod replay;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use bytes::BytesMut;
use serde_json::value::RawValue;

use self::order::{Key, Op, Order};
use self::progress::{PartProgress, Progress, Shown, Source};
pub(crate) use self::replay::replay;
use super::error;
use super::response::citations::{self, Excerpts};
use super::response::reasoning::{Reasoning, SEPARATOR};
use super::response::tools::{Call, McpCall, Search};
use super::response::{self, Facts, Status};
use super::state::State;
use crate::convert::context::AnswerContext;
use crate::convert::machine::{Flow, Machine, StreamError};
use crate::convert::messages_out::blocks;
use crate::endpoint::Format;
use crate::format::raw::RawStr;
use crate::format::responses::{Annotation, Answer, Event, Item, Part};
use crate::usage::Usage;

/// How much of a stream may be held back (blocks that wait for their turn, texts that are cited from).
const HELD_LIMIT: usize = 16 << 20;
/// How much of a text can be cited from: every citation costs a look through it.
const CITED_LIMIT: usize = 1 << 20;
/// More items than this are no answer of OpenAI's.
const MAX_ITEMS: usize = 16 * 1024;

/// Converts the events of a Responses stream to those of a Messages stream.
#[derive(Debug)]
pub(crate) struct ResponsesToMessages {
    state: State,
    cx: AnswerContext,
    order: Order,
    /// The items that are under way, by `output_index`.
    items: BTreeMap<u64, Progress>,
    /// The items that are complete.
    done: BTreeSet<u64>,
    facts: Facts,
    usage: Usage,
    /// Bytes of the texts that are kept for citations.
    texts: usize,
    held_limit: usize,
}

impl ResponsesToMessages {
    /// A converter for one answer.
    pub(crate) fn new(state: State, cx: AnswerContext) -> Self {
        Self {
            order: Order::new(state.stops.clone()),
            state,
            cx,
            items: BTreeMap::new(),
            done: BTreeSet::new(),
            facts: Facts::default(),
            usage: Usage::default(),
            texts: 0,
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
        if data.trim_ascii() == b"[DONE]" {
            return Ok(Flow::Continue);
        }
        let Some(event) = Event::read(data) else {
            return Err(malformed("malformed upstream event"));
        };
        let kind = event.kind(name);
        match &*kind {
            "error" => return Err(error::event(event.error, data)),
            "response.failed" => {
                let answer = answer(&event);
                // What was used before it failed is billed all the same.
                self.usage = response::usage(&answer, &self.facts);
                return Err(error::failed(answer.error));
            }
            "response.created" | "response.queued" | "response.in_progress" => {
                self.start(&answer(&event), out);
                return Ok(Flow::Continue);
            }
            "response.completed" => {
                self.terminal(&answer(&event), Status::Completed, out)?;
                return Ok(Flow::Done);
            }
            "response.incomplete" => {
                self.terminal(&answer(&event), Status::Incomplete, out)?;
                return Ok(Flow::Done);
            }
            _ => {}
        }
        let output = event.output_index.get().unwrap_or(0);
        if self.state.prewarm || self.done.contains(&output) {
            return Ok(Flow::Continue);
        }
        self.content(&kind, &event, output, out)?;
        if self.items.len() + self.done.len() > MAX_ITEMS {
            return Err(malformed("too many upstream items"));
        }
        if self.order.hit().is_some() {
            self.stopped(out);
            return Ok(Flow::Done);
        }
        Ok(Flow::Continue)
    }

    /// An event that is about an item.
    fn content(
        &mut self,
        kind: &str,
        event: &Event<'_>,
        output: u64,
        out: &mut BytesMut,
    ) -> Result<(), StreamError> {
        let key = Key {
            output,
            part: event.content_index.get().unwrap_or(0),
        };
        let summary = event.summary_index.get().unwrap_or(0);
        match kind {
            "response.output_text.delta" => self.text(key, event.delta.get(), out),
            "response.refusal.delta" => {
                if let Some(delta) = event.delta.get() {
                    self.facts.refuse(delta.content());
                }
                self.text(key, event.delta.get(), out)
            }
            "response.function_call_arguments.delta" => {
                self.arguments(output, event.delta.get(), out)
            }
            "response.reasoning_summary_text.delta" => {
                self.reason(output, Source::Summary, summary, event.delta.get(), out)
            }
            "response.reasoning_text.delta" => {
                self.reason(output, Source::Content, key.part, event.delta.get(), out)
            }
            "response.output_item.added" => match event.item {
                Some(item) => self.item_added(output, &Item::read(item), out),
                None => Ok(()),
            },
            "response.content_part.added" => match event.part {
                Some(part) if is_text(&Part::read(part)) => {
                    self.start(&Answer::default(), out);
                    self.part(key);
                    self.push(key, Op::Claim, out)
                }
                _ => Ok(()),
            },
            "response.output_text.done" => self.whole_text(key, event.text.get(), false, out),
            "response.refusal.done" => self.whole_text(key, event.refusal.get(), true, out),
            "response.output_text.annotation.added" => match event.annotation {
                Some(annotation) => self.annotation(key, &Annotation::read(annotation), out),
                None => Ok(()),
            },
            "response.content_part.done" => {
                if let Some(part) = event.part.map(Part::read).filter(is_text) {
                    self.finish_part(key, &part, out)?;
                }
                Ok(())
            }
            "response.reasoning_summary_part.added" => self.next_summary(output, summary, out),
            "response.reasoning_summary_text.done" => {
                self.whole_reason(output, Source::Summary, summary, event.text.get(), out)
            }
            "response.reasoning_text.done" => {
                self.whole_reason(output, Source::Content, key.part, event.text.get(), out)
            }
            "response.function_call_arguments.done" => {
                let streamed = self.items.get(&output).is_none_or(|item| item.streamed);
                if streamed {
                    return Ok(());
                }
                self.arguments(output, event.arguments.get(), out)
            }
            "response.output_item.done" => match event.item {
                Some(item) => self.item_done(output, &Item::read(item), out),
                None => Ok(()),
            },
            progress
                if progress.starts_with("response.web_search_call.")
                    || progress.starts_with("response.mcp_") =>
            {
                self.order.ping(out);
                Ok(())
            }
            // Newer events, and those that say nothing to the client.
            _ => Ok(()),
        }
    }

    /// Writes `message_start` before all else.
    fn start(&mut self, answer: &Answer<'_>, out: &mut BytesMut) {
        if !self.order.has_started() {
            self.order.start(&response::head(answer, self.cx), out);
        }
    }

    fn part(&mut self, key: Key) -> &mut PartProgress {
        let item = self.items.entry(key.output).or_default();
        item.parts.entry(key.part).or_default()
    }

    fn push(&mut self, key: Key, op: Op, out: &mut BytesMut) -> Result<(), StreamError> {
        self.order.push(key, op, out);
        self.check()
    }

    /// Whether too much is held back.
    fn check(&self) -> Result<(), StreamError> {
        if self.order.held().saturating_add(self.texts) > self.held_limit {
            return Err(malformed(
                "the provider's answer holds back more than the gateway takes",
            ));
        }
        Ok(())
    }

    fn item_added(
        &mut self,
        output: u64,
        item: &Item<'_>,
        out: &mut BytesMut,
    ) -> Result<(), StreamError> {
        self.start(&Answer::default(), out);
        let progress = self.items.entry(output).or_default();
        match item.kind.get().map(RawStr::decode).as_deref() {
            Some("function_call") if !progress.opened => {
                progress.opened = true;
                self.facts.called = true;
                let call = Call::of(item, &self.state);
                self.push(Key::item(output), Op::Tool(call), out)
            }
            // Nothing is written before it says something, but nothing overtakes it either.
            Some("reasoning" | "message") => self.push(Key::item(output), Op::Claim, out),
            _ => Ok(()),
        }
    }

    /// More text of a message.
    fn text(
        &mut self,
        key: Key,
        delta: Option<RawStr<'_>>,
        out: &mut BytesMut,
    ) -> Result<(), StreamError> {
        let Some(delta) = delta.filter(|delta| !delta.is_empty()) else {
            return Ok(());
        };
        self.start(&Answer::default(), out);
        let keeps = self.state.web_search;
        let part = self.part(key);
        if part.closed {
            return Ok(());
        }
        part.streamed = true;
        if keeps && part.text.len() < CITED_LIMIT {
            let text = delta.decode();
            part.text.push_str(&text);
            self.texts = self.texts.saturating_add(text.len());
        }
        self.order.text(key, delta.content(), out);
        self.check()
    }

    /// All the text of a part, if none of it came before.
    fn whole_text(
        &mut self,
        key: Key,
        text: Option<RawStr<'_>>,
        refuses: bool,
        out: &mut BytesMut,
    ) -> Result<(), StreamError> {
        let part = self.part(key);
        if part.streamed || part.closed {
            return Ok(());
        }
        if let Some(text) = text.filter(|_| refuses) {
            self.facts.refuse(text.content());
        }
        self.text(key, text, out)
    }

    fn annotation(
        &mut self,
        key: Key,
        annotation: &Annotation<'_>,
        out: &mut BytesMut,
    ) -> Result<(), StreamError> {
        let Some((url, title)) = citations::page(annotation) else {
            return Ok(());
        };
        let part = self.part(key);
        if part.closed || !part.streamed {
            return Ok(());
        }
        let cited = Excerpts::new(part.text.clone()).cited(annotation);
        let mut citation = BytesMut::new();
        blocks::page_citation(&mut citation, url.json(), title, &cited);
        self.push(key, Op::Citation(citation), out)
    }

    /// The end of a message's part: what did not come in deltas comes now.
    fn finish_part(
        &mut self,
        key: Key,
        part: &Part<'_>,
        out: &mut BytesMut,
    ) -> Result<(), StreamError> {
        let before = self.part(key);
        if before.closed {
            return Ok(());
        }
        if !before.streamed {
            let refusal = part.refusal.non_empty();
            let text = refusal.or(part.text.non_empty());
            self.whole_text(key, text, refusal.is_some(), out)?;
            for annotation in Annotation::list(part.annotations) {
                self.annotation(key, &annotation, out)?;
            }
        }
        let part = self.part(key);
        part.closed = true;
        let kept = std::mem::take(&mut part.text).len();
        self.texts = self.texts.saturating_sub(kept);
        self.push(key, Op::Release, out)
    }

    /// More reasoning; the summary is shown, or else the reasoning itself.
    fn reason(
        &mut self,
        output: u64,
        source: Source,
        part: u64,
        delta: Option<RawStr<'_>>,
        out: &mut BytesMut,
    ) -> Result<(), StreamError> {
        let Some(delta) = delta.filter(|delta| !delta.is_empty()) else {
            return Ok(());
        };
        self.start(&Answer::default(), out);
        let item = self.items.entry(output).or_default();
        let shown = item.reasoning.get_or_insert(Shown { source, part });
        if shown.source != source {
            return Ok(());
        }
        item.streamed = true;
        let next = part > shown.part;
        shown.part = shown.part.max(part);
        if next {
            self.order.thinking(Key::item(output), SEPARATOR, out);
        }
        self.order.thinking(Key::item(output), delta.content(), out);
        self.check()
    }

    /// All of a reasoning part, if none of it came before.
    fn whole_reason(
        &mut self,
        output: u64,
        source: Source,
        part: u64,
        text: Option<RawStr<'_>>,
        out: &mut BytesMut,
    ) -> Result<(), StreamError> {
        let shown = self.items.get(&output).and_then(|item| item.reasoning);
        let came = shown.is_some_and(|shown| shown.source != source || shown.part >= part);
        if came {
            return Ok(());
        }
        self.reason(output, source, part, text, out)
    }

    /// A further part of a summary begins.
    fn next_summary(
        &mut self,
        output: u64,
        part: u64,
        out: &mut BytesMut,
    ) -> Result<(), StreamError> {
        let item = self.items.entry(output).or_default();
        if let Some(shown) = &mut item.reasoning
            && shown.source == Source::Summary
            && part > shown.part
        {
            shown.part = part;
            self.order.thinking(Key::item(output), SEPARATOR, out);
        }
        self.check()
    }

    /// More of a call's arguments. Those of a call that was not begun come with its end.
    fn arguments(
        &mut self,
        output: u64,
        delta: Option<RawStr<'_>>,
        out: &mut BytesMut,
    ) -> Result<(), StreamError> {
        let Some(delta) = delta.filter(|delta| !delta.is_empty()) else {
            return Ok(());
        };
        match self.items.get_mut(&output).filter(|item| item.opened) {
            Some(item) => item.streamed = true,
            None => return Ok(()),
        }
        self.order.input(Key::item(output), delta.content(), out);
        self.check()
    }

    fn item_done(
        &mut self,
        output: u64,
        item: &Item<'_>,
        out: &mut BytesMut,
    ) -> Result<(), StreamError> {
        if self.done.contains(&output) {
            return Ok(());
        }
        self.start(&Answer::default(), out);
        let key = Key::item(output);
        match item.kind.get().map(RawStr::decode).as_deref() {
            Some("message") => {
                for (part, content) in (0..).zip(Part::list(item.content)) {
                    if is_text(&content) {
                        self.finish_part(Key { output, part }, &content, out)?;
                    }
                }
            }
            Some("reasoning") => self.reasoning_done(output, item, out)?,
            Some("function_call") => {
                self.item_added(output, item, out)?;
                let streamed = self.items.get(&output).is_some_and(|item| item.streamed);
                if !streamed {
                    self.arguments(output, item.arguments.get(), out)?;
                }
            }
            Some("web_search_call") => {
                self.facts.searches += 1;
                let search = Search::of(item);
                let mut result = BytesMut::new();
                search.write_result(&mut result);
                let input = search.input();
                self.push(key, Op::ServerTool { id: search.id }, out)?;
                self.push(key, Op::WholeInput(input), out)?;
                self.push(key, Op::Whole(result), out)?;
            }
            Some("mcp_call") => {
                let call = McpCall::of(item);
                let mut result = BytesMut::new();
                call.write_result(&mut result);
                let input = call.input();
                let open = Op::McpTool {
                    id: call.id,
                    name: call.name.into_owned(),
                    server: call.server.into_owned(),
                };
                self.push(key, open, out)?;
                self.push(key, Op::WholeInput(input), out)?;
                self.push(key, Op::Whole(result), out)?;
            }
            _ => {}
        }
        self.close_item(output, out)
    }

    /// Closes whatever of the item is open.
    fn close_item(&mut self, output: u64, out: &mut BytesMut) -> Result<(), StreamError> {
        let progress = self.items.remove(&output).unwrap_or_default();
        for (part, progress) in progress.parts {
            self.texts = self.texts.saturating_sub(progress.text.len());
            if !progress.closed {
                self.push(Key { output, part }, Op::Release, out)?;
            }
        }
        self.push(Key::item(output), Op::Release, out)?;
        self.done.insert(output);
        Ok(())
    }

    fn reasoning_done(
        &mut self,
        output: u64,
        item: &Item<'_>,
        out: &mut BytesMut,
    ) -> Result<(), StreamError> {
        let key = Key::item(output);
        let reasoning = Reasoning::of(item);
        let mut is_shown = self.items.get(&output).is_some_and(|item| item.streamed);
        if !is_shown {
            let text = reasoning.text();
            is_shown = !text.is_empty();
            self.order.thinking(key, &text, out);
        }
        match reasoning.envelope(is_shown) {
            Some(signature) if is_shown => self.push(key, Op::Signature(signature), out),
            Some(data) => self.push(key, Op::Redacted(data), out),
            None => Ok(()),
        }
    }

    /// The end of the answer, with all of it once more: what did not come before comes now.
    fn terminal(
        &mut self,
        answer: &Answer<'_>,
        status: Status,
        out: &mut BytesMut,
    ) -> Result<(), StreamError> {
        self.start(answer, out);
        if !self.state.prewarm {
            for (output, item) in (0..).zip(answer.items().unwrap_or_default()) {
                self.item_done(output, &item, out)?;
                if self.order.hit().is_some() {
                    break;
                }
            }
            let open: Vec<u64> = self.items.keys().copied().collect();
            for output in open {
                self.close_item(output, out)?;
            }
            self.order.release_all(out);
        }
        self.usage = response::usage(answer, &self.facts);
        if self.order.hit().is_some() {
            self.stopped(out);
            return Ok(());
        }
        let status = match response::status(answer) {
            Status::Incomplete => Status::Incomplete,
            _ => status,
        };
        let stop = self.facts.stop(status, answer, &self.state);
        self.order.finish(&stop, &self.usage, out);
        Ok(())
    }

    /// A stop sequence was met: the client's message ends here, whatever the provider still has to say.
    fn stopped(&mut self, out: &mut BytesMut) {
        self.order.finish_stopped(&self.usage, out);
    }
}

impl Machine for ResponsesToMessages {
    fn event(&mut self, name: &str, data: &[u8], out: &mut BytesMut) -> Result<Flow, StreamError> {
        if self.order.has_ended() {
            return Ok(Flow::Done);
        }
        let written = out.len();
        let flow = self.dispatch(name, data, out);
        if flow.is_err() {
            out.truncate(written);
        }
        flow
    }

    fn finish(&mut self, _: &mut BytesMut) -> Result<(), StreamError> {
        if self.order.has_ended() {
            return Ok(());
        }
        Err(StreamError::ended(Format::Messages))
    }

    fn fail(&mut self, error: &StreamError, out: &mut BytesMut) {
        self.order.fail(&error.error, out);
    }

    fn usage(&self) -> Usage {
        self.usage
    }
}

/// The response inside an event.
fn answer<'a>(event: &Event<'a>) -> Answer<'a> {
    event
        .response
        .map(RawValue::get)
        .and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_default()
}

/// Whether a part is one that the client gets to read as text.
fn is_text(part: &Part<'_>) -> bool {
    part.kind
        .get()
        .is_some_and(|kind| kind.is("output_text") || kind.is("refusal"))
}

fn malformed(what: &'static str) -> StreamError {
    StreamError::malformed(Format::Messages, what)
}
