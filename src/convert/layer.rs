//! The layer.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use tower::Layer;

use super::service::Convert;
use crate::clock::Clock;
use crate::error::{BoxError, Error, ErrorClass};
use crate::models::ModelTable;
use crate::price::PriceTable;
use crate::settings::{ConvertSettings, Limits, Timeouts};
use crate::shutdown::Shutdown;
use crate::target::Target;

/// Speaks the provider's format upstream and the client's format downstream.
///
/// In a gateway the call and its target come from the layers above. Alone, [`ConvertLayer::to`] sends every request to
/// one target: the service takes any request to one of the [`Endpoint`](crate::Endpoint)s' paths.
#[derive(Debug, Clone, Default)]
pub struct ConvertLayer {
    pub(super) shared: Arc<Shared>,
}

/// What all calls share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) settings: ConvertSettings,
    pub(super) limits: Limits,
    pub(super) timeouts: Timeouts,
    pub(super) models: ModelTable,
    pub(super) prices: PriceTable,
    pub(super) clock: Clock,
    pub(super) classify: fn(BoxError) -> Error,
    pub(super) target: Option<Target>,
    pub(super) shutdown: Option<Shutdown>,
}

impl ConvertLayer {
    /// A layer that takes each call's target from `RetryLayer`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A layer that sends every request to `target`: one provider, in whichever of the three formats the caller speaks.
    ///
    /// It takes what [`CallOptions`](crate::CallOptions) say of target, deadline and lossiness; retries and records are the business
    /// of the layers above that this stack does not have.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use http::Request;
    /// use http_body_util::BodyExt;
    /// use tower::{Layer, ServiceExt};
    /// use tower_llm_gateway::testing::{Reply, Upstream};
    /// use tower_llm_gateway::{Connection, ConvertLayer, Credential, Outcome, Payload, Provider, Target};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// let upstream = Upstream::new([Reply::json(
    ///     r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[{"type":"text","text":"Lima."}],
    ///         "stop_reason":"end_turn","usage":{"input_tokens":9,"output_tokens":3}}"#,
    /// )]);
    /// let claude = Connection::builder("claude", Provider::Anthropic).credential(Credential::api_key("sk-ant-…")).build()?;
    /// let target = Target::new(Arc::new(claude)).model("claude-haiku-4-5");
    /// // An `AuthLayer` below it adds the key.
    /// let service = ConvertLayer::to(target).layer(upstream.clone());
    ///
    /// let question = r#"{"model":"any","seed":7,"messages":[{"role":"user","content":"Capital of Peru?"}]}"#;
    /// let request = Request::post("/v1/chat/completions").body(Payload::new(question))?;
    /// let response = service.oneshot(request).await?;
    ///
    /// // What the provider got: its own format, its own model.
    /// let sent = upstream.only_request();
    /// assert_eq!(sent.path(), "/v1/messages");
    /// assert!(sent.text().starts_with(r#"{"model":"claude-haiku-4-5""#));
    /// // What the caller got: Chat Completions, and a word about what Anthropic has no place for.
    /// let outcome = response.extensions().get::<Outcome>().unwrap().clone();
    /// assert_eq!(outcome.report.dropped(), ["seed"]);
    /// let body = response.into_body().collect().await?.to_bytes();
    /// assert!(std::str::from_utf8(&body)?.contains(r#""message":{"role":"assistant","content":"Lima.""#));
    /// assert_eq!(outcome.usage.get().unwrap().output, Some(3));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn to(target: Target) -> Self {
        Self::default().change(|shared| shared.target = Some(target))
    }

    /// How to convert.
    #[must_use]
    pub fn settings(self, settings: ConvertSettings) -> Self {
        self.change(|shared| shared.settings = settings)
    }

    /// Bounds on what providers send.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        self.change(|shared| shared.limits = limits)
    }

    /// How long to wait for providers.
    #[must_use]
    pub fn timeouts(self, timeouts: Timeouts) -> Self {
        self.change(|shared| shared.timeouts = timeouts)
    }

    /// What the models can do.
    #[must_use]
    pub fn models(self, models: ModelTable) -> Self {
        self.change(|shared| shared.models = models)
    }

    /// What the models cost.
    #[must_use]
    pub fn prices(self, prices: PriceTable) -> Self {
        self.change(|shared| shared.prices = prices)
    }

    /// The wall clock.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        self.change(|shared| shared.clock = clock)
    }

    /// How errors of the client service are classed, as far as they are not an [`Error`] already or from tower's `LoadShed`. Default: all of them are
    /// ambiguous; with the `client` feature, hyper-util's errors are told apart.
    #[must_use]
    pub fn classify(self, classify: fn(BoxError) -> Error) -> Self {
        self.change(|shared| shared.classify = classify)
    }

    /// The switch that ends open streams: see [`Shutdown`].
    #[must_use]
    pub fn shutdown(self, shutdown: Shutdown) -> Self {
        self.change(|shared| shared.shutdown = Some(shutdown))
    }

    fn change(mut self, change: impl FnOnce(&mut Shared)) -> Self {
        change(Arc::make_mut(&mut self.shared));
        self
    }
}

impl Shared {
    /// Classes an error from below: one of the gateway's own layers knows its class.
    pub(super) fn classed(&self, error: BoxError) -> Error {
        match error.downcast::<Error>() {
            Ok(error) => *error,
            Err(error) if is_shed(&*error) => Error::new(ErrorClass::Overloaded, error),
            Err(error) => (self.classify)(error),
        }
    }
}

/// Whether tower's `LoadShed` turned a call away.
fn is_shed(error: &(dyn StdError + 'static)) -> bool {
    let mut source = Some(error);
    while let Some(error) = source {
        if error.is::<tower::load_shed::error::Overloaded>() {
            return true;
        }
        source = error.source();
    }
    false
}

impl Default for Shared {
    fn default() -> Self {
        #[cfg(feature = "client")]
        let classify = crate::client::classify;
        #[cfg(not(feature = "client"))]
        let classify = ambiguous;
        Self {
            settings: ConvertSettings::default(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            models: ModelTable::default(),
            prices: PriceTable::default(),
            clock: Clock::default(),
            classify,
            target: None,
            shutdown: None,
        }
    }
}

/// Classes errors of a client that nothing is known about.
#[cfg_attr(
    feature = "client",
    allow(dead_code, reason = "the client's classifier takes its place")
)]
pub(crate) fn ambiguous(error: BoxError) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => *error,
        Err(error) => Error::new(ErrorClass::Ambiguous, error),
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("settings", &self.settings)
            .field("limits", &self.limits)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for ConvertLayer {
    type Service = Convert<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Convert::new(inner, self.shared.clone())
    }
}
