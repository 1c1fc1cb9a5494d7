//! Which JSON Schemas OpenAI takes with `strict`. Source: the structured outputs guide of platform.openai.com.

use crate::format::walk::Node;

/// Keywords that strict schemas must not have.
const REFUSED: [&str; 14] = [
    "allOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "propertyNames",
    "unevaluatedProperties",
    "minProperties",
    "maxProperties",
    "prefixItems",
];

/// The largest schema that is looked at.
const MAX_SCHEMA: usize = 256 * 1024;

/// Whether every object of `schema` is closed and requires all its properties, and nothing else stands in the way.
pub(super) fn is_strict(schema: &str) -> bool {
    if schema.len() > MAX_SCHEMA {
        return false;
    }
    let root = Node::parse(schema);
    is_object(&root) && fits(&root)
}

fn is_object(schema: &Node<'_>) -> bool {
    schema.member("type").is_some_and(|kind| {
        let says = |node: &Node<'_>| node.string().is_some_and(|kind| kind.is("object"));
        says(kind) || kind.elements().iter().any(says)
    }) || schema.member("properties").is_some()
}

fn fits(schema: &Node<'_>) -> bool {
    if REFUSED
        .iter()
        .any(|keyword| schema.member(keyword).is_some())
    {
        return false;
    }
    if is_object(schema) && !is_closed(schema) {
        return false;
    }
    let lists = ["properties", "$defs", "definitions"];
    let named = lists
        .into_iter()
        .filter_map(|list| schema.member(list))
        .flat_map(|list| list.members().iter().map(|(_, schema)| schema));
    let alternatives = schema
        .member("anyOf")
        .map(Node::elements)
        .unwrap_or_default();
    named
        .chain(alternatives)
        .chain(schema.member("items"))
        .all(fits)
}

fn is_closed(schema: &Node<'_>) -> bool {
    let closed = schema
        .member("additionalProperties")
        .is_some_and(|value| value.text == "false");
    let required = schema
        .member("required")
        .map(Node::elements)
        .unwrap_or_default();
    let properties = schema
        .member("properties")
        .map(Node::members)
        .unwrap_or_default();
    closed
        && properties.iter().all(|(name, _)| {
            let name = name.decode();
            required
                .iter()
                .any(|other| other.string().is_some_and(|other| other.is(&name)))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas() {
        for (schema, strict) in [
            (
                r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}"#,
                true,
            ),
            (r#"{"type":"object","additionalProperties":false}"#, true),
            (r#"{"type":"object","properties":{}}"#, false),
            (
                r#"{"type":"object","properties":{"a":{}},"required":[],"additionalProperties":false}"#,
                false,
            ),
            (
                r#"{"type":"object","properties":{"a":{"type":["object","null"]}},"required":["a"],"additionalProperties":false}"#,
                false,
            ),
            (
                r##"{"type":"object","properties":{"a":{"anyOf":[{"$ref":"#/$defs/b"},{"type":"null"}]}},"required":["a"],"additionalProperties":false,"$defs":{"b":{"type":"object","properties":{"c":{"type":"array","items":{"type":"integer"}}},"required":["c"],"additionalProperties":false}}}"##,
                true,
            ),
            (
                r#"{"type":"object","properties":{"a":{"items":{"properties":{"b":{}}}}},"required":["a"],"additionalProperties":false}"#,
                false,
            ),
            (
                r#"{"type":"object","properties":{"a":{"oneOf":[]}},"required":["a"],"additionalProperties":false}"#,
                false,
            ),
            (r#"{"type":"string"}"#, false),
            ("7", false),
        ] {
            assert_eq!(is_strict(schema), strict, "{schema}");
        }
    }
}
