//! JSON Schemas as Google takes them: nearly as they are, or, for older models, as a subset of OpenAPI's.

mod json;
mod subset;

#[cfg(test)]
mod tests;

use crate::format::walk::{self, Node};

pub(crate) use json::write_output_schema;
pub(super) use json::write_parameters;
pub(crate) use subset::write_subset;

/// The largest schema that is written: providers refuse far smaller ones.
const MAX_SCHEMA: usize = 1 << 20;

/// A schema that cannot be expressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SchemaError(pub(crate) &'static str);

const TOO_LARGE: SchemaError = SchemaError("the schema is too large");

/// Whether a function's parameters are none at all.
pub(super) fn says_nothing(parameters: &str) -> bool {
    if !walk::is_object(parameters) {
        return true;
    }
    // What may hold members, under whatever name.
    const SAYS: [&str; 10] = [
        "$ref",
        "anyOf",
        "oneOf",
        "allOf",
        "patternProperties",
        "items",
        "enum",
        "if",
        "required",
        "minProperties",
    ];
    for (key, value) in walk::members(parameters) {
        let name = key.decode();
        let says = match &*name {
            "properties" | "additionalProperties" => walk::members(value).next().is_some(),
            "type" => value != "\"object\"" && value != "null",
            "required" => walk::elements(value).next().is_some(),
            name => SAYS.contains(&name),
        };
        if says {
            return false;
        }
    }
    true
}

/// What a pointer inside the schema (`#/$defs/a`) points to, and the last part of its name.
fn resolve<'n, 'a>(root: &'n Node<'a>, pointer: &str) -> Option<(&'n Node<'a>, String)> {
    let mut node = root;
    let mut name = String::new();
    for step in pointer.strip_prefix('#')?.split('/').skip(1) {
        let decoded = percent_encoding::percent_decode_str(step).decode_utf8_lossy();
        name = decoded.replace("~1", "/").replace("~0", "~");
        node = match name.parse::<usize>() {
            Ok(index) if !node.elements().is_empty() => node.elements().get(index)?,
            _ => node.member(&name)?,
        };
    }
    Some((node, name))
}

/// What `$ref` points to, where the node has one.
fn reference(node: &Node<'_>) -> Option<String> {
    let pointer = node.member("$ref")?.string()?;
    Some(pointer.decode().into_owned())
}
