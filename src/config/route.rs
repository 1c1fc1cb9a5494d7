//! Routes: to which requests they apply, and where these go.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;

use super::build::unknown_family;
use super::{ConfigError, Span};
use crate::provider::bedrock;
use crate::route::{Condition, ErrorRate, Rule};
use crate::target::{Connection, Defaults, Options, Target};

/// The longest time, in seconds, over which errors are counted.
const LONGEST: u64 = 3600;

/// A route.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RouteConfig {
    /// A `*` glob over the model that the client asked for.
    pub model: String,
    /// What must hold of a request, besides. Default: nothing.
    #[serde(default)]
    pub when: Option<WhenConfig>,
    /// What requests get that say nothing themselves.
    #[serde(default)]
    pub defaults: Defaults,
    /// Further headers of every request; they win over the connection's.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Where such calls go.
    pub targets: Vec<TargetConfig>,
}

/// A target of a route.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TargetConfig {
    /// The connection's name.
    pub connection: String,
    /// The model's id there. Default: the model asked for.
    pub model: Option<String>,
    /// The share of first calls. Default: 1 for the first target, 0 for the others.
    pub weight: Option<u32>,
    /// What requests get that say nothing themselves; wins over the route's.
    #[serde(default)]
    pub defaults: Defaults,
    /// Further headers; they win over the route's.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Switches that win over the connection's.
    #[serde(default)]
    pub options: Options,
}

impl fmt::Debug for RouteConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers may hold secrets.
        f.debug_struct("RouteConfig")
            .field("model", &self.model)
            .field("when", &self.when)
            .field("targets", &self.targets)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TargetConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TargetConfig")
            .field("connection", &self.connection)
            .field("model", &self.model)
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}

/// What must hold of a request, all of it; see [`Condition`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct WhenConfig {
    /// The least estimated tokens of the prompt.
    pub min_input_tokens: Option<u64>,
    /// The most estimated tokens of the prompt.
    pub max_input_tokens: Option<u64>,
    /// Whether there must be tools, or must not.
    pub tools: Option<bool>,
    /// Whether there must be images, or must not.
    pub images: Option<bool>,
    /// Words in what the user said last, or with a `*` a glob over it.
    pub last_message: Option<String>,
    /// How often a connection must have failed of late.
    pub error_rate: Option<ErrorRateConfig>,
}

/// How often a connection must have failed of late; see [`ErrorRate`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ErrorRateConfig {
    /// The connection's name.
    pub connection: String,
    /// More than so many tries of a hundred, 0 to 99.
    pub above_percent: u32,
    /// The time over which they are counted, up to an hour.
    pub over: Span,
    /// The tries that there must have been. Default: 5.
    pub min_tries: Option<u32>,
}

/// The rule of a route.
pub(super) fn rule(
    at: &str,
    route: &RouteConfig,
    connections: &BTreeMap<&str, Arc<Connection>>,
) -> Result<Rule, ConfigError> {
    let mut targets = Vec::with_capacity(route.targets.len());
    for (position, config) in route.targets.iter().enumerate() {
        let position = position.to_string();
        let mut target = target(at, &position, config, connections)?;
        target = target.defaults(config.defaults.or(&route.defaults));
        let own: [&str; 5] = ["routes", at, "targets", &position, "headers"];
        target = with_headers(target, &route.headers)
            .map_err(|message| ConfigError::new(["routes", at, "headers"], message))?;
        target = with_headers(target, &config.headers)
            .map_err(|message| ConfigError::new(own, message))?;
        if config.defaults.max_tokens == Some(0) {
            let path = ["routes", at, "targets", &position, "defaults", "max_tokens"];
            return Err(ConfigError::new(path, "must not be zero"));
        }
        targets.push(target);
    }
    if route.defaults.max_tokens == Some(0) {
        let path = ["routes", at, "defaults", "max_tokens"];
        return Err(ConfigError::new(path, "must not be zero"));
    }
    let rule = Rule::new(&route.model, targets);
    Ok(match &route.when {
        Some(when) => rule.when(condition(at, when, connections)?),
        None => rule,
    })
}

fn with_headers(target: Target, headers: &BTreeMap<String, String>) -> Result<Target, String> {
    let mut all = headers.iter();
    all.try_fold(target, |target, (name, value)| target.header(name, value))
        .map_err(|error| error.to_string())
}

fn condition(
    route: &str,
    when: &WhenConfig,
    connections: &BTreeMap<&str, Arc<Connection>>,
) -> Result<Condition, ConfigError> {
    let fail = |key: &str, message: &str| ConfigError::new(["routes", route, "when", key], message);
    let mut condition = Condition::new();
    if let Some(least) = when.min_input_tokens {
        if when.max_input_tokens.is_some_and(|most| most < least) {
            return Err(fail(
                "min_input_tokens",
                "must not be over max_input_tokens",
            ));
        }
        condition = condition.min_input_tokens(least);
    }
    if let Some(most) = when.max_input_tokens {
        condition = condition.max_input_tokens(most);
    }
    if let Some(tools) = when.tools {
        condition = condition.tools(tools);
    }
    if let Some(images) = when.images {
        condition = condition.images(images);
    }
    if let Some(pattern) = &when.last_message {
        if pattern.trim().is_empty() {
            return Err(fail("last_message", "must not be empty"));
        }
        condition = condition.last_message(pattern);
    }
    if let Some(rate) = &when.error_rate {
        condition = condition.error_rate(error_rate(route, rate, connections)?);
    }
    Ok(condition)
}

fn error_rate(
    route: &str,
    config: &ErrorRateConfig,
    connections: &BTreeMap<&str, Arc<Connection>>,
) -> Result<ErrorRate, ConfigError> {
    let fail = |key: &str, message: String| {
        ConfigError::new(["routes", route, "when", "error_rate", key], message)
    };
    let Some(connection) = connections.get(config.connection.as_str()) else {
        let message = format!("there is no connection called {:?}", config.connection);
        return Err(fail("connection", message));
    };
    if config.above_percent > 99 {
        return Err(fail("above_percent", "must be from 0 to 99".into()));
    }
    if !(1..=LONGEST).contains(&config.over.0.as_secs()) {
        return Err(fail("over", "must be from \"1s\" to \"1h\"".into()));
    }
    let rate = ErrorRate::new(connection.clone(), config.above_percent, config.over.0);
    Ok(match config.min_tries {
        Some(tries) => rate.min_tries(tries),
        None => rate,
    })
}

pub(super) fn target(
    route: &str,
    position: &str,
    config: &TargetConfig,
    connections: &BTreeMap<&str, Arc<Connection>>,
) -> Result<Target, ConfigError> {
    let fail = |key: &str, message: String| {
        ConfigError::new(["routes", route, "targets", position, key], message)
    };
    let Some(connection) = connections.get(config.connection.as_str()) else {
        return Err(fail(
            "connection",
            format!("there is no connection called {:?}", config.connection),
        ));
    };
    if let Some(message) = unknown_family(&config.options) {
        let path = ["routes", route, "targets", position, "options", "family"];
        return Err(ConfigError::new(path, message));
    }
    let mut target = Target::new(connection.clone()).options(&config.options);
    if let Some(model) = &config.model {
        if model.is_empty() {
            return Err(fail("model", "must not be empty".into()));
        }
        if let Some(asked) = bedrock::region_of_arn(model)
            && let Some(region) = connection.region()
            && asked != region
        {
            return Err(fail(
                "model",
                format!("this model is in {asked}, but the connection leads to {region}"),
            ));
        }
        target = target.model(model.as_str());
    }
    if let Some(weight) = config.weight {
        target = target.weight(weight);
    }
    Ok(target)
}
