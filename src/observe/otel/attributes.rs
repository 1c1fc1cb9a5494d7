//! The attributes of spans and metrics.
//!
//! Names and values: OpenTelemetry's semantic conventions for generative AI and for HTTP; what they have no word for stands
//! under `llm_gateway.`.

use bytes::BytesMut;
use opentelemetry::{Array, KeyValue, StringValue, Value};

use crate::call::Attempt;
use crate::codec::write::Object;
use crate::headers::path_list;
use crate::observe::record::{AttemptRecord, AttemptResult, CallRecord, End, ToolCall};
use crate::provider::Provider;

pub(super) const OPERATION: &str = "gen_ai.operation.name";
pub(super) const PROVIDER: &str = "gen_ai.provider.name";
pub(super) const REQUEST_MODEL: &str = "gen_ai.request.model";
pub(super) const TOKEN_TYPE: &str = "gen_ai.token.type";
pub(super) const MODALITY: &str = "gen_ai.token.modality";
pub(super) const ERROR_TYPE: &str = "error.type";
/// What all the endpoints do.
pub(super) const CHAT: &str = "chat";

/// The conventions' name for a provider.
pub(super) fn provider(provider: Provider) -> &'static str {
    provider.spec().telemetry
}

/// What is known when a request is sent to a provider.
pub(super) fn sending(attempt: &Attempt) -> Vec<KeyValue> {
    let connection = attempt.target().connection();
    let mut attributes = vec![
        KeyValue::new(OPERATION, CHAT),
        KeyValue::new(PROVIDER, provider(connection.provider())),
        KeyValue::new(REQUEST_MODEL, attempt.model().to_owned()),
        KeyValue::new("llm_gateway.connection", connection.name().to_owned()),
    ];
    if attempt.call().is_stream() {
        attributes.push(KeyValue::new("gen_ai.request.stream", true));
    }
    if let Some(uri) = connection.uri("/", None)
        && let Some(host) = uri.host()
    {
        let port = uri
            .port_u16()
            .unwrap_or(if uri.scheme_str() == Some("http") {
                80
            } else {
                443
            });
        attributes.push(KeyValue::new("server.address", host.to_owned()));
        attributes.push(KeyValue::new("server.port", i64::from(port)));
    }
    attributes
}

/// Why a try failed; `None` where it did not.
pub(super) fn attempt_error(attempt: &AttemptRecord) -> Option<String> {
    match (attempt.result, attempt.status) {
        (AttemptResult::Answered, _) => None,
        (_, Some(status)) => Some(status.as_str().to_owned()),
        (result, None) => Some(result.word().to_owned()),
    }
}

/// Why a call failed, as the gateway's own service sees it: faults of clients and their leaving are none.
pub(super) fn call_error(record: &CallRecord) -> Option<String> {
    if let Some(error) = &record.stream_error {
        return Some(error.clone());
    }
    match (record.end, record.status) {
        (End::Broken, _) => Some("broken".to_owned()),
        (_, Some(status)) if status.is_server_error() => Some(status.as_str().to_owned()),
        _ => None,
    }
}

/// What the answer told.
pub(super) fn answer(record: &CallRecord) -> Vec<KeyValue> {
    let usage = &record.usage;
    let mut attributes = Vec::with_capacity(16);
    for (key, text) in [
        ("gen_ai.response.id", &record.answer_id),
        ("gen_ai.response.model", &record.answered_model),
    ] {
        attributes.extend(text.clone().map(|text| KeyValue::new(key, text)));
    }
    if let Some(reason) = record.finish_reason.clone() {
        let reasons = vec![StringValue::from(reason)];
        attributes.push(KeyValue::new(
            "gen_ai.response.finish_reasons",
            Value::Array(Array::String(reasons)),
        ));
    }
    for (key, count) in [
        (
            "gen_ai.usage.input_tokens",
            usage.is_known().then(|| usage.prompt()),
        ),
        ("gen_ai.usage.cache_read.input_tokens", usage.cache_read),
        (
            "gen_ai.usage.cache_creation.input_tokens",
            usage.cache_write,
        ),
        ("gen_ai.usage.output_tokens", usage.output),
        ("gen_ai.usage.reasoning.output_tokens", usage.reasoning),
        ("llm_gateway.usage.cache_write_5m", usage.cache_write_5m),
        ("llm_gateway.usage.cache_write_1h", usage.cache_write_1h),
        ("llm_gateway.usage.web_searches", usage.web_searches),
    ] {
        if let Some(count) = count {
            attributes.push(KeyValue::new(key, signed(count)));
        }
    }
    if let Some(messages) = output_messages(record) {
        attributes.push(KeyValue::new("gen_ai.output.messages", messages));
    }
    attributes
}

/// What concerns the call as a whole.
pub(super) fn call(record: &CallRecord) -> Vec<KeyValue> {
    let text = |key, value: Option<&str>| value.map(|value| KeyValue::new(key, value.to_owned()));
    let list = |key, paths: &[std::borrow::Cow<'static, str>]| {
        let list = path_list(paths)?;
        text(key, list.to_str().ok())
    };
    let mut attributes = vec![
        KeyValue::new("llm_gateway.request_id", record.request_id.clone()),
        KeyValue::new("llm_gateway.end", record.end.word()),
        KeyValue::new("llm_gateway.attempts", signed(record.attempts.len() as u64)),
    ];
    if let Some(status) = record.status {
        let status = i64::from(status.as_u16());
        attributes.push(KeyValue::new("http.response.status_code", status));
    }
    if let Some(own) = record.provider {
        attributes.push(KeyValue::new(OPERATION, CHAT));
        attributes.push(KeyValue::new(PROVIDER, provider(own)));
    }
    if record.stream {
        attributes.push(KeyValue::new("gen_ai.request.stream", true));
    }
    let cost = record.cost.map(|cost| cost.to_string());
    attributes.extend(
        [
            text(REQUEST_MODEL, record.requested_model.as_deref()),
            text("llm_gateway.route", record.route.as_deref()),
            text("llm_gateway.connection", record.connection.as_deref()),
            text("llm_gateway.model", record.model.as_deref()),
            text("llm_gateway.client", record.client.as_deref()),
            text("llm_gateway.cost.dollars", cost.as_deref()),
            list("llm_gateway.dropped", record.report.dropped()),
            list("llm_gateway.approximated", record.report.approximated()),
        ]
        .into_iter()
        .flatten(),
    );
    for (name, value) in &record.tags {
        attributes.push(KeyValue::new(
            format!("llm_gateway.tag.{name}"),
            value.to_string(),
        ));
    }
    attributes
}

/// The calls of tools in the answer, as the conventions' output message without any content; `None` where there is none.
fn output_messages(record: &CallRecord) -> Option<String> {
    if record.tool_calls.is_empty() {
        return None;
    }
    let mut json = BytesMut::from("[");
    let mut message = Object::begin(&mut json);
    message.string("role", "assistant");
    let mut parts = BytesMut::from("[");
    for (at, ToolCall { id, name }) in record.tool_calls.iter().enumerate() {
        if at > 0 {
            parts.extend_from_slice(b",");
        }
        let mut part = Object::begin(&mut parts);
        part.string("type", "tool_call")
            .string("id", id)
            .string("name", name);
        part.end();
    }
    parts.extend_from_slice(b"]");
    message
        .raw("parts", std::str::from_utf8(&parts).ok()?)
        .string("finish_reason", "tool_call");
    message.end();
    json.extend_from_slice(b"]");
    String::from_utf8(json.to_vec()).ok()
}

/// The conventions' integers have a sign.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
