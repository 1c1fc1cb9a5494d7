//! Why a message ends.

use crate::codec::write::Object;

/// Anthropic's `stop_reason`, with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop<'a> {
    EndTurn,
    MaxTokens,
    ToolUse,
    /// The stop sequence that was met.
    Sequence(&'a str),
    /// Why, as a JSON string.
    Refusal {
        explanation: Option<&'a str>,
    },
    /// Another word; the stop sequence that was met is a JSON string. Nothing is said about it.
    Word {
        reason: &'static str,
        sequence: Option<&'a str>,
    },
}

impl Stop<'_> {
    /// The word for it.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::EndTurn => "end_turn",
            Self::MaxTokens => "max_tokens",
            Self::ToolUse => "tool_use",
            Self::Sequence(_) => "stop_sequence",
            Self::Refusal { .. } => "refusal",
            Self::Word { reason, .. } => reason,
        }
    }

    /// Writes `stop_reason`, `stop_sequence`, and `stop_details` where there are any.
    pub(super) fn write(&self, object: &mut Object<'_>) {
        object.string("stop_reason", self.reason());
        match self {
            Self::Sequence(sequence) => object.string("stop_sequence", sequence),
            Self::Word {
                sequence: Some(sequence),
                ..
            } => object.raw("stop_sequence", sequence),
            _ => object.raw("stop_sequence", "null"),
        };
        if let Self::Refusal { explanation } = self {
            let mut details = object.object("stop_details");
            details
                .string("type", "refusal")
                .raw("category", "null")
                .raw("explanation", explanation.unwrap_or("null"));
            details.end();
        }
    }
}
