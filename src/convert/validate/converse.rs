//! What Converse demands of a request: its shapes, and the rules that the service checks beyond them.

use std::collections::HashSet;

use serde_json::{Map, Value};

type Checked = Result<(), String>;

/// Whether the service would take the body, as far as it can be told without a model.
pub(crate) fn validate(body: &Value) -> Checked {
    let body = object(body, "body")?;
    only(
        body,
        &[
            "messages",
            "system",
            "inferenceConfig",
            "toolConfig",
            "guardrailConfig",
            "additionalModelRequestFields",
            "additionalModelResponseFieldPaths",
            "requestMetadata",
            "performanceConfig",
            "outputConfig",
            "serviceTier",
        ],
    )?;
    let tools = body.get("toolConfig").map(tool_config).transpose()?;
    let points = messages(&body["messages"], tools.as_ref())?
        + body.get("system").map_or(Ok(0), system)?
        + tools.map_or(0, |tools| tools.points);
    if points > 4 {
        return Err(format!("{points} cache points"));
    }
    if let Some(config) = body.get("inferenceConfig") {
        let config = object(config, "inferenceConfig")?;
        only(
            config,
            &["maxTokens", "temperature", "topP", "stopSequences"],
        )?;
        if config
            .get("maxTokens")
            .is_some_and(|tokens| tokens.as_u64().unwrap_or(0) < 1)
        {
            return Err("maxTokens".to_owned());
        }
        let stops = config.get("stopSequences").map_or(&[][..], list);
        if stops
            .iter()
            .any(|stop| stop.as_str().is_none_or(str::is_empty))
        {
            return Err("stopSequences".to_owned());
        }
    }
    for key in [
        "additionalModelRequestFields",
        "requestMetadata",
        "outputConfig",
        "serviceTier",
    ] {
        if let Some(value) = body.get(key)
            && object(value, key)?.is_empty()
        {
            return Err(format!("empty {key}"));
        }
    }
    let own = &body
        .get("additionalModelRequestFields")
        .unwrap_or(&Value::Null)["tool_choice"];
    let chosen = body
        .get("toolConfig")
        .is_some_and(|config| config.get("toolChoice").is_some());
    if chosen && own.get("type").is_some() {
        return Err("two choices of tool".to_owned());
    }
    Ok(())
}

fn only(object: &Map<String, Value>, known: &[&str]) -> Checked {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(format!("unknown member {key}")),
        None => Ok(()),
    }
}

fn object<'v>(value: &'v Value, what: &str) -> Result<&'v Map<String, Value>, String> {
    value
        .as_object()
        .ok_or_else(|| format!("{what} is no object"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The one member of a union.
fn union(value: &Value) -> Result<(&str, &Value), String> {
    let members = object(value, "union")?;
    match members.iter().next() {
        Some((kind, inner)) if members.len() == 1 => Ok((kind, inner)),
        _ => Err(format!("no union: {value}")),
    }
}

fn matches(text: &Value, most: usize, also: &str) -> bool {
    text.as_str().is_some_and(|text| {
        (1..=most).contains(&text.len())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || also.contains(c))
    })
}

fn point(value: &Value) -> Checked {
    let point = object(value, "cachePoint")?;
    only(point, &["type", "ttl"])?;
    let ttl = point
        .get("ttl")
        .map_or("5m", |ttl| ttl.as_str().unwrap_or_default());
    if point["type"] == "default" && ["5m", "1h"].contains(&ttl) {
        Ok(())
    } else {
        Err(format!("cache point {value}"))
    }
}

struct Tools {
    points: usize,
}

fn tool_config(config: &Value) -> Result<Tools, String> {
    let config = object(config, "toolConfig")?;
    only(config, &["tools", "toolChoice"])?;
    let mut points = 0;
    let mut names = HashSet::new();
    for tool in list(&config["tools"]) {
        match union(tool)? {
            ("cachePoint", inner) => {
                point(inner)?;
                points += 1;
            }
            ("systemTool", inner) if matches(&inner["name"], 64, "_-") => {}
            ("toolSpec", spec) => {
                only(
                    object(spec, "toolSpec")?,
                    &["name", "description", "inputSchema", "strict"],
                )?;
                if !matches(&spec["name"], 64, "_-") || !names.insert(spec["name"].clone()) {
                    return Err(format!("tool name {}", spec["name"]));
                }
                let schema = &spec["inputSchema"]["json"];
                if object(schema, "schema")?.get("type") != Some(&Value::from("object")) {
                    return Err(format!("schema {schema}"));
                }
                if spec
                    .get("description")
                    .is_some_and(|text| text.as_str().is_none_or(str::is_empty))
                {
                    return Err("empty description".to_owned());
                }
            }
            (kind, _) => return Err(format!("tool {kind}")),
        }
    }
    if list(&config["tools"]).len() == points {
        return Err("no tools".to_owned());
    }
    if let Some(choice) = config.get("toolChoice") {
        match union(choice)? {
            ("auto" | "any", inner) if object(inner, "choice")?.is_empty() => {}
            ("tool", inner) if names.contains(&inner["name"]) => {}
            _ => return Err(format!("toolChoice {choice}")),
        }
    }
    Ok(Tools { points })
}

fn blank(text: &Value) -> bool {
    text.as_str().is_none_or(|text| text.trim().is_empty())
}

fn system(system: &Value) -> Result<usize, String> {
    let mut points = 0;
    for (at, block) in list(system).iter().enumerate() {
        match union(block)? {
            ("text", text) if !blank(text) => {}
            ("cachePoint", inner) if at > 0 => {
                point(inner)?;
                points += 1;
            }
            _ => return Err(format!("system[{at}]: {block}")),
        }
    }
    if list(system).is_empty() {
        return Err("empty system".to_owned());
    }
    Ok(points)
}

fn messages(messages: &Value, tools: Option<&Tools>) -> Result<usize, String> {
    let mut open: HashSet<Value> = HashSet::new();
    let mut documents = HashSet::new();
    let mut points = 0;
    let mut expected = "user";
    let messages = list(messages);
    if messages.is_empty() {
        return Err("no messages".to_owned());
    }
    for (at, message) in messages.iter().enumerate() {
        only(object(message, "message")?, &["role", "content"])?;
        let role = message["role"].as_str().unwrap_or_default();
        if role == "system" {
            if !open.is_empty() || list(&message["content"]).is_empty() {
                return Err(format!("{at}: system"));
            }
            continue;
        }
        if role != expected {
            return Err(format!("{at}: {role} instead of {expected}"));
        }
        expected = if role == "user" { "assistant" } else { "user" };
        let content = list(&message["content"]);
        let mut before = "";
        let mut answered = HashSet::new();
        for block in content {
            let (kind, inner) = union(block)?;
            match kind {
                "text" if blank(inner) => return Err(format!("{at}: blank text")),
                "text" => {}
                "cachePoint" => {
                    if ["", "cachePoint", "reasoningContent"].contains(&before) {
                        return Err(format!("{at}: cache point after {before:?}"));
                    }
                    point(inner)?;
                    points += 1;
                }
                "toolUse" if role == "assistant" => {
                    only(object(inner, kind)?, &["toolUseId", "name", "input"])?;
                    if tools.is_none() || !matches(&inner["name"], 64, "_-") {
                        return Err(format!("{at}: {block} without toolConfig"));
                    }
                    object(&inner["input"], "input")?;
                    let id = &inner["toolUseId"];
                    if !matches(id, 64, "_.:-") || !open.insert(id.clone()) {
                        return Err(format!("{at}: id {id}"));
                    }
                }
                "toolResult" if role == "user" => {
                    only(object(inner, kind)?, &["toolUseId", "content", "status"])?;
                    let id = inner["toolUseId"].clone();
                    if !["", "toolResult", "cachePoint"].contains(&before)
                        || !open.contains(&id)
                        || !answered.insert(id)
                    {
                        return Err(format!("{at}: {block}"));
                    }
                    let inside = list(&inner["content"]);
                    if inside.is_empty() {
                        return Err(format!("{at}: empty result"));
                    }
                    for block in inside {
                        match union(block)? {
                            ("text", text) if !blank(text) => {}
                            (kind @ ("image" | "document" | "searchResult"), inner) => {
                                media(kind, inner, &mut documents)?;
                            }
                            _ => return Err(format!("{at}: result holds {block}")),
                        }
                    }
                }
                "image" | "document" | "searchResult" | "audio" if role == "user" => {
                    media(kind, inner, &mut documents)?;
                }
                "reasoningContent" if role == "assistant" => {
                    if ["toolUse"].contains(&before) && at + 1 == messages.len() {
                        return Err(format!("{at}: reasoning after a call"));
                    }
                    reasoning(inner)?;
                }
                _ => return Err(format!("{at}: {block} of the {role}")),
            }
            if kind != "cachePoint" || before != "toolResult" {
                before = kind;
            }
        }
        if content.is_empty() {
            return Err(format!("{at}: empty"));
        }
        let has = |kind: &str| content.iter().any(|block| block.get(kind).is_some());
        if has("document") && !has("text") {
            return Err(format!("{at}: a document without text"));
        }
        if role == "user" {
            if answered != open {
                return Err(format!("{at}: calls without results"));
            }
            open.clear();
        }
    }
    if open.is_empty() {
        Ok(points)
    } else {
        Err("calls at the end".to_owned())
    }
}

fn reasoning(inner: &Value) -> Checked {
    match union(inner)? {
        ("reasoningText", text) => {
            only(object(text, "reasoningText")?, &["text", "signature"])?;
            if text["text"].is_string() && !blank(&text["signature"]) {
                return Ok(());
            }
        }
        ("redactedContent", content) if base64(content) => return Ok(()),
        _ => {}
    }
    Err(format!("reasoning {inner}"))
}

fn base64(text: &Value) -> bool {
    use base64::Engine as _;
    use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
    // As Java's decoder, the bits of the last letter that are in no byte may be any.
    let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    let decoder = GeneralPurpose::new(&base64::alphabet::STANDARD, config);
    let decoded = decoder.decode(text.as_str().unwrap_or("!"));
    decoded.is_ok_and(|bytes| !bytes.is_empty())
}

fn media(kind: &str, inner: &Value, documents: &mut HashSet<Value>) -> Checked {
    let members: &[&str] = match kind {
        "image" | "audio" => &["format", "source"],
        "document" => &["format", "name", "source", "context", "citations"],
        _ => &["source", "title", "content", "citations"],
    };
    only(object(inner, kind)?, members)?;
    if kind == "searchResult" {
        let texts = list(&inner["content"]);
        let fits = inner["source"].is_string()
            && inner["title"].is_string()
            && texts
                .iter()
                .all(|text| matches!(union(text), Ok(("text", _))));
        return if fits {
            Ok(())
        } else {
            Err(format!("search result {inner}"))
        };
    }
    let fits = match union(&inner["source"])? {
        ("bytes", bytes) => base64(bytes),
        ("s3Location", location) => location["uri"].is_string(),
        ("text", text) => kind == "document" && text.is_string(),
        ("content", content) => kind == "document" && content.is_array(),
        _ => false,
    };
    if !fits {
        return Err(format!("source {}", inner["source"]));
    }
    if kind == "document" {
        let name = &inner["name"];
        let valid =
            matches(name, 200, " -()[]") && !name.as_str().unwrap_or_default().contains("  ");
        if !valid || !documents.insert(name.clone()) {
            return Err(format!("document name {name}"));
        }
    }
    Ok(())
}
