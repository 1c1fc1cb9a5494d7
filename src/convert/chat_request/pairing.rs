//! Calls and results that do not belong together: refused in OpenAI's words.

use crate::convert::report::Refusal;

/// An answer to nothing, in `messages[index]`; `legacy` for one of a `function_call`.
pub(in crate::convert) fn orphan(legacy: bool, index: usize) -> Refusal {
    let message = if legacy {
        "messages with role 'function' must be a response to a preceding message with 'function_call'."
    } else {
        "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
    };
    Refusal::invalid(format!("messages[{index}]"), message)
}

/// A call without an answer.
pub(in crate::convert) fn unanswered(legacy: bool, id: &str, index: usize) -> Refusal {
    let message = if legacy {
        "An assistant message with 'function_call' must be followed by a function message."
            .to_owned()
    } else {
        format!(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. \
             The following tool_call_ids did not have response messages: {id}"
        )
    };
    Refusal::invalid(format!("messages[{index}]"), message)
}
