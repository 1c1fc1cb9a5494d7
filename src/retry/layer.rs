//! The layer.

use tower::Layer;

use super::service::Retry;
use crate::settings::RetrySettings;

/// Tries a failed call again, on the same target or the next.
///
/// Which targets there are it takes from the [`Attempt`](crate::Attempt) that [`RouteLayer`](crate::RouteLayer) puts on a request; one
/// without goes through as it is. What failed, and whether another try may mend it, it takes from the inner service's
/// [`Error`](crate::Error) and from the [`Failure`](crate::Failure) that [`ConvertLayer`](crate::ConvertLayer) leaves on an answer.
/// So between `RouteLayer` and a service of your own it moves on to the next target when that service cannot reach the first:
///
/// ```
/// use std::sync::Arc;
///
/// use http::Request;
/// use tower::{ServiceBuilder, ServiceExt};
/// use tower_llm_gateway::settings::RetrySettings;
/// use tower_llm_gateway::testing::{Reply, Upstream};
/// use tower_llm_gateway::{Connection, ErrorClass, Payload, Provider, RetryLayer, RouteLayer, RouteTable, Rule, Target};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let target = |name: &str| {
///     let builder = Connection::builder(name, Provider::OpenAiCompatible).base_url("http://127.0.0.1:9/v1");
///     builder.build().map(|connection| Target::new(Arc::new(connection)))
/// };
/// let table = RouteTable::new(vec![Rule::new("*", [target("here")?, target("there")?])], vec![])?;
/// // Stands for a service of yours whose errors are `tower_llm_gateway::Error`.
/// let below = Upstream::new([Reply::fail(ErrorClass::NeverSent), Reply::json("{}")]);
/// let mut settings = RetrySettings::default();
/// settings.max_retries = 1;
/// let service = ServiceBuilder::new()
///     .layer(RouteLayer::new(Arc::new(table)))
///     .layer(RetryLayer::new(settings))
///     .service(below.clone());
///
/// let request = Request::post("/v1/chat/completions").body(Payload::new(r#"{"model":"m"}"#))?;
/// assert_eq!(service.oneshot(request).await?.status(), 200);
/// assert_eq!(below.requests().len(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct RetryLayer {
    settings: RetrySettings,
}

impl RetryLayer {
    /// A layer with these rules.
    #[must_use]
    pub fn new(settings: RetrySettings) -> Self {
        Self { settings }
    }
}

impl<S> Layer<S> for RetryLayer {
    type Service = Retry<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Retry::new(inner, self.settings)
    }
}
