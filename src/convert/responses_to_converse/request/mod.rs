//! Responses requests as Converse requests.
//!
//! Sources: OpenAI's `CreateResponse`; the `ConverseRequest` shape of the `bedrock-runtime` service model, and the Converse pages
//! of AWS's Bedrock guide.
//!
//! The members come in a fixed order, so that the same conversation always begins with the same bytes.

mod conversation;
mod items;
mod params;
mod parts;
mod tools;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::state::State;
use crate::convert::anthropic_out::cache::MarkPaths;
use crate::convert::context::{ConvertedRequest, RequestContext};
use crate::convert::converse_out::fields::{
    Fields, InferenceConfig, OpenAiTier, write_response_paths,
};
use crate::convert::converse_out::tools::ChoicePaths;
use crate::convert::converse_out::{Out, Rules, openai, output, sampling};
use crate::convert::report::Refusal;
use crate::convert::responses_out::Echo;
use crate::convert::responses_request::checks::{self, Target};
use crate::convert::responses_request::heads::{Accepted, Hosted};
use crate::convert::responses_request::input::{self, Settings};
use crate::convert::responses_request::{choice, format, path};
use crate::format::responses::request::Request;
use crate::target::UnsupportedTools;

/// What the provider is called in refusals.
const TARGET: &str = "Bedrock";

const MARKS: MarkPaths = MarkPaths {
    tools: "tools[].prompt_cache_breakpoint",
    blocks: "input[].content[].prompt_cache_breakpoint",
};

const CHOICE: ChoicePaths = ChoicePaths {
    choice: "tool_choice",
    parallel: "parallel_tool_calls",
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
    let mut settings = Settings::read(&request)?;
    let target = Target {
        name: TARGET,
        lenient: true,
        sources: false,
    };
    checks::refuse_or_drop(&request, &settings, target, cx)?;
    params::refuse_or_drop(&request, &settings, cx)?;
    let (input, mut items) = input::read(&request, accepted(cx))?;
    settings.update(&items, cx)?;
    let limit = openai::limit("max_output_tokens", request.max_output_tokens, cx)?;
    let asked = settings.text.format.as_ref();
    let format = format::read(asked, TARGET, cx)?;
    let mut known = tools::read(&request, &items, cx)?;
    let choice = choice::resolve(&request, &mut known, cx)?;
    let tools = tools::plan(&known, choice, cx)?;

    let mut out = Out::begin(text.len() + text.len() / 8 + 1024, MARKS, Rules::of(cx));
    let conversation = conversation::Conversation {
        input,
        instructions: input::instructions(&request)?,
        calls_as_text: tools.wants_calls_as_text(out.rules),
        json_mode: format.is_json_object(),
        known: &known,
    };
    let facts = conversation.write(&mut out, &mut items, cx)?;
    let thinking = params::thinking(&settings.reasoning, limit, tools.is_forced(), &facts, cx)?;
    let sampling = sampling::read(request.temperature, request.top_p, &thinking, cx)?;
    if thinking.forbids_limit() && limit.is_some() {
        cx.report.drop_field("max_output_tokens");
    }
    let config = InferenceConfig {
        max_tokens: limit.filter(|_| !thinking.forbids_limit()),
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        stop_sequences: Vec::new(),
    };
    config.write(&mut out);

    let mut fields = Fields::default();
    tools.write(&mut out, &mut fields, &facts, CHOICE, cx.report);
    thinking.set(&mut fields);
    if let Some(beta) = thinking.beta() {
        fields.add_beta(beta);
    }
    openai::set_user(request.safety_identifier, request.user, &mut fields, cx);
    fields.write(&mut out);
    write_response_paths(&mut out);
    params::write_metadata(&request, &mut out, cx);
    let effort = thinking.top_level_effort();
    let schema = params::schema(format, asked);
    if schema.is_some() || effort.is_some() {
        let closed = out.rules.anthropic;
        if output::write(out.member("outputConfig"), schema, effort, closed) {
            cx.report.approximate("text.format.schema");
        }
    }
    let tier = request.service_tier.map(|tier| tier.get());
    OpenAiTier::write(tier, &mut out, cx.report);

    Ok(ConvertedRequest {
        body: out.finish(cx.report),
        headers: Vec::new(),
        state: State {
            echo: Echo::without_sampling_defaults(&request),
            model: params::model(&request, cx),
            tools: Arc::new(known.sent()),
        },
    })
}

/// Calls of tools that another provider ran are left out only where the owner says so; what another provider compacted cannot
/// be read at all.
fn accepted(cx: &RequestContext<'_>) -> Accepted {
    let left = cx.options.unsupported_tools == Some(UnsupportedTools::Drop);
    Accepted {
        target: TARGET,
        mcp: false,
        hosted: if left { Hosted::Left } else { Hosted::Refused },
        compaction: false,
    }
}
