//! Tools, and the choice among them.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::value::RawValue;

use super::TARGET;
use crate::convert::anthropic_out::cache;
use crate::convert::chat_request::choice::{self, Asked};
use crate::convert::chat_request::path;
use crate::convert::context::RequestContext;
use crate::convert::converse_out::Rules;
use crate::convert::converse_out::fields::Fields;
use crate::convert::converse_out::schema::BadSchema;
use crate::convert::converse_out::tools::{self, Choice, ToolSpec, Tools};
use crate::convert::report::Refusal;
use crate::format::chat::request::{Custom, Function, Request, Tool};
use crate::format::raw::RawStr;
use crate::format::walk;
use crate::models::ForcedTool;

/// What a search tool's type begins with, in OpenAI's and in Anthropic's words.
const WEB_SEARCH: &str = "web_search";

/// The tools of a request, and what the client chose.
#[derive(Debug)]
pub(super) struct ToolPlan<'a> {
    pub(super) tools: Tools<'a>,
    /// The field of the choice.
    pub(super) choice_field: &'static str,
    /// The client used the deprecated `functions`.
    pub(super) legacy: bool,
    /// The types of the tools that were dropped.
    dropped: Vec<Cow<'a, str>>,
}

impl<'a> ToolPlan<'a> {
    /// Reads tools and choice. `body` is the text that the request was read from.
    pub(super) fn read(
        request: &'a Request<'a>,
        body: &'a str,
        rules: Rules,
        fields: &mut Fields<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<Self, Refusal> {
        let mut plan = Self {
            tools: Tools::default(),
            choice_field: "tool_choice",
            legacy: false,
            dropped: Vec::new(),
        };
        let list = request.tools.as_ref().map_or(&[][..], |list| &list.0);
        let mut texts = list
            .iter()
            .any(|tool| tool.function.is_none() && tool.custom.is_none())
            .then(|| walk::elements(walk::member(body, "tools").unwrap_or_default()));
        for (index, tool) in list.iter().enumerate() {
            let text = texts.as_mut().and_then(Iterator::next).unwrap_or_default();
            plan.add(tool, index, text, rules, fields, cx)?;
        }
        let functions = request.functions.as_ref().map_or(&[][..], |list| &list.0);
        plan.legacy = list.is_empty() && !functions.is_empty();
        for (index, function) in functions.iter().enumerate() {
            let mark = cache::requested(function.cache_control, None, "functions[]", cx.report);
            report_unknown(&function.unknown, "functions[].", cx);
            let spec = ToolSpec {
                mark,
                strict: (function.strict == Some(true)).then_some("functions[].strict"),
                ..function_spec(function, || path::element("functions", index, ".name"))?
            };
            plan.push(spec, || path::element("functions", index, ".parameters"))?;
        }
        if let Some(options) = &request.web_search_options {
            if !rules.grounding {
                return Err(TARGET.unsupported("web_search_options", "has no web search here"));
            }
            plan.tools.grounding = true;
            cx.report.approximate("web_search_options");
            for (name, present) in [
                (
                    "web_search_options.search_context_size",
                    options.search_context_size.is_some(),
                ),
                (
                    "web_search_options.user_location",
                    options.user_location.is_some(),
                ),
            ] {
                if present {
                    cx.report.drop_field(name);
                }
            }
            report_unknown(&options.unknown, "web_search_options.", cx);
        }
        plan.choose(request, rules, cx)?;
        Ok(plan)
    }

    fn add(
        &mut self,
        tool: &'a Tool<'a>,
        index: usize,
        text: &'a str,
        rules: Rules,
        fields: &mut Fields<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let at = |member: &str| path::element("tools", index, member);
        let kind = match (tool.kind, &tool.function) {
            (Some(kind), _) => kind.decode(),
            (None, Some(_)) => Cow::Borrowed("function"),
            (None, None) => return Err(path::missing(at(".type"))),
        };
        let breakpoint = tool.prompt_cache_breakpoint;
        match &*kind {
            "function" => {
                let Some(function) = &tool.function else {
                    return Err(path::missing(at(".function")));
                };
                report_unknown(&function.unknown, "tools[].function.", cx);
                report_unknown(&tool.unknown, "tools[].", cx);
                let control = tool.cache_control.or(function.cache_control);
                let strict = function.strict == Some(true);
                let spec = ToolSpec {
                    mark: cache::requested(control, breakpoint, "tools[]", cx.report),
                    strict: strict.then_some("tools[].function.strict"),
                    ..function_spec(function, || at(".function.name"))?
                };
                self.push(spec, || at(".function.parameters"))
            }
            "custom" => {
                let Some(custom) = &tool.custom else {
                    return Err(path::missing(at(".custom")));
                };
                cx.report.approximate("tools[].custom");
                report_unknown(&custom.unknown, "tools[].custom.", cx);
                report_unknown(&tool.unknown, "tools[].", cx);
                let spec = ToolSpec {
                    mark: cache::requested(tool.cache_control, breakpoint, "tools[]", cx.report),
                    ..custom_spec(custom, || at(".custom.name"), cx)?
                };
                self.push(spec, || at(".custom"))
            }
            kind_word if kind_word.starts_with(WEB_SEARCH) && rules.grounding => {
                self.tools.grounding = true;
                cx.report.approximate("tools[]");
                Ok(())
            }
            kind_word => {
                let taken = self
                    .tools
                    .push_anthropic(kind_word, tool.name, text, rules, fields);
                if !taken {
                    cx.report.drop_field("tools[]");
                    self.dropped.push(kind);
                }
                Ok(())
            }
        }
    }

    fn push(&mut self, spec: ToolSpec<'a>, at: impl FnOnce() -> String) -> Result<(), Refusal> {
        self.tools.push(spec).map_err(|bad| match bad {
            BadSchema::NoObject => path::wrong_type(at()),
            BadSchema::OtherType => TARGET.unsupported(
                format!("{}.type", at()),
                "takes parameters of type `object` only",
            ),
        })
    }

    /// Settles the choice; `allowed_tools` takes the other tools away.
    fn choose(
        &mut self,
        request: &Request<'a>,
        rules: Rules,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let (field, asked) = choice::read(request, &self.dropped, cx)?;
        self.choice_field = field;
        let mut chosen = match asked {
            Asked::Unsaid => Choice::Unsaid,
            Asked::Auto => Choice::Auto,
            Asked::None => Choice::None,
            Asked::Any => Choice::Any,
            Asked::Tool { name, field } => {
                if !self.tools.has(&name) {
                    return Err(choice::unknown(field));
                }
                Choice::Tool(name)
            }
            Asked::Allowed { names, must } => {
                let known: HashSet<&str> = self.tools.names().collect();
                if let Some((_, index)) = names.iter().find(|(name, _)| !known.contains(&**name)) {
                    return Err(choice::unknown_allowed(*index));
                }
                let wanted = names.iter().map(|(name, _)| &**name).collect();
                self.tools.keep_only(&wanted);
                if must { Choice::Any } else { Choice::Auto }
            }
            Asked::Dropped => return Err(choice::forces_dropped(TARGET.name)),
        };
        let is_forced = matches!(chosen, Choice::Any | Choice::Tool(_));
        if self.tools.is_empty() {
            if is_forced {
                let any_dropped = !self.dropped.is_empty();
                return Err(choice::nothing_to_call(field, any_dropped, TARGET.name));
            }
            if chosen == Choice::Auto {
                cx.report.drop_field(field);
                chosen = Choice::Unsaid;
            }
        } else if is_forced && cx.capabilities.forced_tool == ForcedTool::No {
            if !cx.lossy {
                return Err(Refusal::unsupported(
                    field,
                    "this model cannot be forced to call a tool",
                ));
            }
            cx.report.approximate(field);
            chosen = Choice::Auto;
        }
        self.tools.choice = chosen;
        // `function_call` holds one call.
        self.tools.one_at_a_time =
            request.parallel_tool_calls == Some(false) || (self.legacy && rules.parallel_switch);
        Ok(())
    }
}

fn function_spec<'a>(
    function: &'a Function<'a>,
    at: impl FnOnce() -> String,
) -> Result<ToolSpec<'a>, Refusal> {
    Ok(ToolSpec {
        name: path::required(function.name, at)?.decode(),
        description: tools::description(function.description),
        schema: function.parameters.map(RawValue::get),
        ..ToolSpec::default()
    })
}

fn custom_spec<'a>(
    custom: &'a Custom<'a>,
    at: impl FnOnce() -> String,
    cx: &mut RequestContext<'_>,
) -> Result<ToolSpec<'a>, Refusal> {
    let name = path::required(custom.name, at)?.decode();
    let mut description = tools::description(custom.description);
    let format = custom.format.as_ref();
    let is_grammar = |kind: RawStr<'_>| kind.is("grammar");
    if let Some(format) = format.filter(|format| format.kind.is_some_and(is_grammar))
        && let Some(grammar) = &format.grammar
    {
        cx.report.approximate("tools[].custom.format");
        description = tools::with_grammar(&description, grammar.syntax, grammar.definition);
    }
    Ok(ToolSpec {
        name,
        description,
        custom: true,
        ..ToolSpec::default()
    })
}

fn report_unknown(names: &[Cow<'_, str>], prefix: &str, cx: &mut RequestContext<'_>) {
    for name in names {
        cx.report.drop_field(format!("{prefix}{name}"));
    }
}
