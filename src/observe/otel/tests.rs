use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry::global::BoxedTracer;
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::{SpanKind, Status, TracerProvider};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider, Temporality};
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};

use super::Otel;
use crate::observe::testing::{
    ANSWER, Act, CHAT, ERROR, MESSAGES, START, STOP, Setup, Step, TEXT, TOOL, events, json,
    question, setup_with,
};

/// What was exported: spans in the order of their ends, and the sums and counts of metrics by name and labels.
#[derive(Debug, Clone, Default)]
struct Exported {
    spans: Arc<Mutex<Vec<SpanData>>>,
    metrics: Arc<Mutex<BTreeMap<String, f64>>>,
}

impl SpanExporter for Exported {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.spans.lock().unwrap().extend(batch);
        Ok(())
    }
}

impl PushMetricExporter for Exported {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let mut all = self.metrics.lock().unwrap();
        let mut note = |name: &str, labels: Vec<String>, value: f64| {
            all.insert(format!("{name} {}", labels.join(" ")), value);
        };
        for metric in metrics.scope_metrics().flat_map(|scope| scope.metrics()) {
            match metric.data() {
                AggregatedMetrics::U64(MetricData::Sum(sum)) => {
                    for point in sum.data_points() {
                        note(
                            metric.name(),
                            labels(point.attributes()),
                            point.value() as f64,
                        );
                    }
                }
                AggregatedMetrics::U64(MetricData::Histogram(histogram)) => {
                    for point in histogram.data_points() {
                        note(
                            metric.name(),
                            labels(point.attributes()),
                            point.sum() as f64,
                        );
                    }
                }
                AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                    for point in histogram.data_points() {
                        note(
                            metric.name(),
                            labels(point.attributes()),
                            point.count() as f64,
                        );
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}

fn labels<'a>(attributes: impl Iterator<Item = &'a opentelemetry::KeyValue>) -> Vec<String> {
    let skipped = ["gen_ai.operation.name", "gen_ai.token.modality"];
    let mut labels: Vec<String> = attributes
        .filter(|label| !skipped.contains(&label.key.as_str()))
        .map(|label| format!("{}={}", label.key, label.value))
        .collect();
    labels.sort();
    labels
}

struct Traced {
    setup: Setup,
    exported: Exported,
    tracers: SdkTracerProvider,
    meters: SdkMeterProvider,
}

fn traced(acts: impl IntoIterator<Item = Act>, propagate: bool) -> Traced {
    let exported = Exported::default();
    let tracers = SdkTracerProvider::builder()
        .with_simple_exporter(exported.clone())
        .build();
    let meters = SdkMeterProvider::builder()
        .with_reader(PeriodicReader::builder(exported.clone()).build())
        .build();
    let tracer = BoxedTracer::new(Box::new(tracers.tracer("test")));
    let otel = Otel::over(tracer, &meters.meter("test")).propagate(propagate);
    Traced {
        setup: setup_with(acts, |builder| builder.observer(Arc::new(otel))),
        exported,
        tracers,
        meters,
    }
}

impl Traced {
    fn finish(self) -> (Vec<SpanData>, BTreeMap<String, f64>) {
        self.tracers.force_flush().unwrap();
        self.meters.force_flush().unwrap();
        let spans = self.exported.spans.lock().unwrap().clone();
        let metrics = self.exported.metrics.lock().unwrap().clone();
        (spans, metrics)
    }
}

fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|own| own.key.as_str() == key);
    found.map(|own| own.value.to_string())
}

#[track_caller]
fn has(span: &SpanData, expected: &[(&str, &str)]) {
    for (key, value) in expected {
        assert_eq!(attribute(span, key).as_deref(), Some(*value), "{key}");
    }
}

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn a_call_is_a_server_span_with_a_client_span_in_the_callers_trace() {
    let traced = traced([json(ANSWER)], true);
    let mut request = question(CHAT, "alias", false);
    request
        .headers_mut()
        .insert("traceparent", PARENT.parse().unwrap());
    request
        .headers_mut()
        .insert("tracestate", "a=1".parse().unwrap());
    traced.setup.ask_all(request).await;
    let sent = traced.setup.sent.lock().unwrap()[0].clone();
    let (spans, metrics) = traced.finish();
    let [client, server] = &spans[..] else {
        panic!("{spans:?}")
    };
    assert_eq!(server.name, "POST /v1/chat/completions");
    assert_eq!(server.span_kind, SpanKind::Server);
    assert_eq!(server.parent_span_id.to_string(), "00f067aa0ba902b7");
    assert!(server.parent_span_is_remote);
    assert_eq!(client.name, "chat claude-real");
    assert_eq!(client.span_kind, SpanKind::Client);
    assert_eq!(client.parent_span_id, server.span_context.span_id());
    for span in [client, server] {
        assert_eq!(
            span.span_context.trace_id().to_string(),
            "4bf92f3577b34da6a3ce929d0e0e4736"
        );
        assert_eq!(span.status, Status::Unset);
        has(
            span,
            &[
                ("gen_ai.operation.name", "chat"),
                ("gen_ai.provider.name", "anthropic"),
                ("gen_ai.response.model", "claude-real-20260101"),
                ("gen_ai.response.id", "chatcmpl-1"),
                ("gen_ai.response.finish_reasons", "[\"tool_calls\"]"),
                ("gen_ai.usage.input_tokens", "1400"),
                ("gen_ai.usage.cache_read.input_tokens", "400"),
                ("gen_ai.usage.output_tokens", "30"),
                ("gen_ai.usage.reasoning.output_tokens", "7"),
                (
                    "gen_ai.output.messages",
                    r#"[{"role":"assistant","parts":[{"type":"tool_call","id":"toolu_1","name":"look"}],"finish_reason":"tool_call"}]"#,
                ),
            ],
        );
    }
    has(
        client,
        &[
            ("gen_ai.request.model", "claude-real"),
            ("server.address", "ant.test"),
            ("server.port", "80"),
        ],
    );
    has(
        server,
        &[
            ("gen_ai.request.model", "alias"),
            ("http.request.method", "POST"),
            ("http.route", CHAT),
            ("http.response.status_code", "200"),
            ("llm_gateway.cost.dollars", "0.0025"),
            ("llm_gateway.end", "complete"),
        ],
    );
    let id = client.span_context.span_id();
    assert_eq!(
        sent["traceparent"],
        format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{id}-01")
    );
    assert_eq!(sent["tracestate"], "a=1");
    let place = "gen_ai.provider.name=anthropic gen_ai.request.model=claude-real";
    for (name, value) in [
        (
            format!("gen_ai.client.token.usage {place} gen_ai.token.type=input"),
            1400.0,
        ),
        (
            format!("gen_ai.client.token.usage {place} gen_ai.token.type=output"),
            30.0,
        ),
        (
            format!("gen_ai.client.inference.usage.input_tokens {place}"),
            1400.0,
        ),
        (
            format!("gen_ai.client.inference.usage.cache_read.input_tokens {place}"),
            400.0,
        ),
        (
            format!("gen_ai.client.inference.usage.output_tokens {place}"),
            30.0,
        ),
        (
            format!("gen_ai.client.inference.usage.reasoning.output_tokens {place}"),
            7.0,
        ),
        (
            format!("llm_gateway.cost.picodollars {place}"),
            2_500_000_000.0,
        ),
        (format!("gen_ai.client.operation.duration {place}"), 1.0),
        (format!("gen_ai.client.inference.duration {place}"), 1.0),
        (format!("gen_ai.server.request.duration {place}"), 1.0),
    ] {
        assert_eq!(metrics.get(&name), Some(&value), "{name}: {metrics:#?}");
    }
    assert!(!metrics.keys().any(|name| name.contains("first")));
}

#[tokio::test]
async fn streams_tell_their_tools_and_times_converted_or_not() {
    for path in [CHAT, MESSAGES] {
        let steps = [START, TEXT, TOOL, STOP].map(Step::Data);
        let traced = traced([events(steps)], false);
        traced.setup.ask_all(question(path, "alias", true)).await;
        assert!(!traced.setup.sent.lock().unwrap()[0].contains_key("traceparent"));
        let (spans, metrics) = traced.finish();
        let client = &spans[0];
        has(
            client,
            &[
                ("gen_ai.request.stream", "true"),
                ("gen_ai.usage.output_tokens", "20"),
            ],
        );
        let messages = attribute(client, "gen_ai.output.messages").unwrap();
        assert!(
            messages.contains(r#""id":"toolu_1","name":"look""#),
            "{messages}"
        );
        assert!(attribute(client, "gen_ai.response.time_to_first_chunk").is_some());
        for name in [
            "gen_ai.client.operation.time_to_first_chunk",
            "gen_ai.client.inference.time_to_first_chunk",
            "gen_ai.server.time_to_first_token",
            "gen_ai.server.time_per_output_token",
        ] {
            let name =
                format!("{name} gen_ai.provider.name=anthropic gen_ai.request.model=claude-real");
            assert_eq!(metrics.get(&name), Some(&1.0), "{path} {metrics:#?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_try_has_a_span_of_its_own_with_its_error() {
    let busy = Act::Answer(503, "application/json", vec![Step::Data("{}")]);
    let traced = traced([busy, events([START, TEXT, ERROR].map(Step::Data))], false);
    traced.setup.ask_all(question(CHAT, "alias", true)).await;
    let (spans, metrics) = traced.finish();
    let [first, second, server] = &spans[..] else {
        panic!("{spans:?}")
    };
    has(first, &[("error.type", "503")]);
    has(
        second,
        &[
            ("error.type", "overloaded_error"),
            ("gen_ai.usage.input_tokens", "11"),
        ],
    );
    has(
        server,
        &[
            ("error.type", "overloaded_error"),
            ("llm_gateway.attempts", "2"),
            ("http.response.status_code", "200"),
        ],
    );
    for span in &spans {
        assert_eq!(span.status, Status::error(""), "{}", span.name);
    }
    let place = "gen_ai.provider.name=anthropic gen_ai.request.model=claude-real";
    for error in ["503", "overloaded_error"] {
        let name = format!("gen_ai.client.operation.duration error.type={error} {place}");
        assert_eq!(metrics.get(&name), Some(&1.0), "{metrics:#?}");
    }
}

#[tokio::test]
async fn calls_that_go_nowhere_and_clients_that_leave_are_no_faults_of_the_gateway() {
    let traced_nowhere = traced([], false);
    let mut request = question(CHAT, "canary", false);
    *request.uri_mut() = "/canary".parse().unwrap();
    traced_nowhere.setup.ask_all(request).await;
    let (spans, metrics) = traced_nowhere.finish();
    let [server] = &spans[..] else { panic!() };
    assert_eq!((&*server.name, &server.status), ("POST", &Status::Unset));
    has(server, &[("http.response.status_code", "404")]);
    assert!(metrics.is_empty(), "{metrics:?}");

    let traced = traced([events([Step::Data(START), Step::Hang])], false);
    drop(traced.setup.ask(question(CHAT, "any-canary", true)).await);
    let (spans, metrics) = traced.finish();
    has(&spans[0], &[("error.type", "cancelled")]);
    has(&spans[1], &[("llm_gateway.end", "cancelled")]);
    assert_eq!(spans[1].status, Status::Unset);
    // A client could name any model: it is no label.
    assert!(
        !metrics.keys().any(|name| name.contains("canary")),
        "{metrics:#?}"
    );
}
