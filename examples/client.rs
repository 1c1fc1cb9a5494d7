//! The gateway inside a program, without any server: the stack is a Tower service around the program's own client.
//!
//! The program asks in OpenAI's Chat Completions, and Claude answers.
//!
//! ```text
//! ANTHROPIC_API_KEY=… cargo run --example client -- "Why is the sky blue?"
//! ```

use std::env;
use std::error::Error;
use std::io::Write;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use tower::{ServiceBuilder, ServiceExt};
use tower_llm_gateway::client::client;
use tower_llm_gateway::settings::Timeouts;
use tower_llm_gateway::{CallOptions, Connection, Credential, Gateway, Provider, Rule, Target};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let key = env::var("ANTHROPIC_API_KEY").map_err(|_| "ANTHROPIC_API_KEY is not set")?;
    let question = env::args()
        .nth(1)
        .unwrap_or_else(|| "Say hello.".to_owned());

    let mut anthropic =
        Connection::builder("anthropic", Provider::Anthropic).credential(Credential::api_key(key));
    if let Ok(base) = env::var("ANTHROPIC_BASE_URL") {
        anthropic = anthropic.base_url(base);
    }
    let anthropic = Arc::new(anthropic.build()?);
    let timeouts = Timeouts::default();
    // Any service over `Request<Payload>` will do below: here with a bound on the calls that run at once.
    let below = ServiceBuilder::new()
        .concurrency_limit(64)
        .service(client(&timeouts)?);
    let gateway = Gateway::builder()
        .timeouts(timeouts)
        .connection(anthropic.clone())
        .rule(Rule::new("*", [Target::new(anthropic)]))
        .build(below)?;

    let (head, body) = gateway.oneshot(ask(&question)?).await?.into_parts();
    eprintln!(
        "{} from {:?}",
        head.status,
        head.headers.get("x-gateway-provider")
    );
    let mut body = pin!(body);
    let mut stdout = std::io::stdout().lock();
    while let Some(frame) = body.frame().await {
        let frame: Frame<Bytes> = frame?;
        if let Some(data) = frame.data_ref() {
            stdout.write_all(data)?;
            stdout.flush()?;
        }
    }
    Ok(())
}

/// A request for a streamed answer. Any body of bytes will do; options travel as an extension.
fn ask(question: &str) -> Result<Request<Full<Bytes>>, Box<dyn Error + Send + Sync>> {
    let question = serde_json::to_string(question)?;
    let body = format!(
        r#"{{"model":"claude-sonnet-4-5","stream":true,"messages":[{{"role":"user","content":{question}}}]}}"#
    );
    let options = CallOptions::new()
        .max_retries(1)
        .deadline(Duration::from_secs(60));
    Ok(Request::post("/v1/chat/completions")
        .extension(options)
        .body(Full::from(body))?)
}
