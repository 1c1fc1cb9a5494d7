//! The pieces that items are made of: texts of system messages, cache marks, and what of them is lost.

use serde_json::value::RawValue;

use super::heads::{Items, Kind};
use super::path::{self, At};
use crate::convert::anthropic_out::cache::{self, Ttl};
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::format::raw::RawStr;
use crate::format::responses::request::{Item, Part};
use crate::format::walk;

/// A text, or a mark for the block before it.
#[derive(Debug, Clone, Copy)]
pub(in crate::convert) enum Piece<'a> {
    Text(RawStr<'a>),
    Mark(Ttl),
}

/// How many items the run of system messages at the beginning has, those without text of their own included.
pub(in crate::convert) fn leading(items: &Items<'_>) -> usize {
    let before = |kind: Kind| {
        matches!(
            kind,
            Kind::System | Kind::AdditionalTools | Kind::ConfigurationUpdate
        )
    };
    items
        .list
        .iter()
        .take_while(|item| before(item.kind))
        .count()
}

/// Visits the texts of a system message that are not blank, and its cache marks.
pub(in crate::convert) fn each_piece<'a>(
    text: &'a str,
    index: usize,
    cx: &mut RequestContext<'_>,
    mut visit: impl FnMut(Piece<'a>),
) -> Result<(), Refusal> {
    let refusal = "a system message takes text parts only";
    each(text, index, refusal, cx, |piece| match piece {
        Piece::Text(text) if text.is_blank() => {}
        piece => visit(piece),
    })
}

/// Visits what the assistant said, and its cache marks; blank texts, too.
pub(in crate::convert) fn each_assistant_piece<'a>(
    text: &'a str,
    index: usize,
    cx: &mut RequestContext<'_>,
    visit: impl FnMut(Piece<'a>),
) -> Result<(), Refusal> {
    let refusal = "an assistant message takes no part of this type";
    each(text, index, refusal, cx, visit)
}

/// Visits the texts and marks of a message that holds nothing else; `refusal` is said to other parts. Only the assistant refuses.
fn each<'a>(
    text: &'a str,
    index: usize,
    refusal: &'static str,
    cx: &mut RequestContext<'_>,
    mut visit: impl FnMut(Piece<'a>),
) -> Result<(), Refusal> {
    let item: Item<'a> = path::parse(text, || format!("input[{index}]"))?;
    report_item(&item, cx);
    let content = item.content.map(RawValue::get).unwrap_or_default();
    if let Some(text) = RawStr::from_json(content) {
        visit(Piece::Text(text));
        return Ok(());
    }
    if !walk::is_array(content) {
        return Err(path::wrong_type(path::item(index, "content")));
    }
    let refuses = item.role.is_some_and(|role| role.is("assistant"));
    for (number, element) in walk::elements(content).enumerate() {
        let at = At {
            item: index,
            list: "content",
            index: number,
        };
        let part: Part<'a> = path::parse(element, || at.path())?;
        let kind = part.kind.ok_or_else(|| path::missing(at.member("type")))?;
        let (member, text) = match &*kind.decode() {
            "output_text" | "input_text" | "text" => ("text", part.text),
            "refusal" if refuses => ("refusal", part.refusal),
            _ => return Err(Refusal::unsupported(at.path(), refusal)),
        };
        let text = text.ok_or_else(|| path::missing(at.member(member)))?;
        report_part(&part, at, cx);
        visit(Piece::Text(text));
        if let Some(ttl) = mark(&part, at, cx) {
            visit(Piece::Mark(ttl));
        }
    }
    Ok(())
}

/// The cache mark that a part asks for.
pub(in crate::convert) fn mark(
    part: &Part<'_>,
    at: At,
    cx: &mut RequestContext<'_>,
) -> Option<Ttl> {
    let path = match at.list {
        "output" => "input[].output[]",
        _ => "input[].content[]",
    };
    cache::requested(
        part.cache_control,
        part.prompt_cache_breakpoint,
        path,
        cx.report,
    )
}

/// Whether the output of a call says that it is not all of it.
pub(in crate::convert) fn is_incomplete(item: &Item<'_>) -> bool {
    item.status.is_some_and(|status| status.is("incomplete"))
}

/// Reports what an item holds that is lost: its own id, and members that no rule knows.
pub(in crate::convert) fn report_item(item: &Item<'_>, cx: &mut RequestContext<'_>) {
    for (field, present) in [
        ("input[].id", item.id.is_some()),
        ("input[].phase", item.phase.is_some()),
        (
            "input[].async",
            item.is_async.is_some_and(|value| value.get() == "true"),
        ),
    ] {
        if present {
            cx.report.drop_field(field);
        }
    }
    for name in &item.unknown {
        cx.report.drop_field(format!("input[].{name}"));
    }
}

/// Reports what a part holds that is lost.
pub(in crate::convert) fn report_part(part: &Part<'_>, at: At, cx: &mut RequestContext<'_>) {
    let filled = |value: Option<&RawValue>| {
        value.is_some_and(|value| walk::elements(value.get()).next().is_some())
    };
    for (member, present) in [
        ("annotations", filled(part.annotations)),
        ("logprobs", filled(part.logprobs)),
    ] {
        if present {
            cx.report.drop_field(at.any(member));
        }
    }
    for name in &part.unknown {
        cx.report.drop_field(at.any(name));
    }
}
