//! What InvokeModel refuses in an Anthropic body that Anthropic itself might take.

use http::{HeaderMap, HeaderValue, Uri};
use serde_json::{Value, json};

use super::super::Incoming;
use super::super::anthropic;
use super::super::aws::{unknown_beta, validation};
use super::super::check::{Check, Object, get, list};
use super::text;

/// The members that models on Bedrock know.
const MEMBERS: &[&str] = &[
    "anthropic_version",
    "anthropic_beta",
    "max_tokens",
    "messages",
    "system",
    "stop_sequences",
    "temperature",
    "top_p",
    "top_k",
    "tools",
    "tool_choice",
    "thinking",
    "metadata",
    "output_config",
    "context_management",
];

/// Beginnings of the types of tools that callers run, though Anthropic defines them.
const CLIENT_TOOLS: &[&str] = &[
    "bash_",
    "text_editor_",
    "computer_",
    "memory_",
    "tool_search_tool_",
];

/// Refuses what Bedrock would, and gives the request as Anthropic would see it.
pub(super) fn check(body: &Object, model: &str) -> Check<Object> {
    if let Some(name) = body.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(validation(format!(
            "{name}: Extra inputs are not permitted"
        )));
    }
    match text(body, "anthropic_version") {
        Some("bedrock-2023-05-31") => {}
        Some(version) => {
            return Err(validation(format!(
                "anthropic_version: \"{version}\" is not a valid version"
            )));
        }
        None => return Err(validation("anthropic_version: Field required")),
    }
    let betas = betas(body)?;
    own(body, model, &betas)?;
    for name in ["system", "messages", "tools"] {
        if let Some(value) = body.get(name) {
            blocks(value, name)?;
        }
    }
    tools(body, &betas)?;

    let mut request = body.clone();
    request.remove("anthropic_version");
    request.remove("anthropic_beta");
    request.insert("model".to_owned(), json!(model));
    let mut headers = HeaderMap::new();
    headers.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
    if !betas.is_empty() {
        headers.insert("anthropic-beta", HeaderValue::from_static("listed"));
    }
    let incoming = Incoming {
        uri: &Uri::from_static("/v1/messages"),
        headers: &headers,
        bytes: b"",
    };
    anthropic::check(&request, &incoming).map_err(|refusal| validation(refusal.message))?;
    Ok(request)
}

fn betas(body: &Object) -> Check<Vec<&str>> {
    let Some(value) = get(body, "anthropic_beta") else {
        return Ok(Vec::new());
    };
    let flags = value.as_array().filter(|flags| !flags.is_empty());
    let flags = flags.and_then(|flags| flags.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
    let flags = flags.ok_or_else(|| validation("anthropic_beta: Input should be a valid list"))?;
    match unknown_beta(flags.iter().copied()) {
        Some(_) => Err(validation("invalid beta flag")),
        None => Ok(flags),
    }
}

/// Members that are known in part only.
fn own(body: &Object, model: &str, betas: &[&str]) -> Check {
    let has = |start: &str| betas.iter().any(|beta| beta.starts_with(start));
    if body.contains_key("context_management") && !has("context-management-") && !has("compact-") {
        return Err(validation(
            "context_management: Extra inputs are not permitted",
        ));
    }
    let thinking = get(body, "thinking");
    if thinking.is_some_and(|thinking| thinking.get("display").is_some()) {
        return Err(validation(
            "thinking.display: Extra inputs are not permitted",
        ));
    }
    let effort = get(body, "output_config").and_then(|config| config.get("effort"));
    if effort.is_some() && model.contains("opus-4-5") && !has("effort-") {
        return Err(validation(
            "output_config.effort: Extra inputs are not permitted",
        ));
    }
    Ok(())
}

/// Bedrock fetches nothing, stores nothing, and knows no scope of the cache.
fn blocks(value: &Value, at: &str) -> Check {
    match value {
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                blocks(value, &format!("{at}.{index}"))?;
            }
            Ok(())
        }
        Value::Object(object) => {
            if object
                .get("cache_control")
                .is_some_and(|mark| mark.get("scope").is_some())
            {
                return Err(validation(format!(
                    "{at}.cache_control.ephemeral.scope: Extra inputs are not permitted"
                )));
            }
            let source = object
                .get("source")
                .and_then(|source| source.get("type")?.as_str());
            if let Some(kind @ ("url" | "file")) = source {
                return Err(validation(format!(
                    "{at}.source: Input tag '{kind}' found using 'type' does not match any of the expected tags: 'base64'"
                )));
            }
            match object.get("content") {
                Some(content) => blocks(content, &format!("{at}.content")),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn tools(body: &Object, betas: &[&str]) -> Check {
    for (index, tool) in list(body, "tools").iter().enumerate() {
        let kind = tool.get("type").and_then(Value::as_str).unwrap_or("custom");
        let refused = || {
            Err(validation(format!(
                "tools.{index}: Input tag '{kind}' found using 'type' does not match any of the expected tags: 'bash_20250124', 'custom', 'text_editor_20250728'"
            )))
        };
        if !anthropic::is_anthropic(tool) {
            continue;
        }
        if !CLIENT_TOOLS.iter().any(|start| kind.starts_with(start)) {
            return refused();
        }
        let needed = if kind.starts_with("computer_") {
            "computer-use-"
        } else if kind.starts_with("tool_search_tool_") {
            "tool-search-tool-"
        } else {
            continue;
        };
        if !betas.iter().any(|beta| beta.starts_with(needed)) {
            return refused();
        }
    }
    Ok(())
}
