//! AWS Bedrock without a configuration file: from the region and the credentials in the environment.

use tower_llm_gateway::GatewayBuilder;
use tower_llm_gateway::config::Config;

use crate::setup::Env;

/// Variables that show, each list together, where AWS credentials are. Those of an instance show in none, and are not looked for.
const CREDENTIALS: [&[&str]; 6] = [
    &["AWS_BEARER_TOKEN_BEDROCK"],
    &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
    &["AWS_PROFILE"],
    &["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"],
    &["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"],
    &["AWS_CONTAINER_CREDENTIALS_FULL_URI"],
];

/// Bedrock's own ids: the vendor's name, and maybe the places where a model may run before it; and the connection that takes them
/// when the environment has credentials.
pub(crate) const IDS: [(&str, &str); 14] = [
    ("anthropic.*", INVOKE),
    ("*.anthropic.*", INVOKE),
    ("amazon.*", CONVERSE),
    ("*.amazon.*", CONVERSE),
    ("openai.*", CONVERSE),
    ("deepseek.*", CONVERSE),
    ("*.deepseek.*", CONVERSE),
    ("meta.*", CONVERSE),
    ("*.meta.*", CONVERSE),
    ("mistral.*", CONVERSE),
    ("qwen.*", CONVERSE),
    ("xai.*", CONVERSE),
    ("moonshotai.*", CONVERSE),
    ("arn:aws*", CONVERSE),
];

const CONVERSE: &str = "aws-bedrock";
/// Takes Anthropic's own bodies: nothing of them is converted.
const INVOKE: &str = "aws-bedrock-invoke";

/// What Anthropic calls a model, and what Bedrock does. Source: "Supported foundation models" in AWS's Bedrock guide.
const CLAUDE: [(&str, &str, &str); 5] = [
    (
        "claude-sonnet-4-5",
        "-20250929",
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
    ),
    (
        "claude-haiku-4-5",
        "-20251001",
        "anthropic.claude-haiku-4-5-20251001-v1:0",
    ),
    (
        "claude-opus-4-5",
        "-20251101",
        "anthropic.claude-opus-4-5-20251101-v1:0",
    ),
    ("claude-opus-4-6", "", "anthropic.claude-opus-4-6-v1"),
    (
        "claude-sonnet-4",
        "-20250514",
        "anthropic.claude-sonnet-4-20250514-v1:0",
    ),
];

/// Where requests from a region may be worked on, for models that no single region has.
const PLACES: [(&str, &str); 3] = [("us-gov-", ""), ("us-", "us."), ("eu-", "eu.")];

/// The two connections and their routes; `None` without credentials or a region. With `claude`, Anthropic's own names lead here.
pub(crate) fn from_env(env: Env<'_>, claude: bool) -> Result<Option<GatewayBuilder>, String> {
    let given = |name: &&str| env(name).is_some_and(|value| !value.trim().is_empty());
    if !CREDENTIALS.iter().any(|names| names.iter().all(given)) {
        return Ok(None);
    }
    let mut text = String::new();
    for name in [CONVERSE, INVOKE] {
        text.push_str(&format!("[connections.{name}]\nprovider = \"{name}\"\n"));
    }
    let mut rule = |pattern: &str, connection: &str, model: Option<&str>| {
        let model = model.map_or_else(String::new, |model| format!(", model = \"{model}\""));
        text.push_str(&format!(
            "[[routes]]\nmodel = \"{pattern}\"\ntargets = [{{ connection = \"{connection}\"{model} }}]\n"
        ));
    };
    for (pattern, connection) in IDS {
        rule(pattern, connection, None);
    }
    if claude {
        let region = env("AWS_REGION").or_else(|| env("AWS_DEFAULT_REGION"));
        let region = region.unwrap_or_default();
        let place = PLACES.iter().find(|(prefix, _)| region.starts_with(prefix));
        if let Some((_, place)) = place.filter(|(_, place)| !place.is_empty()) {
            for (name, date, id) in CLAUDE {
                let id = format!("{place}{id}");
                rule(name, INVOKE, Some(&id));
                if !date.is_empty() {
                    rule(&format!("{name}{date}"), INVOKE, Some(&id));
                }
            }
        }
        // What Bedrock calls the others is not known here: it says so itself.
        rule("claude-*", INVOKE, None);
    }
    let config: Config = toml::from_str(&text).map_err(|error| error.to_string())?;
    match config.gateway(env) {
        Ok(builder) => Ok(Some(builder)),
        // AWS credentials are there for something else.
        Err(error) if error.path.last().is_some_and(|key| key == "region") => Ok(None),
        Err(error) => Err(format!("AWS: {error}")),
    }
}
