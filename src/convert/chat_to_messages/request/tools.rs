//! Tools: functions, freeform tools as functions with one `input`, and Anthropic's own.

use std::borrow::Cow;
use std::collections::HashSet;

use bytes::BufMut;
use serde_json::value::RawValue;

use super::messages::Facts;
use super::parts;
use super::{path, tool_schema, web_search};
use crate::codec::write;
use crate::convert::anthropic_out::cache::{self, Out, Section, Ttl};
use crate::convert::chat_request::choice;
use crate::convert::context::RequestContext;
use crate::convert::invoke::runs_tool;
use crate::convert::report::Refusal;
use crate::convert::tool_names::{self, Taken, ToolNames};
use crate::format::chat::request::{
    Custom, Function, Message, Request, Tool, ToolCall, WebSearchOptions,
};
use crate::format::raw::RawStr;
use crate::format::walk;
use crate::provider::Provider;

/// What the types of Anthropic's own tools begin with; clients may send them as they are.
const NATIVE: [&str; 9] = [
    "web_search_",
    "web_fetch_",
    "code_execution_",
    "bash_",
    "text_editor_",
    "memory_",
    "computer_",
    "tool_search_tool_",
    "mcp_toolset",
];

const INPUT_SCHEMA: &[u8] =
    b"{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},\
\"required\":[\"input\"],\"additionalProperties\":false}";

/// The tools of a request, as they will be sent.
#[derive(Debug)]
pub(super) struct Tools<'a> {
    list: Vec<Item<'a>>,
    pub(super) names: ToolNames,
    /// The types of the tools that were dropped.
    pub(super) dropped: Vec<Cow<'a, str>>,
    /// The client used the deprecated `functions`.
    pub(super) legacy: bool,
    /// Only stubs for calls in the history: none may be called.
    pub(super) only_stubs: bool,
    stubs: Vec<String>,
    web_search: bool,
}

#[derive(Debug)]
struct Item<'a> {
    /// Where it stands in `tools`, or in `functions`.
    index: usize,
    list: &'static str,
    name: Option<RawStr<'a>>,
    mark: Option<Ttl>,
    kind: Kind<'a>,
}

#[derive(Debug)]
enum Kind<'a> {
    Function(&'a Function<'a>),
    Custom(&'a Custom<'a>),
    /// One of Anthropic's own, as it was sent.
    Native(&'a str),
}

/// The tools as they were sent: looked for when the first of Anthropic's own needs it.
#[derive(Debug)]
struct ToolTexts<'a> {
    body: &'a str,
    list: Option<Vec<&'a str>>,
}

impl<'a> ToolTexts<'a> {
    fn get(&mut self, index: usize) -> &'a str {
        let list = self.list.get_or_insert_with(|| {
            walk::elements(walk::member(self.body, "tools").unwrap_or_default()).collect()
        });
        list.get(index).copied().unwrap_or_default()
    }
}

impl<'a> Tools<'a> {
    /// Reads the tools and settles their names.
    ///
    /// `body` is the text that the request was read from.
    pub(super) fn plan(
        request: &'a Request<'a>,
        body: &'a str,
        cx: &mut RequestContext<'_>,
    ) -> Result<Self, Refusal> {
        let mut tools = Self {
            list: Vec::new(),
            names: ToolNames::default(),
            dropped: Vec::new(),
            legacy: false,
            only_stubs: false,
            stubs: Vec::new(),
            web_search: false,
        };
        if let Some(list) = &request.tools {
            tools.list.reserve_exact(list.0.len());
            let mut texts = ToolTexts { body, list: None };
            for (index, tool) in list.0.iter().enumerate() {
                tools.add(tool, index, &mut texts, cx)?;
            }
        }
        if let Some(list) = &request.functions {
            tools.legacy = tools.list.is_empty() && !list.0.is_empty();
            for (index, function) in list.0.iter().enumerate() {
                tools.add_legacy(function, index, cx)?;
            }
        }
        tools.settle_names();
        if let Some(options) = &request.web_search_options {
            tools.add_web_search(options, request, cx)?;
        }
        Ok(tools)
    }

    fn add(
        &mut self,
        tool: &'a Tool<'a>,
        index: usize,
        texts: &mut ToolTexts<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let at = |member: &str| path::element("tools", index, member);
        let kind = match (tool.kind, &tool.function) {
            (Some(kind), _) => kind.decode(),
            (None, Some(_)) => Cow::Borrowed("function"),
            (None, None) => return Err(path::missing(at(".type"))),
        };
        let mut control = tool.cache_control;
        let (name, item) = match &*kind {
            "function" => {
                let Some(function) = &tool.function else {
                    return Err(path::missing(at(".function")));
                };
                let name = path::required(function.name, || at(".function.name"))?;
                control = control.or(function.cache_control);
                report_unknown(&function.unknown, "tools[].function.", cx);
                (Some(name), Kind::Function(function))
            }
            "custom" => {
                let Some(custom) = &tool.custom else {
                    return Err(path::missing(at(".custom")));
                };
                let name = path::required(custom.name, || at(".custom.name"))?;
                cx.report.approximate("tools[].custom");
                report_unknown(&custom.unknown, "tools[].custom.", cx);
                (Some(name), Kind::Custom(custom))
            }
            native
                if NATIVE.iter().any(|prefix| native.starts_with(prefix))
                    && (cx.provider != Provider::AwsBedrockInvoke || runs_tool(native)) =>
            {
                (tool.name, Kind::Native(texts.get(index)))
            }
            _ => {
                cx.report.drop_field("tools[]");
                self.dropped.push(kind);
                return Ok(());
            }
        };
        if !matches!(item, Kind::Native(_)) {
            report_unknown(&tool.unknown, "tools[].", cx);
        }
        let breakpoint = tool.prompt_cache_breakpoint;
        self.list.push(Item {
            index,
            list: "tools",
            name,
            mark: cache::requested(control, breakpoint, "tools[]", cx.report),
            kind: item,
        });
        Ok(())
    }

    fn add_legacy(
        &mut self,
        function: &'a Function<'a>,
        index: usize,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let name = path::required(function.name, || path::element("functions", index, ".name"))?;
        report_unknown(&function.unknown, "functions[].", cx);
        let mark = cache::requested(function.cache_control, None, "functions[]", cx.report);
        self.list.push(Item {
            index,
            list: "functions",
            name: Some(name),
            mark,
            kind: Kind::Function(function),
        });
        Ok(())
    }

    /// Gives every tool a name that Anthropic takes; valid names stay as they are.
    fn settle_names(&mut self) {
        let is_valid = |name: RawStr<'_>| tool_names::is_valid(name.content());
        let mut taken = Taken::default();
        if self
            .list
            .iter()
            .filter_map(|item| item.name)
            .any(|name| !is_valid(name))
        {
            for item in &self.list {
                if let Some(name) = item
                    .name
                    .map(RawStr::decode)
                    .filter(|n| tool_names::is_valid(n))
                {
                    taken.insert(&name);
                }
            }
        }
        for item in &self.list {
            let Some(name) = item.name else { continue };
            let custom = matches!(item.kind, Kind::Custom(_));
            if matches!(item.kind, Kind::Native(_)) || (is_valid(name) && !custom) {
                continue;
            }
            let original = name.decode();
            if tool_names::is_valid(&original) {
                if custom {
                    self.names.insert(&original, &original, true);
                }
            } else if !self.names.has_sent(&original) {
                let sent = taken.unique(&original);
                self.names.insert(&sent, &original, custom);
            }
        }
    }

    /// Adds Anthropic's web search.
    fn add_web_search(
        &mut self,
        options: &WebSearchOptions<'a>,
        request: &Request<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        web_search::check(options, request, cx)?;
        let clash = |item: &Item<'_>| {
            item.name
                .is_some_and(|name| self.sent(name) == "web_search")
        };
        if self.list.iter().any(clash) {
            return Err(Refusal::invalid(
                "web_search_options",
                "`tools` holds a tool named `web_search` already",
            ));
        }
        self.web_search = true;
        Ok(())
    }

    /// Keeps the tools whose names as the client wrote them are among `allowed`; the names that no tool has are an error.
    pub(super) fn keep_only(&mut self, allowed: &[(Cow<'_, str>, usize)]) -> Result<(), Refusal> {
        let wanted: HashSet<&str> = allowed.iter().map(|(name, _)| &**name).collect();
        let known: HashSet<Cow<'_, str>> = self
            .list
            .iter()
            .filter_map(|item| item.name.map(RawStr::decode))
            .collect();
        if let Some((_, index)) = allowed.iter().find(|(name, _)| !known.contains(&**name)) {
            return Err(choice::unknown_allowed(*index));
        }
        drop(known);
        self.list.retain(|item| {
            item.name
                .is_some_and(|name| wanted.contains(&*name.decode()))
        });
        Ok(())
    }

    /// Whether there is a tool that the client calls `name`.
    pub(super) fn has(&self, name: &str) -> bool {
        (self.web_search && name == "web_search")
            || self
                .list
                .iter()
                .any(|item| item.name.is_some_and(|n| n.is(name)))
    }

    /// Whether there is anything to call.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty() && !self.web_search
    }

    fn sent<'n>(&'n self, name: RawStr<'n>) -> Cow<'n, str> {
        if tool_names::is_valid(name.content()) {
            return Cow::Borrowed(name.content());
        }
        Cow::Owned(self.names.sent(&name.decode()).into_owned())
    }

    /// Adds a stub for each tool that the history calls, where the request has no tools: calls without any tool are refused.
    pub(super) fn add_stubs(
        &mut self,
        messages: &[Message<'_>],
        facts: Facts,
    ) -> Result<(), Refusal> {
        if !self.is_empty() || !facts.has_calls {
            return Ok(());
        }
        self.only_stubs = true;
        let mut seen = HashSet::new();
        for message in messages {
            let calls = message.tool_calls.map(RawValue::get).unwrap_or_default();
            for call in walk::elements(calls) {
                let call: ToolCall<'_> = path::parse(call, || "messages".to_owned())?;
                let function = call.function.and_then(|function| function.name);
                let custom = call.custom.and_then(|custom| custom.name);
                self.add_stub(function.or(custom), &mut seen);
            }
            let legacy = message.function_call.as_ref().and_then(|call| call.name);
            self.add_stub(legacy, &mut seen);
        }
        Ok(())
    }

    fn add_stub(&mut self, name: Option<RawStr<'_>>, seen: &mut HashSet<String>) {
        let Some(name) = name else { return };
        let sent = self.names.sent(&name.decode()).into_owned();
        if seen.insert(sent.clone()) {
            self.stubs.push(sent);
        }
    }

    /// Writes `tools`, where there are any.
    pub(super) fn write(
        &self,
        out: &mut Out,
        request: &Request<'_>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        if self.is_empty() && self.stubs.is_empty() {
            return Ok(());
        }
        out.member("tools");
        let mut separator = b'[';
        for item in &self.list {
            out.buf.put_u8(separator);
            separator = b',';
            match &item.kind {
                Kind::Function(function) => self.write_function(out, item, function, cx)?,
                Kind::Custom(custom) => self.write_custom(out, item, custom, cx),
                Kind::Native(text) => parts::copy_without_mark(text, &mut out.buf),
            }
            out.end_block();
            if let Some(ttl) = item.mark {
                out.mark(Section::Tools, ttl);
            }
        }
        if let Some(options) = &request.web_search_options
            && self.web_search
        {
            out.buf.put_u8(separator);
            separator = b',';
            web_search::write(out, options, cx);
        }
        for name in &self.stubs {
            out.buf.put_u8(separator);
            separator = b',';
            out.buf.extend_from_slice(b"{\"name\":");
            write::string(&mut out.buf, name);
            out.buf.extend_from_slice(
                b",\"description\":\"unavailable\",\"input_schema\":{\"type\":\"object\"}}",
            );
        }
        out.buf.put_u8(b']');
        Ok(())
    }

    fn write_name(
        &self,
        out: &mut Out,
        name: Option<RawStr<'_>>,
        field: &'static str,
        cx: &mut RequestContext<'_>,
    ) {
        out.buf.extend_from_slice(b"{\"name\":");
        let Some(name) = name else { return };
        let sent = self.sent(name);
        if !name.is(&sent) {
            cx.report.approximate(field);
        }
        write::string(&mut out.buf, &sent);
    }

    fn write_function(
        &self,
        out: &mut Out,
        item: &Item<'_>,
        function: &Function<'_>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let is_tool = item.list == "tools";
        let inner = if is_tool { ".function" } else { "" };
        let field = if is_tool {
            "tools[].function.name"
        } else {
            "functions[].name"
        };
        self.write_name(out, item.name, field, cx);
        if let Some(description) = function.description {
            out.buf.extend_from_slice(b",\"description\":");
            out.buf.extend_from_slice(description.json().as_bytes());
        }
        let mut strict = function.strict == Some(true);
        if strict && !cx.capabilities.structured_outputs {
            strict = false;
            cx.report.drop_field(if is_tool {
                "tools[].function.strict"
            } else {
                "functions[].strict"
            });
        }
        out.buf.extend_from_slice(b",\"input_schema\":");
        let at = || path::element(item.list, item.index, &format!("{inner}.parameters"));
        let parameters = function.parameters.map(RawValue::get);
        let changed = tool_schema::write_parameters(out, parameters, strict, cx.lossy, at)?;
        if changed {
            cx.report.approximate(if is_tool {
                "tools[].function.parameters"
            } else {
                "functions[].parameters"
            });
        }
        if strict {
            out.buf.extend_from_slice(b",\"strict\":true");
        }
        Ok(())
    }

    fn write_custom(
        &self,
        out: &mut Out,
        item: &Item<'_>,
        custom: &Custom<'_>,
        cx: &mut RequestContext<'_>,
    ) {
        self.write_name(out, item.name, "tools[].custom.name", cx);
        let mut description = custom.description.filter(|text| !text.is_empty());
        let format = custom.format.as_ref();
        let is_grammar = format
            .and_then(|f| f.kind)
            .is_some_and(|kind| kind.is("grammar"));
        let grammar = format
            .and_then(|f| f.grammar.as_ref())
            .filter(|_| is_grammar);
        if let Some(grammar) = grammar {
            cx.report.approximate("tools[].custom.format");
            let syntax = grammar.syntax.map(RawStr::content).unwrap_or_default();
            let definition = grammar.definition.map(RawStr::content).unwrap_or_default();
            let buf = &mut out.buf;
            buf.extend_from_slice(b",\"description\":\"");
            if let Some(text) = description.take() {
                buf.extend_from_slice(text.content().as_bytes());
                buf.extend_from_slice(b"\\n\\n");
            }
            buf.extend_from_slice(b"The value of `input` must match this ");
            buf.extend_from_slice(syntax.as_bytes());
            buf.extend_from_slice(b" grammar:\\n");
            buf.extend_from_slice(definition.as_bytes());
            buf.put_u8(b'"');
        }
        if let Some(text) = description {
            out.buf.extend_from_slice(b",\"description\":");
            out.buf.extend_from_slice(text.json().as_bytes());
        }
        out.buf.extend_from_slice(b",\"input_schema\":");
        out.buf.extend_from_slice(INPUT_SCHEMA);
    }
}

/// Reports members that no view knows.
pub(super) fn report_unknown(names: &[Cow<'_, str>], prefix: &str, cx: &mut RequestContext<'_>) {
    for name in names {
        cx.report.drop_field(format!("{prefix}{name}"));
    }
}
