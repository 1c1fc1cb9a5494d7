//! `tool_choice`, and the deprecated `function_call`.

use std::borrow::Cow;

use super::tools::Tools;
use crate::convert::context::RequestContext;
use crate::convert::gemini_out::{Builtin, FunctionMode, names};
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::format::chat::request::Request;
use crate::format::raw::RawStr;
use crate::format::walk;

/// A mode, and the names of the functions that it is limited to, as they are sent.
type Mode = (FunctionMode, Vec<Cow<'static, str>>);

/// Reads the choice; `None` where there is nothing to say.
pub(super) fn resolve(
    request: &Request<'_>,
    tools: &Tools<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<Option<Mode>, Refusal> {
    if request.parallel_tool_calls == Some(false) && tools.has_functions() {
        cx.report.drop_field("parallel_tool_calls");
    }
    let (field, raw) = match (request.tool_choice, request.function_call) {
        (Some(choice), older) => {
            if older.is_some() {
                cx.report.drop_field("function_call");
            }
            ("tool_choice", choice.get())
        }
        (None, Some(older)) => ("function_call", older.get()),
        (None, None) => return Ok(None),
    };
    let mode = Choice { field, tools }.read(raw)?;
    if tools.has_functions() {
        if matches!(&mode, Some((FunctionMode::Any | FunctionMode::Validated, names)) if !names.is_empty())
            && walk::member(raw, "allowed_tools").is_some()
        {
            cx.report.approximate(field);
        }
        if mode.is_none() {
            cx.report.drop_field(field);
        }
        return Ok(mode);
    }
    match mode {
        Some((FunctionMode::Any, _)) if tools.is_empty() => Err(if tools.dropped.is_empty() {
            Refusal::invalid(field, "there is no tool to call")
        } else {
            Refusal::unsupported(
                field,
                "Gemini can run none of the tools, and the choice forces one",
            )
        }),
        // Google's own tools cannot be forced.
        _ => {
            cx.report.drop_field(field);
            Ok(None)
        }
    }
}

struct Choice<'t, 'a> {
    field: &'static str,
    tools: &'t Tools<'a>,
}

impl Choice<'_, '_> {
    /// The mode; `None` where one of Google's own tools is chosen, which it decides on itself.
    fn read(&self, raw: &str) -> Result<Option<Mode>, Refusal> {
        let field = self.field;
        if let Some(word) = RawStr::from_json(raw) {
            let mode = match &*word.decode() {
                "auto" => FunctionMode::Auto,
                "none" => FunctionMode::None,
                "required" if field == "tool_choice" => FunctionMode::Any,
                _ => return Err(Refusal::invalid(field, "there is no such choice")),
            };
            return Ok(Some((mode, Vec::new())));
        }
        if !walk::is_object(raw) {
            return Err(path::wrong_type(field));
        }
        if field == "function_call" {
            return self.by_name(walk::member(raw, "name"), "function_call.name");
        }
        let Some(kind) = walk::member(raw, "type").and_then(RawStr::from_json) else {
            return Err(path::missing("tool_choice.type"));
        };
        let inner = |name: &str| walk::member(raw, name).unwrap_or_default();
        match &*kind.decode() {
            "function" => self.by_name(
                walk::member(inner("function"), "name"),
                "tool_choice.function.name",
            ),
            "custom" => self.by_name(
                walk::member(inner("custom"), "name"),
                "tool_choice.custom.name",
            ),
            "allowed_tools" => self.allowed(inner("allowed_tools")),
            kind if Builtin::from_name(kind).is_some() => Ok(None),
            kind if self.tools.dropped.iter().any(|other| other == kind) => {
                Err(Refusal::unsupported(
                    "tool_choice",
                    "Gemini cannot run the tool that the choice forces",
                ))
            }
            _ => Err(Refusal::invalid(
                "tool_choice.type",
                "there is no such choice",
            )),
        }
    }

    fn by_name(&self, name: Option<&str>, field: &'static str) -> Result<Option<Mode>, Refusal> {
        let Some(name) = name.and_then(RawStr::from_json).map(RawStr::decode) else {
            return Err(path::missing(field));
        };
        if self.tools.has(&name) {
            return Ok(Some((FunctionMode::Any, vec![self.sent(&name)])));
        }
        if Builtin::from_name(&name).is_some() {
            return Ok(None);
        }
        Err(Refusal::invalid(field, "there is no tool of this name"))
    }

    fn sent(&self, name: &str) -> Cow<'static, str> {
        Cow::Owned(names::sent(&self.tools.names, name).into_owned())
    }

    fn allowed(&self, allowed: &str) -> Result<Option<Mode>, Refusal> {
        let mode = walk::member(allowed, "mode").and_then(RawStr::from_json);
        let mode = match mode.map(RawStr::decode).as_deref() {
            None | Some("auto") => FunctionMode::Validated,
            Some("required") => FunctionMode::Any,
            Some(_) => {
                return Err(Refusal::invalid(
                    "tool_choice.allowed_tools.mode",
                    "there is no such mode",
                ));
            }
        };
        let list = walk::member(allowed, "tools").filter(|list| walk::is_array(list));
        let Some(list) = list else {
            return Err(path::missing("tool_choice.allowed_tools.tools"));
        };
        let mut names = Vec::new();
        for (index, entry) in walk::elements(list).enumerate() {
            let at = || format!("tool_choice.allowed_tools.tools[{index}]");
            let kind = walk::member(entry, "type").and_then(RawStr::from_json);
            let kind = kind.map(RawStr::decode).unwrap_or_default();
            if self.tools.dropped.contains(&kind) || Builtin::from_name(&kind).is_some() {
                continue;
            }
            let name = walk::member(entry, &kind).and_then(|tool| walk::member(tool, "name"));
            let Some(name) = name.and_then(RawStr::from_json).map(RawStr::decode) else {
                return Err(path::missing(at()));
            };
            if self.tools.has(&name) {
                names.push(self.sent(&name));
            } else if Builtin::from_name(&name).is_none() {
                return Err(Refusal::invalid(at(), "there is no tool of this name"));
            }
        }
        if names.is_empty() {
            // No function may be called.
            return Ok(Some((FunctionMode::None, names)));
        }
        Ok(Some((mode, names)))
    }
}
