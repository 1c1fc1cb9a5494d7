//! The record of a call: one line when its body has ended or was dropped.

use std::sync::Arc;

use http::{HeaderValue, StatusCode};
use tokio::time::Instant;

use super::service::Arrival;
use crate::call::{Call, Outcome};
use crate::endpoint::Endpoint;

/// What is known of a call; written as one `tracing` event when it is dropped. It holds neither content nor credentials.
#[derive(Debug)]
pub(super) struct Record {
    request_id: HeaderValue,
    endpoint: Option<Endpoint>,
    client: Option<Arc<str>>,
    call: Option<Arc<Call>>,
    outcome: Option<Outcome>,
    status: StatusCode,
    started: Instant,
    /// The body was delivered whole.
    pub(super) ended: bool,
}

impl Record {
    pub(super) fn new(
        arrival: &Arrival,
        call: Option<Arc<Call>>,
        outcome: Option<Outcome>,
        status: StatusCode,
    ) -> Self {
        Self {
            request_id: arrival.request_id.clone(),
            endpoint: arrival.endpoint,
            client: arrival.client.clone(),
            call,
            outcome,
            status,
            started: arrival.started,
            ended: false,
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let outcome = self.outcome.as_ref();
        let usage = outcome
            .and_then(|outcome| outcome.usage.get())
            .unwrap_or_default();
        tracing::info!(
            target: "tower_llm_gateway::call",
            request_id = self.request_id.to_str().unwrap_or_default(),
            endpoint = self.endpoint.map(tracing::field::display),
            client = self.client.as_deref(),
            model = self.call.as_ref().map(|call| call.model()),
            provider = outcome.map(|outcome| outcome.provider.id()),
            connection = outcome.map(|outcome| &*outcome.connection),
            upstream_model = outcome.map(|outcome| &*outcome.model),
            status = self.status.as_u16(),
            attempts = self.call.as_ref().map(|call| call.attempts()),
            input_tokens = usage.is_known().then(|| usage.prompt()),
            cache_read_tokens = usage.cache_read,
            cache_write_tokens = usage.cache_write,
            output_tokens = usage.output,
            reasoning_tokens = usage.reasoning,
            duration_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            cancelled = !self.ended,
            "call"
        );
    }
}
