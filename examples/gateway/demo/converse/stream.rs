//! A message as the events of ConverseStream.

use serde_json::{Value, json};

use super::super::aws::{event, padding};
use super::super::reply::pieces;
use super::check::{blocks, kind};
use super::render::Turn;
use super::sealed;

/// The events that make up the answer, framed.
pub(super) fn events(turn: &Turn<'_>) -> Vec<Vec<u8>> {
    let mut events = vec![("messageStart", json!({"role": "assistant"}))];
    let mut index = 0;
    for block in turn.content() {
        index = parts(&block, index, &mut events);
    }
    let mut stop = json!({"stopReason": turn.reason()});
    for (name, value) in turn.fields() {
        stop["additionalModelResponseFields"][name] = value;
    }
    events.push(("messageStop", stop));
    events.push(("metadata", Value::Object(turn.metadata())));
    let framed = events
        .into_iter()
        .enumerate()
        .map(|(index, (name, mut payload))| {
            // Hides the length from whoever watches the line; the reader ignores it.
            payload["p"] = json!(padding(turn.seed(index)));
            event(name, &payload)
        });
    framed.collect()
}

/// Adds the events of a block, and gives the index of the next one.
fn parts(block: &Value, index: usize, events: &mut Vec<(&'static str, Value)>) -> usize {
    let cut = |value: &Value, count| pieces(value.as_str().unwrap_or_default(), count);
    // Only what has a name is begun; the others begin with their first delta.
    let mut start = None;
    let deltas: Vec<Value> = match kind(block) {
        "text" => cut(&block["text"], 5)
            .iter()
            .map(|text| json!({"text": text}))
            .collect(),
        "reasoningContent" => reasoning(&block["reasoningContent"]),
        "citationsContent" => {
            let content = &block["citationsContent"];
            let texts = blocks(content)
                .iter()
                .map(|text| json!({"text": text["text"]}));
            let citations = content["citations"].as_array().into_iter().flatten();
            let citations = citations.map(|citation| json!({"citation": citation}));
            texts.chain(citations).collect()
        }
        "toolUse" => {
            let call = &block["toolUse"];
            let mut begun = call.clone();
            if let Some(begun) = begun.as_object_mut() {
                begun.remove("input");
            }
            start = Some(json!({"toolUse": begun}));
            let input = call["input"].to_string();
            let fragments = if input == "{}" {
                Vec::new()
            } else {
                pieces(&input, 3)
            };
            let fragments = std::iter::once(String::new()).chain(fragments);
            fragments
                .map(|json| json!({"toolUse": {"input": json}}))
                .collect()
        }
        "toolResult" => {
            let result = &block["toolResult"];
            let mut begun = result.clone();
            if let Some(begun) = begun.as_object_mut() {
                begun.remove("content");
            }
            start = Some(json!({"toolResult": begun}));
            vec![json!({"toolResult": result["content"]})]
        }
        _ => Vec::new(),
    };
    if let Some(start) = start {
        events.push((
            "contentBlockStart",
            json!({"start": start, "contentBlockIndex": index}),
        ));
    }
    events.extend(deltas.into_iter().map(|delta| {
        (
            "contentBlockDelta",
            json!({"delta": delta, "contentBlockIndex": index}),
        )
    }));
    events.push(("contentBlockStop", json!({"contentBlockIndex": index})));
    index + 1
}

fn reasoning(block: &Value) -> Vec<Value> {
    let delta = |delta: Value| json!({"reasoningContent": delta});
    if let Some(sealed) = block["redactedContent"].as_str() {
        let pieces = sealed::pieces(sealed).into_iter();
        return pieces
            .map(|piece| delta(json!({"redactedContent": piece})))
            .collect();
    }
    let text = &block["reasoningText"];
    let texts = pieces(text["text"].as_str().unwrap_or_default(), 3).into_iter();
    let texts = texts.map(|text| delta(json!({"text": text})));
    let signature = text
        .get("signature")
        .map(|signature| delta(json!({"signature": signature})));
    texts.chain(signature).collect()
}
