//! The sampling parameters that every model on Bedrock has, as OpenAI's clients send them.

use serde_json::value::RawValue;

use super::thinking::Plan;
use crate::convert::anthropic_out::params::in_range;
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::models;

/// What is sent: JSON text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::convert) struct Sampling<'a> {
    pub(in crate::convert) temperature: Option<&'a str>,
    pub(in crate::convert) top_p: Option<&'a str>,
}

/// Reads `temperature` and `top_p` as far as the model takes them beside the thinking that it is asked for. Converse's
/// temperature ends at 1. What says nothing (1, every model's default) and cannot be sent is not reported.
///
/// # Errors
/// One of them is no number in its range.
pub(in crate::convert) fn read<'a>(
    temperature: Option<&'a RawValue>,
    top_p: Option<&'a RawValue>,
    thinking: &Plan<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<Sampling<'a>, Refusal> {
    let taken = cx.capabilities.sampling;
    let temperature = in_range(temperature, "temperature", 2.0)?;
    let top_p = in_range(top_p, "top_p", 1.0)?;
    let takes_none = match taken {
        models::Sampling::None => true,
        models::Sampling::WithoutThinking => thinking.asks(),
        models::Sampling::Any | models::Sampling::One => false,
    };
    let mut sent = Sampling::default();
    if let Some((json, value)) = temperature {
        if takes_none || thinking.forbids_temperature() {
            if value != 1.0 {
                cx.report.drop_field("temperature");
            }
        } else if value > 1.0 {
            cx.report.approximate("temperature");
            sent.temperature = Some("1");
        } else {
            sent.temperature = Some(json);
        }
    }
    // 1 is what every model does anyway, and some refuse it beside a temperature.
    if let Some((json, value)) = top_p.filter(|(_, value)| *value != 1.0) {
        let is_second = taken == models::Sampling::One && sent.temperature.is_some();
        if takes_none || is_second || thinking.forbids_top_p(value) {
            cx.report.drop_field("top_p");
        } else {
            sent.top_p = Some(json);
        }
    }
    Ok(sent)
}
