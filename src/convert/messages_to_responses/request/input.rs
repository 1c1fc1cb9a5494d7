//! Writing `input`: items, and the parts inside them.

use std::ops::Range;

use bytes::{BufMut, BytesMut};

use crate::codec::write::{self, Object};
use crate::convert::report::LossReport;
use crate::format::raw::RawStr;

const BREAKPOINT: &[u8] = b",\"prompt_cache_breakpoint\":{\"mode\":\"explicit\"}";
/// The most breakpoints that a request may have.
const MAX_BREAKPOINTS: usize = 4;

/// What is open at the end of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    /// A message whose content is a list of parts.
    Message(Role),
    /// A message of the assistant, whose content is one text.
    Assistant(Option<Phase>),
    /// The result of a call, as a list of parts; where it begins, and where the list does.
    Output {
        list: usize,
    },
}

/// Who says a message that is made of parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    User,
    Developer,
}

/// Whether a text of the assistant's ends its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Commentary,
    FinalAnswer,
}

/// The list of input items.
#[derive(Debug)]
pub(super) struct Input<'o> {
    buf: &'o mut BytesMut,
    empty: bool,
    open: Open,
    /// Whether the open list has no part yet.
    no_parts: bool,
    /// Whether the last part written can have a breakpoint.
    markable: bool,
    /// Written before the next text: the mark of a failed call.
    prefix: Option<&'static str>,
    /// Where the breakpoints stand.
    marks: Vec<Range<usize>>,
    takes_breakpoints: bool,
    /// Reasoning items that wait for the item that they led to.
    pending: BytesMut,
}

impl<'o> Input<'o> {
    pub(super) fn begin(buf: &'o mut BytesMut, takes_breakpoints: bool) -> Self {
        buf.put_u8(b'[');
        Self {
            buf,
            empty: true,
            open: Open::Nothing,
            no_parts: true,
            markable: false,
            prefix: None,
            marks: Vec::new(),
            takes_breakpoints,
            pending: BytesMut::new(),
        }
    }

    /// Ends the list; the breakpoints that are too many, or `None` where there is no item at all.
    pub(super) fn end(mut self) -> Option<Vec<Range<usize>>> {
        self.close();
        self.buf.put_u8(b']');
        let surplus = self.marks.len().saturating_sub(MAX_BREAKPOINTS);
        self.marks.truncate(surplus);
        (!self.empty).then_some(self.marks)
    }

    /// Whether the model takes breakpoints.
    pub(super) fn takes_breakpoints(&self) -> bool {
        self.takes_breakpoints
    }

    /// Closes the open item.
    pub(super) fn close(&mut self) {
        match self.open {
            Open::Nothing => {}
            Open::Message(_) => self.buf.extend_from_slice(b"]}"),
            Open::Assistant(phase) => {
                self.buf.put_u8(b'"');
                if let Some(phase) = phase {
                    self.buf.extend_from_slice(match phase {
                        Phase::Commentary => b",\"phase\":\"commentary\"",
                        Phase::FinalAnswer => b",\"phase\":\"final_answer\"",
                    });
                }
                self.buf.put_u8(b'}');
            }
            Open::Output { list } => {
                if self.prefix.take().is_some() {
                    self.text_part(|out| out.extend_from_slice(b"[tool error]"));
                }
                if self.no_parts {
                    self.buf.truncate(list);
                    self.buf.extend_from_slice(b"\"\"}");
                } else {
                    self.buf.extend_from_slice(b"]}");
                }
            }
        }
        self.open = Open::Nothing;
    }

    /// Begins an item, and hands out the buffer for it.
    pub(super) fn item(&mut self) -> &mut BytesMut {
        self.close();
        if !self.empty {
            self.buf.put_u8(b',');
        }
        self.empty = false;
        self.buf
    }

    /// Begins an item of the assistant's: the reasoning that led to it comes first.
    pub(super) fn assistant_item(&mut self) -> &mut BytesMut {
        if !self.pending.is_empty() {
            let pending = self.pending.split();
            self.item().extend_from_slice(&pending);
        }
        self.item()
    }

    /// Holds a reasoning item back until it is known what it led to.
    pub(super) fn reasoning(&mut self, item: impl FnOnce(&mut BytesMut)) {
        if !self.pending.is_empty() {
            self.pending.put_u8(b',');
        }
        item(&mut self.pending);
    }

    /// Forgets reasoning that led to nothing that is sent: OpenAI refuses it alone.
    pub(super) fn drop_pending(&mut self, report: &mut LossReport) {
        if !self.pending.is_empty() {
            self.pending.clear();
            report.drop_field("messages[].content[].thinking");
        }
    }

    /// Makes sure that parts are written into a message of `role`; items are begun when their first part comes.
    pub(super) fn message(&mut self, role: Role) {
        if self.open == Open::Message(role) {
            return;
        }
        let name = match role {
            Role::User => "user",
            Role::Developer => "developer",
        };
        let out = self.item();
        out.extend_from_slice(b"{\"type\":\"message\",\"role\":\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\",\"content\":[");
        self.open = Open::Message(role);
        self.no_parts = true;
    }

    /// Begins the result of a call as a list of parts.
    pub(super) fn output(&mut self, call_id: &str, prefix: Option<&'static str>) {
        let out = self.item();
        write_output_head(out, call_id);
        let list = out.len();
        out.put_u8(b'[');
        self.open = Open::Output { list };
        self.no_parts = true;
        self.markable = false;
        self.prefix = prefix;
    }

    /// Writes the result of a call that is one text, given as raw JSON text without quotes.
    pub(super) fn text_output<'t>(
        &mut self,
        call_id: &str,
        prefix: &str,
        texts: impl Iterator<Item = &'t str>,
    ) {
        let mut texts = texts.peekable();
        let prefix = match texts.peek() {
            Some(_) => prefix,
            None => prefix.trim_end(),
        };
        let out = self.item();
        write_output_head(out, call_id);
        out.put_u8(b'"');
        out.extend_from_slice(prefix.as_bytes());
        for (at, text) in texts.enumerate() {
            if at > 0 {
                out.extend_from_slice(b"\\n");
            }
            out.extend_from_slice(text.as_bytes());
        }
        out.extend_from_slice(b"\"}");
    }

    /// Begins a part of the open message or result.
    fn part(&mut self, kind: &str) -> &mut BytesMut {
        if self.open == Open::Nothing {
            self.message(Role::User);
        }
        if !self.no_parts {
            self.buf.put_u8(b',');
        }
        self.no_parts = false;
        self.buf.extend_from_slice(b"{\"type\":\"");
        self.buf.extend_from_slice(kind.as_bytes());
        self.buf.put_u8(b'"');
        self.buf
    }

    /// A text; `content` writes it as raw JSON text without quotes.
    pub(super) fn text_part(&mut self, content: impl FnOnce(&mut BytesMut)) {
        let prefix = self.prefix.take().unwrap_or_default();
        let out = self.part("input_text");
        out.extend_from_slice(b",\"text\":\"");
        out.extend_from_slice(prefix.as_bytes());
        content(out);
        out.extend_from_slice(b"\"}");
        self.markable = true;
    }

    /// An image; `url` is raw JSON text without quotes, in pieces.
    pub(super) fn image_part(&mut self, url: &[&str]) {
        let out = self.part("input_image");
        out.extend_from_slice(b",\"image_url\":\"");
        for piece in url {
            out.extend_from_slice(piece.as_bytes());
        }
        out.extend_from_slice(b"\",\"detail\":\"auto\"}");
        self.markable = false;
    }

    /// A file by its URL.
    pub(super) fn file_url_part(&mut self, url: RawStr<'_>) {
        let out = self.part("input_file");
        out.extend_from_slice(b",\"file_url\":");
        out.extend_from_slice(url.json().as_bytes());
        out.put_u8(b'}');
        self.markable = true;
    }

    /// A PDF; `data` is base64.
    pub(super) fn pdf_part(&mut self, filename: Option<RawStr<'_>>, data: RawStr<'_>) {
        let out = self.part("input_file");
        out.extend_from_slice(b",\"filename\":");
        let filename = filename.filter(|name| !name.is_empty());
        out.extend_from_slice(filename.map_or("\"document.pdf\"", RawStr::json).as_bytes());
        out.extend_from_slice(b",\"file_data\":\"data:application/pdf;base64,");
        out.extend_from_slice(data.content().as_bytes());
        out.extend_from_slice(b"\"}");
        self.markable = true;
    }

    /// Ends the cached prefix at the part that was just written; `false` where it cannot.
    #[must_use]
    pub(super) fn mark(&mut self) -> bool {
        if !self.takes_breakpoints || !self.markable {
            return false;
        }
        // The part's closing brace moves behind the mark.
        self.buf.truncate(self.buf.len().saturating_sub(1));
        let start = self.buf.len();
        self.buf.extend_from_slice(BREAKPOINT);
        self.marks.push(start..self.buf.len());
        self.buf.put_u8(b'}');
        self.markable = false;
        true
    }

    /// Whether the part that was just written ends the cached prefix already.
    pub(super) fn is_marked(&self) -> bool {
        let end = self.buf.len().saturating_sub(1);
        self.marks.last().is_some_and(|mark| mark.end == end)
    }

    /// More text of the assistant's; texts that follow each other are one message.
    pub(super) fn assistant_text(&mut self, text: RawStr<'_>, phase: Option<Phase>) {
        if text.is_empty() {
            return;
        }
        if !matches!(self.open, Open::Assistant(_)) {
            self.assistant_item()
                .extend_from_slice(b"{\"type\":\"message\",\"role\":\"assistant\",\"content\":\"");
        }
        self.open = Open::Assistant(phase);
        self.buf.extend_from_slice(text.content().as_bytes());
    }

    /// A message of the user's with this text.
    pub(super) fn plain_text(&mut self, text: &str) {
        self.close();
        self.message(Role::User);
        self.text_part(|out| write::string_content(out, text));
        self.close();
    }
}

fn write_output_head(out: &mut BytesMut, call_id: &str) {
    // The object stays open: its last member follows.
    let mut item = Object::begin(out);
    item.string("type", "function_call_output")
        .string("call_id", call_id);
    item.key("output");
}

/// Takes these spans out of `out`.
pub(super) fn remove(out: &mut BytesMut, spans: &[Range<usize>]) {
    if spans.is_empty() {
        return;
    }
    let mut kept = BytesMut::with_capacity(out.len());
    let mut from = 0;
    for span in spans {
        kept.extend_from_slice(out.get(from..span.start).unwrap_or_default());
        from = span.end;
    }
    kept.extend_from_slice(out.get(from..).unwrap_or_default());
    *out = kept;
}
