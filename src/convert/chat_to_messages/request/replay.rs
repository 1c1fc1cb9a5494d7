//! Thinking that clients replay, in the shapes in which they got it.
//!
//! Signed blocks are copied byte for byte and in their order; what is not signed, or was signed by someone else, is
//! refused by Anthropic and thus left out.

use serde_json::value::RawValue;

use super::messages::Writer;
use super::path::{self, At};
use crate::convert::envelope;
use crate::convert::report::Refusal;
use crate::format::chat::request::{Message, ThinkingBlock};
use crate::format::raw::RawStr;
use crate::format::walk;

/// The format of OpenRouter's `reasoning_details` that holds Anthropic's blocks.
const ANTHROPIC_FORMAT: &str = "anthropic-claude-v1";

/// A block that can be replayed.
#[derive(Debug, Clone, Copy)]
enum Signed<'a> {
    Thinking {
        text: Option<RawStr<'a>>,
        signature: RawStr<'a>,
    },
    Redacted(RawStr<'a>),
}

impl<'a> Writer<'_, 'a, '_> {
    /// Writes the thinking of an assistant message, from the first of its fields that holds any.
    pub(super) fn thinking(&mut self, message: &Message<'a>, index: usize) -> Result<(), Refusal> {
        let sources = [
            ("thinking_blocks", message.thinking_blocks),
            ("reasoning_details", message.reasoning_details),
            ("content", message.content),
            ("content_blocks", message.content_blocks),
        ];
        let mut replayed = false;
        for (list, value) in sources {
            let Some(value) = value.map(RawValue::get) else {
                continue;
            };
            if replayed {
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
                match signed(&block) {
                    Some(block) => {
                        self.signed_block(block)?;
                        replayed = true;
                    }
                    // Portkey's blocks repeat the texts and calls.
                    None => dropped |= list != "content_blocks",
                }
            }
            if dropped {
                self.cx.report.drop_field(match list {
                    "thinking_blocks" => "messages[].thinking_blocks",
                    "reasoning_details" => "messages[].reasoning_details",
                    _ => "messages[].content[]",
                });
            }
        }
        if !replayed {
            // Text without a signature cannot be replayed.
            if message.reasoning_content.is_some() {
                self.cx.report.drop_field("messages[].reasoning_content");
            }
            if message.reasoning.is_some() {
                self.cx.report.drop_field("messages[].reasoning");
            }
        }
        Ok(())
    }

    fn signed_block(&mut self, block: Signed<'_>) -> Result<(), Refusal> {
        let first = self.is_first_of_turn();
        self.begin_thinking()?;
        if first {
            self.note_thinking_first();
        }
        let buf = &mut self.out.buf;
        match block {
            Signed::Thinking { text, signature } => {
                buf.extend_from_slice(b"{\"type\":\"thinking\",\"thinking\":");
                buf.extend_from_slice(text.map_or("\"\"", RawStr::json).as_bytes());
                buf.extend_from_slice(b",\"signature\":");
                buf.extend_from_slice(signature.json().as_bytes());
            }
            Signed::Redacted(data) => {
                buf.extend_from_slice(b"{\"type\":\"redacted_thinking\",\"data\":");
                buf.extend_from_slice(data.json().as_bytes());
            }
        }
        self.out.end_unmarkable_block();
        Ok(())
    }
}

fn is_thinking_part(element: &str) -> bool {
    walk::member(element, "type")
        .and_then(RawStr::from_json)
        .is_some_and(|kind| kind.is("thinking") || kind.is("redacted_thinking"))
}

/// The block, if Anthropic signed it. A signed block without text is one whose text was not shown.
fn signed<'a>(block: &ThinkingBlock<'a>) -> Option<Signed<'a>> {
    let own = |opaque: &RawStr<'a>| !opaque.is_empty() && !envelope::is_envelope(*opaque);
    let anthropic = block
        .format
        .is_none_or(|format| format.is(ANTHROPIC_FORMAT));
    match &*block.kind?.decode() {
        "thinking" => Some(Signed::Thinking {
            text: block.thinking,
            signature: block.signature.filter(own)?,
        }),
        "redacted_thinking" => Some(Signed::Redacted(block.data.filter(own)?)),
        "reasoning.text" if anthropic => Some(Signed::Thinking {
            text: block.text,
            signature: block.signature.filter(own)?,
        }),
        "reasoning.encrypted" if anthropic => Some(Signed::Redacted(block.data.filter(own)?)),
        _ => None,
    }
}
