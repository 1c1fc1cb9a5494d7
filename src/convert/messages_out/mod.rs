//! Writing Anthropic Messages answers: whole messages, and the life cycle of a stream.
//!
//! Sources: the `Message` and `RawMessageStreamEvent` types of Anthropic's SDKs. Their accumulators want `message_start`
//! first and once, block indexes without gaps in the order of the starts, an `event:` line on every event, and one open block
//! at a time; a signature that comes again replaces the one before.
//!
//! Strings that only travel are given as raw JSON text: `json` with its quotes, `content` without them.

pub(crate) mod blocks;
mod head;
mod stop;
mod stream;
mod usage;

#[cfg(test)]
mod tests;

use bytes::{BufMut, BytesMut};

pub(crate) use head::Head;
pub(crate) use stop::Stop;
pub(crate) use stream::{Kind, MessageStream};

use crate::codec::write::Object;
use crate::usage::Usage;

/// Writes a whole message; `content` holds its blocks as JSON text, with commas between them.
pub(crate) fn write_message(
    out: &mut BytesMut,
    head: &Head,
    content: &[u8],
    stop: &Stop<'_>,
    usage: &Usage,
    service_tier: Option<&str>,
) {
    let mut message = Object::begin(out);
    head.write(&mut message);
    let blocks = message.key("content");
    blocks.put_u8(b'[');
    blocks.extend_from_slice(content);
    blocks.put_u8(b']');
    stop.write(&mut message);
    match stop {
        Stop::Refusal { .. } => {}
        _ => {
            message.raw("stop_details", "null");
        }
    }
    usage::write(message.key("usage"), usage, service_tier);
    message.end();
}

/// Writes a whole message as [`write_message`] does, but without `stop_details` where it has none.
pub(crate) fn write_plain_message(
    out: &mut BytesMut,
    head: &Head,
    content: &[u8],
    stop: &Stop<'_>,
    usage: &Usage,
    service_tier: Option<&str>,
) {
    let mut message = Object::begin(out);
    head.write(&mut message);
    let blocks = message.key("content");
    blocks.put_u8(b'[');
    blocks.extend_from_slice(content);
    blocks.put_u8(b']');
    stop.write(&mut message);
    usage::write(message.key("usage"), usage, service_tier);
    message.end();
}
