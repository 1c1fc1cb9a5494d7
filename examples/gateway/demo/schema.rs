//! JSON Schema: values that fit one, and what structured outputs refuse in one.

use std::cell::Cell;

use serde_json::{Map, Value, json};

/// How deep schemas are followed; a recursive one ends here.
const DEPTH: usize = 12;

/// How many values an example may have: a recursive schema with several branches would double them with every level.
const VALUES: usize = 2000;

/// A value that fits the schema, the smallest that is not boring.
pub(super) fn example(schema: &Value) -> Value {
    let builder = Builder {
        root: schema,
        left: Cell::new(VALUES),
    };
    builder.build(schema, DEPTH)
}

/// Makes one example.
struct Builder<'a> {
    /// Where references lead into.
    root: &'a Value,
    /// Values that may still be made.
    left: Cell<usize>,
}

impl Builder<'_> {
    fn build(&self, schema: &Value, depth: usize) -> Value {
        let (Some(depth), Some(left)) = (depth.checked_sub(1), self.left.get().checked_sub(1))
        else {
            return Value::Null;
        };
        self.left.set(left);
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let target = target
                .strip_prefix('#')
                .and_then(|path| self.root.pointer(path));
            return target.map_or(Value::Null, |schema| self.build(schema, depth));
        }
        if let Some(value) = schema.get("const") {
            return value.clone();
        }
        if let Some(value) = schema.pointer("/enum/0") {
            return value.clone();
        }
        for choice in ["anyOf", "oneOf"] {
            if let Some(first) = schema.get(choice).and_then(|choices| choices.get(0)) {
                return self.build(first, depth);
            }
        }
        if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
            return self.all(all, depth);
        }
        match type_of(schema) {
            Some("object") => self.object(schema, depth),
            Some("array") => match schema.get("items") {
                Some(items) => json!([self.build(items, depth)]),
                None => json!([]),
            },
            Some("string") => string(schema),
            Some("integer" | "number") => {
                let least = schema
                    .get("minimum")
                    .filter(|least| least.as_f64() > Some(1.0));
                least.cloned().unwrap_or(json!(1))
            }
            Some("boolean") => json!(true),
            _ => Value::Null,
        }
    }

    /// One object with the members of all, or the last value when they are no objects.
    fn all(&self, schemas: &[Value], depth: usize) -> Value {
        let parts = schemas.iter().map(|part| self.build(part, depth));
        parts.fold(json!({}), |sum, part| match (sum, part) {
            (Value::Object(mut sum), Value::Object(part)) => {
                sum.extend(part);
                Value::Object(sum)
            }
            (_, part) => part,
        })
    }

    /// The required members.
    fn object(&self, schema: &Value, depth: usize) -> Value {
        let any = Value::Bool(true);
        let names = schema.get("required").and_then(Value::as_array);
        let members: Map<_, _> = names
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(|name| {
                let member = schema.get("properties").and_then(|all| all.get(name));
                (name.to_owned(), self.build(member.unwrap_or(&any), depth))
            })
            .collect();
        Value::Object(members)
    }
}

/// The schema's type, the first that is not null when there are several.
fn type_of(schema: &Value) -> Option<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => Some(name),
        Some(Value::Array(names)) => names
            .iter()
            .filter_map(Value::as_str)
            .find(|name| *name != "null"),
        _ if schema.get("properties").is_some() => Some("object"),
        _ => None,
    }
}

fn string(schema: &Value) -> Value {
    json!(match schema.get("format").and_then(Value::as_str) {
        Some("date-time") => "2026-11-22T12:00:00Z",
        Some("date") => "2026-11-22",
        Some("time") => "12:00:00Z",
        Some("duration") => "PT1H",
        Some("email") => "demo@example.com",
        Some("uri") => "https://example.com/",
        Some("hostname") => "example.com",
        Some("ipv4") => "192.0.2.1",
        Some("ipv6") => "2001:db8::1",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        _ => "demo",
    })
}

/// Keywords that Anthropic's structured outputs refuse, see "JSON Schema limitations" in its documentation.
const ANTHROPIC_REFUSED: &[&str] = &[
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
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
    "oneOf",
];

/// Values of `format` that Anthropic's structured outputs know.
const FORMATS: &[&str] = &[
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

/// What Anthropic's structured outputs refuse in the schema, if anything.
pub(super) fn anthropic_refusal(schema: &Value) -> Option<String> {
    walk(schema, &mut |schema| {
        let name = type_of(schema).unwrap_or("schema");
        let refused = ANTHROPIC_REFUSED
            .iter()
            .find(|word| schema.get(**word).is_some());
        if let Some(word) = refused {
            return Some(format!(
                "For '{name}' type, property '{word}' is not supported"
            ));
        }
        if schema
            .get("minItems")
            .is_some_and(|least| least.as_u64() > Some(1))
        {
            return Some(
                "For 'array' type, 'minItems' values other than 0 or 1 are not supported"
                    .to_owned(),
            );
        }
        if let Some(format) = schema.get("format").and_then(Value::as_str)
            && !FORMATS.contains(&format)
        {
            return Some(format!(
                "For 'string' type, 'format' value '{format}' is not supported"
            ));
        }
        let target = schema.get("$ref").and_then(Value::as_str);
        if target.is_some_and(|target| !target.starts_with('#')) {
            return Some("Only local references are supported in '$ref'".to_owned());
        }
        (name == "object" && schema.get("additionalProperties") != Some(&Value::Bool(false))).then(
            || {
                "For 'object' type, 'additionalProperties' must be explicitly set to false"
                    .to_owned()
            },
        )
    })
}

/// What OpenAI's strict structured outputs refuse in the schema, if anything.
pub(super) fn openai_refusal(schema: &Value) -> Option<String> {
    walk(schema, &mut |schema| {
        if type_of(schema) != Some("object") {
            return None;
        }
        if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
            return Some(
                "'additionalProperties' is required to be supplied and to be false.".to_owned(),
            );
        }
        let required = schema.get("required").and_then(Value::as_array);
        let missing = schema.get("properties")?.as_object()?.keys().find(|name| {
            !required.is_some_and(|all| all.iter().any(|entry| entry == name.as_str()))
        })?;
        Some(format!(
            "'required' is required to be supplied and to be an array including every key in properties. Missing '{missing}'."
        ))
    })
}

/// The first refusal in a schema and the schemas in it.
fn walk(schema: &Value, refuse: &mut dyn FnMut(&Value) -> Option<String>) -> Option<String> {
    let object = schema.as_object()?;
    if let Some(refusal) = refuse(schema) {
        return Some(refusal);
    }
    let named = ["properties", "$defs", "definitions"].into_iter();
    let named = named
        .filter_map(|key| object.get(key)?.as_object())
        .flat_map(Map::values);
    let listed = ["anyOf", "allOf", "oneOf"].into_iter();
    let listed = listed
        .filter_map(|key| object.get(key)?.as_array())
        .flatten();
    named
        .chain(listed)
        .chain(object.get("items"))
        .find_map(|schema| walk(schema, refuse))
}
