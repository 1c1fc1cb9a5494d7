//! What `generateContent` refuses beyond the shape of a request.

use serde_json::{Map, Value};

use super::super::check::{Check, Object, Refusal, get, list, text};
use super::super::media;
use super::{contents, invalid, signature};

/// Refuses what the API would, in a request whose shape is right.
pub(super) fn check(body: &Object, model: &str) -> Check {
    let is_new = signature::signs(model);
    contents::check(body, model)?;
    tools(body, model, is_new)?;
    tool_config(body, is_new)?;
    config(body, model, is_new)?;
    if body.contains_key("cachedContent")
        && let Some(name) = ["systemInstruction", "tools", "toolConfig"]
            .iter()
            .find(|name| body.contains_key(**name))
    {
        return Err(invalid(format!(
            "CachedContent can not be used with GenerateContent request setting system_instruction, tools or tool_config. Found {name}."
        )));
    }
    Ok(())
}

/// The declared functions.
pub(super) fn functions(body: &Object) -> Vec<&Value> {
    let tools = list(body, "tools").iter();
    let declared = tools.filter_map(|tool| tool.get("functionDeclarations")?.as_array());
    declared.flatten().collect()
}

/// The names of the tools that the model runs by itself.
pub(super) fn built_in(body: &Object) -> Vec<&str> {
    let tools = list(body, "tools").iter().filter_map(Value::as_object);
    let names = tools.flat_map(Map::keys).map(String::as_str);
    names
        .filter(|name| *name != "functionDeclarations")
        .collect()
}

/// Whether the request lets the model use its own tools beside the client's.
pub(super) fn mixes(body: &Object) -> bool {
    get(body, "toolConfig")
        .and_then(|config| config.get("includeServerSideToolInvocations")?.as_bool())
        .unwrap_or(false)
}

fn tools(body: &Object, model: &str, is_new: bool) -> Check {
    let mut names = Vec::new();
    for (index, function) in functions(body).into_iter().enumerate() {
        let at = format!("tools[0].function_declarations[{index}]");
        let name = function["name"].as_str().unwrap_or_default();
        let is_name = name.len() <= 128
            && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && super::super::shape::made_of(name, b"_.:-");
        if !is_name {
            return Err(invalid(format!(
                "* GenerateContentRequest.{at}.name: Invalid function name. Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128."
            )));
        }
        if names.contains(&name) {
            return Err(invalid(format!(
                "Duplicate function declaration found: {name}"
            )));
        }
        names.push(name);
        if function.get("parameters").is_some() && function.get("parametersJsonSchema").is_some() {
            return Err(invalid(format!(
                "{at}: parameters and parameters_json_schema are mutually exclusive."
            )));
        }
        let parameters = function.get("parameters");
        let is_empty = parameters.is_some_and(|schema| {
            let properties = schema.get("properties").and_then(Value::as_object);
            schema["type"]
                .as_str()
                .is_some_and(|kind| kind.eq_ignore_ascii_case("object"))
                && properties.is_none_or(Map::is_empty)
        });
        if is_empty {
            return Err(invalid(format!(
                "* GenerateContentRequest.{at}.parameters.properties: should be non-empty for OBJECT type"
            )));
        }
        let schema = function.get("parametersJsonSchema");
        if schema
            .is_some_and(|schema| schema["type"] != "object" || schema.get("$schema").is_some())
        {
            return Err(invalid(format!(
                "* GenerateContentRequest.{at}.parameters_json_schema: must be a schema of an object"
            )));
        }
    }
    for (index, tool) in list(body, "tools").iter().enumerate() {
        if tool.as_object().is_none_or(Map::is_empty) {
            return Err(invalid(format!(
                "* GenerateContentRequest.tools[{index}]: required oneof field 'type' must have one initialized field"
            )));
        }
    }
    let built_in = built_in(body);
    if built_in.contains(&"googleSearchRetrieval") && !model.starts_with("gemini-1.5") {
        return Err(invalid(
            "google_search_retrieval is not supported. Please use google_search tool instead.",
        ));
    }
    if built_in.is_empty() || names.is_empty() {
        return Ok(());
    }
    if !is_new {
        return Err(invalid(format!(
            "Built-in tools ({{{}}}) and Function Calling cannot be combined in the same request. Please choose one of them.",
            built_in.join(", ")
        )));
    }
    if !mixes(body) {
        return Err(invalid(
            "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with Function calling.",
        ));
    }
    Ok(())
}

fn tool_config(body: &Object, is_new: bool) -> Check {
    let Some(config) = get(body, "toolConfig") else {
        return Ok(());
    };
    if mixes(body) && !is_new {
        return Err(invalid(
            "Tool call context circulation is not enabled for this model.",
        ));
    }
    let Some(calling) = config.get("functionCallingConfig") else {
        return Ok(());
    };
    let mode = calling["mode"].as_str().unwrap_or("AUTO");
    if mixes(body) && mode == "AUTO" {
        return Err(invalid(
            "Function calling mode AUTO is not supported with include_server_side_tool_invocations.",
        ));
    }
    let names: Vec<_> = functions(body)
        .iter()
        .filter_map(|function| function["name"].as_str())
        .collect();
    if names.is_empty() && mode != "NONE" {
        return Err(invalid(
            "Function calling config is set without function_declarations.",
        ));
    }
    let allowed = calling["allowedFunctionNames"].as_array();
    let allowed = allowed.map(Vec::as_slice).unwrap_or_default();
    if !allowed.is_empty() && !["ANY", "VALIDATED"].contains(&mode) {
        return Err(invalid(
            "* GenerateContentRequest.tool_config.function_calling_config.allowed_function_names: should be set only when function calling mode is ANY or VALIDATED",
        ));
    }
    let unknown = allowed
        .iter()
        .find(|name| !name.as_str().is_some_and(|name| names.contains(&name)));
    match unknown {
        Some(name) => Err(invalid(format!(
            "allowed_function_names: {name} is not in function_declarations."
        ))),
        None => Ok(()),
    }
}

fn config(body: &Object, model: &str, is_new: bool) -> Check {
    let Some(config) = get(body, "generationConfig").and_then(Value::as_object) else {
        return Ok(());
    };
    let penalty = ["presencePenalty", "frequencyPenalty"];
    if is_new && penalty.iter().any(|name| config.contains_key(*name)) {
        return Err(invalid("Penalty is not enabled for this model"));
    }
    for name in ["candidateCount", "maxOutputTokens"] {
        if config.get(name).is_some_and(|count| count == 0) {
            return Err(invalid(format!(
                "* GenerateContentRequest.generation_config.{name}: must be at least 1."
            )));
        }
    }
    if list(config, "stopSequences").iter().any(|stop| stop == "") {
        return Err(invalid(
            "* GenerateContentRequest.generation_config.stop_sequences: must not be empty.",
        ));
    }
    if config.contains_key("logprobs") && config.get("responseLogprobs").is_none_or(|on| on != true)
    {
        return Err(invalid(
            "logprobs requires response_logprobs to be set to true.",
        ));
    }
    let has_schema = ["responseSchema", "responseJsonSchema"]
        .iter()
        .any(|name| config.contains_key(*name));
    let mime = text(config, "responseMimeType").unwrap_or("text/plain");
    if has_schema && mime != "application/json" {
        return Err(invalid(
            "Unsupported response mime type with response schema: it should be application/json.",
        ));
    }
    if mime == "application/json" && !is_new && !built_in(body).is_empty() {
        return Err(invalid(
            "Tool use with a response mime type: 'application/json' is unsupported",
        ));
    }
    thinking(config, model, is_new)
}

fn thinking(config: &Object, model: &str, is_new: bool) -> Check {
    let Some(thinking) = get(config, "thinkingConfig") else {
        return Ok(());
    };
    let budget = thinking.get("thinkingBudget").and_then(Value::as_i64);
    let level = thinking.get("thinkingLevel").and_then(Value::as_str);
    match (budget, level) {
        (Some(_), Some(_)) => Err(invalid(
            "You can only set only one of thinking budget and thinking level.",
        )),
        (Some(_), None) if is_new && !model.starts_with("gemini-3-") => {
            Err(invalid("Thinking budget is not supported for this model."))
        }
        (Some(0..=127), None) if model.contains("2.5-pro") => Err(invalid(
            "Budget is invalid. This model only works in thinking mode.",
        )),
        (None, Some(_)) if !is_new => {
            Err(invalid("Thinking level is not supported for this model."))
        }
        (None, Some("MINIMAL")) if !model.contains("flash") => Err(invalid(
            "Thinking level MINIMAL is not supported for this model.",
        )),
        _ => Ok(()),
    }
}

/// Images and documents of a content, in words; none that is broken.
pub(super) fn media(part: &Value) -> Option<Check<String>> {
    if let Some(blob) = part.get("inlineData") {
        let (mime, data) = (blob["mimeType"].as_str()?, blob["data"].as_str()?);
        return Some(media::base64(mime, data).map_err(|refusal: Refusal| {
            invalid(format!(
                "Unable to process input image. {}",
                refusal.message
            ))
        }));
    }
    let uri = part.pointer("/fileData/fileUri")?.as_str()?;
    Some(
        if uri.starts_with("https://") || uri.starts_with("files/") {
            Ok(format!("what is at {uri}"))
        } else {
            Err(invalid(format!("Invalid or unsupported file uri: {uri}")))
        },
    )
}
