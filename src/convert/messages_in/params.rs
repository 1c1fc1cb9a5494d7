//! Members of the request that every target understands in the same way.

use serde_json::value::RawValue;

use super::{missing, unsupported};
use crate::convert::context::RequestContext;
use crate::convert::effort::Asked;
use crate::convert::path::{parse, wrong_type};
use crate::convert::report::{LossReport, Refusal};
use crate::format::messages::request::{OutputFormat, Request, Thinking};
use crate::format::walk;
use crate::models::Effort;

/// `thinking`, taken apart.
pub(in crate::convert) fn thinking<'a>(
    request: &Request<'a>,
) -> Result<Option<Thinking<'a>>, Refusal> {
    request
        .thinking
        .map(|raw| parse(raw.get(), || "thinking".to_owned()))
        .transpose()
}

/// What `output_config.effort` says.
pub(in crate::convert) fn effort(request: &Request<'_>) -> Result<Option<Effort>, Refusal> {
    let Some(effort) = request.output_config.as_ref().and_then(|c| c.effort) else {
        return Ok(None);
    };
    match Asked::from_word(&effort.decode()) {
        Some(Asked::Level(effort)) => Ok(Some(effort)),
        Some(Asked::Nothing | Asked::Minimal) | None => Err(Refusal::invalid(
            "output_config.effort",
            "output_config.effort: it is one of low, medium, high, xhigh and max",
        )),
    }
}

/// The schema that the answer shall follow (JSON text, an object): `output_config.format`, or the older `output_format`.
pub(in crate::convert) fn json_schema<'a>(
    request: &Request<'a>,
    cx: &mut RequestContext<'_>,
) -> Result<Option<&'a str>, Refusal> {
    let current = request
        .output_config
        .as_ref()
        .and_then(|config| config.format.as_ref());
    let older = request.output_format.as_ref();
    if current.is_some() && older.is_some() {
        cx.report.drop_field("output_format");
    }
    let (format, path) = match (current, older) {
        (Some(format), _) => (format, "output_config.format"),
        (None, Some(format)) => (format, "output_format"),
        (None, None) => return Ok(None),
    };
    let OutputFormat {
        kind,
        schema,
        unknown,
    } = format;
    for name in unknown {
        cx.report.drop_field(format!("{path}.{name}"));
    }
    match kind {
        Some(kind) if kind.is("json_schema") => {}
        Some(_) => {
            let path = format!("{path}.type");
            return Err(unsupported(path, cx.provider, "this form of output"));
        }
        None => return Err(missing(format!("{path}.type"))),
    }
    let Some(schema) = schema.map(RawValue::get) else {
        return Err(missing(format!("{path}.schema")));
    };
    if !walk::is_object(schema) {
        return Err(wrong_type(format!("{path}.schema")));
    }
    Ok(Some(schema))
}

/// Reports what no other vendor has a word for, and what nobody knows.
pub(in crate::convert) fn report_unknown(request: &Request<'_>, report: &mut LossReport) {
    // Like any other tool that the target cannot run.
    let servers = request.mcp_servers.as_ref();
    if servers.is_some_and(|list| !list.0.is_empty()) {
        report.drop_field("mcp_servers");
    }
    for name in &request.unknown {
        report.drop_field(name.to_string());
    }
    if let Some(config) = &request.output_config {
        if config.task_budget.is_some() {
            report.drop_field("output_config.task_budget");
        }
        for name in &config.unknown {
            report.drop_field(format!("output_config.{name}"));
        }
    }
}
