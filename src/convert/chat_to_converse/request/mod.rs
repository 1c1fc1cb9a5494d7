//! Chat Completions requests as Converse requests.
//!
//! Sources: OpenAI's `CreateChatCompletionRequest`, the `ConverseRequest` shape of the `bedrock-runtime` service model, and the
//! Converse pages of AWS's Bedrock guide.
//!
//! What a message becomes depends on it and on the messages before it, up to the next assistant turn; never on the time or on
//! chance, since prompt caches and signatures depend on the bytes.

mod assistant;
mod conversation;
mod format;
mod own;
mod params;
mod parts;
mod tools;

#[cfg(test)]
mod tests;

use self::conversation::Writer;
use self::format::Format;
use self::own::Own;
use self::tools::ToolPlan;
use super::state::State;
use crate::convert::anthropic_out::cache::MarkPaths;
use crate::convert::chat_request::{checks, content, path, roles};
use crate::convert::context::{ConvertedRequest, RequestContext};
use crate::convert::converse_out::fields::{self, Fields, OpenAiTier};
use crate::convert::converse_out::system::System;
use crate::convert::converse_out::tools::ChoicePaths;
use crate::convert::converse_out::turns::Facts;
use crate::convert::converse_out::{Out, Rules, openai};
use crate::convert::report::Refusal;
use crate::format::chat::request::{Message, Request};

/// Whom the request goes to.
const TARGET: checks::Target = checks::Target {
    name: "Bedrock",
    lone_top_logprobs: true,
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
    let rules = Rules::of(cx);
    let own = Own::read(&request, text, cx)?;
    checks::refuse_or_drop(&request, TARGET, cx)?;
    params::drop_cache_options(&request, cx);

    let messages = request.messages.as_ref().map_or(&[][..], |list| &list.0);
    let roles = roles::roles(messages)?;
    let leading = roles
        .iter()
        .take_while(|role| **role == roles::Role::System)
        .count();
    let mut additional = Fields::default();
    let plan = ToolPlan::read(&request, text, rules, &mut additional, cx)?;
    let format = Format::read(&request, cx)?;

    let mut out = Out::begin(text.len() + text.len() / 8 + 1024, MARKS, rules);
    let calls_as_text = plan.tools.wants_calls_as_text(rules);
    let mut facts = Writer::new(&mut out, cx, messages, &roles, calls_as_text).write(leading)?;
    let hoists_system = !facts.is_empty;
    if facts.is_empty && leading > 0 {
        // Converse wants a message: the system text becomes the user's.
        out.clear();
        cx.report.approximate("messages");
        facts = Writer::new(&mut out, cx, messages, &roles, calls_as_text)
            .write_system_as_user(leading)?;
    }
    if facts.is_empty {
        return Err(Refusal::invalid(
            "messages",
            "`messages` holds nothing that could be sent",
        ));
    }
    report(&facts, cx);
    let leading = messages.get(..leading).filter(|_| hoists_system);
    write_system(
        &mut out,
        leading.unwrap_or_default(),
        format.is_json_object(),
        cx,
    )?;

    let limit = params::max_tokens(&request, cx)?;
    let thinking = params::thinking(&request, limit.tokens, &plan.tools, &facts, cx)?;
    let (config, stops) = params::inference_config(&request, limit, &thinking, cx)?;
    config.write(&mut out);

    let paths = ChoicePaths {
        choice: plan.choice_field,
        parallel: "parallel_tool_calls",
    };
    params::add_top_k(&request, &thinking, &mut additional, cx);
    thinking.set(&mut additional);
    if let Some(beta) = thinking.beta() {
        additional.add_beta(beta);
    }
    openai::set_user(request.safety_identifier, request.user, &mut additional, cx);
    let tools = plan
        .tools
        .write(&mut out, &mut additional, &facts, paths, cx.report);
    own.add(&mut additional);
    additional.write(&mut out);
    fields::write_response_paths(&mut out);
    format.write(&mut out, thinking.top_level_effort(), cx);
    let tier = request.service_tier.map(|tier| tier.get());
    OpenAiTier::write(tier, &mut out, cx.report);
    own.write(&mut out, &request, cx);

    Ok(ConvertedRequest {
        body: out.finish(cx.report),
        headers: Vec::new(),
        state: State {
            model: request.model.map_or("\"\"", |model| model.get()).to_owned(),
            include_usage: request
                .stream_options
                .as_ref()
                .is_some_and(|options| options.include_usage == Some(true)),
            legacy_functions: plan.legacy,
            reasoning: cx.options.chat_reasoning.unwrap_or_default(),
            stops,
            tools,
        },
    })
}

/// Writes the system messages that stand before all others, and the instruction for JSON mode.
fn write_system(
    out: &mut Out,
    messages: &[Message<'_>],
    json_mode: bool,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let mut system = System::new(out);
    for (index, message) in messages.iter().enumerate() {
        content::each_piece(message, index, cx.report, |piece, report| {
            match piece {
                content::Piece::Text(text) => system.text(text),
                content::Piece::Mark(ttl) => system.mark(ttl, report),
            }
            Ok(())
        })?;
    }
    if json_mode {
        system.json_mode();
    }
    system.finish();
    Ok(())
}

/// Reports what was changed in the conversation.
fn report(facts: &Facts, cx: &mut RequestContext<'_>) {
    for (changed, field) in [
        (facts.is_continued, "messages"),
        (facts.is_trimmed, "messages[].content"),
        (facts.has_repeated_results, "messages[].tool_call_id"),
        (facts.has_changed_ids, "messages[].tool_calls[].id"),
        (facts.has_folded_system, "messages[].role"),
    ] {
        if changed {
            cx.report.approximate(field);
        }
    }
}
