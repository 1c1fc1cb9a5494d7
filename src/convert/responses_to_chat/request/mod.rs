//! Responses requests as Chat Completions requests.
//!
//! Sources: OpenAI's `CreateResponse` and `CreateChatCompletionRequest`; what each provider takes of the latter is in its
//! profile. What a client attaches to every request without counting on it is dropped and reported; what would change the
//! meaning of the call is refused, naming the field.

mod choice;
mod input;
mod params;
mod parts;
mod path;
mod tools;

#[cfg(test)]
mod tests;

use bytes::BytesMut;

use self::input::Input;
use self::params::Settings;
use self::tools::ToolPlan;
use super::state::State;
use crate::codec::write::Object;
use crate::convert::chat_in::Origin;
use crate::convert::chat_out::LateSystem;
use crate::convert::context::{ConvertedRequest, RequestContext};
use crate::convert::report::Refusal;
use crate::convert::responses_out::Echo;
use crate::endpoint::Format;
use crate::format::responses::request::Request;

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
    let Some(origin) = Origin::new(cx.provider, cx.model, Format::Responses) else {
        return Err(Refusal::unsupported(
            "model",
            "this provider has no Chat Completions endpoint",
        ));
    };
    let profile = origin.profile;
    let request: Request<'_> = path::parse(text, String::new)?;
    for name in &request.unknown {
        cx.report.drop_field(name.to_string());
    }
    params::check(&request, cx)?;
    let mut settings = Settings::read(&request, cx)?;

    let mut tools = ToolPlan::default();
    for (index, tool) in request.tools.iter().flat_map(|list| &list.0).enumerate() {
        tools.add(
            tool.get(),
            || format!("tools[{index}]"),
            "tools[]",
            profile,
            cx,
        )?;
    }
    let mut input = Input::new(profile, &request)?;
    input.read(&mut tools, &mut settings, cx)?;
    if let Some(limit) = request.max_tool_calls {
        // It counts the provider's own tools only.
        if limit.get() == "0" && tools.search.is_some() {
            return Err(Refusal::unsupported(
                "max_tool_calls",
                "this provider cannot be kept from searching",
            ));
        }
        cx.report.drop_field("max_tool_calls");
    }
    let choice = choice::resolve(&request, &mut tools, profile, cx)?;
    let messages =
        input
            .conversation
            .finish("input", profile, cx.model, LateSystem::Merge, cx.report)?;

    let mut out = BytesMut::with_capacity(text.len() + text.len() / 8 + 512);
    let mut object = Object::begin(&mut out);
    object.string("model", cx.model);
    if request.stream == Some(true) {
        object.bool("stream", true);
        if profile.stream_options {
            object.raw("stream_options", r#"{"include_usage":true}"#);
        }
    }
    messages.write(object.key("messages"));
    tools.write(&mut object, profile);
    choice.write(&mut object, &request, &tools, cx)?;
    settings.write(&mut object, &request, profile, cx)?;
    object.end();

    Ok(ConvertedRequest {
        body: out.freeze(),
        headers: Vec::new(),
        state: State {
            origin,
            echo: Echo::without_sampling_defaults(&request),
            include_sources: settings.include_sources,
            tools: tools.names,
        },
    })
}
