//! Which tool the model may, must or may not call: `tool_choice`, and the deprecated `function_call`.

use std::borrow::Cow;

use super::path;
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::format::chat::request::Request;
use crate::format::raw::RawStr;
use crate::format::walk;

/// The client's choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::convert) enum Asked<'a> {
    Unsaid,
    Auto,
    None,
    Any,
    /// This one; with the field that names it.
    Tool {
        name: Cow<'a, str>,
        field: &'static str,
    },
    /// Only these, by name and place in the list.
    Allowed {
        names: Vec<(Cow<'a, str>, usize)>,
        must: bool,
    },
    /// The tool of a type that was dropped.
    Dropped,
}

/// The field in which the client chooses, and its choice. `dropped` are the types of the tools that the target cannot run.
///
/// # Errors
/// It is no choice that Chat knows.
pub(in crate::convert) fn read<'a>(
    request: &Request<'a>,
    dropped: &[Cow<'_, str>],
    cx: &mut RequestContext<'_>,
) -> Result<(&'static str, Asked<'a>), Refusal> {
    let (field, raw) = match (request.tool_choice, request.function_call) {
        (Some(choice), older) => {
            if older.is_some() {
                cx.report.drop_field("function_call");
            }
            ("tool_choice", Some(choice.get()))
        }
        (None, older) => ("function_call", older.map(|raw| raw.get())),
    };
    let asked = match raw {
        None => Asked::Unsaid,
        Some(raw) => parse(raw, field, dropped)?,
    };
    Ok((field, asked))
}

fn parse<'a>(
    raw: &'a str,
    field: &'static str,
    dropped: &[Cow<'_, str>],
) -> Result<Asked<'a>, Refusal> {
    if let Some(word) = RawStr::from_json(raw) {
        return match &*word.decode() {
            "auto" => Ok(Asked::Auto),
            "none" => Ok(Asked::None),
            "required" if field == "tool_choice" => Ok(Asked::Any),
            _ => Err(Refusal::invalid(field, "there is no such choice")),
        };
    }
    if !walk::is_object(raw) {
        return Err(path::wrong_type(field));
    }
    if field == "function_call" {
        return by_name(walk::member(raw, "name"), "function_call.name");
    }
    let Some(kind) = walk::member(raw, "type").and_then(RawStr::from_json) else {
        return Err(path::missing("tool_choice.type"));
    };
    let inner = |name: &str| walk::member(raw, name).unwrap_or_default();
    match &*kind.decode() {
        "function" => by_name(
            walk::member(inner("function"), "name"),
            "tool_choice.function.name",
        ),
        "custom" => by_name(
            walk::member(inner("custom"), "name"),
            "tool_choice.custom.name",
        ),
        "allowed_tools" => allowed(inner("allowed_tools"), dropped),
        other if dropped.iter().any(|kind| kind == other) => Ok(Asked::Dropped),
        _ => Err(Refusal::invalid(
            "tool_choice.type",
            "there is no such choice",
        )),
    }
}

fn by_name<'a>(name: Option<&'a str>, field: &'static str) -> Result<Asked<'a>, Refusal> {
    let Some(name) = name.and_then(RawStr::from_json).map(RawStr::decode) else {
        return Err(path::missing(field));
    };
    Ok(Asked::Tool { name, field })
}

fn allowed<'a>(allowed: &'a str, dropped: &[Cow<'_, str>]) -> Result<Asked<'a>, Refusal> {
    let mode = walk::member(allowed, "mode").and_then(RawStr::from_json);
    let must = match mode.map(RawStr::decode).as_deref() {
        None | Some("auto") => false,
        Some("required") => true,
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
    let mut names: Vec<(Cow<'a, str>, usize)> = Vec::new();
    for (index, entry) in walk::elements(list).enumerate() {
        let kind = walk::member(entry, "type").and_then(RawStr::from_json);
        let kind = kind.map(RawStr::decode).unwrap_or_default();
        if dropped.contains(&kind) {
            continue;
        }
        let name = walk::member(entry, &kind).and_then(|tool| walk::member(tool, "name"));
        let Some(name) = name.and_then(RawStr::from_json) else {
            return Err(path::missing(allowed_tool(index)));
        };
        names.push((name.decode(), index));
    }
    Ok(Asked::Allowed { names, must })
}

/// The path of an element of the list of allowed tools.
fn allowed_tool(index: usize) -> String {
    format!("tool_choice.allowed_tools.tools[{index}]")
}

/// There is no tool of a name that the choice holds.
pub(in crate::convert) fn unknown_allowed(index: usize) -> Refusal {
    Refusal::invalid(allowed_tool(index), "there is no tool of this name")
}

/// The same where it names one tool.
pub(in crate::convert) fn unknown(field: &'static str) -> Refusal {
    Refusal::invalid(field, "there is no tool of this name")
}

/// The choice forces a call, and there is nothing that could be called; `any_dropped` where the target takes none of the
/// client's tools.
pub(in crate::convert) fn nothing_to_call(
    field: &'static str,
    any_dropped: bool,
    target: &str,
) -> Refusal {
    if any_dropped {
        return Refusal::unsupported(
            field,
            format!("{target} can run none of the tools, and the choice forces one"),
        );
    }
    Refusal::invalid(field, "there is no tool to call")
}

/// The choice forces a tool that was dropped.
pub(in crate::convert) fn forces_dropped(target: &str) -> Refusal {
    Refusal::unsupported(
        "tool_choice",
        format!("{target} cannot run the tool that the choice forces"),
    )
}
