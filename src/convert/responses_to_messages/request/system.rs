//! The system text: instructions, and the system and developer messages before the conversation.

use bytes::BufMut;
use serde_json::value::RawValue;

use super::heads::{Items, Kind};
use super::path::{self, At};
use crate::convert::anthropic_out::cache::{self, Out, Section, Ttl};
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::format::raw::RawStr;
use crate::format::responses::request::{Item, Part};
use crate::format::walk;

/// What stands for JSON mode, which Anthropic has only with a closed schema.
const JSON_INSTRUCTION: &[u8] =
    b"{\"type\":\"text\",\"text\":\"Respond with one JSON object and nothing else.\"";

/// A text, or a mark for the block before it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Piece<'a> {
    Text(RawStr<'a>),
    Mark(Ttl),
}

/// How many items the run of system messages at the beginning has, those without text of their own included.
pub(super) fn leading(items: &Items<'_>) -> usize {
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

/// Writes `system`: the instructions, the texts of the first `leading` items, and the instruction for JSON mode; false where
/// there is nothing.
pub(super) fn write(
    out: &mut Out,
    instructions: Option<RawStr<'_>>,
    items: &Items<'_>,
    leading: usize,
    json_mode: bool,
    cx: &mut RequestContext<'_>,
) -> Result<bool, Refusal> {
    let mut any = false;
    if let Some(text) = instructions.filter(|text| !text.is_blank()) {
        write_text(out, &mut any, text);
    }
    for (index, item) in items.list.iter().enumerate().take(leading) {
        if item.kind != Kind::System {
            continue;
        }
        out.new_message();
        let mut pieces = Vec::new();
        each_piece(item.text, index, cx, |piece| pieces.push(piece))?;
        for piece in pieces {
            match piece {
                Piece::Text(text) => write_text(out, &mut any, text),
                Piece::Mark(ttl) => {
                    if !out.mark(Section::System, ttl) {
                        cx.report
                            .drop_field("input[].content[].prompt_cache_breakpoint");
                    }
                }
            }
        }
    }
    if json_mode {
        begin(out, &mut any);
        out.buf.extend_from_slice(JSON_INSTRUCTION);
        out.end_unmarkable_block();
    }
    if any {
        out.buf.put_u8(b']');
    }
    Ok(any)
}

fn write_text(out: &mut Out, any: &mut bool, text: RawStr<'_>) {
    begin(out, any);
    out.buf.extend_from_slice(b"{\"type\":\"text\",\"text\":");
    out.buf.extend_from_slice(text.json().as_bytes());
    out.end_block();
}

fn begin(out: &mut Out, any: &mut bool) {
    if *any {
        out.buf.put_u8(b',');
    } else {
        out.member("system");
        out.buf.put_u8(b'[');
        *any = true;
    }
}

/// Visits the texts of a system message that are not blank, and its cache marks.
pub(super) fn each_piece<'a>(
    text: &'a str,
    index: usize,
    cx: &mut RequestContext<'_>,
    mut visit: impl FnMut(Piece<'a>),
) -> Result<(), Refusal> {
    let item: Item<'a> = path::parse(text, || format!("input[{index}]"))?;
    report_item(&item, cx);
    let content = item.content.map(RawValue::get).unwrap_or_default();
    if let Some(text) = RawStr::from_json(content) {
        if !text.is_blank() {
            visit(Piece::Text(text));
        }
        return Ok(());
    }
    if !walk::is_array(content) {
        return Err(path::wrong_type(path::item(index, "content")));
    }
    for (number, element) in walk::elements(content).enumerate() {
        let at = At {
            item: index,
            list: "content",
            index: number,
        };
        let part: Part<'a> = path::parse(element, || at.path())?;
        let kind = part.kind.ok_or_else(|| path::missing(at.member("type")))?;
        if !matches!(&*kind.decode(), "input_text" | "text" | "output_text") {
            return Err(Refusal::unsupported(
                at.path(),
                "a system message takes text parts only",
            ));
        }
        let text = part.text.ok_or_else(|| path::missing(at.member("text")))?;
        report_part(&part, at, cx);
        if !text.is_blank() {
            visit(Piece::Text(text));
        }
        if let Some(ttl) = mark(&part, at, cx) {
            visit(Piece::Mark(ttl));
        }
    }
    Ok(())
}

/// The cache mark that a part asks for.
pub(super) fn mark(part: &Part<'_>, at: At, cx: &mut RequestContext<'_>) -> Option<Ttl> {
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

/// Reports what an item holds that is lost: its own id, and members that no rule knows.
pub(super) fn report_item(item: &Item<'_>, cx: &mut RequestContext<'_>) {
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
pub(super) fn report_part(part: &Part<'_>, at: At, cx: &mut RequestContext<'_>) {
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
