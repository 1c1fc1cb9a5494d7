//! Messages requests as Chat Completions requests.
//!
//! Sources: Anthropic's `MessageCreateParams`; the Chat Completions references of Groq and Perplexity; Google's page on
//! OpenAI compatibility.
//!
//! The members come in a fixed order, so that the same conversation always begins with the same bytes.

pub(in crate::convert) mod content;
pub(in crate::convert) mod fields;
mod messages;
pub(in crate::convert) mod reasoning;
mod tools;

#[cfg(test)]
mod tests;

use bytes::BytesMut;

use self::tools::Tools;
use super::state::State;
use crate::codec::write::{self, Object};
use crate::convert::chat_in::Origin;
use crate::convert::chat_out::{LateSystem, write_reasoning};
use crate::convert::context::{ConvertedRequest, RequestContext};
use crate::convert::path::parse;
use crate::convert::report::Refusal;
use crate::convert::tool_names::ToolNames;
use crate::endpoint::Format;
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
    let Some(origin) = Origin::new(cx.provider, cx.model, Format::Messages) else {
        return Err(Refusal::unsupported(
            "model",
            format!("{} has no Chat Completions endpoint", cx.provider),
        ));
    };
    let profile = origin.profile;
    let request: Request<'_> = parse(text, String::new)?;
    fields::refuse_or_drop(&request, cx)?;
    let max_tokens = fields::max_tokens(&request, cx)?;
    let mut names = ToolNames::default();
    let tools = Tools::plan(&request, profile, &mut names, cx)?;
    let reasoning = reasoning::plan(&request, profile, cx)?;
    let messages = messages::read(&request, profile, cx)?.finish(
        "messages",
        profile,
        cx.model,
        LateSystem::Mark,
        cx.report,
    )?;

    let mut out = BytesMut::with_capacity(text.len() + text.len() / 8 + 1024);
    let mut object = Object::begin(&mut out);
    object.string("model", cx.model);
    messages.write(object.key("messages"));
    tools.write(&mut object);
    object.uint(profile.max_tokens, max_tokens);
    fields::write_format(&mut object, &request, profile, cx)?;
    if let Some((reasoning, asking)) = reasoning {
        write_reasoning(&mut object, reasoning, asking);
    }
    fields::write_sampling(&mut object, &request, profile, cx)?;
    fields::write_stop(&mut object, &request, profile, cx)?;
    fields::write_account(&mut object, &request, profile, cx);
    if request.stream == Some(true) {
        object.bool("stream", true);
        if profile.stream_options {
            let mut options = object.object("stream_options");
            options.bool("include_usage", true);
            options.end();
        }
    }
    object.end();

    Ok(ConvertedRequest {
        body: out.freeze(),
        headers: Vec::new(),
        state: State {
            origin,
            model: json_string(cx.model),
            wants_search: tools.wants_search,
            tools: names,
        },
    })
}

fn json_string(text: &str) -> String {
    let mut out = BytesMut::with_capacity(text.len() + 2);
    write::string(&mut out, text);
    String::from_utf8_lossy(&out).into_owned()
}
