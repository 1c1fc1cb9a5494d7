//! Blocks grow.

use bytes::BytesMut;

use super::block::{Cited, OpenBlock};
use super::{MessagesToResponses, malformed};
use crate::convert::machine::StreamError;
use crate::convert::scalars::scalars;
use crate::format::messages::{Citation, Delta};
use crate::format::raw::RawStr;

impl MessagesToResponses {
    pub(super) fn block_delta(
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
    pub(super) fn ensure_open(
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

    pub(super) fn text(&mut self, index: u64, text: RawStr<'_>, out: &mut BytesMut) {
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

    pub(super) fn thinking(&mut self, index: u64, fragment: RawStr<'_>, out: &mut BytesMut) {
        if let Some(OpenBlock::Thinking { item, text, .. }) = self.open.get(index) {
            text.push_str(fragment.content());
            self.held = self.held.saturating_add(fragment.content().len());
            self.writer.summary(*item, fragment.content(), out);
        }
    }

    pub(super) fn signature(&mut self, index: u64, new: RawStr<'_>) {
        if let Some(OpenBlock::Thinking { signature, .. }) = self.open.get(index) {
            // As in Anthropic's SDKs: the last one holds.
            self.held = self.held.saturating_sub(signature.len());
            self.held = self.held.saturating_add(new.content().len());
            signature.clear();
            signature.push_str(new.content());
        }
    }

    pub(super) fn citation(&mut self, index: u64, citation: Citation<'_>) {
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

    pub(super) fn input(
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
}
