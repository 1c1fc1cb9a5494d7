//! A scripted provider for tests, in place of an HTTP client (feature `testing`).
//!
//! [`Upstream`] is a Tower service over `Request<Payload>`, so it goes wherever a client goes: below a
//! [`Gateway`](crate::Gateway), below any of the layers alone, below middleware of your own. It answers with what its script
//! holds, one [`Reply`] for each request: JSON, streams of server-sent events or of AWS's binary frames, waits, and every way to
//! fail. It keeps what it was sent, as [`Received`]. Waits are tokio's, so that `tokio::time::pause` makes them free.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use http::Request;
//! use http_body_util::BodyExt;
//! use tower::ServiceExt;
//! use tower_llm_gateway::testing::{Reply, Upstream};
//! use tower_llm_gateway::{Connection, Credential, ErrorClass, Gateway, Payload, Provider, Rule, Target};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let claude = Connection::builder("claude", Provider::Anthropic).credential(Credential::api_key("sk-ant-secret"));
//! let claude = Arc::new(claude.build()?);
//! // The first try gets no connection; the second one gets a stream that breaks off.
//! let upstream = Upstream::new([
//!     Reply::fail(ErrorClass::NeverSent),
//!     Reply::sse()
//!         .event("message_start", r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant",
//!             "model":"claude-sonnet-4-5","content":[],"stop_reason":null,"usage":{"input_tokens":9,"output_tokens":1}}}"#)
//!         .wait(Duration::from_millis(5))
//!         .event("content_block_start", r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#)
//!         .event("content_block_delta", r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Li"}}"#)
//!         .cut(),
//! ]);
//! let gateway = Gateway::builder().rule(Rule::new("*", [Target::new(claude)])).build(upstream.clone())?;
//!
//! let question = r#"{"model":"claude-sonnet-4-5","stream":true,"messages":[{"role":"user","content":"Capital of Peru?"}]}"#;
//! let request = Request::post("/v1/chat/completions").body(Payload::new(question))?;
//! let response = gateway.oneshot(request).await?;
//! assert_eq!(response.headers()["x-gateway-attempts"], "2");
//! let text = response.into_body().collect().await?.to_bytes();
//! let text = std::str::from_utf8(&text)?;
//! assert!(text.contains(r#""content":"Li""#));
//! assert!(text.contains("upstream_stream_ended"), "a cut stream is an error");
//!
//! let sent = upstream.requests();
//! assert_eq!(sent.len(), 2);
//! assert_eq!(sent[1].uri(), "https://api.anthropic.com/v1/messages");
//! assert_eq!(sent[1].header("x-api-key"), Some("sk-ant-secret"));
//! assert!(sent[1].text().contains(r#""max_tokens":"#), "Anthropic demands it");
//! // What a failed assertion prints holds no key.
//! assert!(!format!("{:?}", sent[1]).contains("sk-ant-secret"));
//! # Ok(())
//! # }
//! ```

#![allow(
    clippy::panic,
    reason = "a script that makes no sense ends the test that holds it"
)]

mod body;
#[cfg(test)]
mod fixtures;
mod received;
mod reply;
#[cfg(test)]
mod tests;
mod upstream;

pub use body::{Broken, ReplyBody};
#[cfg(test)]
pub(crate) use fixtures::{call, connection};
pub use received::Received;
pub use reply::Reply;
pub use upstream::{ResponseFuture, Upstream};
