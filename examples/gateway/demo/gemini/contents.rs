//! The turns of a conversation: which parts stand where, calls and responses, signatures.

use serde_json::{Map, Value, json};

use super::super::check::{Check, Object, get, list};
use super::super::shape::standard;
use super::{check, invalid, signature};

/// What a part may hold; exactly one of these.
const DATA: &[&str] = &[
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
];

/// The parts of a content.
pub(super) fn parts(content: &Value) -> &[Value] {
    content["parts"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
}

fn of<'a>(content: &'a Value, name: &str) -> Vec<&'a Value> {
    parts(content)
        .iter()
        .filter_map(|part| part.get(name))
        .collect()
}

/// Refuses contents that the API would.
pub(super) fn check(body: &Object, model: &str) -> Check {
    let is_new = signature::signs(model);
    let contents = list(body, "contents");
    if contents.is_empty() {
        return Err(invalid(
            "* GenerateContentRequest.contents: contents is not specified",
        ));
    }
    if let Some(system) = get(body, "systemInstruction")
        && parts(system)
            .iter()
            .any(|part| part.get("text").is_none_or(|text| text == ""))
    {
        return Err(invalid("System instruction parts must be non-empty text."));
    }
    for (index, content) in contents.iter().enumerate() {
        one(content, index, is_new)?;
    }
    order(contents, is_new)?;
    if is_new {
        signatures(contents)?;
    }
    Ok(())
}

fn one(content: &Value, index: usize, is_new: bool) -> Check {
    let role = content["role"].as_str().unwrap_or("user");
    if !["user", "model"].contains(&role) {
        return Err(invalid("Please use a valid role: user, model."));
    }
    let parts = parts(content);
    if parts.is_empty() {
        return Err(invalid(
            "* GenerateContentRequest.contents: contents.parts must not be empty.",
        ));
    }
    for (position, part) in parts.iter().enumerate() {
        let at = format!("contents[{index}].parts[{position}]");
        let held: Vec<_> = DATA
            .iter()
            .filter(|name| part.get(**name).is_some())
            .collect();
        // A text may be empty where it carries a signature.
        let is_blank = part.get("text").is_some_and(|text| text == "")
            && part.get("thoughtSignature").is_none();
        if held.is_empty() || is_blank {
            return Err(invalid(format!(
                "* GenerateContentRequest.{at}.data: required oneof field 'data' must have one initialized field"
            )));
        }
        if held.len() > 1 {
            return Err(invalid(format!(
                "Invalid value at '{at}' (oneof), oneof field 'data' is already set. Cannot set '{}'",
                held.last().map_or("", |name| name)
            )));
        }
        let is_users = part.get("functionResponse").is_some();
        let is_models = part.get("functionCall").is_some() || signature::is_step(part);
        if (is_users && role != "user") || (is_models && role != "model") {
            return Err(invalid(format!(
                "{at}: a content of the role {role} cannot hold this part."
            )));
        }
        if let Some(media) = check::media(part) {
            media?;
        }
        let media = part.pointer("/functionResponse/parts");
        for media in media.and_then(Value::as_array).into_iter().flatten() {
            if !is_new {
                return Err(invalid(format!(
                    "Multimodal function responses are not supported for this model: {at}."
                )));
            }
            check::media(media).unwrap_or(Ok(String::new()))?;
        }
        let has_id = ["functionCall", "functionResponse"]
            .iter()
            .any(|name| part.get(name).is_some_and(|call| call.get("id").is_some()));
        if has_id && !is_new {
            return Err(invalid(format!(
                "Function call ids are not supported for this model: {at}."
            )));
        }
    }
    let responses = of(content, "functionResponse").len();
    if responses > 0 && responses < parts.len() {
        return Err(invalid(format!(
            "contents[{index}]: function response parts cannot be mixed with other parts."
        )));
    }
    Ok(())
}

/// A call comes after the user's words or a response, and the responses of all its calls come next.
fn order(contents: &[Value], is_new: bool) -> Check {
    let mut open: Vec<&Value> = Vec::new();
    let mut last = "model";
    for content in contents {
        let role = content["role"].as_str().unwrap_or("user");
        let calls = of(content, "functionCall");
        let responses = of(content, "functionResponse");
        if last == "model" && role == "model" {
            return Err(invalid(
                "Please ensure that function call turn comes immediately after a user turn or after a function response turn.",
            ));
        }
        if responses.len() != open.len() {
            return Err(invalid(
                "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.",
            ));
        }
        for (call, response) in open.iter().zip(&responses) {
            let is_same = |name: &str| call.get(name) == response.get(name);
            if !is_same("name") || (is_new && !is_same("id")) {
                return Err(invalid(format!(
                    "Please ensure that function response parts match their function calls: {} does not match {}.",
                    response["name"], call["name"]
                )));
            }
        }
        last = role;
        open = calls;
    }
    if open.is_empty() {
        Ok(())
    } else {
        Err(invalid(
            "Please ensure that function call turns are followed by function response turns.",
        ))
    }
}

/// Each step of the current turn must bring its signature back, and with it what the model did by itself before.
fn signatures(contents: &[Value]) -> Check {
    let is_question = |content: &Value| {
        content["role"].as_str().unwrap_or("user") == "user"
            && of(content, "functionResponse").is_empty()
    };
    let start = contents
        .iter()
        .rposition(is_question)
        .map_or(0, |at| at + 1);
    for (index, content) in contents.iter().enumerate().skip(start) {
        let steps: Vec<_> = parts(content)
            .iter()
            .take_while(|part| part.get("functionCall").is_none())
            .filter(|part| signature::is_step(part))
            .collect();
        let Some(part) = parts(content)
            .iter()
            .find(|part| part.get("functionCall").is_some())
        else {
            continue;
        };
        let call = &part["functionCall"];
        let name = call["name"].as_str().unwrap_or_default();
        let arguments = call.get("args").cloned().unwrap_or(json!(Map::new()));
        match part.get("thoughtSignature").and_then(Value::as_str) {
            None => {
                return Err(invalid(format!(
                    "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly. Function call `default_api:{name}`, position {index}."
                )));
            }
            Some(given)
                if given != signature::SKIP
                    && standard(given) != signature::sign(name, &arguments, &steps) =>
            {
                return Err(invalid("Corrupted thought signature."));
            }
            Some(_) => {}
        }
    }
    Ok(())
}
