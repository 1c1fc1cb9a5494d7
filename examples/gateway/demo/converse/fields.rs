//! What each family takes in the configuration of a request and in the fields that are its own.

use serde_json::{Map, Value};

use super::super::aws::validation;
use super::super::check::{Check, Object, Refusal, get, list};
use super::check::unsupported;
use super::claude;
use super::models::{Family, Kind};

const EFFORTS: &[&str] = &["low", "medium", "high"];

/// Refuses the configuration that the service or the family would.
pub(super) fn check(body: &Object, model: &str, family: &Family) -> Check {
    limits(body, family)?;
    paths(body)?;
    output(body, family)?;
    let empty = Map::new();
    let own = get(body, "additionalModelRequestFields")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    match family.kind {
        Kind::Claude => claude::check(body, model, own),
        Kind::Nova => members(own, &["inferenceConfig"]).and_then(|()| top_k(own)),
        Kind::Nova2 => {
            members(own, &["inferenceConfig", "reasoningConfig"])?;
            top_k(own)?;
            nova_reasoning(body, own)
        }
        Kind::GptOss => {
            members(own, &["reasoning_effort"])?;
            word(own, "reasoning_effort", EFFORTS)
        }
        Kind::OpenAi => reasoning(own, &["none", "minimal", "low", "medium", "high", "xhigh"]),
        Kind::Sealed => reasoning(own, EFFORTS),
        Kind::DeepSeek => members(own, &["reasoning_effort"]),
        Kind::R1 | Kind::Other => members(own, &[]),
    }
}

/// The model's own words for a member that it does not know.
pub(super) fn extra(name: &str) -> Refusal {
    returned(&format!("{name}: Extra inputs are not permitted"))
}

/// What the model says, in the words of the service.
pub(super) fn returned(message: &str) -> Refusal {
    validation(format!(
        "The model returned the following errors: {message}"
    ))
}

fn members(own: &Object, known: &[&str]) -> Check {
    match own.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(extra(name)),
        None => Ok(()),
    }
}

fn word(object: &Object, name: &str, words: &[&str]) -> Check {
    match object.get(name) {
        Some(value) if !value.as_str().is_some_and(|value| words.contains(&value)) => {
            Err(returned(&format!(
                "{name}: Input should be '{}'",
                words.join("' or '")
            )))
        }
        _ => Ok(()),
    }
}

fn reasoning(own: &Object, efforts: &[&str]) -> Check {
    members(own, &["reasoning"])?;
    let Some(reasoning) = own.get("reasoning") else {
        return Ok(());
    };
    let Some(reasoning) = reasoning.as_object() else {
        return Err(returned("reasoning: Input should be an object"));
    };
    members(reasoning, &["effort"])?;
    word(reasoning, "effort", efforts)
}

fn top_k(own: &Object) -> Check {
    let Some(config) = own.get("inferenceConfig") else {
        return Ok(());
    };
    let fits = config.as_object().is_some_and(|config| {
        config.len() == 1
            && config
                .get("topK")
                .and_then(Value::as_u64)
                .is_some_and(|top| (1..=128).contains(&top))
    });
    if fits {
        Ok(())
    } else {
        Err(validation(
            "Malformed input request: #/inferenceConfig: only topK from 1 to 128 is permitted here, please reformat your input and try again.",
        ))
    }
}

fn nova_reasoning(body: &Object, own: &Object) -> Check {
    let Some(config) = own.get("reasoningConfig") else {
        return Ok(());
    };
    let malformed = || {
        validation(
            "Malformed input request: #/reasoningConfig: type and maxReasoningEffort are required, please reformat your input and try again.",
        )
    };
    let config = config.as_object().ok_or_else(malformed)?;
    members(config, &["type", "maxReasoningEffort"])?;
    let effort = get(config, "maxReasoningEffort").and_then(Value::as_str);
    match (config.get("type").and_then(Value::as_str), effort) {
        (Some("disabled"), None) => Ok(()),
        (Some("enabled"), Some(effort)) if EFFORTS.contains(&effort) => {
            let inference = body.get("inferenceConfig");
            let set = ["maxTokens", "temperature", "topP"]
                .into_iter()
                .find(|name| inference.is_some_and(|inference| inference.get(name).is_some()));
            match set.filter(|_| effort == "high") {
                Some(name) => Err(validation(format!(
                    "The {name} field must not be set when maxReasoningEffort is high."
                ))),
                None => Ok(()),
            }
        }
        _ => Err(malformed()),
    }
}

fn limits(body: &Object, family: &Family) -> Check {
    let Some(config) = get(body, "inferenceConfig").and_then(Value::as_object) else {
        return Ok(());
    };
    let tokens = get(config, "maxTokens").and_then(Value::as_u64);
    // Claude's limit is the model's to tell.
    if family.kind != Kind::Claude && tokens.is_some_and(|tokens| tokens > family.max_tokens) {
        return Err(validation(format!(
            "The maximum tokens you requested exceeds the model limit of {}. Try again with a maximum tokens value that is lower than {}.",
            family.max_tokens, family.max_tokens
        )));
    }
    if family.kind == Kind::OpenAi && tokens.is_some_and(|tokens| tokens < 16) {
        return Err(returned(
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16.",
        ));
    }
    match list(config, "stopSequences")
        .iter()
        .find(|stop| stop.as_str().is_some_and(|stop| stop.trim().is_empty()))
    {
        Some(_) if family.kind == Kind::Claude => Err(returned(
            "stop_sequences: each stop sequence must contain non-whitespace",
        )),
        _ => Ok(()),
    }
}

/// Pointers into the model's own answer.
fn paths(body: &Object) -> Check {
    let paths = list(body, "additionalModelResponseFieldPaths");
    match paths
        .iter()
        .find(|path| !path.as_str().is_some_and(|path| path.starts_with('/')))
    {
        Some(path) => Err(validation(format!(
            "The additionalModelResponseFieldPaths value {path} is not a JSON pointer."
        ))),
        None => Ok(()),
    }
}

fn output(body: &Object, family: &Family) -> Check {
    let Some(config) = get(body, "outputConfig") else {
        return Ok(());
    };
    if config.get("effort").is_some() && family.kind != Kind::Claude {
        return Err(unsupported("the outputConfig.effort field"));
    }
    let Some(schema) = config.pointer("/textFormat/structure/jsonSchema/schema") else {
        return Ok(());
    };
    if !family.structured {
        return Err(unsupported("the outputConfig.textFormat field"));
    }
    let schema = schema.as_str().unwrap_or_default();
    match serde_json::from_str::<Value>(schema) {
        Ok(Value::Object(_)) => Ok(()),
        _ => Err(validation(
            "The schema field at outputConfig.textFormat.structure.jsonSchema is no JSON object.",
        )),
    }
}
