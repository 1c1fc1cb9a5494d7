//! The form of the answer, and the effort beside it: `output_config`.

use bytes::BufMut;

use super::TARGET;
use crate::codec::write;
use crate::convert::anthropic_out::cache::Out;
use crate::convert::context::RequestContext;
use crate::convert::json_schema;
use crate::convert::report::Refusal;
use crate::convert::responses_request::format::{self, Format};
use crate::format::responses::request::TextFormat;
use crate::models::Effort;

const SCHEMA: &str = "text.format.schema";

/// Reads `text.format`, as far as the model takes it.
pub(super) fn read<'a>(
    asked: Option<&TextFormat<'a>>,
    cx: &mut RequestContext<'_>,
) -> Result<Format<'a>, Refusal> {
    let format = format::read(asked, TARGET, cx)?;
    if !format.is_schema() {
        return Ok(format);
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
    for (field, present) in [
        ("text.format.name", asked.is_some_and(|f| f.name.is_some())),
        (
            "text.format.description",
            asked.is_some_and(|f| f.description.is_some()),
        ),
    ] {
        if present {
            cx.report.drop_field(field);
        }
    }
    Ok(format)
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
