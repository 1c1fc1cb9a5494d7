//! The system prompt.

use crate::convert::anthropic_out::cache::{Ttl, requested};
use crate::convert::context::RequestContext;
use crate::convert::converse_out::Out;
use crate::convert::converse_out::system::System;
use crate::convert::messages_in::{Content, cites, is_billing, report_extras, text_of};
use crate::convert::report::Refusal;
use crate::format::messages::request::{Block, Request};

/// Writes `system`.
pub(super) fn write(
    request: &Request<'_>,
    out: &mut Out,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let Some(raw) = request.system else {
        return Ok(());
    };
    let rules = out.rules;
    let mut system = System::new(out);
    match Content::read(raw.get(), || "system".to_owned())? {
        Content::Text(text) => system.text(text),
        Content::Blocks(blocks) => {
            for (index, block) in blocks.iter().enumerate() {
                report_extras(block, "system[]", cx.report);
                if block.citations.is_some_and(cites) {
                    cx.report.drop_field("system[].citations");
                }
                let Some(text) = text_of(block, || format!("system[{index}]"))? else {
                    continue;
                };
                if is_billing(text) {
                    cx.report.drop_field("system[]");
                    continue;
                }
                system.text(text);
                if let Some(ttl) = mark(block, rules.cache_content, rules.cache_ttl, cx) {
                    system.mark(ttl, cx.report);
                }
            }
        }
    }
    system.finish();
    Ok(())
}

/// The mark of a block, as far as the model takes it.
fn mark(
    block: &Block<'_>,
    takes_points: bool,
    takes_ttl: bool,
    cx: &mut RequestContext<'_>,
) -> Option<Ttl> {
    let ttl = requested(block.cache_control, None, "system[]", cx.report)?;
    if !takes_points {
        cx.report.drop_field("system[].cache_control");
        return None;
    }
    if ttl != Ttl::Unsaid && !takes_ttl {
        cx.report.approximate("system[].cache_control");
        return Some(Ttl::Unsaid);
    }
    Some(ttl)
}
