//! The scalar parameters that Chat and Responses have in common, in Converse's words.

use serde_json::value::RawValue;

use super::fields::Fields;
use crate::convert::anthropic_out::params::required_positive_integer;
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::format::raw::RawStr;

/// The number of output tokens to ask for, where the client's `field` says one, as far as the model takes it. Without one models on
/// Bedrock know their own limit.
pub(in crate::convert) fn limit(
    field: &'static str,
    asked: Option<&RawValue>,
    cx: &mut RequestContext<'_>,
) -> Result<Option<u64>, Refusal> {
    let Some(asked) = asked else {
        return Ok(cx.options.default_max_tokens.map(u64::from));
    };
    let asked = required_positive_integer(asked.get(), field)?;
    let least = u64::from(cx.capabilities.bedrock.min_output);
    let most = cx.capabilities.max_output.map_or(u64::MAX, u64::from);
    let taken = asked.max(least).min(most.max(least));
    if taken != asked {
        cx.report.approximate(field);
    }
    Ok(Some(taken))
}

/// Tells Claude who asks, where the owner wants that: `safety_identifier`, else `user`.
pub(in crate::convert) fn set_user<'a>(
    safety_identifier: Option<&'a RawValue>,
    user: Option<&'a RawValue>,
    fields: &mut Fields<'a>,
    cx: &mut RequestContext<'_>,
) {
    let forwards = cx.options.forward_user == Some(true) && cx.capabilities.bedrock.anthropic;
    let mut is_set = false;
    for (field, value) in [("safety_identifier", safety_identifier), ("user", user)] {
        let Some(value) = value else { continue };
        match RawStr::new(value).filter(|id| !id.is_blank()) {
            Some(id) if forwards && !is_set => {
                fields.set("metadata", format!("{{\"user_id\":{}}}", id.json()));
                cx.report.approximate(field);
                is_set = true;
            }
            _ => cx.report.drop_field(field),
        }
    }
}
