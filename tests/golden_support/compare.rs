//! When two JSON values count as equal; the rules are in `tests/golden/README.md`.

use super::json::Json;

/// The names under which tool inputs and schemas stand: in objects there, the order of keys counts.
const ORDERED: &[&str] = &[
    "args",
    "input",
    "inputSchema",
    "input_schema",
    "parameters",
    "parametersJsonSchema",
    "schema",
];

/// How to compare.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    /// Paths whose value is free: a suffix of the path, so that a bare name means a member anywhere.
    pub(crate) mask: &'a [String],
    /// The values are of the Responses format: null means absent, and the answer may echo more than expected.
    pub(crate) responses: bool,
}

/// Where two values differ: one line each.
pub(crate) fn differences(expected: &Json, got: &Json, rules: Rules<'_>) -> Vec<String> {
    let mut found = Vec::new();
    walk(expected, got, "", false, rules, &mut found);
    found
}

fn walk(
    expected: &Json,
    got: &Json,
    path: &str,
    ordered: bool,
    rules: Rules<'_>,
    found: &mut Vec<String>,
) {
    if rules.mask.iter().any(|mask| is_suffix(path, mask)) {
        return;
    }
    let equal = match (expected, got) {
        (Json::Object(expected), Json::Object(got)) => {
            return members(expected, got, path, ordered, rules, found);
        }
        (Json::Array(expected), Json::Array(got)) => {
            if expected.len() != got.len() {
                found.push(format!(
                    "{}: expected {} elements, got {}",
                    shown(path),
                    expected.len(),
                    got.len()
                ));
            }
            for (at, pair) in expected.iter().zip(got).enumerate() {
                walk(
                    pair.0,
                    pair.1,
                    &format!("{path}[{at}]"),
                    ordered,
                    rules,
                    found,
                );
            }
            for (at, element) in expected.iter().enumerate().skip(got.len()) {
                found.push(format!("{path}[{at}]: missing {}", short(element)));
            }
            for (at, element) in got.iter().enumerate().skip(expected.len()) {
                found.push(format!("{path}[{at}]: unexpected {}", short(element)));
            }
            return;
        }
        (Json::Null, Json::Null) => true,
        (Json::Bool(expected), Json::Bool(got)) => expected == got,
        (Json::Number(expected), Json::Number(got)) => {
            expected == got || expected.as_f64() == got.as_f64()
        }
        (Json::String(expected), Json::String(got)) => expected == got,
        _ => false,
    };
    if !equal {
        found.push(format!(
            "{}: expected {}, got {}",
            shown(path),
            short(expected),
            short(got)
        ));
    }
}

fn members(
    expected: &[(String, Json)],
    got: &[(String, Json)],
    path: &str,
    ordered: bool,
    rules: Rules<'_>,
    found: &mut Vec<String>,
) {
    let find = |members: &[(String, Json)], key: &str| {
        let member = members.iter().find(|(name, _)| name == key);
        member.map(|(_, value)| value.clone())
    };
    let echoes = rules.responses && is_response_object(expected);
    for (key, value) in expected {
        let path = join(path, key);
        match find(got, key) {
            Some(other) => {
                let ordered = ordered
                    || (ORDERED.contains(&key.as_str()) && matches!(value, Json::Object(_)));
                if rules.responses && value.is_null() && other.is_null() {
                    continue;
                }
                walk(value, &other, &path, ordered, rules, found);
            }
            None if rules.responses && value.is_null() => {}
            None => found.push(format!("{path}: missing {}", short(value))),
        }
    }
    for (key, value) in got {
        if find(expected, key).is_none() && !(rules.responses && value.is_null()) && !echoes {
            found.push(format!("{}: unexpected {}", join(path, key), short(value)));
        }
    }
    if ordered {
        let keys = |members: &[(String, Json)], others: &[(String, Json)]| -> Vec<String> {
            let common = members
                .iter()
                .filter(|(key, _)| others.iter().any(|(other, _)| other == key));
            common.map(|(key, _)| key.clone()).collect()
        };
        let (wanted, actual) = (keys(expected, got), keys(got, expected));
        if wanted != actual {
            found.push(format!(
                "{}: expected the keys in the order {wanted:?}, got {actual:?}",
                shown(path)
            ));
        }
    }
}

fn is_response_object(members: &[(String, Json)]) -> bool {
    members
        .iter()
        .any(|(key, value)| key == "object" && value.as_str() == Some("response"))
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// Whether `mask` is the whole path or its end, beginning at a name.
pub(crate) fn is_suffix(path: &str, mask: &str) -> bool {
    path.strip_suffix(mask)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn shown(path: &str) -> &str {
    if path.is_empty() { "(whole)" } else { path }
}

/// A value on one line of bearable length.
pub(crate) fn short(value: &Json) -> String {
    shorten(&value.to_string(), 300)
}

/// The beginning of a text, and how much was left out.
pub(crate) fn shorten(text: &str, limit: usize) -> String {
    let count = text.chars().count();
    if count <= limit {
        return text.to_owned();
    }
    let head: String = text.chars().take(limit).collect();
    format!("{head}… ({count} characters)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(expected: &str, got: &str, mask: &[&str], responses: bool) -> Vec<String> {
        let mask: Vec<_> = mask.iter().map(|mask| (*mask).to_owned()).collect();
        let (expected, got) = (
            Json::parse(expected.as_bytes()).unwrap(),
            Json::parse(got.as_bytes()).unwrap(),
        );
        let rules = Rules {
            mask: &mask,
            responses,
        };
        differences(&expected, &got, rules)
    }

    #[test]
    fn equal_by_value() {
        for (expected, got) in [
            (r#"{"a":1,"b":[1.0]}"#, r#"{"b":[1],"a":1.0}"#),
            (r#"{"s":"\u0041"}"#, r#"{"s":"A"}"#),
            (
                r#"{"input":[{"a":1,"b":2}]}"#,
                r#"{"input":[{"b":2,"a":1}]}"#,
            ),
        ] {
            assert_eq!(diff(expected, got, &[], false), [""; 0], "{expected} {got}");
        }
    }

    #[test]
    fn every_difference_is_found() {
        for (expected, got, lines) in [
            (r#"{"a":1}"#, r#"{"a":2}"#, 1),
            (r#"{"a":1}"#, r#"{}"#, 1),
            (r#"{}"#, r#"{"a":1}"#, 1),
            (r#"{"a":null}"#, r#"{}"#, 1),
            (r#"{"a":[1,2]}"#, r#"{"a":[1]}"#, 2),
            (r#"{"a":"1"}"#, r#"{"a":1}"#, 1),
            (r#"{"a":false}"#, r#"{"a":true}"#, 1),
            (
                r#"{"input":{"a":{"x":1,"y":2}}}"#,
                r#"{"input":{"a":{"y":2,"x":1}}}"#,
                1,
            ),
            (
                r#"{"a":9007199254740993}"#,
                r#"{"a":"9007199254740992"}"#,
                1,
            ),
        ] {
            let found = diff(expected, got, &[], false);
            assert_eq!(found.len(), lines, "{expected} {got} {found:?}");
        }
        assert!(Json::parse(br#"{"a":1,"a":1}"#).is_err());
    }

    #[test]
    fn masks() {
        let (a, b) = (r#"{"x":{"created":1}}"#, r#"{"x":{"created":2}}"#);
        assert_eq!(diff(a, b, &["created"], false).len(), 0);
        assert_eq!(diff(a, b, &["x.created"], false).len(), 0);
        assert_eq!(diff(a, b, &["y.created"], false).len(), 1);
        assert_eq!(diff(a, b, &["reated"], false).len(), 1);
        assert_eq!(diff(a, r#"{"x":{}}"#, &["created"], false).len(), 1);
        let (a, b) = (r#"{"t":[{"d":1},{"d":1}]}"#, r#"{"t":[{"d":1},{"d":2}]}"#);
        assert_eq!(diff(a, b, &["t[1].d"], false).len(), 0);
        assert_eq!(diff(a, b, &["t[0].d"], false).len(), 1);
    }

    #[test]
    fn responses_objects() {
        let a = r#"{"object":"response","user":null,"output":[{"id":"1"}]}"#;
        let b = r#"{"object":"response","echo":1,"output":[{"id":"1","x":null}]}"#;
        assert_eq!(diff(a, b, &[], true).len(), 0);
        assert_eq!(diff(a, b, &[], false).len(), 3);
        let more = r#"{"object":"response","output":[{"id":"1","x":1}]}"#;
        assert_eq!(diff(a, more, &[], true).len(), 1);
    }
}
