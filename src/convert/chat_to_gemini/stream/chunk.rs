//! Writing the chunks of a Chat stream.

use bytes::BytesMut;

use super::super::response::usage;
use crate::codec::write::Object;
use crate::convert::gemini_in::Tokens;

/// Writes chunks: what they have in common is made once, so that one costs a few copies.
#[derive(Debug)]
pub(super) struct Chunks {
    /// `data: {"id":…,"choices":[`
    head: BytesMut,
    /// What ends a chunk after its choices.
    end: &'static str,
    /// The chunk with the role was sent.
    started: bool,
}

impl Chunks {
    /// With `include_usage`, every chunk but the one with the counts says `"usage":null`.
    pub(super) fn new(include_usage: bool) -> Self {
        Self {
            head: BytesMut::new(),
            end: if include_usage {
                "],\"usage\":null}\n\n"
            } else {
                "]}\n\n"
            },
            started: false,
        }
    }

    /// Sets what is the same in all chunks; `model` is a JSON string.
    pub(super) fn set_head(&mut self, base: &str, now: u64, model: &str) {
        let head = &mut self.head;
        head.extend_from_slice(b"data: ");
        let mut chunk = Object::begin(head);
        chunk
            .string("id", &format!("chatcmpl-{base}"))
            .string("object", "chat.completion.chunk")
            .uint("created", now)
            .raw("model", model);
        chunk.key("choices").extend_from_slice(b"[");
    }

    /// A chunk with the members that `write` adds to its delta; the first one has the role, too.
    pub(super) fn delta(&mut self, out: &mut BytesMut, write: impl FnOnce(&mut Object<'_>)) {
        self.choice(out, write, |choice| {
            choice.raw("finish_reason", "null").raw("logprobs", "null");
        });
    }

    /// The chunk with the finish reason.
    pub(super) fn finish(
        &mut self,
        out: &mut BytesMut,
        reason: &str,
        write: impl FnOnce(&mut Object<'_>),
    ) {
        self.choice(out, write, |choice| {
            choice
                .string("finish_reason", reason)
                .raw("logprobs", "null");
        });
    }

    /// A chunk of nothing but `logprobs`.
    pub(super) fn logprobs(&mut self, out: &mut BytesMut, write: impl FnOnce(&mut BytesMut)) {
        self.choice(
            out,
            |_| {},
            |choice| {
                choice.raw("finish_reason", "null");
                write(choice.key("logprobs"));
            },
        );
    }

    fn choice(
        &mut self,
        out: &mut BytesMut,
        delta: impl FnOnce(&mut Object<'_>),
        rest: impl FnOnce(&mut Object<'_>),
    ) {
        out.extend_from_slice(&self.head);
        let mut choice = Object::begin(out);
        choice.uint("index", 0);
        let mut members = choice.object("delta");
        if !self.started {
            self.started = true;
            members.string("role", "assistant");
        }
        delta(&mut members);
        members.end();
        rest(&mut choice);
        choice.end();
        out.extend_from_slice(self.end.as_bytes());
    }

    /// The chunk with the token counts.
    pub(super) fn usage(&self, out: &mut BytesMut, tokens: &Tokens) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b"],\"usage\":");
        usage::write(out, tokens);
        out.extend_from_slice(b"}\n\n");
    }
}
