//! Which tool the model may, must or may not call.

use bytes::BufMut;

use super::TARGET;
use super::tools::Tools;
use crate::codec::write;
use crate::convert::anthropic_out::cache::Out;
use crate::convert::chat_request::choice::{self, Asked};
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::format::chat::request::Request;
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
    let (field, asked) = choice::read(request, &tools.dropped, cx)?;
    let mut mode = match asked {
        Asked::Unsaid => Mode::Unsaid,
        Asked::Auto => Mode::Auto,
        Asked::None => Mode::None,
        Asked::Any => Mode::Any,
        Asked::Tool { name, field } => {
            if !tools.has(&name) {
                return Err(choice::unknown(field));
            }
            Mode::Tool(tools.names.sent(&name).into_owned())
        }
        Asked::Allowed { names, must } => {
            tools.keep_only(&names)?;
            cx.report.approximate("tool_choice");
            if must { Mode::Any } else { Mode::Auto }
        }
        Asked::Dropped => return Err(choice::forces_dropped(TARGET.name)),
    };
    if tools.is_empty() {
        match mode {
            Mode::Unsaid => {}
            Mode::Auto | Mode::None => cx.report.drop_field(field),
            Mode::Any | Mode::Tool(_) => {
                let any_dropped = !tools.dropped.is_empty();
                return Err(choice::nothing_to_call(field, any_dropped, TARGET.name));
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
