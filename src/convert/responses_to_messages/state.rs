//! What the answer's conversion needs to know of the request.

use std::collections::HashMap;
use std::sync::Arc;

use crate::convert::responses_out::Echo;

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

/// The tools of one request by the names under which they were sent, where these or their kinds differ from the client's.
#[derive(Debug, Clone, Default)]
pub(crate) struct SentTools(HashMap<String, SentTool>);

/// What a tool is to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SentTool {
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    /// A freeform tool, sent as a function with one `input` string.
    pub(crate) custom: bool,
}

impl SentTools {
    pub(crate) fn insert(&mut self, sent: String, tool: SentTool) {
        self.0.insert(sent, tool);
    }

    /// The client's tool that was sent as `name`; `None` where it was sent as it is.
    pub(crate) fn get(&self, name: &str) -> Option<&SentTool> {
        self.0.get(name)
    }
}
