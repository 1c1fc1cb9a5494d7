//! What `RouteLayer` reads of a request: a few top-level members, without building a tree.

use std::ops::Range;

use crate::codec::scan::{ScanError, ScanErrorKind, ScanLimits, scan};
use crate::endpoint::Format;
use crate::format::error::{ClientError, Fault};
use crate::format::raw::RawStr;
use crate::settings::Limits;

/// The members that routing needs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) model: String,
    pub(crate) model_span: Range<usize>,
    pub(crate) stream: bool,
    /// `background` or `conversation` is set: the call has a state at the provider.
    pub(crate) stateful: bool,
}

/// Reads the head of a request's body.
///
/// # Errors
/// The body is no JSON object, or `model` or `stream` is not what it must be.
pub(crate) fn head(body: &[u8], limits: &Limits, format: Format) -> Result<Head, ClientError> {
    let scan_limits = ScanLimits {
        depth: limits.json_depth,
        members: limits.members,
    };
    let scan = scan(body, scan_limits).map_err(|error| unreadable(&error, format))?;
    let text = |span: &Range<usize>| {
        body.get(span.clone())
            .and_then(|text| std::str::from_utf8(text).ok())
    };
    let set = |key: &str| {
        scan.get(key)
            .is_some_and(|span| !matches!(text(&span), Some("null" | "false")))
    };
    let invalid = |param: &'static str, message: &'static str| {
        Err(ClientError::gateway(format, Fault::Invalid, message).with_param(param))
    };

    let Some(model_span) = scan.get("model") else {
        return invalid("model", "you must provide a model parameter");
    };
    let model = text(&model_span)
        .and_then(RawStr::from_json)
        .map(RawStr::decode);
    let Some(model) = model else {
        return invalid("model", "model must be a string");
    };
    if let Err(message) = check_model(&model, limits.model_id) {
        return invalid("model", message);
    }
    let stream = match scan.get("stream").as_ref().and_then(text) {
        None | Some("null" | "false") => false,
        Some("true") => true,
        Some(_) => return invalid("stream", "stream must be true or false"),
    };
    Ok(Head {
        model: model.into_owned(),
        model_span,
        stream,
        stateful: set("background") || set("conversation"),
    })
}

/// A model's name may become a path segment and a header: it takes few characters.
fn check_model(model: &str, limit: usize) -> Result<(), &'static str> {
    if model.is_empty() || model.len() > limit {
        return Err("model is empty or too long");
    }
    if !model
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._:/@+-".contains(&byte))
    {
        return Err("model takes letters, digits and the characters . _ : / @ + -");
    }
    if model
        .split('/')
        .any(|segment| matches!(segment, "" | "." | ".."))
    {
        return Err("model has an empty segment, or one that is '.' or '..'");
    }
    Ok(())
}

fn unreadable(error: &ScanError, format: Format) -> ClientError {
    let message = format!("the request body cannot be read: {error}");
    let client = ClientError::gateway(format, Fault::Invalid, message);
    match &error.kind {
        ScanErrorKind::DuplicateMember(key) => client.with_param(key.clone()),
        _ => client,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Head, ClientError> {
        head(body.as_bytes(), &Limits::default(), Format::Chat)
    }

    #[test]
    fn members_are_found_in_any_order_and_spelling() {
        let head = read(
            r#" {"stream": true,"messages":[{"model":"inner"}],"mod\u0065l" : "gpt-\u0035" } "#,
        )
        .unwrap();
        assert_eq!(
            (head.model.as_str(), head.stream, head.stateful),
            ("gpt-5", true, false)
        );
        assert!(read(r#"{"model":"m","background":true}"#).unwrap().stateful);
        assert!(
            read(r#"{"model":"m","conversation":"c"}"#)
                .unwrap()
                .stateful
        );
        let plain =
            read(r#"{"model":"m","background":false,"conversation":null,"stream":null}"#).unwrap();
        assert!(!plain.stateful && !plain.stream);
    }

    #[test]
    fn errors_name_the_member() {
        for (body, param) in [
            (r#"{}"#, "model"),
            (r#"{"model":null}"#, "model"),
            (r#"{"model":5}"#, "model"),
            (r#"{"model":""}"#, "model"),
            (r#"{"model":"a b"}"#, "model"),
            (r#"{"model":"a\r\nx: y"}"#, "model"),
            (r#"{"model":"a/../b"}"#, "model"),
            (r#"{"model":"a//b"}"#, "model"),
            (r#"{"model":"é"}"#, "model"),
            (r#"{"model":"m","stream":"yes"}"#, "stream"),
            (r#"{"model":"m","n":1,"\u006e":2}"#, "n"),
        ] {
            let error = read(body).unwrap_err();
            assert_eq!(error.param.as_deref(), Some(param), "{body}");
            assert_eq!(error.status, 400);
        }
        let long = format!(r#"{{"model":"{}"}}"#, "m".repeat(257));
        assert_eq!(read(&long).unwrap_err().param.as_deref(), Some("model"));
    }

    #[test]
    fn what_is_no_json_object_is_refused() {
        for body in [
            "",
            "[]",
            "null",
            "{\"model\":\"m\"",
            "{\"model\":\"m\"} x",
            "{\"model\":\"m\",}",
        ] {
            assert_eq!(read(body).unwrap_err().status, 400, "{body}");
        }
        let deep = format!(
            r#"{{"model":"m","x":{}1{}}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert_eq!(read(&deep).unwrap_err().status, 400);
    }
}
