//! The four layers around a client, in the one order that works.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::{Layer, Service};

use crate::auth::{Auth, AuthLayer};
use crate::body::{AnswerBody, Payload};
use crate::clock::Clock;
use crate::convert::{Convert, ConvertLayer};
use crate::error::{BoxError, Error};
use crate::models::ModelTable;
use crate::observe::Observer;
use crate::price::PriceTable;
use crate::retry::{Retry, RetryLayer};
use crate::route::{
    ClientKeys, InvalidRoutes, ResponseBody, ResponseFuture, Route, RouteLayer, RouteTable, Rule,
};
use crate::settings::{ConvertSettings, Limits, RetrySettings, Timeouts};
use crate::shutdown::Shutdown;
use crate::target::Connection;

/// The services around a client `C`, outermost first.
type Stack<C> = Route<Retry<Convert<Auth<C>>>>;

/// A finished gateway: `RouteLayer → RetryLayer → ConvertLayer → AuthLayer → client`, as one service that never fails.
///
/// The client is any Tower service over `Request<Payload>`: hyper-util's pool (feature `client`), your own client with its
/// pooling, proxies and metrics, or a fake one in tests.
///
/// ```
/// use std::convert::Infallible;
/// use std::sync::Arc;
///
/// use http::{Request, Response};
/// use tower::{ServiceExt, service_fn};
/// use tower_llm_gateway::{Connection, Credential, Gateway, Payload, Provider, Rule, Target};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let openai = Connection::builder("openai", Provider::OpenAi).credential(Credential::api_key("sk-…")).build()?;
/// let openai = Arc::new(openai);
/// let client = service_fn(|request: Request<Payload>| async move {
///     assert_eq!(request.uri(), "https://api.openai.com/v1/chat/completions");
///     assert_eq!(request.body().bytes(), r#"{"model":"gpt-5","messages":[]}"#);
///     Ok::<_, Infallible>(Response::new(Payload::new(r#"{"choices":[]}"#)))
/// });
/// let gateway = Gateway::builder()
///     .connection(openai.clone())
///     .rule(Rule::new("fast", [Target::new(openai).model("gpt-5")]))
///     .build(client)?;
///
/// let request = Request::post("/v1/chat/completions").body(Payload::new(r#"{"model":"fast","messages":[]}"#))?;
/// let response = gateway.oneshot(request).await?;
/// assert_eq!(response.headers()["x-gateway-model"], "gpt-5");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Gateway<C> {
    stack: Stack<C>,
    // One piece: servers clone the service for each request.
    plan: Arc<Plan>,
}

/// What a gateway is made of, but for the client.
#[derive(Debug)]
struct Plan {
    layers: Layers,
    table: Arc<RouteTable>,
}

/// The layers, to be put around a client.
#[derive(Debug)]
struct Layers {
    route: RouteLayer,
    retry: RetryLayer,
    convert: ConvertLayer,
    auth: AuthLayer,
}

impl Layers {
    fn around<C>(&self, client: C) -> Stack<C> {
        let signed = self.auth.layer(client);
        self.route
            .layer(self.retry.layer(self.convert.layer(signed)))
    }
}

impl Gateway<()> {
    /// Begins a gateway.
    pub fn builder() -> GatewayBuilder {
        GatewayBuilder::default()
    }
}

impl<C> Gateway<C> {
    /// The same gateway around another client.
    #[must_use]
    pub fn with_client<D>(self, client: D) -> Gateway<D> {
        Gateway {
            stack: self.plan.layers.around(client),
            plan: self.plan,
        }
    }

    /// Where calls go.
    #[must_use]
    pub fn routes(&self) -> &Arc<RouteTable> {
        &self.plan.table
    }
}

impl<C, ReqBody, B> Service<Request<ReqBody>> for Gateway<C>
where
    C: Service<Request<Payload>, Response = Response<B>> + Clone,
    C::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
    ReqBody: Body<Data = Bytes>,
    ReqBody::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<AnswerBody<B>>>;
    type Error = Infallible;
    type Future = ResponseFuture<Retry<Convert<Auth<C>>>, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        <Stack<C> as Service<Request<ReqBody>>>::poll_ready(&mut self.stack, cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        self.stack.call(request)
    }
}

impl<C> fmt::Debug for Gateway<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("table", &self.plan.table)
            .finish_non_exhaustive()
    }
}

/// Builds a [`Gateway`].
#[derive(Debug, Default)]
#[must_use]
pub struct GatewayBuilder {
    connections: Vec<Arc<Connection>>,
    rules: Vec<Rule>,
    keys: ClientKeys,
    limits: Limits,
    timeouts: Timeouts,
    retry: RetrySettings,
    convert: ConvertSettings,
    models: ModelTable,
    clock: Clock,
    classify: Option<fn(BoxError) -> Error>,
    prices: PriceTable,
    observers: Vec<Arc<dyn Observer>>,
    shutdown: Option<Shutdown>,
}

impl GatewayBuilder {
    /// Adds a connection: clients may ask for `NAME/model-id`.
    pub fn connection(mut self, connection: impl Into<Arc<Connection>>) -> Self {
        self.connections.push(connection.into());
        self
    }

    /// Adds a rule, after those that are there.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// The keys that clients must use one of. Default: none, everybody may call.
    pub fn client_keys(mut self, keys: ClientKeys) -> Self {
        self.keys = keys;
        self
    }

    /// Bounds on what clients and providers may send.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long to wait.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// When a call is sent again.
    pub fn retry(mut self, retry: RetrySettings) -> Self {
        self.retry = retry;
        self
    }

    /// How to convert.
    pub fn convert(mut self, convert: ConvertSettings) -> Self {
        self.convert = convert;
        self
    }

    /// What the models can do.
    pub fn models(mut self, models: ModelTable) -> Self {
        self.models = models;
        self
    }

    /// The wall clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// What the models cost; see [`price`](crate::price). Default: no price is known.
    pub fn prices(mut self, prices: PriceTable) -> Self {
        self.prices = prices;
        self
    }

    /// Adds somebody who wants to know of every call; see [`observe`](crate::observe).
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// How the client's errors are classed; see [`ConvertLayer::classify`].
    pub fn classify(mut self, classify: fn(BoxError) -> Error) -> Self {
        self.classify = Some(classify);
        self
    }

    /// The switch that ends the service: see [`Shutdown`].
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = Some(shutdown);
        self
    }

    /// Puts the layers around `client`.
    ///
    /// # Errors
    /// The rules and connections do not make a table.
    pub fn build<C>(self, client: C) -> Result<Gateway<C>, InvalidRoutes> {
        let table = Arc::new(RouteTable::new(self.rules, self.connections)?);
        let mut convert = ConvertLayer::new()
            .settings(self.convert)
            .limits(self.limits)
            .timeouts(self.timeouts)
            .models(self.models)
            .prices(self.prices)
            .clock(self.clock);
        if let Some(classify) = self.classify {
            convert = convert.classify(classify);
        }
        let mut route = RouteLayer::new(table.clone())
            .limits(self.limits)
            .total_timeout(self.timeouts.total)
            .request_timeouts(self.timeouts.request_idle, self.timeouts.request_body)
            .client_keys(self.keys);
        route = self.observers.into_iter().fold(route, RouteLayer::observer);
        if let Some(shutdown) = self.shutdown {
            convert = convert.shutdown(shutdown.clone());
            route = route.shutdown(shutdown);
        }
        let layers = Layers {
            route,
            retry: RetryLayer::new(self.retry),
            convert,
            auth: AuthLayer::new().clock(self.clock),
        };
        Ok(Gateway {
            stack: layers.around(client),
            plan: Arc::new(Plan { layers, table }),
        })
    }
}
