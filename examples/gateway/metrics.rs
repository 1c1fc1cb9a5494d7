//! `GET /metrics`: what the gateway counts, in the text format of Prometheus.

use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// How often samples of histograms are put into their buckets where nobody asks for the metrics.
const TIDY: Duration = Duration::from_secs(10);

/// The upper bounds of the buckets for times, in seconds: from cached answers to the longest reasoning.
const BUCKETS: [f64; 15] = [
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0, 300.0, 900.0,
];

/// What was counted so far.
#[derive(Clone)]
pub(crate) struct Metrics(PrometheusHandle);

/// Makes the program count.
pub(crate) fn install() -> Result<Metrics, String> {
    let failed = |error| format!("the metrics cannot be counted: {error}");
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)
        .map_err(failed)?
        .install_recorder()
        .map(Metrics)
        .map_err(failed)
}

impl Metrics {
    /// The metrics as text.
    pub(crate) fn render(&self) -> String {
        self.0.render()
    }

    /// Keeps the memory of a program bounded whose metrics nobody reads.
    pub(crate) fn keep_tidy(&self) {
        let handle = self.0.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(TIDY);
            loop {
                ticks.tick().await;
                handle.run_upkeep();
            }
        });
    }
}
