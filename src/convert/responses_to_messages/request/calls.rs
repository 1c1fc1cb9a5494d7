//! Calls, and the results that answer them.

use bytes::BufMut;
use serde_json::value::RawValue;

use super::names;
use super::parts::Slot;
use super::turns::{Call, Speaker, Writer};
use crate::codec::write;
use crate::convert::report::Refusal;
use crate::convert::responses_request::content::{is_incomplete, report_item};
use crate::convert::responses_request::heads::unanswered;
use crate::convert::responses_request::path;
use crate::format::raw::RawStr;
use crate::format::responses::request::Item;
use crate::format::walk;

impl<'a> Writer<'_, 'a, '_> {
    /// Writes a call as a `tool_use` block.
    pub(super) fn call(
        &mut self,
        text: &'a str,
        index: usize,
        custom: bool,
    ) -> Result<(), Refusal> {
        let item: Item<'a> = path::parse(text, || format!("input[{index}]"))?;
        report_item(&item, self.cx);
        let caller = item.caller.as_ref().and_then(|caller| caller.kind);
        if caller.is_some_and(|kind| kind.is("program")) {
            return Err(Refusal::unsupported(
                path::item(index, "caller"),
                "Anthropic knows no calls that a program made",
            ));
        }
        let Some(name) = item.name.filter(|name| !name.is_empty()) else {
            return Err(path::missing(path::item(index, "name")));
        };
        let original = item.call_id.map(RawStr::decode).unwrap_or_default();
        let sent = self.ids.assign(original.clone());
        if sent != original {
            self.cx.report.approximate("input[].call_id");
        }
        self.begin(Speaker::Assistant)?;
        let namespace = item.namespace.filter(|name| !name.is_empty());
        let tool = names::name_of(self.tools, namespace.map(RawStr::decode), name.decode());
        let buf = &mut self.out.buf;
        buf.extend_from_slice(b"{\"type\":\"tool_use\",\"id\":");
        write::string(buf, &sent);
        buf.extend_from_slice(b",\"name\":");
        write::string(buf, &tool);
        buf.extend_from_slice(b",\"input\":");
        if self.facts.called.last().map(String::as_str) != Some(&*tool) && self.tools.is_empty() {
            self.facts.called.push(tool.into_owned());
        }
        if custom {
            let input = item.input.map_or("\"\"", RawStr::json);
            self.out.buf.extend_from_slice(b"{\"input\":");
            self.out.buf.extend_from_slice(input.as_bytes());
            self.out.buf.put_u8(b'}');
        } else {
            self.arguments(item.arguments.map(RawValue::get), index)?;
        }
        self.out.end_block();
        self.calls.push(Call {
            original: original.into_owned(),
            sent: sent.into_owned(),
            custom,
            item: index,
        });
        Ok(())
    }

    /// Writes arguments, which are JSON in a string, as the object they hold. What is no object is carried as text, so
    /// that a history in which a model once wrote broken JSON does not fail.
    fn arguments(&mut self, arguments: Option<&'a str>, index: usize) -> Result<(), Refusal> {
        let buf = &mut self.out.buf;
        let Some(arguments) = arguments else {
            buf.extend_from_slice(b"{}");
            return Ok(());
        };
        let Some(text) = RawStr::from_json(arguments) else {
            return Err(path::wrong_type(path::item(index, "arguments")));
        };
        if text.is_blank() {
            buf.extend_from_slice(b"{}");
            return Ok(());
        }
        let start = buf.len();
        text.decode_into(buf);
        let written = buf.get(start..).unwrap_or_default();
        let is_object = written.trim_ascii_start().starts_with(b"{")
            && serde_json::from_slice::<serde::de::IgnoredAny>(written).is_ok();
        if !is_object {
            buf.truncate(start);
            buf.extend_from_slice(b"{\"__raw_arguments\":");
            buf.extend_from_slice(arguments.as_bytes());
            buf.put_u8(b'}');
            self.cx.report.approximate("input[].arguments");
        }
        Ok(())
    }

    /// Ends the assistant's turn: the results of its calls come next, in the order of the calls, wherever the client put them.
    pub(super) fn end_assistant_turn(&mut self) -> Result<(), Refusal> {
        if self.calls.is_empty() {
            return Ok(());
        }
        for call in std::mem::take(&mut self.calls) {
            let Some(index) = self.items.answer(&call.original) else {
                return Err(unanswered(call.custom, &call.original, call.item));
            };
            let Some(text) = self.items.list.get(index).map(|item| item.text) else {
                return Err(unanswered(call.custom, &call.original, call.item));
            };
            self.result(&call.sent, text, index)?;
        }
        self.note_answers();
        Ok(())
    }

    fn result(&mut self, sent: &str, text: &'a str, index: usize) -> Result<(), Refusal> {
        let item: Item<'a> = path::parse(text, || format!("input[{index}]"))?;
        self.out.new_message();
        report_item(&item, self.cx);
        self.begin(Speaker::User)?;
        let buf = &mut self.out.buf;
        buf.extend_from_slice(b"{\"type\":\"tool_result\",\"tool_use_id\":");
        write::string(buf, sent);
        let mut mark = None;
        let output = item.output.map(RawValue::get).unwrap_or_default();
        if let Some(text) = RawStr::from_json(output) {
            if !text.is_empty() {
                self.out.buf.extend_from_slice(b",\"content\":");
                self.out.buf.extend_from_slice(output.as_bytes());
            }
        } else if walk::is_array(output) {
            let mut slot = Slot::Result {
                any: false,
                mark: None,
            };
            self.parts(output, index, "output", &mut slot)?;
            if let Slot::Result { any, mark: inner } = slot {
                mark = inner;
                if any {
                    self.out.buf.put_u8(b']');
                }
            }
        } else if !output.is_empty() {
            return Err(path::wrong_type(path::item(index, "output")));
        }
        if is_incomplete(&item) {
            self.out.buf.extend_from_slice(b",\"is_error\":true");
        }
        self.out.end_block();
        if let Some(ttl) = mark {
            self.mark(ttl);
        }
        Ok(())
    }
}
