//! Why the model stopped.

/// Why the model stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Finish {
    /// It had finished, or called functions.
    #[default]
    Done,
    /// The output limit.
    Length,
    /// A filter.
    Filtered,
    /// Something went wrong; what there is of the answer may still serve.
    Failed,
}

impl Finish {
    /// What a `finishReason` says. Source: Gemini API reference, `FinishReason`.
    pub(super) fn read(reason: &str) -> Self {
        match reason {
            "STOP" | "FINISH_REASON_UNSPECIFIED" => Self::Done,
            "MAX_TOKENS" | "CONTINUATION" => Self::Length,
            "SAFETY"
            | "RECITATION"
            | "LANGUAGE"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION"
            | "MODEL_ARMOR"
            | "ESCALATION"
            | "PUP_LIMITED_DISABLED" => Self::Filtered,
            // MALFORMED_FUNCTION_CALL, MALFORMED_RESPONSE, UNEXPECTED_TOOL_CALL, MISSING_THOUGHT_SIGNATURE,
            // TOO_MANY_TOOL_CALLS, OTHER, NO_IMAGE, IMAGE_OTHER, and what is newer.
            _ => Self::Failed,
        }
    }

    /// Whether the word says no more than this does in any client's format.
    pub(super) fn is_plain(reason: &str) -> bool {
        matches!(reason, "STOP" | "MAX_TOKENS" | "FINISH_REASON_UNSPECIFIED")
    }
}
