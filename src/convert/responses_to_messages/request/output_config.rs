//! The form of the answer, and the effort beside it: `output_config`.

use bytes::BufMut;
use serde_json::value::RawValue;

use crate::codec::write;
use crate::convert::anthropic_out::cache::Out;
use crate::convert::context::RequestContext;
use crate::convert::json_schema;
use crate::convert::report::Refusal;
use crate::convert::responses_request::checks::report_unknown;
use crate::convert::responses_request::path;
use crate::format::responses::request::TextFormat;
use crate::format::walk;
use crate::models::Effort;

const SCHEMA: &str = "text.format.schema";

/// The form that the client wants.
#[derive(Debug, Clone, Copy)]
pub(super) enum Format<'a> {
    Text,
    /// Any JSON object: asked for in words.
    JsonObject,
    /// JSON after this schema.
    Schema(&'a str),
}

impl Format<'_> {
    pub(super) fn is_json_object(self) -> bool {
        matches!(self, Self::JsonObject)
    }

    pub(super) fn is_schema(self) -> bool {
        matches!(self, Self::Schema(_))
    }
}

/// Reads `text.format`.
pub(super) fn format<'a>(
    format: Option<&TextFormat<'a>>,
    cx: &mut RequestContext<'_>,
) -> Result<Format<'a>, Refusal> {
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
                "Anthropic has no such output format",
            ));
        }
    }
    let Some(schema) = format.schema.map(RawValue::get) else {
        return Err(path::missing(SCHEMA));
    };
    if !walk::is_object(schema) {
        return Err(path::wrong_type(SCHEMA));
    }
    if !cx.capabilities.structured_outputs {
        if !cx.lossy {
            return Err(Refusal::unsupported(
                "text.format",
                "this model takes no JSON schema for its output",
            ));
        }
        cx.report.drop_field("text.format");
        return Ok(Format::Text);
    }
    if format.name.is_some() {
        cx.report.drop_field("text.format.name");
    }
    if format.description.is_some() {
        cx.report.drop_field("text.format.description");
    }
    // Anthropic enforces the schema whatever the client says.
    if format.strict == Some(false) {
        cx.report.approximate("text.format.strict");
    }
    Ok(Format::Schema(schema))
}

/// Writes `output_config`, where there is something to say.
pub(super) fn write(
    out: &mut Out,
    effort: Option<Effort>,
    format: Format<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    let schema = match format {
        Format::Schema(schema) => Some(schema),
        Format::Text | Format::JsonObject => None,
    };
    if effort.is_none() && schema.is_none() {
        return Ok(());
    }
    out.member("output_config");
    out.buf.put_u8(b'{');
    if let Some(effort) = effort {
        out.buf.extend_from_slice(b"\"effort\":");
        write::string(&mut out.buf, effort.word());
    }
    if let Some(schema) = schema {
        if effort.is_some() {
            out.buf.put_u8(b',');
        }
        out.buf
            .extend_from_slice(b"\"format\":{\"type\":\"json_schema\",\"schema\":");
        let changed =
            json_schema::write_sanitised(schema, cx.lossy, &mut out.buf).map_err(|error| {
                Refusal::unsupported(format!("{SCHEMA}{}", error.path), error.message)
            })?;
        if changed {
            cx.report.approximate(SCHEMA);
        }
        out.buf.put_u8(b'}');
    }
    out.buf.put_u8(b'}');
    Ok(())
}
