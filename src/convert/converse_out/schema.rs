//! The schemas of tools' inputs: Converse takes objects of type `object` only.

use std::borrow::Cow;

use crate::format::raw::RawStr;
use crate::format::walk;

/// A tool without parameters.
const EMPTY: &str = r#"{"type":"object","properties":{}}"#;

/// Why a schema cannot be a tool's: the path below it, and what is wrong there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::convert) enum BadSchema {
    /// It is no JSON object.
    NoObject,
    /// It describes something else than an object: its `type` says so.
    OtherType,
}

/// The schema as Converse takes it; what is copied keeps every byte. A missing one stands for no parameters.
pub(in crate::convert) fn input(schema: Option<&str>) -> Result<Cow<'_, str>, BadSchema> {
    let Some(schema) = schema.filter(|schema| *schema != "null") else {
        return Ok(Cow::Borrowed(EMPTY));
    };
    if !walk::is_object(schema) {
        return Err(BadSchema::NoObject);
    }
    if walk::members(schema).next().is_none() {
        return Ok(Cow::Borrowed(EMPTY));
    }
    match walk::member(schema, "type") {
        Some(kind) if RawStr::from_json(kind).is_some_and(|kind| kind.is("object")) => {
            Ok(Cow::Borrowed(schema))
        }
        Some(_) => Err(BadSchema::OtherType),
        None => Ok(Cow::Owned(with_type(schema))),
    }
}

/// The schema with `"type":"object"` first; a `type` that is null goes.
pub(in crate::convert) fn with_type(schema: &str) -> String {
    let mut typed = String::with_capacity(schema.len() + 20);
    typed.push_str("{\"type\":\"object\"");
    for (key, value) in walk::members(schema).filter(|(key, _)| !key.is("type")) {
        typed.push(',');
        typed.push_str(key.json());
        typed.push(':');
        typed.push_str(value);
    }
    typed.push('}');
    typed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots() {
        for (schema, expected) in [
            (None, Ok(EMPTY)),
            (Some("null"), Ok(EMPTY)),
            (Some("{ }"), Ok(EMPTY)),
            (
                Some(r#"{ "type":"object","x":1.50}"#),
                Ok(r#"{ "type":"object","x":1.50}"#),
            ),
            (
                Some(r##"{"$ref":"#/$defs/a","type":null}"##),
                Ok(r##"{"type":"object","$ref":"#/$defs/a"}"##),
            ),
            (Some("[]"), Err(BadSchema::NoObject)),
            (Some("true"), Err(BadSchema::NoObject)),
            (Some(r#"{"type":"string"}"#), Err(BadSchema::OtherType)),
            (
                Some(r#"{"type":["object","null"]}"#),
                Err(BadSchema::OtherType),
            ),
        ] {
            assert_eq!(input(schema).as_deref(), expected.as_deref(), "{schema:?}");
        }
    }
}
