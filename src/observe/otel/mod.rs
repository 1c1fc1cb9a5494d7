//! Every call as spans and metrics of OpenTelemetry.

mod attributes;
mod instruments;
#[cfg(test)]
mod tests;
mod trace_context;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use opentelemetry::global::{self, BoxedTracer};
use opentelemetry::metrics::Meter;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use tokio::time::Instant;

use self::attributes::ERROR_TYPE;
use self::instruments::Instruments;
use super::record::{AttemptRecord, AttemptResult, CallRecord};
use super::{Arrival, CallObserver, Observer};
use crate::call::Attempt;

/// The name under which spans and metrics are made.
const SCOPE: &str = "tower-llm-gateway";

/// Turns calls into spans and metrics by OpenTelemetry's semantic conventions for generative AI.
///
/// A call is a span of kind server, in the trace that its `traceparent` header names; every request to a provider is a span of
/// kind client in it, with the provider, the models, the tokens, and why the model stopped. The tools that the model calls are
/// told by name and id, also where the answer was converted; texts, arguments and credentials never are. Metrics:
/// `gen_ai.client.*` and `gen_ai.server.*`, and the cost as `llm_gateway.cost.picodollars`.
///
/// Spans and metrics go to the global providers of the `opentelemetry` crate, version 0.33: set them before this is made.
/// Exporting is the program's business.
#[derive(Debug, Clone)]
pub struct Otel {
    shared: Arc<Shared>,
    propagates: bool,
}

struct Shared {
    tracer: BoxedTracer,
    instruments: Instruments,
}

impl Otel {
    /// An observer over the global providers, as they are now.
    #[must_use]
    pub fn new() -> Self {
        Self::over(global::tracer(SCOPE), &global::meter(SCOPE))
    }

    fn over(tracer: BoxedTracer, meter: &Meter) -> Self {
        let shared = Shared {
            tracer,
            instruments: Instruments::new(meter),
        };
        Self {
            shared: Arc::new(shared),
            propagates: false,
        }
    }

    /// Whether providers are told the trace in `traceparent` and `tracestate`. Default: not, it is none of their business.
    #[must_use]
    pub fn propagate(mut self, propagates: bool) -> Self {
        self.propagates = propagates;
        self
    }
}

impl Default for Otel {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Observer for Otel {
    fn call_began(&self, arrival: &Arrival<'_>) -> Option<Box<dyn CallObserver>> {
        let parent = match trace_context::extract(arrival.headers) {
            Some(parent) => Context::new().with_remote_span_context(parent),
            // The embedder may have begun a trace already.
            None => Context::current(),
        };
        let mut attributes = vec![KeyValue::new(
            "http.request.method",
            arrival.method.to_string(),
        )];
        let name = match arrival.endpoint {
            Some(endpoint) => {
                attributes.push(KeyValue::new("http.route", endpoint.path()));
                format!("{} {}", arrival.method, endpoint.path())
            }
            // A path that a client made up is no name.
            None => arrival.method.to_string(),
        };
        let span = self
            .shared
            .tracer
            .span_builder(name)
            .with_kind(SpanKind::Server)
            .with_attributes(attributes)
            .start_with_context(&self.shared.tracer, &parent);
        Some(Box::new(Follower {
            shared: self.shared.clone(),
            propagates: self.propagates,
            server: parent.with_span(span),
            tries: Mutex::default(),
        }))
    }

    fn call_ended(&self, _: &CallRecord) {
        // The follower has told it.
    }
}

/// The spans of one call.
struct Follower {
    shared: Arc<Shared>,
    propagates: bool,
    server: Context,
    tries: Mutex<Tries>,
}

#[derive(Default)]
struct Tries {
    /// The one under way.
    open: Option<Context>,
    /// When the last one was sent, after the call's beginning.
    sent: Option<Instant>,
}

impl Follower {
    fn tries(&self) -> std::sync::MutexGuard<'_, Tries> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the span of a try, and counts the try.
    fn end_try(
        &self,
        attempt: &AttemptRecord,
        span: &Context,
        sent: Option<Instant>,
        error: Option<String>,
    ) {
        let span = span.span();
        if let Some(error) = error.clone() {
            span.set_attribute(KeyValue::new(ERROR_TYPE, error));
            span.set_status(Status::error(""));
        }
        span.end();
        let seconds = sent.map_or(0.0, |sent| sent.elapsed().as_secs_f64());
        self.shared.instruments.tried(attempt, seconds, error);
    }
}

impl CallObserver for Follower {
    fn sending(&self, attempt: &Attempt, headers: &mut HeaderMap) {
        let name = format!("{} {}", attributes::CHAT, attempt.model());
        let span = self
            .shared
            .tracer
            .span_builder(name)
            .with_kind(SpanKind::Client)
            .with_attributes(attributes::sending(attempt))
            .start_with_context(&self.shared.tracer, &self.server);
        let span = self.server.with_span(span);
        if self.propagates {
            trace_context::inject(span.span().span_context(), headers);
        }
        let mut tries = self.tries();
        tries.open = Some(span);
        tries.sent = Some(Instant::now());
    }

    fn tried(&self, attempt: &AttemptRecord) {
        if attempt.result == AttemptResult::Answered || !attempt.sent {
            return;
        }
        let mut tries = self.tries();
        if let Some(span) = tries.open.take() {
            let sent = tries.sent;
            drop(tries);
            self.end_try(attempt, &span, sent, attributes::attempt_error(attempt));
        }
    }

    fn ended(&self, record: &CallRecord) {
        let (open, sent) = {
            let mut tries = self.tries();
            (tries.open.take(), tries.sent)
        };
        let answer = attributes::answer(record);
        let error = attributes::call_error(record);
        if let (Some(span), Some(attempt)) = (open, record.attempts.last()) {
            let unanswered = attributes::attempt_error(attempt);
            let error = if record.is_cancelled() {
                Some("cancelled".to_owned())
            } else {
                unanswered.or_else(|| error.clone())
            };
            span.span().set_attributes(answer.iter().cloned());
            if let Some(first) = first_chunk(record, sent) {
                let first = KeyValue::new("gen_ai.response.time_to_first_chunk", first);
                span.span().set_attribute(first);
            }
            self.end_try(attempt, &span, sent, error);
        }
        let span = self.server.span();
        span.set_attributes(attributes::call(record));
        span.set_attributes(answer);
        if let Some(error) = error {
            span.set_attribute(KeyValue::new(ERROR_TYPE, error));
            span.set_status(Status::error(""));
        }
        span.end();
        let first_chunk = first_chunk(record, sent);
        self.shared.instruments.ended(record, first_chunk);
    }
}

/// From the sending of the last request to the first event of its stream, in seconds.
fn first_chunk(record: &CallRecord, sent: Option<Instant>) -> Option<f64> {
    let began = Instant::now().checked_sub(record.duration)?;
    let waited = sent?.saturating_duration_since(began);
    let first = record.time_to_first_event?;
    Some(first.saturating_sub(waited).as_secs_f64())
}
