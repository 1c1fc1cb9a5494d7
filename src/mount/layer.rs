//! The layer.

use std::sync::Arc;

use tower::Layer;

use super::service::Mount;
use crate::gateway::Gateway;

/// Mounts a finished [`Gateway`] in front of an inner service.
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use http::Request;
/// use tower::ServiceExt;
/// use tower_llm_gateway::testing::{Reply, Upstream};
/// use tower_llm_gateway::{Connection, Credential, Gateway, GatewayLayer, Provider};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let groq = Connection::builder("groq", Provider::Groq).credential(Credential::api_key("gsk_…")).build()?;
/// let gateway = Gateway::builder().connection(groq).build(Upstream::always(Reply::json("{}")))?;
/// let app = Router::new()
///     .route("/hello", get(|| async { "hello" }))
///     .fallback(|| async { http::StatusCode::IM_A_TEAPOT })
///     .layer(GatewayLayer::new(gateway).prefix("/llm"));
///
/// let ask = |path: &str| Request::post(path).body(axum::body::Body::from(r#"{"model":"groq/llama"}"#));
/// let gateways = app.clone().oneshot(ask("/llm/v1/chat/completions")?).await?;
/// assert_eq!(gateways.headers()["x-gateway-connection"], "groq");
/// assert_eq!(app.oneshot(ask("/v1/chat/completions")?).await?.status(), 418);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct GatewayLayer<C> {
    gateway: Gateway<C>,
    prefix: Arc<str>,
    all_methods: bool,
}

impl<C> GatewayLayer<C> {
    /// A layer that serves the gateway's endpoints at their own paths.
    #[must_use]
    pub fn new(gateway: Gateway<C>) -> Self {
        Self {
            gateway,
            prefix: Arc::from(""),
            all_methods: false,
        }
    }

    /// Serves the endpoints below a path, such as `/llm`.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        let prefix = prefix.trim_matches('/');
        self.prefix = if prefix.is_empty() {
            Arc::from("")
        } else {
            format!("/{prefix}").into()
        };
        self
    }

    /// Whether other methods than `POST` on the endpoints' paths go to the gateway too, which answers 405. Default: they go
    /// to the inner service.
    #[must_use]
    pub fn all_methods(mut self, all: bool) -> Self {
        self.all_methods = all;
        self
    }
}

impl<S, C: Clone> Layer<S> for GatewayLayer<C> {
    type Service = Mount<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        Mount::new(
            inner,
            self.gateway.clone(),
            self.prefix.clone(),
            self.all_methods,
        )
    }
}
