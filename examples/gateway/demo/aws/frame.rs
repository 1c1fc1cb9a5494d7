//! Messages of `application/vnd.amazon.eventstream`, as AWS services send them.

use serde_json::Value;

/// The content type of a stream of these.
pub(crate) const MEDIA: &str = "application/vnd.amazon.eventstream";

/// An event with this JSON.
pub(crate) fn event(name: &str, payload: &Value) -> Vec<u8> {
    message(
        &[
            (":event-type", name),
            (":content-type", "application/json"),
            (":message-type", "event"),
        ],
        payload.to_string().as_bytes(),
    )
}

/// An error that the service's definition knows; the last message of its stream.
pub(crate) fn exception(name: &str, payload: &Value) -> Vec<u8> {
    message(
        &[
            (":exception-type", name),
            (":content-type", "application/json"),
            (":message-type", "exception"),
        ],
        payload.to_string().as_bytes(),
    )
}

/// An error that it does not know.
pub(crate) fn error(code: &str, text: &str) -> Vec<u8> {
    message(
        &[
            (":error-code", code),
            (":error-message", text),
            (":message-type", "error"),
        ],
        b"",
    )
}

/// A message: lengths, their checksum, headers, payload, checksum of it all.
fn message(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    for (name, value) in headers {
        head.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        head.extend_from_slice(name.as_bytes());
        // Type 7, a text.
        head.push(7);
        head.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        head.extend_from_slice(value.as_bytes());
    }
    let size = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let mut message = Vec::new();
    message.extend_from_slice(&size(head.len() + payload.len() + 16));
    message.extend_from_slice(&size(head.len()));
    let sum = crc32fast::hash(&message);
    message.extend_from_slice(&sum.to_be_bytes());
    message.extend_from_slice(&head);
    message.extend_from_slice(payload);
    let sum = crc32fast::hash(&message);
    message.extend_from_slice(&sum.to_be_bytes());
    message
}

/// How a message may be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    /// A byte of the payload changed on its way.
    Payload,
    /// The checksum of the lengths is wrong.
    Prelude,
    /// A length that nobody would send, with the right checksum.
    Length,
}

/// Breaks a message.
pub(crate) fn damage(mut message: Vec<u8>, how: Damage) -> Vec<u8> {
    match how {
        Damage::Payload => {
            let at = message.len().saturating_sub(6);
            if let Some(byte) = message.get_mut(at) {
                *byte ^= 0x20;
            }
        }
        Damage::Prelude => {
            if let Some(byte) = message.get_mut(9) {
                *byte ^= 0x01;
            }
        }
        Damage::Length => {
            message.splice(..4, u32::MAX.to_be_bytes());
            let sum = crc32fast::hash(message.get(..8).unwrap_or_default());
            message.splice(8..12, sum.to_be_bytes());
        }
    }
    message
}
