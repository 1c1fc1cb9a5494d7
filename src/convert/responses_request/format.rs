//! The form of the answer: `text.format`.

use serde_json::value::RawValue;

use super::checks::report_unknown;
use super::path;
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::format::responses::request::TextFormat;
use crate::format::walk;

/// The form that the client wants.
#[derive(Debug, Clone, Copy)]
pub(in crate::convert) enum Format<'a> {
    Text,
    /// Any JSON object: asked for in words.
    JsonObject,
    /// JSON after this schema, an object.
    Schema(&'a str),
}

impl Format<'_> {
    pub(in crate::convert) fn is_json_object(self) -> bool {
        matches!(self, Self::JsonObject)
    }

    pub(in crate::convert) fn is_schema(self) -> bool {
        matches!(self, Self::Schema(_))
    }
}

/// Reads `text.format` for a provider that refusals call `target`.
pub(in crate::convert) fn read<'a>(
    format: Option<&TextFormat<'a>>,
    target: &str,
    cx: &mut RequestContext<'_>,
) -> Result<Format<'a>, Refusal> {
    const SCHEMA: &str = "text.format.schema";
    let Some(format) = format else {
        return Ok(Format::Text);
    };
    report_unknown(&format.unknown, "text.format.", cx);
    let Some(kind) = format.kind else {
        return Err(path::missing("text.format.type"));
    };
    match &*kind.decode() {
        "text" => return Ok(Format::Text),
        "json_object" => {
            cx.report.approximate("text.format");
            return Ok(Format::JsonObject);
        }
        "json_schema" => {}
        _ => {
            return Err(Refusal::unsupported(
                "text.format.type",
                format!("{target} has no such output format"),
            ));
        }
    }
    let Some(schema) = format.schema.map(RawValue::get) else {
        return Err(path::missing(SCHEMA));
    };
    if !walk::is_object(schema) {
        return Err(path::wrong_type(SCHEMA));
    }
    // Whoever takes a schema enforces it, whatever the client says.
    if format.strict == Some(false) {
        cx.report.approximate("text.format.strict");
    }
    Ok(Format::Schema(schema))
}
