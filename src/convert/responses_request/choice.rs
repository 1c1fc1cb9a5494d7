//! Which tool the model shall call.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::path;
use super::tools::{CODE_INTERPRETER, Entry, Kind, Tools, is_web_search};
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::format::raw::RawStr;
use crate::format::responses::request::Request;
use crate::format::walk;
use crate::models::ForcedTool;

/// More entries than any list of allowed tools has.
const MAX_ALLOWED: usize = 4096;

/// What will be sent.
#[derive(Debug, Clone)]
pub(in crate::convert) struct Choice {
    pub(in crate::convert) mode: Mode,
    pub(in crate::convert) one_at_a_time: bool,
}

/// What the client chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::convert) enum Mode {
    Unsaid,
    Auto,
    None,
    Any,
    /// This one, by the name under which it is sent.
    Tool(String),
    /// The search that the target runs itself.
    WebSearch,
}

impl Mode {
    /// Whether the model has no choice but to call a tool.
    pub(in crate::convert) fn is_forced(&self) -> bool {
        matches!(self, Self::Any | Self::Tool(_) | Self::WebSearch)
    }
}

/// Whether the client allows only some of its tools.
pub(in crate::convert) fn is_allowed_tools(request: &Request<'_>) -> bool {
    let raw = request.tool_choice.map(RawValue::get).unwrap_or_default();
    text(raw, "type").is_some_and(|kind| kind == "allowed_tools")
}

/// Reads the choice; `allowed_tools` takes the other tools away.
pub(in crate::convert) fn resolve(
    request: &Request<'_>,
    tools: &mut Tools<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<Choice, Refusal> {
    let raw = request.tool_choice.map(RawValue::get);
    let mut mode = raw.map_or(Ok(Mode::Unsaid), |raw| read(raw, tools))?;
    if tools.is_empty() {
        match mode {
            Mode::Unsaid => {}
            Mode::Auto | Mode::None => cx.report.drop_field("tool_choice"),
            Mode::Any | Mode::Tool(_) | Mode::WebSearch if tools.dropped.is_empty() => {
                return Err(Refusal::invalid("tool_choice", "there is no tool to call"));
            }
            Mode::Any | Mode::Tool(_) | Mode::WebSearch => {
                return Err(cannot_run("tool_choice", tools.target()));
            }
        }
        return Ok(Choice {
            mode: Mode::Unsaid,
            one_at_a_time: false,
        });
    }
    if mode.is_forced() && cx.capabilities.forced_tool == ForcedTool::No {
        if !cx.lossy {
            return Err(Refusal::unsupported(
                "tool_choice",
                "this model cannot be forced to call a tool",
            ));
        }
        cx.report.approximate("tool_choice");
        mode = Mode::Auto;
    }
    Ok(Choice {
        mode,
        one_at_a_time: request.parallel_tool_calls == Some(false),
    })
}

/// The target has no such tool.
pub(in crate::convert) fn cannot_run(field: &'static str, target: &str) -> Refusal {
    Refusal::unsupported(
        field,
        format!("{target} cannot run the tool that the choice forces"),
    )
}

fn read(raw: &str, tools: &mut Tools<'_>) -> Result<Mode, Refusal> {
    if let Some(word) = RawStr::from_json(raw) {
        return match &*word.decode() {
            "auto" => Ok(Mode::Auto),
            "none" => Ok(Mode::None),
            "required" => Ok(Mode::Any),
            _ => Err(Refusal::invalid("tool_choice", "there is no such choice")),
        };
    }
    if !walk::is_object(raw) {
        return Err(path::wrong_type("tool_choice"));
    }
    let Some(kind) = text(raw, "type") else {
        return Err(path::missing("tool_choice.type"));
    };
    match &*kind {
        "function" | "custom" => {
            let Some(name) = text(raw, "name") else {
                return Err(path::missing("tool_choice.name"));
            };
            match tools.chosen(&name)? {
                Some(sent) => Ok(Mode::Tool(sent.to_owned())),
                None => Err(Refusal::invalid(
                    "tool_choice.name",
                    "there is no tool of this name",
                )),
            }
        }
        "allowed_tools" => allowed(raw, tools),
        kind if is_web_search(kind) && tools.has_web_search() => Ok(Mode::WebSearch),
        _ => Err(cannot_run("tool_choice.type", tools.target())),
    }
}

fn text<'a>(object: &'a str, member: &str) -> Option<Cow<'a, str>> {
    let value = walk::member(object, member).and_then(RawStr::from_json)?;
    Some(value.decode())
}

/// An entry of `allowed_tools`.
enum Allowed<'a> {
    WebSearch,
    Code,
    Mcp(Cow<'a, str>),
    Namespace(Cow<'a, str>),
    Named(Cow<'a, str>),
}

impl Allowed<'_> {
    fn is(&self, entry: &Entry<'_>) -> bool {
        match self {
            Self::WebSearch => entry.kind == Kind::WebSearch,
            Self::Code => entry.kind == Kind::Code,
            Self::Mcp(label) => entry.kind == Kind::Mcp && entry.name == *label,
            Self::Namespace(space) => entry.namespace.as_deref() == Some(&**space),
            Self::Named(name) => !entry.kind.is_hosted() && entry.name == *name,
        }
    }
}

fn allowed(raw: &str, tools: &mut Tools<'_>) -> Result<Mode, Refusal> {
    let mode = match text(raw, "mode").as_deref() {
        None | Some("auto") => Mode::Auto,
        Some("required") => Mode::Any,
        Some(_) => {
            return Err(Refusal::invalid(
                "tool_choice.mode",
                "there is no such mode",
            ));
        }
    };
    let list = walk::member(raw, "tools").unwrap_or_default();
    if !walk::is_array(list) {
        return Err(path::missing("tool_choice.tools"));
    }
    let mut keep = vec![false; tools.list.len()];
    if walk::elements(list).nth(MAX_ALLOWED).is_some() {
        return Err(Refusal::invalid(
            "tool_choice.tools",
            "there are too many tools",
        ));
    }
    for (index, entry) in walk::elements(list).enumerate() {
        let at = || format!("tool_choice.tools[{index}]");
        let kind = text(entry, "type").ok_or_else(|| path::missing(at()))?;
        let name = text(entry, "name");
        let wanted = match (&*kind, name) {
            (kind, _) if is_web_search(kind) => Allowed::WebSearch,
            (CODE_INTERPRETER, _) if tools.list.iter().any(|e| e.kind == Kind::Code) => {
                Allowed::Code
            }
            ("mcp", _) => match text(entry, "server_label") {
                Some(label) => Allowed::Mcp(label),
                None => return Err(path::missing(at())),
            },
            ("namespace", Some(name)) => Allowed::Namespace(name),
            ("function" | "custom", Some(name)) => Allowed::Named(name),
            ("namespace" | "function" | "custom", None) => return Err(path::missing(at())),
            // Of a type that was left out.
            _ => continue,
        };
        let mut any = false;
        for (slot, tool) in keep.iter_mut().zip(&tools.list) {
            let is = wanted.is(tool);
            any |= is;
            *slot |= is;
        }
        let left_out = tools.dropped.contains(&kind);
        if !any && !left_out {
            return Err(Refusal::invalid(at(), "there is no tool of this name"));
        }
    }
    let mut keep = keep.into_iter();
    tools.keep(|_| keep.next().unwrap_or(false));
    Ok(mode)
}
