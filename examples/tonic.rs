//! gRPC and the gateway on one port: tonic's services and the LLM endpoints, over HTTP/1 and HTTP/2 (h2c).
//!
//! ```text
//! ANTHROPIC_API_KEY=… cargo run --example tonic
//! grpcurl -plaintext localhost:3000 grpc.health.v1.Health/Check
//! curl localhost:3000/v1/chat/completions -d '{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"Hi"}]}'
//! ```

use std::env;
use std::error::Error;
use std::sync::Arc;

use tonic::service::Routes;
use tower_llm_gateway::client::{HttpsClient, client};
use tower_llm_gateway::settings::Timeouts;
use tower_llm_gateway::{Connection, Credential, Gateway, GatewayLayer, Provider, Rule, Target};

/// A gateway that sends every model to Anthropic.
fn gateway(key: String) -> Result<Gateway<HttpsClient>, Box<dyn Error + Send + Sync>> {
    let timeouts = Timeouts::default();
    let mut anthropic =
        Connection::builder("anthropic", Provider::Anthropic).credential(Credential::api_key(key));
    if let Ok(base) = env::var("ANTHROPIC_BASE_URL") {
        anthropic = anthropic.base_url(base);
    }
    let anthropic = Arc::new(anthropic.build()?);
    Ok(Gateway::builder()
        .timeouts(timeouts)
        .connection(anthropic.clone())
        .rule(Rule::new("*", [Target::new(anthropic)]))
        .build(client(&timeouts)?)?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let key = env::var("ANTHROPIC_API_KEY").map_err(|_| "ANTHROPIC_API_KEY is not set")?;
    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter
        .set_service_status("", tonic_health::ServingStatus::Serving)
        .await;
    // tonic's routes are an axum router: the gateway goes around it, last.
    let app = Routes::new(health)
        .into_axum_router()
        .layer(GatewayLayer::new(gateway(key)?));
    let listener = tokio::net::TcpListener::bind(address).await?;
    eprintln!("listening on http://{}", listener.local_addr()?);
    // Speaks HTTP/1 and, where a client begins with it as gRPC's do, HTTP/2.
    axum::serve(listener, app).await?;
    Ok(())
}
