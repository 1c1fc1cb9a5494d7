//! The life cycle of a Messages stream.

use bytes::{BufMut, BytesMut};

use super::usage::{self, UNKNOWN};
use super::{Head, Stop};
use crate::codec::sse::EventWriter;
use crate::codec::write::{self, Object};
use crate::endpoint::Format;
use crate::format::error::ClientError;
use crate::usage::Usage;

/// Writes the events of one stream and keeps them legal: a start before all else, one open block at a time, indexes without
/// gaps, a start and a stop for every block, nothing after the end.
#[derive(Debug, Default)]
pub(crate) struct MessageStream {
    phase: Phase,
    /// The index of the open block, or of the next one.
    index: u64,
    open: Option<Kind>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    #[default]
    Waiting,
    Started,
    Ended,
}

/// The type of an open block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Thinking,
    Tool,
    /// One that came whole.
    Whole,
}

impl MessageStream {
    /// Whether `message_start` was written.
    pub(crate) fn has_started(&self) -> bool {
        self.phase != Phase::Waiting
    }

    /// Whether the stream is complete, or ended with an error.
    pub(crate) fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// The type of the open block.
    pub(crate) fn open(&self) -> Option<Kind> {
        self.open
    }

    /// Writes `message_start`, with the counts where they are known already.
    pub(crate) fn start(&mut self, out: &mut BytesMut, head: &Head, usage: Option<&Usage>) {
        self.start_with(out, head, |out| {
            usage::write(out, usage.unwrap_or(&UNKNOWN), None);
        });
    }

    /// Writes `message_start` for a provider that counts at the end: with no counts but the two that a message must have.
    pub(crate) fn start_uncounted(&mut self, out: &mut BytesMut, head: &Head) {
        self.start_with(out, head, |out| {
            out.extend_from_slice(br#"{"input_tokens":0,"output_tokens":0}"#);
        });
    }

    fn start_with(&mut self, out: &mut BytesMut, head: &Head, usage: impl FnOnce(&mut BytesMut)) {
        if self.phase != Phase::Waiting {
            return;
        }
        self.phase = Phase::Started;
        event(out, "message_start", |object| {
            let mut message = object.object("message");
            head.write(&mut message);
            message
                .raw("content", "[]")
                .raw("stop_reason", "null")
                .raw("stop_sequence", "null");
            usage(message.key("usage"));
            message.end();
        });
    }

    /// Writes a `ping`; nothing before the start and after the end.
    pub(crate) fn ping(&self, out: &mut BytesMut) {
        if self.phase == Phase::Started {
            event(out, "ping", |_| {});
        }
    }

    /// Opens a text block.
    pub(crate) fn open_text(&mut self, out: &mut BytesMut) {
        const BLOCK: &str = r#"{"type":"text","text":""}"#;
        self.begin(out, Kind::Text, |out| {
            out.extend_from_slice(BLOCK.as_bytes());
        });
    }

    /// Opens a thinking block.
    pub(crate) fn open_thinking(&mut self, out: &mut BytesMut) {
        const BLOCK: &str = r#"{"type":"thinking","thinking":"","signature":""}"#;
        self.begin(out, Kind::Thinking, |out| {
            out.extend_from_slice(BLOCK.as_bytes());
        });
    }

    /// Opens a block that calls a tool of the client's: the input comes in deltas.
    pub(crate) fn open_tool(&mut self, out: &mut BytesMut, id: &str, name: &str) {
        self.begin(out, Kind::Tool, |out| {
            super::blocks::tool_use(out, id, name, "{}");
        });
    }

    /// Opens a block that says which tool the provider runs itself: the input comes in deltas.
    pub(crate) fn open_server_tool(&mut self, out: &mut BytesMut, id: &str, name: &str) {
        self.begin(out, Kind::Tool, |out| {
            super::blocks::server_tool_use(out, id, name, "{}");
        });
    }

    /// Opens a block that says which tool of an MCP server the provider called: the input comes in deltas.
    pub(crate) fn open_mcp_tool(&mut self, out: &mut BytesMut, id: &str, name: &str, server: &str) {
        self.begin(out, Kind::Tool, |out| {
            super::blocks::mcp_tool_use(out, id, name, server, "{}");
        });
    }

    /// Writes a block that comes whole, and its stop.
    pub(crate) fn whole_block(&mut self, out: &mut BytesMut, block: impl FnOnce(&mut BytesMut)) {
        self.begin(out, Kind::Whole, block);
        self.close(out);
    }

    fn begin(&mut self, out: &mut BytesMut, kind: Kind, block: impl FnOnce(&mut BytesMut)) {
        self.close(out);
        self.open = Some(kind);
        event(out, "content_block_start", |object| {
            object.uint("index", self.index);
            block(object.key("content_block"));
        });
    }

    /// More text, as raw JSON text without quotes.
    pub(crate) fn text(&self, out: &mut BytesMut, content: &str) {
        self.content_delta(out, Kind::Text, "text_delta", "text", content);
    }

    /// More thinking, as raw JSON text without quotes.
    pub(crate) fn thinking(&self, out: &mut BytesMut, content: &str) {
        self.content_delta(out, Kind::Thinking, "thinking_delta", "thinking", content);
    }

    /// More of a tool's input, as raw JSON text without quotes.
    pub(crate) fn input(&self, out: &mut BytesMut, content: &str) {
        self.content_delta(out, Kind::Tool, "input_json_delta", "partial_json", content);
    }

    /// A fragment of a tool's input as the provider sent it, which may be empty; raw JSON text without quotes.
    pub(crate) fn input_fragment(&self, out: &mut BytesMut, content: &str) {
        if content.is_empty() && self.open == Some(Kind::Tool) {
            self.delta(out, "input_json_delta", |delta| {
                delta.string("partial_json", "");
            });
        } else {
            self.input(out, content);
        }
    }

    /// All of a tool's input, as plain text.
    pub(crate) fn whole_input(&self, out: &mut BytesMut, json: &str) {
        let mut content = BytesMut::with_capacity(json.len() + 16);
        write::string_content(&mut content, json);
        // Escaping keeps UTF-8 as it is.
        self.input(out, std::str::from_utf8(&content).unwrap_or_default());
    }

    /// The signature of the open thinking block: plain text, complete, once.
    pub(crate) fn signature(&self, out: &mut BytesMut, signature: &str) {
        if self.open == Some(Kind::Thinking) {
            self.delta(out, "signature_delta", |delta| {
                delta.string("signature", signature);
            });
        }
    }

    /// The same as raw JSON text without quotes.
    pub(crate) fn signature_content(&self, out: &mut BytesMut, signature: &str) {
        let kind = "signature_delta";
        self.content_delta(out, Kind::Thinking, kind, "signature", signature);
    }

    /// A citation in the open text block.
    pub(crate) fn citation(&self, out: &mut BytesMut, citation: impl FnOnce(&mut BytesMut)) {
        if self.open == Some(Kind::Text) {
            self.delta(out, "citations_delta", |delta| {
                citation(delta.key("citation"));
            });
        }
    }

    fn content_delta(
        &self,
        out: &mut BytesMut,
        of: Kind,
        kind: &'static str,
        key: &str,
        content: &str,
    ) {
        if self.open != Some(of) || content.is_empty() {
            return;
        }
        out.reserve(content.len() + 160);
        self.delta(out, kind, |delta| {
            let out = delta.key(key);
            out.put_u8(b'"');
            out.extend_from_slice(content.as_bytes());
            out.put_u8(b'"');
        });
    }

    fn delta(&self, out: &mut BytesMut, kind: &str, members: impl FnOnce(&mut Object<'_>)) {
        event(out, "content_block_delta", |object| {
            object.uint("index", self.index);
            let mut delta = object.object("delta");
            delta.string("type", kind);
            members(&mut delta);
            delta.end();
        });
    }

    /// Closes the open block, if one is open.
    pub(crate) fn close(&mut self, out: &mut BytesMut) {
        if self.open.take().is_some() {
            event(out, "content_block_stop", |object| {
                object.uint("index", self.index);
            });
            self.index += 1;
        }
    }

    /// Completes the stream: closes the open block, writes `message_delta` and `message_stop`.
    pub(crate) fn finish(&mut self, out: &mut BytesMut, stop: &Stop<'_>, usage: &Usage) {
        self.close(out);
        event(out, "message_delta", |object| {
            let mut delta = object.object("delta");
            stop.write(&mut delta);
            delta.end();
            usage::write(object.key("usage"), usage, None);
        });
        event(out, "message_stop", |_| {});
        self.phase = Phase::Ended;
    }

    /// Ends the stream with an error: nothing is closed, nothing follows.
    pub(crate) fn fail(&mut self, out: &mut BytesMut, error: &ClientError) {
        if self.phase != Phase::Ended {
            self.phase = Phase::Ended;
            error.write_event(Format::Messages, 0, out);
        }
    }
}

fn event(out: &mut BytesMut, name: &'static str, members: impl FnOnce(&mut Object<'_>)) {
    let mut event = EventWriter::begin(out, Some(name));
    let mut object = Object::begin(event.buffer());
    object.string("type", name);
    members(&mut object);
    object.end();
    event.end();
}
