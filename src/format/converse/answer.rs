//! A whole Converse answer.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::ToolUse;
use crate::format::chat::answer::{object, objects};
use crate::format::messages::Text;

/// The body of a Converse answer.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Answer<'a> {
    #[serde(borrow)]
    output: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) stop_reason: Text<'a>,
    /// See [`super::TokenUsage`].
    #[serde(borrow)]
    pub(crate) usage: Option<&'a RawValue>,
    /// See [`super::AdditionalFields`].
    #[serde(borrow)]
    pub(crate) additional_model_response_fields: Option<&'a RawValue>,
    /// See [`super::service_tier`].
    #[serde(borrow)]
    pub(crate) service_tier: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Output<'a> {
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

impl<'a> Answer<'a> {
    /// Reads a body; `None` where it is no JSON object, or has no message: the service answers unknown operations so, with
    /// status 200.
    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        if body.trim_ascii_start().first() != Some(&b'{') {
            return None;
        }
        let answer: Self = serde_json::from_slice(body).ok()?;
        answer.message().is_some().then_some(answer)
    }

    fn message(&self) -> Option<Message<'a>> {
        object::<Output<'a>>(self.output).and_then(|output| object(output.message))
    }

    /// The message's content blocks, in their order.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = Block<'a>> {
        objects(self.message().and_then(|message| message.content))
    }
}

/// A content block; exactly one member, none of these where it is of a kind that no client's format has.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Block<'a> {
    #[serde(borrow)]
    pub(crate) text: Text<'a>,
    #[serde(borrow)]
    tool_use: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow)]
    citations_content: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Reasoning<'a> {
    #[serde(borrow)]
    reasoning_text: Option<&'a RawValue>,
    #[serde(borrow)]
    redacted_content: Text<'a>,
}

/// Reasoning that can be read.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReasoningText<'a> {
    #[serde(borrow)]
    pub(crate) text: Text<'a>,
    #[serde(borrow)]
    pub(crate) signature: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CitationsContent<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    citations: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TextPart<'a> {
    #[serde(borrow)]
    text: Text<'a>,
}

impl<'a> Block<'a> {
    /// The tool call, if it is one.
    pub(crate) fn tool_use(&self) -> Option<ToolUse<'a>> {
        object(self.tool_use)
    }

    /// The reasoning that can be read, if it is that.
    pub(crate) fn reasoning_text(&self) -> Option<ReasoningText<'a>> {
        object(object::<Reasoning<'a>>(self.reasoning_content)?.reasoning_text)
    }

    /// The reasoning that cannot be read (base64), if it is that.
    pub(crate) fn redacted_content(&self) -> Text<'a> {
        object::<Reasoning<'a>>(self.reasoning_content)
            .map(|reasoning| reasoning.redacted_content)
            .unwrap_or_default()
    }

    /// The texts and the [`super::Citation`]s of a block that cites; empty for others.
    pub(crate) fn cited(&self) -> (Vec<Text<'a>>, Vec<&'a RawValue>) {
        let content: CitationsContent<'a> = object(self.citations_content).unwrap_or_default();
        let texts = objects::<TextPart<'a>>(content.content)
            .map(|part| part.text)
            .collect();
        (texts, crate::format::chat::answer::list(content.citations))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_message() {
        for (body, read) in [
            (r#"{"output":{"message":{"content":[]}}}"#, true),
            (r#"{"output":{"message":{}},"p":1}"#, true),
            (r#"{"output":{}}"#, false),
            (r#"{"output":[{"content":[]}]}"#, false),
            (
                r#"{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}"#,
                false,
            ),
            ("[]", false),
            ("", false),
        ] {
            assert_eq!(Answer::read(body.as_bytes()).is_some(), read, "{body}");
        }
    }

    #[test]
    fn blocks_of_every_kind() {
        let body = br#"{"output":{"message":{"content":[5,{"text":"a"},{"toolUse":{"name":"f","input":{"b":1}}},
            {"reasoningContent":{"reasoningText":{"text":"r","signature":"s"}}},{"reasoningContent":{"redactedContent":"cg=="}},
            {"citationsContent":{"content":[{"text":"x"},{}],"citations":[{"title":"t"}]}},{"image":{}}]}}}"#;
        let blocks: Vec<Block<'_>> = Answer::read(body).unwrap().blocks().collect();
        assert_eq!(blocks.len(), 6);
        assert_eq!(blocks[0].text.get().unwrap().content(), "a");
        assert_eq!(
            blocks[1].tool_use().unwrap().input.unwrap().get(),
            r#"{"b":1}"#
        );
        let text = blocks[2].reasoning_text().unwrap();
        assert_eq!(text.signature.get().unwrap().content(), "s");
        assert!(blocks[2].redacted_content().get().is_none());
        assert_eq!(
            blocks[3].redacted_content().get().unwrap().content(),
            "cg=="
        );
        let (texts, citations) = blocks[4].cited();
        assert_eq!((texts.len(), citations.len()), (2, 1));
        assert!(blocks[5].text.get().is_none() && blocks[5].tool_use().is_none());
    }
}
