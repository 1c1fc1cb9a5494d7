//! The writer, for upstreams of tests and demonstrations: a gateway itself sends no frames.

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::decoder::{CHECKSUM, PRELUDE};
use super::header::Value;

/// A frame that cannot be written: a header's name or value, or all of it, is too long, or a name is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unencodable;

impl fmt::Display for Unencodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the frame's headers or its length cannot be written")
    }
}

impl std::error::Error for Unencodable {}

/// Appends a frame.
///
/// # Errors
///
/// [`Unencodable`], after which `out` is as it was.
pub fn encode(
    headers: &[(&str, Value<'_>)],
    payload: &[u8],
    out: &mut BytesMut,
) -> Result<(), Unencodable> {
    let mut block = BytesMut::new();
    for (name, value) in headers {
        put_header(name, value, &mut block)?;
    }
    let total = PRELUDE + block.len() + payload.len() + CHECKSUM;
    let start = out.len();
    out.reserve(total);
    out.put_u32(u32::try_from(total).map_err(|_| Unencodable)?);
    // Not over the total, which fits.
    out.put_u32(u32::try_from(block.len()).unwrap_or(u32::MAX));
    put_checksum(start, out);
    out.put_slice(&block);
    out.put_slice(payload);
    put_checksum(start, out);
    Ok(())
}

/// Appends an event with a JSON payload.
///
/// # Errors
///
/// [`Unencodable`], after which `out` is as it was.
pub fn encode_event(name: &str, payload: &[u8], out: &mut BytesMut) -> Result<(), Unencodable> {
    encode_json(":event-type", name, "event", payload, out)
}

/// Appends an exception with a JSON payload.
///
/// # Errors
///
/// [`Unencodable`], after which `out` is as it was.
pub fn encode_exception(name: &str, payload: &[u8], out: &mut BytesMut) -> Result<(), Unencodable> {
    encode_json(":exception-type", name, "exception", payload, out)
}

/// Appends an error that no model knows.
///
/// # Errors
///
/// [`Unencodable`], after which `out` is as it was.
pub fn encode_error(code: &str, message: &str, out: &mut BytesMut) -> Result<(), Unencodable> {
    let headers = [
        (":error-code", Value::String(code)),
        (":error-message", Value::String(message)),
        (":message-type", Value::String("error")),
    ];
    encode(&headers, b"", out)
}

fn encode_json(
    name_header: &str,
    name: &str,
    kind: &str,
    payload: &[u8],
    out: &mut BytesMut,
) -> Result<(), Unencodable> {
    let headers = [
        (name_header, Value::String(name)),
        (":content-type", Value::String("application/json")),
        (":message-type", Value::String(kind)),
    ];
    encode(&headers, payload, out)
}

/// Appends the checksum of everything from `start` on.
fn put_checksum(start: usize, out: &mut BytesMut) {
    let sum = crc32fast::hash(out.get(start..).unwrap_or_default());
    out.put_u32(sum);
}

fn put_header(name: &str, value: &Value<'_>, out: &mut BytesMut) -> Result<(), Unencodable> {
    let length = u8::try_from(name.len()).map_err(|_| Unencodable)?;
    if length == 0 {
        return Err(Unencodable);
    }
    out.put_u8(length);
    out.put_slice(name.as_bytes());
    match *value {
        Value::Bool(flag) => out.put_u8(u8::from(!flag)),
        Value::I8(number) => {
            out.put_u8(2);
            out.put_i8(number);
        }
        Value::I16(number) => {
            out.put_u8(3);
            out.put_i16(number);
        }
        Value::I32(number) => {
            out.put_u8(4);
            out.put_i32(number);
        }
        Value::I64(number) => {
            out.put_u8(5);
            out.put_i64(number);
        }
        Value::Bytes(bytes) => {
            out.put_u8(6);
            put_counted(bytes, out)?;
        }
        Value::String(text) => {
            out.put_u8(7);
            put_counted(text.as_bytes(), out)?;
        }
        Value::Timestamp(time) => {
            out.put_u8(8);
            out.put_i64(time);
        }
        Value::Uuid(id) => {
            out.put_u8(9);
            out.put_slice(&id);
        }
    }
    Ok(())
}

fn put_counted(bytes: &[u8], out: &mut BytesMut) -> Result<(), Unencodable> {
    out.put_u16(u16::try_from(bytes.len()).map_err(|_| Unencodable)?);
    out.put_slice(bytes);
    Ok(())
}
