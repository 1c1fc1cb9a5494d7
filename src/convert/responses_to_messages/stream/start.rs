//! Blocks start: items open, and those before them end.

use std::borrow::Cow;

use bytes::BytesMut;
use serde_json::value::RawValue;

use super::block::OpenBlock;
use super::server::ResultBlock;
use super::{MessagesToResponses, malformed, quoted};
use crate::convert::anthropic_envelope;
use crate::convert::machine::StreamError;
use crate::convert::responses_out::{Call, Index, ItemStatus};
use crate::format::messages::{Block, Citation};
use crate::format::raw::RawStr;

impl MessagesToResponses {
    /// Opens a block; all of it, where a whole answer is converted.
    pub(in crate::convert::responses_to_messages) fn block_start(
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
    pub(super) fn open_message(&mut self, out: &mut BytesMut) -> Index {
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
    pub(super) fn leave_text(&mut self, out: &mut BytesMut) {
        self.close_message(ItemStatus::Completed, out);
        self.flush_carrier(out);
    }

    pub(super) fn close_message(&mut self, status: ItemStatus, out: &mut BytesMut) {
        if let Some(message) = self.message.take() {
            self.writer.end(message, status, out);
        }
    }

    /// Ends the item of the block that stopped last.
    pub(super) fn settle(&mut self, out: &mut BytesMut) {
        if let Some((item, status)) = self.stopped.take() {
            self.writer.end(item, status, out);
        }
    }

    pub(super) fn open_call(&mut self, block: &Block<'_>, out: &mut BytesMut) -> OpenBlock {
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
    pub(super) fn open_server_block(
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

    pub(super) fn search_result(&mut self, json: &str, out: &mut BytesMut) {
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

    pub(super) fn carry(&mut self, waiting: Option<String>, json: String) {
        if self.state.carry_server_blocks {
            self.held = self.held.saturating_add(json.len());
            self.carried.push((waiting, json));
        }
    }

    /// Sends what server tools did as a reasoning item without text, which clients send back as it is.
    pub(super) fn flush_carrier(&mut self, out: &mut BytesMut) {
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
}
