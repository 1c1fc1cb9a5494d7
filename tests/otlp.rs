//! The program exports spans and metrics by OTLP where OpenTelemetry's own variables ask for it.

pub mod support;

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use support::gateway::Gateway;
use support::reply::Reply;
use support::upstream::Upstream;

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_and_metrics_are_exported_before_the_program_ends() {
    let collector = Upstream::start(|_| Reply::bytes(200, "application/x-protobuf", ""));
    let gateway = Gateway::builder()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=mine")
        .start();
    let client = Client::builder(TokioExecutor::new()).build_http();
    let body =
        r#"{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"prompt-canary"}]}"#;
    let request = Request::post(format!("{}/v1/chat/completions", gateway.url()))
        .header("content-type", "application/json")
        .header("authorization", "Bearer key-canary")
        .header(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    let response = tokio::time::timeout(PATIENCE, client.request(request))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(response.status(), 200);
    response.into_body().collect().await.unwrap();
    drop(client);
    let (status, log) = tokio::task::spawn_blocking(|| gateway.stop())
        .await
        .unwrap();
    assert!(status.success(), "{log}");

    let exported = collector.requests();
    for (path, words) in [
        (
            "/v1/traces",
            &[
                "tower-llm-gateway",
                "chat claude-sonnet-4-5",
                "gen_ai.usage.input_tokens",
                "llm_gateway.request_id",
            ][..],
        ),
        (
            "/v1/metrics",
            &[
                "gen_ai.client.token.usage",
                "gen_ai.server.request.duration",
            ][..],
        ),
    ] {
        let request = exported.iter().find(|request| request.path() == path);
        let request = request.unwrap_or_else(|| panic!("nothing at {path}: {log}"));
        assert_eq!(
            request.header("content-type"),
            Some("application/x-protobuf")
        );
        assert_eq!(request.header("x-tenant"), Some("mine"));
        for word in words {
            assert!(request.contains(word), "{path}: {word}");
        }
    }
    for request in &exported {
        assert!(
            !request.contains("canary"),
            "content or a credential was exported"
        );
    }
    // The trace that the caller named.
    let trace = [
        0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47,
        0x36,
    ];
    let traces = exported
        .iter()
        .filter(|request| request.path() == "/v1/traces");
    let mut bodies = traces.map(|request| &request.body);
    assert!(bodies.any(|body| body.windows(16).any(|bytes| bytes == trace)));
}
