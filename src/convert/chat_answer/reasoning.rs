//! Thinking in the fields that Chat clients read it from; Chat itself has none.

use bytes::BytesMut;

use crate::codec::write::Object;
use crate::target::ChatReasoning;

/// What stands between the texts of two thinking blocks, escaped for JSON.
pub(in crate::convert) const SEPARATOR: &str = r"\n\n";

/// OpenRouter's name for the format of Anthropic's reasoning.
const DETAIL_FORMAT: &str = "anthropic-claude-v1";

/// The fields that one client gets.
#[derive(Debug, Clone, Copy)]
pub(in crate::convert) struct Fields {
    /// `reasoning_content` and `thinking_blocks`.
    pub(in crate::convert) blocks: bool,
    /// `reasoning` and `reasoning_details`.
    pub(in crate::convert) details: bool,
}

impl Fields {
    pub(in crate::convert) fn of(reasoning: ChatReasoning) -> Self {
        let (blocks, details) = match reasoning {
            ChatReasoning::ThinkingBlocks => (true, false),
            ChatReasoning::ReasoningDetails => (false, true),
            ChatReasoning::Both => (true, true),
            ChatReasoning::None => (false, false),
        };
        Self { blocks, details }
    }

    /// Whether the client gets any reasoning.
    pub(in crate::convert) fn any(self) -> bool {
        self.blocks || self.details
    }

    /// The fields for the text.
    pub(in crate::convert) fn text_keys(self) -> impl Iterator<Item = &'static str> {
        [
            self.blocks.then_some("reasoning_content"),
            self.details.then_some("reasoning"),
        ]
        .into_iter()
        .flatten()
    }
}

/// A block that the client must send back unchanged, its strings as raw JSON text without quotes.
#[derive(Debug, Clone, Copy)]
pub(in crate::convert) enum Signed<'a> {
    Thinking { text: &'a str, signature: &'a str },
    Redacted { data: &'a str },
}

impl Signed<'_> {
    /// Writes an element of `thinking_blocks`; with `index` in a stream, where OpenAI's accumulator needs it.
    pub(in crate::convert) fn write_block(self, out: &mut BytesMut, index: Option<u64>) {
        let mut object = Object::begin(out);
        if let Some(index) = index {
            object.uint("index", index);
        }
        match self {
            Self::Thinking { text, signature } => {
                object.string("type", "thinking");
                raw_content(&mut object, "thinking", text);
                raw_content(&mut object, "signature", signature);
            }
            Self::Redacted { data } => {
                object.string("type", "redacted_thinking");
                raw_content(&mut object, "data", data);
            }
        }
        object.end();
    }

    /// Writes an element of `reasoning_details`.
    pub(in crate::convert) fn write_detail(self, out: &mut BytesMut, index: u64) {
        let mut object = Object::begin(out);
        match self {
            Self::Thinking { text, signature } => {
                object.string("type", "reasoning.text");
                raw_content(&mut object, "text", text);
                raw_content(&mut object, "signature", signature);
            }
            Self::Redacted { data } => {
                object.string("type", "reasoning.encrypted");
                raw_content(&mut object, "data", data);
            }
        }
        object.string("format", DETAIL_FORMAT).uint("index", index);
        object.end();
    }
}

fn raw_content(object: &mut Object<'_>, key: &str, content: &str) {
    let out = object.key(key);
    out.extend_from_slice(b"\"");
    out.extend_from_slice(content.as_bytes());
    out.extend_from_slice(b"\"");
}
