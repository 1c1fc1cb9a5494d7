//! Messages requests as OpenAI Responses requests.
//!
//! Sources: Anthropic's `MessageCreateParams`, OpenAI's `ResponseCreateParams`, and the guides of both vendors on
//! reasoning, tools and prompt caching.
//!
//! The body is written in one pass into one buffer. What a message becomes depends on it alone, never on the time or on
//! chance: prompt caches live from a prefix that stays the same.

mod assistant;
mod checks;
mod input;
mod name;
mod native;
mod params;
mod parts;
mod reasoning;
mod strict;
mod system;
mod text_format;
mod tool_choice;
mod tools;
mod user;

#[cfg(test)]
mod tests;

use bytes::BytesMut;
use serde_json::value::RawValue;

use self::input::Input;
use self::reasoning::Reasoning;
use self::tools::Tools;
use super::state::State;
use crate::codec::write::Object;
use crate::convert::context::{ConvertedRequest, RequestContext};
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::format::messages::request::{Block, Message, Request};
use crate::format::raw::RawStr;
use crate::format::view::List;
use crate::format::walk;
use crate::target::Prefill;

/// More blocks than a message of any client has.
const MAX_BLOCKS: usize = crate::format::messages::request::MAX_BLOCKS;

/// Asks the model to go on where the last message of the assistant ends.
const CONTINUE: &str = "Continue exactly from your last message.";

/// Converts a request's body, which the caller found to be valid JSON with at most 128 levels.
///
/// # Errors
/// The request holds something that the target cannot express and that may not be left out, or that no target takes.
pub(crate) fn convert(
    body: &[u8],
    cx: &mut RequestContext<'_>,
) -> Result<ConvertedRequest<State>, Refusal> {
    let Ok(text) = std::str::from_utf8(body) else {
        return Err(Refusal::invalid("", "the body is not UTF-8"));
    };
    let request: Request<'_> = path::parse(text, String::new)?;
    for name in &request.unknown {
        cx.report.drop_field(name.to_string());
    }
    checks::refuse_or_drop(&request, cx)?;
    let tools = Tools::plan(&request, cx)?;
    let choice = tool_choice::resolve(&request, &tools, cx)?;
    let reasoning = Reasoning::plan(&request, cx)?;
    let limit = params::limit(&request, cx)?;

    let mut out = BytesMut::with_capacity(text.len() + text.len() / 8 + 1024);
    let mut object = Object::begin(&mut out);
    object.string("model", cx.model);
    limit.write(&mut object);
    object.bool("store", false);
    if request.stream == Some(true) {
        object.bool("stream", true);
    }
    reasoning.write_include(&mut object, tools.has_web_search());
    let system = system::read(&request, cx)?;
    system.write_instructions(&mut object, cx);
    let mut input = Input::begin(object.key("input"), cx.capabilities.cache_breakpoints);
    system.write_item(&mut input, cx);
    write_messages(&request, &mut input, &reasoning, cx)?;
    let Some(surplus) = input.end() else {
        return Err(Refusal::invalid(
            "messages",
            "`messages` holds nothing that could be sent",
        ));
    };
    params::write_user(&request, &mut object, cx);
    params::write_service_tier(&request, &mut object, cx);
    params::write_sampling(&request, &reasoning, &mut object, cx)?;
    reasoning.write(&mut object);
    text_format::write(&request, &mut object, cx)?;
    tools.write(&mut object, cx)?;
    choice.write(&mut object);
    object.end();
    input::remove(&mut out, &surplus);
    if !surplus.is_empty() {
        cx.report.drop_field("messages[].content[].cache_control");
    }

    let web_search = tools.has_web_search();
    Ok(ConvertedRequest {
        body: out.freeze(),
        headers: Vec::new(),
        state: State {
            tools: tools.into_names(),
            stops: params::stops(&request, cx)?,
            web_search,
            prewarm: limit.is_prewarm(),
        },
    })
}

fn write_messages(
    request: &Request<'_>,
    input: &mut Input<'_>,
    reasoning: &Reasoning,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let Some(messages) = &request.messages else {
        return Err(path::missing("messages"));
    };
    for (index, message) in messages.0.iter().enumerate() {
        for name in &message.unknown {
            cx.report.drop_field(format!("messages[].{name}"));
        }
        if message.output_config.is_some() {
            cx.report.drop_field("messages[].output_config");
        }
        let at = |member: &str| format!("messages[{index}].{member}");
        let role = message.role.ok_or_else(|| path::missing(at("role")))?;
        let content = Content::read(message.content, || at("content"))?;
        match &*role.decode() {
            "user" => user::write(input, content, index, cx)?,
            "assistant" => assistant::write(input, content, index, reasoning.takes_replay(), cx)?,
            "system" => system::write_message(input, content, index, cx)?,
            _ => {
                return Err(Refusal::invalid(
                    at("role"),
                    "the role must be `user`, `assistant` or `system`",
                ));
            }
        }
    }
    input.drop_pending(cx.report);
    prefill(&messages.0, input, cx)
}

/// A last message of the assistant is the beginning of its answer, which OpenAI's models cannot be given.
fn prefill(
    messages: &[Message<'_>],
    input: &mut Input<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let is_assistant =
        |message: &Message<'_>| message.role.is_some_and(|role| role.is("assistant"));
    if !messages.last().is_some_and(is_assistant) {
        return Ok(());
    }
    if cx.options.prefill != Some(Prefill::Append) && !cx.lossy {
        return Err(Refusal::unsupported(
            format!("messages[{}]", messages.len() - 1),
            "assistant prefill is not supported by this model",
        ));
    }
    cx.report.approximate("messages[].role");
    input.plain_text(CONTINUE);
    Ok(())
}

/// The content of a message or of a tool's result.
#[derive(Debug)]
enum Content<'a> {
    Text(RawStr<'a>),
    Blocks(Vec<Block<'a>>),
    Absent,
}

impl<'a> Content<'a> {
    fn read(raw: Option<&'a RawValue>, at: impl FnOnce() -> String) -> Result<Self, Refusal> {
        let Some(raw) = raw else {
            return Ok(Self::Absent);
        };
        if let Some(text) = RawStr::new(raw) {
            return Ok(Self::Text(text));
        }
        if !walk::is_array(raw.get()) {
            return Err(path::wrong_type(at()));
        }
        let blocks: List<Block<'a>, MAX_BLOCKS> = path::parse(raw.get(), at)?;
        Ok(Self::Blocks(blocks.0))
    }
}

/// Where a block stands in the request.
#[derive(Debug, Clone, Copy)]
struct At {
    message: usize,
    block: usize,
    /// Where it stands inside another block's content.
    inner: Option<usize>,
}

impl At {
    /// The path of the block's `member`.
    fn member(self, member: &str) -> String {
        let Self { message, block, .. } = self;
        match self.inner {
            None => format!("messages[{message}].content[{block}].{member}"),
            Some(inner) => {
                format!("messages[{message}].content[{block}].content[{inner}].{member}")
            }
        }
    }
}
