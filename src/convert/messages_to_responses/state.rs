//! What the answer's conversion needs to know of the request.

use crate::convert::tool_names::ToolNames;

/// Made by the request's conversion, read by the answer's.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// The tools' names as they were sent, and what they stand for.
    pub(crate) tools: ToolNames,
    /// Stop sequences, for which OpenAI has no parameter: the gateway looks for them itself.
    pub(crate) stops: Vec<String>,
    /// Whether the model may search the web: its texts may have citations then.
    pub(crate) web_search: bool,
    /// The client asked for no output at all, only for the prompt cache to be filled.
    pub(crate) prewarm: bool,
}
