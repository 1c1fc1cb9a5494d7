//! The system text: `instructions`, or a message of the developer's where it has breakpoints of the prompt cache.

use bytes::BufMut;

use crate::codec::write::Object;
use crate::convert::context::RequestContext;
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::format::messages::request::{Block, Request};
use crate::format::raw::RawStr;

use super::input::{Input, Role};
use super::{At, Content, parts};

/// What Claude Code's billing line begins with: it changes from call to call, and nobody but Anthropic reads it.
const BILLING: &str = "x-anthropic-billing-header:";

/// The system text of a request.
#[derive(Debug)]
pub(super) enum System<'a> {
    Nothing,
    Text(RawStr<'a>),
    Blocks {
        blocks: Vec<Block<'a>>,
        /// Whether they go into the input, where breakpoints can stand.
        in_input: bool,
    },
}

pub(super) fn read<'a>(
    request: &Request<'a>,
    cx: &mut RequestContext<'_>,
) -> Result<System<'a>, Refusal> {
    let mut blocks = match Content::read(request.system, || "system".to_owned())? {
        Content::Absent => return Ok(System::Nothing),
        Content::Text(text) if text.is_empty() => return Ok(System::Nothing),
        Content::Text(text) => return Ok(System::Text(text)),
        Content::Blocks(blocks) => blocks,
    };
    for (index, block) in blocks.iter().enumerate() {
        if !block.kind.is_none_or(|kind| kind.is("text")) {
            return Err(Refusal::unsupported(
                format!("system[{index}].type"),
                "the system prompt may hold texts only",
            ));
        }
        if block.text.is_none() {
            return Err(path::missing(format!("system[{index}].text")));
        }
        for name in &block.unknown {
            cx.report.drop_field(format!("system[].{name}"));
        }
        if block.citations.is_some() {
            cx.report.drop_field("system[].citations");
        }
    }
    blocks.retain(|block| {
        let text = block.text.map(RawStr::decode).unwrap_or_default();
        let is_billing = text.trim_start().starts_with(BILLING);
        if is_billing {
            cx.report.drop_field("system[]");
        }
        !text.is_empty() && !is_billing
    });
    let marked = blocks.iter().any(|block| block.cache_control.is_some());
    let in_input = marked && cx.capabilities.cache_breakpoints;
    if marked && !in_input {
        cx.report.drop_field("system[].cache_control");
    }
    Ok(if blocks.is_empty() {
        System::Nothing
    } else {
        System::Blocks { blocks, in_input }
    })
}

impl System<'_> {
    /// Writes `instructions`, where the text goes there.
    pub(super) fn write_instructions(&self, object: &mut Object<'_>, cx: &mut RequestContext<'_>) {
        match self {
            System::Text(text) => {
                object.raw("instructions", text.json());
            }
            System::Blocks {
                blocks,
                in_input: false,
            } => {
                if blocks.len() > 1 {
                    cx.report.approximate("system");
                }
                let out = object.key("instructions");
                out.put_u8(b'"');
                for (at, part) in blocks.iter().filter_map(|block| block.text).enumerate() {
                    if at > 0 {
                        out.extend_from_slice(b"\\n\\n");
                    }
                    out.extend_from_slice(part.content().as_bytes());
                }
                out.put_u8(b'"');
            }
            System::Nothing | System::Blocks { .. } => {}
        }
    }

    /// Writes the first item of the input, where the text goes there.
    pub(super) fn write_item(&self, input: &mut Input<'_>, cx: &mut RequestContext<'_>) {
        let System::Blocks {
            blocks,
            in_input: true,
        } = self
        else {
            return;
        };
        cx.report.approximate("system");
        for block in blocks {
            if let Some(text) = block.text {
                parts::text(input, Role::Developer, text);
                parts::mark(input, block.cache_control, cx);
            }
        }
        input.close();
    }
}

/// A `system` message between the others stays where it is.
pub(super) fn write_message(
    input: &mut Input<'_>,
    content: Content<'_>,
    message: usize,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    input.drop_pending(cx.report);
    input.close();
    match content {
        Content::Absent => {}
        Content::Text(text) => parts::text(input, Role::Developer, text),
        Content::Blocks(blocks) => {
            for (index, block) in blocks.iter().enumerate() {
                let at = At {
                    message,
                    block: index,
                    inner: None,
                };
                let kind = block.kind.ok_or_else(|| path::missing(at.member("type")))?;
                if !kind.is("text") {
                    return Err(parts::unsupported(at, &kind.decode()));
                }
                parts::write(input, Role::Developer, block, at, cx)?;
            }
        }
    }
    input.close();
    Ok(())
}
