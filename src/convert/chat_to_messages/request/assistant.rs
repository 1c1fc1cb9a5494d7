//! Assistant messages: thinking first, then text, then calls.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::TARGET;
use super::messages::{Speaker, Writer};
use super::path::{self, At};
use super::results::Call;
use super::system;
use crate::codec::write;
use crate::convert::anthropic_out::cache::{self, Section};
use crate::convert::chat_request::content;
use crate::convert::report::Refusal;
use crate::convert::tool_names;
use crate::format::chat::request::{CustomCall, FunctionCall, Message, Part, ToolCall};
use crate::format::raw::RawStr;
use crate::format::walk;

impl<'a> Writer<'_, 'a, '_> {
    /// Writes an assistant message.
    pub(super) fn assistant(&mut self, index: usize) -> Result<(), Refusal> {
        let Some(message) = self.messages.get(index) else {
            return Ok(());
        };
        self.out.new_message();
        self.enter_assistant(index);
        if message.audio.is_some() {
            return Err(Refusal::unsupported(
                path::message(index, "audio"),
                "Anthropic knows no earlier audio",
            ));
        }
        self.thinking(message, index)?;
        self.assistant_content(message, index)?;
        if let Some(refusal) = message.refusal {
            self.text(Speaker::Assistant, refusal)?;
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
        if let Some(ttl) = system::message_mark(message, self.cx.report) {
            system::mark(self.out, Section::Messages, ttl, self.cx.report);
        }
        for (name, present) in [
            ("messages[].name", message.name.is_some()),
            ("messages[].annotations", message.annotations.is_some()),
            ("messages[].tool_call_id", message.tool_call_id.is_some()),
        ] {
            if present {
                self.cx.report.drop_field(name);
            }
        }
        system::report_unknown(message, self.cx.report);
        Ok(())
    }

    fn assistant_content(&mut self, message: &Message<'a>, index: usize) -> Result<(), Refusal> {
        let Some(content) = message.content.map(RawValue::get) else {
            return Ok(());
        };
        if let Some(text) = RawStr::from_json(content) {
            return self.text(Speaker::Assistant, text);
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
            self.text(Speaker::Assistant, text)?;
            system::report_unknown_part(&part, self.cx.report);
            if let Some(ttl) = system::part_mark(&part, self.cx.report) {
                system::mark(self.out, Section::Messages, ttl, self.cx.report);
            }
        }
        Ok(())
    }

    fn call(&mut self, element: &'a str, at: At) -> Result<(), Refusal> {
        let call: ToolCall<'a> = path::parse(element, || at.path())?;
        let original = call.id.map_or(Cow::Borrowed(""), RawStr::decode);
        let kind = call.kind.map(RawStr::decode);
        match kind.as_deref() {
            None | Some("function") => {
                let Some(function) = &call.function else {
                    return Err(path::missing(at.member("function")));
                };
                let name = path::required(function.name, || at.member("function.name"))?;
                self.begin_call(name, original, false, at.message)?;
                self.arguments(function, "messages[].tool_calls[].function.arguments");
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
                self.begin_call(name, original, false, at.message)?;
                self.custom_input(custom);
            }
            Some(_) => {
                return Err(Refusal::unsupported(
                    at.member("type"),
                    "Anthropic knows no call of this type",
                ));
            }
        }
        self.out.end_block();
        let ttl = cache::requested(
            call.cache_control,
            None,
            "messages[].tool_calls[]",
            self.cx.report,
        );
        if let Some(ttl) = ttl {
            system::mark(self.out, Section::Messages, ttl, self.cx.report);
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
        self.begin_call(name, name.decode(), true, index)?;
        self.arguments(call, "messages[].function_call.arguments");
        self.out.end_block();
        Ok(())
    }

    /// Begins a `tool_use` block up to its input. `key` is what the answer names the call by: its id, or the function's
    /// name where `legacy`.
    fn begin_call(
        &mut self,
        name: RawStr<'a>,
        key: Cow<'a, str>,
        legacy: bool,
        message: usize,
    ) -> Result<(), Refusal> {
        self.begin(Speaker::Assistant)?;
        self.note_call();
        let sent = if legacy {
            self.ids.assign(Cow::Owned(format!("call_fc_{message}")))
        } else {
            self.ids.assign(key.clone())
        };
        if !legacy && sent != key {
            self.cx.report.approximate("messages[].tool_calls[].id");
        }
        let buf = &mut self.out.buf;
        buf.extend_from_slice(b"{\"type\":\"tool_use\",\"id\":");
        write::string(buf, &sent);
        buf.extend_from_slice(b",\"name\":");
        if tool_names::is_valid(name.content()) {
            buf.extend_from_slice(name.json().as_bytes());
        } else {
            write::string(buf, &self.names.sent(&name.decode()));
        }
        buf.extend_from_slice(b",\"input\":");
        self.calls.push(Call {
            legacy,
            key,
            sent,
            message,
        });
        Ok(())
    }

    /// Writes arguments, which are JSON in a string, as the object they hold. What is no object is carried as text, so
    /// that a history in which a model once wrote broken JSON does not fail.
    fn arguments(&mut self, function: &FunctionCall<'_>, field: &'static str) {
        let buf = &mut self.out.buf;
        let Some(arguments) = function.arguments.filter(|text| !text.is_blank()) else {
            buf.extend_from_slice(b"{}");
            return;
        };
        let start = buf.len();
        arguments.decode_into(buf);
        let written = buf.get(start..).unwrap_or_default();
        let is_object = written.trim_ascii_start().starts_with(b"{")
            && serde_json::from_slice::<serde::de::IgnoredAny>(written).is_ok();
        if !is_object {
            buf.truncate(start);
            buf.extend_from_slice(b"{\"__raw_arguments\":");
            buf.extend_from_slice(arguments.json().as_bytes());
            buf.extend_from_slice(b"}");
            self.cx.report.approximate(field);
        }
    }

    fn custom_input(&mut self, custom: &CustomCall<'_>) {
        let input = custom.input.map_or("\"\"", RawStr::json);
        let buf = &mut self.out.buf;
        buf.extend_from_slice(b"{\"input\":");
        buf.extend_from_slice(input.as_bytes());
        buf.extend_from_slice(b"}");
    }
}
