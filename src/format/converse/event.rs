//! The events of a ConverseStream.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::format::messages::{Count, Text};

/// The payload of an event of any type: the members that the types known here have. Its type is the name that the framing gives.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Event<'a> {
    /// The block that a `contentBlock…` event is about.
    pub(crate) content_block_index: Count,
    /// `contentBlockStart`.
    #[serde(borrow)]
    pub(crate) start: Option<Start<'a>>,
    /// `contentBlockDelta`.
    #[serde(borrow)]
    pub(crate) delta: Option<Delta<'a>>,
    /// `messageStop`.
    #[serde(borrow)]
    pub(crate) stop_reason: Text<'a>,
    /// `messageStop`: see [`super::AdditionalFields`].
    #[serde(borrow)]
    pub(crate) additional_model_response_fields: Option<&'a RawValue>,
    /// `metadata`: see [`super::TokenUsage`].
    #[serde(borrow)]
    pub(crate) usage: Option<&'a RawValue>,
    /// `metadata`: see [`super::service_tier`].
    #[serde(borrow)]
    pub(crate) service_tier: Option<&'a RawValue>,
}

impl<'a> Event<'a> {
    /// Reads a payload; `None` where it is no JSON object, or not of its shape.
    pub(crate) fn read(data: &'a [u8]) -> Option<Self> {
        // Derived views would take arrays, too.
        (data.trim_ascii_start().first() == Some(&b'{'))
            .then(|| serde_json::from_slice(data).ok())
            .flatten()
    }
}

/// What a block begins with; exactly one member. Text and reasoning blocks have no start.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Start<'a> {
    #[serde(borrow)]
    pub(crate) tool_use: Option<ToolUse<'a>>,
}

/// A tool call's head, or the whole of it in a whole answer.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ToolUse<'a> {
    #[serde(borrow)]
    pub(crate) tool_use_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) name: Text<'a>,
    /// `server_tool_use` for a tool that the provider runs itself.
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Text<'a>,
    /// A JSON object in a whole answer, a fragment of its text (a string) in a delta.
    #[serde(borrow)]
    pub(crate) input: Option<&'a RawValue>,
}

/// What a delta adds; exactly one member.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Delta<'a> {
    #[serde(borrow)]
    pub(crate) text: Text<'a>,
    #[serde(borrow)]
    pub(crate) tool_use: Option<ToolUse<'a>>,
    #[serde(borrow)]
    pub(crate) reasoning_content: Option<ReasoningDelta<'a>>,
    /// See [`super::Citation`].
    #[serde(borrow)]
    pub(crate) citation: Option<&'a RawValue>,
}

/// What a delta adds to reasoning; exactly one member.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ReasoningDelta<'a> {
    #[serde(borrow)]
    pub(crate) text: Text<'a>,
    #[serde(borrow)]
    pub(crate) signature: Text<'a>,
    /// A piece of the bytes, base64.
    #[serde(borrow)]
    pub(crate) redacted_content: Text<'a>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_and_what_is_new_are_passed_over() {
        let event = Event::read(
            br#"{"contentBlockIndex":3,"delta":{"text":"a\n","toolResult":[{"text":"x"}]},"p":"abcdef"}"#,
        )
        .unwrap();
        assert_eq!(event.content_block_index.get(), Some(3));
        let delta = event.delta.unwrap();
        assert_eq!(delta.text.get().unwrap().content(), "a\\n");
        assert!(delta.tool_use.is_none() && delta.citation.is_none());
        for bad in [&b"[]"[..], b"1", b"", b"{", br#"{"delta":5}"#] {
            assert!(Event::read(bad).is_none());
        }
    }
}
