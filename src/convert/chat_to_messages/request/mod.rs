//! Chat Completions requests as Anthropic Messages requests.
//!
//! Sources: OpenAI's `CreateChatCompletionRequest`, Anthropic's `MessageCreateParams`, and the pages of platform.claude.com
//! on tool use, extended thinking, prompt caching and structured outputs.
//!
//! The output is written in one pass into one buffer: `model`, `max_tokens`, `system`, `messages`, then the rest in a fixed
//! order, since prompt caches and signatures depend on the bytes. What a message becomes depends on it and on the messages
//! before it, up to the next assistant turn; never on the time or on chance.

mod assistant;
mod files;
mod messages;
mod output_config;
mod params;
mod parts;
mod reasoning;
mod replay;
mod results;
mod system;
mod tool_choice;
mod tool_schema;
mod tools;
mod web_search;

#[cfg(test)]
mod tests;

use bytes::BufMut;

use self::messages::Writer;
use self::reasoning::Reasoning;
use self::tools::Tools;
use super::state::State;
use crate::codec::write;
use crate::convert::anthropic_out::cache::{MarkPaths, Out};
use crate::convert::anthropic_out::headers::{BINDING_BETA, headers};
use crate::convert::chat_request::{checks, path};
use crate::convert::context::{ConvertedRequest, RequestContext};
use crate::convert::report::Refusal;
use crate::format::chat::request::Request;

/// Whom the request goes to.
const TARGET: checks::Target = checks::Target {
    name: "Anthropic",
    lone_top_logprobs: false,
};

const MARKS: MarkPaths = MarkPaths {
    tools: "tools[].cache_control",
    blocks: "messages[].content[].cache_control",
};

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
    checks::refuse_or_drop(&request, TARGET, cx)?;

    let max_tokens = params::max_tokens(&request, cx)?;
    let messages = request.messages.as_ref().map_or(&[][..], |list| &list.0);
    let roles = messages::roles(messages)?;
    let leading = roles
        .iter()
        .take_while(|role| **role == messages::Role::System)
        .count();
    let mut tools = Tools::plan(&request, text, cx)?;
    let choice = tool_choice::resolve(&request, &mut tools, cx)?;
    let format = output_config::format(&request, cx)?;

    let mut out = Out::with_capacity(text.len() + text.len() / 8 + 1024, MARKS);
    out.buf.extend_from_slice(b"{\"model\":");
    write::string(&mut out.buf, cx.model);
    out.member("max_tokens");
    write::uint(&mut out.buf, max_tokens);

    let before_system = out.checkpoint();
    let has_system = system::write(&mut out, messages, 0..leading, format.is_json_object(), cx)?;
    out.member("messages");
    out.buf.put_u8(b'[');
    let mut writer = Writer::new(&mut out, cx, &tools.names, messages, &roles);
    let mut facts = writer.write(leading)?;
    if facts.is_empty && has_system && leading > 0 {
        // Anthropic wants a message: the system text becomes the user's.
        out.rewind(before_system);
        system::write(&mut out, messages, 0..0, format.is_json_object(), cx)?;
        out.member("messages");
        out.buf.put_u8(b'[');
        cx.report.approximate("messages");
        facts = Writer::new(&mut out, cx, &tools.names, messages, &roles)
            .write_system_as_user(leading)?;
    }
    if facts.is_empty {
        return Err(Refusal::invalid(
            "messages",
            "`messages` holds nothing that could be sent",
        ));
    }
    out.buf.put_u8(b']');

    tools.add_stubs(messages, facts)?;
    tools.write(&mut out, &request, cx)?;
    let choice = choice.or_none_for_stubs(&tools);
    choice.write(&mut out);

    let reasoning = Reasoning::plan(&request, max_tokens, facts, choice.is_forced(), cx)?;
    reasoning.write(&mut out);
    output_config::write(&mut out, reasoning.effort(), &format, cx)?;
    params::write_sampling(&mut out, &request, reasoning.thinks(), cx)?;
    let stops = params::write_stop(&mut out, &request, cx)?;
    params::write_metadata(&mut out, &request, cx);
    params::write_service_tier(&mut out, &request, cx);
    let automatic = params::write_automatic_cache(&mut out, &request, cx);
    if request.stream == Some(true) {
        out.member("stream");
        out.buf.extend_from_slice(b"true");
    }
    out.buf.put_u8(b'}');
    out.settle_marks(automatic, cx.report);

    Ok(ConvertedRequest {
        body: out.buf.freeze(),
        headers: headers(cx, &[(reasoning.needs_binding_beta(), BINDING_BETA)]),
        state: State {
            include_usage: request
                .stream_options
                .as_ref()
                .is_some_and(|options| options.include_usage == Some(true)),
            legacy_functions: tools.legacy,
            reasoning: cx.options.chat_reasoning.unwrap_or_default(),
            stops,
            tools: tools.names,
        },
    })
}
