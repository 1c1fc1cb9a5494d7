//! Reading a request's views, with errors that name the client's field by its path.

use serde::Deserialize;

use super::report::Refusal;
use crate::format::walk;

/// Reads a view of `text`, which stands at `prefix` in the request; an error names the innermost value that is not what it
/// should be.
pub(crate) fn parse<'a, T: Deserialize<'a>>(
    text: &'a str,
    prefix: impl FnOnce() -> String,
) -> Result<T, Refusal> {
    serde_json::from_str(text).map_err(|error| {
        // serde_json stops before a bracket that it does not expect, but after any other value.
        let offset = walk::offset_of(text, &error);
        let mut inner = walk::path_at(text, offset + 1);
        let before = walk::path_at(text, offset);
        if before.len() > inner.len() {
            inner = before;
        }
        let mut path = prefix();
        if !path.is_empty() && !inner.is_empty() && !inner.starts_with('[') {
            path.push('.');
        }
        path.push_str(&inner);
        wrong_type(path)
    })
}

/// The value at `path` has a type that its field does not take.
pub(crate) fn wrong_type(path: impl Into<String>) -> Refusal {
    let path = path.into();
    let message = format!("`{path}` does not have the right type");
    Refusal::invalid(path, message)
}

/// The member at `path` is required.
pub(crate) fn missing(path: impl Into<String>) -> Refusal {
    let path = path.into();
    let message = format!("`{path}` is missing");
    Refusal::invalid(path, message)
}

/// The number that JSON text is, if it is one.
pub(crate) fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::messages::request::Request;

    #[test]
    fn errors_name_the_innermost_value() {
        for (body, path) in [
            (r#"{"messages":[{"role":"user"},7]}"#, "messages[1]"),
            (r#"{"stream":"yes"}"#, "stream"),
            (r#"{"tools":{}}"#, "tools"),
        ] {
            let refusal = parse::<Request<'_>>(body, String::new).unwrap_err();
            assert_eq!(refusal.param, path, "{body}");
        }
        let refusal = parse::<Request<'_>>("[]", || "x".to_owned()).unwrap_err();
        assert_eq!(refusal.param, "x");
        assert_eq!(missing("model").message, "`model` is missing");
    }
}
