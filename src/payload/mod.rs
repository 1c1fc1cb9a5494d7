//! `PayloadLayer`: gathers a request's body, of whatever type, into the [`Payload`](crate::Payload) that the layers below take.
//!
//! [`RouteLayer`](crate::RouteLayer), and so a whole [`Gateway`](crate::Gateway), does that itself. A stack without it, of
//! [`ConvertLayer::to`](crate::ConvertLayer::to) or [`AuthLayer::with`](crate::AuthLayer::with), takes
//! `Request<Payload>`; with this layer outermost it takes any body, and a server can mount it.
//!
//! A body that is too large, does not come in time or breaks off is answered here, in the client's own format, with 413, 408 or
//! 400; the inner service's errors are left alone.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_llm_gateway::settings::Limits;
//! use tower_llm_gateway::{Payload, PayloadLayer};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let inner = service_fn(|request: Request<Payload>| async move {
//!     assert_eq!(request.body().bytes(), "Hi");
//!     Ok::<_, Infallible>(Response::new(Payload::default()))
//! });
//! let mut limits = Limits::default();
//! limits.request_body = 5;
//! let service = PayloadLayer::new().limits(limits).layer(inner);
//!
//! let short = Request::post("/v1/messages").body(Full::<bytes::Bytes>::from("Hi"))?;
//! assert_eq!(service.clone().oneshot(short).await?.status(), 200);
//! let long = Request::post("/v1/messages").body(Full::<bytes::Bytes>::from("Good morning!"))?;
//! assert_eq!(service.oneshot(long).await?.status(), 413);
//! # Ok(())
//! # }
//! ```

mod future;
mod layer;
mod service;
#[cfg(test)]
mod tests;

pub use crate::body::OrPayload;
pub use future::ResponseFuture;
pub use layer::PayloadLayer;
pub use service::Gather;
