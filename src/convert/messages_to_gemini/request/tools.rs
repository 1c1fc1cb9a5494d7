//! Tools: the client's functions, and those of Anthropic's that Google has, too.
//!
//! A tool that Google has nothing for is left out and reported: agents always attach some. Only a choice that forces such a tool is
//! refused.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::codec::write::Object;
use crate::convert::context::RequestContext;
use crate::convert::gemini_out::{
    Builtin, Builtins, Declaration, FunctionMode, ToolConfig, names, trigger, write_declaration,
};
use crate::convert::messages_in::{missing, unsupported};
use crate::convert::path::{parse, wrong_type};
use crate::convert::report::Refusal;
use crate::convert::tool_names::ToolNames;
use crate::format::messages::request::{Request, Tool, ToolChoice};
use crate::format::raw::RawStr;
use crate::format::walk;
use crate::models::GeminiGeneration;

/// A mode, and the names of the functions that it is limited to, as they are sent.
pub(super) type Mode = (FunctionMode, Vec<Cow<'static, str>>);

/// The tools of a request, as they will be sent.
#[derive(Debug, Default)]
pub(super) struct Tools<'a> {
    functions: Vec<Function<'a>>,
    builtins: Builtins,
    pub(super) names: ToolNames,
    /// The names of the tools that Google runs, and of those that were left out.
    hosted: Vec<(Cow<'a, str>, bool)>,
}

#[derive(Debug)]
struct Function<'a> {
    /// Where it stands in `tools`.
    index: usize,
    name: Cow<'a, str>,
    description: Option<RawStr<'a>>,
    schema: &'a str,
}

impl<'a> Tools<'a> {
    /// Reads the tools and the choice among them.
    pub(super) fn plan(
        request: &Request<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(Self, Option<Mode>), Refusal> {
        let mut tools = Self::default();
        let list = request.tools.as_ref().map_or(&[][..], |list| &list.0);
        for (index, raw) in list.iter().enumerate() {
            let tool: Tool<'a> = parse(raw.get(), || format!("tools[{index}]"))?;
            let kind = tool.kind.map(RawStr::decode);
            match kind.as_deref() {
                None | Some("custom") => tools.function(&tool, index, cx)?,
                Some(kind) => tools.hosted(&tool, kind, cx)?,
            }
        }
        let all = tools.functions.iter();
        tools.names = names::settle(all.map(|function| (function.name.clone(), false)));
        let mode = tools.choose(request, cx)?;
        if tools.mixes() && cx.capabilities.gemini != GeminiGeneration::V3 {
            // Older models have either. Agents offer a search with every request: their functions are what they work with.
            let names_one =
                |choice: &ToolChoice<'_>| choice.kind.is_some_and(|kind| kind.is("tool"));
            let forced = request.tool_choice.as_ref().is_some_and(names_one)
                && matches!(mode, Some((FunctionMode::None, _)));
            if forced {
                return Err(Refusal::unsupported(
                    "tool_choice",
                    format!(
                        "tool_choice: built-in tools cannot be combined with functions on {}",
                        cx.model
                    ),
                ));
            }
            cx.report.drop_field("tools[]");
            tools.builtins = Builtins::default();
        }
        Ok((tools, mode))
    }

    /// A tool that the client runs.
    fn function(
        &mut self,
        tool: &Tool<'a>,
        index: usize,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let at = |member: &str| format!("tools[{index}].{member}");
        let Some(name) = tool.name.filter(|name| !name.is_empty()) else {
            return Err(missing(at("name")));
        };
        let name = name.decode();
        if self.functions.iter().any(|known| known.name == name) {
            let message = "tools: Tool names must be unique.";
            return Err(Refusal::invalid(at("name"), message));
        }
        let Some(schema) = tool.input_schema.map(RawValue::get) else {
            return Err(missing(at("input_schema")));
        };
        if !walk::is_object(schema) {
            return Err(wrong_type(at("input_schema")));
        }
        if let Some(callers) = &tool.allowed_callers
            && !callers.0.iter().any(|caller| caller.is("direct"))
        {
            let what = "a tool that only other tools may call";
            return Err(unsupported(at("allowed_callers"), cx.provider, what));
        }
        report_lost(
            &[
                (tool.strict == Some(true), "strict"),
                (tool.cache_control.is_some(), "cache_control"),
                (tool.input_examples.is_some(), "input_examples"),
                (
                    tool.eager_input_streaming.is_some(),
                    "eager_input_streaming",
                ),
                (tool.defer_loading.is_some(), "defer_loading"),
                (tool.has_other_callers(), "allowed_callers"),
            ],
            tool,
            cx,
        );
        self.functions.push(Function {
            index,
            name,
            description: tool.description,
            schema,
        });
        Ok(())
    }

    /// A tool that Anthropic runs, or whose schema only Claude knows.
    fn hosted(
        &mut self,
        tool: &Tool<'a>,
        kind: &str,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let name = tool.name.map(RawStr::decode).unwrap_or_default();
        let Some(builtin) = trigger::messages_tool(kind) else {
            cx.report.drop_field("tools[]");
            self.hosted.push((name, false));
            return Ok(());
        };
        let limits = |list: &Option<crate::format::view::List<RawStr<'_>, _>>| {
            list.as_ref().is_some_and(|list| !list.0.is_empty())
        };
        report_lost(
            &[
                (tool.max_uses.is_some(), "max_uses"),
                (tool.max_content_tokens.is_some(), "max_content_tokens"),
                (limits(&tool.allowed_domains), "allowed_domains"),
                (limits(&tool.blocked_domains), "blocked_domains"),
                (tool.user_location.is_some(), "user_location"),
                (tool.response_inclusion.is_some(), "response_inclusion"),
                (tool.citations.is_some(), "citations"),
                (tool.cache_control.is_some(), "cache_control"),
            ],
            tool,
            cx,
        );
        cx.report.approximate("tools[]");
        self.hosted.push((name, true));
        self.builtins.add(builtin, "{}", || "tools".to_owned())
    }

    /// What `tool_choice` becomes.
    fn choose(
        &mut self,
        request: &Request<'_>,
        cx: &mut RequestContext<'_>,
    ) -> Result<Option<Mode>, Refusal> {
        let Some(choice) = &request.tool_choice else {
            return Ok(None);
        };
        for name in &choice.unknown {
            cx.report.drop_field(format!("tool_choice.{name}"));
        }
        let Some(kind) = choice.kind else {
            return Err(missing("tool_choice.type"));
        };
        let has_functions = !self.functions.is_empty();
        if choice.disable_parallel_tool_use == Some(true) && has_functions {
            cx.report
                .drop_field("tool_choice.disable_parallel_tool_use");
        }
        let mode = match &*kind.decode() {
            "auto" => Some((FunctionMode::Auto, Vec::new())),
            "none" => {
                // Google's own tools have no such mode.
                self.builtins = Builtins::default();
                Some((FunctionMode::None, Vec::new()))
            }
            "any" => {
                if !self.builtins.is_empty() {
                    cx.report.approximate("tool_choice");
                } else if !has_functions {
                    let what = "a choice among tools that are all left out";
                    return Err(unsupported("tool_choice", cx.provider, what));
                }
                Some((FunctionMode::Any, Vec::new()))
            }
            "tool" => {
                let Some(name) = choice.name else {
                    return Err(missing("tool_choice.name"));
                };
                Some(self.forced(&name.decode(), cx)?)
            }
            other => {
                let message = format!("tool_choice.type: there is no choice of type `{other}`");
                return Err(Refusal::invalid("tool_choice.type", message));
            }
        };
        Ok(mode.filter(|_| has_functions))
    }

    /// A choice that names its tool.
    fn forced(&self, name: &str, cx: &mut RequestContext<'_>) -> Result<Mode, Refusal> {
        if self.functions.iter().any(|function| function.name == name) {
            let sent = names::sent(&self.names, name).into_owned();
            return Ok((FunctionMode::Any, vec![Cow::Owned(sent)]));
        }
        match self.hosted.iter().find(|(known, _)| *known == name) {
            Some((_, true)) => {
                // Google's own tools cannot be forced, but nothing else need be possible.
                cx.report.approximate("tool_choice");
                Ok((FunctionMode::None, Vec::new()))
            }
            Some((_, false)) => {
                let what = "a choice that forces this tool";
                Err(unsupported("tool_choice", cx.provider, what))
            }
            None => Err(Refusal::invalid(
                "tool_choice.name",
                format!("tool_choice: Tool '{name}' not found in provided tools"),
            )),
        }
    }

    /// Whether Google's own tools stand beside functions.
    fn mixes(&self) -> bool {
        !self.functions.is_empty() && !self.builtins.is_empty()
    }

    /// Whether Google's search is asked for.
    pub(super) fn wants_search(&self) -> bool {
        self.builtins.has(Builtin::GoogleSearch)
    }

    /// `toolConfig`.
    pub(super) fn config(&self, mode: Option<Mode>) -> ToolConfig<'static> {
        ToolConfig {
            mode,
            server_steps: self.mixes(),
            ..ToolConfig::default()
        }
    }

    /// Writes `tools`, where there are any.
    pub(super) fn write(
        &self,
        request: &mut Object<'_>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        if self.functions.is_empty() && self.builtins.is_empty() {
            return Ok(());
        }
        let legacy = cx.capabilities.gemini == GeminiGeneration::Legacy;
        let legacy_schema = cx.options.legacy_schema.unwrap_or(legacy);
        let mut list = request.array("tools");
        if !self.functions.is_empty() {
            let mut tool = list.object();
            let mut declarations = tool.array("functionDeclarations");
            for function in &self.functions {
                let name = names::sent(&self.names, &function.name);
                if name != function.name {
                    cx.report.approximate("tools[].name");
                }
                let declaration = Declaration {
                    name: &name,
                    description: &[function.description.map_or("", RawStr::content)],
                    parameters: Some(function.schema),
                    legacy_schema,
                };
                let changed = write_declaration(&mut declarations, declaration);
                let changed = changed.map_err(|error| {
                    let field = format!("tools[{}].input_schema", function.index);
                    Refusal::unsupported(field, error.0)
                })?;
                if changed {
                    cx.report.approximate("tools[].input_schema");
                }
            }
            declarations.end();
            tool.end();
        }
        self.builtins.write(&mut list);
        list.end();
        Ok(())
    }
}

/// Reports members of a tool that Google has no word for, and those that nobody knows.
fn report_lost(members: &[(bool, &str)], tool: &Tool<'_>, cx: &mut RequestContext<'_>) {
    for (_, member) in members.iter().filter(|(is_lost, _)| *is_lost) {
        cx.report.drop_field(format!("tools[].{member}"));
    }
    for name in &tool.unknown {
        cx.report.drop_field(format!("tools[].{name}"));
    }
}
