//! Thinking that clients replay, in the shapes in which they got it.
//!
//! What is not signed, or was signed by someone else, is refused by every provider and thus left out.

use serde_json::value::RawValue;

use super::path::{self, At};
use crate::convert::envelope;
use crate::convert::report::{LossReport, Refusal};
use crate::format::chat::request::{Message, ThinkingBlock};
use crate::format::raw::RawStr;
use crate::format::walk;

/// The format of OpenRouter's `reasoning_details` that holds Anthropic's blocks.
const ANTHROPIC_FORMAT: &str = "anthropic-claude-v1";

/// A block that can be replayed.
#[derive(Debug, Clone, Copy)]
pub(in crate::convert) enum Signed<'a> {
    Thinking {
        text: Option<RawStr<'a>>,
        signature: RawStr<'a>,
    },
    Redacted(RawStr<'a>),
}

/// The blocks of an assistant message that can be replayed, in their order, from the first of its fields that holds any.
/// `takes_data` tells which of those that nobody can read the provider takes; see [`is_native`].
pub(in crate::convert) fn replayed<'a>(
    message: &Message<'a>,
    index: usize,
    takes_data: impl Fn(RawStr<'_>) -> bool,
    report: &mut LossReport,
) -> Result<Vec<Signed<'a>>, Refusal> {
    let sources = [
        ("thinking_blocks", message.thinking_blocks),
        ("reasoning_details", message.reasoning_details),
        ("content", message.content),
        ("content_blocks", message.content_blocks),
    ];
    let mut replayed = Vec::new();
    for (list, value) in sources {
        let Some(value) = value.map(RawValue::get) else {
            continue;
        };
        if !replayed.is_empty() {
            // The same blocks in another shape.
            continue;
        }
        let mut dropped = false;
        for (number, element) in walk::elements(value).enumerate() {
            let at = At {
                message: index,
                list,
                index: number,
            };
            if !walk::is_object(element) {
                dropped = true;
                continue;
            }
            if list == "content" && !is_thinking_part(element) {
                continue;
            }
            let block: ThinkingBlock<'a> = path::parse(element, || at.path())?;
            match signed(&block, &takes_data) {
                Some(block) => replayed.push(block),
                // Portkey's blocks repeat the texts and calls.
                None => dropped |= list != "content_blocks",
            }
        }
        if dropped {
            report.drop_field(match list {
                "thinking_blocks" => "messages[].thinking_blocks",
                "reasoning_details" => "messages[].reasoning_details",
                _ => "messages[].content[]",
            });
        }
    }
    if replayed.is_empty() {
        // Text without a signature cannot be replayed.
        if message.reasoning_content.is_some() {
            report.drop_field("messages[].reasoning_content");
        }
        if message.reasoning.is_some() {
            report.drop_field("messages[].reasoning");
        }
    }
    Ok(replayed)
}

/// Whether a provider made this opaque string, and not the gateway.
pub(in crate::convert) fn is_native(opaque: RawStr<'_>) -> bool {
    !opaque.is_empty() && !envelope::is_envelope(opaque)
}

fn is_thinking_part(element: &str) -> bool {
    walk::member(element, "type")
        .and_then(RawStr::from_json)
        .is_some_and(|kind| kind.is("thinking") || kind.is("redacted_thinking"))
}

/// The block, if Anthropic signed it. A signed block without text is one whose text was not shown.
fn signed<'a>(
    block: &ThinkingBlock<'a>,
    takes_data: impl Fn(RawStr<'_>) -> bool,
) -> Option<Signed<'a>> {
    let own = |opaque: &RawStr<'a>| is_native(*opaque);
    let taken = |data: &RawStr<'a>| takes_data(*data);
    let anthropic = block
        .format
        .is_none_or(|format| format.is(ANTHROPIC_FORMAT));
    match &*block.kind?.decode() {
        "thinking" => Some(Signed::Thinking {
            text: block.thinking,
            signature: block.signature.filter(own)?,
        }),
        "redacted_thinking" => Some(Signed::Redacted(block.data.filter(taken)?)),
        "reasoning.text" if anthropic => Some(Signed::Thinking {
            text: block.text,
            signature: block.signature.filter(own)?,
        }),
        "reasoning.encrypted" if anthropic => Some(Signed::Redacted(block.data.filter(taken)?)),
        _ => None,
    }
}
