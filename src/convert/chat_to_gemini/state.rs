//! What the answer's conversion needs to know of the request.

use crate::convert::tool_names::ToolNames;
use crate::target::ChatReasoning;

/// Made by the request's conversion, read by the answer's.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// The client asked for a usage chunk (`stream_options.include_usage`).
    pub(crate) include_usage: bool,
    /// The model that was asked for, for answers that do not name theirs: a JSON string.
    pub(crate) model: String,
    /// The fields that carry reasoning to the client.
    pub(crate) reasoning: ChatReasoning,
    /// The functions' names as they were sent, and what they stand for.
    pub(crate) tools: ToolNames,
}
