//! One block after the other: what comes for a later block waits for its turn.

use std::collections::BTreeMap;

use bytes::BytesMut;

use super::super::response::tools::Call;
use crate::codec::write;
use crate::convert::messages_out::{Head, Kind, MessageStream, Stop, blocks};
use crate::convert::stop::Scanner;
use crate::format::error::ClientError;
use crate::format::raw::RawStr;
use crate::usage::Usage;

/// The place of a block: the item's index, and that of the part inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) output: u64,
    pub(super) part: u64,
}

impl Key {
    /// The place of an item that has no parts.
    pub(super) fn item(output: u64) -> Self {
        Self { output, part: 0 }
    }
}

/// A step of a block. Strings are raw JSON text without quotes unless they say otherwise.
#[derive(Debug)]
pub(super) enum Op {
    /// The place is taken; nothing is written yet.
    Claim,
    Text(String),
    Thinking(String),
    Input(String),
    /// Plain text.
    WholeInput(String),
    /// Plain text.
    Signature(String),
    /// Plain text.
    Redacted(String),
    Citation(BytesMut),
    Tool(Call),
    ServerTool {
        id: String,
    },
    McpTool {
        id: String,
        name: String,
        server: String,
    },
    /// A block that comes whole, as JSON text.
    Whole(BytesMut),
    /// The place is free for others.
    Release,
}

impl Op {
    /// The bytes that it holds.
    fn size(&self) -> usize {
        const SELF: usize = size_of::<Op>();
        SELF + match self {
            Self::Claim | Self::Release => 0,
            Self::Text(text)
            | Self::Thinking(text)
            | Self::Input(text)
            | Self::WholeInput(text)
            | Self::Signature(text)
            | Self::Redacted(text)
            | Self::ServerTool { id: text } => text.len(),
            Self::Citation(json) | Self::Whole(json) => json.len(),
            Self::Tool(call) => call.id.len() + call.name.len(),
            Self::McpTool { id, name, server } => id.len() + name.len() + server.len(),
        }
    }
}

/// Writes the client's stream, block by block.
#[derive(Debug, Default)]
pub(super) struct Order {
    stream: MessageStream,
    /// Whose turn it is.
    current: Option<Key>,
    waiting: BTreeMap<Key, Vec<Op>>,
    /// Bytes that wait.
    held: usize,
    stops: Vec<String>,
    scanner: Scanner,
    /// The stop sequence that was met.
    hit: Option<usize>,
}

impl Order {
    pub(super) fn new(stops: Vec<String>) -> Self {
        Self {
            stops,
            ..Self::default()
        }
    }

    pub(super) fn has_started(&self) -> bool {
        self.stream.has_started()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.stream.has_ended()
    }

    /// The stop sequence that was met; nothing more is written then.
    pub(super) fn hit(&self) -> Option<usize> {
        self.hit
    }

    /// Bytes that are held back.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn start(&mut self, head: &Head, out: &mut BytesMut) {
        self.stream.start(out, head, None);
        self.stream.ping(out);
    }

    pub(super) fn ping(&self, out: &mut BytesMut) {
        self.stream.ping(out);
    }

    /// More text.
    pub(super) fn text(&mut self, key: Key, content: &str, out: &mut BytesMut) {
        if self.has_turn(key) {
            self.write_text(content, out);
        } else if let Some(Op::Text(text)) = self.last(key, content.len()) {
            text.push_str(content);
        } else {
            self.wait(key, Op::Text(content.to_owned()));
        }
    }

    /// More thinking.
    pub(super) fn thinking(&mut self, key: Key, content: &str, out: &mut BytesMut) {
        if content.is_empty() {
            return;
        }
        if self.has_turn(key) {
            self.write_thinking(content, out);
        } else if let Some(Op::Thinking(text)) = self.last(key, content.len()) {
            text.push_str(content);
        } else {
            self.wait(key, Op::Thinking(content.to_owned()));
        }
    }

    /// More of a tool's input.
    pub(super) fn input(&mut self, key: Key, content: &str, out: &mut BytesMut) {
        if self.has_turn(key) {
            self.stream.input(out, content);
        } else if let Some(Op::Input(text)) = self.last(key, content.len()) {
            text.push_str(content);
        } else {
            self.wait(key, Op::Input(content.to_owned()));
        }
    }

    /// Any other step.
    pub(super) fn push(&mut self, key: Key, op: Op, out: &mut BytesMut) {
        if matches!(op, Op::Release) {
            if self.current == Some(key) {
                self.close(out);
                self.current = None;
                self.next(out);
            } else if self.waiting.contains_key(&key) {
                self.wait(key, op);
            }
        } else if self.has_turn(key) {
            self.apply(op, out);
        } else {
            self.wait(key, op);
        }
    }

    /// Whether it is the turn of `key`, which takes it where nobody has it.
    fn has_turn(&mut self, key: Key) -> bool {
        *self.current.get_or_insert(key) == key
    }

    /// The last step that waits for `key`, where `more` bytes that can be joined to it are counted.
    fn last(&mut self, key: Key, more: usize) -> Option<&mut Op> {
        let last = self.waiting.get_mut(&key)?.last_mut()?;
        if matches!(last, Op::Text(_) | Op::Thinking(_) | Op::Input(_)) {
            self.held = self.held.saturating_add(more);
        }
        Some(last)
    }

    fn wait(&mut self, key: Key, op: Op) {
        self.held = self.held.saturating_add(op.size());
        self.waiting.entry(key).or_default().push(op);
    }

    /// Gives the turn to the first that waits, until one is not complete yet.
    fn next(&mut self, out: &mut BytesMut) {
        while self.current.is_none() && self.hit.is_none() {
            let Some((key, ops)) = self.waiting.pop_first() else {
                return;
            };
            self.current = Some(key);
            for op in ops {
                self.held = self.held.saturating_sub(op.size());
                if matches!(op, Op::Release) {
                    self.close(out);
                    self.current = None;
                } else if self.hit.is_none() {
                    // It may have been released before: parts of an item share its key.
                    self.current = Some(key);
                    self.apply(op, out);
                }
            }
        }
    }

    fn apply(&mut self, op: Op, out: &mut BytesMut) {
        if self.hit.is_some() {
            return;
        }
        let stream = &mut self.stream;
        match op {
            Op::Claim | Op::Release => {}
            Op::Text(text) => self.write_text(&text, out),
            Op::Thinking(text) => self.write_thinking(&text, out),
            Op::Input(text) => stream.input(out, &text),
            Op::WholeInput(json) => stream.whole_input(out, &json),
            Op::Signature(signature) => stream.signature(out, &signature),
            Op::Redacted(data) => {
                stream.whole_block(out, |out| blocks::redacted_thinking(out, &data));
            }
            Op::Citation(json) => stream.citation(out, |out| out.extend_from_slice(&json)),
            Op::Tool(call) => stream.open_tool(out, &call.id, &call.name),
            Op::ServerTool { id } => stream.open_server_tool(out, &id, "web_search"),
            Op::McpTool { id, name, server } => stream.open_mcp_tool(out, &id, &name, &server),
            Op::Whole(json) => stream.whole_block(out, |out| out.extend_from_slice(&json)),
        }
    }

    fn write_thinking(&mut self, content: &str, out: &mut BytesMut) {
        if self.stream.open() != Some(Kind::Thinking) {
            self.stream.open_thinking(out);
        }
        self.stream.thinking(out, content);
    }

    fn write_text(&mut self, content: &str, out: &mut BytesMut) {
        if self.hit.is_some() {
            return;
        }
        if self.stops.is_empty() {
            self.write_released(content, out);
            return;
        }
        let quoted = format!("\"{content}\"");
        let Some(text) = RawStr::from_json(&quoted) else {
            return;
        };
        let scanned = self.scanner.push(&text.decode(), &self.stops);
        self.hit = scanned.hit;
        self.write_plain(&scanned.released, out);
    }

    fn write_plain(&mut self, text: &str, out: &mut BytesMut) {
        let mut content = BytesMut::with_capacity(text.len() + 16);
        write::string_content(&mut content, text);
        // Escaping keeps UTF-8 as it is.
        self.write_released(std::str::from_utf8(&content).unwrap_or_default(), out);
    }

    fn write_released(&mut self, content: &str, out: &mut BytesMut) {
        if content.is_empty() {
            return;
        }
        if self.stream.open() != Some(Kind::Text) {
            self.stream.open_text(out);
        }
        self.stream.text(out, content);
    }

    /// Closes the open block, after what was held back of its text.
    fn close(&mut self, out: &mut BytesMut) {
        let rest = self.scanner.flush();
        if !rest.is_empty() && self.hit.is_none() {
            self.write_plain(&rest, out);
        }
        self.stream.close(out);
    }

    /// Writes everything that waits, as complete as it is.
    pub(super) fn release_all(&mut self, out: &mut BytesMut) {
        while self.current.is_some() || (!self.waiting.is_empty() && self.hit.is_none()) {
            self.close(out);
            self.current = None;
            if self.hit.is_some() {
                return;
            }
            self.next(out);
        }
    }

    /// Completes the stream.
    pub(super) fn finish(&mut self, stop: &Stop<'_>, usage: &Usage, out: &mut BytesMut) {
        self.stream.finish(out, stop, usage);
    }

    /// Completes the stream at the stop sequence that was met.
    pub(super) fn finish_stopped(&mut self, usage: &Usage, out: &mut BytesMut) {
        let sequence = self.hit.and_then(|index| self.stops.get(index));
        let stop = sequence.map_or(Stop::EndTurn, |sequence| Stop::Sequence(sequence));
        self.stream.finish(out, &stop, usage);
    }

    pub(super) fn fail(&mut self, error: &ClientError, out: &mut BytesMut) {
        self.stream.fail(out, error);
    }
}
