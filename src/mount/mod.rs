//! `GatewayLayer`: a finished gateway as middleware of any server.
//!
//! The gateway's `POST` endpoints, and an `Upgrade` on `/v1/responses`, go to it; all else goes to the inner service, whose
//! readiness and bodies are left alone.
//!
//! With axum, add it last and after `.fallback(…)`: a router's layer sees only what the router already has, so that
//! `Router::layer` before `.fallback(…)`, inside a nested router without a fallback, or as `route_layer` never sees the
//! gateway's paths. `Router::route_service` with a [`Gateway`](crate::Gateway) works everywhere.
//!
//! tower-http's layers go around it: its trace, its timeout (which ends the call to the provider, but counts up to an answer's head
//! only), `CatchPanic`, and `SetSensitiveHeaders` outside the trace. Two have a place of their own: `Decompression` goes *below* the
//! gateway, around the client; and `RequestBodyLimit` answers by itself, in plain text, where a request tells its length, so that
//! [`Limits::request_body`](crate::settings::Limits::request_body) is the better place for a limit.
//!
//! ```
//! # use std::convert::Infallible;
//! # use http::{Request, Response};
//! # use tower::{Layer, ServiceExt, service_fn};
//! # use tower_llm_gateway::{Gateway, GatewayLayer, Payload};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let client = service_fn(|_: Request<Payload>| async { Ok::<_, Infallible>(Response::new(Payload::default())) });
//! let gateway = Gateway::builder().build(client)?;
//! let inner = service_fn(|_: Request<Payload>| async { Ok::<_, Infallible>(Response::new(Payload::new("mine"))) });
//! let service = GatewayLayer::new(gateway).prefix("/llm").layer(inner);
//!
//! let mine = service.clone().oneshot(Request::get("/health").body(Payload::default())?).await?;
//! assert_eq!(mine.status(), 200);
//! let body = Payload::new(r#"{"model":"nobody-has-it"}"#);
//! let gateways = service.oneshot(Request::post("/llm/v1/messages").body(body)?).await?;
//! assert_eq!(gateways.status(), 404);
//! # Ok(())
//! # }
//! ```
//!
#![doc = include_str!("../../docs/layers/mount.md")]

mod body;
mod future;
mod layer;
mod service;

pub use body::{MountBody, MountBodyError};
pub use future::ResponseFuture;
pub use layer::GatewayLayer;
pub use service::Mount;
