//! Which tools Anthropic runs itself, and the names under which tools are sent.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::value::RawValue;

use crate::convert::context::RequestContext;
use crate::convert::responses_request::tools::{
    Entry, Hosted, HostedTools, Key, Kind, Tools, WEB_SEARCH, is_web_search,
};
use crate::convert::tool_names::{self, Taken};
use crate::format::responses::request::Tool;
use crate::format::walk;
use crate::provider::Provider;

/// The longest name that Anthropic takes.
const MAX_NAME: usize = 128;

/// What Anthropic runs itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnTools {
    provider: Provider,
    /// The answer must follow a schema, which excludes citations and thus web search.
    has_schema: bool,
    /// The owner allows MCP servers.
    mcp: bool,
}

impl OwnTools {
    pub(super) fn new(has_schema: bool, cx: &RequestContext<'_>) -> Self {
        Self {
            provider: cx.provider,
            has_schema,
            mcp: cx.options.allow_mcp == Some(true),
        }
    }
}

impl<'a> HostedTools<'a> for OwnTools {
    fn kind_of(&self, kind: &str, tool: &Tool<'a>) -> Option<Hosted> {
        if is_web_search(kind) {
            let offline = tool
                .external_web_access
                .is_some_and(|access| access.get() == "false");
            // Bedrock has none, and Anthropic's always goes to the web.
            let excluded =
                self.provider == Provider::AwsBedrockInvoke || offline || self.has_schema;
            return (!excluded).then_some(Hosted::WebSearch);
        }
        let mcp = kind == "mcp"
            && self.mcp
            && self.provider == Provider::Anthropic
            && may_be_called(tool);
        mcp.then_some(Hosted::Mcp)
    }
}

/// Gives every tool a name that Anthropic takes; valid names of tools outside namespaces stay as they are.
pub(super) fn settle_names(tools: &mut Tools<'_>, cx: &mut RequestContext<'_>) {
    let mut taken = Taken::default();
    let has_search = tools.list.iter().any(|e| e.kind == Kind::WebSearch);
    if has_search {
        taken.insert(WEB_SEARCH);
    }
    let keeps_name = |entry: &Entry<'_>| {
        entry.namespace.is_none()
            && !entry.kind.is_hosted()
            && tool_names::is_valid(&entry.name)
            && !(has_search && entry.name == WEB_SEARCH)
    };
    for entry in &mut tools.list {
        if keeps_name(entry) {
            taken.insert(&entry.name);
            entry.sent = entry.name.to_string();
        }
    }
    for entry in &mut tools.list {
        if !entry.sent.is_empty() {
            continue;
        }
        entry.sent = if let Some(namespace) = &entry.namespace {
            taken.unique(&flat_name(namespace, &entry.name))
        } else {
            cx.report.approximate("tools[].name");
            taken.unique(&entry.name)
        };
    }
    tools.settle_names();
}

/// The name under which a call of the history is sent.
pub(super) fn name_of<'t, 'a>(
    tools: &'t Tools<'a>,
    namespace: Option<Cow<'a, str>>,
    name: Cow<'a, str>,
) -> Cow<'t, str> {
    let (namespace, name): Key<'a> = match tools.name_of(namespace, name) {
        Ok(sent) => return Cow::Borrowed(sent),
        Err(key) => key,
    };
    let flat = match namespace {
        Some(namespace) => flat_name(&namespace, &name),
        None => name.into_owned(),
    };
    Cow::Owned(tool_names::sanitise(&flat).into_owned())
}

/// Whether calls of the MCP server's tools need nothing that Anthropic does not have: an approval of each (OpenAI's
/// default), other headers, or a connection of OpenAI's own.
fn may_be_called(tool: &Tool<'_>) -> bool {
    let never = tool.require_approval.map(RawValue::get);
    let headers = tool.headers.map(RawValue::get).unwrap_or_default();
    tool.server_url.is_some()
        && never == Some("\"never\"")
        && walk::members(headers).next().is_none()
        && tool.connector_id.is_none()
        && tool.tunnel_id.is_none()
}

/// The name of a namespace's tool where there are no namespaces. One that is too long keeps its beginning and gets a hash,
/// so that it depends on nothing but itself.
fn flat_name(namespace: &str, name: &str) -> String {
    let flat = format!("{namespace}__{name}");
    let mut sent = tool_names::sanitise(&flat).into_owned();
    if flat.chars().count() > MAX_NAME {
        sent.truncate(100);
        // Writing to a string cannot fail.
        let _ = write!(sent, "_{:08x}", fnv1a(&flat));
    }
    sent
}

/// The 32-bit FNV-1a hash.
fn fnv1a(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_names() {
        assert_eq!(flat_name("crm", "find"), "crm__find");
        assert_eq!(flat_name("c.m", "é"), "c_m___");
        let long = flat_name(&"n".repeat(90), &"t".repeat(90));
        assert_eq!(long.len(), 109);
        assert!(tool_names::is_valid(&long));
        assert_ne!(long, flat_name(&"n".repeat(90), &"t".repeat(91)));
    }

    #[test]
    fn hash() {
        assert_eq!(fnv1a(""), 0x811c_9dc5);
        assert_eq!(fnv1a("foobar"), 0xbf9c_f968);
    }
}
