//! Assistant messages: text, then calls; or the parts as they came from Google.

use bytes::BytesMut;
use serde_json::value::RawValue;

use super::TARGET;
use super::history::{Arguments, Call, History};
use crate::codec::write::Object;
use crate::convert::chat_request::content::{assistant_text, report_unknown_part};
use crate::convert::chat_request::path::{At, message};
use crate::convert::context::RequestContext;
use crate::convert::gemini_out::{self, Contents, NO_SIGNATURE, Section, write_arguments};
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::format::chat::request::{Message, Part};
use crate::format::raw::RawStr;
use crate::format::walk;
use crate::models::GeminiGeneration;

impl<'a> History<'_, 'a> {
    /// Writes an assistant message.
    pub(super) fn assistant(
        &mut self,
        index: usize,
        contents: &mut Contents<'_>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let Some(said) = self.messages.get(index) else {
            return Ok(());
        };
        if said.audio.is_some() {
            return Err(TARGET.unsupported(message(index, "audio"), "knows no earlier audio"));
        }
        report_unused(said, cx);
        let google = if said.unknown.iter().any(|name| name == "extra_content") {
            let extra = walk::member(self.text_of(index), "extra_content");
            extra.and_then(|extra| walk::member(extra, "google"))
        } else {
            None
        };
        let google = google.unwrap_or_default();
        let parts = walk::elements(walk::member(google, "parts").unwrap_or_default());
        let mut parts = parts.filter(|part| walk::is_object(part)).peekable();
        if parts.peek().is_some() {
            contents.replay(parts);
            return Ok(());
        }
        let calls = self.calls_of(index);
        let signature = walk::member(google, "thought_signature")
            .and_then(RawStr::from_json)
            .map(RawStr::content)
            .filter(|signature| !signature.is_empty())
            .filter(|signature| {
                let on_call = |call: &Call<'_>| call.signature.as_deref() == Some(*signature);
                !calls.iter().any(on_call)
            });
        let texts = texts(said, index, cx)?;
        let last = texts.len().saturating_sub(1);
        for (at, text) in texts.iter().enumerate() {
            contents.text(Section::Model, *text, signature.filter(|_| at == last));
        }
        let newest = cx.capabilities.gemini == GeminiGeneration::V3;
        let demanded = newest && self.is_current(index);
        for (at, call) in calls.iter().enumerate() {
            // Only the first of several calls at once carries one.
            let stand_in = (demanded && at == 0).then_some(NO_SIGNATURE);
            let written = gemini_out::Call {
                id: call.id().filter(|id| newest && !id.is_empty()),
                name: &call.name,
                signature: call.signature.as_deref().or(stand_in),
            };
            contents.call(written, |out| write_call_arguments(out, call.arguments, cx));
        }
        Ok(())
    }
}

fn write_call_arguments(out: &mut BytesMut, arguments: Arguments<'_>, cx: &mut RequestContext<'_>) {
    match arguments {
        Arguments::Json(arguments) => {
            if !write_arguments(out, arguments) {
                cx.report
                    .approximate("messages[].tool_calls[].function.arguments");
            }
        }
        Arguments::Input(input) => {
            let mut object = Object::begin(out);
            object.raw("input", input.map_or("\"\"", RawStr::json));
            object.end();
        }
    }
}

/// The texts of the message, and of its refusal, that are not empty.
fn texts<'a>(
    said: &Message<'a>,
    index: usize,
    cx: &mut RequestContext<'_>,
) -> Result<Vec<RawStr<'a>>, Refusal> {
    let mut texts = Vec::new();
    let content = said.content.map(RawValue::get).unwrap_or_default();
    if let Some(text) = RawStr::from_json(content) {
        texts.push(text);
    } else if !content.is_empty() && !walk::is_array(content) {
        return Err(path::wrong_type(message(index, "content")));
    }
    for (number, element) in walk::elements(content).enumerate() {
        let at = At {
            message: index,
            list: "content",
            index: number,
        };
        let part: Part<'a> = path::parse(element, || at.path())?;
        let Some(text) = assistant_text(&part, at, TARGET)? else {
            cx.report.drop_field("messages[].content[]");
            continue;
        };
        texts.push(text);
        super::parts::report_marks(&part, cx);
        report_unknown_part(&part, cx.report);
    }
    texts.extend(said.refusal);
    texts.retain(|text| !text.is_empty());
    Ok(texts)
}

/// Reports what is never sent back: thoughts and citations among it.
fn report_unused(said: &Message<'_>, cx: &mut RequestContext<'_>) {
    super::parts::report_message_marks(said, cx);
    for (name, present) in [
        ("name", said.name.is_some()),
        ("annotations", said.annotations.is_some()),
        ("tool_call_id", said.tool_call_id.is_some()),
        ("reasoning_content", said.reasoning_content.is_some()),
        ("reasoning", said.reasoning.is_some()),
        ("thinking_blocks", said.thinking_blocks.is_some()),
        ("reasoning_details", said.reasoning_details.is_some()),
        ("content_blocks", said.content_blocks.is_some()),
    ] {
        if present {
            cx.report.drop_field(format!("messages[].{name}"));
        }
    }
    for name in said.unknown.iter().filter(|name| *name != "extra_content") {
        cx.report.drop_field(format!("messages[].{name}"));
    }
}
