//! Tools: the client's functions, Anthropic's own that the client runs, web search, and MCP servers.

use bytes::BufMut;
use serde_json::value::RawValue;

use super::native::{self, Native};
use super::{name, strict};
use crate::codec::write::{self, Object};
use crate::convert::context::RequestContext;
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::convert::tool_names::ToolNames;
use crate::format::messages::request::{McpServer, Request, Tool, UserLocation};
use crate::format::raw::RawStr;
use crate::format::walk;

/// The tools of a request, as they will be sent.
#[derive(Debug)]
pub(super) struct Tools<'a> {
    list: Vec<Kind<'a>>,
    names: ToolNames,
    /// The names of the tools that are not sent.
    dropped: Vec<String>,
    web_search: bool,
    /// The most calls of the provider's own tools.
    max_calls: Option<&'a str>,
}

#[derive(Debug)]
enum Kind<'a> {
    Function(Box<Tool<'a>>),
    Native(Native, Option<RawStr<'a>>),
    WebSearch(Box<Tool<'a>>),
    Mcp {
        server: McpServer<'a>,
        allowed: Option<Vec<RawStr<'a>>>,
    },
}

impl<'a> Tools<'a> {
    /// Reads the tools.
    pub(super) fn plan(
        request: &Request<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<Self, Refusal> {
        let mut tools = Self {
            list: Vec::new(),
            names: ToolNames::default(),
            dropped: Vec::new(),
            web_search: false,
            max_calls: None,
        };
        let mut toolsets = Vec::new();
        let raw = request.tools.as_ref().map_or(&[][..], |list| &list.0);
        for (index, raw) in raw.iter().enumerate() {
            let at = |member: &str| format!("tools[{index}]{member}");
            let tool: Tool<'a> = path::parse(raw.get(), || at(""))?;
            report_hints(&tool, cx);
            let kind = tool.kind.map(RawStr::decode);
            match kind.as_deref() {
                None | Some("custom") => tools.function(tool, index, cx)?,
                Some("mcp_toolset") => toolsets.push((index, tool)),
                Some(kind) => tools.native(kind, tool, index, cx)?,
            }
        }
        tools.mcp(request, &toolsets, cx)?;
        tools.web_fetch(raw, cx)?;
        Ok(tools)
    }

    fn function(
        &mut self,
        tool: Tool<'a>,
        index: usize,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let at = |member: &str| format!("tools[{index}].{member}");
        let raw_name = tool.name.ok_or_else(|| path::missing(at("name")))?;
        let original = raw_name.decode();
        if original.is_empty() {
            return Err(Refusal::invalid(at("name"), "the tool has no name"));
        }
        if tool
            .input_schema
            .is_some_and(|schema| !walk::is_object(schema.get()))
        {
            return Err(path::wrong_type(at("input_schema")));
        }
        let is_direct = |callers: &[RawStr<'_>]| callers.iter().any(|caller| caller.is("direct"));
        if tool
            .allowed_callers
            .as_ref()
            .is_some_and(|callers| !is_direct(&callers.0))
        {
            // Only other tools may call it, and there are none of these here.
            cx.report.approximate("tools[].allowed_callers");
            self.dropped.push(original.into_owned());
            return Ok(());
        }
        if tool.has_other_callers() {
            cx.report.drop_field("tools[].allowed_callers");
        }
        let sent = name::tool(&original);
        if sent != original {
            cx.report.approximate("tools[].name");
            self.names.insert(&sent, &original, false);
        }
        self.list.push(Kind::Function(Box::new(tool)));
        Ok(())
    }

    fn native(
        &mut self,
        kind: &str,
        tool: Tool<'a>,
        index: usize,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        if let Some(native) = native::find(kind) {
            cx.report.approximate("tools[].type");
            self.list.push(Kind::Native(native, tool.name));
        } else if kind.starts_with("web_search_") {
            self.web_search(tool, index, cx)?;
        } else if kind.starts_with("tool_search_tool_") {
            // All tools are loaded at once.
            cx.report.approximate("tools[].type");
        } else if !kind.starts_with("web_fetch_") {
            cx.report.drop_field("tools[]");
            let name = tool.name.map(RawStr::decode).unwrap_or_default();
            self.dropped.push(name.into_owned());
        }
        Ok(())
    }

    fn web_search(
        &mut self,
        tool: Tool<'a>,
        index: usize,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        if tool
            .blocked_domains
            .as_ref()
            .is_some_and(|domains| !domains.0.is_empty())
        {
            if !cx.lossy {
                return Err(Refusal::unsupported(
                    format!("tools[{index}].blocked_domains"),
                    "domains cannot be blocked in this provider's web search",
                ));
            }
            cx.report.drop_field("tools[].blocked_domains");
        }
        if tool.response_inclusion.is_some() {
            cx.report.drop_field("tools[].response_inclusion");
        }
        if let Some(uses) = tool.max_uses {
            cx.report.approximate("tools[].max_uses");
            if uses.get().parse::<u64>().is_err() {
                return Err(path::wrong_type(format!("tools[{index}].max_uses")));
            }
            self.max_calls = Some(uses.get());
        }
        cx.report.approximate("tools[].type");
        if !self.web_search {
            self.web_search = true;
            self.list.push(Kind::WebSearch(Box::new(tool)));
        }
        Ok(())
    }

    /// Fetching a page is something that OpenAI's web search can do.
    fn web_fetch(
        &mut self,
        raw: &[&'a RawValue],
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        for raw in raw {
            let tool: Tool<'a> = path::parse(raw.get(), || "tools".to_owned())?;
            if !tool
                .kind
                .is_some_and(|kind| kind.decode().starts_with("web_fetch_"))
            {
                continue;
            }
            if self.web_search {
                cx.report.approximate("tools[].type");
            } else if cx.options.web_fetch_as_search == Some(true) {
                cx.report.approximate("tools[].type");
                self.web_search = true;
                self.list.push(Kind::WebSearch(Box::default()));
            } else {
                cx.report.drop_field("tools[]");
                let name = tool.name.map(RawStr::decode).unwrap_or_default();
                self.dropped.push(name.into_owned());
            }
        }
        Ok(())
    }

    /// MCP servers: each with its toolset, or with its own configuration where no toolset names it.
    fn mcp(
        &mut self,
        request: &Request<'a>,
        toolsets: &[(usize, Tool<'a>)],
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let servers = request.mcp_servers.as_ref().map_or(&[][..], |list| &list.0);
        for (index, server) in servers.iter().enumerate() {
            let at = |member: &str| format!("mcp_servers[{index}].{member}");
            let label = server.name.ok_or_else(|| path::missing(at("name")))?;
            let url = server.url.ok_or_else(|| path::missing(at("url")))?;
            let toolset = toolsets.iter().find(|(_, tool)| {
                tool.mcp_server_name
                    .is_some_and(|name| name.is(&label.decode()))
            });
            let chosen = match (toolset, server.tool_configuration) {
                (Some((_, toolset)), _) => chosen_by_toolset(toolset),
                (None, Some(configuration)) => chosen_by_server(configuration),
                (None, None) => Chosen::All,
            };
            let allowed = match chosen {
                Chosen::None => continue,
                Chosen::All => None,
                Chosen::Some(names) => Some(names),
                Chosen::AllBut if cx.lossy => {
                    cx.report.drop_field("tools[].configs");
                    None
                }
                Chosen::AllBut => {
                    let field = toolset.map_or_else(
                        || at("tool_configuration"),
                        |(index, _)| format!("tools[{index}].configs"),
                    );
                    return Err(Refusal::unsupported(
                        field,
                        "single tools of a server cannot be turned off at this provider",
                    ));
                }
            };
            cx.report.approximate("mcp_servers");
            let server = McpServer {
                name: Some(label),
                url: Some(url),
                authorization_token: server.authorization_token,
                ..McpServer::default()
            };
            self.list.push(Kind::Mcp { server, allowed });
        }
        Ok(())
    }

    /// Whether the model may search the web.
    pub(super) fn has_web_search(&self) -> bool {
        self.web_search
    }

    /// Whether there is anything to call.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether the client's tool of this name is not sent.
    pub(super) fn is_dropped(&self, name: &str) -> bool {
        self.dropped.iter().any(|dropped| dropped == name)
    }

    /// Whether any of the client's tools is not sent.
    pub(super) fn has_dropped(&self) -> bool {
        !self.dropped.is_empty()
    }

    /// Whether the client's tool of this name is the provider's web search.
    pub(super) fn is_web_search(&self, name: &str) -> bool {
        let is_named = |kind: &Kind<'_>| match kind {
            Kind::WebSearch(tool) => match tool.name {
                Some(own) => own.is(name),
                None => matches!(name, "web_search" | "web_fetch"),
            },
            _ => false,
        };
        self.list.iter().any(is_named)
    }

    pub(super) fn into_names(self) -> ToolNames {
        self.names
    }

    /// Writes `tools` and `max_tool_calls`, where there are any.
    pub(super) fn write(
        &self,
        object: &mut Object<'_>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        if self.list.is_empty() {
            return Ok(());
        }
        let mut array = object.array("tools");
        for kind in &self.list {
            let mut tool = array.object();
            match kind {
                Kind::Function(function) => write_function(&mut tool, function, cx),
                Kind::Native(native, own) => {
                    tool.string("type", "function");
                    match own {
                        Some(name) => tool.raw("name", name.json()),
                        None => tool.string("name", native.name),
                    };
                    tool.string("description", native.description)
                        .raw("parameters", native.parameters)
                        .bool("strict", false);
                }
                Kind::WebSearch(search) => write_web_search(&mut tool, search)?,
                Kind::Mcp { server, allowed } => write_mcp(&mut tool, server, allowed.as_deref()),
            }
            tool.end();
        }
        array.end();
        if let Some(calls) = self.max_calls {
            object.raw("max_tool_calls", calls);
        }
        Ok(())
    }
}

/// Reports what a tool says that OpenAI has no word for.
fn report_hints(tool: &Tool<'_>, cx: &mut RequestContext<'_>) {
    for name in &tool.unknown {
        cx.report.drop_field(format!("tools[].{name}"));
    }
    for (name, value) in [
        ("cache_control", tool.cache_control),
        ("eager_input_streaming", tool.eager_input_streaming),
        ("defer_loading", tool.defer_loading),
        ("max_characters", tool.max_characters),
        ("max_content_tokens", tool.max_content_tokens),
        ("citations", tool.citations),
    ] {
        if value.is_some() {
            cx.report.drop_field(format!("tools[].{name}"));
        }
    }
}

fn write_function(out: &mut Object<'_>, tool: &Tool<'_>, cx: &mut RequestContext<'_>) {
    let original = tool.name.map(RawStr::decode).unwrap_or_default();
    out.string("type", "function")
        .string("name", &name::tool(&original));
    match (tool.description, tool.input_examples) {
        (description, Some(examples)) => {
            cx.report.approximate("tools[].input_examples");
            let buf = out.key("description");
            buf.put_u8(b'"');
            if let Some(description) = description {
                buf.extend_from_slice(description.content().as_bytes());
            }
            buf.extend_from_slice(b"\\n\\nExamples:\\n");
            write::string_content(buf, examples.get());
            buf.put_u8(b'"');
        }
        (Some(description), None) => {
            out.raw("description", description.json());
        }
        (None, None) => {}
    }
    let schema = tool.input_schema.map_or("{}", RawValue::get).trim();
    let parameters = out.key("parameters");
    if walk::member(schema, "properties").is_some() {
        parameters.extend_from_slice(schema.as_bytes());
    } else {
        // OpenAI wants an object with properties at the root.
        let inner = schema.strip_suffix('}').unwrap_or("{").trim_end();
        parameters.extend_from_slice(inner.as_bytes());
        if walk::members(schema).next().is_some() {
            parameters.put_u8(b',');
        } else {
            parameters.extend_from_slice(b"\"type\":\"object\",");
        }
        parameters.extend_from_slice(b"\"properties\":{}}");
    }
    let strict = tool.strict == Some(true) && strict::is_strict(schema);
    if tool.strict == Some(true) && !strict {
        cx.report.approximate("tools[].strict");
    }
    // Left out, it would mean that OpenAI tries: and then every property is required.
    out.bool("strict", strict);
}

fn write_web_search(out: &mut Object<'_>, tool: &Tool<'_>) -> Result<(), Refusal> {
    out.string("type", "web_search");
    let domains = tool.allowed_domains.as_ref();
    if let Some(domains) = domains.filter(|domains| !domains.0.is_empty()) {
        let mut filters = out.object("filters");
        let mut allowed = filters.array("allowed_domains");
        for domain in &domains.0 {
            allowed.raw(domain.json());
        }
        allowed.end();
        filters.end();
    }
    if let Some(raw) = tool.user_location {
        let place: UserLocation<'_> = path::parse(raw.get(), || "tools".to_owned())?;
        let mut location = out.object("user_location");
        location.string("type", "approximate");
        for (name, value) in [
            ("city", place.city),
            ("country", place.country),
            ("region", place.region),
            ("timezone", place.timezone),
        ] {
            if let Some(value) = value {
                location.raw(name, value.json());
            }
        }
        location.end();
    }
    Ok(())
}

fn write_mcp(out: &mut Object<'_>, server: &McpServer<'_>, allowed: Option<&[RawStr<'_>]>) {
    out.string("type", "mcp");
    for (name, value) in [
        ("server_label", server.name),
        ("server_url", server.url),
        ("authorization", server.authorization_token),
    ] {
        if let Some(value) = value {
            out.raw(name, value.json());
        }
    }
    if let Some(allowed) = allowed {
        let mut names = out.array("allowed_tools");
        for name in allowed {
            names.raw(name.json());
        }
        names.end();
    }
    // Anthropic asks nobody before it calls such a tool.
    out.string("require_approval", "never");
}

/// Which tools of a server may be called.
enum Chosen<'a> {
    All,
    None,
    Some(Vec<RawStr<'a>>),
    /// All but some: OpenAI has no such list.
    AllBut,
}

fn chosen_by_toolset<'a>(toolset: &Tool<'a>) -> Chosen<'a> {
    let enabled = |config: &str| walk::member(config, "enabled") != Some("false");
    let by_default = toolset
        .default_config
        .is_none_or(|config| enabled(config.get()));
    let configs = toolset.configs.map(RawValue::get).unwrap_or_default();
    let with = |wanted: bool| {
        walk::members(configs)
            .filter(move |(_, config)| {
                let own = walk::member(config, "enabled");
                own.map_or(by_default, |own| own == "true") == wanted
            })
            .map(|(name, _)| name)
    };
    match (by_default, with(!by_default).next().is_some()) {
        (true, false) => Chosen::All,
        (true, true) => Chosen::AllBut,
        (false, false) => Chosen::None,
        (false, true) => Chosen::Some(with(true).collect()),
    }
}

/// The older way: the server says itself what may be called.
fn chosen_by_server(configuration: &RawValue) -> Chosen<'_> {
    if walk::member(configuration.get(), "enabled") == Some("false") {
        return Chosen::None;
    }
    match walk::member(configuration.get(), "allowed_tools") {
        Some(names) => Chosen::Some(
            walk::elements(names)
                .filter_map(RawStr::from_json)
                .collect(),
        ),
        None => Chosen::All,
    }
}
