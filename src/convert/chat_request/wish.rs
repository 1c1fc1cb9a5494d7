//! How much the model shall think: Anthropic's `thinking`, OpenAI's `reasoning_effort`, or OpenRouter's `reasoning`.

use serde_json::value::RawValue;

use super::path;
use crate::convert::anthropic_out::params::positive_integer;
use crate::convert::context::RequestContext;
use crate::convert::effort::Asked;
use crate::convert::report::Refusal;
use crate::format::chat::request::Request;
use crate::format::raw::RawStr;
use crate::format::walk;
use crate::models::{Effort, ReasoningFields};
use crate::provider::Provider;

/// What the client asks for; `display` is Anthropic's word for how it is shown.
#[derive(Debug, Clone, Copy)]
pub(in crate::convert) enum Wish<'a> {
    Nothing,
    Off,
    /// Any effort but none.
    Effort {
        asked: Asked,
        display: &'static str,
    },
    Budget {
        tokens: u64,
        display: &'static str,
    },
    /// Anthropic's own object.
    Own(&'a str),
}

/// The display that Anthropic's own clients ask for.
pub(in crate::convert) const SUMMARIZED: &str = "summarized";

/// Whether a `thinking` object is of this type.
pub(in crate::convert) fn is_kind(json: &str, kind: &str) -> bool {
    walk::member(json, "type")
        .and_then(RawStr::from_json)
        .is_some_and(|found| found.is(kind))
}

/// The level that `reasoning_effort` names, if it names one.
pub(in crate::convert) fn level(request: &Request<'_>) -> Option<Effort> {
    match Asked::from_word(&request.reasoning_effort?.decode())? {
        Asked::Nothing => None,
        Asked::Minimal => Some(Effort::Low),
        Asked::Level(level) => Some(level),
    }
}

/// What the client asks for, and the field in which it does. Anthropic's own object wins over `reasoning_effort`, and that
/// over OpenRouter's `reasoning`.
pub(in crate::convert) fn wish<'a>(
    request: &Request<'a>,
    cx: &mut RequestContext<'_>,
) -> Result<(&'static str, Wish<'a>), Refusal> {
    let word = request.reasoning_effort;
    let asked = word
        .map(|word| asked(word, "reasoning_effort"))
        .transpose()?;
    if let Some(thinking) = request.thinking.map(RawValue::get) {
        if !walk::is_object(thinking) {
            return Err(path::wrong_type("thinking"));
        }
        if asked.is_some() && !is_kind(thinking, "adaptive") && cx.capabilities.thinking.is_some() {
            cx.report.drop_field("reasoning_effort");
        }
        if request.reasoning.is_some() {
            cx.report.drop_field("reasoning");
        }
        return Ok(("thinking", Wish::Own(thinking)));
    }
    if let Some(asked) = asked {
        if request.reasoning.is_some() {
            cx.report.drop_field("reasoning");
        }
        return Ok(("reasoning_effort", from_asked(asked, SUMMARIZED)));
    }
    let Some(reasoning) = &request.reasoning else {
        return Ok(("reasoning", Wish::Nothing));
    };
    for name in &reasoning.unknown {
        cx.report.drop_field(format!("reasoning.{name}"));
    }
    let display = if reasoning.exclude == Some(true) {
        // Where the model's thoughts cannot be hidden, they are shown.
        let hides = match cx.provider {
            Provider::Anthropic => true,
            Provider::AwsBedrockInvoke => false,
            _ => {
                cx.capabilities.bedrock.reasoning == ReasoningFields::Thinking
                    && cx.capabilities.thinking.is_some_and(|kinds| kinds.adaptive)
            }
        };
        if !hides {
            cx.report.drop_field("reasoning.exclude");
        }
        "omitted"
    } else {
        SUMMARIZED
    };
    let wish = if reasoning.enabled == Some(false) {
        Wish::Off
    } else if let Some(word) = reasoning.effort {
        from_asked(self::asked(word, "reasoning.effort")?, display)
    } else if let Some(tokens) = reasoning.max_tokens {
        let Some(tokens) = positive_integer(tokens.get()) else {
            return Err(Refusal::invalid(
                "reasoning.max_tokens",
                "`reasoning.max_tokens` must be a positive integer",
            ));
        };
        Wish::Budget { tokens, display }
    } else if reasoning.enabled == Some(true) {
        let asked = Asked::Level(Effort::Medium);
        Wish::Effort { asked, display }
    } else {
        if reasoning.exclude.is_some() {
            cx.report.drop_field("reasoning.exclude");
        }
        Wish::Nothing
    };
    Ok(("reasoning", wish))
}

fn asked(word: RawStr<'_>, field: &'static str) -> Result<Asked, Refusal> {
    Asked::from_word(&word.decode())
        .ok_or_else(|| Refusal::invalid(field, "there is no such effort"))
}

fn from_asked<'a>(asked: Asked, display: &'static str) -> Wish<'a> {
    match asked {
        Asked::Nothing => Wish::Off,
        Asked::Minimal | Asked::Level(_) => Wish::Effort { asked, display },
    }
}
