//! Where calls go: connections to providers, and the targets of a route.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use tower::retry::budget::TpsBudget;

use crate::auth::{Credential, InjectedHeader, Means};
pub use crate::cache_marks::{CacheMarks, CacheTtl};
pub use crate::capacity::Capacity;
use crate::capacity::Meter;
pub use crate::defaults::Defaults;
use crate::health::Health;
pub use crate::invalid_connection::InvalidConnection;
pub use crate::options::{
    BetaRule, Betas, ChatReasoning, EffortField, MidSystem, NoneStrategy, Options, Prefill,
    ReasoningSummary, ThinkingBinding, UnsupportedTools,
};
use crate::provider::spec::{AuthScheme, Spec};
use crate::provider::{Provider, bedrock};
use crate::route::failures::Failures;
use crate::settings::RetrySettings;

/// A way to a provider: where it is, and how to authenticate to it.
///
/// ```
/// use tower_llm_gateway::{Connection, Credential, Provider};
///
/// let connection = Connection::builder("main", Provider::Anthropic)
///     .credential(Credential::api_key("sk-ant-…"))
///     .build()?;
/// assert_eq!(connection.name(), "main");
/// # Ok::<(), tower_llm_gateway::InvalidConnection>(())
/// ```
pub struct Connection {
    name: Arc<str>,
    provider: Provider,
    base: BaseUrl,
    region: Option<Arc<str>>,
    extra_headers: Vec<InjectedHeader>,
    means: Means,
    options: Options,
    budget: TpsBudget,
    health: Health,
    failures: Failures,
    meter: Meter,
}

impl Connection {
    /// Begins a connection called `name` to `provider`.
    #[must_use]
    pub fn builder(name: impl Into<String>, provider: Provider) -> ConnectionBuilder {
        ConnectionBuilder {
            name: name.into(),
            provider,
            base_url: None,
            region: None,
            credential: Credential::None,
            headers: Vec::new(),
            options: Options::default(),
            retry: RetrySettings::default(),
            capacity: Capacity::default(),
        }
    }

    /// The connection's name: clients may ask for `NAME/model-id`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The provider at the other end.
    #[must_use]
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// The AWS region that the connection leads to.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        self.name.clone()
    }

    /// The headers that every request carries besides the credential.
    pub(crate) fn extra_headers(&self) -> &[InjectedHeader] {
        &self.extra_headers
    }

    /// How requests are authenticated.
    pub(crate) fn means(&self) -> &Means {
        &self.means
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn budget(&self) -> &TpsBudget {
        &self.budget
    }

    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    /// What is used of its capacity.
    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// How often its tries failed of late.
    pub(crate) fn failures(&self) -> &Failures {
        &self.failures
    }

    /// Whether the connection is set aside because its last calls failed. Calls that have another target avoid it, but for a
    /// probe from time to time.
    #[must_use]
    pub fn is_cooling(&self) -> bool {
        self.health.is_cooling()
    }

    /// The URI of `path` below the base URL.
    ///
    /// Host, scheme and port come from the configuration alone, whatever a request says.
    pub(crate) fn uri(&self, path: &str, query: Option<&str>) -> Option<Uri> {
        let base = &self.base;
        let mut target = String::with_capacity(
            base.path.len() + path.len() + query.map_or(0, |query| query.len() + 1),
        );
        target.push_str(&base.path);
        target.push_str(path);
        if let Some(query) = query {
            target.push('?');
            target.push_str(query);
        }
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(base.scheme.clone());
        parts.authority = Some(base.authority.clone());
        parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
        Uri::from_parts(parts).ok()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("name", &self.name)
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

/// Builds a [`Connection`].
pub struct ConnectionBuilder {
    name: String,
    provider: Provider,
    base_url: Option<String>,
    region: Option<String>,
    credential: Credential,
    headers: Vec<(String, String)>,
    options: Options,
    retry: RetrySettings,
    capacity: Capacity,
}

impl fmt::Debug for ConnectionBuilder {
    /// Neither credential nor headers: people put keys into both.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionBuilder")
            .field("name", &self.name)
            .field("provider", &self.provider)
            .field("base_url", &self.base_url)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

impl ConnectionBuilder {
    /// The base URL: `http` or `https`, a path but no query. Default: the provider's own.
    #[must_use]
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// The AWS region: where Bedrock is called, unless a base URL says so, and what requests are signed for.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// What the connection authenticates with.
    #[must_use]
    pub fn credential(mut self, credential: Credential) -> Self {
        self.credential = credential;
        self
    }

    /// A further header that every request on this connection carries.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Switches of the conversions.
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// The retry settings, of which a connection keeps its own budget.
    #[must_use]
    pub fn retry(mut self, retry: RetrySettings) -> Self {
        self.retry = retry;
        self
    }

    /// How many requests and tokens the connection may see in a minute. Default: any number.
    #[must_use]
    pub fn capacity(mut self, capacity: Capacity) -> Self {
        self.capacity = capacity;
        self
    }

    /// Makes the connection.
    ///
    /// # Errors
    /// The name, the base URL, the key or a header is not usable.
    pub fn build(self) -> Result<Connection, InvalidConnection> {
        let name = self.name;
        if name.is_empty()
            || !name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        {
            return Err(InvalidConnection::Name);
        }
        if let Some(key) = self.capacity.invalid() {
            return Err(InvalidConnection::Capacity(key));
        }
        let spec = self.provider.spec();
        let (base, region) = place(spec, self.base_url.as_deref(), self.region.as_deref())?;
        let means = self.credential.means(self.provider, region.as_ref())?;
        match means {
            Means::None if spec.needs_key => return Err(InvalidConnection::NoCredential),
            Means::Signature(_) if region.is_none() => return Err(InvalidConnection::NoRegion),
            _ => {}
        }
        let mut extra_headers = Vec::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            let header = InjectedHeader::configured(name, value);
            extra_headers.push(header.ok_or_else(|| InvalidConnection::Header(name.clone()))?);
        }
        #[expect(clippy::cast_precision_loss, reason = "a percentage")]
        let percent = self.retry.budget_percent.min(100_000) as f32 / 100.0;
        Ok(Connection {
            name: name.into(),
            provider: self.provider,
            base,
            region,
            extra_headers,
            means,
            options: self.options,
            budget: TpsBudget::new(
                Duration::from_secs(10),
                self.retry.budget_floor.min(1000),
                percent,
            ),
            health: Health::default(),
            failures: Failures::default(),
            meter: Meter::new(self.capacity),
        })
    }
}

/// Where a connection leads, and the AWS region that this is in.
fn place(
    spec: &Spec,
    base_url: Option<&str>,
    region: Option<&str>,
) -> Result<(BaseUrl, Option<Arc<str>>), InvalidConnection> {
    if spec.auth != AuthScheme::Aws {
        let url = base_url.or(spec.base_url);
        let url = url.ok_or(InvalidConnection::NoBaseUrl)?;
        return match region {
            Some(_) => Err(InvalidConnection::Region),
            None => Ok((BaseUrl::parse(url, spec.base_suffix)?, None)),
        };
    }
    if region.is_some_and(|region| !bedrock::is_region(region)) {
        return Err(InvalidConnection::Region);
    }
    let Some(url) = base_url else {
        let region = region.ok_or(InvalidConnection::NoRegion)?;
        let url = bedrock::base_url(region).ok_or(InvalidConnection::Region)?;
        let base = BaseUrl::parse(&url, spec.base_suffix)?;
        return Ok((base, Some(Arc::from(region))));
    };
    let base = BaseUrl::parse(url, spec.base_suffix)?;
    // AWS goes by the host's name.
    let in_host = bedrock::region_of_host(base.authority.host());
    match (region, in_host) {
        (Some(region), Some(host)) if region != host => Err(InvalidConnection::RegionOfHost),
        _ => {
            let region = region.or(in_host).map(Arc::from);
            Ok((base, region))
        }
    }
}

#[derive(Debug)]
struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    /// Without a trailing slash.
    path: String,
}

impl BaseUrl {
    fn parse(url: &str, tolerated_suffix: &str) -> Result<Self, InvalidConnection> {
        if url.contains('#') {
            return Err(InvalidConnection::BaseUrl);
        }
        let parts = Uri::try_from(url)
            .map_err(|_| InvalidConnection::BaseUrl)?
            .into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(InvalidConnection::BaseUrl);
        };
        let path_and_query = parts
            .path_and_query
            .unwrap_or_else(|| PathAndQuery::from_static("/"));
        let plain = scheme == Scheme::HTTP || scheme == Scheme::HTTPS;
        if !plain || path_and_query.query().is_some() || authority.as_str().contains('@') {
            return Err(InvalidConnection::BaseUrl);
        }
        let path = path_and_query.path().trim_end_matches('/');
        let path = path.strip_suffix(tolerated_suffix).unwrap_or(path);
        Ok(Self {
            authority: without_default_port(&scheme, authority),
            scheme,
            path: path.trim_end_matches('/').to_owned(),
        })
    }
}

/// The authority without a port that goes without saying: clients differ in whether they send it, and AWS signatures are
/// made without it.
pub(crate) fn without_default_port(scheme: &Scheme, authority: Authority) -> Authority {
    let default = if *scheme == Scheme::HTTPS { 443 } else { 80 };
    if authority.port_u16() != Some(default) {
        return authority;
    }
    Authority::try_from(authority.host()).unwrap_or(authority)
}

/// One place where a route's calls may go.
#[derive(Debug, Clone)]
pub struct Target {
    connection: Arc<Connection>,
    model: Option<Arc<str>>,
    weight: Option<u32>,
    options: Arc<Options>,
    defaults: Defaults,
    headers: Arc<[InjectedHeader]>,
}

impl Target {
    /// A target on `connection` that keeps the model asked for.
    #[must_use]
    pub fn new(connection: Arc<Connection>) -> Self {
        let options = Arc::new(connection.options().clone());
        Self {
            connection,
            model: None,
            weight: None,
            options,
            defaults: Defaults::default(),
            headers: Arc::default(),
        }
    }

    /// The model's id at the provider.
    #[must_use]
    pub fn model(mut self, id: impl Into<Arc<str>>) -> Self {
        self.model = Some(id.into());
        self
    }

    /// The share of first calls that go here. Default: 1 for a route's first target, 0 for the others.
    #[must_use]
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = Some(weight);
        self
    }

    /// Switches that win over the connection's.
    #[must_use]
    pub fn options(mut self, options: &Options) -> Self {
        self.options = Arc::new(options.or(self.connection.options()));
        self
    }

    /// What requests get that say nothing themselves.
    #[must_use]
    pub fn defaults(mut self, defaults: Defaults) -> Self {
        self.defaults = defaults;
        self
    }

    /// A further header of every request to this target; it wins over the connection's of that name.
    ///
    /// # Errors
    /// Name or value cannot stand in a header.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, InvalidConnection> {
        let header = InjectedHeader::configured(name, value)
            .ok_or_else(|| InvalidConnection::Header(name.to_owned()))?;
        self.headers = self.headers.iter().cloned().chain([header]).collect();
        Ok(self)
    }

    pub(crate) fn own_defaults(&self) -> Defaults {
        self.defaults
    }

    /// The headers that every request carries besides the connection's.
    pub(crate) fn extra_headers(&self) -> &[InjectedHeader] {
        &self.headers
    }

    /// The connection that the call goes over.
    #[must_use]
    pub fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// The model's id at the provider, where the target sets one.
    #[must_use]
    pub fn model_id(&self) -> Option<&str> {
        self.model.as_deref()
    }

    pub(crate) fn shared_model(&self) -> Option<Arc<str>> {
        self.model.clone()
    }

    pub(crate) fn weight_or_default(&self, position: usize) -> u32 {
        self.weight.unwrap_or(u32::from(position == 0))
    }

    pub(crate) fn merged_options(&self) -> &Options {
        &self.options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(provider: Provider, base: Option<&str>, path: &str, query: Option<&str>) -> String {
        let mut builder = Connection::builder("c", provider).credential(Credential::api_key("k"));
        if let Some(base) = base {
            builder = builder.base_url(base);
        }
        builder
            .build()
            .unwrap()
            .uri(path, query)
            .unwrap()
            .to_string()
    }

    #[test]
    fn base_urls() {
        let messages = |base| uri(Provider::Anthropic, base, "/v1/messages", None);
        assert_eq!(messages(None), "https://api.anthropic.com/v1/messages");
        for base in [
            "http://h:1",
            "http://h:1/",
            "http://h:1/v1",
            "http://h:1/v1/",
        ] {
            assert_eq!(messages(Some(base)), "http://h:1/v1/messages", "{base}");
        }
        assert_eq!(
            messages(Some("http://h/proxy/a/")),
            "http://h/proxy/a/v1/messages"
        );
        assert_eq!(
            uri(Provider::OpenAi, None, "/responses", Some("a=b&c")),
            "https://api.openai.com/v1/responses?a=b&c"
        );
    }

    #[test]
    fn ports_that_go_without_saying_are_left_out() {
        for (base, expected) in [
            ("https://h:443/a/", "https://h/a/v1/messages"),
            ("http://h:80", "http://h/v1/messages"),
            ("https://[::1]:443", "https://[::1]/v1/messages"),
            ("http://h:443", "http://h:443/v1/messages"),
            ("https://h:80", "https://h:80/v1/messages"),
        ] {
            assert_eq!(
                uri(Provider::Anthropic, Some(base), "/v1/messages", None),
                expected
            );
        }
    }

    #[test]
    fn aws_regions() {
        let build = |base: Option<&str>, region: Option<&str>| {
            let mut builder =
                Connection::builder("c", Provider::AwsBedrock).credential(Credential::api_key("k"));
            if let Some(base) = base {
                builder = builder.base_url(base);
            }
            if let Some(region) = region {
                builder = builder.region(region);
            }
            builder.build()
        };
        let there = build(None, Some("cn-north-1")).unwrap();
        assert_eq!(
            there.uri("/model/m/converse", None).unwrap(),
            "https://bedrock-runtime.cn-north-1.amazonaws.com.cn/model/m/converse"
        );
        let host = "https://vpce-1.bedrock-runtime.eu-west-1.vpce.amazonaws.com/p/";
        let there = build(Some(host), None).unwrap();
        assert_eq!(there.region(), Some("eu-west-1"));
        assert_eq!(there.uri("/x", None).unwrap().path(), "/p/x");
        for (base, region, expected) in [
            (None, None, InvalidConnection::NoRegion),
            (None, Some("a.b"), InvalidConnection::Region),
            (
                Some("http://127.0.0.1:9"),
                Some("a/b"),
                InvalidConnection::Region,
            ),
            (
                Some(host),
                Some("us-east-1"),
                InvalidConnection::RegionOfHost,
            ),
        ] {
            assert_eq!(build(base, region).unwrap_err(), expected);
        }
        // Nothing is signed with an API key.
        assert_eq!(
            build(Some("http://127.0.0.1:9"), None).unwrap().region(),
            None
        );
        let other = Connection::builder("c", Provider::OpenAi)
            .credential(Credential::api_key("k"))
            .region("us-east-1")
            .build();
        assert_eq!(other.unwrap_err(), InvalidConnection::Region);
    }

    #[test]
    fn unusable_connections_say_why() {
        let build = |name: &str, base: &str| {
            Connection::builder(name, Provider::OpenAi)
                .credential(Credential::api_key("k"))
                .base_url(base)
                .build()
                .unwrap_err()
        };
        for base in [
            "",
            "h:1",
            "/v1",
            "ftp://h",
            "http://u:p@h",
            "http://h/?q=1",
            "http://h/#f",
            "http://",
        ] {
            assert_eq!(build("c", base), InvalidConnection::BaseUrl, "{base}");
        }
        assert_eq!(build("a/b", "http://h"), InvalidConnection::Name);
        let none = Connection::builder("c", Provider::OpenAiCompatible)
            .build()
            .unwrap_err();
        assert_eq!(none, InvalidConnection::NoBaseUrl);
        let none = Connection::builder("c", Provider::Groq)
            .build()
            .unwrap_err();
        assert_eq!(none, InvalidConnection::NoCredential);
    }

    #[test]
    fn debug_shows_neither_key_nor_headers() {
        let connection = Connection::builder("c", Provider::OpenAi)
            .credential(Credential::api_key("canary"))
            .header("x-extra", "canary")
            .build()
            .unwrap();
        assert!(!format!("{connection:?}").contains("canary"));
        assert!(!format!("{:?}", Target::new(Arc::new(connection))).contains("canary"));
    }
}
