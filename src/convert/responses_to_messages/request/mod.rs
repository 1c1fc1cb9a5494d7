//! Responses requests as Anthropic Messages requests.
//!
//! Sources: OpenAI's `CreateResponse`, Anthropic's `MessageCreateParams`, and the pages of platform.claude.com on tool use,
//! extended thinking, prompt caching and structured outputs.
//!
//! The output is written in one pass into one buffer: `model`, `max_tokens`, `system`, `messages`, then the rest in a fixed
//! order, since prompt caches and signatures depend on the bytes. What an item becomes depends on it and on the items
//! before it, up to the next assistant turn; never on the time or on chance.

mod calls;
mod items;
mod names;
mod output_config;
mod params;
mod parts;
mod reasoning;
mod system;
mod tool_choice;
mod tool_list;
mod turns;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::BufMut;

use self::names::OwnTools;
use self::reasoning::Plan;
use self::turns::{Facts, Writer};
use super::state::State;
use crate::codec::write;
use crate::convert::anthropic_out::cache::{MarkPaths, Out};
use crate::convert::anthropic_out::headers::{BINDING_BETA, headers};
use crate::convert::context::{ConvertedRequest, RequestContext};
use crate::convert::report::Refusal;
use crate::convert::responses_out::Echo;
use crate::convert::responses_request::checks::{self, Target};
use crate::convert::responses_request::content;
use crate::convert::responses_request::format::Format;
use crate::convert::responses_request::heads::{Accepted, Hosted, Items};
use crate::convert::responses_request::input::{self, Input, Settings};
use crate::convert::responses_request::path;
use crate::convert::responses_request::tools::Tools;
use crate::format::responses::request::Request;

/// The beta that `compaction` blocks belong to.
const COMPACTION_BETA: &str = "compact-2026-01-12";

/// The beta that `mcp_servers` belongs to.
const MCP_BETA: &str = "mcp-client-2025-11-20";

/// What the provider is called in refusals.
const TARGET: &str = "Anthropic";

const MARKS: MarkPaths = MarkPaths {
    tools: "tools[].prompt_cache_breakpoint",
    blocks: "input[].content[].prompt_cache_breakpoint",
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
        lenient: false,
        sources: true,
    };
    let include = checks::refuse_or_drop(&request, &settings, target, cx)?;
    let accepted = Accepted {
        target: TARGET,
        mcp: cx.options.allow_mcp == Some(true),
        hosted: Hosted::SearchesLeft,
        compaction: true,
    };
    let (input, mut items) = input::read(&request, accepted)?;
    settings.update(&items, cx)?;

    let prewarm = params::is_prewarm(&request);
    let max_tokens = params::max_tokens(&request, cx)?;
    let max_uses = params::max_tool_calls(&request)?;
    let format = output_config::read(settings.text.format.as_ref(), cx)?;
    let own = OwnTools::new(format.is_schema(), cx);
    let mut tools = Tools::read(&request, &items, TARGET, &own, cx)?;
    names::settle_names(&mut tools, cx);
    let choice = tool_choice::resolve(&request, &mut tools, cx)?;

    let mut out = Out::with_capacity(text.len() + text.len() / 8 + 1024, MARKS);
    out.buf.extend_from_slice(b"{\"model\":");
    write::string(&mut out.buf, cx.model);
    out.member("max_tokens");
    // Nothing is generated where only the cache is filled.
    write::uint(&mut out.buf, if prewarm { 0 } else { max_tokens });

    let facts = write_conversation(&mut out, &request, input, &mut items, &tools, format, cx)?;
    tools.add_stubs(facts.called.clone());
    tool_list::write(&mut out, &tools, max_uses, cx)?;
    let has_mcp = tool_list::write_mcp_servers(&mut out, &tools);
    let choice = tool_choice::or_none_for_stubs(choice, &tools);
    tool_choice::write(&choice, &mut out);

    let forced = choice.mode.is_forced();
    let plan = Plan::of(&settings.reasoning, max_tokens, &facts, forced, cx)?;
    plan.write(&mut out);
    output_config::write(&mut out, plan.effort(), format, cx)?;
    params::write_sampling(&mut out, &request, plan.thinks(), cx)?;
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
        headers: headers(
            cx,
            &[
                (plan.needs_binding_beta(), BINDING_BETA),
                (facts.replays_compaction, COMPACTION_BETA),
                (has_mcp, MCP_BETA),
            ],
        ),
        state: State {
            echo: Echo::of(&request),
            tools: Arc::new(tools.sent()),
            include_sources: include.sources,
            prewarm,
            carry_server_blocks: cx.options.carry_server_blocks != Some(false),
        },
    })
}

/// Writes `system` and `messages`.
fn write_conversation<'a>(
    out: &mut Out,
    request: &Request<'a>,
    input: Input<'a>,
    items: &mut Items<'a>,
    tools: &Tools<'a>,
    format: Format<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<Facts, Refusal> {
    let instructions = input::instructions(request)?;
    if items.repeated_outputs {
        cx.report.approximate("input[].call_id");
    }
    let json_mode = format.is_json_object();
    let leading = content::leading(items);
    let before_system = out.checkpoint();
    let has_system = system::write(out, instructions, items, leading, json_mode, cx)?;
    out.member("messages");
    out.buf.put_u8(b'[');
    let writer = Writer::new(out, cx, tools, items);
    let mut facts = match input {
        Input::Text(text) => writer.write_text(text)?,
        Input::Items => writer.write(leading)?,
    };
    if facts.is_empty && has_system {
        // Anthropic wants a message: the system text becomes the user's.
        out.rewind(before_system);
        let none = Items::default();
        system::write(out, None, &none, 0, json_mode, cx)?;
        out.member("messages");
        out.buf.put_u8(b'[');
        cx.report.approximate("instructions");
        facts = Writer::new(out, cx, tools, items).write_system_as_user(instructions, leading)?;
    }
    if facts.is_empty {
        return Err(input::nothing_to_send());
    }
    out.buf.put_u8(b']');
    Ok(facts)
}
