//! A plain hyper server whose service is the gateway: no framework.
//!
//! ```text
//! OPENAI_API_KEY=… cargo run --example hyper
//! curl localhost:3000/v1/messages -d '{"model":"gpt-5.5","max_tokens":100,"messages":[{"role":"user","content":"Hi"}]}'
//! ```

use std::env;
use std::error::Error;
use std::sync::Arc;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower_llm_gateway::client::{HttpsClient, client};
use tower_llm_gateway::settings::Timeouts;
use tower_llm_gateway::{Connection, Credential, Gateway, Provider, Rule, Target};

/// A gateway that sends every model to OpenAI.
fn gateway(key: String) -> Result<Gateway<HttpsClient>, Box<dyn Error + Send + Sync>> {
    let timeouts = Timeouts::default();
    let mut openai =
        Connection::builder("openai", Provider::OpenAi).credential(Credential::api_key(key));
    if let Ok(base) = env::var("OPENAI_BASE_URL") {
        openai = openai.base_url(base);
    }
    let openai = Arc::new(openai.build()?);
    Ok(Gateway::builder()
        .timeouts(timeouts)
        .connection(openai.clone())
        .rule(Rule::new("*", [Target::new(openai)]))
        .build(client(&timeouts)?)?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let key = env::var("OPENAI_API_KEY").map_err(|_| "OPENAI_API_KEY is not set")?;
    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let gateway = gateway(key)?;
    let listener = TcpListener::bind(address).await?;
    eprintln!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(gateway.clone());
        tokio::spawn(async move {
            let mut server = auto::Builder::new(TokioExecutor::new());
            // Without a timer, a client may take forever to send a request's head.
            server.http1().timer(TokioTimer::new());
            server.http2().timer(TokioTimer::new());
            if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
                eprintln!("a connection ended with an error: {error}");
            }
        });
    }
}
