//! `tools` and `tool_choice`.

use std::ops::Range;

use super::content::{cache_control, text};
use super::members::Members;
use crate::codec::scan::{elements, members};
use crate::convert::context::RequestContext;
use crate::convert::invoke::edits::Edits;
use crate::convert::report::Refusal;
use crate::format::raw::RawStr;

/// What the types begin with of those of Anthropic's tools that a client runs, or that search the client's own.
const RUN: [&str; 6] = [
    "custom",
    "bash_",
    "text_editor_",
    "computer_",
    "memory_",
    "tool_search_tool_",
];

/// What every version of InvokeModel takes of a tool.
const PLAIN: [&str; 5] = [
    "type",
    "name",
    "description",
    "input_schema",
    "cache_control",
];

/// Whether a tool of this type works on Bedrock, where Anthropic's servers run none.
pub(crate) fn runs_tool(kind: &str) -> bool {
    RUN.iter().any(|prefix| kind.starts_with(prefix))
}

/// Leaves out the tools that Anthropic's own servers would have to run.
pub(super) fn filter(
    body: &[u8],
    all: &mut Members<'_>,
    edits: &mut Edits,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let Some(list) = all.get("tools") else {
        return Ok(());
    };
    let tools: Vec<_> = elements(body, list).collect();
    let goes: Vec<bool> = tools
        .iter()
        .map(|tool| text(body, tool, "type").is_some_and(|kind| !runs_tool(&kind.decode())))
        .collect();
    for (tool, goes) in tools.iter().zip(&goes) {
        if *goes {
            cx.report.drop_field("tools[]");
        } else {
            self::tool(body, tool, edits, cx);
        }
    }
    if goes.contains(&true) {
        let nothing_stays = !goes.contains(&false);
        let gone = tools.iter().zip(&goes).filter(|(_, goes)| **goes);
        let names: Vec<_> = gone
            .filter_map(|(tool, _)| text(body, tool, "name"))
            .collect();
        choice(body, all, &names, nothing_stays, cx)?;
        if nothing_stays {
            all.remove("tools");
        } else {
            edits.cut(&tools, |at| goes.get(at) == Some(&true));
        }
    }
    Ok(())
}

/// A tool that stays.
fn tool(body: &[u8], tool: &Range<usize>, edits: &mut Edits, cx: &mut RequestContext<'_>) {
    let list: Vec<_> = members(body, tool.clone()).collect();
    let strips = cx.options.strip_tool_extras == Some(true);
    let goes = |name: &str| strips && !PLAIN.contains(&name);
    if strips {
        for member in list.iter().filter(|member| goes(&member.key)) {
            cx.report.drop_field(format!("tools[].{}", member.key));
        }
        let spans: Vec<_> = list.iter().map(|m| m.name.start..m.value.end).collect();
        edits.cut(&spans, |at| list.get(at).is_some_and(|m| goes(&m.key)));
    }
    for member in list.iter().filter(|member| member.key == "cache_control") {
        cache_control(body, member.value.clone(), "tools[]", edits, cx);
    }
}

/// A choice cannot force what is not there; one among nothing is none.
fn choice(
    body: &[u8],
    all: &mut Members<'_>,
    gone: &[RawStr<'_>],
    nothing_stays: bool,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let Some(choice) = all.get("tool_choice") else {
        return Ok(());
    };
    let kind = text(body, &choice, "type").map(RawStr::decode);
    let named = text(body, &choice, "name").map(RawStr::decode);
    let forced = match kind.as_deref() {
        Some("tool") => gone
            .iter()
            .any(|gone| named.as_ref().is_some_and(|name| gone.is(name))),
        Some("any") => nothing_stays,
        _ => false,
    };
    if forced {
        return Err(Refusal::unsupported(
            "tool_choice",
            "the tool that must be called runs on Anthropic's servers, which Bedrock does not have",
        ));
    }
    if nothing_stays {
        cx.report.drop_field("tool_choice");
        all.remove("tool_choice");
    }
    Ok(())
}
