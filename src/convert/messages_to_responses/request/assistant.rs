//! Messages of the assistant's: texts, calls, and the reasoning to replay.

use crate::codec::write::Object;
use crate::convert::context::RequestContext;
use crate::convert::openai_envelope::Envelope;
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::format::messages::request::Block;
use crate::format::raw::RawStr;
use crate::format::walk;

use super::input::{Input, Phase, Role};
use super::{At, Content, name, parts};

/// Writes a message; `takes_replay` where the model can be given its reasoning back.
pub(super) fn write(
    input: &mut Input<'_>,
    content: Content<'_>,
    message: usize,
    takes_replay: bool,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    input.close();
    let wants_phase = cx.options.emit_phase == Some(true);
    match content {
        Content::Absent => {
            return Err(path::missing(format!("messages[{message}].content")));
        }
        Content::Text(text) => {
            input.assistant_text(text, wants_phase.then_some(Phase::FinalAnswer));
        }
        Content::Blocks(blocks) => {
            let last_call = blocks
                .iter()
                .rposition(|block| block.kind.is_some_and(|kind| kind.is("tool_use")));
            for (index, block) in blocks.iter().enumerate() {
                let at = At {
                    message,
                    block: index,
                    inner: None,
                };
                let phase = wants_phase.then(|| {
                    if last_call.is_some_and(|call| call > index) {
                        Phase::Commentary
                    } else {
                        Phase::FinalAnswer
                    }
                });
                write_block(input, block, at, phase, takes_replay, cx)?;
            }
        }
    }
    input.close();
    Ok(())
}

fn write_block(
    input: &mut Input<'_>,
    block: &Block<'_>,
    at: At,
    phase: Option<Phase>,
    takes_replay: bool,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    parts::report_unknown(block, cx);
    parts::drop_mark(block.cache_control, cx);
    let kind = block.kind.ok_or_else(|| path::missing(at.member("type")))?;
    if !kind.is("text") {
        input.close();
    }
    match &*kind.decode() {
        "text" => {
            parts::drop_citations(block, cx);
            let text = block.text.ok_or_else(|| path::missing(at.member("text")))?;
            input.assistant_text(text, phase);
        }
        "tool_use" => tool_use(input, block, at)?,
        "thinking" | "redacted_thinking" => {
            if !replay(input, block, takes_replay) {
                cx.report.drop_field("messages[].content[].thinking");
            }
        }
        "compaction" => {
            let content = Content::read(block.content, || at.member("content"))?;
            if let Content::Text(text) = content {
                cx.report.approximate("messages[].content[]");
                parts::text(input, Role::User, text);
                input.close();
            } else {
                cx.report.drop_field("messages[].content[]");
            }
        }
        // What the provider's own tools did: the text that came of it remains.
        kind if kind == "server_tool_use"
            || kind == "mcp_tool_use"
            || kind.ends_with("_tool_result") =>
        {
            cx.report.drop_field("messages[].content[]");
        }
        other => return Err(parts::unsupported(at, other)),
    }
    Ok(())
}

fn tool_use(input: &mut Input<'_>, block: &Block<'_>, at: At) -> Result<(), Refusal> {
    let is_direct = |caller: &str| {
        walk::member(caller, "type")
            .and_then(RawStr::from_json)
            .is_some_and(|kind| kind.is("direct"))
    };
    if block.toolset_name.is_some() {
        return Err(parts::unsupported(at, "tool_use of a toolset"));
    }
    if block.caller.is_some_and(|caller| !is_direct(caller.get())) {
        return Err(parts::unsupported(at, "tool_use called by another tool"));
    }
    let id = block.id.ok_or_else(|| path::missing(at.member("id")))?;
    let called = block.name.ok_or_else(|| path::missing(at.member("name")))?;
    let input_json = match block.input {
        Some(raw) if walk::is_object(raw.get()) => raw.get(),
        Some(_) => return Err(path::wrong_type(at.member("input"))),
        None => "{}",
    };
    let out = input.assistant_item();
    let mut item = Object::begin(out);
    item.string("type", "function_call")
        .string("call_id", &name::call(id.decode()))
        .string("name", &name::tool(&called.decode()));
    match unparsed(input_json) {
        Some(arguments) => item.raw("arguments", arguments.json()),
        None => item.string("arguments", input_json),
    };
    item.end();
    Ok(())
}

/// What a model wrote that was no JSON object, out of the object that it was put into for the client.
fn unparsed(input: &str) -> Option<RawStr<'_>> {
    let mut members = walk::members(input);
    let (key, value) = members.next()?;
    (key.is("__raw_arguments") && members.next().is_none())
        .then(|| RawStr::from_json(value))
        .flatten()
}

/// Gives OpenAI its reasoning back, from the envelope that carried it; `false` for reasoning that is not OpenAI's, which
/// nobody there can verify.
fn replay(input: &mut Input<'_>, block: &Block<'_>, takes_replay: bool) -> bool {
    let opaque = block.signature.or(block.data);
    let Some(envelope) = opaque.and_then(Envelope::open).filter(|_| takes_replay) else {
        return false;
    };
    let Some(encrypted) = envelope.encrypted() else {
        return false;
    };
    input.reasoning(|out| {
        let mut item = Object::begin(out);
        item.string("type", "reasoning");
        let mut summary = item.array("summary");
        let mut part = |text: RawStr<'_>| {
            let mut part = summary.object();
            part.string("type", "summary_text").raw("text", text.json());
            part.end();
        };
        match envelope.summary() {
            Some(parts) => parts.for_each(part),
            None => {
                if let Some(text) = block.thinking.filter(|text| !text.is_empty()) {
                    part(text);
                }
            }
        }
        summary.end();
        item.raw("encrypted_content", encrypted.json());
        item.end();
    });
    true
}
