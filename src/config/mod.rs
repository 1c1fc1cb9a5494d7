//! The configuration of the standalone gateway, as serde types: embedders may read the same file.
//!
//! Any serde format will do; the program uses TOML. Unknown keys are errors, so that no misspelt key is lost silently.

mod aws;
mod build;
mod kept;
mod route;
mod values;

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

pub use kept::Kept;
pub use route::{ErrorRateConfig, RouteConfig, TargetConfig, WhenConfig};
pub use values::{ByteSize, KeepAlive, Span};

use crate::models::CapabilitiesOverride;
use crate::price::Price;
use crate::target::{Capacity, Options};

/// The whole file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// Where to listen. Default: `127.0.0.1:8080`.
    pub listen: Option<String>,
    /// The keys that clients must send one of. Default: none.
    pub client_keys: Vec<ClientKey>,
    /// Whether to listen on an address that is not loopback though there are no client keys.
    pub allow_anonymous: bool,
    /// What to do with fields whose loss changes the meaning. Default: reject.
    pub lossy: LossyConfig,
    /// Whether to answer 400 to whatever would be dropped.
    pub strict: bool,
    /// How long open streams may go on after the signal to stop. Default: 120 s.
    pub shutdown_grace: Option<Span>,
    /// Comments or pings on silent converted streams. Default: off.
    pub keepalive: KeepAlive,
    /// Whether to hold a stream's head until its first event. Default: true.
    pub peek: Option<bool>,
    /// Bounds on what is read.
    pub limits: LimitsConfig,
    /// How long to wait.
    pub timeouts: TimeoutsConfig,
    /// When to try again.
    pub retry: RetryConfig,
    /// The connections, by name.
    pub connections: BTreeMap<String, ConnectionConfig>,
    /// The routes; the first match wins.
    pub routes: Vec<RouteConfig>,
    /// What models can do, by `*` glob; wins over the built-in table.
    pub models: BTreeMap<String, CapabilitiesOverride>,
    /// What models cost, by `*` glob over the id or over `CONNECTION/id`; the most particular one counts.
    pub prices: BTreeMap<String, Price>,
}

/// A client key: the key itself, or with a name that goes into logs.
#[derive(Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a key, or a table with `name` and `key`"
)]
#[non_exhaustive]
pub enum ClientKey {
    /// The key alone.
    Key(String),
    /// A key with a name.
    Named {
        /// The name.
        name: String,
        /// The key.
        key: String,
    },
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(_) => f.write_str("ClientKey(redacted)"),
            Self::Named { name, .. } => write!(f, "ClientKey({name:?}, redacted)"),
        }
    }
}

/// What to do with fields whose loss changes the meaning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LossyConfig {
    /// Answer 400 and name the field.
    #[default]
    Reject,
    /// Drop the field and report it.
    Drop,
}

/// Bounds on what is read; see [`Limits`](crate::settings::Limits).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LimitsConfig {
    /// A request's body.
    pub request_body: Option<ByteSize>,
    /// An answer that is not a stream.
    pub response_body: Option<ByteSize>,
    /// An error answer of a provider.
    pub error_body: Option<ByteSize>,
    /// One event of a stream.
    pub event: Option<ByteSize>,
    /// Nesting of a request's JSON, at most 128.
    pub json_depth: Option<usize>,
    /// Members of one JSON object.
    pub members: Option<usize>,
    /// A model's name, in bytes.
    pub model_id: Option<usize>,
}

/// How long to wait; see [`Timeouts`](crate::settings::Timeouts).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TimeoutsConfig {
    /// Between two pieces of a client's request body.
    pub request_idle: Option<Span>,
    /// For a client's request body in all.
    pub request_body: Option<Span>,
    /// For a connection.
    pub connect: Option<Span>,
    /// For the head of an answer.
    pub first_byte: Option<Span>,
    /// For the first event of a stream.
    pub first_byte_stream: Option<Span>,
    /// Between two pieces of an answer.
    pub idle: Option<Span>,
    /// For a call in all.
    pub total: Option<Span>,
}

/// When to try again; see [`RetrySettings`](crate::settings::RetrySettings).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RetryConfig {
    /// Further calls in all.
    pub max_retries: Option<u32>,
    /// The first wait.
    pub backoff_min: Option<Span>,
    /// The longest wait.
    pub backoff_max: Option<Span>,
    /// The longest wait that a provider may ask for.
    pub retry_after_cap: Option<Span>,
    /// Whether calls that may have been processed are sent again.
    pub ambiguous: Option<bool>,
    /// Retries per hundred successes of a connection.
    pub budget_percent: Option<u32>,
    /// Retries per second that a connection may always see.
    pub budget_floor: Option<u32>,
}

/// A connection to a provider.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ConnectionConfig {
    /// The provider's id.
    pub provider: String,
    /// Where it is. Default: the provider's own URL.
    pub base_url: Option<String>,
    /// The key.
    pub api_key: Option<String>,
    /// The environment variable that holds the key.
    pub api_key_env: Option<String>,
    /// The AWS region. Default: that of the ARNs that lead here, of `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile.
    pub region: Option<String>,
    /// The profile in AWS's shared files.
    pub profile: Option<String>,
    /// An AWS access key. Default: what the AWS default chain finds.
    pub access_key_id: Option<String>,
    /// The secret of `access_key_id`.
    pub secret_access_key: Option<String>,
    /// The session token of `access_key_id`.
    pub session_token: Option<String>,
    /// The ARN of a role to assume.
    pub role_arn: Option<String>,
    /// The external id that the role asks for.
    pub external_id: Option<String>,
    /// Where STS is. Default: AWS's endpoint in the region.
    pub sts_endpoint: Option<String>,
    /// Further headers of every request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Switches of the conversions.
    #[serde(default)]
    pub options: Options,
    /// How many requests and tokens it may see in a minute.
    #[serde(default)]
    pub capacity: Capacity,
}

impl fmt::Debug for ConnectionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionConfig")
            .field("provider", &self.provider)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

/// A configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigError {
    /// The key, from the top: `connections`, `main`, `api_key_env`.
    pub path: Vec<String>,
    /// What is wrong with it.
    pub message: String,
}

impl ConfigError {
    fn new<const N: usize>(path: [&str; N], message: impl Into<String>) -> Self {
        Self {
            path: path.map(str::to_owned).to_vec(),
            message: message.into(),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.join("."), self.message)
    }
}

impl std::error::Error for ConfigError {}
