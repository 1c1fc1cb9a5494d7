//! Schemas that stay JSON Schema. What Google does not know of it, it ignores.
//!
//! Source: Gemini API, "Structured outputs" (the keywords), `FunctionDeclaration.parametersJsonSchema`.

use bytes::{BufMut, BytesMut};

use super::{MAX_SCHEMA, SchemaError, TOO_LARGE, reference, resolve};
use crate::codec::contains;
use crate::format::raw::RawStr;
use crate::format::walk::{self, Node, Parts};

/// How deep references are expanded inside each other.
const MAX_EXPANDED: usize = 32;

/// Writes a function's parameters: without `$schema`, as an object, and without booleans in the place of schemas.
///
/// # Errors
/// It is too large.
pub(in crate::convert::gemini_out) fn write_parameters(
    schema: &str,
    out: &mut BytesMut,
) -> Result<(), SchemaError> {
    let bytes = schema.as_bytes();
    let plain = !["true", "false", "$schema"]
        .iter()
        .any(|word| contains(bytes, word.as_bytes()))
        && ["type", "$ref"]
            .iter()
            .any(|name| walk::member(schema, name).is_some());
    if plain {
        out.extend_from_slice(bytes);
        return Ok(());
    }
    let root = Node::parse(schema);
    let mut writer = Writer {
        root: &root,
        parameters: true,
        ordering: false,
        expanding: Vec::new(),
        changed: false,
        start: out.len(),
    };
    writer.schema(&root, true, out)
}

/// Writes the schema of the answer; `ordering` adds the order of members where the model does not keep it by itself. Tells
/// whether the schema says less than the client's.
///
/// # Errors
/// It is too large once its references are expanded.
pub(crate) fn write_output_schema(
    schema: &str,
    ordering: bool,
    out: &mut BytesMut,
) -> Result<bool, SchemaError> {
    let root = Node::parse(schema);
    let mut writer = Writer {
        root: &root,
        parameters: false,
        ordering,
        expanding: Vec::new(),
        changed: false,
        start: out.len(),
    };
    writer.schema(&root, true, out)?;
    Ok(writer.changed)
}

struct Writer<'n, 'a> {
    root: &'n Node<'a>,
    /// A function's parameters, which are an object; else the schema of an answer, where no reference has siblings.
    parameters: bool,
    ordering: bool,
    /// The references that are being expanded.
    expanding: Vec<String>,
    changed: bool,
    start: usize,
}

type Member<'n, 'a> = (RawStr<'a>, &'n Node<'a>);

impl<'n, 'a> Writer<'n, 'a> {
    fn schema(
        &mut self,
        node: &'n Node<'a>,
        is_root: bool,
        out: &mut BytesMut,
    ) -> Result<(), SchemaError> {
        if out.len().saturating_sub(self.start) > MAX_SCHEMA {
            return Err(TOO_LARGE);
        }
        match &node.parts {
            Parts::Object(_) => {}
            Parts::Scalar if node.text == "true" => {
                out.extend_from_slice(b"{}");
                return Ok(());
            }
            Parts::Scalar if node.text == "false" => {
                out.extend_from_slice(b"{\"not\":{}}");
                return Ok(());
            }
            Parts::Array(_) | Parts::Scalar => {
                out.extend_from_slice(node.text.as_bytes());
                return Ok(());
            }
        }
        let own = || node.members().iter().map(|(key, value)| (*key, value));
        let Some(pointer) = reference(node).filter(|_| !self.parameters) else {
            return self.members(own().collect(), is_root, out);
        };
        let siblings: Vec<Member<'n, 'a>> = own()
            .filter(|(key, _)| !key.decode().starts_with('$'))
            .collect();
        if siblings.is_empty() {
            return self.members(own().collect(), is_root, out);
        }
        // A reference stands alone: the definition's copy gets its siblings.
        let definition = resolve(self.root, &pointer).map(|(definition, _)| definition);
        let definition = definition
            .filter(|_| !self.expanding.contains(&pointer) && self.expanding.len() < MAX_EXPANDED);
        let Some(definition) = definition.filter(|d| matches!(d.parts, Parts::Object(_))) else {
            self.changed = true;
            let alone = own().filter(|(key, _)| key.decode().starts_with('$'));
            return self.members(alone.collect(), is_root, out);
        };
        let mut merged: Vec<Member<'n, 'a>> = definition
            .members()
            .iter()
            .map(|(key, value)| (*key, value))
            .filter(|(key, _)| !siblings.iter().any(|(own, _)| own.decode() == key.decode()))
            .collect();
        merged.extend(siblings);
        if is_root {
            // What its references point to stays.
            merged.extend(own().filter(|(key, _)| key.is("$defs") || key.is("definitions")));
        }
        self.expanding.push(pointer);
        let written = self.members(merged, is_root, out);
        self.expanding.pop();
        written
    }

    fn members(
        &mut self,
        members: Vec<Member<'n, 'a>>,
        is_root: bool,
        out: &mut BytesMut,
    ) -> Result<(), SchemaError> {
        let has = |name: &str| members.iter().any(|(key, _)| key.is(name));
        let mut first = true;
        out.put_u8(b'{');
        if is_root && self.parameters && !has("type") && !has("$ref") {
            out.extend_from_slice(b"\"type\":\"object\"");
            first = false;
        }
        let orders = self.ordering && !has("propertyOrdering");
        for (key, value) in members {
            let name = key.decode();
            if is_root && name == "$schema" {
                continue;
            }
            if !first {
                out.put_u8(b',');
            }
            first = false;
            out.extend_from_slice(key.json().as_bytes());
            out.put_u8(b':');
            match &*name {
                "properties" | "$defs" | "definitions" | "patternProperties"
                | "dependentSchemas" => {
                    self.map(value, out)?;
                    if name == "properties" && orders && !value.members().is_empty() {
                        write_order(value, out);
                    }
                }
                "anyOf" | "oneOf" | "allOf" | "prefixItems" | "items" => self.list(value, out)?,
                "not" | "if" | "then" | "else" | "contains" | "propertyNames" => {
                    self.schema(value, false, out)?;
                }
                // These may be booleans.
                "additionalProperties" | "unevaluatedProperties"
                    if matches!(value.parts, Parts::Object(_)) =>
                {
                    self.schema(value, false, out)?;
                }
                _ => out.extend_from_slice(value.text.as_bytes()),
            }
        }
        out.put_u8(b'}');
        Ok(())
    }

    /// An object whose values are schemas.
    fn map(&mut self, node: &'n Node<'a>, out: &mut BytesMut) -> Result<(), SchemaError> {
        let Parts::Object(members) = &node.parts else {
            out.extend_from_slice(node.text.as_bytes());
            return Ok(());
        };
        out.put_u8(b'{');
        for (at, (key, value)) in members.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"" } else { b"," });
            out.extend_from_slice(key.json().as_bytes());
            out.put_u8(b':');
            self.schema(value, false, out)?;
        }
        out.put_u8(b'}');
        Ok(())
    }

    /// A list of schemas, or one.
    fn list(&mut self, node: &'n Node<'a>, out: &mut BytesMut) -> Result<(), SchemaError> {
        let Parts::Array(elements) = &node.parts else {
            return self.schema(node, false, out);
        };
        out.put_u8(b'[');
        for (at, element) in elements.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"" } else { b"," });
            self.schema(element, false, out)?;
        }
        out.put_u8(b']');
        Ok(())
    }
}

/// The order of an object's members, as a member behind them.
fn write_order(properties: &Node<'_>, out: &mut BytesMut) {
    out.extend_from_slice(b",\"propertyOrdering\":");
    for (at, (key, _)) in properties.members().iter().enumerate() {
        out.put_u8(if at == 0 { b'[' } else { b',' });
        out.extend_from_slice(key.json().as_bytes());
    }
    out.put_u8(b']');
}
