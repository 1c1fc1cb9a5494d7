//! Why Converse's models stop and on what capacity they ran, in the clients' words.

use std::borrow::Cow;

use crate::convert::machine::StreamError;
use crate::endpoint::Format;
use crate::format::error::{ClientError, Fault};
use crate::format::raw::RawStr;
use crate::usage;

/// Why the model stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// It had finished; also reasons that are not known here.
    #[default]
    EndTurn,
    StopSequence,
    ToolUse,
    /// The output limit.
    MaxTokens,
    /// The context window was full.
    ContextWindow,
    /// A guardrail, or the provider's own filter.
    Filtered,
}

/// The model wrote what is no message, or no tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed(&'static str);

impl Malformed {
    pub(super) fn client_error(self, client: Format) -> ClientError {
        let mut error = ClientError::gateway(client, Fault::BadGateway, self.0);
        if client != Format::Messages {
            error.code = Some(Cow::Borrowed("model_error"));
        }
        error
    }

    pub(super) fn stream_error(self, client: Format) -> StreamError {
        StreamError {
            upstream_status: None,
            class: None,
            error: self.client_error(client),
        }
    }
}

impl StopReason {
    pub(super) fn read(reason: Option<RawStr<'_>>) -> Result<Self, Malformed> {
        let reason = reason.map(RawStr::decode).unwrap_or_default();
        Ok(match &*reason {
            "stop_sequence" => Self::StopSequence,
            "tool_use" => Self::ToolUse,
            "max_tokens" => Self::MaxTokens,
            "model_context_window_exceeded" => Self::ContextWindow,
            "guardrail_intervened" | "content_filtered" => Self::Filtered,
            "malformed_model_output" => {
                return Err(Malformed("the model's output is malformed"));
            }
            "malformed_tool_use" => {
                return Err(Malformed("the model's call of a tool is malformed"));
            }
            _ => Self::EndTurn,
        })
    }

    /// The reason, corrected by whether the client's tools were called: some models end their turn with calls in it, and
    /// tools that the provider runs itself are none of the client's.
    pub(super) fn given(self, called: bool) -> Self {
        match (self, called) {
            (Self::EndTurn, true) => Self::ToolUse,
            (Self::ToolUse, false) => Self::EndTurn,
            _ => self,
        }
    }

    /// Chat's `finish_reason`.
    pub(crate) fn chat(self) -> &'static str {
        match self {
            Self::EndTurn | Self::StopSequence => "stop",
            Self::ToolUse => "tool_calls",
            Self::MaxTokens | Self::ContextWindow => "length",
            Self::Filtered => "content_filter",
        }
    }

    /// The `reason` in `incomplete_details` of a Responses answer; `None` where it is complete.
    pub(crate) fn responses(self) -> Option<&'static str> {
        match self {
            Self::EndTurn | Self::StopSequence | Self::ToolUse => None,
            Self::MaxTokens | Self::ContextWindow => Some("max_output_tokens"),
            Self::Filtered => Some("content_filter"),
        }
    }

    /// The `stop_reason` of Messages.
    pub(crate) fn messages(self) -> &'static str {
        match self {
            Self::EndTurn => "end_turn",
            Self::StopSequence => "stop_sequence",
            Self::ToolUse => "tool_use",
            Self::MaxTokens => "max_tokens",
            Self::ContextWindow => "model_context_window_exceeded",
            Self::Filtered => "refusal",
        }
    }
}

/// The capacity that served a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServiceTier {
    Default,
    Flex,
    Priority,
    Reserved,
}

impl ServiceTier {
    pub(super) fn read(tier: RawStr<'_>) -> Option<Self> {
        Some(match &*tier.decode() {
            "default" => Self::Default,
            "flex" => Self::Flex,
            "priority" => Self::Priority,
            "reserved" => Self::Reserved,
            _ => return None,
        })
    }

    /// The tier that prices depend on.
    pub(super) fn billed(self) -> usage::ServiceTier {
        match self {
            Self::Default => usage::ServiceTier::Standard,
            Self::Flex => usage::ServiceTier::Flex,
            Self::Priority => usage::ServiceTier::Priority,
            Self::Reserved => usage::ServiceTier::Reserved,
        }
    }

    /// OpenAI's word.
    pub(crate) fn openai(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Flex => "flex",
            Self::Priority => "priority",
            Self::Reserved => "scale",
        }
    }

    /// Anthropic's word, in the usage.
    pub(crate) fn messages(self) -> &'static str {
        match self {
            Self::Default | Self::Flex => "standard",
            Self::Priority | Self::Reserved => "priority",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reason: &str) -> Result<StopReason, Malformed> {
        let json = format!("\"{reason}\"");
        StopReason::read(RawStr::from_json(&json))
    }

    #[test]
    fn the_table() {
        for (reason, called, chat, responses, messages) in [
            ("end_turn", false, "stop", None, "end_turn"),
            ("stop_sequence", false, "stop", None, "stop_sequence"),
            ("tool_use", true, "tool_calls", None, "tool_use"),
            (
                "max_tokens",
                true,
                "length",
                Some("max_output_tokens"),
                "max_tokens",
            ),
            (
                "model_context_window_exceeded",
                false,
                "length",
                Some("max_output_tokens"),
                "model_context_window_exceeded",
            ),
            (
                "guardrail_intervened",
                false,
                "content_filter",
                Some("content_filter"),
                "refusal",
            ),
            (
                "content_filtered",
                true,
                "content_filter",
                Some("content_filter"),
                "refusal",
            ),
            ("something_new", false, "stop", None, "end_turn"),
            // Corrected by what was called.
            ("end_turn", true, "tool_calls", None, "tool_use"),
            ("tool_use", false, "stop", None, "end_turn"),
            ("something_new", true, "tool_calls", None, "tool_use"),
            ("stop_sequence", true, "stop", None, "stop_sequence"),
        ] {
            let given = read(reason).unwrap().given(called);
            assert_eq!(given.chat(), chat, "{reason}");
            assert_eq!(given.responses(), responses, "{reason}");
            assert_eq!(given.messages(), messages, "{reason}");
        }
        assert_eq!(StopReason::read(None), Ok(StopReason::EndTurn));
        for malformed in ["malformed_model_output", "malformed_tool_use"] {
            for client in [Format::Chat, Format::Responses, Format::Messages] {
                let error = read(malformed).unwrap_err().client_error(client);
                assert_eq!(error.status.as_u16(), 502);
                let code = (client != Format::Messages).then_some("model_error");
                assert_eq!(error.code.as_deref(), code);
            }
        }
    }

    #[test]
    fn tiers() {
        for (word, openai, messages) in [
            ("\"default\"", "default", "standard"),
            ("\"flex\"", "flex", "standard"),
            ("\"priority\"", "priority", "priority"),
            ("\"reserved\"", "scale", "priority"),
        ] {
            let tier = ServiceTier::read(RawStr::from_json(word).unwrap()).unwrap();
            assert_eq!((tier.openai(), tier.messages()), (openai, messages));
        }
        assert_eq!(
            ServiceTier::read(RawStr::from_json("\"new\"").unwrap()),
            None
        );
    }
}
