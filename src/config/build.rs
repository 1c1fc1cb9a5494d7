//! From a configuration to a gateway.

use std::collections::BTreeMap;

use super::aws::{self, Aws};
use super::kept::Kept;
use super::route;
use super::{ClientKey, Config, ConfigError, ConnectionConfig, LossyConfig};
use crate::auth::Credential;
use crate::endpoint::Endpoint;
use crate::gateway::{Gateway, GatewayBuilder};
use crate::models::ModelTable;
use crate::price::PriceTable;
use crate::provider::Provider;
use crate::provider::spec::AuthScheme;
use crate::route::{ClientKeys, RouteTable};
use crate::settings::{ConvertSettings, Limits, Lossy, RetrySettings, Timeouts};
use crate::target::{Connection, InvalidConnection, Options};

impl Config {
    /// The keys that clients must send one of; a key without a name is called by its place, from 1.
    #[must_use]
    pub fn keys(&self) -> ClientKeys {
        self.client_keys
            .iter()
            .zip(1_u32..)
            .fold(ClientKeys::new(), |keys, (key, place)| match key {
                ClientKey::Key(key) => keys.with(format!("key-{place}"), key),
                ClientKey::Named { name, key } => keys.with(name.as_str(), key),
            })
    }

    /// How long to wait, with the defaults where nothing is said.
    #[must_use]
    pub fn timeouts(&self) -> Timeouts {
        let (ours, default) = (&self.timeouts, Timeouts::default());
        Timeouts {
            request_idle: ours
                .request_idle
                .map_or(default.request_idle, |span| span.0),
            request_body: ours
                .request_body
                .map_or(default.request_body, |span| span.0),
            connect: ours.connect.map_or(default.connect, |span| span.0),
            first_byte: ours.first_byte.map_or(default.first_byte, |span| span.0),
            first_byte_stream: ours
                .first_byte_stream
                .map_or(default.first_byte_stream, |span| span.0),
            idle: ours.idle.map_or(default.idle, |span| span.0),
            total: ours.total.map_or(default.total, |span| span.0),
        }
    }

    fn limits(&self) -> Result<Limits, ConfigError> {
        let (ours, default) = (&self.limits, Limits::default());
        let json_depth = ours.json_depth.unwrap_or(default.json_depth);
        if !(1..=128).contains(&json_depth) {
            return Err(ConfigError::new(
                ["limits", "json_depth"],
                "must be from 1 to 128",
            ));
        }
        Ok(Limits {
            request_body: ours
                .request_body
                .map_or(default.request_body, |size| size.0),
            response_body: ours
                .response_body
                .map_or(default.response_body, |size| size.0),
            error_body: ours.error_body.map_or(default.error_body, |size| size.0),
            event: ours.event.map_or(default.event, |size| size.0),
            json_depth,
            members: ours.members.unwrap_or(default.members),
            model_id: ours.model_id.unwrap_or(default.model_id),
        })
    }

    fn retry(&self) -> Result<RetrySettings, ConfigError> {
        let (ours, default) = (&self.retry, RetrySettings::default());
        let max_retries = ours.max_retries.unwrap_or(default.max_retries);
        if max_retries > 10 {
            return Err(ConfigError::new(
                ["retry", "max_retries"],
                "must be from 0 to 10",
            ));
        }
        let settings = RetrySettings {
            max_retries,
            backoff_min: ours.backoff_min.map_or(default.backoff_min, |span| span.0),
            backoff_max: ours.backoff_max.map_or(default.backoff_max, |span| span.0),
            retry_after_cap: ours
                .retry_after_cap
                .map_or(default.retry_after_cap, |span| span.0),
            ambiguous: ours.ambiguous.unwrap_or(default.ambiguous),
            budget_percent: ours.budget_percent.unwrap_or(default.budget_percent),
            budget_floor: ours.budget_floor.unwrap_or(default.budget_floor),
        };
        if settings.backoff_min > settings.backoff_max {
            return Err(ConfigError::new(
                ["retry", "backoff_min"],
                "must not be over backoff_max",
            ));
        }
        Ok(settings)
    }

    /// The models that routes ask of a connection by a name of their own.
    fn models_of<'a>(&'a self, connection: &'a str) -> impl Iterator<Item = &'a str> {
        let targets = self.routes.iter().flat_map(|route| &route.targets);
        targets
            .filter(move |target| target.connection == connection)
            .filter_map(|target| target.model.as_deref())
    }

    /// A gateway builder of all this. `env` looks a variable up in the environment.
    ///
    /// # Errors
    /// A value is out of its range, a connection cannot be made, or a route leads nowhere.
    pub fn gateway(
        &self,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<GatewayBuilder, ConfigError> {
        self.gateway_keeping(&mut Kept::new(), env)
    }

    /// The same, for a configuration that takes the place of another: the connections in `kept` of which both say the same go on
    /// with what they know, and `kept` then holds this one's. After an error it is as it was.
    ///
    /// # Errors
    /// As [`Config::gateway`].
    pub fn gateway_keeping(
        &self,
        kept: &mut Kept,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<GatewayBuilder, ConfigError> {
        let mut keeps = Kept::new();
        for (at, key) in self.client_keys.iter().enumerate() {
            let (ClientKey::Key(key) | ClientKey::Named { key, .. }) = key;
            if key.trim().is_empty() {
                return Err(ConfigError::new(
                    ["client_keys", &at.to_string()],
                    "a key must not be empty",
                ));
            }
        }
        let retry = self.retry()?;
        let limits = self.limits()?;
        let mut connections = BTreeMap::new();
        for (name, config) in &self.connections {
            let models: Vec<_> = self.models_of(name).collect();
            let connection = connection(name, config, &models, retry, &env)?;
            let provider = connection.provider();
            if !Endpoint::ALL
                .into_iter()
                .any(|endpoint| provider.serves(endpoint))
            {
                return Err(ConfigError::new(
                    ["connections", name, "provider"],
                    format!("this version of the gateway does not serve {provider} yet"),
                ));
            }
            let variable = config.api_key_env.as_deref();
            let key = variable.and_then(&env);
            let connection = keeps.take_up(kept, config, key, retry, connection);
            connections.insert(name.as_str(), connection);
        }
        let mut rules = Vec::with_capacity(self.routes.len());
        for (at, route) in self.routes.iter().enumerate() {
            let at = at.to_string();
            let rule = route::rule(&at, route, &connections)?;
            // Checked one by one, so that the error can say where it is.
            RouteTable::new(vec![rule.clone()], Vec::new())
                .map_err(|error| ConfigError::new(["routes", &at], error.to_string()))?;
            rules.push(rule);
        }
        let models = self
            .models
            .iter()
            .fold(ModelTable::default(), |table, (glob, model)| {
                table.with_override(glob.as_str(), model.clone())
            });
        let mut prices = PriceTable::new();
        for (glob, price) in &self.prices {
            for (rate, value) in [("input", price.input), ("output", price.output)] {
                if value.is_none() {
                    return Err(ConfigError::new(["prices", glob, rate], "must be given"));
                }
            }
            prices = prices.with(glob.as_str(), price.clone());
        }
        let convert = ConvertSettings {
            lossy: match self.lossy {
                LossyConfig::Reject => Lossy::Reject,
                LossyConfig::Drop => Lossy::Drop,
            },
            strict: self.strict,
            peek: self.peek.unwrap_or(true),
            keep_alive: self.keepalive.0,
        };
        let mut builder = Gateway::builder()
            .client_keys(self.keys())
            .limits(limits)
            .timeouts(self.timeouts())
            .retry(retry)
            .convert(convert)
            .models(models)
            .prices(prices);
        *kept = keeps;
        for connection in connections.into_values() {
            builder = builder.connection(connection);
        }
        Ok(rules.into_iter().fold(builder, GatewayBuilder::rule))
    }
}

fn connection(
    name: &str,
    config: &ConnectionConfig,
    models: &[&str],
    retry: RetrySettings,
    env: &impl Fn(&str) -> Option<String>,
) -> Result<Connection, ConfigError> {
    let fail = |key: &str, message: String| ConfigError::new(["connections", name, key], message);
    let provider: Provider = config
        .provider
        .parse()
        .map_err(|error| fail("provider", format!("{error}")))?;
    let key = match (&config.api_key, &config.api_key_env) {
        (Some(_), Some(_)) => {
            return Err(fail(
                "api_key_env",
                "give api_key or api_key_env, not both".into(),
            ));
        }
        (Some(key), None) => Some(key.clone()),
        (None, Some(variable)) => {
            let value = env(variable).filter(|value| !value.trim().is_empty());
            Some(value.ok_or_else(|| {
                fail(
                    "api_key_env",
                    format!("the environment variable {variable} is not set"),
                )
            })?)
        }
        (None, None) => None,
    };
    let key_name = if config.api_key_env.is_some() {
        "api_key_env"
    } else {
        "api_key"
    };
    if let Some(message) = unknown_family(&config.options) {
        return Err(ConfigError::new(
            ["connections", name, "options", "family"],
            message,
        ));
    }
    let mut builder = Connection::builder(name, provider)
        .options(config.options.clone())
        .capacity(config.capacity)
        .retry(retry);
    if provider.spec().auth == AuthScheme::Aws {
        let aws = Aws {
            name,
            config,
            models,
            env,
        };
        builder = builder.credential(aws.credential(key)?);
        if let Some(region) = aws.region() {
            builder = builder.region(region);
        }
    } else {
        aws::refuse(name, config)?;
        if let Some(key) = key {
            builder = builder.credential(Credential::api_key(key));
        }
    }
    if let Some(url) = &config.base_url {
        builder = builder.base_url(url);
    }
    for (header, value) in &config.headers {
        builder = builder.header(header, value);
    }
    builder.build().map_err(|error| match &error {
        InvalidConnection::Name => ConfigError::new(["connections", name], error.to_string()),
        InvalidConnection::NoBaseUrl | InvalidConnection::NoCredential => {
            ConfigError::new(["connections", name], error.to_string())
        }
        InvalidConnection::Region
        | InvalidConnection::NoRegion
        | InvalidConnection::RegionOfHost => fail("region", error.to_string()),
        InvalidConnection::BaseUrl => fail("base_url", error.to_string()),
        InvalidConnection::Credential(_) => fail(key_name, error.to_string()),
        InvalidConnection::Header(_) => fail("headers", error.to_string()),
        InvalidConnection::Capacity(key) => {
            ConfigError::new(["connections", name, "capacity", key], error.to_string())
        }
    })
}

/// What is wrong with the option `family`: an owner who names one means something by it.
pub(super) fn unknown_family(options: &Options) -> Option<String> {
    let family = options.family.as_deref()?;
    (!ModelTable::is_family(family)).then(|| {
        format!(
            "no model and no family is called {family:?}: give a model's id such as \"anthropic.claude-sonnet-4-5\", or one \
             of claude-manual, claude-adaptive, claude-adaptive-only, claude-old, nova2, nova, gpt-oss, openai, xai, kimi, \
             deepseek-r1, deepseek, other"
        )
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn config(text: &str) -> Config {
        toml::from_str(text).unwrap()
    }

    fn build(text: &str) -> Result<Gateway<()>, String> {
        let env = |name: &str| (name == "KEY").then(|| "k".to_owned());
        let builder = config(text)
            .gateway(env)
            .map_err(|error| error.to_string())?;
        builder.build(()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_whole_file_is_read() {
        let gateway = build(
            r#"
            listen = "127.0.0.1:0"
            client_keys = ["k1", { name = "ci", key = "k2" }]
            lossy = "drop"
            strict = true
            shutdown_grace = "5s"
            keepalive = "15s"
            peek = false
            [limits]
            request_body = "1MiB"
            event = 4096
            [timeouts]
            total = "10m"
            [retry]
            max_retries = 0
            ambiguous = false
            [connections.a]
            provider = "anthropic"
            base_url = "http://127.0.0.1:9/"
            api_key_env = "KEY"
            options = { default_max_tokens = 100, chat_reasoning = "both" }
            [connections.b]
            provider = "openai-compatible"
            base_url = "http://127.0.0.1:9/v1"
            headers = { "x-extra" = "1" }
            [[routes]]
            model = "claude-*"
            targets = [{ connection = "a" }, { connection = "b", model = "m", weight = 2 }]
            [prices."claude-*"]
            input = 3
            cache_write_1h = 6.0
            output = "15"
            above.200000 = { input = 6 }
            tiers.batch.output = 7.5
            "#,
        )
        .unwrap();
        assert_eq!(gateway.routes().routes().len(), 1);
        assert_eq!(gateway.routes().connections().count(), 2);
    }

    #[test]
    fn errors_name_the_key() {
        let connection = |rest: &str| format!("[connections.c]\nprovider = \"openai\"\n{rest}");
        let route = |when: &str| {
            let route = format!(
                "[[routes]]\nmodel = \"x\"\ntargets = [{{ connection = \"c\" }}]\nwhen = {when}"
            );
            connection(&format!("api_key = \"a\"\n{route}"))
        };
        for (text, path) in [
            (connection(""), "connections.c: "),
            (
                connection("api_key_env = \"NOT_SET\""),
                "connections.c.api_key_env: ",
            ),
            (
                connection("api_key = \"a\"\napi_key_env = \"KEY\""),
                "connections.c.api_key_env: ",
            ),
            (connection("api_key = \"a\\nb\""), "connections.c.api_key: "),
            (
                connection("api_key = \"a\"\nbase_url = \"x\""),
                "connections.c.base_url: ",
            ),
            (
                connection("api_key = \"a\"\nheaders = { \"a b\" = \"c\" }"),
                "connections.c.headers: ",
            ),
            (
                "[connections.c]\nprovider = \"acme\"".into(),
                "connections.c.provider: ",
            ),
            (
                "[connections.c]\nprovider = \"aws-bedrock\"".into(),
                "connections.c.region: ",
            ),
            (
                "[connections.c]\nprovider = \"aws-bedrock\"\nregion = \"x y\"\napi_key = \"k\"".into(),
                "connections.c.region: ",
            ),
            (
                "[connections.c]\nprovider = \"aws-bedrock\"\nregion = \"us-east-1\"\napi_key = \"k\"\nbase_url = \"https://bedrock-runtime.eu-west-1.amazonaws.com\"".into(),
                "connections.c.region: ",
            ),
            (
                connection("api_key = \"a\"\ncapacity = { tokens_per_minute = 0 }"),
                "connections.c.capacity.tokens_per_minute: ",
            ),
            (
                connection("api_key = \"a\"\noptions = { family = \"cluade\" }"),
                "connections.c.options.family: ",
            ),
            (
                format!("{}\n[[routes]]\nmodel = \"x\"\ntargets = [{{ connection = \"c\", options = {{ family = \"cluade\" }} }}]", connection("api_key = \"a\"")),
                "routes.0.targets.0.options.family: ",
            ),
            (
                connection("api_key = \"a\"\nrole_arn = \"r\""),
                "connections.c.role_arn: ",
            ),
            (
                "[connections.c]\nprovider = \"openai-compatible\"".into(),
                "connections.c: ",
            ),
            ("[limits]\njson_depth = 129".into(), "limits.json_depth: "),
            ("[retry]\nmax_retries = 11".into(), "retry.max_retries: "),
            ("client_keys = [\"a\", \" \"]".into(), "client_keys.1: "),
            ("[prices.m]\ninput = 1".into(), "prices.m.output: "),
            (
                "[[routes]]\nmodel = \"x\"\ntargets = []".into(),
                "routes.0: ",
            ),
            (
                "[[routes]]\nmodel = \"x\"\ntargets = [{ connection = \"n\" }]".into(),
                "routes.0.targets.0.connection: ",
            ),
            (route("{ min_input_tokens = 2, max_input_tokens = 1 }"), "routes.0.when.min_input_tokens: "),
            (
                route("{}\nheaders = { \"a b\" = \"c\" }"),
                "routes.0.headers: ",
            ),
            (
                route("{}\ndefaults = { max_tokens = 0 }"),
                "routes.0.defaults.max_tokens: ",
            ),
            (route("{ last_message = \" \" }"), "routes.0.when.last_message: "),
            (
                route("{ error_rate = { connection = \"d\", above_percent = 20, over = \"5m\" } }"),
                "routes.0.when.error_rate.connection: ",
            ),
            (
                route("{ error_rate = { connection = \"c\", above_percent = 100, over = \"5m\" } }"),
                "routes.0.when.error_rate.above_percent: ",
            ),
            (
                route("{ error_rate = { connection = \"c\", above_percent = 20, over = \"2h\" } }"),
                "routes.0.when.error_rate.over: ",
            ),
        ] {
            let error = build(&text).unwrap_err();
            assert!(error.starts_with(path), "{text}\n{error}");
        }
    }

    #[test]
    fn what_a_connection_knows_outlives_its_configuration() {
        let file = |rest: &str, model: &str| {
            config(&format!(
                "[connections.a]\nprovider = \"openai\"\napi_key_env = \"KEY\"\n{rest}\n[[routes]]\nmodel = \"{model}\"\ntargets = [{{ connection = \"a\" }}]"
            ))
        };
        let mut kept = Kept::new();
        let mut found = |file: &Config, key: &'static str| {
            let builder = file.gateway_keeping(&mut kept, |_| Some(key.to_owned()));
            let gateway = builder
                .map_err(|error| error.to_string())?
                .build(())
                .unwrap();
            let connection = gateway.routes().connections().next().cloned();
            Ok::<_, String>(connection.unwrap())
        };
        let first = found(&file("", "m"), "k").unwrap();
        let again = found(&file("", "other"), "k").unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        // What cannot be used changes nothing.
        let wrong = config(
            "[retry]\nmax_retries = 99\n[connections.a]\nprovider = \"openai\"\napi_key = \"x\"",
        );
        assert!(found(&wrong, "k").is_err());
        assert!(Arc::ptr_eq(&first, &found(&file("", "m"), "k").unwrap()));
        let mut last = first;
        for (rest, key) in [
            ("", "k2"),
            ("base_url = \"http://h\"", "k2"),
            (
                "base_url = \"http://h\"\ncapacity = { requests_per_minute = 1 }",
                "k2",
            ),
            ("[retry]\nbudget_floor = 1", "k2"),
        ] {
            let other = found(&file(rest, "m"), key).unwrap();
            assert!(!Arc::ptr_eq(&last, &other), "{rest}");
            last = other;
        }
        let shown = format!("{kept:?}");
        assert!(shown.contains('a') && !shown.contains("k2"), "{shown}");
    }

    #[test]
    fn models_must_be_in_the_region_of_their_connection() {
        let config = config("[connections.c]\nprovider = \"aws-bedrock\"\napi_key = \"k\"");
        let config = config.connections.get("c").unwrap();
        let connection = |models: &[&str]| {
            let region = |name: &str| (name == "AWS_REGION").then(|| "us-east-1".to_owned());
            connection("c", config, models, RetrySettings::default(), &region).unwrap()
        };
        let here = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.a";
        let there = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.a";
        assert_eq!(connection(&[there]).region(), Some("eu-west-1"));
        let connections = BTreeMap::from([("c", Arc::new(connection(&[])))]);
        let target = |model: &str| {
            let text = format!("connection = \"c\"\nmodel = \"{model}\"");
            route::target("0", "1", &toml::from_str(&text).unwrap(), &connections).map(|_| ())
        };
        target(here).unwrap();
        target("us.anthropic.claude-sonnet-4-5-20250929-v1:0").unwrap();
        let error = target(there).unwrap_err().to_string();
        assert!(error.starts_with("routes.0.targets.1.model: "), "{error}");
    }

    #[test]
    fn unknown_keys_are_refused_everywhere() {
        for text in [
            "liste = \"x\"",
            "[limits]\nbody = 1",
            "[connections.a]\nprovider = \"openai\"\nkey = \"x\"",
            "[connections.a]\nprovider = \"openai\"\noptions = { max = 1 }",
            "[[routes]]\nmodel = \"a\"\ntargets = [{ connection = \"a\", wait = 1 }]",
            "[connections.a]\nprovider = \"openai\"\ncapacity = { rpm = 1 }",
            "[[routes]]\nmodel = \"a\"\ntargets = []\ndefaults = { effort = \"low\" }",
            "[[routes]]\nmodel = \"a\"\ntargets = []\nwhen = { tool = true }",
            "[prices.m]\ninput = 1\noutput = 1\ncached = 1",
            "[prices.m]\ninput = -1\noutput = 1",
        ] {
            assert!(toml::from_str::<Config>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let route = "[[routes]]\nmodel = \"a\"\nheaders = { a = \"canary\" }\ntargets = [{ connection = \"a\", headers = { b = \"canary\" } }]";
        assert!(!format!("{:?}", config(route)).contains("canary"));
        let config = config(
            "client_keys = [\"canary\", { name = \"n\", key = \"canary\" }]\n[connections.a]\nprovider = \"openai\"\napi_key = \"canary\"\naccess_key_id = \"canary\"\nsecret_access_key = \"canary\"\nsession_token = \"canary\"\nexternal_id = \"canary\"\nheaders = { a = \"canary\" }",
        );
        assert!(!format!("{config:?}").contains("canary"));
    }
}
