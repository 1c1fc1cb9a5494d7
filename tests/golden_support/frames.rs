//! The messages of a binary stream, against what the case says they are.

use bytes::{Bytes, BytesMut};
use tower_llm_gateway::codec::event_stream::{
    Decoder, LARGEST_FRAME, Message, encode_event, encode_exception,
};

use super::case::Case;
use super::json::Json;

/// Reads the stream whole and in bytes, and writes it again.
pub(crate) fn check(case: &Case, stream: &Bytes) -> Result<Vec<String>, String> {
    let json = case.json("upstream_stream.eventstream.json")?;
    let json = json.ok_or("a binary stream without its content")?;
    let expected = json.elements();
    let mut failures = Vec::new();
    for size in [stream.len(), 1] {
        let mut decoder = Decoder::new(LARGEST_FRAME);
        let (mut at, mut again) = (0, BytesMut::new());
        for mut piece in stream.chunks(size) {
            while let Some(frame) = decoder.next(&mut piece).map_err(|e| e.to_string())? {
                match expected.get(at) {
                    Some(expected) => failures.extend(differs(expected, frame.message(), at)),
                    None => failures.push(format!("message {at} is not expected")),
                }
                let written = match frame.message() {
                    Message::Event { name, payload } => encode_event(name, payload, &mut again),
                    Message::Exception { name, payload } => {
                        encode_exception(name, payload, &mut again)
                    }
                    Message::Error { .. } => Ok(()),
                };
                written.map_err(|error| error.to_string())?;
                at += 1;
            }
        }
        if at < expected.len() {
            failures.push(format!("{at} messages of {} came", expected.len()));
        }
        if !decoder.is_between_frames() {
            failures.push("the stream ends inside a message".to_owned());
        }
        if again != stream {
            failures.push("written again, the stream is another".to_owned());
        }
    }
    Ok(failures)
}

/// What is wrong with a message.
fn differs(expected: &Json, message: Message<'_>, at: usize) -> Option<String> {
    let (key, name, payload) = match message {
        Message::Event { name, payload } => ("event_type", name, payload),
        Message::Exception { name, payload } => ("exception_type", name, payload),
        Message::Error { code, .. } => return Some(format!("message {at} is the error {code}")),
    };
    if expected.get(key).and_then(Json::as_str) != Some(name) {
        return Some(format!("message {at}: {key} is {name:?}"));
    }
    let raw = expected.get("payload_raw").and_then(Json::as_str);
    if raw.is_some_and(|raw| raw.as_bytes() != payload) {
        return Some(format!("message {at}: the payload has other bytes"));
    }
    let text = |json: &Json| json.to_string();
    let read = Json::parse(payload).ok().as_ref().map(text);
    if read != expected.get("payload").map(text) {
        return Some(format!("message {at}: the payload is another"));
    }
    None
}
