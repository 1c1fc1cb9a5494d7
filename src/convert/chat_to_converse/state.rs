//! What the answer's conversion needs to know of the request.

use crate::convert::converse_in::Head;
use crate::convert::tool_names::ToolNames;
use crate::target::ChatReasoning;

/// Made by the request's conversion, read by the answer's.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// The name under which the client knows the model, as JSON text: Converse names none in its answers.
    pub(crate) model: String,
    /// The client asked for a usage chunk (`stream_options.include_usage`).
    pub(crate) include_usage: bool,
    /// The client used the deprecated `functions`: it reads `function_call`.
    pub(crate) legacy_functions: bool,
    /// The fields that carry reasoning to the client.
    pub(crate) reasoning: ChatReasoning,
    /// The stop sequences that the gateway looks for itself.
    pub(crate) stops: Vec<String>,
    /// The tools' names as they were sent, and what they stand for.
    pub(crate) tools: ToolNames,
}

impl State {
    /// What the answer's id is made of: a JSON string.
    pub(super) fn id(head: &Head) -> String {
        format!("\"{}\"", head.base)
    }
}
