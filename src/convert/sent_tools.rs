//! The tools of Responses clients by the names under which a provider knows them.

use std::collections::HashMap;

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
