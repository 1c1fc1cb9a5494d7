//! Every call as metrics of the `metrics` facade.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;
use metrics::{
    Label, SharedString, Unit, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};

use super::record::{AttemptRecord, CallRecord};
use super::{Arrival, CallObserver, Observer};

/// Counts calls with the `metrics` facade, for whatever recorder the program has installed.
///
/// No label has a value that a client can choose: models are named by the configuration's own words (see
/// [`CallRecord::model_label`]), and what is not known is `none`.
///
/// | metric | labels beside `endpoint`, `provider`, `connection`, `model` | meaning |
/// |---|---|---|
/// | `llm_gateway_calls_total` | `client`, `stream`, `status`, `end` | calls; `end` is `complete`, `broken` or `cancelled` |
/// | `llm_gateway_calls_open` | none of them | calls under way |
/// | `llm_gateway_attempts_total` | no `endpoint`; `result`, `status` | tries of calls at providers, and targets that were skipped |
/// | `llm_gateway_tokens_total` | `client`, `type` | `input`, `cache_read`, `cache_write_5m`, `cache_write_1h`, `cache_write` (its lifetime not told), `output`: no token is in two of them |
/// | `llm_gateway_reasoning_tokens_total` | `client` | the part of `output` that was spent on reasoning |
/// | `llm_gateway_web_searches_total` | `client` | searches that providers ran |
/// | `llm_gateway_cost_picodollars_total` | `client` | the cost in 10⁻¹² dollars, so that it is exact |
/// | `llm_gateway_unpriced_calls_total` | | calls that used tokens for which there is no price |
/// | `llm_gateway_tool_calls_total` | | calls of the client's tools in answers |
/// | `llm_gateway_lossy_calls_total` | `kind` | calls with fields that were `dropped` or `approximated` |
/// | `llm_gateway_client_retries_total` | | calls that are a retry of the client's own, by its word |
/// | `llm_gateway_call_duration_seconds` | `stream` | from the arrival to the end |
/// | `llm_gateway_time_to_first_event_seconds` | | of streams |
#[derive(Debug, Default)]
pub struct Metrics {
    described: AtomicBool,
}

impl Metrics {
    /// An observer that counts; see [`Gateway::builder`](crate::Gateway::builder) for where it goes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells the recorder what the metrics mean, once. Not before the first call: only then the recorder is there for sure.
    fn describe(&self) {
        if self.described.swap(true, Ordering::Relaxed) {
            return;
        }
        for (name, text) in [
            (CALLS, "Calls, by how they ended for the client"),
            (
                ATTEMPTS,
                "Tries of calls at providers, by what came of them",
            ),
            (TOKENS, "Tokens by disjoint kind, as providers counted them"),
            (
                REASONING,
                "Output tokens that were spent on reasoning; a part of the output",
            ),
            (SEARCHES, "Web searches that providers ran"),
            (COST, "Cost of calls in 10^-12 dollars"),
            (
                UNPRICED,
                "Calls that used tokens for which there is no price",
            ),
            (TOOL_CALLS, "Calls of the client's tools in answers"),
            (LOSSY, "Calls with fields that could not be carried exactly"),
            (CLIENT_RETRIES, "Calls that are a client's own retry"),
        ] {
            describe_counter!(name, Unit::Count, text);
        }
        describe_gauge!(OPEN, Unit::Count, "Calls under way");
        describe_histogram!(DURATION, Unit::Seconds, "From a call's arrival to its end");
        describe_histogram!(
            FIRST_EVENT,
            Unit::Seconds,
            "From a call's arrival to the first event of its stream"
        );
    }
}

const CALLS: &str = "llm_gateway_calls_total";
const OPEN: &str = "llm_gateway_calls_open";
const ATTEMPTS: &str = "llm_gateway_attempts_total";
const TOKENS: &str = "llm_gateway_tokens_total";
const REASONING: &str = "llm_gateway_reasoning_tokens_total";
const SEARCHES: &str = "llm_gateway_web_searches_total";
const COST: &str = "llm_gateway_cost_picodollars_total";
const UNPRICED: &str = "llm_gateway_unpriced_calls_total";
const TOOL_CALLS: &str = "llm_gateway_tool_calls_total";
const LOSSY: &str = "llm_gateway_lossy_calls_total";
const CLIENT_RETRIES: &str = "llm_gateway_client_retries_total";
const DURATION: &str = "llm_gateway_call_duration_seconds";
const FIRST_EVENT: &str = "llm_gateway_time_to_first_event_seconds";

impl Observer for Metrics {
    fn call_began(&self, _: &Arrival<'_>) -> Option<Box<dyn CallObserver>> {
        self.describe();
        gauge!(OPEN).increment(1);
        Some(Box::new(Open))
    }

    fn call_ended(&self, record: &CallRecord) {
        let place = Place::of(record);
        let with = |more: &[Label]| place.labels(more);
        let client = Label::new("client", shared(record.client.as_ref()));
        let stream = Label::from_static_parts("stream", word(record.stream));
        let status = Label::new("status", status(record.status));
        let end = Label::from_static_parts("end", record.end.word());
        let of_client = with(std::slice::from_ref(&client));
        counter!(CALLS, with(&[client.clone(), stream.clone(), status, end])).increment(1);
        for attempt in &record.attempts {
            counter!(ATTEMPTS, attempt_labels(attempt)).increment(1);
        }
        let usage = &record.usage;
        let write_5m = usage.cache_write_5m.unwrap_or(0);
        let write_1h = usage.cache_write_1h.unwrap_or(0);
        let rest = usage.cache_write.unwrap_or(0);
        let rest = rest.saturating_sub(write_5m).saturating_sub(write_1h);
        for (kind, count) in [
            ("input", usage.input.unwrap_or(0)),
            ("cache_read", usage.cache_read.unwrap_or(0)),
            ("cache_write_5m", write_5m),
            ("cache_write_1h", write_1h),
            ("cache_write", rest),
            ("output", usage.output.unwrap_or(0)),
        ] {
            if count > 0 {
                let kind = Label::from_static_parts("type", kind);
                counter!(TOKENS, with(&[client.clone(), kind])).increment(count);
            }
        }
        for (name, count) in [
            (REASONING, usage.reasoning),
            (SEARCHES, usage.web_searches),
            (COST, record.cost.map(|cost| cost.picos())),
        ] {
            if let Some(count) = count.filter(|count| *count > 0) {
                counter!(name, of_client.clone()).increment(count);
            }
        }
        let calls = u64::try_from(record.tool_calls.len()).unwrap_or(u64::MAX);
        for (name, count) in [
            (
                UNPRICED,
                u64::from(usage.is_known() && record.cost.is_none()),
            ),
            (TOOL_CALLS, calls),
            (CLIENT_RETRIES, u64::from(record.client_retry > 0)),
        ] {
            if count > 0 {
                counter!(name, with(&[])).increment(count);
            }
        }
        for (kind, lossy) in [
            ("dropped", !record.report.dropped().is_empty()),
            ("approximated", !record.report.approximated().is_empty()),
        ] {
            if lossy {
                let kind = Label::from_static_parts("kind", kind);
                counter!(LOSSY, with(&[kind])).increment(1);
            }
        }
        histogram!(DURATION, with(&[stream])).record(record.duration.as_secs_f64());
        if let Some(time) = record.time_to_first_event {
            histogram!(FIRST_EVENT, with(&[])).record(time.as_secs_f64());
        }
    }
}

/// A call under way.
struct Open;

impl CallObserver for Open {}

impl Drop for Open {
    fn drop(&mut self) {
        gauge!(OPEN).decrement(1);
    }
}

/// Where a call went.
struct Place([Label; 4]);

impl Place {
    fn of(record: &CallRecord) -> Self {
        let endpoint = record.endpoint.map_or("none", |endpoint| endpoint.word());
        let provider = record.provider.map_or("none", |provider| provider.id());
        Self([
            Label::from_static_parts("endpoint", endpoint),
            Label::from_static_parts("provider", provider),
            Label::new("connection", shared(record.connection.as_ref())),
            Label::new("model", shared(record.model_label.as_ref())),
        ])
    }

    fn labels(&self, more: &[Label]) -> Vec<Label> {
        self.0.iter().chain(more).cloned().collect()
    }
}

fn attempt_labels(attempt: &AttemptRecord) -> Vec<Label> {
    vec![
        Label::from_static_parts("provider", attempt.provider.id()),
        Label::new("connection", attempt.connection.clone()),
        Label::new("model", attempt.model_label.clone()),
        Label::from_static_parts("result", attempt.result.word()),
        Label::new("status", status(attempt.status)),
    ]
}

fn shared(text: Option<&Arc<str>>) -> SharedString {
    text.map_or(SharedString::const_str("none"), |text| {
        SharedString::from(text.clone())
    })
}

fn status(status: Option<StatusCode>) -> SharedString {
    status.map_or(SharedString::const_str("none"), |status| {
        SharedString::from(status.as_str().to_owned())
    })
}

fn word(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}
