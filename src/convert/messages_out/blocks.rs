//! Content blocks, complete.

use bytes::{BufMut, BytesMut};

use crate::codec::write::Object;

/// A `text` block; `citations` are [`Citations`], where there are any.
pub(crate) fn text(out: &mut BytesMut, content: &str, citations: Option<&Citations>) {
    let mut block = Object::begin(out);
    block.string("type", "text");
    put_content(&mut block, "text", content);
    if let Some(citations) = citations.filter(|citations| !citations.0.is_empty()) {
        let list = block.key("citations");
        list.put_u8(b'[');
        list.extend_from_slice(&citations.0);
        list.put_u8(b']');
    }
    block.end();
}

/// A `thinking` block; `signature` is plain text.
pub(crate) fn thinking(out: &mut BytesMut, content: &str, signature: &str) {
    let mut block = Object::begin(out);
    block.string("type", "thinking");
    put_content(&mut block, "thinking", content);
    block.string("signature", signature);
    block.end();
}

/// A `thinking` block whose signature is raw JSON text without quotes, too.
pub(crate) fn thinking_content(out: &mut BytesMut, content: &str, signature: &str) {
    let mut block = Object::begin(out);
    block.string("type", "thinking");
    put_content(&mut block, "thinking", content);
    put_content(&mut block, "signature", signature);
    block.end();
}

/// A `redacted_thinking` block; `data` is plain text.
pub(crate) fn redacted_thinking(out: &mut BytesMut, data: &str) {
    let mut block = Object::begin(out);
    block
        .string("type", "redacted_thinking")
        .string("data", data);
    block.end();
}

/// A `tool_use` block; `id` and `name` are plain text, `input` is JSON text.
pub(crate) fn tool_use(out: &mut BytesMut, id: &str, name: &str, input: &str) {
    named_use(out, "tool_use", id, name, input);
}

/// A `server_tool_use` block, for a tool that the provider ran itself.
pub(crate) fn server_tool_use(out: &mut BytesMut, id: &str, name: &str, input: &str) {
    named_use(out, "server_tool_use", id, name, input);
}

/// An `mcp_tool_use` block, for a tool of a server that the provider called itself.
pub(crate) fn mcp_tool_use(out: &mut BytesMut, id: &str, name: &str, server: &str, input: &str) {
    let mut block = Object::begin(out);
    block
        .string("type", "mcp_tool_use")
        .string("id", id)
        .string("name", name)
        .string("server_name", server)
        .raw("input", input);
    block.end();
}

fn named_use(out: &mut BytesMut, kind: &str, id: &str, name: &str, input: &str) {
    let mut block = Object::begin(out);
    block
        .string("type", kind)
        .string("id", id)
        .string("name", name)
        .raw("input", input);
    block.end();
}

/// A page that a web search found: JSON strings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page<'a> {
    pub(crate) url: &'a str,
    pub(crate) title: &'a str,
    pub(crate) age: Option<&'a str>,
}

/// A `web_search_tool_result` block with the pages that were found.
pub(crate) fn web_search_result<'a>(
    out: &mut BytesMut,
    tool_use_id: &str,
    pages: impl IntoIterator<Item = Page<'a>>,
) {
    let mut block = Object::begin(out);
    block
        .string("type", "web_search_tool_result")
        .string("tool_use_id", tool_use_id);
    let mut content = block.array("content");
    for page in pages {
        let mut result = content.object();
        result
            .string("type", "web_search_result")
            .raw("url", page.url)
            .raw("title", page.title)
            .string("encrypted_content", "")
            .raw("page_age", page.age.unwrap_or("null"));
        result.end();
    }
    content.end();
    block.end();
}

/// A `web_search_tool_result` block for a search that failed; `code` is one of Anthropic's.
pub(crate) fn web_search_error(out: &mut BytesMut, tool_use_id: &str, code: &str) {
    let mut block = Object::begin(out);
    block
        .string("type", "web_search_tool_result")
        .string("tool_use_id", tool_use_id);
    let mut content = block.object("content");
    content
        .string("type", "web_search_tool_result_error")
        .string("error_code", code);
    content.end();
    block.end();
}

/// A `web_fetch_tool_result` block for a page (a JSON string) that was read, of whose text the provider tells nothing.
pub(crate) fn web_fetch_result(out: &mut BytesMut, tool_use_id: &str, url: &str) {
    let mut block = Object::begin(out);
    block
        .string("type", "web_fetch_tool_result")
        .string("tool_use_id", tool_use_id);
    let mut content = block.object("content");
    content.string("type", "web_fetch_result").raw("url", url);
    let mut document = content.object("content");
    document.string("type", "document");
    let mut source = document.object("source");
    source
        .string("type", "text")
        .string("media_type", "text/plain")
        .string("data", "");
    source.end();
    document.raw("title", "null").raw("citations", "null");
    document.end();
    content.raw("retrieved_at", "null");
    content.end();
    block.end();
}

/// A `web_fetch_tool_result` block for a page that could not be read; `code` is one of Anthropic's.
pub(crate) fn web_fetch_error(out: &mut BytesMut, tool_use_id: &str, code: &str) {
    let mut block = Object::begin(out);
    block
        .string("type", "web_fetch_tool_result")
        .string("tool_use_id", tool_use_id);
    let mut content = block.object("content");
    content
        .string("type", "web_fetch_tool_result_error")
        .string("error_code", code);
    content.end();
    block.end();
}

/// A `code_execution_tool_result` block; `stdout` and `stderr` are JSON strings.
pub(crate) fn code_execution_result(
    out: &mut BytesMut,
    tool_use_id: &str,
    stdout: &str,
    stderr: &str,
    return_code: u64,
) {
    let mut block = Object::begin(out);
    block
        .string("type", "code_execution_tool_result")
        .string("tool_use_id", tool_use_id);
    let mut content = block.object("content");
    content
        .string("type", "code_execution_result")
        .raw("stdout", stdout)
        .raw("stderr", stderr)
        .uint("return_code", return_code)
        .raw("content", "[]");
    content.end();
    block.end();
}

/// The citations of one text block, as JSON text with commas between them.
#[derive(Debug, Default)]
pub(crate) struct Citations(BytesMut);

impl Citations {
    /// Adds a citation of a web page.
    pub(crate) fn page(&mut self, url: &str, title: &str, cited_content: &str) {
        page_citation(self.next(), url, title, cited_content);
    }

    /// Where the next citation is written.
    pub(crate) fn next(&mut self) -> &mut BytesMut {
        if !self.0.is_empty() {
            self.0.put_u8(b',');
        }
        &mut self.0
    }
}

/// A citation of a web page: `url` and `title` are JSON strings, `cited_content` is raw JSON text without quotes.
pub(crate) fn page_citation(out: &mut BytesMut, url: &str, title: &str, cited_content: &str) {
    let mut citation = Object::begin(out);
    citation
        .string("type", "web_search_result_location")
        .raw("url", url)
        .raw("title", title);
    put_content(&mut citation, "cited_text", cited_content);
    citation.string("encrypted_index", "");
    citation.end();
}

/// The content of a whole message, block by block.
#[derive(Debug, Default)]
pub(crate) struct Content {
    out: BytesMut,
}

impl Content {
    /// Where the next block is written.
    pub(crate) fn next(&mut self) -> &mut BytesMut {
        if !self.out.is_empty() {
            self.out.put_u8(b',');
        }
        &mut self.out
    }

    /// The blocks, with commas between them.
    pub(crate) fn json(&self) -> &[u8] {
        &self.out
    }
}

/// The JSON object that a tool is called with: `arguments` where it is one, `{}` where it is empty, and what cannot be an
/// input kept under `__raw_arguments`.
pub(crate) fn tool_input(out: &mut BytesMut, arguments: &str) {
    let trimmed = arguments.trim();
    if trimmed.is_empty() {
        out.extend_from_slice(b"{}");
    } else if trimmed.starts_with('{')
        && serde_json::from_str::<&serde_json::value::RawValue>(trimmed).is_ok()
    {
        out.extend_from_slice(trimmed.as_bytes());
    } else {
        let mut object = Object::begin(out);
        object.string("__raw_arguments", arguments);
        object.end();
    }
}

fn put_content(object: &mut Object<'_>, key: &str, content: &str) {
    let out = object.key(key);
    out.put_u8(b'"');
    out.extend_from_slice(content.as_bytes());
    out.put_u8(b'"');
}

/// An input of one string member, whose text is escaped already.
pub(crate) fn query(out: &mut BytesMut, content: &str) {
    let mut object = Object::begin(out);
    put_content(&mut object, "query", content);
    object.end();
}
