//! An axum service with routes of its own, and the gateway beside them.
//!
//! ```text
//! ANTHROPIC_API_KEY=… cargo run --example axum
//! curl localhost:3000/hello
//! curl localhost:3000/llm/v1/messages -d '{"model":"claude-sonnet-4-5","max_tokens":100,"messages":[{"role":"user","content":"Hi"}]}'
//! ```

use std::env;
use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tower_llm_gateway::client::{HttpsClient, client};
use tower_llm_gateway::settings::Timeouts;
use tower_llm_gateway::{Connection, Credential, Gateway, GatewayLayer, Provider, Rule, Target};

/// Where a key is looked for, and the models that it opens.
const KEYS: [(&str, Provider, &str); 5] = [
    ("OPENAI_API_KEY", Provider::OpenAi, "gpt-*"),
    ("ANTHROPIC_API_KEY", Provider::Anthropic, "claude-*"),
    ("GEMINI_API_KEY", Provider::Gemini, "gemini-*"),
    ("GROQ_API_KEY", Provider::Groq, "llama-*"),
    ("PERPLEXITY_API_KEY", Provider::Perplexity, "sonar*"),
];

/// A gateway to every provider that there is a key for.
fn gateway() -> Result<Gateway<HttpsClient>, Box<dyn Error + Send + Sync>> {
    let timeouts = Timeouts::default();
    let mut builder = Gateway::builder().timeouts(timeouts);
    let mut found = false;
    for (variable, provider, models) in KEYS {
        let Ok(key) = env::var(variable) else {
            continue;
        };
        let mut connection =
            Connection::builder(provider.id(), provider).credential(Credential::api_key(key));
        // As the vendors' SDKs call it: ANTHROPIC_BASE_URL beside ANTHROPIC_API_KEY.
        if let Ok(base) = env::var(variable.replace("_API_KEY", "_BASE_URL")) {
            connection = connection.base_url(base);
        }
        let connection = connection
            .build()
            .map_err(|error| format!("{variable}: {error}"))?;
        let connection = Arc::new(connection);
        builder = builder
            .connection(connection.clone())
            .rule(Rule::new(models, [Target::new(connection)]));
        found = true;
        eprintln!("{models} and {provider}/… go to {provider}");
    }
    if !found {
        let names: Vec<_> = KEYS.iter().map(|(variable, ..)| *variable).collect();
        eprintln!(
            "no provider yet: every model is answered with 404 until one of these is set: {}",
            names.join(", ")
        );
    }
    Ok(builder.build(client(&timeouts)?)?)
}

/// The service: its own routes, and the gateway's in front of them.
fn app(gateway: Gateway<HttpsClient>) -> Router {
    Router::new()
        .route("/hello", get(|| async { "Hello from axum\n" }))
        // One endpoint alone, at its own path: a gateway is a service like any other.
        .route_service("/v1/messages", gateway.clone())
        .fallback(|| async { (axum::http::StatusCode::NOT_FOUND, "nothing here\n") })
        // All endpoints below a prefix. Last, after the fallback: a layer sees only what the router already has.
        .layer(GatewayLayer::new(gateway).prefix("/llm"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let app = app(gateway()?);
    let listener = tokio::net::TcpListener::bind(address).await?;
    eprintln!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
