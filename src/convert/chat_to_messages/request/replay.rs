//! Thinking that clients replay.

use super::messages::Writer;
use crate::convert::chat_request::thinking::{self, Signed};
use crate::convert::report::Refusal;
use crate::format::chat::request::Message;
use crate::format::raw::RawStr;

impl<'a> Writer<'_, 'a, '_> {
    /// Writes the thinking of an assistant message, from the first of its fields that holds any.
    pub(super) fn thinking(&mut self, message: &Message<'a>, index: usize) -> Result<(), Refusal> {
        for block in thinking::replayed(message, index, thinking::is_native, self.cx.report)? {
            self.signed_block(block)?;
        }
        Ok(())
    }

    fn signed_block(&mut self, block: Signed<'_>) -> Result<(), Refusal> {
        let first = self.is_first_of_turn();
        self.begin_thinking()?;
        if first {
            self.note_thinking_first();
        }
        let buf = &mut self.out.buf;
        match block {
            Signed::Thinking { text, signature } => {
                buf.extend_from_slice(b"{\"type\":\"thinking\",\"thinking\":");
                buf.extend_from_slice(text.map_or("\"\"", RawStr::json).as_bytes());
                buf.extend_from_slice(b",\"signature\":");
                buf.extend_from_slice(signature.json().as_bytes());
            }
            Signed::Redacted(data) => {
                buf.extend_from_slice(b"{\"type\":\"redacted_thinking\",\"data\":");
                buf.extend_from_slice(data.json().as_bytes());
            }
        }
        self.out.end_unmarkable_block();
        Ok(())
    }
}
