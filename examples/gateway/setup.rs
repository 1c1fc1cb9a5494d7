//! Where the connections come from: the configuration file, the environment, or the demo providers.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tower_llm_gateway::config::{Config, Kept};
use tower_llm_gateway::settings::Timeouts;
use tower_llm_gateway::{
    ClientKeys, Connection, Credential, Gateway, GatewayBuilder, Provider, Rule, Target,
};

use crate::arguments::Arguments;
use crate::listen::Listen;
use crate::locate;
use crate::{bedrock, demo};

pub(crate) const LISTEN: &str = "127.0.0.1:8080";
const SHUTDOWN_GRACE: Duration = Duration::from_secs(120);

/// The environment variable of each provider's key, and the models that go to it.
const KNOWN: [(&str, Provider, &[&str]); 5] = [
    ("OPENAI_API_KEY", Provider::OpenAi, &["gpt-*", "o*"]),
    ("ANTHROPIC_API_KEY", Provider::Anthropic, &["claude-*"]),
    ("GEMINI_API_KEY", Provider::Gemini, &["gemini-*"]),
    ("GROQ_API_KEY", Provider::Groq, &[]),
    ("PERPLEXITY_API_KEY", Provider::Perplexity, &["sonar*"]),
];

/// The region that the demo signs for.
const DEMO_REGION: &str = "us-east-1";

/// A model of Bedrock that the demo lists by name.
const DEMO_BEDROCK_MODEL: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

/// Models that the demo lists by name.
const DEMO_MODELS: [(&str, Provider); 4] = [
    ("claude-sonnet-4-5", Provider::Anthropic),
    ("gpt-5.5", Provider::OpenAi),
    ("gemini-3.8-flash", Provider::Gemini),
    ("sonar", Provider::Perplexity),
];

/// Everything that the program is started with.
pub(crate) struct Setup {
    pub(crate) builder: GatewayBuilder,
    pub(crate) origin: Origin,
    pub(crate) server: ServerSettings,
    pub(crate) timeouts: Timeouts,
}

/// Where the connections came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    File(PathBuf),
    Environment,
    Demo,
}

/// What the server needs to know.
#[derive(Debug, Clone)]
pub(crate) struct ServerSettings {
    pub(crate) listen: Listen,
    pub(crate) keys: ClientKeys,
    pub(crate) grace: Duration,
}

pub(crate) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Finds the connections, and checks everything that can be checked before listening. Connections of a file go on with what those
/// in `kept` know.
pub(crate) fn load(arguments: &Arguments, env: Env<'_>, kept: &mut Kept) -> Result<Setup, String> {
    let mut text = String::new();
    let (config, builder, origin) = if let Some(file) = &arguments.config {
        let (config, builder, read) = from_file(file, env, kept)?;
        text = read;
        (config, builder, Origin::File(file.clone()))
    } else {
        let (builder, origin) = without_file(env)?;
        (Config::default(), builder, origin)
    };
    let refuse = |message: &str| match (&arguments.listen, &arguments.config) {
        (None, Some(file)) => {
            let path = ["listen".to_owned()];
            locate::unusable(&file.display().to_string(), &text, &path, message)
        }
        (Some(_), _) => format!("--listen: {message}"),
        (None, None) => format!("listen: {message}"),
    };
    let listen = arguments
        .listen
        .as_deref()
        .or(config.listen.as_deref())
        .unwrap_or(LISTEN);
    let listen: Listen = listen.parse().map_err(|error: String| refuse(&error))?;
    let keys = config.keys();
    if keys.is_empty() && !listen.is_local() && !config.allow_anonymous {
        return Err(refuse(&format!(
            "without client_keys everybody who reaches {listen} could use your provider keys; \
             set client_keys, or allow_anonymous = true if that is meant"
        )));
    }
    let server = ServerSettings {
        listen,
        keys,
        grace: config.shutdown_grace.map_or(SHUTDOWN_GRACE, |span| span.0),
    };
    Ok(Setup {
        builder,
        origin,
        server,
        timeouts: config.timeouts(),
    })
}

fn from_file(
    file: &Path,
    env: Env<'_>,
    kept: &mut Kept,
) -> Result<(Config, GatewayBuilder, String), String> {
    let shown = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| format!("{shown}: {error}"))?;
    let config: Config =
        toml::from_str(&text).map_err(|error| locate::unreadable(&shown, &text, &error))?;
    let builder = config
        .gateway_keeping(kept, env)
        .map_err(|error| locate::unusable(&shown, &text, &error.path, &error.message))?;
    if config.connections.is_empty() {
        return Err(format!(
            "{shown}: connections: there is none, so no call could go anywhere"
        ));
    }
    Ok((config, builder, text))
}

fn without_file(env: Env<'_>) -> Result<(GatewayBuilder, Origin), String> {
    let given = |variable: &str| env(variable).is_some_and(|key| !key.trim().is_empty());
    // First, because of OpenAI's pattern, which takes whatever begins with an `o`.
    let bedrock = bedrock::from_env(env, !given("ANTHROPIC_API_KEY"))?;
    let mut found = bedrock.is_some();
    let mut builder = bedrock.unwrap_or_else(Gateway::builder);
    for (variable, provider, patterns) in KNOWN {
        let Some(key) = env(variable).filter(|key| !key.trim().is_empty()) else {
            continue;
        };
        found = true;
        let connection = connect(provider, &key).map_err(|error| format!("{variable}: {error}"))?;
        builder = with_rules(builder, &connection, patterns);
    }
    if found {
        return Ok((builder, Origin::Environment));
    }
    let converse = demo_bedrock(Provider::AwsBedrock)?;
    // Before OpenAI's pattern, which takes whatever begins with an `o`.
    builder = builder.rule(Rule::new(
        DEMO_BEDROCK_MODEL,
        [Target::new(converse.clone())],
    ));
    builder = with_rules(
        builder,
        &converse,
        &bedrock::IDS.map(|(pattern, _)| pattern),
    );
    builder = builder.connection(demo_bedrock(Provider::AwsBedrockInvoke)?);
    for (_, provider, patterns) in KNOWN {
        let connection = connect(provider, "demo").map_err(|error| error.to_string())?;
        for (model, _) in DEMO_MODELS.iter().filter(|(_, owner)| *owner == provider) {
            builder = builder.rule(Rule::new(*model, [Target::new(connection.clone())]));
        }
        builder = with_rules(builder, &connection, patterns);
    }
    Ok((builder, Origin::Demo))
}

/// A connection to the demo's Bedrock, which checks signatures.
fn demo_bedrock(provider: Provider) -> Result<Arc<Connection>, String> {
    Connection::builder(provider.id(), provider)
        .region(DEMO_REGION)
        .credential(Credential::aws_keys(
            demo::ACCESS_KEY_ID,
            demo::SECRET_ACCESS_KEY,
            None,
        ))
        .build()
        .map(Arc::new)
        .map_err(|error| error.to_string())
}

/// A connection named after its provider.
fn connect(
    provider: Provider,
    key: &str,
) -> Result<Arc<Connection>, tower_llm_gateway::InvalidConnection> {
    Connection::builder(provider.id(), provider)
        .credential(Credential::api_key(key))
        .build()
        .map(Arc::new)
}

fn with_rules(
    builder: GatewayBuilder,
    connection: &Arc<Connection>,
    patterns: &[&str],
) -> GatewayBuilder {
    patterns.iter().fold(
        builder.connection(connection.clone()),
        |builder, pattern| builder.rule(Rule::new(*pattern, [Target::new(connection.clone())])),
    )
}
