//! Tools: which of the client's are sent, and under which names.
//!
//! Functions stay functions, freeform tools become functions with one `input`, and the tools of a namespace lose it. What the
//! target cannot run is left out and reported, so that agents which always offer it still work.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde_json::value::RawValue;

use super::checks::report_unknown;
use super::heads::{Items, Kind as ItemKind};
use super::path;
use crate::convert::anthropic_out::cache::{self, Ttl};
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::convert::sent_tools::{SentTool, SentTools};
use crate::format::raw::RawStr;
use crate::format::responses::request::{Item, Request, Tool};
use crate::format::walk;

/// The name of web searches.
pub(in crate::convert) const WEB_SEARCH: &str = "web_search";
/// The name of the tool that runs code.
pub(in crate::convert) const CODE_INTERPRETER: &str = "code_interpreter";
/// The container that says nothing.
const AUTO: &str = r#"{"type":"auto"}"#;
/// More tools than any provider takes, those of namespaces included.
const MAX_TOOLS: usize = 10_000;

/// The tools of a request, as they will be sent.
#[derive(Debug, Default)]
pub(in crate::convert) struct Tools<'a> {
    /// What the target is called in refusals.
    target: &'static str,
    pub(in crate::convert) list: Vec<Entry<'a>>,
    /// Where a tool stands in the list, while this is made.
    places: HashMap<Key<'a>, usize>,
    /// The names under which the tools are sent, those that the choice takes away included: the history calls them.
    names: HashMap<Key<'a>, String>,
    /// The types of the tools that were dropped.
    pub(in crate::convert) dropped: Vec<Cow<'a, str>>,
    /// Names of tools that only the history calls.
    pub(in crate::convert) stubs: Vec<String>,
}

/// A tool's namespace and name at the client.
pub(in crate::convert) type Key<'a> = (Option<Cow<'a, str>>, Cow<'a, str>);

#[derive(Debug)]
pub(in crate::convert) struct Entry<'a> {
    /// Where the tool stands (`tools[3].tools[0]`).
    pub(in crate::convert) at: String,
    pub(in crate::convert) name: Cow<'a, str>,
    pub(in crate::convert) namespace: Option<Cow<'a, str>>,
    /// The namespace's description, on the first of its tools.
    pub(in crate::convert) introduction: Option<RawStr<'a>>,
    /// The name under which it is sent.
    pub(in crate::convert) sent: String,
    pub(in crate::convert) mark: Option<Ttl>,
    pub(in crate::convert) kind: Kind,
    pub(in crate::convert) tool: Box<Tool<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::convert) enum Kind {
    Function,
    Custom,
    WebSearch,
    /// The tools of an MCP server, which Anthropic calls itself.
    Mcp,
    /// The running of code that the model writes.
    Code,
}

impl Kind {
    /// Whether the provider runs it itself.
    pub(in crate::convert) fn is_hosted(self) -> bool {
        matches!(self, Self::WebSearch | Self::Mcp | Self::Code)
    }
}

/// Which of the tools that a provider runs itself the target has.
pub(in crate::convert) trait HostedTools<'a> {
    /// What a tool of this type becomes; `None` where it is left out.
    fn kind_of(&self, kind: &str, tool: &Tool<'a>) -> Option<Hosted>;
}

/// A tool that the target runs itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::convert) enum Hosted {
    WebSearch,
    /// All tools of an MCP server.
    Mcp,
    /// The running of code.
    Code,
}

impl<'a> Tools<'a> {
    /// Reads the request's tools, and those that its input brings.
    pub(in crate::convert) fn read(
        request: &Request<'a>,
        items: &Items<'a>,
        target: &'static str,
        hosted: &dyn HostedTools<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<Self, Refusal> {
        let mut tools = Self {
            target,
            ..Self::default()
        };
        if let Some(list) = &request.tools {
            tools.add(&list.0, "tools", hosted, cx)?;
        }
        for (index, item) in items.list.iter().enumerate() {
            if item.kind != ItemKind::AdditionalTools {
                continue;
            }
            cx.report.approximate("input[].tools");
            let item: Item<'a> = path::parse(item.text, || format!("input[{index}]"))?;
            if let Some(list) = &item.tools {
                let list_path = path::item(index, "tools");
                tools.add(&list.0, &list_path, hosted, cx)?;
            }
        }
        Ok(tools)
    }

    /// What the target is called in refusals.
    pub(in crate::convert) fn target(&self) -> &'static str {
        self.target
    }

    /// Adds the tools of a list that stands at `list` (`tools`, `input[0].tools`); a later tool of the same name replaces an
    /// earlier one.
    fn add(
        &mut self,
        raw: &[&'a RawValue],
        list: &str,
        hosted: &dyn HostedTools<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        for (index, raw) in raw.iter().enumerate() {
            let at = format!("{list}[{index}]");
            self.add_one(raw.get(), at, hosted, cx)?;
        }
        Ok(())
    }

    fn add_one(
        &mut self,
        text: &'a str,
        at: String,
        hosted: &dyn HostedTools<'a>,
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
            _ => match hosted.kind_of(&kind, &tool) {
                Some(Hosted::WebSearch) => {
                    self.push_web_search(tool, at, cx);
                    Ok(())
                }
                Some(Hosted::Mcp) => self.push_mcp(tool, at, cx),
                Some(Hosted::Code) => {
                    self.push_code(tool, at, cx);
                    Ok(())
                }
                None => {
                    self.leave_out(kind, cx);
                    Ok(())
                }
            },
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
                    format!("{} cannot keep a tool for programs only", self.target),
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
        self.push_only(Kind::WebSearch, WEB_SEARCH, tool, at);
    }

    fn push_code(&mut self, tool: Tool<'a>, at: String, cx: &mut RequestContext<'_>) {
        report_unknown(&tool.unknown, "tools[].", cx);
        cx.report.approximate("tools[].type");
        if tool
            .container
            .is_some_and(|container| container.get() != AUTO)
        {
            cx.report.drop_field("tools[].container");
        }
        self.push_only(Kind::Code, CODE_INTERPRETER, tool, at);
    }

    /// Adds a tool that the provider runs: several of them are one, which has a place of its own beside a function of its name.
    fn push_only(&mut self, kind: Kind, name: &'static str, tool: Tool<'a>, at: String) {
        let entry = Entry {
            at,
            name: Cow::Borrowed(name),
            namespace: None,
            introduction: None,
            sent: name.to_owned(),
            mark: None,
            kind,
            tool: Box::new(tool),
        };
        match self.list.iter_mut().find(|e| e.kind == kind) {
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

    /// Notes the names under which the tools are sent, once every one has its own.
    pub(in crate::convert) fn settle_names(&mut self) {
        self.places = HashMap::new();
        for entry in self.list.iter().filter(|e| !e.kind.is_hosted()) {
            let key = (entry.namespace.clone(), entry.name.clone());
            self.names.insert(key, entry.sent.clone());
        }
    }

    /// The tools by the names under which they are sent, as far as these or their kinds differ from the client's.
    pub(in crate::convert) fn sent(&self) -> SentTools {
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

    /// The name under which a call of the history is sent, if the tool is known.
    pub(in crate::convert) fn name_of(
        &self,
        namespace: Option<Cow<'a, str>>,
        name: Cow<'a, str>,
    ) -> Result<&str, Key<'a>> {
        let key = (namespace, name);
        match self.names.get(&key) {
            Some(sent) => Ok(sent),
            None => Err(key),
        }
    }

    /// The sent name of the tool that a choice calls `name`, which must be unique: `None` where there is none.
    pub(in crate::convert) fn chosen(&self, name: &str) -> Result<Option<&str>, Refusal> {
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
    pub(in crate::convert) fn has_web_search(&self) -> bool {
        self.list.iter().any(|e| e.kind == Kind::WebSearch)
    }

    /// Keeps the tools for which `is_allowed` says so, asked in their order.
    pub(in crate::convert) fn keep(&mut self, is_allowed: impl FnMut(&Entry<'a>) -> bool) {
        self.list.retain(is_allowed);
    }

    /// Whether there is nothing to call.
    pub(in crate::convert) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Adds a stub for each tool that the history calls, where the request has no tools: calls without any tool are refused.
    pub(in crate::convert) fn add_stubs(&mut self, called: Vec<String>) {
        if self.list.is_empty() {
            let mut seen = HashSet::new();
            self.stubs = called;
            self.stubs.retain(|name| seen.insert(name.clone()));
        }
    }
}

/// Whether the type is one of OpenAI's names for its web search.
pub(in crate::convert) fn is_web_search(kind: &str) -> bool {
    kind == WEB_SEARCH || kind.starts_with("web_search_2") || kind.starts_with("web_search_preview")
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
