//! Which tool the model shall call.

use super::name;
use super::tools::Tools;
use crate::codec::write::Object;
use crate::convert::context::RequestContext;
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::format::messages::request::Request;
use crate::format::raw::RawStr;

/// What will be sent.
#[derive(Debug)]
pub(super) struct Choice {
    choice: Option<Which>,
    one_at_a_time: bool,
}

#[derive(Debug)]
enum Which {
    Auto,
    Required,
    None,
    Function(String),
    WebSearch,
}

pub(super) fn resolve(
    request: &Request<'_>,
    tools: &Tools<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<Choice, Refusal> {
    let nothing = Choice {
        choice: None,
        one_at_a_time: false,
    };
    let Some(choice) = &request.tool_choice else {
        return Ok(nothing);
    };
    for name in &choice.unknown {
        cx.report.drop_field(format!("tool_choice.{name}"));
    }
    let kind = choice
        .kind
        .ok_or_else(|| path::missing("tool_choice.type"))?;
    let kind = kind.decode();
    let forced = choice.name.map(RawStr::decode);
    if let ("tool", Some(name)) = (&*kind, &forced)
        && tools.is_dropped(name)
    {
        return Err(Refusal::unsupported(
            "tool_choice.name",
            format!("the tool `{name}` is not supported by this model's provider"),
        ));
    }
    if tools.is_empty() {
        if &*kind == "any" && tools.has_dropped() {
            return Err(Refusal::unsupported(
                "tool_choice",
                "none of the tools is supported by this model's provider",
            ));
        }
        cx.report.drop_field("tool_choice");
        return Ok(nothing);
    }
    let which = match &*kind {
        "auto" => Which::Auto,
        "any" => Which::Required,
        "none" => Which::None,
        "tool" => {
            let name = forced.ok_or_else(|| path::missing("tool_choice.name"))?;
            if tools.is_web_search(&name) {
                Which::WebSearch
            } else {
                Which::Function(name::tool(&name).into_owned())
            }
        }
        _ => {
            return Err(Refusal::invalid(
                "tool_choice.type",
                "the choice must be `auto`, `any`, `none` or `tool`",
            ));
        }
    };
    Ok(Choice {
        choice: Some(which),
        one_at_a_time: choice.disable_parallel_tool_use == Some(true),
    })
}

impl Choice {
    /// Writes `tool_choice` and `parallel_tool_calls`.
    pub(super) fn write(&self, object: &mut Object<'_>) {
        match &self.choice {
            None => {}
            Some(Which::Auto) => {
                object.string("tool_choice", "auto");
            }
            Some(Which::Required) => {
                object.string("tool_choice", "required");
            }
            Some(Which::None) => {
                object.string("tool_choice", "none");
            }
            Some(Which::Function(name)) => {
                let mut choice = object.object("tool_choice");
                choice.string("type", "function").string("name", name);
                choice.end();
            }
            Some(Which::WebSearch) => {
                let mut choice = object.object("tool_choice");
                choice
                    .string("type", "allowed_tools")
                    .string("mode", "required");
                let mut tools = choice.array("tools");
                let mut tool = tools.object();
                tool.string("type", "web_search");
                tool.end();
                tools.end();
                choice.end();
            }
        }
        if self.one_at_a_time {
            object.bool("parallel_tool_calls", false);
        }
    }
}
