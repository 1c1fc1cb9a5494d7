//! What whole answers and chunks begin with.

use bytes::{BufMut, BytesMut};

use crate::codec::write;
use crate::format::raw::RawStr;

/// Writes the answer's id in OpenAI's spelling; one made of the time where the provider gave none.
pub(in crate::convert) fn write_id(out: &mut BytesMut, id: Option<RawStr<'_>>, now: u64) {
    out.extend_from_slice(b"\"chatcmpl-");
    let id = id.map(RawStr::content).filter(|id| fits(id));
    match id {
        Some(id) => out.extend_from_slice(id.strip_prefix("msg_").unwrap_or(id).as_bytes()),
        None => write::uint(out, now),
    }
    out.put_u8(b'"');
}

/// Writes the model's id.
pub(in crate::convert) fn write_model(out: &mut BytesMut, model: Option<RawStr<'_>>) {
    let model = model.filter(|model| fits(model.content()));
    out.extend_from_slice(model.map_or("\"\"", RawStr::json).as_bytes());
}

/// Every chunk of a stream repeats id and model: an absurdly long one would multiply the stream.
fn fits(id: &str) -> bool {
    !id.is_empty() && id.len() <= 1024
}
