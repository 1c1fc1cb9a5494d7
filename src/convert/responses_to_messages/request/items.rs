//! The assistant's items and the user's messages.

use serde_json::value::RawValue;

use super::parts::Slot;
use super::turns::{Speaker, Writer};
use crate::convert::anthropic_envelope::{Envelope, is_server_block};
use crate::convert::envelope;
use crate::convert::report::Refusal;
use crate::convert::responses_request::content::{Piece, each_assistant_piece, report_item};
use crate::convert::responses_request::path;
use crate::format::raw::RawStr;
use crate::format::responses::request::Item;
use crate::format::walk;

impl<'a> Writer<'_, 'a, '_> {
    /// Writes what the user says.
    pub(super) fn user_message(&mut self, text: &'a str, index: usize) -> Result<(), Refusal> {
        let item: Item<'a> = path::parse(text, || format!("input[{index}]"))?;
        self.out.new_message();
        report_item(&item, self.cx);
        let content = item.content.map(RawValue::get).unwrap_or_default();
        if let Some(text) = RawStr::from_json(content) {
            return self.text(Speaker::User, text);
        }
        if !walk::is_array(content) {
            return Err(path::wrong_type(path::item(index, "content")));
        }
        self.parts(content, index, "content", &mut Slot::User)
    }

    /// Writes what the assistant said: one block for each part.
    pub(super) fn assistant_message(&mut self, text: &'a str, index: usize) -> Result<(), Refusal> {
        let mut pieces = Vec::new();
        each_assistant_piece(text, index, self.cx, |piece| pieces.push(piece))?;
        for piece in pieces {
            match piece {
                Piece::Text(text) => self.text(Speaker::Assistant, text)?,
                Piece::Mark(ttl) => self.mark(ttl),
            }
        }
        Ok(())
    }

    /// Writes the blocks that a reasoning item carries. What others signed, and text without a signature, is refused by
    /// Anthropic and thus left out.
    pub(super) fn reasoning(&mut self, text: &'a str, index: usize) -> Result<(), Refusal> {
        let item: Item<'a> = path::parse(text, || format!("input[{index}]"))?;
        for name in &item.unknown {
            self.cx.report.drop_field(format!("input[].{name}"));
        }
        let Some(carrier) = item.encrypted_content else {
            self.cx.report.drop_field("input[].summary");
            return Ok(());
        };
        match Envelope::open(carrier) {
            Some(envelope) => {
                self.envelope(&envelope)?;
            }
            None => self.cx.report.drop_field("input[].encrypted_content"),
        }
        Ok(())
    }

    /// Writes the summary that Anthropic made of an earlier conversation; nobody can read another provider's.
    pub(super) fn compaction(&mut self, text: &'a str, index: usize) -> Result<(), Refusal> {
        let item: Item<'a> = path::parse(text, || format!("input[{index}]"))?;
        let envelope = item.encrypted_content.and_then(Envelope::open);
        let is_own = |envelope: &Envelope| envelope.blocks().any(|(kind, _)| kind == "compaction");
        match envelope.filter(is_own) {
            Some(envelope) => self.envelope(&envelope),
            None => Err(Refusal::unsupported(
                path::item(index, "encrypted_content"),
                "a conversation that another provider compacted cannot be read",
            )),
        }
    }

    /// Tells of a call of an MCP server in words: it was not Anthropic's.
    pub(super) fn mcp_call(&mut self, text: &'a str, index: usize) -> Result<(), Refusal> {
        let item: Item<'a> = path::parse(text, || format!("input[{index}]"))?;
        report_item(&item, self.cx);
        self.cx.report.approximate("input[].type");
        let content = |text: Option<RawStr<'a>>| text.map(RawStr::content).unwrap_or_default();
        let output = item.output.and_then(RawStr::new);
        let note = format!(
            "\"[mcp {}.{} → {}]\"",
            content(item.server_label),
            content(item.name),
            content(output)
        );
        match RawStr::from_json(&note) {
            Some(note) => self.text(Speaker::Assistant, note),
            None => Ok(()),
        }
    }

    fn envelope(&mut self, envelope: &Envelope) -> Result<(), Refusal> {
        for (kind, block) in envelope.blocks() {
            if may_be_replayed(&kind, block) {
                self.raw_block(&kind, block)?;
            } else {
                self.cx.report.drop_field("input[].encrypted_content");
            }
        }
        Ok(())
    }
}

/// Whether the block is one that only Anthropic makes, and signed where it must be. The gateway's own carriers for other
/// providers are not for Anthropic, wherever they stand.
fn may_be_replayed(kind: &str, block: &str) -> bool {
    let own = |member: &str| {
        walk::member(block, member)
            .and_then(RawStr::from_json)
            .is_some_and(|opaque| !opaque.is_empty() && !envelope::is_envelope(opaque))
    };
    match kind {
        "thinking" => own("signature"),
        "redacted_thinking" => own("data"),
        kind => is_server_block(kind),
    }
}
