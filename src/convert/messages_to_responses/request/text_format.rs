//! Structured output: `text.format`.

use super::strict;
use crate::codec::write::Object;
use crate::convert::context::RequestContext;
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::format::messages::request::Request;
use crate::format::walk;

/// Writes `text`, where the client wants its answer in a shape.
pub(super) fn write(
    request: &Request<'_>,
    object: &mut Object<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let config = request.output_config.as_ref();
    let current = config.and_then(|config| config.format.as_ref());
    let (format, field) = match (current, &request.output_format) {
        (Some(format), _) => (format, "output_config.format"),
        (None, Some(format)) => (format, "output_format"),
        (None, None) => return Ok(()),
    };
    for name in &format.unknown {
        cx.report.drop_field(format!("{field}.{name}"));
    }
    let kind = format
        .kind
        .ok_or_else(|| path::missing(format!("{field}.type")))?;
    if !kind.is("json_schema") {
        return Err(Refusal::unsupported(
            format!("{field}.type"),
            "the format of the output must be `json_schema`",
        ));
    }
    let schema = format
        .schema
        .ok_or_else(|| path::missing(format!("{field}.schema")))?
        .get();
    if !walk::is_object(schema) {
        return Err(path::wrong_type(format!("{field}.schema")));
    }
    let strict = strict::is_strict(schema);
    if !strict {
        cx.report.approximate(field);
    }
    let mut text = object.object("text");
    let mut format = text.object("format");
    format
        .string("type", "json_schema")
        .string("name", "structured_output")
        .raw("schema", schema)
        .bool("strict", strict);
    format.end();
    text.end();
    Ok(())
}
