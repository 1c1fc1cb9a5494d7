//! Messages requests as requests to Google's `generateContent`.
//!
//! Sources: Anthropic's `MessageCreateParams` and its pages on server tools; Gemini API reference (`GenerateContentRequest`), and the
//! pages "Thinking", "Thought signatures", "Function calling" and "Grounding with Google Search" of the Gemini API.
//!
//! The output is written into one buffer in a fixed order, since prompt caches depend on the bytes.

mod assistant;
mod content;
mod generation;
mod history;
mod results;
mod thinking;
mod tools;

use bytes::BytesMut;

use self::history::History;
use self::tools::Tools;
use super::state::State;
use crate::codec::write::{self, Object};
use crate::convert::context::{ConvertedRequest, RequestContext};
use crate::convert::messages_to_chat::request::fields;
use crate::convert::path::parse;
use crate::convert::report::Refusal;
use crate::format::messages::request::Request;

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
    let request: Request<'_> = parse(text, String::new)?;
    fields::refuse_or_drop(&request, cx)?;
    let max_tokens = fields::max_tokens(&request, cx)?;
    let (tools, mode) = Tools::plan(&request, cx)?;
    let history = History::read(&request, &tools.names, cx)?;

    let mut out = BytesMut::with_capacity(text.len() + text.len() / 8 + 1024);
    let mut object = Object::begin(&mut out);
    history.write_system(&mut object);
    history.write(object.key("contents"), cx)?;
    tools.write(&mut object, cx)?;
    tools.config(mode).write(&mut object);
    generation::write(&mut object, &request, max_tokens, cx)?;
    generation::write_service_tier(&mut object, &request, cx);
    object.end();

    let mut model = BytesMut::new();
    write::string(&mut model, cx.model);
    Ok(ConvertedRequest {
        body: out.freeze(),
        headers: Vec::new(),
        state: State {
            model: String::from_utf8_lossy(&model).into_owned(),
            wants_search: tools.wants_search(),
            tools: tools.names,
        },
    })
}
