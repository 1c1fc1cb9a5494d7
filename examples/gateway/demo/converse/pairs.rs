//! Calls of tools and their results.

use serde_json::Value;

use super::super::aws::validation;
use super::super::check::{Check, Object, get, list};
use super::check::{blocks, kind};
use super::models::Family;

/// Ids of the blocks of a kind.
fn ids<'a>(message: &'a Value, wanted: &str) -> Vec<&'a str> {
    let of_kind = blocks(message).iter().filter(|block| kind(block) == wanted);
    of_kind
        .filter_map(|block| block[wanted]["toolUseId"].as_str())
        .collect()
}

/// Each call is answered at the start of the next user message, and nothing else is.
pub(super) fn check(body: &Object, family: &Family) -> Check {
    let messages = list(body, "messages");
    let messages: Vec<_> = messages
        .iter()
        .enumerate()
        .filter(|(_, message)| message["role"] != "system")
        .collect();
    let uses_tools = messages.iter().any(|(_, message)| {
        blocks(message)
            .iter()
            .any(|block| matches!(kind(block), "toolUse" | "toolResult"))
    });
    if uses_tools && !family.tools {
        return Err(validation("This model doesn't support tool use."));
    }
    if uses_tools && get(body, "toolConfig").is_none() {
        return Err(validation(
            "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
        ));
    }
    let mut open: Vec<&str> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for (index, message) in messages {
        let results = ids(message, "toolResult");
        let leading = blocks(message)
            .iter()
            .take_while(|block| kind(block) == "toolResult")
            .count();
        if leading < results.len() {
            return Err(validation(format!(
                "The toolResult blocks at messages.{index}.content must come before its other blocks."
            )));
        }
        let mut missing = open.clone();
        for id in &results {
            let Some(at) = missing.iter().position(|call| call == id) else {
                return Err(validation(format!(
                    "The number of toolResult blocks at messages.{index}.content exceeds the number of toolUse blocks of previous turn: {id}."
                )));
            };
            missing.remove(at);
        }
        if !missing.is_empty() {
            return Err(validation(format!(
                "Expected toolResult blocks at messages.{index}.content for the following Ids: {}",
                missing.join(", ")
            )));
        }
        open = ids(message, "toolUse");
        if let Some(id) = open.iter().find(|id| seen.contains(id)) {
            return Err(validation(format!(
                "The model returned the following errors: `tool_use` ids must be unique: {id}"
            )));
        }
        seen.extend(&open);
    }
    if open.is_empty() {
        Ok(())
    } else {
        Err(validation(format!(
            "Expected toolResult blocks for the following Ids: {}",
            open.join(", ")
        )))
    }
}
