//! Schemas.

use bytes::BytesMut;

use super::{SchemaError, says_nothing, write_output_schema, write_parameters, write_subset};

fn text(
    write: impl FnOnce(&mut BytesMut) -> Result<bool, SchemaError>,
) -> Result<(String, bool), SchemaError> {
    let mut out = BytesMut::new();
    let changed = write(&mut out)?;
    let json = String::from_utf8(out.to_vec()).unwrap();
    serde_json::from_str::<serde_json::Value>(&json).unwrap_or_else(|e| panic!("{e}: {json}"));
    Ok((json, changed))
}

fn parameters(schema: &str) -> String {
    text(|out| write_parameters(schema, out).map(|()| false))
        .unwrap()
        .0
}

fn output(schema: &str, ordering: bool) -> (String, bool) {
    text(|out| write_output_schema(schema, ordering, out)).unwrap()
}

fn subset(schema: &str) -> String {
    text(|out| write_subset(schema, out)).unwrap().0
}

#[test]
fn parameters_stay_as_they_are_but_for_what_google_refuses() {
    for (schema, expected) in [
        // What other gateways stumbled over stays.
        (
            r#"{"type":"object","properties":{"a":{"exclusiveMinimum":0,"const":1.50,"default":null}},"patternProperties":{"^x":{}},"propertyNames":{"pattern":"a"}}"#,
            None,
        ),
        (
            r#"{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"$schema":{"type":"string"}}}"#,
            Some(r#"{"type":"object","properties":{"$schema":{"type":"string"}}}"#),
        ),
        (
            r#"{"properties":{"a":true,"b":false},"additionalProperties":false}"#,
            Some(
                r#"{"type":"object","properties":{"a":{},"b":{"not":{}}},"additionalProperties":false}"#,
            ),
        ),
        (
            r##"{"$ref":"#/definitions/A","definitions":{"A":{"type":"array","items":true,"anyOf":[true]}}}"##,
            Some(
                r##"{"$ref":"#/definitions/A","definitions":{"A":{"type":"array","items":{},"anyOf":[{}]}}}"##,
            ),
        ),
        (
            r#"{"type":"object","properties":{"a":{"enum":[true,false],"default":true}}}"#,
            None,
        ),
        (
            r#"{"anyOf":[{"required":["a"]}]}"#,
            Some(r#"{"type":"object","anyOf":[{"required":["a"]}]}"#),
        ),
    ] {
        assert_eq!(parameters(schema), expected.unwrap_or(schema));
    }
}

#[test]
fn parameters_that_say_nothing() {
    for (schema, nothing) in [
        ("{}", true),
        ("null", true),
        (r#"{"type":"object"}"#, true),
        (
            r#"{"$schema":"x","type":"object","properties":{},"required":[],"additionalProperties":false}"#,
            true,
        ),
        (
            r#"{"type":"object","properties":{},"additionalProperties":true}"#,
            true,
        ),
        (
            r#"{"type":"object","additionalProperties":{"type":"string"}}"#,
            false,
        ),
        (r#"{"type":"object","properties":{"a":{}}}"#, false),
        (r##"{"$ref":"#/x"}"##, false),
        (r#"{"type":"string"}"#, false),
    ] {
        assert_eq!(says_nothing(schema), nothing, "{schema}");
    }
}

#[test]
fn outputs_have_references_that_stand_alone() {
    let schema = r##"{"type":"object","properties":{"b":{"$ref":"#/$defs/B","description":"mine"},"a":{"$ref":"#/$defs/B"}},"$defs":{"B":{"type":"string","description":"its","minLength":1}}}"##;
    assert_eq!(
        output(schema, false),
        (
            r##"{"type":"object","properties":{"b":{"type":"string","minLength":1,"description":"mine"},"a":{"$ref":"#/$defs/B"}},"$defs":{"B":{"type":"string","description":"its","minLength":1}}}"##
                .to_owned(),
            false
        )
    );
    let (ordered, _) = output(schema, true);
    assert!(
        ordered.contains(r#","propertyOrdering":["b","a"],"#),
        "{ordered}"
    );
    // One that goes in circles keeps what stands alone.
    let (circle, changed) = output(
        r##"{"$defs":{"N":{"type":"object","properties":{"n":{"$ref":"#/$defs/N","description":"next"}}}},"type":"object","properties":{"n":{"$ref":"#/$defs/N","description":"first"}}}"##,
        false,
    );
    assert!(
        changed && circle.contains(r##"{"$ref":"#/$defs/N"}"##),
        "{circle}"
    );
    assert!(output(r##"{"$ref":"#/nowhere","title":"t"}"##, false).1);
}

#[test]
fn references_cannot_blow_up() {
    let mut definitions = String::new();
    for level in 0..40 {
        let next = level + 1;
        definitions.push_str(&format!(
            r##""L{level}":{{"type":"object","properties":{{"a":{{"$ref":"#/$defs/L{next}","title":"t"}},"b":{{"$ref":"#/$defs/L{next}","title":"t"}}}}}},"##
        ));
    }
    let schema = format!(
        r##"{{"$ref":"#/$defs/L0","title":"t","$defs":{{{definitions}"L40":{{"type":"string"}}}}}}"##
    );
    let mut out = BytesMut::new();
    assert!(write_output_schema(&schema, true, &mut out).is_err());
    let mut out = BytesMut::new();
    assert!(write_subset(&schema, &mut out).is_err());
    let doubled = schema.replace(r#""type":"object","properties":{"#, r#""allOf":["#);
    let mut out = BytesMut::new();
    let _ = write_subset(&doubled, &mut out);
}

#[test]
fn the_subset_of_older_models() {
    for (schema, expected) in [
        // References, also in circles.
        (
            r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/A","description":"mine"}},"$defs":{"A":{"type":"string","description":"its","minLength":1}}}"##,
            r#"{"type":"OBJECT","properties":{"a":{"type":"STRING","minLength":1,"description":"mine"}}}"#,
        ),
        (
            r##"{"type":"object","properties":{"n":{"$ref":"#/definitions/N"}},"definitions":{"N":{"type":"object","properties":{"v":{"type":"integer"},"next":{"$ref":"#/definitions/N"}}}}}"##,
            r#"{"type":"OBJECT","properties":{"n":{"type":"OBJECT","properties":{"v":{"type":"INTEGER"},"next":{"type":"OBJECT","description":"recursive N"}}}}}"#,
        ),
        // Choices and null.
        (
            r#"{"allOf":[{"properties":{"a":{"type":"string"}},"required":["a"]},{"properties":{"b":{"type":"boolean"}},"required":["b"]}]}"#,
            r#"{"type":"OBJECT","properties":{"a":{"type":"STRING"},"b":{"type":"BOOLEAN"}},"required":["a","b"]}"#,
        ),
        (
            r#"{"oneOf":[{"type":"string"},{"type":"integer"},{"type":"null"}],"title":"t","description":"d","minimum":3}"#,
            r#"{"anyOf":[{"type":"STRING"},{"type":"INTEGER"}],"title":"t","nullable":true,"description":"d"}"#,
        ),
        (
            r#"{"anyOf":[{"type":"string","maxLength":2},{"type":"null"}],"description":"d"}"#,
            r#"{"type":"STRING","maxLength":2,"nullable":true,"description":"d"}"#,
        ),
        (
            r#"{"type":["string","number","null"]}"#,
            r#"{"anyOf":[{"type":"STRING"},{"type":"NUMBER"}],"nullable":true}"#,
        ),
        // Values.
        (r#"{"const":"c"}"#, r#"{"type":"STRING","enum":["c"]}"#),
        (
            r#"{"enum":["a","",null,"b"]}"#,
            r#"{"type":"STRING","enum":["a","b"],"nullable":true}"#,
        ),
        (
            r#"{"enum":[1,2],"description":"d"}"#,
            r#"{"type":"INTEGER","description":"d. Allowed values: 1, 2"}"#,
        ),
        (
            r#"{"const":true}"#,
            r#"{"type":"BOOLEAN","description":"Allowed values: true"}"#,
        ),
        // Bounds.
        (
            r#"{"type":"integer","exclusiveMinimum":0,"exclusiveMaximum":10}"#,
            r#"{"type":"INTEGER","minimum":1,"maximum":9}"#,
        ),
        (
            r#"{"type":"number","exclusiveMinimum":0.5}"#,
            r#"{"type":"NUMBER","minimum":0.5,"description":"Must be greater than 0.5"}"#,
        ),
        (
            r#"{"type":"integer","minimum":3,"exclusiveMinimum":true}"#,
            r#"{"type":"INTEGER","minimum":4}"#,
        ),
        // Lists.
        (
            r#"{"type":"array"}"#,
            r#"{"type":"ARRAY","items":{"type":"STRING"}}"#,
        ),
        (
            r#"{"items":{},"minItems":1}"#,
            r#"{"type":"ARRAY","minItems":1,"items":{"type":"STRING"}}"#,
        ),
        (
            r#"{"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}]}"#,
            r#"{"type":"ARRAY","items":{"anyOf":[{"type":"STRING"},{"type":"INTEGER"}]}}"#,
        ),
        // Formats and other keywords.
        (
            r#"{"type":"string","format":"email","pattern":"a","uniqueItems":true}"#,
            r#"{"type":"STRING","pattern":"a"}"#,
        ),
        (
            r#"{"type":"string","format":"date-time"}"#,
            r#"{"type":"STRING","format":"date-time"}"#,
        ),
        // Objects without members, and names that do not exist.
        (
            r#"{"type":"object","properties":{"a":{"type":"object"},"b":{"type":"object","description":"d"},"c":{"type":"string"}},"required":["b","x"]}"#,
            r#"{"type":"OBJECT","properties":{"b":{"type":"STRING","description":"d. JSON object as text"},"c":{"type":"STRING"}},"required":["b"]}"#,
        ),
        ("true", r#"{"type":"STRING"}"#),
    ] {
        assert_eq!(subset(schema), expected, "{schema}");
    }
    let deep = format!(
        "{}{{\"type\":\"string\"}}{}",
        r#"{"type":"array","items":"#.repeat(40),
        "}".repeat(40)
    );
    let mut out = BytesMut::new();
    assert!(write_subset(&deep, &mut out).is_err());
}
