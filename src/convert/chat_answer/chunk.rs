//! Writing the chunks of a Chat stream.

use bytes::{BufMut, BytesMut};

use super::annotations::Annotations;
use super::call::Call;
use super::head::{write_id, write_model};
use super::reasoning::{Fields, Signed};
use super::usage;
use crate::codec::write::{self, Array, Object};
use crate::format::raw::RawStr;
use crate::usage::Usage;

/// What stands between a chunk's choices and its delta.
const CHOICE: &str = r#"{"index":0,"delta":{"#;

/// Writes chunks: what they have in common is made once, so that one costs a few copies.
#[derive(Debug)]
pub(in crate::convert) struct Chunks {
    now: u64,
    /// `data: {"id":…,"choices":[`
    head: BytesMut,
    /// What ends a chunk after its choices.
    end: &'static str,
    /// What ends a chunk after its delta.
    tail: &'static str,
}

impl Chunks {
    /// With `include_usage`, every chunk but the one with the counts says `"usage":null`.
    pub(in crate::convert) fn new(now: u64, include_usage: bool) -> Self {
        let (end, tail) = if include_usage {
            (
                "],\"usage\":null}\n\n",
                "},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n",
            )
        } else {
            (
                "]}\n\n",
                "},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
            )
        };
        let mut chunks = Self {
            now,
            head: BytesMut::new(),
            end,
            tail,
        };
        chunks.set_head(None, None);
        chunks
    }

    /// Sets what is the same in all chunks.
    pub(in crate::convert) fn set_head(
        &mut self,
        id: Option<RawStr<'_>>,
        model: Option<RawStr<'_>>,
    ) {
        let head = &mut self.head;
        head.clear();
        head.extend_from_slice(b"data: {\"id\":");
        write_id(head, id, self.now);
        head.extend_from_slice(b",\"object\":\"chat.completion.chunk\",\"created\":");
        write::uint(head, self.now);
        head.extend_from_slice(b",\"model\":");
        write_model(head, model);
        head.extend_from_slice(b",\"choices\":[");
    }

    /// A chunk whose delta's members are these pieces of JSON text, one after the other.
    pub(in crate::convert) fn delta(&self, out: &mut BytesMut, pieces: &[&str]) {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        out.reserve(self.head.len() + CHOICE.len() + length + self.tail.len());
        self.begin(out);
        for piece in pieces {
            out.extend_from_slice(piece.as_bytes());
        }
        out.extend_from_slice(self.tail.as_bytes());
    }

    fn begin(&self, out: &mut BytesMut) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(CHOICE.as_bytes());
    }

    /// A delta of one string, given as raw JSON text without quotes.
    pub(in crate::convert) fn string(&self, out: &mut BytesMut, key: &str, content: &str) {
        self.delta(out, &["\"", key, "\":\"", content, "\""]);
    }

    /// Text that is not escaped yet; none where it is empty.
    pub(in crate::convert) fn text(&self, out: &mut BytesMut, text: &str) {
        if !text.is_empty() {
            self.begin(out);
            out.extend_from_slice(b"\"content\":");
            write::string(out, text);
            out.extend_from_slice(self.tail.as_bytes());
        }
    }

    /// Text of a thinking block.
    pub(in crate::convert) fn reasoning(&self, out: &mut BytesMut, fields: Fields, content: &str) {
        if fields.blocks && fields.details {
            self.delta(
                out,
                &[
                    "\"reasoning_content\":\"",
                    content,
                    "\",\"reasoning\":\"",
                    content,
                    "\"",
                ],
            );
        } else {
            for key in fields.text_keys() {
                self.string(out, key, content);
            }
        }
    }

    /// A signed block, complete.
    pub(in crate::convert) fn signed_block(
        &self,
        out: &mut BytesMut,
        fields: Fields,
        index: u64,
        block: Signed<'_>,
    ) {
        self.begin(out);
        if fields.blocks {
            out.extend_from_slice(b"\"thinking_blocks\":[");
            block.write_block(out, Some(index));
            out.extend_from_slice(if fields.details { b"]," } else { b"]" });
        }
        if fields.details {
            out.extend_from_slice(b"\"reasoning_details\":[");
            block.write_detail(out, index);
            out.put_u8(b']');
        }
        out.extend_from_slice(self.tail.as_bytes());
    }

    /// The first chunk of a function call.
    pub(in crate::convert) fn call(&self, out: &mut BytesMut, ord: u64, call: &Call) {
        self.with_call(out, ord, |element| call.write(element, ""));
    }

    /// A freeform tool's call, complete; `input` is the JSON object that it was wrapped in.
    pub(in crate::convert) fn custom_call(
        &self,
        out: &mut BytesMut,
        ord: u64,
        call: &Call,
        input: &str,
    ) {
        self.with_call(out, ord, |element| call.write(element, input));
    }

    /// All that a freeform tool is given, as raw JSON text without quotes.
    pub(in crate::convert) fn custom_input(&self, out: &mut BytesMut, ord: u64, content: &str) {
        self.begin(out);
        out.extend_from_slice(b"\"tool_calls\":[{\"index\":");
        write::uint(out, ord);
        out.extend_from_slice(b",\"custom\":{\"input\":\"");
        out.extend_from_slice(content.as_bytes());
        out.extend_from_slice(b"\"}}]");
        out.extend_from_slice(self.tail.as_bytes());
    }

    fn with_call(&self, out: &mut BytesMut, ord: u64, write: impl FnOnce(&mut Object<'_>)) {
        self.begin(out);
        out.extend_from_slice(b"\"tool_calls\":");
        let mut calls = Array::begin(out);
        let mut element = calls.object();
        element.uint("index", ord);
        write(&mut element);
        element.end();
        calls.end();
        out.extend_from_slice(self.tail.as_bytes());
    }

    /// The first chunk of a call by the deprecated `function_call`.
    pub(in crate::convert) fn legacy_call(&self, out: &mut BytesMut, call: &Call) {
        self.begin(out);
        out.extend_from_slice(b"\"function_call\":");
        call.write_function(out, "");
        out.extend_from_slice(self.tail.as_bytes());
    }

    /// A piece of a call's arguments, as raw JSON text without quotes.
    pub(in crate::convert) fn arguments(
        &self,
        out: &mut BytesMut,
        ord: u64,
        legacy: bool,
        content: &str,
    ) {
        self.begin(out);
        begin_arguments(out, ord, legacy);
        out.put_u8(b'"');
        out.extend_from_slice(content.as_bytes());
        out.put_u8(b'"');
        self.end_arguments(out, legacy);
    }

    /// All of a call's arguments.
    pub(in crate::convert) fn whole_arguments(
        &self,
        out: &mut BytesMut,
        ord: u64,
        legacy: bool,
        json: &str,
    ) {
        self.begin(out);
        begin_arguments(out, ord, legacy);
        write::string(out, json);
        self.end_arguments(out, legacy);
    }

    fn end_arguments(&self, out: &mut BytesMut, legacy: bool) {
        out.extend_from_slice(if legacy { b"}" } else { b"}}]" });
        out.extend_from_slice(self.tail.as_bytes());
    }

    /// All annotations.
    pub(in crate::convert) fn annotations(&self, out: &mut BytesMut, annotations: &Annotations) {
        self.begin(out);
        out.extend_from_slice(b"\"annotations\":");
        annotations.write(out);
        out.extend_from_slice(self.tail.as_bytes());
    }

    /// The chunk with the finish reason.
    pub(in crate::convert) fn finish(&self, out: &mut BytesMut, reason: &str) {
        self.begin(out);
        out.extend_from_slice(b"},\"logprobs\":null,\"finish_reason\":\"");
        out.extend_from_slice(reason.as_bytes());
        out.extend_from_slice(b"\"}");
        out.extend_from_slice(self.end.as_bytes());
    }

    /// The chunk with the token counts.
    pub(in crate::convert) fn usage(&self, out: &mut BytesMut, usage: &Usage) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b"],\"usage\":");
        usage::write(out, usage);
        out.extend_from_slice(b"}\n\n");
    }
}

fn begin_arguments(out: &mut BytesMut, ord: u64, legacy: bool) {
    if legacy {
        out.extend_from_slice(b"\"function_call\":{\"arguments\":");
    } else {
        out.extend_from_slice(b"\"tool_calls\":[{\"index\":");
        write::uint(out, ord);
        out.extend_from_slice(b",\"function\":{\"arguments\":");
    }
}
