//! Members in Converse's own words that a Chat client may add where the owner allows it, and its metadata.

use serde_json::value::RawValue;

use crate::convert::chat_request::path;
use crate::convert::context::RequestContext;
use crate::convert::converse_out::Out;
use crate::convert::converse_out::fields::{self, Fields, RequestMetadata};
use crate::convert::report::Refusal;
use crate::format::chat::request::Request;
use crate::format::walk;

/// The members, as they were sent.
#[derive(Debug, Default)]
pub(super) struct Own<'a> {
    additional: Option<&'a str>,
    guardrail: Option<&'a str>,
    performance: Option<&'a str>,
    metadata: Option<&'a str>,
}

impl<'a> Own<'a> {
    /// Takes the members out of those that Chat does not know, and reports the others. `body` is the text that the request was
    /// read from.
    pub(super) fn read(
        request: &Request<'_>,
        body: &'a str,
        cx: &mut RequestContext<'_>,
    ) -> Result<Self, Refusal> {
        let allowed = cx.options.bedrock_extensions == Some(true);
        let mut own = Self::default();
        for name in &request.unknown {
            let slot = match &**name {
                "additional_model_request_fields" => &mut own.additional,
                "guardrail_config" => &mut own.guardrail,
                "performance_config" => &mut own.performance,
                "request_metadata" => &mut own.metadata,
                _ => {
                    cx.report.drop_field(name.to_string());
                    continue;
                }
            };
            if !allowed {
                cx.report.drop_field(name.to_string());
                continue;
            }
            let value = walk::member(body, name);
            if value.is_some_and(|value| !walk::is_object(value)) {
                return Err(path::wrong_type(name.to_string()));
            }
            *slot = value;
        }
        Ok(own)
    }

    /// Adds what stands beside everything else, and wins over it.
    pub(super) fn add(&self, fields: &mut Fields<'a>) {
        if let Some(additional) = self.additional {
            fields.merge(additional);
        }
    }

    /// Writes the members that stand last.
    pub(super) fn write(&self, out: &mut Out, request: &Request<'a>, cx: &mut RequestContext<'_>) {
        for (key, value) in [
            ("guardrailConfig", self.guardrail),
            ("performanceConfig", self.performance),
        ] {
            if let Some(value) = value {
                fields::write_own(out, key, value);
            }
        }
        let mut metadata = RequestMetadata::default();
        if let Some(pairs) = request.metadata.map(RawValue::get) {
            let all = metadata.merge(pairs);
            if !metadata.is_empty() {
                cx.report.approximate("metadata");
            }
            if !all {
                cx.report.drop_field("metadata");
            }
        }
        if let Some(pairs) = self.metadata
            && !metadata.merge(pairs)
        {
            cx.report.drop_field("request_metadata");
        }
        metadata.write(out);
    }
}
