//! Assistant messages: reasoning first, then texts, then calls.

use std::borrow::Cow;

use bytes::BufMut;
use serde_json::value::RawValue;

use super::TARGET;
use super::conversation::{LegacyCall, Writer};
use crate::convert::anthropic_out::cache;
use crate::convert::chat_request::path::{self, At};
use crate::convert::chat_request::thinking::{self, Signed};
use crate::convert::chat_request::{content, roles};
use crate::convert::converse_envelope::Envelope;
use crate::convert::converse_out::reasoning::{self, Reasoning};
use crate::convert::converse_out::turns::{Kind, Role};
use crate::convert::report::Refusal;
use crate::format::chat::request::{FunctionCall, Message, Part, ToolCall};
use crate::format::raw::RawStr;
use crate::format::walk;

impl<'a> Writer<'_, 'a, '_> {
    /// Writes an assistant message.
    pub(super) fn assistant(&mut self, index: usize) -> Result<(), Refusal> {
        let Some(message) = self.messages.get(index) else {
            return Ok(());
        };
        if message.audio.is_some() {
            return Err(TARGET.unsupported(path::message(index, "audio"), "knows no earlier audio"));
        }
        if index.checked_sub(1).and_then(|before| self.role(before)) != Some(roles::Role::Assistant)
        {
            self.legacy.clear();
        }
        self.thinking(message, index)?;
        self.assistant_content(message, index)?;
        if let Some(refusal) = message.refusal {
            self.said(refusal, index)?;
        }
        let calls = message.tool_calls.map(RawValue::get).unwrap_or_default();
        if !calls.is_empty() && !walk::is_array(calls) {
            return Err(path::wrong_type(path::message(index, "tool_calls")));
        }
        for (number, element) in walk::elements(calls).enumerate() {
            let at = At {
                message: index,
                list: "tool_calls",
                index: number,
            };
            self.call(element, at)?;
        }
        if let Some(call) = &message.function_call {
            self.legacy_call(call, index)?;
        }
        self.mark_message(message);
        for (name, present) in [
            ("messages[].name", message.name.is_some()),
            ("messages[].annotations", message.annotations.is_some()),
            ("messages[].tool_call_id", message.tool_call_id.is_some()),
        ] {
            if present {
                self.cx.report.drop_field(name);
            }
        }
        content::report_unknown(message, self.cx.report);
        Ok(())
    }

    /// Writes the reasoning that the model takes back, unmodified.
    fn thinking(&mut self, message: &Message<'a>, index: usize) -> Result<(), Refusal> {
        let ours = |data: RawStr<'_>| thinking::is_native(data) || Envelope::open(data).is_some();
        let blocks = thinking::replayed(message, index, ours, self.cx.report)?;
        if blocks.is_empty() {
            return Ok(());
        }
        let mut sent: Vec<Reasoning<'a>> = Vec::with_capacity(blocks.len());
        let mut dropped = index < self.reasons_from;
        if !dropped {
            for block in blocks {
                let before = sent.len();
                match block {
                    Signed::Thinking { text, signature } => {
                        let block = reasoning::from_thinking(text, Some(signature), self.replay);
                        sent.extend(block);
                    }
                    Signed::Redacted(data) => {
                        sent.extend(reasoning::from_redacted(Some(data), self.replay));
                    }
                }
                dropped |= sent.len() == before;
            }
        }
        if dropped {
            self.cx
                .report
                .drop_field(if message.thinking_blocks.is_some() {
                    "messages[].thinking_blocks"
                } else if message.reasoning_details.is_some() {
                    "messages[].reasoning_details"
                } else {
                    "messages[].content[]"
                });
        }
        for block in sent {
            self.turns
                .begin(Role::Assistant)
                .map_err(|unpaired| self.refusal(index, unpaired))?;
            block.write(self.turns.buf());
            self.turns.end(Kind::Reasoning);
        }
        Ok(())
    }

    fn said(&mut self, text: RawStr<'a>, index: usize) -> Result<(), Refusal> {
        self.turns
            .text(Role::Assistant, text)
            .map(|_| ())
            .map_err(|unpaired| self.refusal(index, unpaired))
    }

    fn assistant_content(&mut self, message: &Message<'a>, index: usize) -> Result<(), Refusal> {
        let Some(content) = message.content.map(RawValue::get) else {
            return Ok(());
        };
        if let Some(text) = RawStr::from_json(content) {
            return self.said(text, index);
        }
        if !walk::is_array(content) {
            return Err(path::wrong_type(path::message(index, "content")));
        }
        for (number, element) in walk::elements(content).enumerate() {
            let at = At {
                message: index,
                list: "content",
                index: number,
            };
            let part: Part<'a> = path::parse(element, || at.path())?;
            let Some(text) = content::assistant_text(&part, at, TARGET)? else {
                continue;
            };
            self.said(text, index)?;
            content::report_unknown_part(&part, self.cx.report);
            if let Some(ttl) = content::part_mark(&part, self.cx.report) {
                self.turns.mark(ttl, self.cx.report);
            }
        }
        Ok(())
    }

    fn call(&mut self, element: &'a str, at: At) -> Result<(), Refusal> {
        let call: ToolCall<'a> = path::parse(element, || at.path())?;
        let id = call.id.map_or(Cow::Borrowed(""), RawStr::decode);
        match call.kind.map(RawStr::decode).as_deref() {
            None | Some("function") => {
                let Some(function) = &call.function else {
                    return Err(path::missing(at.member("function")));
                };
                let name = path::required(function.name, || at.member("function.name"))?;
                self.begin_call(id, name, at.message)?;
                self.arguments(function, || at.member("function.arguments"))?;
                for name in &function.unknown {
                    self.cx
                        .report
                        .drop_field(format!("messages[].tool_calls[].function.{name}"));
                }
            }
            Some("custom") => {
                let Some(custom) = &call.custom else {
                    return Err(path::missing(at.member("custom")));
                };
                let name = path::required(custom.name, || at.member("custom.name"))?;
                self.begin_call(id, name, at.message)?;
                let buf = self.turns.buf();
                buf.extend_from_slice(b"{\"input\":");
                buf.extend_from_slice(custom.input.map_or("\"\"", RawStr::json).as_bytes());
                buf.put_u8(b'}');
                for name in &custom.unknown {
                    self.cx
                        .report
                        .drop_field(format!("messages[].tool_calls[].custom.{name}"));
                }
            }
            Some(_) => {
                return Err(TARGET.unsupported(at.member("type"), "knows no call of this type"));
            }
        }
        self.turns.end_call();
        let control = call.cache_control;
        let ttl = cache::requested(control, None, "messages[].tool_calls[]", self.cx.report);
        if let Some(ttl) = ttl {
            self.turns.mark(ttl, self.cx.report);
        }
        for name in &call.unknown {
            self.cx
                .report
                .drop_field(format!("messages[].tool_calls[].{name}"));
        }
        Ok(())
    }

    fn legacy_call(&mut self, call: &FunctionCall<'a>, index: usize) -> Result<(), Refusal> {
        let name = path::required(call.name, || path::message(index, "function_call.name"))?;
        let key = format!("fc_{}", self.legacy_calls);
        self.legacy_calls += 1;
        self.legacy.push(LegacyCall {
            name: name.decode(),
            key: key.clone(),
            is_answered: false,
        });
        self.begin_call(Cow::Owned(key), name, index)?;
        self.arguments(call, || path::message(index, "function_call.arguments"))?;
        self.turns.end_call();
        Ok(())
    }

    fn begin_call(
        &mut self,
        key: Cow<'a, str>,
        name: RawStr<'a>,
        index: usize,
    ) -> Result<(), Refusal> {
        self.turns
            .begin_call(key, name.decode(), index)
            .map_err(|unpaired| self.refusal(index, unpaired))
    }

    /// Writes arguments, which are JSON in a string, as the object that they hold: Converse takes nothing else.
    fn arguments(
        &mut self,
        function: &FunctionCall<'_>,
        at: impl FnOnce() -> String,
    ) -> Result<(), Refusal> {
        let buf = self.turns.buf();
        let Some(arguments) = function.arguments.filter(|text| !text.is_blank()) else {
            buf.extend_from_slice(b"{}");
            return Ok(());
        };
        let start = buf.len();
        arguments.decode_into(buf);
        let written = buf.get(start..).unwrap_or_default();
        let is_object = written.trim_ascii_start().starts_with(b"{")
            && serde_json::from_slice::<serde::de::IgnoredAny>(written).is_ok();
        if is_object {
            return Ok(());
        }
        let path = at();
        let message = format!("{path} must be a JSON object");
        Err(Refusal::invalid(path, message))
    }
}
