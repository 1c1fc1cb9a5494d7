//! Exporting spans and metrics by OTLP, where the environment asks for it in OpenTelemetry's own variables.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use opentelemetry::global;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tower::ServiceExt;
use tower_llm_gateway::Payload;
use tower_llm_gateway::client::HttpsClient;
use tower_llm_gateway::observe::Otel;

/// The variables of which one must say where to export to.
const ENDPOINTS: [&str; 3] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
];

/// What exports. To be ended, so that nothing is lost.
pub(crate) struct Telemetry {
    tracers: SdkTracerProvider,
    meters: SdkMeterProvider,
    propagates: bool,
}

/// Whether the environment asks for an export.
pub(crate) fn is_wanted() -> bool {
    let set = |name| std::env::var(name).is_ok_and(|value| !value.trim().is_empty());
    let disabled = std::env::var("OTEL_SDK_DISABLED")
        .is_ok_and(|value| value.trim().eq_ignore_ascii_case("true"));
    !disabled && ENDPOINTS.into_iter().any(set)
}

impl Telemetry {
    /// Begins to export, with a client and a runtime for it. OTLP over HTTP, in Protocol Buffers.
    pub(crate) fn start(client: HttpsClient, runtime: Handle) -> Result<Self, String> {
        let failed = |error| format!("OTLP: {error}");
        let http = Exporting { client, runtime };
        let resource = || {
            let builder = Resource::builder();
            if std::env::var("OTEL_SERVICE_NAME").is_ok() {
                builder.build()
            } else {
                builder.with_service_name("tower-llm-gateway").build()
            }
        };
        let spans = SpanExporter::builder()
            .with_http()
            .with_http_client(http.clone())
            .build()
            .map_err(failed)?;
        let metrics = MetricExporter::builder()
            .with_http()
            .with_http_client(http)
            .build()
            .map_err(failed)?;
        let tracers = SdkTracerProvider::builder()
            .with_batch_exporter(spans)
            .with_resource(resource())
            .build();
        let meters = SdkMeterProvider::builder()
            .with_reader(PeriodicReader::builder(metrics).build())
            .with_resource(resource())
            .build();
        global::set_tracer_provider(tracers.clone());
        global::set_meter_provider(meters.clone());
        // Providers are told the trace unless the usual variable says otherwise.
        let propagates = std::env::var("OTEL_PROPAGATORS").map_or(true, |names| {
            names.split(',').any(|name| name.trim() == "tracecontext")
        });
        Ok(Self {
            tracers,
            meters,
            propagates,
        })
    }

    /// The observer that makes spans and metrics of calls.
    pub(crate) fn observer(&self) -> Otel {
        Otel::new().propagate(self.propagates)
    }

    /// Exports what is left. Waits for it, a few seconds at most.
    pub(crate) fn stop(self) {
        for result in [self.tracers.shutdown(), self.meters.shutdown()] {
            if let Err(error) = result {
                tracing::warn!(%error, "the last spans or metrics could not be exported");
            }
        }
    }
}

/// The client in the shape that the exporters want. They run on threads of their own, the client on the program's runtime.
#[derive(Debug, Clone)]
struct Exporting {
    client: HttpsClient,
    runtime: Handle,
}

impl HttpClient for Exporting {
    fn send_bytes<'a, 'b>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let response = client.oneshot(request.map(Payload::new)).await?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(Response::from_parts(parts, body))
        });
        Box::pin(async move { sent.await? })
    }
}
