//! Which tool the model may, must or may not call.

use std::borrow::Cow;

use bytes::BufMut;

use super::path;
use super::tools::Tools;
use crate::codec::write;
use crate::convert::anthropic_out::cache::Out;
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::format::chat::request::Request;
use crate::format::raw::RawStr;
use crate::format::walk;
use crate::models::ForcedTool;

/// The choice as it will be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    mode: Mode,
    one_at_a_time: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Mode {
    /// The client said nothing.
    Unsaid,
    Auto,
    None,
    Any,
    /// This one, by the name it is sent with.
    Tool(String),
}

impl Choice {
    /// Whether the model must call a tool.
    pub(super) fn is_forced(&self) -> bool {
        matches!(self.mode, Mode::Any | Mode::Tool(_))
    }

    /// The same choice, or none where the tools only stand for calls in the history.
    pub(super) fn or_none_for_stubs(self, tools: &Tools<'_>) -> Self {
        if !tools.only_stubs {
            return self;
        }
        Self {
            mode: Mode::None,
            one_at_a_time: false,
        }
    }

    /// Writes `tool_choice`, where there is something to say.
    pub(super) fn write(&self, out: &mut Out) {
        let kind = match &self.mode {
            Mode::Unsaid if !self.one_at_a_time => return,
            Mode::Unsaid | Mode::Auto => "auto",
            Mode::None => "none",
            Mode::Any => "any",
            Mode::Tool(_) => "tool",
        };
        out.member("tool_choice");
        out.buf.extend_from_slice(b"{\"type\":");
        write::string(&mut out.buf, kind);
        if let Mode::Tool(name) = &self.mode {
            out.buf.extend_from_slice(b",\"name\":");
            write::string(&mut out.buf, name);
        }
        if self.one_at_a_time && self.mode != Mode::None {
            out.buf
                .extend_from_slice(b",\"disable_parallel_tool_use\":true");
        }
        out.buf.put_u8(b'}');
    }
}

/// Reads the choice; `allowed_tools` takes the other tools away.
pub(super) fn resolve(
    request: &Request<'_>,
    tools: &mut Tools<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<Choice, Refusal> {
    let (field, raw) = match (request.tool_choice, request.function_call) {
        (Some(choice), older) => {
            if older.is_some() {
                cx.report.drop_field("function_call");
            }
            ("tool_choice", Some(choice.get()))
        }
        (None, older) => ("function_call", older.map(|raw| raw.get())),
    };
    let mut mode = match raw {
        None => Mode::Unsaid,
        Some(raw) => read(raw, field, tools, cx)?,
    };
    if tools.is_empty() {
        match mode {
            Mode::Unsaid => {}
            Mode::Auto | Mode::None => cx.report.drop_field(field),
            Mode::Any | Mode::Tool(_) if tools.dropped.is_empty() => {
                return Err(Refusal::invalid(field, "there is no tool to call"));
            }
            Mode::Any | Mode::Tool(_) => {
                return Err(Refusal::unsupported(
                    field,
                    "Anthropic can run none of the tools, and the choice forces one",
                ));
            }
        }
        return Ok(Choice {
            mode: Mode::Unsaid,
            one_at_a_time: false,
        });
    }
    let forced = matches!(mode, Mode::Any | Mode::Tool(_));
    if forced && cx.capabilities.forced_tool == ForcedTool::No {
        if !cx.lossy {
            return Err(Refusal::unsupported(
                field,
                "this model cannot be forced to call a tool",
            ));
        }
        cx.report.approximate(field);
        mode = Mode::Auto;
    }
    Ok(Choice {
        mode,
        one_at_a_time: tools.legacy || request.parallel_tool_calls == Some(false),
    })
}

fn read(
    raw: &str,
    field: &'static str,
    tools: &mut Tools<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<Mode, Refusal> {
    if let Some(word) = RawStr::from_json(raw) {
        return match &*word.decode() {
            "auto" => Ok(Mode::Auto),
            "none" => Ok(Mode::None),
            "required" if field == "tool_choice" => Ok(Mode::Any),
            _ => Err(Refusal::invalid(field, "there is no such choice")),
        };
    }
    if !walk::is_object(raw) {
        return Err(path::wrong_type(field));
    }
    if field == "function_call" {
        return by_name(walk::member(raw, "name"), "function_call.name", tools);
    }
    let Some(kind) = walk::member(raw, "type").and_then(RawStr::from_json) else {
        return Err(path::missing("tool_choice.type"));
    };
    let inner = |name: &str| walk::member(raw, name).unwrap_or_default();
    match &*kind.decode() {
        "function" => by_name(
            walk::member(inner("function"), "name"),
            "tool_choice.function.name",
            tools,
        ),
        "custom" => by_name(
            walk::member(inner("custom"), "name"),
            "tool_choice.custom.name",
            tools,
        ),
        "allowed_tools" => allowed(inner("allowed_tools"), tools, cx),
        other if tools.dropped.iter().any(|kind| kind == other) => Err(Refusal::unsupported(
            "tool_choice",
            "Anthropic cannot run the tool that the choice forces",
        )),
        _ => Err(Refusal::invalid(
            "tool_choice.type",
            "there is no such choice",
        )),
    }
}

fn by_name(name: Option<&str>, field: &'static str, tools: &Tools<'_>) -> Result<Mode, Refusal> {
    let Some(name) = name.and_then(RawStr::from_json).map(RawStr::decode) else {
        return Err(path::missing(field));
    };
    if !tools.has(&name) {
        return Err(Refusal::invalid(field, "there is no tool of this name"));
    }
    Ok(Mode::Tool(tools.names.sent(&name).into_owned()))
}

fn allowed(
    allowed: &str,
    tools: &mut Tools<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<Mode, Refusal> {
    let mode = walk::member(allowed, "mode").and_then(RawStr::from_json);
    let mode = match mode.map(RawStr::decode).as_deref() {
        None | Some("auto") => Mode::Auto,
        Some("required") => Mode::Any,
        Some(_) => {
            return Err(Refusal::invalid(
                "tool_choice.allowed_tools.mode",
                "there is no such mode",
            ));
        }
    };
    let list = walk::member(allowed, "tools").unwrap_or_default();
    if !walk::is_array(list) {
        return Err(path::missing("tool_choice.allowed_tools.tools"));
    }
    let mut names: Vec<(Cow<'_, str>, usize)> = Vec::new();
    for (index, entry) in walk::elements(list).enumerate() {
        let kind = walk::member(entry, "type").and_then(RawStr::from_json);
        let kind = kind.map(RawStr::decode).unwrap_or_default();
        if tools.dropped.contains(&kind) {
            continue;
        }
        let name = walk::member(entry, &kind).and_then(|tool| walk::member(tool, "name"));
        let Some(name) = name.and_then(RawStr::from_json) else {
            return Err(path::missing(format!(
                "tool_choice.allowed_tools.tools[{index}]"
            )));
        };
        names.push((name.decode(), index));
    }
    tools.keep_only(&names)?;
    cx.report.approximate("tool_choice");
    Ok(mode)
}
