//! The log: one event of `tracing` per call.

use std::borrow::Cow;

use super::record::CallRecord;
use crate::headers::path_list;

/// Whether anybody listens to what [`log`] writes.
pub(crate) fn is_logged() -> bool {
    tracing::enabled!(target: "tower_llm_gateway::call", tracing::Level::INFO)
}

/// Writes the record of a call as one event, at the target `tower_llm_gateway::call`.
pub(crate) fn log(record: &CallRecord) {
    if !is_logged() {
        return;
    }
    let usage = &record.usage;
    let report = &record.report;
    let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        target: "tower_llm_gateway::call",
        request_id = record.request_id,
        endpoint = record.endpoint.map(tracing::field::display),
        client = record.client.as_deref(),
        model = record.requested_model.as_deref(),
        stream = record.stream,
        provider = record.provider.map(|provider| provider.id()),
        connection = record.connection.as_deref(),
        upstream_model = record.model.as_deref(),
        answered_model = record.answered_model.as_deref(),
        status = record.status.map(|status| status.as_u16()),
        attempts = (!record.attempts.is_empty()).then(|| tracing::field::display(Attempts(record))),
        dropped = list(report.dropped()).as_deref(),
        approximated = list(report.approximated()).as_deref(),
        input_tokens = usage.is_known().then(|| usage.prompt()),
        cache_read_tokens = usage.cache_read,
        cache_write_tokens = usage.cache_write,
        cache_write_5m_tokens = usage.cache_write_5m,
        cache_write_1h_tokens = usage.cache_write_1h,
        output_tokens = usage.output,
        reasoning_tokens = usage.reasoning,
        web_searches = usage.web_searches,
        cost = record.cost.map(tracing::field::display),
        finish_reason = record.finish_reason.as_deref(),
        tool_calls = (!record.tool_calls.is_empty()).then_some(record.tool_calls.len()),
        first_event_ms = record.time_to_first_event.map(millis),
        duration_ms = millis(record.duration),
        stream_error = record.stream_error.as_deref(),
        end = record.end.word(),
        cancelled = record.is_cancelled(),
        "call"
    );
}

/// A list of field paths, written as in the answer's headers: the client chose the names in them.
fn list(paths: &[Cow<'static, str>]) -> Option<String> {
    Some(path_list(paths)?.to_str().ok()?.to_owned())
}

/// The tries, as `CONNECTION:RESULT`, with the provider's status where it gave one.
struct Attempts<'a>(&'a CallRecord);

impl std::fmt::Display for Attempts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, attempt) in self.0.attempts.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            write!(f, "{}:{}", attempt.connection, attempt.result.word())?;
            if let Some(status) = attempt.status {
                write!(f, ":{}", status.as_u16())?;
            }
        }
        Ok(())
    }
}
