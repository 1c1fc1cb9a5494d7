//! Tools: functions, and the tools that Anthropic runs itself.
//!
//! A tool that the target cannot run is left out and reported: agents always attach some. Only a choice that forces such a
//! tool is refused.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::value::RawValue;

use crate::codec::write::Object;
use crate::convert::context::RequestContext;
use crate::convert::messages_in;
use crate::convert::messages_to_chat::names::sent;
use crate::convert::path::{parse, wrong_type};
use crate::convert::report::Refusal;
use crate::convert::tool_names::ToolNames;
use crate::format::messages::request::{Request, Tool, UserLocation};
use crate::format::raw::RawStr;
use crate::format::walk;
use crate::provider::chat_profile::{ChatProfile, Search};

/// The tools of a request, sorted by who runs them.
#[derive(Debug, Default)]
pub(super) struct Tools<'a> {
    /// The client's functions.
    functions: Vec<Function<'a>>,
    /// Tools of the provider that are asked for by a bare type.
    builtin: Vec<&'static str>,
    /// Tools that the model uses anyway.
    native: bool,
    /// A tool was left out.
    left_out: bool,
    /// The names of tools that are none of the client's, and what became of them.
    hosted: Vec<(Cow<'a, str>, Hosted)>,
    /// Where the web search may look, and from where.
    search: Option<SearchSettings<'a>>,
    /// There is a web search tool.
    pub(super) wants_search: bool,
    choice: Choice,
    parallel: Option<bool>,
}

#[derive(Debug)]
struct Function<'a> {
    sent: String,
    description: Option<RawStr<'a>>,
    schema: &'a str,
    strict: Option<bool>,
}

/// What became of a tool that the provider runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hosted {
    /// It is sent as a tool.
    Builtin,
    /// The model does it anyway.
    Native,
    LeftOut,
}

#[derive(Debug)]
struct SearchSettings<'a> {
    kind: Search,
    allowed: Vec<RawStr<'a>>,
    blocked: Vec<RawStr<'a>>,
    location: UserLocation<'a>,
}

/// `tool_choice` in Chat's words.
#[derive(Debug, Default)]
enum Choice {
    #[default]
    Unsaid,
    Word(&'static str),
    /// A function by its name as it is sent.
    Function(String),
}

impl<'a> Tools<'a> {
    /// What the request's tools become.
    pub(super) fn plan(
        request: &'a Request<'a>,
        profile: &ChatProfile,
        names: &mut ToolNames,
        cx: &mut RequestContext<'_>,
    ) -> Result<Self, Refusal> {
        let mut tools = Self::default();
        let mut seen = HashSet::new();
        let list = request.tools.as_ref().map_or(&[][..], |list| &list.0);
        for (index, raw) in list.iter().enumerate() {
            let at = || format!("tools[{index}]");
            let tool: Tool<'a> = parse(raw.get(), at)?;
            let kind = tool.kind.map(RawStr::decode);
            if matches!(kind.as_deref(), None | Some("custom")) {
                let name = tools.function(&tool, index, profile, names, cx)?;
                if !seen.insert(name) {
                    let path = format!("tools[{index}].name");
                    return Err(Refusal::invalid(path, "tools: Tool names must be unique."));
                }
            } else if let Some(kind) = kind {
                tools.hosted(tool, &kind, profile, cx);
            }
        }
        tools.choose(request, !list.is_empty(), cx)?;
        Ok(tools)
    }

    /// A tool that the client runs.
    fn function(
        &mut self,
        tool: &Tool<'a>,
        index: usize,
        profile: &ChatProfile,
        names: &mut ToolNames,
        cx: &mut RequestContext<'_>,
    ) -> Result<Cow<'a, str>, Refusal> {
        if !profile.tools {
            return Err(messages_in::unsupported(
                "tools",
                cx.provider,
                "a client's tool",
            ));
        }
        let Some(name) = tool.name.filter(|name| !name.is_empty()) else {
            return Err(messages_in::missing(format!("tools[{index}].name")));
        };
        let Some(schema) = tool.input_schema.map(RawValue::get) else {
            return Err(messages_in::missing(format!("tools[{index}].input_schema")));
        };
        if !walk::is_object(schema) {
            return Err(wrong_type(format!("tools[{index}].input_schema")));
        }
        if let Some(callers) = &tool.allowed_callers
            && !callers.0.iter().any(|caller| caller.is("direct"))
        {
            return Err(messages_in::unsupported(
                format!("tools[{index}].allowed_callers"),
                cx.provider,
                "a tool that only other tools may call",
            ));
        }
        let strict = tool.strict.filter(|_| profile.strict_tools);
        for (is_lost, member) in [
            (tool.strict == Some(true) && strict.is_none(), "strict"),
            (tool.cache_control.is_some(), "cache_control"),
            (tool.input_examples.is_some(), "input_examples"),
            (
                tool.eager_input_streaming.is_some(),
                "eager_input_streaming",
            ),
            (tool.defer_loading.is_some(), "defer_loading"),
            (tool.has_other_callers(), "allowed_callers"),
        ] {
            if is_lost {
                cx.report.drop_field(format!("tools[].{member}"));
            }
        }
        for name in &tool.unknown {
            cx.report.drop_field(format!("tools[].{name}"));
        }
        let name = name.decode();
        let sent = sent(&name).into_owned();
        if sent != name {
            cx.report.approximate("tools[].name");
            names.insert(&sent, &name, false);
        }
        self.functions.push(Function {
            sent,
            description: tool.description,
            schema,
            strict,
        });
        Ok(name)
    }

    /// A tool that Anthropic runs, or whose schema only Claude knows.
    fn hosted(
        &mut self,
        tool: Tool<'a>,
        kind: &str,
        profile: &ChatProfile,
        cx: &mut RequestContext<'_>,
    ) {
        let search = profile.search(cx.model);
        let name = tool.name.map(RawStr::decode).unwrap_or_default();
        let became = if kind.starts_with("web_search_") {
            self.wants_search = true;
            self.web_search(tool, search, cx)
        } else if kind.starts_with("code_execution_") {
            match search {
                Some(Search::Tools) => {
                    self.push_builtin("code_interpreter");
                    Hosted::Builtin
                }
                Some(Search::Settings) => Hosted::Native,
                Some(Search::Options) | None => Hosted::LeftOut,
            }
        } else if kind.starts_with("web_fetch_") && search == Some(Search::Settings) {
            Hosted::Native
        } else if kind.starts_with("tool_search_tool_") {
            // The tools that it would find are sent at once.
            cx.report.approximate("tools[]");
            self.left_out = true;
            self.hosted.push((name, Hosted::LeftOut));
            return;
        } else {
            Hosted::LeftOut
        };
        match became {
            Hosted::Builtin => cx.report.approximate("tools[]"),
            Hosted::Native => {
                self.native = true;
                cx.report.approximate("tools[]");
            }
            Hosted::LeftOut => {
                self.left_out = true;
                cx.report.drop_field("tools[]");
            }
        }
        self.hosted.push((name, became));
    }

    fn web_search(
        &mut self,
        tool: Tool<'a>,
        search: Option<Search>,
        cx: &mut RequestContext<'_>,
    ) -> Hosted {
        let Some(kind) = search else {
            return Hosted::LeftOut;
        };
        for (is_lost, member) in [
            (tool.max_uses.is_some(), "max_uses"),
            (tool.response_inclusion.is_some(), "response_inclusion"),
            (tool.cache_control.is_some(), "cache_control"),
        ] {
            if is_lost {
                cx.report.drop_field(format!("tools[].{member}"));
            }
        }
        let location: UserLocation<'a> = tool
            .user_location
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default();
        let allowed = tool.allowed_domains.map(|list| list.0).unwrap_or_default();
        let blocked = tool.blocked_domains.map(|list| list.0).unwrap_or_default();
        if kind == Search::Tools {
            for (is_lost, member) in [
                (!allowed.is_empty(), "allowed_domains"),
                (!blocked.is_empty(), "blocked_domains"),
                (tool.user_location.is_some(), "user_location"),
            ] {
                if is_lost {
                    cx.report.drop_field(format!("tools[].{member}"));
                }
            }
            self.push_builtin("browser_search");
            return Hosted::Builtin;
        }
        if location.timezone.is_some() {
            cx.report.drop_field("tools[].user_location.timezone");
        }
        if kind == Search::Settings && (location.city.is_some() || location.region.is_some()) {
            cx.report.approximate("tools[].user_location");
        }
        self.search = Some(SearchSettings {
            kind,
            allowed,
            blocked,
            location,
        });
        Hosted::Native
    }

    fn push_builtin(&mut self, kind: &'static str) {
        if !self.builtin.contains(&kind) {
            self.builtin.push(kind);
        }
    }

    fn is_empty(&self) -> bool {
        self.functions.is_empty() && self.builtin.is_empty()
    }

    /// What `tool_choice` becomes.
    fn choose(
        &mut self,
        request: &Request<'_>,
        has_tools: bool,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let Some(choice) = &request.tool_choice else {
            return Ok(());
        };
        if !has_tools {
            cx.report.drop_field("tool_choice");
            return Ok(());
        }
        for name in &choice.unknown {
            cx.report.drop_field(format!("tool_choice.{name}"));
        }
        let Some(kind) = choice.kind else {
            return Err(messages_in::missing("tool_choice.type"));
        };
        self.choice = match &*kind.decode() {
            "auto" => Choice::Word("auto"),
            "none" => Choice::Word("none"),
            "any" if !self.is_empty() => Choice::Word("required"),
            "any" if self.native => {
                cx.report.approximate("tool_choice");
                Choice::Unsaid
            }
            "any" => {
                return Err(messages_in::unsupported(
                    "tool_choice",
                    cx.provider,
                    "a choice among tools that are all left out",
                ));
            }
            "tool" => {
                let Some(name) = choice.name else {
                    return Err(messages_in::missing("tool_choice.name"));
                };
                self.forced(&name.decode(), cx)?
            }
            other => {
                let message = format!("tool_choice.type: there is no choice of type `{other}`");
                return Err(Refusal::invalid("tool_choice.type", message));
            }
        };
        if choice.disable_parallel_tool_use == Some(true) && !self.functions.is_empty() {
            self.parallel = Some(false);
        }
        Ok(())
    }

    /// A choice that names its tool.
    fn forced(&self, name: &str, cx: &mut RequestContext<'_>) -> Result<Choice, Refusal> {
        let sent = sent(name);
        if self.functions.iter().any(|function| function.sent == sent) {
            return Ok(Choice::Function(sent.into_owned()));
        }
        let hosted = self.hosted.iter().find(|(known, _)| *known == name);
        match hosted.map(|(_, became)| *became) {
            Some(Hosted::Builtin) if self.functions.is_empty() && self.builtin.len() == 1 => {
                Ok(Choice::Word("required"))
            }
            Some(Hosted::Native) => {
                cx.report.approximate("tool_choice");
                Ok(Choice::Unsaid)
            }
            Some(Hosted::Builtin | Hosted::LeftOut) => Err(messages_in::unsupported(
                "tool_choice",
                cx.provider,
                "a choice that forces this tool",
            )),
            None => Err(Refusal::invalid(
                "tool_choice.name",
                format!("tool_choice: Tool '{name}' not found in provided tools"),
            )),
        }
    }

    /// Writes `tools` and what belongs to them.
    pub(super) fn write(&self, request: &mut Object<'_>) {
        if !self.is_empty() {
            let mut list = request.array("tools");
            for function in &self.functions {
                let mut tool = list.object();
                tool.string("type", "function");
                let mut object = tool.object("function");
                object.string("name", &function.sent);
                if let Some(description) = function.description {
                    object.raw("description", description.json());
                }
                write_schema(object.key("parameters"), function.schema);
                if let Some(strict) = function.strict {
                    object.bool("strict", strict);
                }
                object.end();
                tool.end();
            }
            for kind in &self.builtin {
                let mut tool = list.object();
                tool.string("type", kind);
                tool.end();
            }
            list.end();
            match &self.choice {
                Choice::Unsaid => {}
                Choice::Word(word) => {
                    request.string("tool_choice", word);
                }
                Choice::Function(name) => {
                    let mut choice = request.object("tool_choice");
                    choice.string("type", "function");
                    let mut function = choice.object("function");
                    function.string("name", name);
                    function.end();
                    choice.end();
                }
            }
            if let Some(parallel) = self.parallel {
                request.bool("parallel_tool_calls", parallel);
            }
        }
        if let Some(search) = &self.search {
            search.write(request);
        }
    }
}

impl SearchSettings<'_> {
    fn write(&self, request: &mut Object<'_>) {
        match self.kind {
            Search::Options => self.write_options(request),
            Search::Settings => self.write_settings(request),
            Search::Tools => {}
        }
    }

    /// Perplexity: `web_search_options` and `search_domain_filter`, where `-` denies a domain.
    fn write_options(&self, request: &mut Object<'_>) {
        let location = &self.location;
        let members = [
            ("city", location.city),
            ("country", location.country),
            ("region", location.region),
        ];
        if members.iter().any(|(_, value)| value.is_some()) {
            let mut options = request.object("web_search_options");
            let mut place = options.object("user_location");
            for (key, value) in members {
                if let Some(value) = value {
                    place.raw(key, value.json());
                }
            }
            place.end();
            options.end();
        }
        if self.allowed.is_empty() && self.blocked.is_empty() {
            return;
        }
        let mut filter = request.array("search_domain_filter");
        for domain in &self.allowed {
            filter.raw(domain.json());
        }
        for domain in &self.blocked {
            let out = filter.element();
            out.extend_from_slice(b"\"-");
            out.extend_from_slice(domain.content().as_bytes());
            out.extend_from_slice(b"\"");
        }
        filter.end();
    }

    /// Groq's compound systems: `search_settings`.
    fn write_settings(&self, request: &mut Object<'_>) {
        let country = self.location.country;
        if self.allowed.is_empty() && self.blocked.is_empty() && country.is_none() {
            return;
        }
        let mut settings = request.object("search_settings");
        for (key, domains) in [
            ("include_domains", &self.allowed),
            ("exclude_domains", &self.blocked),
        ] {
            if domains.is_empty() {
                continue;
            }
            let mut list = settings.array(key);
            for domain in domains {
                list.raw(domain.json());
            }
            list.end();
        }
        if let Some(country) = country {
            settings.raw("country", country.json());
        }
        settings.end();
    }
}

/// Writes a schema; one without a `type` describes an object, as Anthropic reads it.
fn write_schema(out: &mut bytes::BytesMut, schema: &str) {
    let mut has_type = false;
    let mut has_null = false;
    for (key, value) in walk::members(schema) {
        if key.is("type") {
            has_null |= value == "null";
            has_type = value != "null";
        }
    }
    if has_type {
        out.extend_from_slice(schema.as_bytes());
        return;
    }
    let mut object = Object::begin(out);
    object.string("type", "object");
    for (key, value) in walk::members(schema) {
        if has_null && key.is("type") {
            continue;
        }
        let value_at = object.key(key.content());
        value_at.extend_from_slice(value.as_bytes());
    }
    object.end();
}
