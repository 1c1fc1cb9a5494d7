//! What the answer's conversion needs to know of the request.

use crate::convert::tool_names::ToolNames;
use crate::provider::Provider;

/// Made by the request's conversion, read by the answer's.
#[derive(Debug, Clone)]
pub(crate) struct State {
    /// Who answers.
    pub(crate) provider: Provider,
    /// Whether the model writes its thoughts between tags at the start of its text.
    pub(crate) tags_thoughts: bool,
    /// Whether the request had a web search tool: the client then reads the blocks of one.
    pub(crate) wants_search: bool,
    /// The tools' names as they were sent, where they differ from the client's.
    pub(crate) tools: ToolNames,
}
