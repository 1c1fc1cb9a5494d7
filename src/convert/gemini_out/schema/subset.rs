//! Schemas in the subset of OpenAPI's that models before 2.5 take.
//!
//! Source: Gemini API reference, `Schema`. References are inlined, what has no form there is dropped or said in the
//! description.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write as _;

use bytes::{BufMut, BytesMut};

use super::{MAX_SCHEMA, SchemaError, TOO_LARGE, reference, resolve};
use crate::codec::write::{self, Object};
use crate::format::raw::RawStr;
use crate::format::walk::{Node, Parts};

/// How deep a schema may nest.
const MAX_DEPTH: usize = 32;

/// The largest schema that is taken apart.
const MAX_SOURCE: usize = 256 * 1024;

/// How many nodes are looked at, references inlined.
const MAX_NODES: usize = 100_000;

/// Keywords that are copied.
const KEPT: [&str; 14] = [
    "title",
    "nullable",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "propertyOrdering",
    "default",
    "example",
];

const FORMATS: [&str; 6] = ["float", "double", "int32", "int64", "date-time", "enum"];

/// Writes `schema` in the subset; tells whether it says less than before.
///
/// # Errors
/// It is too deep, or too large once its references are inlined.
pub(crate) fn write_subset(schema: &str, out: &mut BytesMut) -> Result<bool, SchemaError> {
    if schema.len() > MAX_SOURCE {
        return Err(TOO_LARGE);
    }
    let root = Node::parse(schema);
    let mut writer = Writer {
        root: &root,
        changed: false,
        start: out.len(),
        nodes: 0,
    };
    let flat = writer.flatten(&root, &[], 0)?;
    writer.write(&flat, &[], 0, out)?;
    Ok(writer.changed)
}

struct Writer<'n, 'a> {
    root: &'n Node<'a>,
    changed: bool,
    start: usize,
    nodes: usize,
}

/// A node with its references inlined and its `allOf` merged.
#[derive(Debug, Clone, Default)]
struct Flat<'n, 'a> {
    /// Without `null`.
    types: Vec<String>,
    nullable: bool,
    description: Option<RawStr<'a>>,
    properties: Vec<(RawStr<'a>, &'n Node<'a>)>,
    required: Vec<RawStr<'a>>,
    /// Empty: there is no choice.
    any_of: Vec<&'n Node<'a>>,
    /// `enum`, or the one value of `const`.
    values: Vec<&'n Node<'a>>,
    items: Option<&'n Node<'a>>,
    tuple: Vec<&'n Node<'a>>,
    exclusive_minimum: Option<&'n Node<'a>>,
    exclusive_maximum: Option<&'n Node<'a>>,
    format: Option<RawStr<'a>>,
    kept: Vec<(&'static str, &'a str)>,
    /// The references that were inlined on the way here.
    inlined: Vec<String>,
    /// It refers to one of these again: by this name.
    recursive: Option<String>,
}

impl<'n, 'a> Writer<'n, 'a> {
    /// Takes a node apart. `within` are the references that were inlined around it.
    fn flatten(
        &mut self,
        node: &'n Node<'a>,
        within: &[String],
        depth: usize,
    ) -> Result<Flat<'n, 'a>, SchemaError> {
        if depth > MAX_DEPTH {
            return Err(SchemaError("the schema nests too deep for this model"));
        }
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(TOO_LARGE);
        }
        let mut flat = Flat::default();
        if let Some(pointer) = reference(node) {
            self.inline(&pointer, within, depth, &mut flat)?;
        }
        for (key, value) in node.members() {
            self.keyword(&key.decode(), value, &mut flat);
        }
        for part in node.member("allOf").map(Node::elements).unwrap_or_default() {
            let around = [within, &flat.inlined].concat();
            let part = self.flatten(part, &around, depth + 1)?;
            flat.merge(part);
        }
        flat.any_of.retain(|choice| {
            let null = is_null(choice);
            flat.nullable |= null;
            !null
        });
        flat.values.retain(|value| {
            let null = value.text == "null";
            flat.nullable |= null;
            !null
        });
        if let [only] = flat.any_of[..] {
            flat.any_of.clear();
            let around = [within, &flat.inlined].concat();
            let only = self.flatten(only, &around, depth + 1)?;
            flat.merge(only);
        }
        Ok(flat)
    }

    fn inline(
        &mut self,
        pointer: &str,
        within: &[String],
        depth: usize,
        flat: &mut Flat<'n, 'a>,
    ) -> Result<(), SchemaError> {
        let Some((definition, name)) = resolve(self.root, pointer) else {
            self.changed = true;
            return Ok(());
        };
        if within.iter().any(|other| other == pointer) {
            self.changed = true;
            flat.recursive = Some(name);
            return Ok(());
        }
        let mut around = within.to_vec();
        around.push(pointer.to_owned());
        *flat = self.flatten(definition, &around, depth + 1)?;
        flat.inlined.push(pointer.to_owned());
        Ok(())
    }

    /// Takes one keyword over; it wins over what was inlined.
    fn keyword(&mut self, name: &str, value: &'n Node<'a>, flat: &mut Flat<'n, 'a>) {
        if let Some(kept) = KEPT.into_iter().find(|kept| *kept == name) {
            flat.kept.retain(|(other, _)| *other != kept);
            flat.kept.push((kept, value.text));
            return;
        }
        match name {
            "type" => {
                let mut types = Vec::new();
                let list = value.elements().iter().filter_map(Node::string);
                for word in value.string().into_iter().chain(list) {
                    if word.is("null") {
                        flat.nullable = true;
                    } else {
                        types.push(word.decode().into_owned());
                    }
                }
                flat.types = types;
            }
            "description" => flat.description = value.string(),
            "properties" => {
                let new: HashSet<Cow<'_, str>> = value
                    .members()
                    .iter()
                    .map(|(key, _)| key.decode())
                    .collect();
                flat.properties
                    .retain(|(known, _)| !new.contains(&known.decode()));
                let members = value.members().iter();
                flat.properties
                    .extend(members.map(|(key, value)| (*key, value)));
            }
            "required" => {
                let names = value.elements().iter().filter_map(Node::string);
                flat.required.extend(names);
            }
            "anyOf" | "oneOf" => flat.any_of = value.elements().iter().collect(),
            "enum" => flat.values = value.elements().iter().collect(),
            "const" => flat.values = vec![value],
            "items" if !value.elements().is_empty() => {
                flat.tuple = value.elements().iter().collect();
            }
            "items" => flat.items = Some(value),
            "prefixItems" => flat.tuple = value.elements().iter().collect(),
            "exclusiveMinimum" => flat.exclusive_minimum = Some(value),
            "exclusiveMaximum" => flat.exclusive_maximum = Some(value),
            "format" => flat.format = value.string(),
            "$ref" | "allOf" | "$defs" | "definitions" | "$schema" | "$id" | "$comment" => {}
            "additionalProperties" if value.text == "false" => {}
            _ => self.changed = true,
        }
    }

    fn write(
        &mut self,
        flat: &Flat<'n, 'a>,
        within: &[String],
        depth: usize,
        out: &mut BytesMut,
    ) -> Result<(), SchemaError> {
        if out.len().saturating_sub(self.start) > MAX_SCHEMA {
            return Err(TOO_LARGE);
        }
        if depth > MAX_DEPTH {
            return Err(SchemaError("the schema nests too deep for this model"));
        }
        let mut object = Object::begin(out);
        if let Some(name) = &flat.recursive {
            object
                .string("type", "OBJECT")
                .string("description", &format!("recursive {name}"));
            object.end();
            return Ok(());
        }
        let around = [within, &flat.inlined].concat();
        if flat.any_of.len() > 1 || flat.types.len() > 1 {
            self.choice(flat, &around, depth, &mut object)?;
            object.end();
            return Ok(());
        }
        let kind = flat.kind();
        object.string("type", &kind.to_ascii_uppercase());
        let mut note = String::new();
        self.values(flat, kind, &mut object, &mut note);
        self.bounds(flat, kind, &mut object, &mut note);
        if let Some(format) = flat.format {
            if FORMATS.into_iter().any(|known| format.is(known)) {
                object.raw("format", format.json());
            } else {
                self.changed = true;
            }
        }
        match kind {
            "array" => self.items(flat, &around, depth, &mut object)?,
            "object" => self.properties(flat, &around, depth, &mut object)?,
            _ => {}
        }
        if flat.nullable && !flat.keeps("nullable") {
            object.bool("nullable", true);
        }
        describe(&mut object, flat.description, &note);
        object.end();
        Ok(())
    }

    /// A node of several kinds: nothing but the choice is left of it.
    fn choice(
        &mut self,
        flat: &Flat<'n, 'a>,
        around: &[String],
        depth: usize,
        object: &mut Object<'_>,
    ) -> Result<(), SchemaError> {
        let mut list = object.array("anyOf");
        if flat.any_of.len() > 1 {
            for choice in &flat.any_of {
                let choice = self.flatten(choice, around, depth + 1)?;
                self.write(&choice, around, depth + 1, list.element())?;
            }
        } else {
            for kind in &flat.types {
                let choice = Flat {
                    types: vec![kind.clone()],
                    description: None,
                    nullable: false,
                    ..flat.clone()
                };
                self.write(&choice, around, depth + 1, list.element())?;
            }
        }
        list.end();
        if let Some((_, title)) = flat.kept.iter().find(|(name, _)| *name == "title") {
            object.raw("title", title);
        }
        if flat.nullable {
            object.bool("nullable", true);
        }
        describe(object, flat.description, "");
        Ok(())
    }

    /// `enum`, which only strings may have.
    fn values(
        &mut self,
        flat: &Flat<'n, 'a>,
        kind: &str,
        object: &mut Object<'_>,
        note: &mut String,
    ) {
        if flat.values.is_empty() {
            return;
        }
        if kind != "string" {
            self.changed = true;
            let all: Vec<&str> = flat.values.iter().map(|value| value.text).collect();
            let _ = write!(note, "Allowed values: {}", all.join(", "));
            return;
        }
        let strings = flat.values.iter().filter_map(|value| value.string());
        let mut strings = strings.filter(|text| !text.is_empty()).peekable();
        if strings.peek().is_none() {
            return;
        }
        let mut list = object.array("enum");
        for text in strings {
            list.raw(text.json());
        }
        list.end();
    }

    /// What is copied, and the bounds that exclude themselves.
    fn bounds(
        &mut self,
        flat: &Flat<'n, 'a>,
        kind: &str,
        object: &mut Object<'_>,
        note: &mut String,
    ) {
        let mut skip = Vec::new();
        for (exclusive, name, step, words) in [
            (flat.exclusive_minimum, "minimum", 1, "greater than"),
            (flat.exclusive_maximum, "maximum", -1, "less than"),
        ] {
            let Some(exclusive) = exclusive else { continue };
            let beside = flat.kept.iter().find(|(kept, _)| *kept == name);
            // Once a flag for the bound beside it, now a bound itself.
            let bound = match exclusive.text {
                "true" => beside.map(|(_, bound)| *bound),
                "false" => None,
                bound => Some(bound),
            };
            let Some(bound) = bound else { continue };
            skip.push(name);
            let whole = bound.parse::<i64>().ok().filter(|_| kind == "integer");
            if let Some(inclusive) = whole.and_then(|bound| bound.checked_add(step)) {
                object.raw(name, &inclusive.to_string());
            } else {
                self.changed = true;
                object.raw(name, bound);
                let space = if note.is_empty() { "" } else { ". " };
                let _ = write!(note, "{space}Must be {words} {bound}");
            }
        }
        for (name, value) in &flat.kept {
            if !skip.contains(name) {
                object.raw(name, value);
            }
        }
    }

    fn items(
        &mut self,
        flat: &Flat<'n, 'a>,
        around: &[String],
        depth: usize,
        object: &mut Object<'_>,
    ) -> Result<(), SchemaError> {
        let out = object.key("items");
        match (&flat.tuple[..], flat.items) {
            ([first], _) => {
                self.changed = true;
                let first = self.flatten(first, around, depth + 1)?;
                self.write(&first, around, depth + 1, out)
            }
            ([_, ..], _) => {
                self.changed = true;
                let choice = Flat {
                    any_of: flat.tuple.clone(),
                    ..Flat::default()
                };
                self.write(&choice, around, depth + 1, out)
            }
            ([], Some(items)) if !items.members().is_empty() => {
                let items = self.flatten(items, around, depth + 1)?;
                self.write(&items, around, depth + 1, out)
            }
            ([], _) => {
                out.extend_from_slice(b"{\"type\":\"STRING\"}");
                Ok(())
            }
        }
    }

    fn properties(
        &mut self,
        flat: &Flat<'n, 'a>,
        around: &[String],
        depth: usize,
        object: &mut Object<'_>,
    ) -> Result<(), SchemaError> {
        let names: HashSet<Cow<'_, str>> = flat.required.iter().map(|n| n.decode()).collect();
        let is_required = |name: RawStr<'_>| names.contains(&name.decode());
        let mut written: Vec<RawStr<'a>> = Vec::new();
        let mut members = BytesMut::new();
        for (name, node) in &flat.properties {
            let property = self.flatten(node, around, depth + 1)?;
            let is_bare = property.recursive.is_none()
                && property.any_of.is_empty()
                && property.types.len() < 2
                && property.kind() == "object"
                && property.properties.is_empty();
            if is_bare {
                self.changed = true;
                if !is_required(*name) {
                    continue;
                }
            }
            if !members.is_empty() {
                members.put_u8(b',');
            }
            written.push(*name);
            members.extend_from_slice(name.json().as_bytes());
            members.put_u8(b':');
            if is_bare {
                let mut text = Object::begin(&mut members);
                text.string("type", "STRING");
                describe(&mut text, property.description, "JSON object as text");
                text.end();
            } else {
                self.write(&property, around, depth + 1, &mut members)?;
            }
            if members.len() > MAX_SCHEMA {
                return Err(TOO_LARGE);
            }
        }
        if written.is_empty() {
            return Ok(());
        }
        let out = object.key("properties");
        out.put_u8(b'{');
        out.extend_from_slice(&members);
        out.put_u8(b'}');
        let mut required = written
            .into_iter()
            .filter(|name| is_required(*name))
            .peekable();
        if required.peek().is_some() {
            let mut list = object.array("required");
            for name in required {
                list.raw(name.json());
            }
            list.end();
        }
        Ok(())
    }
}

impl<'n, 'a> Flat<'n, 'a> {
    /// Adds what another node says; what this one says itself wins.
    fn merge(&mut self, other: Self) {
        let known: HashSet<Cow<'_, str>> = self
            .properties
            .iter()
            .map(|(key, _)| key.decode())
            .collect();
        let mut new = other.properties;
        new.retain(|(key, _)| !known.contains(&key.decode()));
        self.properties.extend(new);
        self.required.extend(other.required);
        self.nullable |= other.nullable;
        if self.types.is_empty() {
            self.types = other.types;
        }
        if self.any_of.is_empty() {
            self.any_of = other.any_of;
        }
        if self.values.is_empty() {
            self.values = other.values;
        }
        if self.tuple.is_empty() {
            self.tuple = other.tuple;
        }
        self.description = self.description.or(other.description);
        self.items = self.items.or(other.items);
        self.exclusive_minimum = self.exclusive_minimum.or(other.exclusive_minimum);
        self.exclusive_maximum = self.exclusive_maximum.or(other.exclusive_maximum);
        self.format = self.format.or(other.format);
        for (name, value) in other.kept {
            if !self.keeps(name) {
                self.kept.push((name, value));
            }
        }
        self.inlined.extend(other.inlined);
        self.recursive = self.recursive.take().or(other.recursive);
    }

    fn keeps(&self, name: &str) -> bool {
        self.kept.iter().any(|(kept, _)| *kept == name)
    }

    /// The type, or what the other keywords imply.
    fn kind(&self) -> &str {
        if let Some(kind) = self.types.first() {
            return kind;
        }
        if !self.properties.is_empty() {
            return "object";
        }
        if self.items.is_some() || !self.tuple.is_empty() {
            return "array";
        }
        match self.values.first().map(|value| value.text) {
            Some("true" | "false") => "boolean",
            Some(text) if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {
                if text.contains(['.', 'e', 'E']) {
                    "number"
                } else {
                    "integer"
                }
            }
            _ => "string",
        }
    }
}

/// Whether a schema allows nothing but null.
fn is_null(node: &Node<'_>) -> bool {
    let is = |name: &str, expected: &str| node.member(name).is_some_and(|v| v.text == expected);
    let constant = || {
        let mut members = node.members().iter();
        members.any(|(key, value)| key.is("const") && value.text == "null")
    };
    let listed = || match node.member("enum").map(|list| &list.parts) {
        Some(Parts::Array(values)) => !values.is_empty() && values.iter().all(|v| v.text == "null"),
        _ => false,
    };
    is("type", "\"null\"") || constant() || listed()
}

/// Writes the description with a note behind it.
fn describe(object: &mut Object<'_>, description: Option<RawStr<'_>>, note: &str) {
    let text = description.map_or("", RawStr::content);
    if text.is_empty() && note.is_empty() {
        return;
    }
    let out = object.key("description");
    out.put_u8(b'"');
    out.extend_from_slice(text.as_bytes());
    if !text.is_empty() && !note.is_empty() {
        out.extend_from_slice(b". ");
    }
    write::string_content(out, note);
    out.put_u8(b'"');
}
