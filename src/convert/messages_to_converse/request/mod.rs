//! Messages requests as Converse requests.
//!
//! Sources: Anthropic's `MessageCreateParams`, its beta members included; the `ConverseRequest` shape of the `bedrock-runtime`
//! service model, and the Converse pages of AWS's Bedrock guide.
//!
//! The members come in a fixed order, so that the same conversation always begins with the same bytes.

mod betas;
mod content;
mod messages;
mod params;
mod reasoning;
mod system;
mod tools;

#[cfg(test)]
mod tests;

use bytes::{Bytes, BytesMut};

use super::state::State;
use crate::codec::write::{self, Object};
use crate::convert::anthropic_out::cache::MarkPaths;
use crate::convert::context::{ConvertedRequest, RequestContext};
use crate::convert::converse_out::fields::{Fields, write_response_paths};
use crate::convert::converse_out::tools::ChoicePaths;
use crate::convert::converse_out::turns::Facts;
use crate::convert::converse_out::{Out, Rules, output};
use crate::convert::path::parse;
use crate::convert::report::Refusal;
use crate::convert::tool_names::ToolNames;
use crate::format::messages::request::Request;

const MARKS: MarkPaths = MarkPaths {
    tools: "tools[].cache_control",
    blocks: "messages[].content[].cache_control",
};

const CHOICE: ChoicePaths = ChoicePaths {
    choice: "tool_choice",
    parallel: "tool_choice.disable_parallel_tool_use",
};

/// Converts a request's body, which the caller found to be valid JSON with at most 128 levels.
///
/// # Errors
/// The request holds something that the target cannot express and that may not be left out, or that no target takes.
pub(crate) fn convert(
    body: &[u8],
    cx: &mut RequestContext<'_>,
) -> Result<ConvertedRequest<State>, Refusal> {
    let text = utf8(body)?;
    let request: Request<'_> = parse(text, String::new)?;
    params::refuse_or_drop(&request, cx)?;
    let limit = params::limit(&request, cx)?;
    let mut out = begin(text, cx);
    let mut fields = Fields::default();
    let (facts, tools) = write_conversation(&request, &mut out, &mut fields, cx)?;
    let thinking = reasoning::plan(&request, limit, tools.is_forced(), &facts, cx)?;
    params::write_inference_config(&request, limit, &thinking, &mut fields, &mut out, cx)?;
    let names = tools.write(&mut out, &mut fields, &facts, CHOICE, cx.report);
    write_fields(&request, &thinking, fields, &mut out, cx);
    write_response_paths(&mut out);
    let schema = params::json_schema(&request, cx)?;
    let effort = thinking.top_level_effort();
    if schema.is_some() || effort.is_some() {
        let closed = out.rules.anthropic;
        if output::write(out.member("outputConfig"), schema, effort, closed) {
            cx.report.approximate("output_config.format.schema");
        }
    }
    params::write_service_tier(&request, &mut out, cx);
    Ok(ConvertedRequest {
        body: out.finish(cx.report),
        headers: Vec::new(),
        state: state(&request, names, cx),
    })
}

/// Converts a request whose tokens shall be counted to the body of Bedrock's CountTokens: `{"input":{"converse":{…}}}`, which
/// holds the conversation, the tools and what models are told in their vendors' words.
///
/// # Errors
/// As [`convert`].
pub(crate) fn convert_count(body: &[u8], cx: &mut RequestContext<'_>) -> Result<Bytes, Refusal> {
    let text = utf8(body)?;
    let request: Request<'_> = parse(text, String::new)?;
    params::refuse_or_drop(&request, cx)?;
    params::drop_format(&request, cx);
    let mut out = begin(text, cx);
    let mut fields = Fields::default();
    let (facts, tools) = write_conversation(&request, &mut out, &mut fields, cx)?;
    let thinking = reasoning::plan(&request, None, tools.is_forced(), &facts, cx)?;
    tools.write(&mut out, &mut fields, &facts, CHOICE, cx.report);
    write_fields(&request, &thinking, fields, &mut out, cx);
    let converse = out.finish(cx.report);
    let mut whole = BytesMut::with_capacity(converse.len() + 32);
    let mut object = Object::begin(&mut whole);
    let mut input = object.object("input");
    input.key("converse").extend_from_slice(&converse);
    input.end();
    object.end();
    Ok(whole.freeze())
}

fn utf8(body: &[u8]) -> Result<&str, Refusal> {
    std::str::from_utf8(body).map_err(|_| Refusal::invalid("", "the body is not UTF-8"))
}

fn begin(text: &str, cx: &RequestContext<'_>) -> Out {
    Out::begin(text.len() + text.len() / 8 + 1024, MARKS, Rules::of(cx))
}

/// Writes `messages` and `system`, and reads the tools.
fn write_conversation<'a>(
    request: &Request<'a>,
    out: &mut Out,
    fields: &mut Fields<'a>,
    cx: &mut RequestContext<'_>,
) -> Result<(Facts, tools::Planned<'a>), Refusal> {
    let tools = tools::plan(request, out.rules, fields, cx)?;
    let facts = messages::write(request, out, tools.wants_calls_as_text(out.rules), cx)?;
    system::write(request, out, cx)?;
    Ok((facts, tools))
}

/// Writes `additionalModelRequestFields`.
fn write_fields<'a>(
    request: &Request<'a>,
    thinking: &reasoning::Plan<'a>,
    mut fields: Fields<'a>,
    out: &mut Out,
    cx: &mut RequestContext<'_>,
) {
    thinking.set(&mut fields);
    params::set_account(request, &mut fields, out.rules, cx);
    params::set_context_management(request, &mut fields, out.rules, cx);
    betas::set(&mut fields, out.rules, cx);
    if let Some(beta) = thinking.beta() {
        fields.add_beta(beta);
    }
    fields.write(out);
}

fn state(request: &Request<'_>, tools: ToolNames, cx: &RequestContext<'_>) -> State {
    let unsaid = || {
        let mut out = BytesMut::with_capacity(cx.model.len() + 2);
        write::string(&mut out, cx.model);
        String::from_utf8_lossy(&out).into_owned()
    };
    let model = request.model.map(|model| model.get().to_owned());
    let model = model.unwrap_or_else(unsaid);
    State { model, tools }
}
