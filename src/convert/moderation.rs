//! OpenAI's `moderation`, which no other provider has.

use serde_json::value::RawValue;

use super::context::RequestContext;
use super::report::Refusal;
use crate::format::raw::RawStr;
use crate::format::walk;

/// A moderation that blocks is a promise, and refused for `target`; one that only reports is a hint.
pub(crate) fn refuse_or_drop(
    moderation: Option<&RawValue>,
    target: &str,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let Some(moderation) = moderation.map(RawValue::get) else {
        return Ok(());
    };
    let policy = walk::member(moderation, "policy").unwrap_or_default();
    for (name, rule) in walk::members(policy) {
        let mode = walk::member(rule, "mode").and_then(RawStr::from_json);
        if mode.is_some_and(|mode| mode.is("block")) {
            return Err(Refusal::unsupported(
                format!("moderation.policy.{}.mode", name.decode()),
                format!("{target} has no moderation that blocks"),
            ));
        }
    }
    cx.report.drop_field("moderation");
    Ok(())
}
