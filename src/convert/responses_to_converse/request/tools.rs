//! Tools, their names, and the choice among them.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::value::RawValue;

use super::TARGET;
use crate::convert::context::RequestContext;
use crate::convert::converse_out::ids;
use crate::convert::converse_out::schema::BadSchema;
use crate::convert::converse_out::tools::{
    self as converse, Choice as Chosen, ToolSpec, description, with_grammar,
};
use crate::convert::report::Refusal;
use crate::convert::responses_request::choice::{Choice, Mode, cannot_run};
use crate::convert::responses_request::heads::Items;
use crate::convert::responses_request::path;
use crate::convert::responses_request::tools::{
    Entry, Hosted, HostedTools, Kind, Tools, is_web_search,
};
use crate::format::raw::RawStr;
use crate::format::responses::request::{Request, Tool};

/// What models on Bedrock run themselves.
#[derive(Debug, Clone, Copy)]
struct OwnTools {
    /// A search of the web, which knows no options.
    grounding: bool,
}

impl<'a> HostedTools<'a> for OwnTools {
    fn kind_of(&self, kind: &str, tool: &Tool<'a>) -> Option<Hosted> {
        let offline = tool
            .external_web_access
            .is_some_and(|access| access.get() == "false");
        (self.grounding && is_web_search(kind) && !offline).then_some(Hosted::WebSearch)
    }
}

/// Reads the request's tools, and gives each the name under which it is sent.
pub(super) fn read<'a>(
    request: &Request<'a>,
    items: &Items<'a>,
    cx: &mut RequestContext<'_>,
) -> Result<Tools<'a>, Refusal> {
    let own = OwnTools {
        grounding: cx.capabilities.bedrock.grounding,
    };
    let mut tools = Tools::read(request, items, TARGET, &own, cx)?;
    let mut taken = HashSet::new();
    for entry in &mut tools.list {
        if entry.kind.is_hosted() {
            continue;
        }
        entry.sent = sent_name(entry.namespace.as_deref(), &entry.name).into_owned();
        if !taken.insert(entry.sent.clone()) {
            return Err(Refusal::invalid(
                format!("{}.name", entry.at),
                format!("another tool is called `{}` already", entry.sent),
            ));
        }
    }
    tools.settle_names();
    Ok(tools)
}

/// The name under which a tool is sent: it depends on nothing but the tool's own.
fn sent_name<'n>(namespace: Option<&str>, name: &'n str) -> Cow<'n, str> {
    match namespace {
        Some(namespace) => {
            let flat = format!("{namespace}__{name}");
            Cow::Owned(ids::name(&flat).into_owned())
        }
        None => ids::name(name),
    }
}

/// The name under which a call of the history is sent.
pub(super) fn name_of<'t, 'a>(
    tools: &'t Tools<'a>,
    namespace: Option<RawStr<'a>>,
    name: RawStr<'a>,
) -> Cow<'t, str> {
    match tools.name_of(namespace.map(RawStr::decode), name.decode()) {
        Ok(sent) => Cow::Borrowed(sent),
        Err((namespace, name)) => Cow::Owned(sent_name(namespace.as_deref(), &name).into_owned()),
    }
}

/// The tools in Converse's words.
pub(super) fn plan<'t>(
    tools: &'t Tools<'_>,
    choice: Choice,
    cx: &mut RequestContext<'_>,
) -> Result<converse::Tools<'t>, Refusal> {
    let mut planned = converse::Tools::default();
    planned.one_at_a_time = choice.one_at_a_time;
    planned.choice = match choice.mode {
        Mode::Unsaid => Chosen::Unsaid,
        Mode::Auto => Chosen::Auto,
        Mode::None => Chosen::None,
        Mode::Any => Chosen::Any,
        Mode::Tool(name) => Chosen::Tool(Cow::Owned(name)),
        // The model searches when it wants to.
        Mode::WebSearch => return Err(cannot_run("tool_choice.type", TARGET)),
    };
    for entry in &tools.list {
        if entry.kind == Kind::WebSearch {
            planned.grounding = true;
            report_search(&entry.tool, cx);
            continue;
        }
        planned.push(spec(entry, cx)).map_err(|bad| match bad {
            BadSchema::NoObject => path::wrong_type(format!("{}.parameters", entry.at)),
            BadSchema::OtherType => Refusal::unsupported(
                format!("{}.parameters.type", entry.at),
                format!("{TARGET} takes parameters of type `object` only"),
            ),
        })?;
    }
    Ok(planned)
}

fn spec<'t>(entry: &'t Entry<'_>, cx: &mut RequestContext<'_>) -> ToolSpec<'t> {
    let tool = &entry.tool;
    let custom = entry.kind == Kind::Custom;
    let own = description(tool.description);
    let mut text = match entry.introduction {
        Some(introduction) if own.is_empty() => Cow::Borrowed(introduction.content()),
        Some(introduction) => Cow::Owned(format!(r"{}\n\n{own}", introduction.content())),
        None => own,
    };
    if custom {
        cx.report.approximate("tools[].type");
        let format = tool.format.as_ref();
        let grammar = format.filter(|format| format.kind.is_some_and(|kind| kind.is("grammar")));
        if let Some(grammar) = grammar {
            cx.report.approximate("tools[].format");
            text = with_grammar(&text, grammar.syntax, grammar.definition);
        }
    }
    ToolSpec {
        name: Cow::Borrowed(&entry.sent),
        description: text,
        schema: tool.parameters.map(RawValue::get),
        custom,
        strict: (tool.strict == Some(true)).then_some("tools[].strict"),
        mark: entry.mark,
    }
}

/// Nova's search has no options.
fn report_search(tool: &Tool<'_>, cx: &mut RequestContext<'_>) {
    for (field, present) in [
        ("tools[].filters", tool.filters.is_some()),
        ("tools[].user_location", tool.user_location.is_some()),
    ] {
        if present {
            cx.report.drop_field(field);
        }
    }
}
