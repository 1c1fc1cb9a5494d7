//! Texts, images, documents and search results, in a message or in a tool's result.

use bytes::{BufMut, BytesMut};
use serde_json::value::RawValue;

use super::input::{Input, Role};
use super::{At, Content, user};
use crate::codec::write;
use crate::convert::context::RequestContext;
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::format::messages::request::{Block, CacheControl, Source};
use crate::format::raw::RawStr;
use crate::format::walk;

/// A text in a message of `role`; an empty one is left out.
pub(super) fn text(input: &mut Input<'_>, role: Role, text: RawStr<'_>) {
    if !text.is_empty() {
        input.message(role);
        text_here(input, text);
    }
}

/// A text in the item that is open.
pub(super) fn text_here(input: &mut Input<'_>, text: RawStr<'_>) {
    if !text.is_empty() {
        input.text_part(|out| out.extend_from_slice(text.content().as_bytes()));
    }
}

/// A block of a message.
pub(super) fn write(
    input: &mut Input<'_>,
    role: Role,
    block: &Block<'_>,
    at: At,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    // An empty text must not begin a message.
    let is_empty_text =
        block.kind.is_some_and(|kind| kind.is("text")) && block.text.is_some_and(RawStr::is_empty);
    if is_empty_text {
        drop_mark(block.cache_control, cx);
        return Ok(());
    }
    input.message(role);
    write_inner(input, block, at, cx)
}

/// A block inside the item that is open.
pub(super) fn write_inner(
    input: &mut Input<'_>,
    block: &Block<'_>,
    at: At,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    report_unknown(block, cx);
    let kind = block.kind.ok_or_else(|| path::missing(at.member("type")))?;
    match &*kind.decode() {
        "text" => {
            drop_citations(block, cx);
            text_here(input, user::required_text(block, at)?);
        }
        "image" => {
            if block.transformations.is_some() {
                cx.report.drop_field("messages[].content[].transformations");
            }
            image(input, block, at)?;
        }
        "document" => document(input, block, at, cx)?,
        "search_result" => search_result(input, block, at, cx)?,
        "tool_reference" => {
            let name = block
                .tool_name
                .ok_or_else(|| path::missing(at.member("tool_name")))?;
            input.text_part(|out| {
                out.extend_from_slice(b"tool: ");
                out.extend_from_slice(name.content().as_bytes());
            });
        }
        "compaction" => {
            let content = Content::read(block.content, || at.member("content"))?;
            if let Content::Text(text) = content {
                cx.report.approximate("messages[].content[]");
                text_here(input, text);
            } else {
                cx.report.drop_field("messages[].content[]");
            }
        }
        other => return Err(unsupported(at, other)),
    }
    mark(input, block.cache_control, cx);
    Ok(())
}

/// A block that OpenAI has nothing for.
pub(super) fn unsupported(at: At, kind: &str) -> Refusal {
    Refusal::unsupported(
        at.member("type"),
        format!("content blocks of type `{kind}` are not supported by this model's provider"),
    )
}

fn source<'a>(block: &Block<'a>, at: At) -> Result<Source<'a>, Refusal> {
    let raw = block
        .source
        .ok_or_else(|| path::missing(at.member("source")))?;
    path::parse(raw.get(), || at.member("source"))
}

fn required<'a>(value: Option<RawStr<'a>>, member: &str, at: At) -> Result<RawStr<'a>, Refusal> {
    value.ok_or_else(|| path::missing(at.member(member)))
}

fn stored_file(at: At) -> Refusal {
    Refusal::unsupported(
        at.member("source"),
        "files stored at Anthropic cannot be read by this model's provider",
    )
}

fn unknown_source(at: At) -> Refusal {
    Refusal::unsupported(
        at.member("source.type"),
        "this type of source is not supported by this model's provider",
    )
}

fn image(input: &mut Input<'_>, block: &Block<'_>, at: At) -> Result<(), Refusal> {
    let source = source(block, at)?;
    let kind = required(source.kind, "source.type", at)?;
    match &*kind.decode() {
        "base64" => {
            let media_type = required(source.media_type, "source.media_type", at)?;
            let data = required(source.data, "source.data", at)?;
            input.image_part(&["data:", media_type.content(), ";base64,", data.content()]);
        }
        "url" => input.image_part(&[required(source.url, "source.url", at)?.content()]),
        "file" => return Err(stored_file(at)),
        _ => return Err(unknown_source(at)),
    }
    Ok(())
}

fn document(
    input: &mut Input<'_>,
    block: &Block<'_>,
    at: At,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    drop_citations(block, cx);
    let source = source(block, at)?;
    let kind = required(source.kind, "source.type", at)?;
    match &*kind.decode() {
        "base64" => {
            let media_type = source.media_type.map(RawStr::decode);
            if media_type.is_some_and(|media_type| media_type != "application/pdf") {
                return Err(Refusal::unsupported(
                    at.member("source.media_type"),
                    "a document in base64 must be a PDF",
                ));
            }
            drop_context(block, cx);
            input.pdf_part(block.title, required(source.data, "source.data", at)?);
        }
        "url" => {
            drop_context(block, cx);
            if block.title.is_some() {
                cx.report.drop_field("messages[].content[].title");
            }
            input.file_url_part(required(source.url, "source.url", at)?);
        }
        "text" => {
            cx.report.approximate("messages[].content[].source");
            let data = required(source.data, "source.data", at)?;
            input.text_part(|out| {
                open_document(out, block);
                out.extend_from_slice(data.content().as_bytes());
                close_document(out);
            });
        }
        "content" => {
            cx.report.approximate("messages[].content[].source");
            document_content(input, block, &source, at)?;
        }
        "file" => return Err(stored_file(at)),
        _ => return Err(unknown_source(at)),
    }
    Ok(())
}

/// A document that is made of blocks: its texts, and the images behind them.
fn document_content(
    input: &mut Input<'_>,
    block: &Block<'_>,
    source: &Source<'_>,
    at: At,
) -> Result<(), Refusal> {
    let content = Content::read(source.content, || at.member("source.content"))?;
    let blocks = match content {
        Content::Absent => return Err(path::missing(at.member("source.content"))),
        Content::Text(text) => {
            input.text_part(|out| {
                open_document(out, block);
                out.extend_from_slice(text.content().as_bytes());
                close_document(out);
            });
            return Ok(());
        }
        Content::Blocks(blocks) => blocks,
    };
    for inner in &blocks {
        let is_known = |kind: RawStr<'_>| kind.is("text") || kind.is("image");
        if !inner.kind.is_some_and(is_known) {
            return Err(Refusal::unsupported(
                at.member("source.content"),
                "a document may hold texts and images only",
            ));
        }
    }
    let texts = blocks.iter().filter_map(|inner| inner.text);
    input.text_part(|out| {
        open_document(out, block);
        for (at, text) in texts.enumerate() {
            if at > 0 {
                out.extend_from_slice(b"\\n");
            }
            out.extend_from_slice(text.content().as_bytes());
        }
        close_document(out);
    });
    for inner in &blocks {
        if inner.kind.is_some_and(|kind| kind.is("image")) {
            image(input, inner, at)?;
        }
    }
    Ok(())
}

fn search_result(
    input: &mut Input<'_>,
    block: &Block<'_>,
    at: At,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    drop_citations(block, cx);
    cx.report.approximate("messages[].content[]");
    let source = block.source.and_then(RawStr::new);
    let content = Content::read(block.content, || at.member("content"))?;
    let blocks = match content {
        Content::Blocks(blocks) => blocks,
        Content::Absent | Content::Text(_) => {
            return Err(path::wrong_type(at.member("content")));
        }
    };
    input.text_part(|out| {
        out.extend_from_slice(b"<search_result");
        attribute(out, "source", source);
        attribute(out, "title", block.title);
        out.put_u8(b'>');
        for (at, text) in blocks.iter().filter_map(|inner| inner.text).enumerate() {
            if at > 0 {
                out.extend_from_slice(b"\\n");
            }
            out.extend_from_slice(text.content().as_bytes());
        }
        out.extend_from_slice(b"</search_result>");
    });
    Ok(())
}

fn open_document(out: &mut BytesMut, block: &Block<'_>) {
    out.extend_from_slice(b"<document");
    attribute(out, "title", block.title);
    attribute(out, "context", block.context);
    out.extend_from_slice(b">\\n");
}

fn close_document(out: &mut BytesMut) {
    out.extend_from_slice(b"\\n</document>");
}

/// An attribute of a tag, inside a JSON string.
fn attribute(out: &mut BytesMut, name: &str, value: Option<RawStr<'_>>) {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return;
    };
    let mut text = String::new();
    for c in value.decode().chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            _ => text.push(c),
        }
    }
    out.put_u8(b' ');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\\\"");
    write::string_content(out, &text);
    out.extend_from_slice(b"\\\"");
}

/// Reports the members that nothing here has a name for.
pub(super) fn report_unknown(block: &Block<'_>, cx: &mut RequestContext<'_>) {
    for name in &block.unknown {
        cx.report.drop_field(format!("messages[].content[].{name}"));
    }
}

fn drop_context(block: &Block<'_>, cx: &mut RequestContext<'_>) {
    if block.context.is_some() {
        cx.report.drop_field("messages[].content[].context");
    }
}

/// Citations of a text, or the wish for them: OpenAI knows neither.
pub(super) fn drop_citations(block: &Block<'_>, cx: &mut RequestContext<'_>) {
    let is_off = |raw: &RawValue| {
        walk::member(raw.get(), "enabled") == Some("false")
            || walk::elements(raw.get()).next().is_none() && walk::is_array(raw.get())
    };
    if block.citations.is_some_and(|raw| !is_off(raw)) {
        cx.report.drop_field("messages[].content[].citations");
    }
}

/// Whether a cache mark can be carried here.
pub(super) fn wants_mark(control: Option<&RawValue>, input: &Input<'_>) -> bool {
    control.is_some() && input.takes_breakpoints()
}

/// Carries a cache mark to the part that was just written, if it can have one.
pub(super) fn mark(input: &mut Input<'_>, control: Option<&RawValue>, cx: &mut RequestContext<'_>) {
    let Some(control) = control else { return };
    if !input.mark() {
        drop_mark(Some(control), cx);
        return;
    }
    let lifetime = serde_json::from_str::<CacheControl<'_>>(control.get())
        .ok()
        .and_then(|control| control.ttl);
    if lifetime.is_some_and(|ttl| !ttl.is("5m")) {
        // OpenAI's breakpoints have one lifetime.
        cx.report
            .approximate("messages[].content[].cache_control.ttl");
    }
}

/// Reports a cache mark that is not carried.
pub(super) fn drop_mark(control: Option<&RawValue>, cx: &mut RequestContext<'_>) {
    if control.is_some() {
        cx.report.drop_field("messages[].content[].cache_control");
    }
}
