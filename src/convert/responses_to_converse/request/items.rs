//! The input items as turns.

use std::borrow::Cow;

use bytes::BufMut;
use serde_json::value::RawValue;

use super::{TARGET, tools};
use crate::convert::context::RequestContext;
use crate::convert::converse_out::documents::Names;
use crate::convert::converse_out::reasoning::from_carrier;
use crate::convert::converse_out::turns::{Facts, Kind as Block, Role, Turns, Unpaired};
use crate::convert::report::Refusal;
use crate::convert::responses_request::content::{
    Piece, each_assistant_piece, each_piece, is_incomplete, report_item,
};
use crate::convert::responses_request::heads::{Items, Kind, unanswered};
use crate::convert::responses_request::path;
use crate::convert::responses_request::tools::Tools;
use crate::format::raw::RawStr;
use crate::format::responses::request::Item;
use crate::format::walk;

/// Writes `messages`.
pub(super) struct Writer<'w, 'o, 't, 'a, 'c> {
    pub(super) turns: Turns<'o, 't>,
    pub(super) cx: &'w mut RequestContext<'c>,
    pub(super) names: Names,
    known: &'t Tools<'a>,
    items: &'w mut Items<'a>,
    /// The calls of the open assistant turn: they are answered before anything else is said.
    calls: Vec<Call<'a>>,
    /// The first item whose reasoning is sent back.
    replay_from: usize,
}

#[derive(Debug)]
struct Call<'a> {
    id: Cow<'a, str>,
    custom: bool,
    item: usize,
}

impl<'w, 'o, 't, 'a: 't, 'c> Writer<'w, 'o, 't, 'a, 'c> {
    pub(super) fn new(
        turns: Turns<'o, 't>,
        known: &'t Tools<'a>,
        items: &'w mut Items<'a>,
        cx: &'w mut RequestContext<'c>,
    ) -> Self {
        let strips = cx.options.strip_foreign_reasoning == Some(true);
        let last_words = || items.list.iter().rposition(|item| item.kind == Kind::User);
        Self {
            replay_from: strips.then(last_words).flatten().unwrap_or(0),
            turns,
            cx,
            names: Names::default(),
            known,
            items,
            calls: Vec::new(),
        }
    }

    /// Writes one message of the user's.
    pub(super) fn write_texts(mut self, texts: &[RawStr<'a>]) -> Result<Facts, Refusal> {
        for text in texts {
            self.turns.text(Role::User, *text).map_err(refusal)?;
        }
        self.turns.finish().map_err(refusal)
    }

    /// Writes all items from `start` on.
    pub(super) fn write(mut self, start: usize) -> Result<Facts, Refusal> {
        for index in start..self.items.list.len() {
            let Some((kind, text)) = self.items.list.get(index).map(|i| (i.kind, i.text)) else {
                break;
            };
            match kind {
                Kind::Assistant => self.assistant_message(text, index)?,
                Kind::Reasoning => self.reasoning(text, index)?,
                Kind::FunctionCall | Kind::CustomCall => {
                    self.call(text, index, kind == Kind::CustomCall)?;
                }
                Kind::User => {
                    self.answer()?;
                    self.user_message(text, index)?;
                }
                Kind::System => {
                    self.answer()?;
                    self.system_message(text, index)?;
                }
                // Written with the calls that it answers.
                Kind::Output { .. } => self.answer()?,
                Kind::AdditionalTools | Kind::ConfigurationUpdate => {}
                // The latter two are never taken.
                Kind::Left | Kind::Compaction | Kind::McpCall => {
                    self.cx.report.drop_field("input[].type");
                }
            }
        }
        self.answer()?;
        self.turns.finish().map_err(refusal)
    }

    fn assistant_message(&mut self, text: &'a str, index: usize) -> Result<(), Refusal> {
        let mut pieces = Vec::new();
        each_assistant_piece(text, index, self.cx, |piece| pieces.push(piece))?;
        for piece in pieces {
            match piece {
                Piece::Text(text) => {
                    self.turns.text(Role::Assistant, text).map_err(refusal)?;
                }
                Piece::Mark(ttl) => self.turns.mark(ttl, self.cx.report),
            }
        }
        Ok(())
    }

    /// Writes the blocks that a reasoning item carries. What others signed, and text without a signature, is refused by the
    /// models and thus left out.
    fn reasoning(&mut self, text: &'a str, index: usize) -> Result<(), Refusal> {
        let item: Item<'a> = path::parse(text, || format!("input[{index}]"))?;
        for name in &item.unknown {
            self.cx.report.drop_field(format!("input[].{name}"));
        }
        let Some(carrier) = item.encrypted_content else {
            self.cx.report.drop_field("input[].summary");
            return Ok(());
        };
        let blocks = if index < self.replay_from {
            Vec::new()
        } else {
            from_carrier(carrier, self.cx.capabilities.bedrock.replay)
        };
        if blocks.is_empty() {
            self.cx.report.drop_field("input[].encrypted_content");
        }
        for block in blocks {
            self.turns.begin(Role::Assistant).map_err(refusal)?;
            block.write(self.turns.buf());
            self.turns.end(Block::Reasoning);
        }
        Ok(())
    }

    fn call(&mut self, text: &'a str, index: usize, custom: bool) -> Result<(), Refusal> {
        let item: Item<'a> = path::parse(text, || format!("input[{index}]"))?;
        report_item(&item, self.cx);
        let caller = item.caller.as_ref().and_then(|caller| caller.kind);
        if caller.is_some_and(|kind| kind.is("program")) {
            return Err(Refusal::unsupported(
                path::item(index, "caller"),
                format!("{TARGET} knows no calls that a program made"),
            ));
        }
        let Some(name) = item.name.filter(|name| !name.is_empty()) else {
            return Err(path::missing(path::item(index, "name")));
        };
        let namespace = item.namespace.filter(|name| !name.is_empty());
        let id = item.call_id.map(RawStr::decode).unwrap_or_default();
        let sent = tools::name_of(self.known, namespace, name);
        self.turns
            .begin_call(id.clone(), sent, index)
            .map_err(refusal)?;
        if custom {
            let input = item.input.map_or("\"\"", RawStr::json);
            let buf = self.turns.buf();
            buf.extend_from_slice(b"{\"input\":");
            buf.extend_from_slice(input.as_bytes());
            buf.put_u8(b'}');
        } else {
            self.arguments(item.arguments, index)?;
        }
        self.turns.end_call();
        let item = index;
        self.calls.push(Call { id, custom, item });
        Ok(())
    }

    /// Writes arguments, which are JSON in a string, as the object they hold.
    fn arguments(&mut self, arguments: Option<&'a RawValue>, index: usize) -> Result<(), Refusal> {
        let at = || path::item(index, "arguments");
        let buf = self.turns.buf();
        let text = match arguments {
            None => None,
            Some(arguments) => Some(RawStr::new(arguments).ok_or_else(|| path::wrong_type(at()))?),
        };
        let Some(text) = text.filter(|text| !text.is_blank()) else {
            buf.extend_from_slice(b"{}");
            return Ok(());
        };
        let start = buf.len();
        text.decode_into(buf);
        let written = buf.get(start..).unwrap_or_default();
        let is_object = written.trim_ascii_start().starts_with(b"{")
            && serde_json::from_slice::<serde::de::IgnoredAny>(written).is_ok();
        if !is_object {
            let message = format!("`{}` must be a JSON object", at());
            return Err(Refusal::invalid(at(), message));
        }
        Ok(())
    }

    /// The results of the calls come next, in the order of the calls, wherever the client put them.
    fn answer(&mut self) -> Result<(), Refusal> {
        for call in std::mem::take(&mut self.calls) {
            let found = self.items.first_answer(&call.id);
            let text = found.and_then(|at| Some((at, self.items.list.get(at)?.text)));
            let Some((index, text)) = text else {
                return Err(unanswered(call.custom, &call.id, call.item));
            };
            self.result(&call.id, text, index)?;
        }
        Ok(())
    }

    fn result(&mut self, id: &str, text: &'a str, index: usize) -> Result<(), Refusal> {
        let item: Item<'a> = path::parse(text, || format!("input[{index}]"))?;
        report_item(&item, self.cx);
        if is_incomplete(&item) {
            self.cx.report.drop_field("input[].status");
        }
        self.turns.begin_result(id).map_err(refusal)?;
        let output = item.output.map(RawValue::get).unwrap_or_default();
        let mut mark = None;
        if let Some(text) = RawStr::from_json(output) {
            self.turns.result_text(text);
        } else if walk::is_array(output) {
            mark = self.result_parts(output, index)?;
        } else if !output.is_empty() {
            return Err(path::wrong_type(path::item(index, "output")));
        }
        self.turns.end_result(None).map_err(refusal)?;
        if let Some(ttl) = mark {
            self.turns.mark(ttl, self.cx.report);
        }
        Ok(())
    }

    fn user_message(&mut self, text: &'a str, index: usize) -> Result<(), Refusal> {
        let item: Item<'a> = path::parse(text, || format!("input[{index}]"))?;
        report_item(&item, self.cx);
        self.turns.user_message();
        let content = item.content.map(RawValue::get).unwrap_or_default();
        if let Some(text) = RawStr::from_json(content) {
            return self.turns.text(Role::User, text).map(drop).map_err(refusal);
        }
        if !walk::is_array(content) {
            return Err(path::wrong_type(path::item(index, "content")));
        }
        self.user_parts(content, index)
    }

    /// A system message between the others.
    fn system_message(&mut self, text: &'a str, index: usize) -> Result<(), Refusal> {
        let mut pieces = Vec::new();
        each_piece(text, index, self.cx, |piece| pieces.push(piece))?;
        for piece in pieces {
            match piece {
                Piece::Text(text) => self.turns.system_text(text).map_err(refusal)?,
                Piece::Mark(ttl) => self.turns.mark(ttl, self.cx.report),
            }
        }
        Ok(())
    }
}

/// Calls and results that do not belong together: every call's result follows it here, so that only what was looked at before
/// can be wrong.
pub(super) fn refusal(unpaired: Unpaired) -> Refusal {
    match unpaired {
        Unpaired::Orphan => Refusal::invalid("input", "an output belongs to no call"),
        Unpaired::Unanswered { key, at } => unanswered(false, &key, at),
    }
}
