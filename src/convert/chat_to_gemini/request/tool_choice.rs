//! `tool_choice`, and the deprecated `function_call`.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::TARGET;
use super::tools::Tools;
use crate::convert::chat_request::choice::{self, Asked};
use crate::convert::context::RequestContext;
use crate::convert::gemini_out::{Builtin, FunctionMode, names};
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
    // What Google decides on itself is chosen by its type, too.
    let of_google = builtin_type(request);
    let unknown = tools.dropped.iter().cloned();
    let dropped: Vec<Cow<'_, str>> = unknown.chain(of_google.clone()).collect();
    let (field, asked) = choice::read(request, &dropped, cx)?;
    let any = |names| Some((FunctionMode::Any, names));
    let mode = match asked {
        Asked::Unsaid => return Ok(None),
        Asked::Auto => Some((FunctionMode::Auto, Vec::new())),
        Asked::None => Some((FunctionMode::None, Vec::new())),
        Asked::Any => any(Vec::new()),
        Asked::Tool { name, .. } if tools.has(&name) => any(vec![sent(tools, &name)]),
        Asked::Tool { name, .. } if Builtin::from_name(&name).is_some() => None,
        Asked::Tool { field, .. } => return Err(choice::unknown(field)),
        Asked::Dropped if of_google.is_some() => None,
        Asked::Dropped => return Err(choice::forces_dropped(TARGET.name)),
        Asked::Allowed { names, must } => {
            cx.report.approximate(field);
            Some(allowed(&names, must, tools)?)
        }
    };
    if !tools.has_functions() {
        if tools.is_empty() && matches!(mode, Some((FunctionMode::Any, _))) {
            let any_dropped = !tools.dropped.is_empty();
            return Err(choice::nothing_to_call(field, any_dropped, TARGET.name));
        }
        // Google's own tools cannot be forced.
        cx.report.drop_field(field);
        return Ok(None);
    }
    if mode.is_none() {
        cx.report.drop_field(field);
    }
    Ok(mode)
}

/// The type of the choice, where it is that of a tool of Google's.
fn builtin_type<'a>(request: &Request<'a>) -> Option<Cow<'a, str>> {
    let choice = request.tool_choice.map(RawValue::get)?;
    let kind = RawStr::from_json(walk::member(choice, "type")?)?.decode();
    Builtin::from_name(&kind).is_some().then_some(kind)
}

fn sent(tools: &Tools<'_>, name: &str) -> Cow<'static, str> {
    Cow::Owned(names::sent(&tools.names, name).into_owned())
}

fn allowed(
    asked: &[(Cow<'_, str>, usize)],
    must: bool,
    tools: &Tools<'_>,
) -> Result<Mode, Refusal> {
    let mut names = Vec::new();
    for (name, index) in asked {
        if tools.has(name) {
            names.push(sent(tools, name));
        } else if Builtin::from_name(name).is_none() {
            return Err(choice::unknown_allowed(*index));
        }
    }
    let mode = match (names.is_empty(), must) {
        // No function may be called.
        (true, _) => FunctionMode::None,
        (false, true) => FunctionMode::Any,
        (false, false) => FunctionMode::Validated,
    };
    Ok((mode, names))
}
