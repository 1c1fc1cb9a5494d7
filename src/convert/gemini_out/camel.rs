//! Google's names: clients write them in snake_case as often as in camelCase.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use crate::codec::write;
use crate::format::walk::{Node, Parts};

/// `snake_case` as `snakeCase`; what has no underscore stays as it is.
pub(crate) fn camel_case(name: &str) -> Cow<'_, str> {
    if !name.contains('_') {
        return Cow::Borrowed(name);
    }
    let mut camel = String::with_capacity(name.len());
    let mut raised = false;
    for character in name.chars() {
        if character == '_' && !camel.is_empty() {
            raised = true;
        } else if raised {
            camel.extend(character.to_uppercase());
            raised = false;
        } else {
            camel.push(character);
        }
    }
    Cow::Owned(camel)
}

/// Writes JSON text with the names of all members in camelCase.
pub(crate) fn write_camel(out: &mut BytesMut, json: &str) {
    write_node(out, &Node::parse(json));
}

fn write_node(out: &mut BytesMut, node: &Node<'_>) {
    match &node.parts {
        Parts::Object(members) => {
            out.put_u8(b'{');
            for (at, (key, value)) in members.iter().enumerate() {
                if at > 0 {
                    out.put_u8(b',');
                }
                write::string(out, &camel_case(&key.decode()));
                out.put_u8(b':');
                write_node(out, value);
            }
            out.put_u8(b'}');
        }
        Parts::Array(elements) => {
            out.put_u8(b'[');
            for (at, element) in elements.iter().enumerate() {
                if at > 0 {
                    out.put_u8(b',');
                }
                write_node(out, element);
            }
            out.put_u8(b']');
        }
        Parts::Scalar => out.extend_from_slice(node.text.as_bytes()),
    }
}
