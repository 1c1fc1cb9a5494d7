//! What Anthropic's own tools did, as web search calls of OpenAI's.

use bytes::BytesMut;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::codec::write::Object;
use crate::convert::responses_out::Index;
use crate::format::messages::Text;
use crate::format::raw::RawStr;
use crate::format::walk;

/// A search that waits for its result.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) id: String,
    pub(super) item: Index,
    /// A page is opened, instead of pages searched.
    pub(super) opens_page: bool,
    /// The question or the URL, as a JSON string.
    pub(super) what: String,
}

/// The block as it started, with the input that was streamed for it.
pub(super) fn with_input(json: &str, input: &str) -> String {
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(input).is_ok();
    if input.is_empty() || !is_json {
        return json.to_owned();
    }
    let mut whole = String::with_capacity(json.len() + input.len());
    whole.push('{');
    for (at, (key, value)) in walk::members(json).enumerate() {
        if at > 0 {
            whole.push(',');
        }
        whole.push_str(key.json());
        whole.push(':');
        whole.push_str(if key.is("input") { input } else { value });
    }
    whole.push('}');
    whole
}

/// The question of a search, or the URL of a page, in a block with its whole input: a JSON string.
pub(super) fn what(block: &str, opens_page: bool) -> String {
    let member = if opens_page { "url" } else { "query" };
    let input = walk::member(block, "input").unwrap_or_default();
    let text = walk::member(input, member).and_then(RawStr::from_json);
    text.map_or("\"\"", RawStr::json).to_owned()
}

/// A result's block.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ResultBlock<'a> {
    #[serde(borrow)]
    pub(super) tool_use_id: Text<'a>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

impl<'a> ResultBlock<'a> {
    pub(super) fn read(json: &'a str) -> Self {
        serde_json::from_str(json).unwrap_or_default()
    }

    /// Whether the tool reported an error.
    pub(super) fn is_error(&self) -> bool {
        let content = self.content.map(RawValue::get).unwrap_or_default();
        walk::member(content, "type")
            .and_then(RawStr::from_json)
            .is_some_and(|kind| kind.decode().ends_with("_error"))
    }

    /// OpenAI's `action` for it, with the pages found where `sources`.
    pub(super) fn action(&self, pending: &Pending, sources: bool) -> String {
        let mut json = BytesMut::new();
        let mut action = Object::begin(&mut json);
        if pending.opens_page {
            action.string("type", "open_page").raw("url", &pending.what);
        } else {
            action.string("type", "search").raw("query", &pending.what);
            let mut queries = action.array("queries");
            queries.raw(&pending.what);
            queries.end();
            if sources {
                let mut list = action.array("sources");
                let results = self.content.map(RawValue::get).unwrap_or_default();
                for result in walk::elements(results) {
                    if let Some(url) = walk::member(result, "url").and_then(RawStr::from_json) {
                        let mut source = list.object();
                        source.string("type", "url").raw("url", url.json());
                        source.end();
                    }
                }
                list.end();
            }
        }
        action.end();
        String::from_utf8_lossy(&json).into_owned()
    }
}
