//! The metrics of the semantic conventions.

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter};

use super::attributes::{
    self, CHAT, ERROR_TYPE, MODALITY, OPERATION, PROVIDER, REQUEST_MODEL, TOKEN_TYPE,
};
use crate::observe::record::{AttemptRecord, CallRecord};

/// The conventions' bounds of buckets for times, in seconds.
const TIMES: [f64; 14] = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
/// The same for the time of one token.
const TOKEN_TIMES: [f64; 13] = [
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5,
];
/// The same for the first token.
const FIRST_TIMES: [f64; 16] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// The same for tokens.
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// What is counted. Models are named by the configuration's words: a client could name any.
#[derive(Debug)]
pub(super) struct Instruments {
    /// Under the name of the conventions since October 2026 too: what reads metrics follows slowly.
    client_duration: [Histogram<f64>; 2],
    /// Likewise.
    client_first_chunk: [Histogram<f64>; 2],
    server_duration: Histogram<f64>,
    server_first_token: Histogram<f64>,
    server_token: Histogram<f64>,
    token_usage: Histogram<u64>,
    input: Counter<u64>,
    cache_read: Counter<u64>,
    cache_write: Counter<u64>,
    output: Counter<u64>,
    reasoning: Counter<u64>,
    cost: Counter<u64>,
}

impl Instruments {
    pub(super) fn new(meter: &Meter) -> Self {
        let time = |name: &'static str, text: &'static str, bounds: &[f64]| {
            meter
                .f64_histogram(name)
                .with_unit("s")
                .with_description(text)
                .with_boundaries(bounds.to_vec())
                .build()
        };
        let tokens = |name: &'static str, text: &'static str| {
            meter
                .u64_counter(name)
                .with_unit("{token}")
                .with_description(text)
                .build()
        };
        Self {
            client_duration: [
                "gen_ai.client.operation.duration",
                "gen_ai.client.inference.duration",
            ]
            .map(|name| time(name, "Time that a call to a provider took", &TIMES)),
            client_first_chunk: [
                "gen_ai.client.operation.time_to_first_chunk",
                "gen_ai.client.inference.time_to_first_chunk",
            ]
            .map(|name| {
                let text = "Time until a provider's stream began to say something";
                time(name, text, &TIMES)
            }),
            server_duration: time(
                "gen_ai.server.request.duration",
                "Time that a client's call took",
                &TIMES,
            ),
            server_first_token: time(
                "gen_ai.server.time_to_first_token",
                "Time until a client's stream began to say something",
                &FIRST_TIMES,
            ),
            server_token: time(
                "gen_ai.server.time_per_output_token",
                "Time per output token after the first one of a stream",
                &TOKEN_TIMES,
            ),
            token_usage: meter
                .u64_histogram("gen_ai.client.token.usage")
                .with_unit("{token}")
                .with_description("Input and output tokens of a call")
                .with_boundaries(TOKENS.to_vec())
                .build(),
            input: tokens(
                "gen_ai.client.inference.usage.input_tokens",
                "Input tokens, cached ones included",
            ),
            cache_read: tokens(
                "gen_ai.client.inference.usage.cache_read.input_tokens",
                "Input tokens read from a cache",
            ),
            cache_write: tokens(
                "gen_ai.client.inference.usage.cache_write.input_tokens",
                "Input tokens written to a cache",
            ),
            output: tokens(
                "gen_ai.client.inference.usage.output_tokens",
                "Output tokens, reasoning included",
            ),
            reasoning: tokens(
                "gen_ai.client.inference.usage.reasoning.output_tokens",
                "Output tokens spent on reasoning",
            ),
            cost: meter
                .u64_counter("llm_gateway.cost.picodollars")
                .with_description("Cost of calls in 10^-12 dollars")
                .build(),
        }
    }

    /// A try is over, after `seconds`.
    pub(super) fn tried(&self, attempt: &AttemptRecord, seconds: f64, error: Option<String>) {
        let mut labels = vec![
            KeyValue::new(OPERATION, CHAT),
            KeyValue::new(PROVIDER, attributes::provider(attempt.provider)),
            KeyValue::new(REQUEST_MODEL, attempt.model_label().to_owned()),
        ];
        labels.extend(error.map(|error| KeyValue::new(ERROR_TYPE, error)));
        for histogram in &self.client_duration {
            histogram.record(seconds, &labels);
        }
    }

    /// A call is over. `first_chunk` is how many seconds after its sending the provider's stream began.
    pub(super) fn ended(&self, record: &CallRecord, first_chunk: Option<f64>) {
        let Some(provider) = record.provider else {
            return;
        };
        let mut labels = vec![
            KeyValue::new(OPERATION, CHAT),
            KeyValue::new(PROVIDER, attributes::provider(provider)),
        ];
        let label = record.model_label().map(str::to_owned);
        labels.extend(label.map(|model| KeyValue::new(REQUEST_MODEL, model)));
        let with = |more: KeyValue| [labels.as_slice(), &[more]].concat();

        let duration = record.duration.as_secs_f64();
        match attributes::call_error(record) {
            Some(error) => self
                .server_duration
                .record(duration, &with(KeyValue::new(ERROR_TYPE, error))),
            None => self.server_duration.record(duration, &labels),
        }
        if let Some(seconds) = first_chunk {
            for histogram in &self.client_first_chunk {
                histogram.record(seconds, &labels);
            }
        }
        let usage = &record.usage;
        if let Some(first) = record.time_to_first_event {
            self.server_first_token.record(first.as_secs_f64(), &labels);
            if let Some(tokens) = usage.output.filter(|tokens| *tokens > 1)
                && record.is_success()
            {
                let rest = record.duration.saturating_sub(first).as_secs_f64();
                #[expect(clippy::cast_precision_loss, reason = "a mean of times")]
                let each = rest / (tokens - 1) as f64;
                self.server_token.record(each, &labels);
            }
        }
        if !usage.is_known() {
            return;
        }
        let output = usage.output.unwrap_or(0);
        for (kind, count) in [("input", usage.prompt()), ("output", output)] {
            self.token_usage
                .record(count, &with(KeyValue::new(TOKEN_TYPE, kind)));
        }
        let labels = with(KeyValue::new(MODALITY, "unknown"));
        for (counter, count) in [
            (&self.input, Some(usage.prompt())),
            (&self.cache_read, usage.cache_read),
            (&self.cache_write, usage.cache_write),
            (&self.output, Some(output)),
            (&self.reasoning, usage.reasoning),
        ] {
            if let Some(count) = count {
                counter.add(count, &labels);
            }
        }
        if let Some(cost) = record.cost {
            self.cost.add(cost.picos(), &labels);
        }
    }
}
