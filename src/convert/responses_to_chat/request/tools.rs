//! Tools: functions, freeform tools and namespaces as functions, and searches where the provider runs them.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::super::state::{Tool as Original, Tools as Names, flat_name};
use super::path;
use crate::codec::write::Object;
use crate::convert::chat_out::{WRAPPED_INPUT_SCHEMA, escaped, write_function_tool};
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::format::raw::RawStr;
use crate::format::responses::request::Tool;
use crate::format::walk;
use crate::provider::chat_profile::{ChatProfile, Search};

/// The tools of a request, as they will be sent.
#[derive(Debug, Default)]
pub(super) struct ToolPlan<'a> {
    list: Vec<Planned<'a>>,
    pub(super) names: Names,
    /// How the model searches the web, where the client asked for a search.
    pub(super) search: Option<(Search, Box<Tool<'a>>)>,
    /// The model gets a tool of the provider's that runs code.
    code: bool,
    /// The types of the tools that were left out.
    dropped: Vec<Cow<'a, str>>,
}

#[derive(Debug)]
struct Planned<'a> {
    sent: String,
    /// Pieces of the inside of a JSON string.
    description: Vec<Cow<'a, str>>,
    parameters: Option<&'a str>,
    strict: Option<bool>,
}

/// The namespace that a tool belongs to.
#[derive(Clone, Copy)]
struct Space<'s, 'a> {
    name: &'s str,
    description: Option<RawStr<'a>>,
}

impl<'a> ToolPlan<'a> {
    /// Takes a tool at the path `at`; `field` is that path in reports.
    pub(super) fn add(
        &mut self,
        text: &'a str,
        at: impl Fn() -> String,
        field: &'static str,
        profile: &ChatProfile,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let tool: Tool<'a> = path::parse(text, &at)?;
        let kind = path::required(tool.kind, || format!("{}.type", at()))?.decode();
        match &*kind {
            "function" | "custom" => self.add_client_tool(&tool, None, &at, field, profile, cx),
            "namespace" => {
                let name = path::required(tool.name, || format!("{}.name", at()))?.decode();
                cx.report.approximate(field);
                let space = Space {
                    name: &name,
                    description: tool.description,
                };
                for (index, member) in tool.tools.iter().flat_map(|list| &list.0).enumerate() {
                    let at = || format!("{}.tools[{index}]", at());
                    let member: Tool<'a> = path::parse(member.get(), at)?;
                    let kind = path::required(member.kind, || format!("{}.type", at()))?;
                    if kind.is("function") || kind.is("custom") {
                        self.add_client_tool(&member, Some(space), &at, field, profile, cx)?;
                    } else {
                        cx.report.drop_field(format!("{field}.tools[]"));
                        self.dropped.push(kind.decode());
                    }
                }
                Ok(())
            }
            "web_search" | "web_search_preview" => {
                self.add_search(kind, tool, field, profile, cx);
                Ok(())
            }
            dated
                if dated.starts_with("web_search_20")
                    || dated.starts_with("web_search_preview_20") =>
            {
                self.add_search(kind, tool, field, profile, cx);
                Ok(())
            }
            "code_interpreter" => {
                self.add_code(kind, &tool, field, profile, cx);
                Ok(())
            }
            _ => {
                // Hosted tools, which agents attach whether or not they are needed, and types unknown here.
                cx.report.drop_field(field);
                self.dropped.push(kind);
                Ok(())
            }
        }
    }

    fn add_client_tool(
        &mut self,
        tool: &Tool<'a>,
        space: Option<Space<'_, 'a>>,
        at: &dyn Fn() -> String,
        field: &'static str,
        profile: &ChatProfile,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        if !profile.tools {
            let param = if field.starts_with("tools") {
                Cow::Borrowed("tools")
            } else {
                Cow::Owned(at())
            };
            return Err(Refusal::unsupported(
                param,
                format!(
                    "the models of {} take no function tools, so `tools` cannot be sent",
                    cx.provider
                ),
            ));
        }
        let name = path::required(tool.name, || format!("{}.name", at()))?.decode();
        let custom = tool.kind.is_some_and(|kind| kind.is("custom"));
        if let Some(callers) = tool.allowed_callers.map(RawValue::get)
            && !walk::elements(callers).any(|caller| caller == r#""direct""#)
        {
            return Err(Refusal::unsupported(
                format!("{}.allowed_callers", at()),
                "the model itself is the only caller of tools here",
            ));
        }
        for (member, value) in [
            ("output_schema", tool.output_schema),
            ("defer_loading", tool.defer_loading),
            ("async", tool.is_async),
            ("prompt_cache_breakpoint", tool.prompt_cache_breakpoint),
            ("cache_control", tool.cache_control),
        ] {
            if value.is_some_and(|value| value.get() != "false") {
                cx.report.drop_field(format!("{field}.{member}"));
            }
        }
        for member in &tool.unknown {
            cx.report.drop_field(format!("{field}.{member}"));
        }
        if tool.strict == Some(true) && !profile.strict_tools {
            cx.report.drop_field(format!("{field}.strict"));
        }
        let sent = flat_name(space.map(|space| space.name), &name).into_owned();
        let mut description = Vec::new();
        if let Some(text) = space.and_then(|space| space.description) {
            description.push(Cow::Borrowed(text.content()));
        }
        if let Some(text) = tool.description {
            if !description.is_empty() {
                description.push(Cow::Borrowed(r"\n\n"));
            }
            description.push(Cow::Borrowed(text.content()));
        }
        if custom {
            cx.report.approximate(field);
            describe_input(&mut description, tool);
        }
        let is_new = self.names.insert(
            sent.clone(),
            Original {
                name: name.clone().into_owned(),
                namespace: space.map(|space| space.name.to_owned()),
                custom,
            },
        );
        if !is_new {
            return Err(Refusal::invalid(
                format!("{}.name", at()),
                format!("another tool is called `{sent}` already"),
            ));
        }
        self.list.push(Planned {
            sent,
            description,
            parameters: if custom {
                Some(WRAPPED_INPUT_SCHEMA)
            } else {
                tool.parameters.map(RawValue::get)
            },
            strict: tool.strict,
        });
        Ok(())
    }

    fn add_search(
        &mut self,
        kind: Cow<'a, str>,
        tool: Tool<'a>,
        field: &'static str,
        profile: &ChatProfile,
        cx: &mut RequestContext<'_>,
    ) {
        let Some(search) = profile.search(cx.model) else {
            cx.report.drop_field(field);
            self.dropped.push(kind);
            return;
        };
        cx.report.approximate(field);
        for (member, value) in [
            ("external_web_access", tool.external_web_access),
            ("search_content_types", tool.search_content_types),
        ] {
            if value.is_some() {
                cx.report.drop_field(format!("{field}.{member}"));
            }
        }
        let place = tool.user_location.as_ref();
        if search != Search::Tools && place.is_some_and(|place| place.timezone.is_some()) {
            cx.report
                .drop_field(format!("{field}.user_location.timezone"));
        }
        if search == Search::Tools {
            // The provider's tool takes no settings.
            for (member, is_lost) in [
                ("filters", tool.filters.is_some()),
                ("user_location", tool.user_location.is_some()),
                ("search_context_size", tool.search_context_size.is_some()),
            ] {
                if is_lost {
                    cx.report.drop_field(format!("{field}.{member}"));
                }
            }
        }
        for member in &tool.unknown {
            cx.report.drop_field(format!("{field}.{member}"));
        }
        self.search = Some((search, Box::new(tool)));
    }

    fn add_code(
        &mut self,
        kind: Cow<'a, str>,
        tool: &Tool<'a>,
        field: &'static str,
        profile: &ChatProfile,
        cx: &mut RequestContext<'_>,
    ) {
        let own_files = tool.container.map(RawValue::get).is_some_and(|container| {
            let has_files = walk::member(container, "file_ids")
                .is_some_and(|files| walk::elements(files).next().is_some());
            !walk::is_object(container) || has_files
        });
        match profile.search(cx.model) {
            Some(Search::Tools) if !own_files => self.code = true,
            // It runs code when it wants to.
            Some(Search::Settings) if !own_files => {}
            _ => {
                cx.report.drop_field(field);
                self.dropped.push(kind);
                return;
            }
        }
        cx.report.approximate(field);
    }

    /// Keeps the tools that the provider knows by one of these names, and a search only where it is wanted.
    pub(super) fn keep_only(&mut self, names: &[String], search: bool, code: bool) {
        self.list.retain(|tool| names.contains(&tool.sent));
        if !search {
            self.search = None;
        }
        self.code &= code;
    }

    /// Whether the client's tools of this type were left out.
    pub(super) fn has_dropped(&self, kind: &str) -> bool {
        self.dropped.iter().any(|dropped| dropped == kind)
    }

    /// How many tools are sent.
    pub(super) fn sent(&self) -> usize {
        let search = matches!(self.search, Some((Search::Tools, _)));
        self.list.len() + usize::from(search) + usize::from(self.code)
    }

    /// Writes `tools`, and where the provider directs searches otherwise, that.
    pub(super) fn write(&self, object: &mut Object<'_>, profile: &ChatProfile) {
        if self.sent() > 0 {
            let mut tools = object.array("tools");
            for tool in &self.list {
                let description: Vec<&str> =
                    tool.description.iter().map(|piece| &**piece).collect();
                write_function_tool(
                    &mut tools,
                    profile,
                    &tool.sent,
                    &description,
                    tool.parameters,
                    tool.strict,
                );
            }
            if matches!(self.search, Some((Search::Tools, _))) {
                tools.raw(r#"{"type":"browser_search"}"#);
            }
            if self.code {
                tools.raw(r#"{"type":"code_interpreter"}"#);
            }
            tools.end();
        }
        match &self.search {
            Some((Search::Options, tool)) => write_search_options(object, tool),
            Some((Search::Settings, tool)) => write_search_settings(object, tool),
            Some((Search::Tools, _)) | None => {}
        }
    }
}

/// What a model must know of a freeform tool that became a function.
fn describe_input<'a>(description: &mut Vec<Cow<'a, str>>, tool: &Tool<'a>) {
    if !description.is_empty() {
        description.push(Cow::Borrowed(r"\n\n"));
    }
    description.push(Cow::Borrowed(
        "Put the complete tool input, as plain text, in the single string field `input`.",
    ));
    let grammar = tool
        .format
        .as_ref()
        .filter(|format| format.kind.is_some_and(|kind| kind.is("grammar")));
    if let Some(grammar) = grammar {
        description.push(Cow::Borrowed(" It must match this "));
        if let Some(syntax) = grammar.syntax {
            description.push(Cow::Borrowed(syntax.content()));
            description.push(Cow::Borrowed(" "));
        }
        description.push(Cow::Borrowed(r"grammar:\n"));
        if let Some(definition) = grammar.definition {
            description.push(Cow::Borrowed(definition.content()));
        }
    }
}

/// Perplexity's `web_search_options` and `search_domain_filter`.
fn write_search_options(object: &mut Object<'_>, tool: &Tool<'_>) {
    if tool.search_context_size.is_some() || tool.user_location.is_some() {
        let mut options = object.object("web_search_options");
        if let Some(size) = tool.search_context_size {
            options.raw("search_context_size", size.json());
        }
        if let Some(location) = &tool.user_location {
            let mut place = options.object("user_location");
            for (key, value) in [
                ("city", location.city),
                ("country", location.country),
                ("region", location.region),
            ] {
                if let Some(value) = value {
                    place.raw(key, value.json());
                }
            }
            place.end();
        }
        options.end();
    }
    let Some(filters) = &tool.filters else { return };
    let allowed = domains(filters.allowed_domains);
    let blocked = domains(filters.blocked_domains);
    if !(allowed.is_empty() && blocked.is_empty()) {
        let mut filter = object.array("search_domain_filter");
        for domain in allowed {
            filter.raw(domain.json());
        }
        for domain in blocked {
            filter.raw(&format!("\"-{}\"", domain.content()));
        }
        filter.end();
    }
}

/// Groq's `search_settings`.
fn write_search_settings(object: &mut Object<'_>, tool: &Tool<'_>) {
    let country = tool.user_location.as_ref().and_then(|place| place.country);
    let (allowed, blocked) = match &tool.filters {
        Some(filters) => (
            domains(filters.allowed_domains),
            domains(filters.blocked_domains),
        ),
        None => (Vec::new(), Vec::new()),
    };
    if country.is_none() && allowed.is_empty() && blocked.is_empty() {
        return;
    }
    let mut settings = object.object("search_settings");
    if let Some(country) = country {
        settings.string("country", &country.decode());
    }
    for (key, domains) in [("include_domains", allowed), ("exclude_domains", blocked)] {
        if !domains.is_empty() {
            let mut list = settings.array(key);
            for domain in domains {
                list.raw(domain.json());
            }
            list.end();
        }
    }
    settings.end();
}

fn domains<'a>(list: Option<&'a RawValue>) -> Vec<RawStr<'a>> {
    let list = list.map_or("[]", RawValue::get);
    walk::elements(list).filter_map(RawStr::from_json).collect()
}

/// The name that the provider knows for a call in the history.
pub(super) fn name_of_call(namespace: Option<RawStr<'_>>, name: RawStr<'_>) -> String {
    let namespace = namespace.map(RawStr::decode);
    flat_name(namespace.as_deref(), &name.decode()).into_owned()
}

/// A plain text as the inside of a JSON string that is kept.
pub(super) fn kept(text: &str) -> Cow<'static, str> {
    Cow::Owned(escaped(text).into_owned())
}
