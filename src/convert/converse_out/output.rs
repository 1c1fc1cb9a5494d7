//! The form of the answer: `outputConfig`.
//!
//! Source: the `OutputConfig` shape of the `bedrock-runtime` service model.

use bytes::{BufMut, BytesMut};

use crate::codec::write::Object;
use crate::convert::json_schema::is_object_schema;
use crate::format::raw::RawStr;
use crate::format::walk::{Node, Parts};

/// A JSON schema that the answer shall follow.
#[derive(Debug, Clone, Copy)]
pub(in crate::convert) struct JsonSchema<'a> {
    /// An object, as JSON text.
    pub(in crate::convert) schema: &'a str,
    pub(in crate::convert) name: Option<RawStr<'a>>,
    pub(in crate::convert) description: Option<RawStr<'a>>,
}

impl JsonSchema<'_> {
    /// Writes the member `outputConfig.textFormat`. `closed` closes the objects of the schema, which Bedrock demands for
    /// Claude. Returns whether that changed the schema.
    fn write(&self, config: &mut Object<'_>, closed: bool) -> bool {
        let mut schema = BytesMut::with_capacity(self.schema.len() + 64);
        let changed = write_compact(&Node::parse(self.schema), closed, &mut schema);
        let mut format = config.object("textFormat");
        format.string("type", "json_schema");
        let mut structure = format.object("structure");
        let mut json_schema = structure.object("jsonSchema");
        // Written from text that is UTF-8.
        json_schema.string("schema", &String::from_utf8_lossy(&schema));
        for (key, value) in [("name", self.name), ("description", self.description)] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                json_schema.raw(key, value.json());
            }
        }
        json_schema.end();
        structure.end();
        format.end();
        changed
    }
}

/// Writes the value of `outputConfig`; the caller sees to it that there is something to say. Returns whether the schema had to be
/// changed.
pub(in crate::convert) fn write(
    out: &mut BytesMut,
    schema: Option<JsonSchema<'_>>,
    effort: Option<&str>,
    closed: bool,
) -> bool {
    let mut config = Object::begin(out);
    let changed = schema.is_some_and(|schema| schema.write(&mut config, closed));
    if let Some(effort) = effort {
        config.string("effort", effort);
    }
    config.end();
    changed
}

/// Writes a schema without white space, its keys in their order. `closed` adds `"additionalProperties":false` to the objects that
/// do not say whether they are closed; returns whether it did.
fn write_compact(node: &Node<'_>, closed: bool, out: &mut BytesMut) -> bool {
    let Parts::Object(members) = &node.parts else {
        write_value(node, out);
        return false;
    };
    let mut changed = false;
    out.put_u8(b'{');
    for (at, (key, value)) in members.iter().enumerate() {
        separate(at, out);
        out.extend_from_slice(key.json().as_bytes());
        out.put_u8(b':');
        match &*key.decode() {
            "properties" | "$defs" | "definitions" => {
                changed |= write_children(value, closed, out);
            }
            "anyOf" | "allOf" | "oneOf" => changed |= write_children(value, closed, out),
            "items" => changed |= write_compact(value, closed, out),
            _ => write_value(value, out),
        }
    }
    if closed && is_object_schema(node) && node.member("additionalProperties").is_none() {
        separate(members.len(), out);
        out.extend_from_slice(b"\"additionalProperties\":false");
        changed = true;
    }
    out.put_u8(b'}');
    changed
}

/// Writes a list or a map of schemas.
fn write_children(node: &Node<'_>, closed: bool, out: &mut BytesMut) -> bool {
    let mut changed = false;
    match &node.parts {
        Parts::Object(members) => {
            out.put_u8(b'{');
            for (at, (key, value)) in members.iter().enumerate() {
                separate(at, out);
                out.extend_from_slice(key.json().as_bytes());
                out.put_u8(b':');
                changed |= write_compact(value, closed, out);
            }
            out.put_u8(b'}');
        }
        Parts::Array(elements) => {
            out.put_u8(b'[');
            for (at, value) in elements.iter().enumerate() {
                separate(at, out);
                changed |= write_compact(value, closed, out);
            }
            out.put_u8(b']');
        }
        Parts::Scalar => write_value(node, out),
    }
    changed
}

/// Writes a value that is no schema, without white space.
fn write_value(node: &Node<'_>, out: &mut BytesMut) {
    match &node.parts {
        Parts::Object(members) => {
            out.put_u8(b'{');
            for (at, (key, value)) in members.iter().enumerate() {
                separate(at, out);
                out.extend_from_slice(key.json().as_bytes());
                out.put_u8(b':');
                write_value(value, out);
            }
            out.put_u8(b'}');
        }
        Parts::Array(elements) => {
            out.put_u8(b'[');
            for (at, value) in elements.iter().enumerate() {
                separate(at, out);
                write_value(value, out);
            }
            out.put_u8(b']');
        }
        Parts::Scalar => out.extend_from_slice(node.text.as_bytes()),
    }
}

fn separate(at: usize, out: &mut BytesMut) {
    if at > 0 {
        out.put_u8(b',');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(schema: &str, closed: bool) -> (String, bool) {
        let mut out = BytesMut::new();
        let changed = write_compact(&Node::parse(schema), closed, &mut out);
        (String::from_utf8(out.to_vec()).unwrap(), changed)
    }

    #[test]
    fn schemas_lose_white_space_and_keep_their_order() {
        let schema = "{ \"type\" : \"object\",\n \"properties\" : { \"z\" : { \"enum\" : [ 1.0 , \"a b\" , { \"k\" : [ ] } ] } , \"a\" : { } } }";
        assert_eq!(
            written(schema, false),
            (
                r#"{"type":"object","properties":{"z":{"enum":[1.0,"a b",{"k":[]}]},"a":{}}}"#
                    .to_owned(),
                false
            )
        );
    }

    #[test]
    fn every_object_is_closed_unless_it_says_something() {
        for (schema, expected) in [
            (
                r#"{"type":"object","properties":{"a":{"type":"object"},"type":{"type":"string"}}}"#,
                r#"{"type":"object","properties":{"a":{"type":"object","additionalProperties":false},"type":{"type":"string"}},"additionalProperties":false}"#,
            ),
            (
                r#"{"type":["object","null"],"additionalProperties":true}"#,
                r#"{"type":["object","null"],"additionalProperties":true}"#,
            ),
            (
                r#"{"type":"array","items":{"properties":{}}}"#,
                r#"{"type":"array","items":{"properties":{},"additionalProperties":false}}"#,
            ),
            (
                r#"{"anyOf":[{"type":"object"}],"oneOf":[{"type":"object"}],"allOf":[{"type":"object"}],"$defs":{"d":{"type":"object"}},"definitions":{"d":{"type":"object"}}}"#,
                r#"{"anyOf":[{"type":"object","additionalProperties":false}],"oneOf":[{"type":"object","additionalProperties":false}],"allOf":[{"type":"object","additionalProperties":false}],"$defs":{"d":{"type":"object","additionalProperties":false}},"definitions":{"d":{"type":"object","additionalProperties":false}}}"#,
            ),
            (
                r#"{"type":"object","additionalProperties":false,"default":{"type":"object"}}"#,
                r#"{"type":"object","additionalProperties":false,"default":{"type":"object"}}"#,
            ),
        ] {
            assert_eq!(
                written(schema, true),
                (expected.to_owned(), schema != expected)
            );
        }
    }

    #[test]
    fn the_configuration_carries_the_schema_as_a_string() {
        let name: RawStr<'_> = RawStr::from_json("\"out\"").unwrap();
        let schema = JsonSchema {
            schema: r#"{"type":"object","title":"a\"b"}"#,
            name: Some(name),
            description: None,
        };
        let mut out = BytesMut::new();
        assert!(write(&mut out, Some(schema), Some("low"), true));
        assert_eq!(
            out,
            r#"{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{\"type\":\"object\",\"title\":\"a\\\"b\",\"additionalProperties\":false}","name":"out"}}},"effort":"low"}"#
        );
    }
}
