//! An answer in pieces: server-sent events, or the elements of one JSON list.

use serde_json::{Value, json};

use super::super::answer::{End, Trouble};
use super::super::reply::pieces;
use super::render::Turn;

/// The pieces of the answer.
pub(super) fn pieces_of(turn: &Turn<'_>) -> Vec<Value> {
    let mut parts = Vec::new();
    for text in pieces(turn.thought().unwrap_or_default(), 2) {
        parts.push(json!({"text": text, "thought": true}));
    }
    parts.extend(turn.steps());
    parts.extend(
        pieces(&turn.text(), 4)
            .iter()
            .map(|text| json!({"text": text})),
    );
    // Each call is whole, in a piece of its own.
    parts.extend(turn.calls());
    // The end comes by itself, and with it the signature of the text.
    let mut last = json!({"text": ""});
    if let Some(signature) = turn
        .text_signature()
        .filter(|_| turn.answer.calls.is_empty())
    {
        last["thoughtSignature"] = json!(signature);
    }
    parts.push(last);
    let count = parts.len();
    let all = parts.into_iter().enumerate().map(|(index, part)| {
        let mut piece = turn.envelope();
        let mut candidate = json!({"index": 0});
        let is_last = index + 1 == count;
        if !(is_last && turn.answer.end == End::Refusal) {
            candidate["content"] = json!({"role": "model", "parts": [part]});
        }
        if is_last {
            candidate["finishReason"] = json!(turn.reason());
            // Places count through the whole text of a stream.
            for (name, value) in turn.about(0) {
                candidate[name] = value;
            }
        }
        piece["candidates"] = json!([candidate]);
        piece["usageMetadata"] = turn.usage(index as u64 + 1, count as u64);
        piece
    });
    all.collect()
}

/// The pieces with what was asked to go wrong.
pub(super) fn troubled(
    mut pieces: Vec<Value>,
    trouble: Option<Trouble>,
    error: &Value,
) -> Vec<Value> {
    let half = pieces.len().div_ceil(2);
    match trouble {
        // In a list, as this API sometimes has it.
        Some(Trouble::FirstEventError) => vec![json!([error])],
        Some(Trouble::ErrorEvent) => {
            pieces.truncate(half);
            pieces.push(error.clone());
            pieces
        }
        Some(Trouble::Cut) => {
            pieces.truncate(half);
            pieces
        }
        Some(Trouble::Overloaded | Trouble::RateLimit) | None => pieces,
    }
}

/// As server-sent events, whose lines end as Google ends them.
pub(super) fn events(pieces: &[Value]) -> Vec<Vec<u8>> {
    let events = pieces
        .iter()
        .map(|piece| format!("data: {piece}\r\n\r\n").into_bytes());
    events.collect()
}

/// As one JSON list, an element at a time.
pub(super) fn elements(pieces: &[Value]) -> Vec<Vec<u8>> {
    let count = pieces.len();
    let elements = pieces.iter().enumerate().map(|(index, piece)| {
        let start = if index == 0 { "[" } else { ",\r\n" };
        let end = if index + 1 == count { "]" } else { "" };
        format!("{start}{piece}{end}").into_bytes()
    });
    elements.collect()
}
