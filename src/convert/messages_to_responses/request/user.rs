//! Messages of the user's: texts, images, documents, and the results of calls.

use std::borrow::Cow;

use crate::convert::context::RequestContext;
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::format::messages::request::Block;
use crate::format::raw::RawStr;

use super::input::{Input, Role};
use super::{At, Content, name, parts};

/// What marks the result of a call that failed: OpenAI has no member for it.
const FAILED: &str = "[tool error] ";

pub(super) fn write(
    input: &mut Input<'_>,
    content: Content<'_>,
    message: usize,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    input.drop_pending(cx.report);
    input.close();
    match content {
        Content::Absent => {
            return Err(path::missing(format!("messages[{message}].content")));
        }
        Content::Text(text) => parts::text(input, Role::User, text),
        Content::Blocks(blocks) => {
            for (index, block) in blocks.iter().enumerate() {
                let at = At {
                    message,
                    block: index,
                    inner: None,
                };
                let kind = block.kind.ok_or_else(|| path::missing(at.member("type")))?;
                if kind.is("tool_result") {
                    result(input, block, at, cx)?;
                } else {
                    parts::write(input, Role::User, block, at, cx)?;
                }
            }
        }
    }
    input.close();
    Ok(())
}

/// The result of a call.
fn result(
    input: &mut Input<'_>,
    block: &Block<'_>,
    at: At,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    parts::report_unknown(block, cx);
    let id = block
        .tool_use_id
        .ok_or_else(|| path::missing(at.member("tool_use_id")))?;
    let id = name::call(id.decode());
    let prefix = if block.is_error == Some(true) {
        cx.report.approximate("messages[].content[].is_error");
        Some(FAILED)
    } else {
        None
    };
    let content = Content::read(block.content, || at.member("content"))?;
    let blocks = match content {
        Content::Absent => Vec::new(),
        Content::Text(text) if !parts::wants_mark(block.cache_control, input) => {
            parts::drop_mark(block.cache_control, cx);
            let text = (!text.is_empty()).then(|| text.content());
            input.text_output(&id, prefix.unwrap_or_default(), text.into_iter());
            return Ok(());
        }
        Content::Text(text) => {
            input.output(&id, prefix);
            parts::text_here(input, text);
            end_output(input, block, cx);
            return Ok(());
        }
        Content::Blocks(blocks) => blocks,
    };
    let marked = parts::wants_mark(block.cache_control, input)
        || blocks
            .iter()
            .any(|inner| parts::wants_mark(inner.cache_control, input));
    if !marked && let Some(texts) = only_texts(&blocks) {
        parts::drop_mark(block.cache_control, cx);
        for inner in &blocks {
            parts::report_unknown(inner, cx);
            parts::drop_mark(inner.cache_control, cx);
            parts::drop_citations(inner, cx);
        }
        let texts = texts.iter().map(|text| &**text);
        input.text_output(&id, prefix.unwrap_or_default(), texts);
        return Ok(());
    }
    input.output(&id, prefix);
    for (index, inner) in blocks.iter().enumerate() {
        let at = At {
            inner: Some(index),
            ..at
        };
        parts::write_inner(input, inner, at, cx)?;
    }
    end_output(input, block, cx);
    Ok(())
}

/// Ends the result with the block's own cache mark, which goes to the last part.
fn end_output(input: &mut Input<'_>, block: &Block<'_>, cx: &mut RequestContext<'_>) {
    if block.cache_control.is_some() && !input.is_marked() {
        parts::mark(input, block.cache_control, cx);
    }
    input.close();
}

/// The texts of the blocks as raw JSON text without quotes, where they are nothing but texts.
fn only_texts<'a>(blocks: &[Block<'a>]) -> Option<Vec<Cow<'a, str>>> {
    let mut texts = Vec::with_capacity(blocks.len());
    for block in blocks {
        let kind = block.kind?;
        let text = if kind.is("text") {
            Cow::Borrowed(block.text?.content())
        } else if kind.is("tool_reference") {
            Cow::Owned(format!("tool: {}", block.tool_name?.content()))
        } else {
            return None;
        };
        if !text.is_empty() {
            texts.push(text);
        }
    }
    Some(texts)
}

/// The text of a block that must have one.
pub(super) fn required_text<'a>(block: &Block<'a>, at: At) -> Result<RawStr<'a>, Refusal> {
    block.text.ok_or_else(|| path::missing(at.member("text")))
}
