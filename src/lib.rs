//! Tower layers that turn any `http` service stack into a gateway for large language models.
//!
//! Clients speak OpenAI Chat Completions, OpenAI Responses or Anthropic Messages; a provider speaks its own format;
//! requests, answers and streams are rewritten on the fly, in one hop. Where both sides speak the same format, every byte but
//! the model's name is what the other side sent.
//!
//! ```text
//!           Chat Completions, Responses or Messages                           the provider's own format
//!                            │  ▲                                                     │  ▲
//! ┌──────────────────────────▼──┴─────────────────────────────────────────────────────▼──┴───────────┐
//! │  RouteLayer ────────► RetryLayer ────────► ConvertLayer ────────► AuthLayer ────────► your client │
//! │  model → targets      tries, fallbacks     request ⇄ answer       keys, SigV4                     │
//! └───────────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! # A server stack
//!
//! [`Gateway`] assembles the four layers around a client, and [`GatewayLayer`] puts the result in front of any service:
//!
//! ```
//! use std::convert::Infallible;
//! use std::sync::Arc;
//!
//! use http::{Request, Response};
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_llm_gateway::{Connection, Credential, Gateway, GatewayLayer, Payload, Provider, Rule, Target};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let claude = Connection::builder("claude", Provider::Anthropic).credential(Credential::api_key("sk-ant-…"));
//! let claude = Arc::new(claude.build()?);
//! // Stands for your HTTP client; the feature `client` brings one.
//! let client = service_fn(|request: Request<Payload>| async move {
//!     assert_eq!(request.uri(), "https://api.anthropic.com/v1/messages");
//!     assert_eq!(request.headers()["x-api-key"], "sk-ant-…".as_bytes());
//!     let answer = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5",
//!         "content":[{"type":"text","text":"Lima."}],"stop_reason":"end_turn","usage":{"input_tokens":9,"output_tokens":3}}"#;
//!     let response = Response::builder().header("content-type", "application/json");
//!     Ok::<_, Infallible>(response.body(Payload::new(answer)).unwrap())
//! });
//! let gateway = Gateway::builder()
//!     .connection(claude.clone())
//!     .rule(Rule::new("claude-*", [Target::new(claude)]))
//!     .build(client)?;
//! let mine = service_fn(|_: Request<Payload>| async { Ok::<_, Infallible>(Response::new(Payload::new("mine"))) });
//! let server = GatewayLayer::new(gateway).layer(mine);
//!
//! let question = r#"{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"Capital of Peru?"}],"seed":1}"#;
//! let request = Request::post("/v1/chat/completions").body(Payload::new(question))?;
//! let response = server.oneshot(request).await?;
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.headers()["x-gateway-dropped"], "seed");
//! # Ok(())
//! # }
//! ```
//!
//! # A client stack
//!
//! Without any server, [`ConvertLayer::to`] and [`AuthLayer::with`] around your own client let code that speaks one format
//! talk to a provider that speaks another:
//!
//! ```
//! # use std::convert::Infallible;
//! # use std::sync::Arc;
//! # use http::{Request, Response};
//! # use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
//! # use tower_llm_gateway::*;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let my_client = service_fn(|request: Request<Payload>| async move {
//! #     assert_eq!(request.headers()["authorization"], "Bearer k");
//! #     Ok::<_, Infallible>(Response::new(Payload::new("{}")))
//! # });
//! let key = Credential::api_key("k");
//! let groq = Connection::builder("groq", Provider::Groq).credential(key.clone()).build()?;
//! let mut stack = ServiceBuilder::new()
//!     .layer(ConvertLayer::to(Target::new(Arc::new(groq)).model("openai/gpt-oss-120b")))
//!     .layer(AuthLayer::with(Provider::Groq, &key)?)
//!     .service(my_client);
//! let body = Payload::new(r#"{"model":"any","messages":[{"role":"user","content":"Hi"}]}"#);
//! let request = Request::post("/v1/chat/completions").body(body)?;
//! let response = stack.ready().await?.call(request).await?;
//! assert_eq!(response.status(), 200);
//! # Ok(())
//! # }
//! ```
//!
//! # Order
//!
//! `RouteLayer → RetryLayer → ConvertLayer → AuthLayer → client`. A fallback may change the provider, so conversion and
//! credentials run inside the retry, each try afresh from the client's own bytes. Between the layers travel types in the
//! requests' and responses' extensions: [`Attempt`], [`Failure`], [`Outcome`]; an embedder may put [`CallOptions`] there.
//!
//! | module | layer | alone it |
//! |---|---|---|
//! | [`route`] | [`RouteLayer`] | finds endpoint, model and targets, and answers errors in the client's format |
//! | [`retry`] | [`RetryLayer`] | tries again, on the same target or the next |
//! | [`convert`] | [`ConvertLayer`] | speaks another format to one target ([`ConvertLayer::to`]) |
//! | [`auth`] | [`AuthLayer`] | authorises or signs any request ([`AuthLayer::with`]) |
//! | [`mount`] | [`GatewayLayer`] | puts a finished gateway in front of another service |
//!
//! # What is not carried exactly
//!
//! Every field of a client's request is carried, or reported in `x-gateway-approximated` or `x-gateway-dropped`, or refused with a 400 that
//! names it. The report is also in [`Outcome`], as [`LossReport`]. `docs/pairs` in the repository has a table of every field for every pair
//! of formats, which a test makes by sending each of them.
//!
//! # Errors
//!
//! A [`Gateway`] never fails: its error type is [`Infallible`](std::convert::Infallible), and whatever went wrong is an answer in the format of the
//! client that asked, with the status that its SDK expects. Converted streams never fail either; they end in an error event. Streams that pass
//! through end with a [`BodyError`] where the provider's broke inside an event. Of your client's errors the gateway wants to know whether
//! the request may have been sent ([`ErrorClass`]): give it a function with [`GatewayBuilder::classify`]; the feature `client` has one for hyper-util.
//!
//! A layer used alone passes its inner service's errors on as [`Error`]. Under a server that wants none, put a handler above it.
//!
//! # Where to put it
//!
//! Outside the gateway: tracing, panics, sensitive headers, decompression, a limit of the body. Inside, around the client: pools, proxies,
//! mTLS; no retries, and nothing that changes the body, because requests to AWS are signed. A response compression outside delays streams.
//! With axum, [`GatewayLayer`] is the last call on a router, after its fallback: see [`mount`]. Every service here is
//! `Clone + Send + Sync + 'static` if the client is.
//!
//! # Features
//!
//! | feature | what it brings |
//! |---|---|
//! | `aws` (default) | SigV4 and AWS's types of credentials, for the two Bedrock providers |
//! | `aws-config` | AWS's default chain of credentials, and roles to assume |
//! | `client` | hyper-util's client over rustls, proxies, and the classifier of its errors |
//! | `config` | the configuration file as serde types |
//! | `metrics` | an observer that feeds the `metrics` facade |
//! | `otel` | an observer that feeds OpenTelemetry; no exporter |
//!
//! Without any, the layers work around any client that is a `Service<Request<Payload>>`, also without TLS.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

mod alarm;
pub mod auth;
#[doc(hidden)]
pub mod bench;
pub mod body;
mod cache_marks;
mod call;
mod capacity;
#[cfg(feature = "client")]
pub mod client;
mod clock;
pub mod codec;
#[cfg(feature = "config")]
pub mod config;
pub mod convert;
mod defaults;
mod endpoint;
mod error;
mod format;
mod gateway;
mod glob;
mod headers;
mod health;
mod invalid_connection;
pub mod models;
pub mod mount;
pub mod observe;
mod options;
pub mod payload;
pub mod price;
pub mod provider;
mod random;
pub mod retry;
pub mod route;
pub mod settings;
mod shutdown;
pub mod target;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod usage;

pub use auth::{AuthLayer, Credential};
pub use body::Payload;
pub use call::{Attempt, Call, CallOptions, Failure, FailureClass, Outcome};
pub use clock::Clock;
pub use convert::{ConvertLayer, LossReport};
pub use endpoint::{Endpoint, Format};
pub use error::{BodyError, BoxError, Error, ErrorClass};
pub use gateway::{Gateway, GatewayBuilder};
pub use models::ModelTable;
pub use mount::GatewayLayer;
pub use observe::{CallRecord, Observer, UsageHandle};
pub use payload::PayloadLayer;
pub use price::PriceTable;
pub use provider::Provider;
pub use retry::RetryLayer;
pub use route::{ClientKeys, RouteLayer, RouteTable, Rule};
pub use shutdown::Shutdown;
pub use target::{Connection, InvalidConnection, Options, Target};
pub use usage::{ServiceTier, Usage};

/// Runs the code in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
