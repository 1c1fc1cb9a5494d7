//! The scalar parameters that Chat and Responses have in common, in Converse's words.

use serde_json::value::RawValue;

use super::fields::Fields;
use super::thinking::Plan;
use crate::convert::anthropic_out::params::{in_range, required_positive_integer};
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::format::raw::RawStr;
use crate::models::Sampling;

/// The number of output tokens to ask for, where the client's `field` says one: models on Bedrock need none.
pub(in crate::convert) fn limit(
    field: &'static str,
    asked: Option<&RawValue>,
    cx: &mut RequestContext<'_>,
) -> Result<Option<u64>, Refusal> {
    let Some(asked) = asked else {
        return Ok(None);
    };
    let asked = required_positive_integer(asked.get(), field)?;
    let least = u64::from(cx.capabilities.bedrock.min_output);
    if asked < least {
        cx.report.approximate(field);
    }
    Ok(Some(asked.max(least)))
}

/// `temperature` and `topP` of `inferenceConfig`, as JSON text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::convert) struct Chance<'a> {
    pub(in crate::convert) temperature: Option<&'a str>,
    pub(in crate::convert) top_p: Option<&'a str>,
}

/// The client's `temperature` and `top_p`, as far as the model takes them. What every model does by default is not sent.
pub(in crate::convert) fn chance<'a>(
    temperature: Option<&'a RawValue>,
    top_p: Option<&'a RawValue>,
    thinking: &Plan<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<Chance<'a>, Refusal> {
    let taken = cx.capabilities.sampling;
    let mut chance = Chance::default();
    if let Some((json, value)) = in_range(temperature, "temperature", 2.0)? {
        if taken == Sampling::None || thinking.forbids_temperature() {
            // A model that thinks wants 1, which is also every model's default.
            if value != 1.0 {
                cx.report.drop_field("temperature");
            }
        } else if value > 1.0 {
            cx.report.approximate("temperature");
            chance.temperature = Some("1");
        } else {
            chance.temperature = Some(json);
        }
    }
    if let Some((json, value)) = in_range(top_p, "top_p", 1.0)?
        && value != 1.0
    {
        let refused = match taken {
            Sampling::None => true,
            Sampling::One => chance.temperature.is_some(),
            Sampling::Any | Sampling::WithoutThinking => false,
        };
        if refused || thinking.forbids_top_p(value) {
            cx.report.drop_field("top_p");
        } else {
            chance.top_p = Some(json);
        }
    }
    Ok(chance)
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
        match RawStr::new(value).filter(|id| forwards && !is_set && !id.is_blank()) {
            Some(id) => {
                fields.set("metadata", format!("{{\"user_id\":{}}}", id.json()));
                cx.report.approximate(field);
                is_set = true;
            }
            None => cx.report.drop_field(field),
        }
    }
}
