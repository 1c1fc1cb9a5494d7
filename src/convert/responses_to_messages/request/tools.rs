//! Tools: which of the client's are sent, and under which names.
//!
//! Functions stay functions, freeform tools become functions with one `input`, the tools of a namespace become
//! `namespace__name`, and OpenAI's web search becomes Anthropic's. What Anthropic cannot run is left out and reported, so
//! that agents which always offer it still work.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use serde_json::value::RawValue;

use super::fields::report_unknown;
use super::path;
use crate::convert::anthropic_out::cache::{self, Ttl};
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::convert::sent_tools::{SentTool, SentTools};
use crate::convert::tool_names::{self, Taken};
use crate::format::raw::RawStr;
use crate::format::responses::request::Tool;
use crate::format::walk;
use crate::provider::Provider;

/// Anthropic's name for its own web search, which no other tool may have.
pub(super) const WEB_SEARCH: &str = "web_search";
/// More tools than any provider takes, those of namespaces included.
const MAX_TOOLS: usize = 10_000;
/// The longest name that Anthropic takes.
const MAX_NAME: usize = 128;

/// The tools of a request, as they will be sent.
#[derive(Debug, Default)]
pub(super) struct Tools<'a> {
    pub(super) list: Vec<Entry<'a>>,
    /// Where a tool stands in the list, while this is made.
    places: HashMap<Key<'a>, usize>,
    /// The names under which the tools are sent, those that the choice takes away included: the history calls them.
    names: HashMap<Key<'a>, String>,
    /// The types of the tools that were dropped.
    pub(super) dropped: Vec<Cow<'a, str>>,
    /// Names of tools that only the history calls.
    pub(super) stubs: Vec<String>,
}

/// A tool's namespace and name at the client.
type Key<'a> = (Option<Cow<'a, str>>, Cow<'a, str>);

#[derive(Debug)]
pub(super) struct Entry<'a> {
    /// Where the tool stands (`tools[3].tools[0]`).
    pub(super) at: String,
    pub(super) name: Cow<'a, str>,
    pub(super) namespace: Option<Cow<'a, str>>,
    /// The namespace's description, on the first of its tools.
    pub(super) introduction: Option<RawStr<'a>>,
    /// The name under which it is sent.
    pub(super) sent: String,
    pub(super) mark: Option<Ttl>,
    pub(super) kind: Kind,
    pub(super) tool: Box<Tool<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Function,
    Custom,
    WebSearch,
    /// The tools of an MCP server, which Anthropic calls itself.
    Mcp,
}

impl Kind {
    /// Whether Anthropic runs it itself.
    pub(super) fn is_hosted(self) -> bool {
        matches!(self, Self::WebSearch | Self::Mcp)
    }
}

/// What the tools depend on beside themselves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances {
    /// The answer must follow a schema, which excludes citations and thus web search.
    pub(super) has_schema: bool,
}

impl<'a> Tools<'a> {
    /// Adds the tools of a list that stands at `list` (`tools`, `input[0].tools`); a later tool of the same name replaces an
    /// earlier one.
    pub(super) fn add(
        &mut self,
        raw: &[&'a RawValue],
        list: &str,
        circumstances: Circumstances,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        for (index, raw) in raw.iter().enumerate() {
            let at = format!("{list}[{index}]");
            self.add_one(raw.get(), at, circumstances, cx)?;
        }
        Ok(())
    }

    fn add_one(
        &mut self,
        text: &'a str,
        at: String,
        circumstances: Circumstances,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let tool: Tool<'a> = path::parse(text, || at.clone())?;
        let Some(kind) = tool.kind.map(RawStr::decode) else {
            return Err(path::missing(format!("{at}.type")));
        };
        match &*kind {
            "function" => self.push(tool, Kind::Function, None, None, at, cx),
            "custom" => self.push(tool, Kind::Custom, None, None, at, cx),
            "namespace" => self.add_namespace(&tool, &at, cx),
            _ if is_web_search(&kind) => {
                let offline = tool
                    .external_web_access
                    .is_some_and(|access| access.get() == "false");
                // Bedrock has none, and Anthropic's always goes to the web.
                if cx.provider == Provider::AwsBedrockInvoke || offline || circumstances.has_schema
                {
                    self.leave_out(kind, cx);
                    return Ok(());
                }
                self.push_web_search(tool, at, cx);
                Ok(())
            }
            "mcp"
                if cx.options.allow_mcp == Some(true)
                    && cx.provider == Provider::Anthropic
                    && may_be_called(&tool) =>
            {
                self.push_mcp(tool, at, cx)
            }
            _ => {
                self.leave_out(kind, cx);
                Ok(())
            }
        }
    }

    fn leave_out(&mut self, kind: Cow<'a, str>, cx: &mut RequestContext<'_>) {
        cx.report.drop_field("tools[]");
        if !self.dropped.contains(&kind) && self.dropped.len() < 64 {
            self.dropped.push(kind);
        }
    }

    fn add_namespace(
        &mut self,
        space: &Tool<'a>,
        at: &str,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let name = required_name(space, at)?;
        report_unknown(&space.unknown, "tools[].", cx);
        cx.report.approximate("tools[].tools");
        let mut introduction = space.description.filter(|text| !text.is_blank());
        for (index, raw) in space.tools.iter().flat_map(|list| &list.0).enumerate() {
            let at = format!("{at}.tools[{index}]");
            let tool: Tool<'a> = path::parse(raw.get(), || at.clone())?;
            let kind = match tool.kind.map(RawStr::decode) {
                Some(kind) if kind == "function" => Kind::Function,
                Some(kind) if kind == "custom" => Kind::Custom,
                Some(kind) => {
                    self.leave_out(kind, cx);
                    continue;
                }
                None => return Err(path::missing(format!("{at}.type"))),
            };
            let introduction = introduction.take();
            self.push(tool, kind, Some(name.clone()), introduction, at, cx)?;
        }
        Ok(())
    }

    fn push(
        &mut self,
        tool: Tool<'a>,
        kind: Kind,
        namespace: Option<Cow<'a, str>>,
        introduction: Option<RawStr<'a>>,
        at: String,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let name = required_name(&tool, &at)?;
        report_unknown(&tool.unknown, "tools[].", cx);
        for (field, present) in [
            ("tools[].output_schema", tool.output_schema.is_some()),
            (
                "tools[].defer_loading",
                tool.defer_loading
                    .is_some_and(|value| value.get() == "true"),
            ),
            (
                "tools[].async",
                tool.is_async.is_some_and(|value| value.get() == "true"),
            ),
        ] {
            if present {
                cx.report.drop_field(field);
            }
        }
        if let Some(callers) = tool.allowed_callers.map(RawValue::get) {
            let direct = walk::elements(callers)
                .any(|caller| RawStr::from_json(caller).is_some_and(|word| word.is("direct")));
            if !direct && walk::elements(callers).next().is_some() {
                return Err(Refusal::unsupported(
                    format!("{at}.allowed_callers"),
                    "Anthropic cannot keep a tool for programs only",
                ));
            }
            cx.report.drop_field("tools[].allowed_callers");
        }
        let mark = cache::requested(
            tool.cache_control,
            tool.prompt_cache_breakpoint,
            "tools[]",
            cx.report,
        );
        let key = (namespace.clone(), name.clone());
        let entry = Entry {
            at,
            name,
            namespace,
            introduction,
            sent: String::new(),
            mark,
            kind,
            tool: Box::new(tool),
        };
        self.place(key, entry)
    }

    fn push_web_search(&mut self, tool: Tool<'a>, at: String, cx: &mut RequestContext<'_>) {
        report_unknown(&tool.unknown, "tools[].", cx);
        cx.report.approximate("tools[].type");
        for (field, present) in [
            (
                "tools[].search_context_size",
                tool.search_context_size.is_some(),
            ),
            (
                "tools[].search_content_types",
                tool.search_content_types.is_some(),
            ),
        ] {
            if present {
                cx.report.drop_field(field);
            }
        }
        let entry = Entry {
            at,
            name: Cow::Borrowed(WEB_SEARCH),
            namespace: None,
            introduction: None,
            sent: WEB_SEARCH.to_owned(),
            mark: None,
            kind: Kind::WebSearch,
            tool: Box::new(tool),
        };
        // Several of them are one; it has a place of its own beside a function of this name.
        match self.list.iter_mut().find(|e| e.kind == Kind::WebSearch) {
            Some(slot) => *slot = entry,
            None => self.list.push(entry),
        }
    }

    fn push_mcp(
        &mut self,
        tool: Tool<'a>,
        at: String,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        report_unknown(&tool.unknown, "tools[].", cx);
        cx.report.approximate("tools[].type");
        if tool.server_description.is_some() {
            cx.report.drop_field("tools[].server_description");
        }
        if self.list.len() == MAX_TOOLS {
            return Err(too_many());
        }
        let Some(label) = tool.server_label.map(RawStr::decode) else {
            return Err(path::missing(format!("{at}.server_label")));
        };
        let entry = Entry {
            at,
            sent: label.to_string(),
            name: label,
            namespace: None,
            introduction: None,
            mark: None,
            kind: Kind::Mcp,
            tool: Box::new(tool),
        };
        let same = |e: &Entry<'_>| e.kind == Kind::Mcp && e.name == entry.name;
        let place = self.list.iter().position(same);
        match place.and_then(|at| self.list.get_mut(at)) {
            Some(slot) => *slot = entry,
            None => self.list.push(entry),
        }
        Ok(())
    }

    fn place(&mut self, key: Key<'a>, entry: Entry<'a>) -> Result<(), Refusal> {
        if let Some(slot) = self.places.get(&key).and_then(|at| self.list.get_mut(*at)) {
            let introduction = slot.introduction.or(entry.introduction);
            *slot = Entry {
                introduction,
                ..entry
            };
            return Ok(());
        }
        if self.list.len() == MAX_TOOLS {
            return Err(too_many());
        }
        self.places.insert(key, self.list.len());
        self.list.push(entry);
        Ok(())
    }

    /// Gives every tool a name that Anthropic takes; valid names of tools outside namespaces stay as they are.
    pub(super) fn settle_names(&mut self, cx: &mut RequestContext<'_>) {
        let mut taken = Taken::default();
        let has_search = self.list.iter().any(|e| e.kind == Kind::WebSearch);
        if has_search {
            taken.insert(WEB_SEARCH);
        }
        let keeps_name = |entry: &Entry<'_>| {
            entry.namespace.is_none()
                && !entry.kind.is_hosted()
                && tool_names::is_valid(&entry.name)
                && !(has_search && entry.name == WEB_SEARCH)
        };
        for entry in &mut self.list {
            if keeps_name(entry) {
                taken.insert(&entry.name);
                entry.sent = entry.name.to_string();
            }
        }
        for entry in &mut self.list {
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
        self.places = HashMap::new();
        for entry in self.list.iter().filter(|e| !e.kind.is_hosted()) {
            let key = (entry.namespace.clone(), entry.name.clone());
            self.names.insert(key, entry.sent.clone());
        }
    }

    /// The tools by the names under which they are sent, as far as these or their kinds differ from the client's.
    pub(super) fn sent(&self) -> SentTools {
        let mut tools = SentTools::default();
        for entry in &self.list {
            let custom = entry.kind == Kind::Custom;
            if entry.kind.is_hosted() || (entry.sent == entry.name && !custom) {
                continue;
            }
            let tool = SentTool {
                name: entry.name.to_string(),
                namespace: entry.namespace.as_deref().map(str::to_owned),
                custom,
            };
            tools.insert(entry.sent.clone(), tool);
        }
        tools
    }

    /// The name under which a call of the history is sent.
    pub(super) fn name_of(
        &self,
        namespace: Option<Cow<'a, str>>,
        name: Cow<'a, str>,
    ) -> Cow<'_, str> {
        let key = (namespace, name);
        if let Some(sent) = self.names.get(&key) {
            return Cow::Borrowed(sent);
        }
        let (namespace, name) = key;
        let flat = match namespace {
            Some(namespace) => flat_name(&namespace, &name),
            None => name.into_owned(),
        };
        Cow::Owned(tool_names::sanitise(&flat).into_owned())
    }

    /// The sent name of the tool that a choice calls `name`, which must be unique: `None` where there is none.
    pub(super) fn chosen(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut found = self
            .list
            .iter()
            .filter(|entry| !entry.kind.is_hosted() && entry.name == name);
        let first = found.next();
        if first.is_some_and(|entry| entry.namespace.is_some()) && found.next().is_some() {
            return Err(Refusal::invalid(
                "tool_choice.name",
                "several namespaces have a tool of this name",
            ));
        }
        Ok(first.map(|entry| &*entry.sent))
    }

    /// Whether there is a web search.
    pub(super) fn has_web_search(&self) -> bool {
        self.list.iter().any(|e| e.kind == Kind::WebSearch)
    }

    /// Keeps the tools for which `is_allowed` says so, asked in their order.
    pub(super) fn keep(&mut self, is_allowed: impl FnMut(&Entry<'a>) -> bool) {
        self.list.retain(is_allowed);
    }

    /// Whether there is nothing to call.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Adds a stub for each tool that the history calls, where the request has no tools: calls without any tool are refused.
    pub(super) fn add_stubs(&mut self, called: Vec<String>) {
        if self.list.is_empty() {
            let mut seen = HashSet::new();
            self.stubs = called;
            self.stubs.retain(|name| seen.insert(name.clone()));
        }
    }
}

/// Whether the type is one of OpenAI's names for its web search.
pub(super) fn is_web_search(kind: &str) -> bool {
    kind == WEB_SEARCH || kind.starts_with("web_search_2") || kind.starts_with("web_search_preview")
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

fn too_many() -> Refusal {
    Refusal::invalid("tools", "there are too many tools")
}

fn required_name<'a>(tool: &Tool<'a>, at: &str) -> Result<Cow<'a, str>, Refusal> {
    tool.name
        .filter(|name| !name.is_empty())
        .map(RawStr::decode)
        .ok_or_else(|| path::missing(format!("{at}.name")))
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
