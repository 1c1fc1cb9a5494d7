//! Claude behind Converse: what arrives is made a Messages request again, and the model refuses what it would refuse there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Uri};
use serde_json::{Map, Value, json};

use super::super::Incoming;
use super::super::anthropic;
use super::super::aws::{unknown_beta, validation};
use super::super::check::{Check, Object, get, list};
use super::check::{blocks, kind};
use super::documents::mime;
use super::fields::{extra, returned};
use super::models::claude_id;

/// The fields that Claude takes besides those of Converse.
const OWN: &[&str] = &[
    "thinking",
    "output_config",
    "top_k",
    "tool_choice",
    "tools",
    "anthropic_beta",
    "metadata",
];

/// Refuses what Claude would.
pub(super) fn check(body: &Object, model: &str, own: &Object) -> Check {
    if let Some(name) = own.keys().find(|name| !OWN.contains(&name.as_str())) {
        return Err(extra(name));
    }
    // Families that always think by themselves cannot be told not to, here.
    let id = claude_id(model);
    let is_off = own
        .get("thinking")
        .is_some_and(|thinking| thinking["type"] == "disabled");
    if is_off
        && ["opus-4-7", "mythos", "fable"]
            .iter()
            .any(|name| id.contains(name))
    {
        return Err(returned(
            "\"thinking.type.disabled\" is not supported for this model.",
        ));
    }
    choice(body, own)?;
    let effort = body
        .get("outputConfig")
        .and_then(|config| config.get("effort"));
    if effort.is_some()
        && own
            .get("output_config")
            .is_some_and(|config| config.get("effort").is_some())
    {
        return Err(validation("The effort is given twice."));
    }
    let mut headers = HeaderMap::new();
    headers.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
    let betas = list(own, "anthropic_beta").iter().filter_map(Value::as_str);
    if unknown_beta(betas).is_some() {
        return Err(returned("invalid beta flag"));
    }
    if own.contains_key("anthropic_beta") {
        headers.insert("anthropic-beta", HeaderValue::from_static("listed"));
    }
    let incoming = Incoming {
        uri: &Uri::from_static("/v1/messages"),
        headers: &headers,
        bytes: b"",
    };
    anthropic::check(&messages(body, model), &incoming)
        .map_err(|refusal| returned(&refusal.message))
}

/// Converse's tool choice and Claude's own must not speak at once.
fn choice(body: &Object, own: &Object) -> Check {
    let Some(choice) = own.get("tool_choice") else {
        return Ok(());
    };
    let config = get(body, "toolConfig");
    if config.is_none() && !own.contains_key("tools") {
        return Err(returned(
            "tool_choice may only be specified while providing tools.",
        ));
    }
    let is_chosen = config.is_some_and(|config| config.get("toolChoice").is_some());
    match (is_chosen, choice.get("type").is_some()) {
        (true, true) => Err(validation(
            "The additional field tool_choice.type conflicts with toolConfig.toolChoice.",
        )),
        (false, false) => Err(validation(
            "The model returned the following errors: tool_choice: missing field `type`",
        )),
        _ => Ok(()),
    }
}

/// The Messages request that Claude gets to see.
pub(super) fn messages(body: &Object, model: &str) -> Object {
    let mut request = Map::new();
    let id = claude_id(model);
    request.insert("model".to_owned(), json!(id));
    let inference = &body.get("inferenceConfig").cloned().unwrap_or_default();
    let most = anthropic::max_tokens(id).unwrap_or(4096);
    let limit = inference.get("maxTokens").cloned().unwrap_or(json!(most));
    request.insert("max_tokens".to_owned(), limit);
    let names = [
        ("temperature", "temperature"),
        ("topP", "top_p"),
        ("stopSequences", "stop_sequences"),
    ];
    for (from, to) in names {
        if let Some(value) = inference.get(from) {
            request.insert(to.to_owned(), value.clone());
        }
    }
    let system = marked(list(body, "system"), &|block| {
        Some(json!({"type": "text", "text": text_of(block)?}))
    });
    if !system.is_empty() {
        request.insert("system".to_owned(), Value::Array(system));
    }
    let turns = list(body, "messages").iter().map(
        |message| json!({"role": message["role"], "content": marked(blocks(message), &block)}),
    );
    request.insert("messages".to_owned(), turns.collect());
    tools(body, &mut request);
    own(body, &mut request);
    request
}

/// The blocks in the other format, with the cache points as marks of what they follow.
fn marked(all: &[Value], block: &dyn Fn(&Value) -> Option<Value>) -> Vec<Value> {
    let mut made: Vec<Value> = Vec::new();
    for one in all {
        match one.get("cachePoint") {
            Some(point) => {
                let mut mark = json!({"type": "ephemeral"});
                if let Some(ttl) = point.get("ttl") {
                    mark["ttl"] = ttl.clone();
                }
                if let Some(last) = made.last_mut() {
                    last["cache_control"] = mark;
                }
            }
            None => made.extend(block(one)),
        }
    }
    made
}

fn text_of(block: &Value) -> Option<&str> {
    let text = block.get("text").and_then(Value::as_str);
    text.or_else(|| block.pointer("/guardContent/text/text")?.as_str())
}

/// An id that the Messages API takes as well.
fn tool_id(id: &Value) -> String {
    id.as_str().unwrap_or_default().replace(['.', ':'], "_")
}

fn block(value: &Value) -> Option<Value> {
    Some(match kind(value) {
        "text" | "guardContent" => json!({"type": "text", "text": text_of(value)?}),
        "image" => {
            let image = &value["image"];
            let format = image["format"].as_str().unwrap_or_default();
            json!({"type": "image", "source": {
                "type": "base64", "media_type": format!("image/{format}"), "data": image["source"]["bytes"].as_str()?,
            }})
        }
        "document" => document(&value["document"]),
        "toolUse" => {
            let call = &value["toolUse"];
            json!({"type": "tool_use", "id": tool_id(&call["toolUseId"]), "name": call["name"], "input": call["input"]})
        }
        "toolResult" => {
            let result = &value["toolResult"];
            let parts: Vec<_> = blocks(result).iter().filter_map(part).collect();
            json!({
                "type": "tool_result", "tool_use_id": tool_id(&result["toolUseId"]), "content": parts,
                "is_error": result["status"] == "error",
            })
        }
        "reasoningContent" => {
            let reasoning = &value["reasoningContent"];
            if let Some(sealed) = reasoning["redactedContent"].as_str() {
                let data = STANDARD.decode(sealed).unwrap_or_default();
                json!({"type": "redacted_thinking", "data": String::from_utf8_lossy(&data)})
            } else {
                let text = &reasoning["reasoningText"];
                let signature = text.get("signature").cloned().unwrap_or(json!(""));
                json!({"type": "thinking", "thinking": text["text"], "signature": signature})
            }
        }
        "citationsContent" => {
            let texts = blocks(&value["citationsContent"])
                .iter()
                .filter_map(text_of);
            json!({"type": "text", "text": texts.collect::<String>()})
        }
        "searchResult" => search_result(&value["searchResult"]),
        _ => return None,
    })
}

fn part(value: &Value) -> Option<Value> {
    match kind(value) {
        "json" => Some(json!({"type": "text", "text": value["json"].to_string()})),
        _ => block(value),
    }
}

fn search_result(result: &Value) -> Value {
    let texts = blocks(result).iter();
    let texts: Vec<_> = texts
        .map(|text| json!({"type": "text", "text": text["text"]}))
        .collect();
    let mut block = json!({
        "type": "search_result", "source": result["source"], "title": result["title"], "content": texts,
    });
    if let Some(citations) = result.get("citations") {
        block["citations"] = citations.clone();
    }
    block
}

fn document(document: &Value) -> Value {
    let format = document["format"].as_str().unwrap_or("txt");
    let source = &document["source"];
    let source = match (source["bytes"].as_str(), source["text"].as_str()) {
        (Some(data), _) if format == "pdf" => {
            json!({"type": "base64", "media_type": mime("pdf"), "data": data})
        }
        (Some(data), _) => {
            let bytes = STANDARD.decode(data).unwrap_or_default();
            json!({"type": "text", "media_type": "text/plain", "data": String::from_utf8_lossy(&bytes)})
        }
        (None, Some(text)) => json!({"type": "text", "media_type": "text/plain", "data": text}),
        (None, None) => {
            let texts = source["content"].as_array().into_iter().flatten();
            let texts: Vec<_> = texts
                .map(|text| json!({"type": "text", "text": text["text"]}))
                .collect();
            json!({"type": "content", "content": texts})
        }
    };
    let mut block = json!({"type": "document", "source": source, "title": document["name"]});
    for name in ["context", "citations"] {
        if let Some(value) = document.get(name) {
            block[name] = value.clone();
        }
    }
    block
}

fn tools(body: &Object, request: &mut Object) {
    let config = body.get("toolConfig").cloned().unwrap_or_default();
    let all = config["tools"].as_array().cloned().unwrap_or_default();
    let made = marked(&all, &|tool| {
        let spec = tool.get("toolSpec")?;
        let mut made = json!({"name": spec["name"], "input_schema": spec["inputSchema"]["json"]});
        for name in ["description", "strict"] {
            if let Some(value) = spec.get(name) {
                made[name] = value.clone();
            }
        }
        Some(made)
    });
    if !made.is_empty() {
        request.insert("tools".to_owned(), Value::Array(made));
    }
    let choice = match config.get("toolChoice") {
        Some(choice) if choice.get("any").is_some() => json!({"type": "any"}),
        Some(choice) if choice.get("tool").is_some() => {
            json!({"type": "tool", "name": choice["tool"]["name"]})
        }
        Some(_) => json!({"type": "auto"}),
        None => return,
    };
    request.insert("tool_choice".to_owned(), choice);
}

/// The fields that are Claude's own, and the shape of its text.
fn own(body: &Object, request: &mut Object) {
    let own = body
        .get("additionalModelRequestFields")
        .and_then(Value::as_object);
    for (name, value) in own.into_iter().flatten() {
        match (name.as_str(), request.get_mut(name)) {
            ("anthropic_beta", _) => {}
            ("tools", Some(Value::Array(tools))) => {
                tools.extend(value.as_array().cloned().unwrap_or_default());
            }
            ("tool_choice", Some(Value::Object(choice))) => {
                choice.extend(value.as_object().cloned().unwrap_or_default());
            }
            _ => {
                request.insert(name.clone(), value.clone());
            }
        }
    }
    let Some(config) = body.get("outputConfig") else {
        return;
    };
    let output = request.entry("output_config").or_insert(json!({}));
    if let Some(effort) = config.get("effort") {
        output["effort"] = effort.clone();
    }
    if let Some(schema) = super::render::schema(config) {
        output["format"] = json!({"type": "json_schema", "schema": schema});
    }
}
