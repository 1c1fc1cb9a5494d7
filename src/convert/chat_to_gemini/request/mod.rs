//! Chat Completions requests as requests to Google's `generateContent`.
//!
//! Sources: OpenAI's `CreateChatCompletionRequest`, Gemini API reference (`GenerateContentRequest`), and the pages "OpenAI
//! compatibility", "Thinking", "Thought signatures" and "Function calling" of the Gemini API.
//!
//! The output is written into one buffer in a fixed order, since prompt caches depend on the bytes.

mod assistant;
mod checks;
mod generation;
mod google;
mod history;
mod parts;
mod results;
mod tool_choice;
mod tools;

#[cfg(test)]
mod tests;

use bytes::BytesMut;

use self::google::Google;
use self::history::History;
use self::tools::Tools;
use super::state::State;
use crate::codec::write::{self, Object};
use crate::convert::chat_request::checks::Target;
use crate::convert::chat_request::roles::roles;
use crate::convert::context::{ConvertedRequest, RequestContext};
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::format::chat::request::Request;

/// Whom refusals speak of.
const TARGET: Target = Target {
    name: "Gemini",
    lone_top_logprobs: false,
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
    let google = Google::read(&request, text, cx)?;
    checks::refuse_or_drop(&request, cx)?;
    let tools = Tools::plan(&request, text, cx)?;
    let mode = tool_choice::resolve(&request, &tools, cx)?;
    let messages = request.messages.as_ref().map_or(&[][..], |list| &list.0);
    let roles = roles(messages)?;
    google.check_cache(&roles, &tools)?;

    let mut out = BytesMut::with_capacity(text.len() + text.len() / 8 + 1024);
    let mut object = Object::begin(&mut out);
    history::write_system(&mut object, messages, &roles, cx)?;
    History::plan(messages, &roles, text, &tools.names, cx)?.write(object.key("contents"), cx)?;
    tools.write(&mut object, cx)?;
    google.tool_config(mode, &tools).write(&mut object);
    generation::write(&mut object, &request, &google, cx)?;
    google.write(&mut object);
    generation::write_service_tier(&mut object, &request, cx);
    object.end();

    let mut model = BytesMut::new();
    write::string(&mut model, cx.model);
    let options = request.stream_options.as_ref();
    Ok(ConvertedRequest {
        body: out.freeze(),
        headers: Vec::new(),
        state: State {
            include_usage: options.is_some_and(|options| options.include_usage == Some(true)),
            model: String::from_utf8_lossy(&model).into_owned(),
            reasoning: cx.options.chat_reasoning.unwrap_or_default(),
            tools: tools.names,
        },
    })
}
