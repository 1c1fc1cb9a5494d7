//! JSON Schemas for Anthropic's structured outputs and strict tools, which take a part of JSON Schema only.
//!
//! Source: the structured outputs page of platform.claude.com, and what Anthropic's SDKs do to schemas
//! (`transform_schema`). What a schema may not hold is moved into its description, so that the model still reads it.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::{BufMut, BytesMut};

use crate::codec::write;
use crate::format::raw::RawStr;
use crate::format::walk::{Node, Parts};

/// The largest schema that is taken apart; providers refuse far smaller ones.
const MAX_SCHEMA: usize = 256 * 1024;

/// Keywords that become text, in the order in which they stand there: prompt caches depend on it.
const MOVED: [&str; 29] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "contains",
    "minContains",
    "maxContains",
    "prefixItems",
    "minProperties",
    "maxProperties",
    "patternProperties",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedProperties",
    "if",
    "then",
    "else",
    "not",
    "format",
    "pattern",
    "items",
    "oneOf",
];

const FORMATS: [&str; 10] = [
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "uri",
    "ipv4",
    "ipv6",
    "uuid",
];

/// A schema that cannot be expressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SchemaError {
    /// Where in the schema (`.properties.a`), empty for its root.
    pub(crate) path: String,
    pub(crate) message: &'static str,
    /// Whether the owner may let it go (`lossy = "drop"`).
    pub(crate) can_be_lossy: bool,
}

/// Writes `schema` as Anthropic takes it, and tells whether that changed what it says to the validator.
///
/// `lossy` closes objects that explicitly allow additional properties; otherwise these are an error.
///
/// # Errors
/// The schema says something that a closed, finite schema cannot.
pub(crate) fn write_sanitised(
    schema: &str,
    lossy: bool,
    out: &mut BytesMut,
) -> Result<bool, SchemaError> {
    let mut sanitiser = Sanitiser {
        lossy,
        changed: false,
        path: String::new(),
        definitions: HashMap::new(),
        within: None,
        references: Vec::new(),
    };
    if schema.len() > MAX_SCHEMA {
        return Err(sanitiser.error("the schema is too large for structured outputs"));
    }
    let root = Node::parse(schema);
    for list in ["$defs", "definitions"] {
        for (name, _) in root.member(list).map(Node::members).unwrap_or_default() {
            let number = sanitiser.definitions.len();
            sanitiser
                .definitions
                .entry(format!("#/{list}/{}", name.decode()))
                .or_insert(number);
        }
    }
    sanitiser.schema(&root, true, out)?;
    sanitiser.check_references()?;
    Ok(sanitiser.changed)
}

struct Sanitiser {
    lossy: bool,
    changed: bool,
    path: String,
    /// The root's definitions by their pointer, numbered.
    definitions: HashMap<String, usize>,
    /// The definition that is being written.
    within: Option<usize>,
    /// From which definition to which.
    references: Vec<(usize, usize)>,
}

impl Sanitiser {
    fn error(&self, message: &'static str) -> SchemaError {
        SchemaError {
            path: self.path.clone(),
            message,
            can_be_lossy: false,
        }
    }

    /// Runs `write` with `name` appended to the path.
    fn at(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut Self) -> Result<(), SchemaError>,
    ) -> Result<(), SchemaError> {
        let length = self.path.len();
        self.path.push('.');
        self.path.push_str(name);
        write(self)?;
        self.path.truncate(length);
        Ok(())
    }

    fn schema(
        &mut self,
        node: &Node<'_>,
        is_root: bool,
        out: &mut BytesMut,
    ) -> Result<(), SchemaError> {
        if !matches!(node.parts, Parts::Object(_)) {
            out.extend_from_slice(node.text.as_bytes());
            return Ok(());
        }
        let note = note(node);
        let is_object = is_object_schema(node);
        let drop_type = node.member("type").is_some_and(|t| conflicts(node, t));
        self.changed |= drop_type || !note.is_empty();

        let mut described = note.is_empty();
        let mut closed = !is_object;
        let mut first = true;
        out.put_u8(b'{');
        for (key, value) in node.members() {
            let name = key.decode();
            let name = &*name;
            if is_moved(node, name, value) || (name == "type" && drop_type) {
                continue;
            }
            if !first {
                out.put_u8(b',');
            }
            first = false;
            let written = if name == "oneOf" {
                self.changed = true;
                "\"anyOf\""
            } else {
                key.json()
            };
            out.extend_from_slice(written.as_bytes());
            out.put_u8(b':');
            match name {
                "properties" | "$defs" | "definitions" => {
                    let numbered = is_root && name != "properties";
                    self.at(name, |s| s.map(value, numbered.then_some(name), out))?;
                }
                "items" => self.at(name, |s| s.schema(value, false, out))?,
                "anyOf" | "oneOf" | "allOf" => self.at(name, |s| s.list(value, out))?,
                "additionalProperties" => {
                    self.close(value, is_object)?;
                    closed = true;
                    out.extend_from_slice(b"false");
                }
                "$ref" => {
                    self.reference(value)?;
                    out.extend_from_slice(value.text.as_bytes());
                }
                "description" if !described && value.string().is_some() => {
                    described = true;
                    out.put_u8(b'"');
                    let text = value.string().map(RawStr::content).unwrap_or_default();
                    out.extend_from_slice(text.as_bytes());
                    if !text.is_empty() {
                        out.extend_from_slice(b"\\n\\n");
                    }
                    write::string_content(out, &note);
                    out.put_u8(b'"');
                }
                _ => out.extend_from_slice(value.text.as_bytes()),
            }
        }
        if !closed {
            self.changed = true;
            out.extend_from_slice(if first { b"" } else { b"," });
            out.extend_from_slice(b"\"additionalProperties\":false");
            first = false;
        }
        if !described {
            out.extend_from_slice(if first { b"" } else { b"," });
            out.extend_from_slice(b"\"description\":");
            write::string(out, &note);
        }
        out.put_u8(b'}');
        Ok(())
    }

    /// Writes an object whose values are schemas; `list` names it where they are the root's definitions.
    fn map(
        &mut self,
        node: &Node<'_>,
        list: Option<&str>,
        out: &mut BytesMut,
    ) -> Result<(), SchemaError> {
        let Parts::Object(members) = &node.parts else {
            out.extend_from_slice(node.text.as_bytes());
            return Ok(());
        };
        out.put_u8(b'{');
        for (at, (key, value)) in members.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"" } else { b"," });
            out.extend_from_slice(key.json().as_bytes());
            out.put_u8(b':');
            let name = key.decode();
            if let Some(list) = list {
                self.within = self.definitions.get(&format!("#/{list}/{name}")).copied();
            }
            self.at(&name, |s| s.schema(value, false, out))?;
            if list.is_some() {
                self.within = None;
            }
        }
        out.put_u8(b'}');
        Ok(())
    }

    fn list(&mut self, node: &Node<'_>, out: &mut BytesMut) -> Result<(), SchemaError> {
        if !matches!(node.parts, Parts::Array(_)) {
            out.extend_from_slice(node.text.as_bytes());
            return Ok(());
        }
        out.put_u8(b'[');
        for (at, value) in node.elements().iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"" } else { b"," });
            self.schema(value, false, out)?;
        }
        out.put_u8(b']');
        Ok(())
    }

    fn close(&mut self, allowed: &Node<'_>, is_object: bool) -> Result<(), SchemaError> {
        if matches!(allowed.text, "false" | "null") || !is_object {
            return Ok(());
        }
        if !self.lossy {
            let mut error = self.error(
                "structured outputs take closed objects only (`additionalProperties: false`)",
            );
            error.path.push_str(".additionalProperties");
            error.can_be_lossy = true;
            return Err(error);
        }
        self.changed = true;
        Ok(())
    }

    fn reference(&mut self, value: &Node<'_>) -> Result<(), SchemaError> {
        let pointer = value.string().map(RawStr::decode).unwrap_or_default();
        if pointer == "#" {
            return Err(self.error("structured outputs take no recursive schemas"));
        }
        let pointer: Cow<'_, str> = if pointer.contains('~') {
            Cow::Owned(pointer.replace("~1", "/").replace("~0", "~"))
        } else {
            pointer
        };
        let Some(target) = self.definitions.get(&*pointer).copied() else {
            return Err(self.error("`$ref` must point to one of the schema's own `$defs`"));
        };
        self.references
            .extend(self.within.map(|from| (from, target)));
        Ok(())
    }

    /// Refuses definitions that refer to each other in a circle, by taking away those that refer to nothing left.
    fn check_references(&self) -> Result<(), SchemaError> {
        let mut open = vec![0_usize; self.definitions.len()];
        let mut users = vec![Vec::new(); self.definitions.len()];
        for &(from, to) in &self.references {
            if let (Some(count), Some(list)) = (open.get_mut(from), users.get_mut(to)) {
                *count += 1;
                list.push(from);
            }
        }
        let mut free: Vec<usize> = Vec::new();
        free.extend(
            open.iter()
                .enumerate()
                .filter(|(_, count)| **count == 0)
                .map(|(at, _)| at),
        );
        let mut settled = 0;
        while let Some(definition) = free.pop() {
            settled += 1;
            for &user in users.get(definition).map(Vec::as_slice).unwrap_or_default() {
                if let Some(count) = open.get_mut(user) {
                    *count -= 1;
                    if *count == 0 {
                        free.push(user);
                    }
                }
            }
        }
        if settled == self.definitions.len() {
            Ok(())
        } else {
            Err(self.error("structured outputs take no recursive schemas"))
        }
    }
}

/// The text that stands for the keywords that are moved out of `node`.
fn note(node: &Node<'_>) -> String {
    let mut note = String::new();
    for name in MOVED {
        let Some(value) = node.member(name) else {
            continue;
        };
        // A constraint that is switched off says nothing.
        if !is_moved(node, name, value) || value.text == "false" {
            continue;
        }
        if !note.is_empty() {
            note.push_str(", ");
        }
        note.push_str(name);
        note.push_str(": ");
        match value.string() {
            Some(text) => note.push_str(&text.decode()),
            None => note.push_str(value.text),
        }
    }
    note
}

/// Whether the keyword goes into the description.
fn is_moved(node: &Node<'_>, name: &str, value: &Node<'_>) -> bool {
    if value.text == "null" && name != "default" {
        return MOVED.contains(&name);
    }
    match name {
        "minItems" => !matches!(value.text, "0" | "1"),
        "format" => !value
            .string()
            .is_some_and(|f| FORMATS.iter().any(|known| f.is(known))),
        "pattern" => value.string().is_none_or(|p| {
            let pattern = p.decode();
            ["(?=", "(?!", "(?<=", "(?<!"]
                .iter()
                .any(|look| pattern.contains(look))
        }),
        // The old tuple form.
        "items" => matches!(value.parts, Parts::Array(_)),
        "oneOf" => node.member("anyOf").is_some(),
        _ => MOVED.contains(&name),
    }
}

/// Whether a schema says that it is an object's.
pub(crate) fn is_object_schema(node: &Node<'_>) -> bool {
    match node.member("type") {
        Some(kind) => type_names(kind).any(|name| name.is("object")),
        None => node.member("properties").is_some(),
    }
}

fn type_names<'n, 'a>(kind: &'n Node<'a>) -> impl Iterator<Item = RawStr<'a>> + use<'n, 'a> {
    let list = kind.elements().iter().filter_map(Node::string);
    kind.string().into_iter().chain(list)
}

/// Whether an `enum` or `const` beside `kind` holds a value that `kind` does not allow.
fn conflicts(node: &Node<'_>, kind: &Node<'_>) -> bool {
    let list = node.member("enum").map(Node::elements).unwrap_or_default();
    let one = node.members().iter().rfind(|(key, _)| key.is("const"));
    list.iter().chain(one.map(|(_, value)| value)).any(|value| {
        let allowed: &[&str] = match value.text.as_bytes().first() {
            Some(b'"') => &["string"],
            Some(b'{') => &["object"],
            Some(b'[') => &["array"],
            Some(b't' | b'f') => &["boolean"],
            Some(b'n') => &["null"],
            _ if value.text.bytes().all(|b| b.is_ascii_digit() || b == b'-') => {
                &["integer", "number"]
            }
            _ => &["number"],
        };
        !type_names(kind).any(|name| allowed.iter().any(|known| name.is(known)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sanitised(schema: &str, lossy: bool) -> Result<(String, bool), SchemaError> {
        let mut out = BytesMut::new();
        let changed = write_sanitised(schema, lossy, &mut out)?;
        Ok((String::from_utf8(out.to_vec()).unwrap(), changed))
    }

    #[test]
    fn what_cannot_stay_becomes_text_in_a_fixed_order() {
        for (schema, expected) in [
            (
                r#"{"type":"integer","maximum":10,"minimum":0}"#,
                r#"{"type":"integer","description":"minimum: 0, maximum: 10"}"#,
            ),
            (
                r#"{"description":"A \"b\"","type":"string","minLength":2,"format":"iri"}"#,
                r#"{"description":"A \"b\"\n\nminLength: 2, format: iri","type":"string"}"#,
            ),
            (
                r#"{"type":"array","items":{"type":"string","format":"uuid"},"minItems":1,"uniqueItems":false}"#,
                r#"{"type":"array","items":{"type":"string","format":"uuid"},"minItems":1}"#,
            ),
            (
                r#"{"type":"array","items":{"multipleOf":0.50},"minItems":2}"#,
                r#"{"type":"array","items":{"description":"multipleOf: 0.50"},"description":"minItems: 2"}"#,
            ),
            (
                r#"{"oneOf":[{"type":"string","pattern":"^a$"},{"type":"string","pattern":"a(?!b)"}]}"#,
                r#"{"anyOf":[{"type":"string","pattern":"^a$"},{"type":"string","description":"pattern: a(?!b)"}]}"#,
            ),
            (
                r#"{"type":"string","enum":["a",null]}"#,
                r#"{"enum":["a",null]}"#,
            ),
            (
                r#"{"type":["integer","null"],"enum":[1,null]}"#,
                r#"{"type":["integer","null"],"enum":[1,null]}"#,
            ),
            (
                r#"{"type":"object","properties":{"z":{"type":"object"},"a":{}}}"#,
                r#"{"type":"object","properties":{"z":{"type":"object","additionalProperties":false},"a":{}},"additionalProperties":false}"#,
            ),
            (
                r##"{"$defs":{"b":{"$ref":"#/$defs/a"},"a":{"const":1,"maximum":2}},"allOf":[{"$ref":"#/$defs/b"}]}"##,
                r##"{"$defs":{"b":{"$ref":"#/$defs/a"},"a":{"const":1,"description":"maximum: 2"}},"allOf":[{"$ref":"#/$defs/b"}]}"##,
            ),
            (
                r#"{"not":{"type":"string"},"patternProperties":{"^x":{}}}"#,
                r#"{"description":"patternProperties: {\"^x\":{}}, not: {\"type\":\"string\"}"}"#,
            ),
        ] {
            assert_eq!(sanitised(schema, false).unwrap().0, expected);
        }
    }

    #[test]
    fn a_schema_that_fits_is_copied_byte_for_byte() {
        let schema = r#"{"type":"object","properties":{"n":{"type":"number","default":1.50}},"required":["n"],"additionalProperties":false,"title":"T"}"#;
        assert_eq!(
            sanitised(schema, false).unwrap(),
            (schema.to_owned(), false)
        );
    }

    #[test]
    fn open_objects_are_refused_or_closed() {
        let schema = r#"{"type":"object","properties":{"a":{"type":"object","additionalProperties":{"type":"string"}}},"additionalProperties":false}"#;
        let error = sanitised(schema, false).unwrap_err();
        assert_eq!(error.path, ".properties.a.additionalProperties");
        assert!(error.can_be_lossy);
        let (closed, changed) = sanitised(schema, true).unwrap();
        assert!(changed && !closed.contains(r#"{"type":"string"}"#));
    }

    #[test]
    fn references_must_be_local_and_end() {
        for schema in [
            r##"{"$ref":"#"}"##,
            r##"{"$ref":"https://ex.org/s.json"}"##,
            r##"{"$ref":"#/$defs/missing"}"##,
            r##"{"$defs":{"a":{"items":{"$ref":"#/$defs/a"}}},"$ref":"#/$defs/a"}"##,
            r##"{"definitions":{"a":{"$ref":"#/definitions/b"},"b":{"anyOf":[{"$ref":"#/definitions/a"}]}}}"##,
        ] {
            assert!(
                !sanitised(schema, true).unwrap_err().can_be_lossy,
                "{schema}"
            );
        }
    }

    #[test]
    fn a_long_chain_of_definitions_does_not_recurse() {
        let links: Vec<String> = (0..5000)
            .map(|n| format!(r##""d{n}":{{"$ref":"#/$defs/d{}"}}"##, n + 1))
            .collect();
        let schema = format!(r#"{{"$defs":{{{},"d5000":{{}}}}}}"#, links.join(","));
        assert!(sanitised(&schema, false).is_ok());
    }
}
