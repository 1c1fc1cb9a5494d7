//! Which tool the model shall call.

use bytes::BufMut;

use crate::codec::write;
use crate::convert::anthropic_out::cache::Out;
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::convert::responses_request::choice::{self, Choice, Mode};
use crate::convert::responses_request::tools::{Tools, WEB_SEARCH};
use crate::format::responses::request::Request;

/// Reads the choice; `allowed_tools` takes the other tools away.
pub(super) fn resolve(
    request: &Request<'_>,
    tools: &mut Tools<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<Choice, Refusal> {
    let resolved = choice::resolve(request, tools, cx)?;
    if choice::is_allowed_tools(request) {
        cx.report.approximate("tool_choice");
    }
    Ok(resolved)
}

/// Where the only tools are stubs for the history, none may be called.
pub(super) fn or_none_for_stubs(mut choice: Choice, tools: &Tools<'_>) -> Choice {
    if !tools.stubs.is_empty() {
        choice.mode = Mode::None;
    }
    choice
}

/// Writes `tool_choice`, where there is something to say.
pub(super) fn write(choice: &Choice, out: &mut Out) {
    let kind: &[u8] = match &choice.mode {
        Mode::Unsaid if !choice.one_at_a_time => return,
        Mode::Unsaid | Mode::Auto => b"{\"type\":\"auto\"",
        Mode::None => b"{\"type\":\"none\"",
        Mode::Any => b"{\"type\":\"any\"",
        Mode::Tool(_) | Mode::WebSearch => b"{\"type\":\"tool\",\"name\":",
    };
    out.member("tool_choice");
    out.buf.extend_from_slice(kind);
    match &choice.mode {
        Mode::Tool(name) => write::string(&mut out.buf, name),
        Mode::WebSearch => write::string(&mut out.buf, WEB_SEARCH),
        _ => {}
    }
    if choice.one_at_a_time && choice.mode != Mode::None {
        out.buf
            .extend_from_slice(b",\"disable_parallel_tool_use\":true");
    }
    out.buf.put_u8(b'}');
}
