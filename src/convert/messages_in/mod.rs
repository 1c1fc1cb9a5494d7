//! Reading Messages requests: what does not depend on where they go.

mod params;
mod path;

use std::borrow::Cow;

use serde_json::value::RawValue;

pub(in crate::convert) use params::{effort, json_schema, report_unknown, thinking};
pub(in crate::convert) use path::{At, missing, unsupported};

use crate::convert::path::{parse, wrong_type};
use crate::convert::report::{LossReport, Refusal};
use crate::format::messages::request::{Block, MAX_BLOCKS, Message, Request, Source};
use crate::format::raw::RawStr;
use crate::format::view::List;
use crate::format::walk;

/// What Claude Code writes at the start of its first system block: it changes with every version, spoils prompt caches, and
/// nobody but Anthropic reads it.
const BILLING: &str = "x-anthropic-billing-header:";

/// Blocks that belong to tools which Anthropic ran itself: what they found is in the text that follows.
pub(in crate::convert) const SERVER_BLOCKS: [&str; 11] = [
    "server_tool_use",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "advisor_tool_result",
    "mcp_tool_use",
    "mcp_tool_result",
    "fallback",
];

/// Whether a text of the system prompt is Claude Code's billing line.
pub(in crate::convert) fn is_billing(text: RawStr<'_>) -> bool {
    text.content().trim_start().starts_with(BILLING)
}

/// What a message, a tool's result or the system prompt holds.
#[derive(Debug)]
pub(in crate::convert) enum Content<'a> {
    Text(RawStr<'a>),
    Blocks(Vec<Block<'a>>),
}

impl<'a> Content<'a> {
    /// Reads the value at `path`.
    pub(in crate::convert) fn read(
        text: &'a str,
        path: impl FnOnce() -> String,
    ) -> Result<Self, Refusal> {
        if let Some(text) = RawStr::from_json(text) {
            return Ok(Self::Text(text));
        }
        if !walk::is_array(text) {
            return Err(wrong_type(path()));
        }
        let List(blocks) = parse::<List<Block<'a>, MAX_BLOCKS>>(text, path)?;
        Ok(Self::Blocks(blocks))
    }
}

/// The messages of a request, of which there is at least one.
pub(in crate::convert) fn messages<'r, 'a>(
    request: &'r Request<'a>,
) -> Result<&'r [Message<'a>], Refusal> {
    match &request.messages {
        None => Err(missing("messages")),
        Some(List(messages)) if messages.is_empty() => Err(Refusal::invalid(
            "messages",
            "messages: at least one message is required",
        )),
        Some(List(messages)) => Ok(messages),
    }
}

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::convert) enum Speaker {
    User,
    Assistant,
    System,
}

/// Who says a message, and what; members that no other vendor has are reported.
pub(in crate::convert) fn open<'a>(
    message: &Message<'a>,
    at: At,
    report: &mut LossReport,
) -> Result<(Speaker, Content<'a>), Refusal> {
    for name in &message.unknown {
        report.drop_field(format!("messages[].{name}"));
    }
    if message.output_config.is_some() {
        report.drop_field("messages[].output_config");
    }
    let Some(role) = message.role else {
        return Err(missing(at.member("role")));
    };
    let Some(content) = message.content else {
        return Err(missing(at.member("content")));
    };
    let content = Content::read(content.get(), || at.member("content"))?;
    let speaker = match &*role.decode() {
        "user" => Speaker::User,
        "assistant" => Speaker::Assistant,
        "system" => Speaker::System,
        _ => {
            let path = at.member("role");
            let message = format!("{path}: it is one of user, assistant and system");
            return Err(Refusal::invalid(path, message));
        }
    };
    Ok((speaker, content))
}

/// Where the bytes of an image or a document are, and in which way it says so.
pub(in crate::convert) fn source_of<'a>(
    block: &Block<'a>,
    at: At,
) -> Result<(Source<'a>, Cow<'a, str>), Refusal> {
    let Some(source) = block.source else {
        return Err(missing(at.member("source")));
    };
    let source: Source<'a> = parse(source.get(), || at.member("source"))?;
    let Some(kind) = source.kind else {
        return Err(missing(at.member("source.type")));
    };
    Ok((source, kind.decode()))
}

/// A block's type.
pub(in crate::convert) fn kind_of<'a>(block: &Block<'a>, at: At) -> Result<Cow<'a, str>, Refusal> {
    block
        .kind
        .map(RawStr::decode)
        .ok_or_else(|| missing(at.member("type")))
}

/// The text of a block that must be one; `None` where it is empty.
pub(in crate::convert) fn text_of<'a>(
    block: &Block<'a>,
    path: impl Fn() -> String,
) -> Result<Option<RawStr<'a>>, Refusal> {
    if block.kind.is_some_and(|kind| !kind.is("text")) {
        let path = format!("{}.type", path());
        let message = format!("{path}: only text can stand here");
        return Err(Refusal::invalid(path, message));
    }
    match block.text {
        Some(text) => Ok((!text.is_empty()).then_some(text)),
        None => Err(missing(format!("{}.text", path()))),
    }
}

/// The refusal of a block in a message of `role`.
pub(in crate::convert) fn misplaced(at: At, kind: &str, role: &str) -> Refusal {
    let path = at.member("type");
    let message = format!("{path}: `{kind}` blocks cannot stand in a message of the {role}");
    Refusal::invalid(path, message)
}

/// Reports the members of a block at `path` that only Anthropic has a place for.
pub(in crate::convert) fn report_extras(block: &Block<'_>, path: &str, report: &mut LossReport) {
    for (is_lost, member) in [
        (block.transformations.is_some(), "transformations"),
        (block.caller.is_some(), "caller"),
        (block.toolset_name.is_some(), "toolset_name"),
    ] {
        if is_lost {
            report.drop_field(format!("{path}.{member}"));
        }
    }
    for name in &block.unknown {
        report.drop_field(format!("{path}.{name}"));
    }
}

/// Whether `citations` asks for citations, or holds some.
pub(in crate::convert) fn cites(citations: &RawValue) -> bool {
    let text = citations.get();
    match walk::member(text, "enabled") {
        Some(enabled) => enabled == "true",
        None => walk::elements(text).next().is_some(),
    }
}
