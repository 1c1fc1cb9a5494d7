//! Responses requests as Anthropic Messages requests.
//!
//! Sources: OpenAI's `CreateResponse`, Anthropic's `MessageCreateParams`, and the pages of platform.claude.com on tool use,
//! extended thinking, prompt caching and structured outputs.
//!
//! The output is written in one pass into one buffer: `model`, `max_tokens`, `system`, `messages`, then the rest in a fixed
//! order, since prompt caches and signatures depend on the bytes. What an item becomes depends on it and on the items
//! before it, up to the next assistant turn; never on the time or on chance.

mod calls;
mod fields;
mod heads;
mod items;
mod output_config;
mod params;
mod parts;
mod path;
mod reasoning;
mod system;
mod tool_choice;
mod tool_list;
mod tools;
mod turns;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::BufMut;
use serde_json::value::RawValue;

use self::heads::{Items, Kind};
use self::reasoning::Plan;
use self::tools::{Circumstances, Tools};
use self::turns::{Facts, Writer};
use super::state::State;
use crate::codec::write;
use crate::convert::anthropic_out::cache::{MarkPaths, Out};
use crate::convert::anthropic_out::headers::{BINDING_BETA, headers};
use crate::convert::context::{ConvertedRequest, RequestContext};
use crate::convert::report::Refusal;
use crate::convert::responses_out::Echo;
use crate::format::raw::RawStr;
use crate::format::responses::request::{Item, Reasoning, Request, TextConfig};
use crate::format::walk;

/// The beta that `compaction` blocks belong to.
const COMPACTION_BETA: &str = "compact-2026-01-12";

/// The beta that `mcp_servers` belongs to.
const MCP_BETA: &str = "mcp-client-2025-11-20";

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
    let mut text_config: TextConfig<'_> = sub_view(request.text, "text")?;
    let mut reasoning: Reasoning<'_> = sub_view(request.reasoning, "reasoning")?;
    let include = fields::refuse_or_drop(&request, &text_config, &reasoning, cx)?;
    let mcp = cx.options.allow_mcp == Some(true);
    let (input, mut items) = read_input(&request, mcp)?;
    update_configuration(&items, &mut text_config, &mut reasoning, cx)?;

    let prewarm = params::is_prewarm(&request);
    let max_tokens = params::max_tokens(&request, cx)?;
    let max_uses = params::max_tool_calls(&request)?;
    let format = output_config::format(text_config.format.as_ref(), cx)?;
    let circumstances = Circumstances {
        has_schema: format.is_schema(),
    };
    let mut tools = read_tools(&request, &items, circumstances, cx)?;
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
    let choice = choice.or_none_for_stubs(&tools);
    choice.write(&mut out);

    let plan = Plan::of(&reasoning, max_tokens, &facts, choice.is_forced(), cx)?;
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

/// What `input` is.
#[derive(Debug, Clone, Copy)]
enum Input<'a> {
    Text(RawStr<'a>),
    Items,
}

fn read_input<'a>(request: &Request<'a>, mcp: bool) -> Result<(Input<'a>, Items<'a>), Refusal> {
    let Some(input) = request.input.map(RawValue::get) else {
        // Instructions alone are a request too.
        return Ok((Input::Items, Items::default()));
    };
    if let Some(text) = RawStr::from_json(input) {
        return Ok((Input::Text(text), Items::default()));
    }
    if !walk::is_array(input) {
        return Err(path::wrong_type("input"));
    }
    Ok((Input::Items, Items::read(input, mcp)?))
}

/// Reads a member that the request keeps raw for the echo.
fn sub_view<'a, T: serde::Deserialize<'a> + Default>(
    raw: Option<&'a RawValue>,
    name: &str,
) -> Result<T, Refusal> {
    raw.map_or_else(
        || Ok(T::default()),
        |raw| path::parse(raw.get(), || name.to_owned()),
    )
}

/// Configuration may change inside the conversation: the last word holds.
fn update_configuration<'a>(
    items: &Items<'a>,
    text: &mut TextConfig<'a>,
    reasoning: &mut Reasoning<'a>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    for (index, item) in items.list.iter().enumerate() {
        if item.kind != Kind::ConfigurationUpdate {
            continue;
        }
        cx.report.approximate("input[].type");
        let item: Item<'a> = path::parse(item.text, || format!("input[{index}]"))?;
        if let Some(update) = item.reasoning {
            reasoning.effort = update.effort.or(reasoning.effort);
            reasoning.summary = update.summary.or(reasoning.summary);
        }
        if let Some(update) = item.text {
            text.format = update.format.or(text.format.take());
        }
        for name in &item.unknown {
            cx.report.drop_field(format!("input[].{name}"));
        }
    }
    Ok(())
}

fn read_tools<'a>(
    request: &Request<'a>,
    items: &Items<'a>,
    circumstances: Circumstances,
    cx: &mut RequestContext<'_>,
) -> Result<Tools<'a>, Refusal> {
    let mut tools = Tools::default();
    if let Some(list) = &request.tools {
        tools.add(&list.0, "tools", circumstances, cx)?;
    }
    for (index, item) in items.list.iter().enumerate() {
        if item.kind != Kind::AdditionalTools {
            continue;
        }
        cx.report.approximate("input[].tools");
        let item: Item<'a> = path::parse(item.text, || format!("input[{index}]"))?;
        if let Some(list) = &item.tools {
            let list_path = path::item(index, "tools");
            tools.add(&list.0, &list_path, circumstances, cx)?;
        }
    }
    tools.settle_names(cx);
    Ok(tools)
}

/// Writes `system` and `messages`.
fn write_conversation<'a>(
    out: &mut Out,
    request: &Request<'a>,
    input: Input<'a>,
    items: &mut Items<'a>,
    tools: &Tools<'a>,
    format: output_config::Format<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<Facts, Refusal> {
    let instructions = match request.instructions.map(RawValue::get) {
        None => None,
        Some(text) => {
            Some(RawStr::from_json(text).ok_or_else(|| path::wrong_type("instructions"))?)
        }
    };
    if items.repeated_outputs {
        cx.report.approximate("input[].call_id");
    }
    let json_mode = format.is_json_object();
    let leading = system::leading(items);
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
        return Err(Refusal::invalid(
            "input",
            "`input` holds nothing that could be sent",
        ));
    }
    out.buf.put_u8(b']');
    Ok(facts)
}
