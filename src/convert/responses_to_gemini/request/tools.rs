//! Tools: functions, freeform tools as functions with one `input`, and Google's own.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::value::RawValue;

use super::TARGET;
use crate::codec::write::{Array, Object};
use crate::convert::chat_out::WRAPPED_INPUT_SCHEMA;
use crate::convert::context::RequestContext;
use crate::convert::gemini_out::trigger::{ResponsesTool, responses_tool};
use crate::convert::gemini_out::{
    Builtin, Builtins, Declaration, FunctionMode, ToolConfig, names, write_declaration,
};
use crate::convert::report::Refusal;
use crate::convert::responses_request::choice::{Choice, Mode, cannot_run};
use crate::convert::responses_request::heads::Items;
use crate::convert::responses_request::tools::{Entry, Hosted, HostedTools, Kind, Tools};
use crate::convert::tool_names::ToolNames;
use crate::format::raw::RawStr;
use crate::format::responses::request::{Request, Tool};
use crate::models::GeminiGeneration;

/// What Google runs itself.
#[derive(Debug)]
struct OwnTools;

impl<'a> HostedTools<'a> for OwnTools {
    fn kind_of(&self, kind: &str, tool: &Tool<'a>) -> Option<Hosted> {
        let access = tool.external_web_access.map(RawValue::get);
        let container = tool.container.map(RawValue::get);
        Some(match responses_tool(kind, access, container)? {
            ResponsesTool::Search => Hosted::WebSearch,
            ResponsesTool::Code => Hosted::Code,
        })
    }
}

/// Reads the request's tools, and gives each the name under which it is sent.
pub(super) fn read<'a>(
    request: &Request<'a>,
    items: &Items<'a>,
    cx: &mut RequestContext<'_>,
) -> Result<Tools<'a>, Refusal> {
    let mut tools = Tools::read(request, items, TARGET, &OwnTools, cx)?;
    let mut taken = HashSet::new();
    for entry in tools.list.iter_mut().filter(|e| !e.kind.is_hosted()) {
        entry.sent = sent_name(entry.namespace.as_deref(), &entry.name);
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
fn sent_name(namespace: Option<&str>, name: &str) -> String {
    let none = ToolNames::default();
    match namespace {
        Some(namespace) => names::sent(&none, &format!("{namespace}__{name}")).into_owned(),
        None => names::sent(&none, name).into_owned(),
    }
}

/// The name under which a call of the history is sent.
pub(super) fn name_of<'a>(
    tools: &Tools<'a>,
    namespace: Option<RawStr<'a>>,
    name: RawStr<'a>,
) -> String {
    match tools.name_of(namespace.map(RawStr::decode), name.decode()) {
        Ok(sent) => sent.to_owned(),
        Err((namespace, name)) => sent_name(namespace.as_deref(), &name),
    }
}

/// The tools in Google's words.
#[derive(Debug)]
pub(super) struct Plan<'t, 'a> {
    functions: Vec<&'t Entry<'a>>,
    builtins: Builtins,
    config: ToolConfig<'static>,
}

impl<'t, 'a> Plan<'t, 'a> {
    /// Sorts the tools and settles how they are chosen.
    ///
    /// # Errors
    /// The choice forces what Google cannot be made to do.
    pub(super) fn new(
        tools: &'t Tools<'a>,
        choice: Choice,
        cx: &mut RequestContext<'_>,
    ) -> Result<Self, Refusal> {
        let (hosted, functions): (Vec<_>, Vec<_>) =
            tools.list.iter().partition(|entry| entry.kind.is_hosted());
        let mut plan = Self {
            functions,
            builtins: Builtins::default(),
            config: ToolConfig::default(),
        };
        let mixes = !(hosted.is_empty() || plan.functions.is_empty());
        if mixes && cx.capabilities.gemini != GeminiGeneration::V3 {
            // Older models have either. Agents offer a search with every request: their functions are what they work with.
            if choice.mode == Mode::WebSearch {
                return Err(cannot_run("tool_choice.type", TARGET));
            }
            cx.report.drop_field("tools[]");
        } else if choice.mode != Mode::None {
            for entry in hosted {
                plan.add_builtin(entry, cx)?;
            }
        }
        plan.config.server_steps = mixes && !plan.builtins.is_empty();
        if choice.one_at_a_time && !plan.functions.is_empty() {
            cx.report.drop_field("parallel_tool_calls");
        }
        let mode = match choice.mode {
            Mode::Unsaid => None,
            Mode::Auto => Some((FunctionMode::Auto, Vec::new())),
            Mode::None => Some((FunctionMode::None, Vec::new())),
            Mode::Any => Some((FunctionMode::Any, Vec::new())),
            Mode::Tool(name) => Some((FunctionMode::Any, vec![Cow::Owned(name)])),
            // Google's own tools cannot be forced: the model searches when it wants to.
            Mode::WebSearch => {
                cx.report.drop_field("tool_choice");
                None
            }
        };
        if plan.functions.is_empty() {
            if matches!(mode, Some((FunctionMode::Any, _))) {
                cx.report.drop_field("tool_choice");
            }
        } else {
            plan.config.mode = mode;
        }
        Ok(plan)
    }

    fn add_builtin(
        &mut self,
        entry: &Entry<'_>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let builtin = match entry.kind {
            Kind::Code => Builtin::CodeExecution,
            _ => Builtin::GoogleSearch,
        };
        for (field, present) in [
            ("tools[].filters", entry.tool.filters.is_some()),
            ("tools[].user_location", entry.tool.user_location.is_some()),
        ] {
            if present {
                cx.report.drop_field(field);
            }
        }
        self.builtins.add(builtin, "{}", || entry.at.clone())
    }

    /// Writes `tools` and `toolConfig`, where there are any.
    pub(super) fn write(
        &self,
        request: &mut Object<'_>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        if self.functions.is_empty() && self.builtins.is_empty() {
            return Ok(());
        }
        let mut list = request.array("tools");
        if !self.functions.is_empty() {
            let mut tool = list.object();
            let mut declarations = tool.array("functionDeclarations");
            for entry in &self.functions {
                write_function(&mut declarations, entry, cx)?;
            }
            declarations.end();
            tool.end();
        }
        self.builtins.write(&mut list);
        list.end();
        self.config.write(request);
        Ok(())
    }
}

fn write_function(
    list: &mut Array<'_>,
    entry: &Entry<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let tool = &entry.tool;
    let custom = entry.kind == Kind::Custom;
    if entry.namespace.is_none() && entry.sent != entry.name {
        cx.report.approximate("tools[].name");
    }
    if entry.mark.is_some() {
        // Google caches by itself.
        cx.report.drop_field("tools[].prompt_cache_breakpoint");
    }
    if tool.strict == Some(true) {
        cx.report.drop_field("tools[].strict");
    }
    let mut description: Vec<&str> = Vec::new();
    for text in [entry.introduction, tool.description].into_iter().flatten() {
        if !description.is_empty() && !text.is_empty() {
            description.push(r"\n\n");
        }
        description.push(text.content());
    }
    if custom {
        cx.report.approximate("tools[].type");
        let format = tool.format.as_ref();
        let grammar = format.filter(|format| format.kind.is_some_and(|kind| kind.is("grammar")));
        if let Some(grammar) = grammar {
            cx.report.approximate("tools[].format");
            if !description.is_empty() {
                description.push(r"\n\n");
            }
            description.push("The value of `input` must match this ");
            description.extend(grammar.syntax.map(RawStr::content));
            description.push(r" grammar:\n");
            description.extend(grammar.definition.map(RawStr::content));
        }
    }
    let legacy = cx.capabilities.gemini == GeminiGeneration::Legacy;
    let declaration = Declaration {
        name: &entry.sent,
        description: &description,
        parameters: if custom {
            Some(WRAPPED_INPUT_SCHEMA)
        } else {
            tool.parameters.map(RawValue::get)
        },
        legacy_schema: cx.options.legacy_schema.unwrap_or(legacy),
    };
    let changed = write_declaration(list, declaration)
        .map_err(|error| Refusal::unsupported(format!("{}.parameters", entry.at), error.0))?;
    if changed {
        cx.report.approximate("tools[].parameters");
    }
    Ok(())
}
