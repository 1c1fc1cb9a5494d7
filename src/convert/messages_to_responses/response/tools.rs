//! Calls: of the client's tools, and of those that the provider ran itself.

use std::borrow::Cow;

use bytes::BytesMut;
use serde_json::value::RawValue;

use super::super::state::State;
use crate::codec::write::{self, Object};
use crate::convert::messages_out::blocks::{self, Page};
use crate::format::raw::RawStr;
use crate::format::responses::{Action, Item};
use crate::format::walk;

/// A call of one of the client's tools.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) id: String,
    /// The client's name of the tool.
    pub(crate) name: String,
}

impl Call {
    pub(crate) fn of(item: &Item<'_>, state: &State) -> Self {
        let id = item.call_id.non_empty().or(item.id.non_empty());
        let name = item.name.get().map(RawStr::decode).unwrap_or_default();
        Self {
            id: id.map_or_else(|| "call_0".to_owned(), |id| id.decode().into_owned()),
            name: state.tools.original(&name).to_owned(),
        }
    }
}

/// A web search, or a page that was opened.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    pub(crate) id: String,
    /// Raw JSON text without quotes.
    query: Cow<'a, str>,
    /// The pages that were found.
    pages: Vec<RawStr<'a>>,
    failed: bool,
}

impl<'a> Search<'a> {
    pub(crate) fn of(item: &Item<'a>) -> Self {
        let id = item.id.get().map(RawStr::decode).unwrap_or_default();
        let action = Action::read(item.action);
        let (query, pages) = if let Some(url) = action.url.non_empty() {
            (Cow::Owned(format!("open: {}", url.content())), vec![url])
        } else {
            let query = action.searched().get().map_or("", RawStr::content);
            let found = action.sources();
            let pages = found.iter().filter_map(|page| page.url.non_empty());
            (Cow::Borrowed(query), pages.collect())
        };
        Self {
            id: format!("srvtoolu_{id}"),
            query,
            pages,
            failed: item.status.get().is_some_and(|status| status.is("failed")),
        }
    }

    /// The search's input, a JSON object.
    pub(crate) fn input(&self) -> String {
        format!("{{\"query\":\"{}\"}}", self.query)
    }

    /// Writes the block with what was found.
    pub(crate) fn write_result(&self, out: &mut BytesMut) {
        if self.failed {
            blocks::web_search_error(out, &self.id, "unavailable");
            return;
        }
        let pages = self.pages.iter().map(|url| Page {
            url: url.json(),
            // OpenAI gives no titles.
            title: url.json(),
            age: None,
        });
        blocks::web_search_result(out, &self.id, pages);
    }
}

/// A call of an MCP server's tool.
#[derive(Debug)]
pub(crate) struct McpCall<'a> {
    pub(crate) id: String,
    pub(crate) name: Cow<'a, str>,
    pub(crate) server: Cow<'a, str>,
    arguments: Cow<'a, str>,
    /// What came of it, or what went wrong: a JSON string.
    output: Cow<'a, str>,
    failed: bool,
}

impl<'a> McpCall<'a> {
    pub(crate) fn of(item: &Item<'a>) -> Self {
        let text = |text: Option<RawStr<'a>>| text.map(RawStr::decode).unwrap_or_default();
        Self {
            id: format!("mcptoolu_{}", text(item.id.get())),
            name: text(item.name.get()),
            server: text(item.server_label.get()),
            arguments: text(item.arguments.get()),
            output: match item.error {
                Some(error) => words(error),
                None => Cow::Borrowed(item.output.get().map_or("\"\"", RawStr::json)),
            },
            failed: item.error.is_some(),
        }
    }

    /// The call's input, a JSON object.
    pub(crate) fn input(&self) -> String {
        let mut input = BytesMut::new();
        blocks::tool_input(&mut input, &self.arguments);
        String::from_utf8_lossy(&input).into_owned()
    }

    /// Writes the block with what came of it.
    pub(crate) fn write_result(&self, out: &mut BytesMut) {
        let mut block = Object::begin(out);
        block
            .string("type", "mcp_tool_result")
            .string("tool_use_id", &self.id)
            .bool("is_error", self.failed);
        let mut content = block.array("content");
        let mut text = content.object();
        text.string("type", "text").raw("text", &self.output);
        text.end();
        content.end();
        block.end();
    }
}

/// What an error says, as a JSON string: its message, else all of it.
fn words(error: &RawValue) -> Cow<'_, str> {
    let message = walk::member(error.get(), "message").and_then(RawStr::from_json);
    if let Some(text) = RawStr::new(error).or(message) {
        return Cow::Borrowed(text.json());
    }
    let mut text = BytesMut::new();
    write::string(&mut text, error.get());
    Cow::Owned(String::from_utf8_lossy(&text).into_owned())
}
