//! The layer.

use std::sync::Arc;
use std::time::Duration;

use tower::Layer;

use super::keys::ClientKeys;
use super::service::Route;
use super::table::RouteTable;
use crate::observe::{Observer, Observers};
use crate::settings::{Limits, Timeouts};
use crate::shutdown::Shutdown;

/// Finds out what a request asks for and where it may go, and answers whatever went wrong below in the client's format.
///
/// Alone it chooses by the model's name in the body; the service below finds the choice as [`Attempt`](crate::Attempt) in the
/// request's extensions, and whatever it fails with becomes an answer:
///
/// ```
/// use std::sync::Arc;
///
/// use http::{Request, Response};
/// use http_body_util::BodyExt;
/// use tower::{BoxError, Layer, ServiceExt, service_fn};
/// use tower_llm_gateway::{Attempt, Connection, Payload, Provider, RouteLayer, RouteTable, Rule, Target};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let local = Connection::builder("local", Provider::OpenAiCompatible).base_url("http://127.0.0.1:11434/v1");
/// let local = Target::new(Arc::new(local.build()?)).model("qwen3");
/// let table = RouteTable::new(vec![Rule::new("fast-*", [local])], vec![])?;
/// let inner = service_fn(|request: Request<Payload>| async move {
///     let attempt = request.extensions().get::<Attempt>().ok_or("nobody routed it")?;
///     if request.body().bytes().len() > 100 {
///         return Err(BoxError::from("too much for me"));
///     }
///     let text = format!("{} at {}", attempt.model(), attempt.target().connection().name());
///     Ok(Response::new(Payload::new(text)))
/// });
/// let service = RouteLayer::new(Arc::new(table)).layer(inner);
/// let ask = |body: String| service.clone().oneshot(Request::post("/v1/responses").body(Payload::new(body)).unwrap());
///
/// let response = ask(r#"{"model":"fast-please","input":"Hi"}"#.to_owned()).await?;
/// assert_eq!(response.into_body().collect().await?.to_bytes(), "qwen3 at local");
/// assert_eq!(ask(r#"{"model":"slow","input":"Hi"}"#.to_owned()).await?.status(), 404);
/// let long = format!(r#"{{"model":"fast-1","input":"{}"}}"#, "Hi ".repeat(100));
/// assert_eq!(ask(long).await?.status(), 502);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct RouteLayer {
    pub(super) settings: Arc<Settings>,
}

#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) table: Arc<RouteTable>,
    pub(super) limits: Limits,
    pub(super) timeouts: Timeouts,
    pub(super) keys: ClientKeys,
    pub(super) observers: Observers,
    pub(super) shutdown: Option<Shutdown>,
}

impl RouteLayer {
    /// A layer that resolves models by `table`.
    #[must_use]
    pub fn new(table: Arc<RouteTable>) -> Self {
        let settings = Settings {
            table,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            keys: ClientKeys::default(),
            observers: Observers::default(),
            shutdown: None,
        };
        Self {
            settings: Arc::new(settings),
        }
    }

    /// Bounds the requests.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        Arc::make_mut(&mut self.settings).limits = limits;
        self
    }

    /// The time that a call may take in all.
    #[must_use]
    pub fn total_timeout(mut self, total: Duration) -> Self {
        Arc::make_mut(&mut self.settings).timeouts.total = total;
        self
    }

    /// The time between two pieces of a client's request body, and for all of it: a client that sends more slowly gets a 408.
    #[must_use]
    pub fn request_timeouts(mut self, idle: Duration, whole: Duration) -> Self {
        let timeouts = &mut Arc::make_mut(&mut self.settings).timeouts;
        timeouts.request_idle = idle;
        timeouts.request_body = whole;
        self
    }

    /// The keys that clients must use one of. Default: none, everybody may call.
    #[must_use]
    pub fn client_keys(mut self, keys: ClientKeys) -> Self {
        Arc::make_mut(&mut self.settings).keys = keys;
        self
    }

    /// Adds somebody who wants to know of every call.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        Arc::make_mut(&mut self.settings).observers.add(observer);
        self
    }

    /// The switch that ends the service: see [`Shutdown`].
    #[must_use]
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        Arc::make_mut(&mut self.settings).shutdown = Some(shutdown);
        self
    }
}

impl<S> Layer<S> for RouteLayer {
    type Service = Route<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Route::new(inner, self.settings.clone())
    }
}
