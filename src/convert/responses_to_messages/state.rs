//! What the answer's conversion needs to know of the request.

use std::sync::Arc;

use crate::convert::responses_out::Echo;
use crate::convert::sent_tools::SentTools;

/// Made by the request's conversion, read by the answer's.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// What the response repeats.
    pub(crate) echo: Echo,
    pub(crate) tools: Arc<SentTools>,
    /// The client wants the pages that a web search found (`include: ["web_search_call.action.sources"]`).
    pub(crate) include_sources: bool,
    /// The request only fills the prompt cache: an answer without output is complete.
    pub(crate) prewarm: bool,
    /// Blocks of server tools go to the client in carriers.
    pub(crate) carry_server_blocks: bool,
}
