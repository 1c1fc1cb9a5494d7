//! What OpenAI refuses in the parts of messages and of tool outputs.

use serde_json::Value;

use super::super::check::{Check, Object, Refusal, get, text};
use super::super::media;
use super::validate::{missing, unknown, wrong_type};

/// The members of each type of part.
const MEMBERS: &[(&str, &[&str])] = &[
    ("input_text", &["type", "text", "prompt_cache_breakpoint"]),
    (
        "input_image",
        &[
            "type",
            "image_url",
            "file_id",
            "detail",
            "prompt_cache_breakpoint",
        ],
    ),
    (
        "input_file",
        &[
            "type",
            "file_data",
            "file_id",
            "file_url",
            "filename",
            "detail",
            "prompt_cache_breakpoint",
        ],
    ),
    ("output_text", &["type", "text", "annotations", "logprobs"]),
    ("refusal", &["type", "refusal"]),
];

/// Checks one part of a supported type.
pub(super) fn check(part: &Value, at: &str) -> Check {
    let Some(object) = part.as_object() else {
        return Err(wrong_type(at, "an object", part));
    };
    let kind = text(object, "type").unwrap_or_default();
    let known = MEMBERS.iter().find(|(name, _)| *name == kind);
    let members = known.map(|(_, members)| *members).unwrap_or_default();
    if let Some(name) = object.keys().find(|name| !members.contains(&name.as_str())) {
        return Err(unknown(&format!("{at}.{name}")));
    }
    match kind {
        "input_text" | "output_text" => string(object, at, "text"),
        "refusal" => string(object, at, "refusal"),
        "input_image" => image(object, part, at),
        "input_file" => file(object, part, at),
        _ => Ok(()),
    }
}

fn string(object: &Object, at: &str, name: &str) -> Check {
    match get(object, name) {
        Some(Value::String(_)) => Ok(()),
        None => Err(missing(&format!("{at}.{name}"))),
        Some(other) => Err(wrong_type(&format!("{at}.{name}"), "a string", other)),
    }
}

fn image(object: &Object, part: &Value, at: &str) -> Check {
    if get(object, "image_url").is_none() && get(object, "file_id").is_none() {
        return Err(missing(&format!("{at}.image_url")));
    }
    if get(object, "prompt_cache_breakpoint").is_some() {
        return Err(unknown(&format!("{at}.prompt_cache_breakpoint")));
    }
    if let Some(detail) = get(object, "detail")
        && !["auto", "low", "high", "original"].contains(&detail.as_str().unwrap_or_default())
    {
        return Err(Refusal::invalid(format!(
            "Invalid value: {detail}. Supported values are: 'low', 'high', 'auto', and 'original'."
        ))
        .param(format!("{at}.detail"))
        .code("invalid_value"));
    }
    match media::part(part) {
        Some(Err(refusal)) => Err(refusal
            .param(format!("{at}.image_url"))
            .code("invalid_value")),
        Some(Ok(what)) if what.starts_with("application/") => Err(Refusal::invalid(
            "The image data you provided does not represent a valid image.",
        )
        .param(at)
        .code("invalid_image")),
        _ => Ok(()),
    }
}

fn file(object: &Object, part: &Value, at: &str) -> Check {
    let sources = ["file_data", "file_url", "file_id"];
    let given = sources.iter().filter(|name| get(object, name).is_some());
    if given.count() != 1 {
        return Err(missing(&format!("{at}.file_id")));
    }
    if get(object, "file_data").is_some() && get(object, "filename").is_none() {
        return Err(missing(&format!("{at}.filename")));
    }
    match media::part(part) {
        Some(Err(refusal)) => Err(refusal
            .param(format!("{at}.file_data"))
            .code("invalid_value")),
        _ => Ok(()),
    }
}
