//! What OpenAI's models take in a Responses request, by class.

use serde_json::Value;

use super::super::check::{Check, Object, Refusal, get, list, text};
use super::validate::{unknown, wrong_type};

/// What sets a class of models apart.
#[derive(Clone, Copy)]
struct Class {
    /// The efforts that it knows; a model without any does not reason.
    efforts: &'static [&'static str],
    /// Whether sampling parameters are taken.
    sampling: Sampling,
}

/// When `temperature` and `top_p` are taken.
#[derive(Clone, Copy)]
enum Sampling {
    Always,
    /// With effort `none` alone.
    WithoutEffort,
    Never,
}

const PLAIN: Class = Class {
    efforts: &[],
    sampling: Sampling::Always,
};

/// Starts of ids; the longest match counts.
const TABLE: &[(&str, Class)] = &[
    ("gpt-4", PLAIN),
    ("gpt-3.5", PLAIN),
    ("chatgpt-", PLAIN),
    (
        "o",
        Class {
            efforts: &["low", "medium", "high"],
            sampling: Sampling::Never,
        },
    ),
    (
        "gpt-5",
        Class {
            efforts: &["minimal", "low", "medium", "high"],
            sampling: Sampling::Never,
        },
    ),
    ("gpt-5.", LATEST),
    (
        "gpt-5.1",
        Class {
            efforts: &["none", "low", "medium", "high"],
            sampling: Sampling::WithoutEffort,
        },
    ),
];

/// The members of `reasoning`.
const MEMBERS: &[&str] = &["effort", "summary", "generate_summary", "context", "mode"];

/// The newest models, and those that the table does not know.
const LATEST: Class = Class {
    efforts: &["none", "minimal", "low", "medium", "high", "xhigh", "max"],
    sampling: Sampling::WithoutEffort,
};

fn class(model: &str) -> Class {
    TABLE
        .iter()
        .filter(|(start, _)| model.starts_with(start))
        .max_by_key(|(start, _)| start.len())
        .map_or(LATEST, |(_, class)| *class)
}

/// Refuses what the model that is asked for does not take.
pub(super) fn check(body: &Object) -> Check {
    let class = class(text(body, "model").unwrap_or_default());
    let reasoning = get(body, "reasoning");
    let effort = reasoning.and_then(|reasoning| reasoning.get("effort")?.as_str());
    if let Some(reasoning) = reasoning {
        let Some(members) = reasoning.as_object() else {
            return Err(wrong_type("reasoning", "an object", reasoning));
        };
        if let Some(name) = members
            .keys()
            .find(|name| !MEMBERS.contains(&name.as_str()))
        {
            return Err(unknown(&format!("reasoning.{name}")));
        }
        if class.efforts.is_empty() && members.values().any(|value| !value.is_null()) {
            return Err(unsupported("reasoning.effort"));
        }
        if let Some(effort) = effort
            && !class.efforts.contains(&effort)
        {
            return Err(Refusal::invalid(format!(
                "Unsupported value: '{effort}' is not supported with this model. Supported values are: '{}'.",
                class.efforts.join("', '")
            ))
            .param("reasoning.effort")
            .code("unsupported_value"));
        }
        for name in ["summary", "generate_summary"] {
            if let Some(summary) = get(members, name)
                && !["auto", "concise", "detailed"].contains(&summary.as_str().unwrap_or_default())
            {
                return Err(Refusal::invalid(format!(
                    "Invalid value: {summary}. Supported values are: 'auto', 'concise', and 'detailed'."
                ))
                .param(format!("reasoning.{name}"))
                .code("invalid_value"));
            }
        }
    }
    let wants_carrier = list(body, "include")
        .iter()
        .any(|name| name == "reasoning.encrypted_content");
    if class.efforts.is_empty() && wants_carrier {
        return Err(
            Refusal::invalid("Encrypted content is not supported with this model.")
                .param("include"),
        );
    }
    let takes_sampling = match class.sampling {
        Sampling::Always => true,
        Sampling::WithoutEffort => effort == Some("none"),
        Sampling::Never => false,
    };
    for name in ["temperature", "top_p"] {
        // One is what they all do anyway.
        if !takes_sampling && get(body, name).is_some_and(|value| value.as_f64() != Some(1.0)) {
            return Err(unsupported(name));
        }
    }
    Ok(())
}

fn unsupported(name: &str) -> Refusal {
    Refusal::invalid(format!(
        "Unsupported parameter: '{name}' is not supported with this model."
    ))
    .param(name)
    .code("unsupported_parameter")
}

/// The values of `include`.
const INCLUDE: &[&str] = &[
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "file_search_call.results",
    "message.input_image.image_url",
    "message.output_text.logprobs",
    "reasoning.encrypted_content",
    "web_search_call.action.sources",
    "web_search_call.results",
];

/// Refuses what is not to be included.
pub(super) fn include(body: &Object) -> Check {
    let wrong = list(body, "include")
        .iter()
        .position(|name| !INCLUDE.contains(&name.as_str().unwrap_or_default()));
    match wrong {
        None => Ok(()),
        Some(index) => {
            let name = list(body, "include")
                .get(index)
                .unwrap_or(&Value::Null)
                .to_string();
            Err(Refusal::invalid(format!(
                "Invalid value: {name}. Supported values are: '{}'.",
                INCLUDE.join("', '")
            ))
            .param(format!("include[{index}]"))
            .code("invalid_value"))
        }
    }
}
