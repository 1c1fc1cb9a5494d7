//! The form of the answer: `response_format`.

use serde_json::value::RawValue;

use super::TARGET;
use crate::convert::chat_request::path;
use crate::convert::context::RequestContext;
use crate::convert::converse_out::Out;
use crate::convert::converse_out::output::{self, JsonSchema};
use crate::convert::report::Refusal;
use crate::format::chat::request::Request;
use crate::format::raw::RawStr;
use crate::format::walk;

/// The form that the client wants.
#[derive(Debug, Clone, Copy)]
pub(super) enum Format<'a> {
    Text,
    /// Any JSON object: asked for in words.
    JsonObject,
    Schema(JsonSchema<'a>),
}

impl<'a> Format<'a> {
    /// Reads `response_format`.
    pub(super) fn read(
        request: &Request<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<Self, Refusal> {
        let Some(format) = &request.response_format else {
            return Ok(Self::Text);
        };
        for name in &format.unknown {
            cx.report.drop_field(format!("response_format.{name}"));
        }
        let Some(kind) = format.kind else {
            return Err(path::missing("response_format.type"));
        };
        match &*kind.decode() {
            "text" => return Ok(Self::Text),
            "json_object" => {
                cx.report.approximate("response_format");
                return Ok(Self::JsonObject);
            }
            "json_schema" => {}
            _ => return Err(TARGET.unsupported("response_format.type", "has no such format")),
        }
        let wanted = format.json_schema.as_ref();
        let schema = wanted.and_then(|wanted| wanted.schema).map(RawValue::get);
        let (Some(wanted), Some(schema)) = (wanted, schema) else {
            return Err(path::missing("response_format.json_schema.schema"));
        };
        if !walk::is_object(schema) {
            return Err(path::wrong_type("response_format.json_schema.schema"));
        }
        if wanted.strict == Some(false) {
            // The answer follows the schema in any case.
            cx.report.approximate("response_format.json_schema.strict");
        }
        for name in &wanted.unknown {
            cx.report
                .drop_field(format!("response_format.json_schema.{name}"));
        }
        let text = |value: Option<&'a RawValue>, name: &str| match value {
            None => Ok(None),
            Some(raw) => RawStr::new(raw)
                .map(Some)
                .ok_or_else(|| path::wrong_type(format!("response_format.json_schema.{name}"))),
        };
        Ok(Self::Schema(JsonSchema {
            schema,
            name: text(wanted.name, "name")?,
            description: text(wanted.description, "description")?,
        }))
    }

    pub(super) fn is_json_object(self) -> bool {
        matches!(self, Self::JsonObject)
    }

    /// Writes `outputConfig`, where there is something to say.
    pub(super) fn write(
        self,
        out: &mut Out,
        effort: Option<&'static str>,
        cx: &mut RequestContext<'_>,
    ) {
        let schema = match self {
            Self::Schema(schema) => Some(schema),
            Self::Text | Self::JsonObject => None,
        };
        if schema.is_none() && effort.is_none() {
            return;
        }
        let closed = out.rules.anthropic;
        if output::write(out.member("outputConfig"), schema, effort, closed) {
            cx.report.approximate("response_format.json_schema.schema");
        }
    }
}
