//! How a model is asked to reason.

use crate::codec::write::Object;
use crate::convert::effort::Asked;
use crate::provider::chat_profile::{Reasoning, Visible};

/// What the client asks of the model's reasoning.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asking {
    pub(crate) effort: Option<Asked>,
    /// An exact budget of tokens, for providers that know budgets.
    pub(crate) budget: Option<u64>,
    /// Whether the client wants to read it.
    pub(crate) visible: Option<bool>,
}

/// Writes the members that ask a model to reason. Returns whether the effort (or budget) was sent.
pub(crate) fn write_reasoning(
    request: &mut Object<'_>,
    reasoning: &Reasoning,
    asking: Asking,
) -> bool {
    let word = asking.effort.and_then(|asked| reasoning.effort(asked));
    let effort = |request: &mut Object<'_>| {
        if let Some(word) = word {
            request.string("reasoning_effort", word);
        }
    };
    let visible = asking.visible == Some(true);
    match reasoning.visible {
        // `reasoning_effort` and `thinking_config` exclude each other.
        Visible::Budget { least, most } if visible || asking.budget.is_some() => {
            let budget = asking
                .budget
                .or_else(|| word.and_then(budget_of))
                .map(|budget| budget.clamp(least, most));
            thinking_config(request, visible, |config| {
                if let Some(budget) = budget {
                    config.uint("thinking_budget", budget);
                }
            });
            return budget.is_some();
        }
        Visible::Level if visible => thinking_config(request, visible, |config| {
            if let Some(word) = word {
                config.string("thinking_level", word);
            }
        }),
        Visible::Include => {
            effort(request);
            if let Some(visible) = asking.visible {
                request.bool("include_reasoning", visible);
            }
        }
        Visible::Format => {
            effort(request);
            if let Some(visible) = asking.visible {
                request.string(
                    "reasoning_format",
                    if visible { "parsed" } else { "hidden" },
                );
            }
        }
        Visible::Unasked | Visible::Budget { .. } | Visible::Level => effort(request),
    }
    word.is_some()
}

fn thinking_config(request: &mut Object<'_>, visible: bool, write: impl FnOnce(&mut Object<'_>)) {
    let mut extra = request.object("extra_body");
    let mut google = extra.object("google");
    let mut config = google.object("thinking_config");
    write(&mut config);
    if visible {
        config.bool("include_thoughts", true);
    }
    config.end();
    google.end();
    extra.end();
}

/// The budget that an effort stands for. Source: Gemini API, "OpenAI compatibility".
fn budget_of(word: &str) -> Option<u64> {
    match word {
        "none" => Some(0),
        "low" => Some(1024),
        "medium" => Some(8192),
        "high" => Some(24_576),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;
    use crate::provider::Provider;

    fn written(provider: Provider, model: &str, asking: Asking) -> String {
        let profile = provider.spec().chat.unwrap();
        let mut out = BytesMut::new();
        let mut object = Object::begin(&mut out);
        write_reasoning(&mut object, profile.reasoning(model).unwrap(), asking);
        object.end();
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn every_form() {
        let effort = |word: &str| Asked::from_word(word);
        for (provider, model, word, budget, visible, expected) in [
            (
                Provider::Gemini,
                "gemini-3.8-flash",
                "medium",
                None,
                Some(true),
                r#"{"extra_body":{"google":{"thinking_config":{"thinking_level":"medium","include_thoughts":true}}}}"#,
            ),
            (
                Provider::Gemini,
                "gemini-3.8-flash",
                "",
                None,
                Some(true),
                r#"{"extra_body":{"google":{"thinking_config":{"include_thoughts":true}}}}"#,
            ),
            (
                Provider::Gemini,
                "gemini-3.8-flash",
                "max",
                None,
                None,
                r#"{"reasoning_effort":"high"}"#,
            ),
            (
                Provider::Gemini,
                "gemini-2.5-flash",
                "high",
                None,
                Some(true),
                r#"{"extra_body":{"google":{"thinking_config":{"thinking_budget":24576,"include_thoughts":true}}}}"#,
            ),
            (
                Provider::Gemini,
                "gemini-2.5-flash",
                "none",
                None,
                Some(true),
                r#"{"extra_body":{"google":{"thinking_config":{"thinking_budget":0,"include_thoughts":true}}}}"#,
            ),
            (
                Provider::Gemini,
                "gemini-2.5-pro",
                "",
                Some(50),
                Some(false),
                r#"{"extra_body":{"google":{"thinking_config":{"thinking_budget":128}}}}"#,
            ),
            (Provider::Gemini, "gemini-2.5-pro", "none", None, None, "{}"),
            (
                Provider::Groq,
                "openai/gpt-oss-20b",
                "none",
                None,
                Some(false),
                r#"{"reasoning_effort":"low","include_reasoning":false}"#,
            ),
            (
                Provider::Groq,
                "qwen/qwen3-32b",
                "low",
                None,
                Some(true),
                r#"{"reasoning_effort":"default","reasoning_format":"parsed"}"#,
            ),
            (
                Provider::Perplexity,
                "sonar-deep-research",
                "xhigh",
                None,
                Some(true),
                r#"{"reasoning_effort":"high"}"#,
            ),
            (
                Provider::OpenAiCompatible,
                "m",
                "xhigh",
                None,
                Some(true),
                r#"{"reasoning_effort":"xhigh"}"#,
            ),
        ] {
            let asking = Asking {
                effort: effort(word),
                budget,
                visible,
            };
            assert_eq!(written(provider, model, asking), expected, "{model} {word}");
        }
    }
}
