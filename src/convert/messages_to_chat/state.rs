//! What the answer's conversion needs to know of the request.

use crate::convert::chat_in::Origin;
use crate::convert::tool_names::ToolNames;

/// Made by the request's conversion, read by the answer's.
#[derive(Debug, Clone)]
pub(crate) struct State {
    /// Who answers.
    pub(crate) origin: Origin,
    /// The model asked for, as a JSON string: for answers that name none.
    pub(crate) model: String,
    /// Whether the request had a web search tool: the client then reads the blocks of one.
    pub(crate) wants_search: bool,
    /// The tools' names as they were sent, where they differ from the client's.
    pub(crate) tools: ToolNames,
}
