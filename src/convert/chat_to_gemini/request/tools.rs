//! Tools: functions, freeform tools as functions with one `input`, and Google's own.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::parts::drop_marks;
use crate::codec::write::{Array, Object};
use crate::convert::chat_out::WRAPPED_INPUT_SCHEMA;
use crate::convert::chat_request::path::{element, required};
use crate::convert::context::RequestContext;
use crate::convert::gemini_out::{
    Builtin, Builtins, Declaration, names, trigger, write_declaration,
};
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::convert::tool_names::ToolNames;
use crate::format::chat::request::{Custom, Function, Request, Tool};
use crate::format::raw::RawStr;
use crate::format::walk;
use crate::models::GeminiGeneration;

/// The tools of a request, as they will be sent.
#[derive(Debug)]
pub(super) struct Tools<'a> {
    functions: Vec<Item<'a>>,
    builtins: Builtins,
    pub(super) names: ToolNames,
    /// The types of the tools that were dropped.
    pub(super) dropped: Vec<Cow<'a, str>>,
}

#[derive(Debug)]
struct Item<'a> {
    /// Where it stands in `tools`, or in `functions`.
    index: usize,
    list: &'static str,
    name: RawStr<'a>,
    kind: Kind<'a>,
}

#[derive(Debug)]
enum Kind<'a> {
    Function(&'a Function<'a>),
    Custom(&'a Custom<'a>),
}

impl<'a> Tools<'a> {
    /// Reads the tools and settles their names. `body` is the text that the request was read from.
    pub(super) fn plan(
        request: &'a Request<'a>,
        body: &'a str,
        cx: &mut RequestContext<'_>,
    ) -> Result<Self, Refusal> {
        let mut tools = Self {
            functions: Vec::new(),
            builtins: Builtins::default(),
            names: ToolNames::default(),
            dropped: Vec::new(),
        };
        if let Some(list) = &request.tools {
            let texts = walk::elements(walk::member(body, "tools").unwrap_or_default());
            for (index, (tool, text)) in list.0.iter().zip(texts).enumerate() {
                tools.add(tool, text, index, cx)?;
            }
        }
        for (index, function) in request.functions.iter().flat_map(|l| &l.0).enumerate() {
            let name = required(function.name, || element("functions", index, ".name"))?;
            tools.add_function(function, name, index, "functions", cx);
        }
        tools.add_web_search(request, cx)?;
        let all = tools.functions.iter();
        tools.names = names::settle(all.map(|item| {
            let custom = matches!(item.kind, Kind::Custom(_));
            (item.name.decode(), custom)
        }));
        if tools.mixes() && cx.capabilities.gemini != GeminiGeneration::V3 {
            return Err(Refusal::unsupported(
                tools.field(),
                format!(
                    "built-in tools cannot be combined with functions on {}",
                    cx.model
                ),
            ));
        }
        Ok(tools)
    }

    fn add(
        &mut self,
        tool: &'a Tool<'a>,
        text: &'a str,
        index: usize,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let at = |member: &str| element("tools", index, member);
        let marks = [tool.cache_control, tool.prompt_cache_breakpoint];
        drop_marks("tools[]", marks, cx);
        if let Some((builtin, config)) = trigger::chat_tool(text) {
            return self
                .builtins
                .add(builtin, &config, || at(&format!(".{}", builtin.name())));
        }
        let kind = match (tool.kind, &tool.function) {
            (Some(kind), _) => kind.decode(),
            (None, Some(_)) => Cow::Borrowed("function"),
            (None, None) => return Err(path::missing(at(".type"))),
        };
        match &*kind {
            "function" => {
                let Some(function) = &tool.function else {
                    return Err(path::missing(at(".function")));
                };
                let name = required(function.name, || at(".function.name"))?;
                self.add_function(function, name, index, "tools", cx);
            }
            "custom" => {
                let Some(custom) = &tool.custom else {
                    return Err(path::missing(at(".custom")));
                };
                let name = required(custom.name, || at(".custom.name"))?;
                cx.report.approximate("tools[].custom");
                report_unknown(&custom.unknown, "tools[].custom.", cx);
                self.functions.push(Item {
                    index,
                    list: "tools",
                    name,
                    kind: Kind::Custom(custom),
                });
            }
            _ => {
                cx.report.drop_field("tools[]");
                self.dropped.push(kind);
                return Ok(());
            }
        }
        report_unknown(&tool.unknown, "tools[].", cx);
        Ok(())
    }

    fn add_function(
        &mut self,
        function: &'a Function<'a>,
        name: RawStr<'a>,
        index: usize,
        list: &'static str,
        cx: &mut RequestContext<'_>,
    ) {
        let path = if list == "tools" {
            "tools[].function."
        } else {
            "functions[]."
        };
        report_unknown(&function.unknown, path, cx);
        for (name, lost) in [
            ("strict", function.strict == Some(true)),
            ("cache_control", function.cache_control.is_some()),
        ] {
            if lost {
                cx.report.drop_field(format!("{path}{name}"));
            }
        }
        self.functions.push(Item {
            index,
            list,
            name,
            kind: Kind::Function(function),
        });
    }

    /// OpenAI's web search is Google's.
    fn add_web_search(
        &mut self,
        request: &Request<'_>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let Some(options) = &request.web_search_options else {
            return Ok(());
        };
        for (name, lost) in [
            ("search_context_size", options.search_context_size.is_some()),
            ("user_location", options.user_location.is_some()),
        ] {
            if lost {
                cx.report.drop_field(format!("web_search_options.{name}"));
            }
        }
        report_unknown(&options.unknown, "web_search_options.", cx);
        if self.builtins.has(Builtin::GoogleSearch) {
            return Ok(());
        }
        let at = || "web_search_options".to_owned();
        self.builtins.add(Builtin::GoogleSearch, "{}", at)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.functions.is_empty() && self.builtins.is_empty()
    }

    pub(super) fn has_functions(&self) -> bool {
        !self.functions.is_empty()
    }

    /// Whether there is a function that the client calls `name`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.functions.iter().any(|item| item.name.is(name))
    }

    /// Whether Google's own tools stand beside functions.
    pub(super) fn mixes(&self) -> bool {
        self.has_functions() && !self.builtins.is_empty()
    }

    /// The client's field that the tools come from.
    pub(super) fn field(&self) -> &'static str {
        match self.functions.first() {
            Some(item) => item.list,
            None => "tools",
        }
    }

    /// Writes `tools`, where there are any.
    pub(super) fn write(
        &self,
        request: &mut Object<'_>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        if self.is_empty() {
            return Ok(());
        }
        let mut list = request.array("tools");
        if self.has_functions() {
            let mut tool = list.object();
            let mut declarations = tool.array("functionDeclarations");
            for item in &self.functions {
                self.write_function(&mut declarations, item, cx)?;
            }
            declarations.end();
            tool.end();
        }
        self.builtins.write(&mut list);
        list.end();
        Ok(())
    }

    fn write_function(
        &self,
        list: &mut Array<'_>,
        item: &Item<'_>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let original = item.name.decode();
        let sent = names::sent(&self.names, &original);
        let (path, inner) = match (&item.kind, item.list) {
            (Kind::Custom(_), _) => ("tools[].custom", ".custom"),
            (Kind::Function(_), "tools") => ("tools[].function", ".function"),
            (Kind::Function(_), _) => ("functions[]", ""),
        };
        if sent != original {
            cx.report.approximate(format!("{path}.name"));
        }
        let (description, parameters) = match &item.kind {
            Kind::Function(function) => (
                function
                    .description
                    .map(RawStr::content)
                    .into_iter()
                    .collect(),
                function.parameters.map(RawValue::get),
            ),
            Kind::Custom(custom) => (describe(custom, cx), Some(WRAPPED_INPUT_SCHEMA)),
        };
        let legacy = cx.capabilities.gemini == GeminiGeneration::Legacy;
        let declaration = Declaration {
            name: &sent,
            description: &description,
            parameters,
            legacy_schema: cx.options.legacy_schema.unwrap_or(legacy),
        };
        let changed = write_declaration(list, declaration).map_err(|error| {
            let field = element(item.list, item.index, &format!("{inner}.parameters"));
            Refusal::unsupported(field, error.0)
        })?;
        if changed {
            cx.report.approximate(format!("{path}.parameters"));
        }
        Ok(())
    }
}

/// Reports members that no view knows.
fn report_unknown(names: &[Cow<'_, str>], prefix: &str, cx: &mut RequestContext<'_>) {
    for name in names {
        cx.report.drop_field(format!("{prefix}{name}"));
    }
}

/// A freeform tool's description, with its grammar in words: pieces of the inside of a JSON string.
fn describe<'a>(custom: &Custom<'a>, cx: &mut RequestContext<'_>) -> Vec<&'a str> {
    let mut pieces = Vec::new();
    let description = custom.description.filter(|text| !text.is_empty());
    pieces.extend(description.map(RawStr::content));
    let format = custom.format.as_ref();
    let grammar = format
        .filter(|format| format.kind.is_some_and(|kind| kind.is("grammar")))
        .and_then(|format| format.grammar.as_ref());
    if let Some(grammar) = grammar {
        cx.report.approximate("tools[].custom.format");
        if !pieces.is_empty() {
            pieces.push(r"\n\n");
        }
        pieces.push("The value of `input` must match this ");
        pieces.extend(grammar.syntax.map(RawStr::content));
        pieces.push(r" grammar:\n");
        pieces.extend(grammar.definition.map(RawStr::content));
    }
    pieces
}
