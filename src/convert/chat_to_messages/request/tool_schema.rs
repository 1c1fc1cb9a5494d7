//! A function's parameters as Anthropic's `input_schema`.

use super::path;
use crate::convert::anthropic_out::cache::Out;
use crate::convert::json_schema;
use crate::convert::report::Refusal;
use crate::format::raw::RawStr;
use crate::format::walk;

const EMPTY_SCHEMA: &[u8] = b"{\"type\":\"object\",\"properties\":{}}";

/// Writes a function's parameters as a schema that Anthropic takes; whether that changed them.
pub(super) fn write_parameters(
    out: &mut Out,
    parameters: Option<&str>,
    strict: bool,
    lossy: bool,
    at: impl Fn() -> String,
) -> Result<bool, Refusal> {
    let parameters = parameters.unwrap_or("{}");
    if !walk::is_object(parameters) {
        return Err(path::wrong_type(at()));
    }
    let mut members = walk::members(parameters).peekable();
    if members.peek().is_none() {
        out.buf.extend_from_slice(EMPTY_SCHEMA);
        return Ok(false);
    }
    let mut kind = None;
    let mut combined = false;
    for (key, value) in members {
        if key.is("type") && value != "null" {
            kind = Some(value);
        }
        combined |= ["anyOf", "oneOf", "allOf"].iter().any(|word| key.is(word));
    }
    match kind.map(|kind| RawStr::from_json(kind).is_some_and(|kind| kind.is("object"))) {
        Some(true) => {}
        Some(false) => {
            return Err(Refusal::unsupported(
                format!("{}.type", at()),
                "Anthropic takes parameters of type `object` only",
            ));
        }
        None if combined => {
            return Err(Refusal::unsupported(
                at(),
                "Anthropic takes no `anyOf`, `oneOf` or `allOf` in place of an object",
            ));
        }
        None => {
            // A `type` that is null must go; otherwise the text is copied as it is.
            let mut typed = String::with_capacity(parameters.len() + 20);
            typed.push_str("{\"type\":\"object\"");
            for (key, value) in walk::members(parameters).filter(|(key, _)| !key.is("type")) {
                typed.push(',');
                typed.push_str(key.json());
                typed.push(':');
                typed.push_str(value);
            }
            typed.push('}');
            return write_schema(out, &typed, strict, lossy, at);
        }
    }
    write_schema(out, parameters, strict, lossy, at)
}

fn write_schema(
    out: &mut Out,
    schema: &str,
    strict: bool,
    lossy: bool,
    at: impl Fn() -> String,
) -> Result<bool, Refusal> {
    if !strict {
        out.buf.extend_from_slice(schema.as_bytes());
        return Ok(false);
    }
    json_schema::write_sanitised(schema, lossy, &mut out.buf)
        .map_err(|error| Refusal::unsupported(format!("{}{}", at(), error.path), error.message))
}
