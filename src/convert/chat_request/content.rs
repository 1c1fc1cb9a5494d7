//! What messages hold beside what their roles say: texts of system messages, cache marks, and members that no rule knows.

use serde_json::value::RawValue;

use super::checks::Target;
use super::path::{self, At};
use crate::convert::anthropic_out::cache::{self, Ttl};
use crate::convert::report::{LossReport, Refusal};
use crate::format::chat::request::{Message, Part};
use crate::format::raw::RawStr;
use crate::format::walk;

/// A text, or a mark for the block before it.
#[derive(Debug, Clone, Copy)]
pub(in crate::convert) enum Piece<'a> {
    Text(RawStr<'a>),
    Mark(Ttl),
}

/// Visits the texts of a system message that are not blank, and its cache marks.
pub(in crate::convert) fn each_piece<'a>(
    message: &Message<'a>,
    index: usize,
    report: &mut LossReport,
    mut visit: impl FnMut(Piece<'a>, &mut LossReport) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let content = message.content.map(RawValue::get).unwrap_or_default();
    if let Some(text) = RawStr::from_json(content) {
        if !text.is_blank() {
            visit(Piece::Text(text), report)?;
        }
    } else if walk::is_array(content) {
        for (number, element) in walk::elements(content).enumerate() {
            let at = At {
                message: index,
                list: "content",
                index: number,
            };
            let part: Part<'a> = path::parse(element, || at.path())?;
            let Some(kind) = part.kind else {
                return Err(path::missing(at.member("type")));
            };
            if !kind.is("text") {
                return Err(Refusal::unsupported(
                    at.path(),
                    "a system message takes text parts only",
                ));
            }
            let Some(text) = part.text else {
                return Err(path::missing(at.member("text")));
            };
            report_unknown_part(&part, report);
            if !text.is_blank() {
                visit(Piece::Text(text), report)?;
            }
            let ttl = part_mark(&part, report);
            if let Some(ttl) = ttl {
                visit(Piece::Mark(ttl), report)?;
            }
        }
    } else if !content.is_empty() {
        return Err(path::wrong_type(path::message(index, "content")));
    }
    if let Some(ttl) = message_mark(message, report) {
        visit(Piece::Mark(ttl), report)?;
    }
    report_unused(message, report);
    Ok(())
}

/// The text of a part of an assistant message; `None` for thinking, which is replayed before the texts.
pub(in crate::convert) fn assistant_text<'a>(
    part: &Part<'a>,
    at: At,
    target: Target,
) -> Result<Option<RawStr<'a>>, Refusal> {
    let Some(kind) = part.kind else {
        return Err(path::missing(at.member("type")));
    };
    let (member, text) = match &*kind.decode() {
        "text" => ("text", part.text),
        "refusal" => ("refusal", part.refusal),
        "thinking" | "redacted_thinking" => return Ok(None),
        _ => {
            return Err(target.unsupported(
                at.path(),
                "takes no part of this type in an assistant message",
            ));
        }
    };
    match text {
        Some(text) => Ok(Some(text)),
        None => Err(path::missing(at.member(member))),
    }
}

/// The mark that a part asks for.
pub(in crate::convert) fn part_mark(part: &Part<'_>, report: &mut LossReport) -> Option<Ttl> {
    cache::requested(
        part.cache_control,
        part.prompt_cache_breakpoint,
        "messages[].content[]",
        report,
    )
}

/// The mark that a message asks for: it goes to its last block.
pub(in crate::convert) fn message_mark(
    message: &Message<'_>,
    report: &mut LossReport,
) -> Option<Ttl> {
    cache::requested(
        message.cache_control,
        message.prompt_cache_breakpoint,
        "messages[]",
        report,
    )
}

/// Reports a part's members that no rule knows.
pub(in crate::convert) fn report_unknown_part(part: &Part<'_>, report: &mut LossReport) {
    for name in &part.unknown {
        report.drop_field(format!("messages[].content[].{name}"));
    }
}

/// Reports what a system or user message holds beside its content.
pub(in crate::convert) fn report_unused(message: &Message<'_>, report: &mut LossReport) {
    for (name, present) in [
        ("messages[].name", message.name.is_some()),
        ("messages[].tool_calls", message.tool_calls.is_some()),
        ("messages[].function_call", message.function_call.is_some()),
        ("messages[].tool_call_id", message.tool_call_id.is_some()),
        ("messages[].refusal", message.refusal.is_some()),
        ("messages[].annotations", message.annotations.is_some()),
        ("messages[].audio", message.audio.is_some()),
        (
            "messages[].reasoning_content",
            message.reasoning_content.is_some(),
        ),
        ("messages[].reasoning", message.reasoning.is_some()),
        (
            "messages[].thinking_blocks",
            message.thinking_blocks.is_some(),
        ),
        (
            "messages[].reasoning_details",
            message.reasoning_details.is_some(),
        ),
        (
            "messages[].content_blocks",
            message.content_blocks.is_some(),
        ),
    ] {
        if present {
            report.drop_field(name);
        }
    }
    report_unknown(message, report);
}

/// Reports a message's members that no rule knows.
pub(in crate::convert) fn report_unknown(message: &Message<'_>, report: &mut LossReport) {
    for name in &message.unknown {
        report.drop_field(format!("messages[].{name}"));
    }
}
