//! Tools, and which of them shall be called.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::convert::anthropic_out::cache::requested;
use crate::convert::context::RequestContext;
use crate::convert::converse_out::Rules;
use crate::convert::converse_out::fields::Fields;
use crate::convert::converse_out::schema::BadSchema;
use crate::convert::converse_out::tools::{Choice, ToolSpec, Tools, description};
use crate::convert::messages_in::missing;
use crate::convert::path::parse;
use crate::convert::report::Refusal;
use crate::format::messages::request::{Request, Tool};
use crate::format::raw::RawStr;

/// The tools that will be sent.
#[derive(Debug)]
pub(super) struct Planned<'a>(Tools<'a>);

impl<'a> std::ops::Deref for Planned<'a> {
    type Target = Tools<'a>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Reads `tools` and `tool_choice`.
pub(super) fn plan<'a>(
    request: &Request<'a>,
    rules: Rules,
    fields: &mut Fields<'a>,
    cx: &mut RequestContext<'_>,
) -> Result<Planned<'a>, Refusal> {
    let mut reader = Reader {
        tools: Tools::default(),
        dropped: Vec::new(),
        searches: Vec::new(),
        rules,
    };
    let list = request.tools.as_ref().map_or(&[][..], |list| &list.0);
    for (index, raw) in list.iter().enumerate() {
        reader.tool(raw, index, fields, cx)?;
    }
    reader.choice(request, cx)?;
    Ok(Planned(reader.tools))
}

struct Reader<'a> {
    tools: Tools<'a>,
    /// The names of the tools that the target cannot run.
    dropped: Vec<Cow<'a, str>>,
    /// The names of the tools that became Nova's own search.
    searches: Vec<Cow<'a, str>>,
    rules: Rules,
}

impl<'a> Reader<'a> {
    fn tool(
        &mut self,
        raw: &'a RawValue,
        index: usize,
        fields: &mut Fields<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let at = |member: &str| format!("tools[{index}].{member}");
        let tool: Tool<'a> = parse(raw.get(), || format!("tools[{index}]"))?;
        let kind = tool.kind.map_or(Cow::Borrowed("custom"), RawStr::decode);
        if kind != "custom" {
            if !self
                .tools
                .push_anthropic(&kind, tool.name, raw.get(), self.rules, fields)
            {
                self.hosted(&kind, &tool, cx);
            }
            return Ok(());
        }
        report_extras(&tool, cx);
        let Some(name) = tool.name.filter(|name| !name.is_empty()) else {
            return Err(missing(at("name")));
        };
        let name = name.decode();
        if self.tools.has(&name) {
            return Err(Refusal::invalid(
                at("name"),
                "tools: Tool names must be unique.",
            ));
        }
        let spec = ToolSpec {
            name,
            description: description(tool.description),
            schema: tool.input_schema.map(RawValue::get),
            custom: false,
            strict: (tool.strict == Some(true)).then_some("tools[].strict"),
            mark: requested(tool.cache_control, None, "tools[]", cx.report),
        };
        self.tools.push(spec).map_err(|bad| {
            let path = at("input_schema");
            let message = match bad {
                BadSchema::NoObject => format!("{path}: it is no JSON object"),
                BadSchema::OtherType => format!("{path}: its type must be `object`"),
            };
            Refusal::invalid(path, message)
        })
    }

    /// A tool that runs at the provider, or that only Claude knows.
    fn hosted(&mut self, kind: &str, tool: &Tool<'a>, cx: &mut RequestContext<'_>) {
        let name = tool.name.or(tool.mcp_server_name);
        let name = name.map(RawStr::decode).unwrap_or_default();
        if self.rules.grounding && kind.starts_with("web_search_") {
            self.tools.grounding = true;
            self.searches.push(name);
            report_settings(tool, cx);
            cx.report.approximate("tools[]");
        } else {
            self.dropped.push(name);
            cx.report.drop_field("tools[]");
        }
    }

    fn choice(
        &mut self,
        request: &Request<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let Some(choice) = &request.tool_choice else {
            return Ok(());
        };
        for name in &choice.unknown {
            cx.report.drop_field(format!("tool_choice.{name}"));
        }
        let Some(kind) = choice.kind else {
            return Err(missing("tool_choice.type"));
        };
        let kind = kind.decode();
        let forced = match (&*kind, choice.name) {
            ("tool", Some(name)) => Some(name.decode()),
            ("tool", None) => return Err(missing("tool_choice.name")),
            ("auto" | "any" | "none", _) => None,
            _ => {
                return Err(Refusal::invalid(
                    "tool_choice.type",
                    "tool_choice.type: it is one of auto, any, tool and none",
                ));
            }
        };
        if let Some(name) = &forced
            && self.dropped.contains(name)
        {
            let message = format!(
                "tool_choice.name: {} cannot run the tool `{name}`",
                cx.provider
            );
            return Err(Refusal::unsupported("tool_choice.name", message));
        }
        if self.tools.is_empty() && kind != "none" {
            if kind == "any" && !self.dropped.is_empty() {
                let message = format!("tool_choice: {} can run none of the tools", cx.provider);
                return Err(Refusal::unsupported("tool_choice", message));
            }
            cx.report.drop_field("tool_choice");
            return Ok(());
        }
        self.tools.one_at_a_time = choice.disable_parallel_tool_use == Some(true);
        self.tools.choice = match (&*kind, forced) {
            ("any", _) => Choice::Any,
            ("none", _) => Choice::None,
            // Nova searches when it wants to: it cannot be made to.
            (_, Some(name)) if self.searches.contains(&name) => {
                cx.report.approximate("tool_choice");
                Choice::Auto
            }
            (_, Some(name)) => Choice::Tool(name),
            _ => Choice::Auto,
        };
        Ok(())
    }
}

/// Nova's search takes no settings.
fn report_settings(tool: &Tool<'_>, cx: &mut RequestContext<'_>) {
    for (is_lost, member) in [
        (tool.max_uses.is_some(), "max_uses"),
        (tool.allowed_domains.is_some(), "allowed_domains"),
        (tool.blocked_domains.is_some(), "blocked_domains"),
        (tool.user_location.is_some(), "user_location"),
        (tool.response_inclusion.is_some(), "response_inclusion"),
        (tool.cache_control.is_some(), "cache_control"),
    ] {
        if is_lost {
            cx.report.drop_field(format!("tools[].{member}"));
        }
    }
}

fn report_extras(tool: &Tool<'_>, cx: &mut RequestContext<'_>) {
    for (is_lost, member) in [
        (tool.input_examples.is_some(), "input_examples"),
        (tool.defer_loading.is_some(), "defer_loading"),
        (tool.allowed_callers.is_some(), "allowed_callers"),
        (
            tool.eager_input_streaming.is_some(),
            "eager_input_streaming",
        ),
    ] {
        if is_lost {
            cx.report.drop_field(format!("tools[].{member}"));
        }
    }
    for name in &tool.unknown {
        cx.report.drop_field(format!("tools[].{name}"));
    }
}
