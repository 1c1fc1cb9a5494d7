//! What Converse refuses beyond the shape of a request: the order of messages, pairs of calls and results, blank texts, what a family
//! does not take.

use serde_json::Value;

use super::super::aws::validation;
use super::super::check::{Check, Object, get, list, text};
use super::super::media;
use super::models::{Family, Kind};
use super::{cache, documents, fields, pairs};

/// Refuses what the service would, in a request whose shape is right.
pub(super) fn check(body: &Object, model: &str, family: &Family) -> Check {
    system(body)?;
    let messages = list(body, "messages");
    if messages.is_empty() {
        return Err(validation(
            "The value at messages is empty. Add a message and try again.",
        ));
    }
    let may_have_system = family.kind == Kind::Claude && super::knows_mid_system(model);
    order(messages, may_have_system)?;
    for (index, message) in messages.iter().enumerate() {
        content(message, index, family)?;
    }
    pairs::check(body, family)?;
    documents::check(messages)?;
    cache::check(body, family)?;
    tools(body, family)?;
    fields::check(body, model, family)
}

/// The blocks of a message.
pub(super) fn blocks(message: &Value) -> &[Value] {
    message["content"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// The one member of a block.
pub(super) fn kind(block: &Value) -> &str {
    let object = block.as_object();
    object
        .and_then(|object| object.keys().next())
        .map_or("", String::as_str)
}

fn blank(at: &str) -> super::super::check::Refusal {
    validation(format!(
        "The text field in the ContentBlock object at {at} is blank. Add text to the text field, and try again."
    ))
}

fn system(body: &Object) -> Check {
    for (index, block) in list(body, "system").iter().enumerate() {
        if block["text"]
            .as_str()
            .is_some_and(|text| text.trim().is_empty())
        {
            return Err(validation(format!(
                "The text field in the SystemContentBlock object at system.{index} is blank. Add text to the text field, and try again."
            )));
        }
    }
    Ok(())
}

/// The user begins, and the two take turns.
fn order(messages: &[Value], may_have_system: bool) -> Check {
    let mut last = "";
    for (index, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if role == "system" {
            if !may_have_system {
                return Err(validation(format!(
                    "1 validation error detected: Value 'system' at 'messages.{}.member.role' failed to satisfy constraint: Member must satisfy enum value set: [user, assistant]",
                    index + 1
                )));
            }
            let is_pair = blocks(&messages[index.saturating_sub(1)])
                .iter()
                .any(|block| kind(block) == "toolUse");
            if index == 0 || is_pair {
                return Err(validation(
                    "A system message may not stand first or between toolUse and toolResult blocks.",
                ));
            }
            continue;
        }
        if last.is_empty() && role != "user" {
            return Err(validation(
                "A conversation must start with a user message. Try again with a conversation that starts with a user message.",
            ));
        }
        if last == role {
            return Err(validation(
                "A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.",
            ));
        }
        last = role;
    }
    Ok(())
}

fn content(message: &Value, index: usize, family: &Family) -> Check {
    let role = message["role"].as_str().unwrap_or_default();
    let blocks = blocks(message);
    if blocks.is_empty() {
        return Err(validation(format!(
            "The content field in the Message object at messages.{index} is empty. Add a ContentBlock object to the content field and try again."
        )));
    }
    let images = blocks.iter().filter(|block| kind(block) == "image").count();
    if images > 20 {
        return Err(validation(format!(
            "The model doesn't support more than 20 images in a message; messages.{index} has {images}."
        )));
    }
    for (position, block) in blocks.iter().enumerate() {
        let at = format!("messages.{index}.content.{position}");
        let kind = kind(block);
        let is_users = matches!(
            kind,
            "image"
                | "document"
                | "toolResult"
                | "guardContent"
                | "searchResult"
                | "video"
                | "audio"
        );
        let is_assistants = matches!(kind, "toolUse" | "reasoningContent" | "citationsContent");
        if (is_users && role != "user") || (is_assistants && role != "assistant") {
            return Err(validation(format!(
                "The ContentBlock object at {at} holds {kind}, which a message of the role {role} can't contain."
            )));
        }
        match kind {
            "text"
                if block["text"]
                    .as_str()
                    .is_some_and(|text| text.trim().is_empty()) =>
            {
                return Err(blank(&at));
            }
            "image" => image(&block["image"], &at, family)?,
            "reasoningContent" => reasoning(&block["reasoningContent"], &at, family)?,
            "toolUse" if !block["toolUse"]["input"].is_object() => {
                return Err(validation(format!(
                    "The format of the value at {at}.toolUse.input is invalid. Provide a json object for the field and try again."
                )));
            }
            "toolResult" => result(&block["toolResult"], &at, family)?,
            "video" | "audio" | "toolAddition" | "toolRemoval" => {
                return Err(unsupported(&format!(
                    "the {kind} content block that you provided"
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What this family has not got.
pub(super) fn unsupported(what: &str) -> super::super::check::Refusal {
    validation(format!("This model doesn't support {what}."))
}

fn image(image: &Value, at: &str, family: &Family) -> Check {
    if !family.images {
        return Err(unsupported("the image content block that you provided"));
    }
    let format = image["format"].as_str().unwrap_or_default();
    match image["source"]["bytes"].as_str() {
        Some(bytes) => media::base64(&format!("image/{format}"), bytes)
            .map(|_| ())
            .map_err(|_| {
                validation(format!(
                    "The model returned the following errors: {at}.image.source.bytes: Image does not match the provided media type image/{format}"
                ))
            }),
        None => Ok(()),
    }
}

fn result(result: &Value, at: &str, family: &Family) -> Check {
    let parts = blocks(result);
    if parts.is_empty() {
        return Err(validation(format!(
            "The content field in the ToolResultBlock object at {at}.toolResult is empty. Add a ToolResultContentBlock object to the content field and try again."
        )));
    }
    for (index, part) in parts.iter().enumerate() {
        let at = format!("{at}.toolResult.content.{index}");
        match kind(part) {
            "text"
                if part["text"]
                    .as_str()
                    .is_some_and(|text| text.trim().is_empty()) =>
            {
                return Err(blank(&at));
            }
            "image" => image(&part["image"], &at, family)?,
            _ => {}
        }
    }
    Ok(())
}

/// Thoughts that this family gave come back as they were; the others take none. Claude's signatures are Claude's to check.
fn reasoning(block: &Value, at: &str, family: &Family) -> Check {
    let sealed = block["redactedContent"].as_str();
    match (family.kind, sealed) {
        (Kind::Claude, _) => Ok(()),
        (Kind::OpenAi | Kind::Sealed, Some(sealed)) if super::sealed::is_ours(sealed) => Ok(()),
        (Kind::OpenAi | Kind::Sealed, Some(_)) => Err(validation(format!(
            "The model returned the following errors: The encrypted content at {at} could not be verified."
        ))),
        _ => Err(unsupported(&format!(
            "the reasoningContent.{} field at {at}",
            kind(block)
        ))),
    }
}

fn tools(body: &Object, family: &Family) -> Check {
    let Some(config) = get(body, "toolConfig").and_then(Value::as_object) else {
        return Ok(());
    };
    if !family.tools {
        return Err(validation("This model doesn't support tool use."));
    }
    let mut names = Vec::new();
    for (index, tool) in list(config, "tools").iter().enumerate() {
        let at = format!("toolConfig.tools.{index}");
        let name = match kind(tool) {
            "systemTool" if !matches!(family.kind, Kind::Nova | Kind::Nova2) => {
                return Err(unsupported(&format!("the systemTool field at {at}")));
            }
            "systemTool" if tool["systemTool"]["name"] != "nova_grounding" => {
                return Err(validation(format!(
                    "The system tool at {at} does not exist."
                )));
            }
            "toolSpec" => tool["toolSpec"]["name"].as_str().unwrap_or_default(),
            _ => continue,
        };
        if names.contains(&name) {
            return Err(validation(format!(
                "The tool name {name} at {at} is used more than once."
            )));
        }
        names.push(name);
        let spec = &tool["toolSpec"];
        if spec["description"]
            .as_str()
            .is_some_and(|text| text.trim().is_empty())
        {
            return Err(validation(format!(
                "The description at {at}.toolSpec is blank."
            )));
        }
        if spec["inputSchema"]["json"]["type"] != "object" {
            return Err(validation(format!(
                "The value at {at}.toolSpec.inputSchema.json.type must be one of the following: object."
            )));
        }
        if spec["strict"] == true && family.kind != Kind::Claude {
            return Err(unsupported(&format!("the strict field at {at}.toolSpec")));
        }
    }
    let Some(choice) = get(config, "toolChoice").and_then(Value::as_object) else {
        return Ok(());
    };
    if let Some(name) = choice.get("tool").and_then(|tool| tool["name"].as_str())
        && !names.contains(&name)
    {
        return Err(validation(format!(
            "The tool {name} at toolConfig.toolChoice.tool is not in toolConfig.tools."
        )));
    }
    let forced = ["any", "tool"]
        .into_iter()
        .find(|kind| choice.contains_key(*kind));
    match forced {
        Some(kind) if !family.forces => Err(validation(format!(
            "This model doesn't support the toolConfig.toolChoice.{kind} field. Remove toolConfig.toolChoice.{kind} and try again."
        ))),
        _ => Ok(()),
    }
}

/// All texts of a message but its results', joined.
pub(super) fn said(message: &Value) -> String {
    let texts = blocks(message).iter().filter_map(|block| {
        text(block.as_object()?, "text")
            .or_else(|| block.pointer("/guardContent/text/text")?.as_str())
    });
    let texts = texts.filter(|text| !text.trim_start().starts_with("<system-reminder>"));
    texts.collect::<Vec<_>>().join("\n")
}
