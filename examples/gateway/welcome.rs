//! What a person sees at the start.

use std::io::Write;

use tower_llm_gateway::{Provider, RouteTable, Rule};

use crate::listen::Listen;
use crate::setup::Origin;

/// The start-up text.
pub(crate) struct Welcome {
    origin: String,
    /// A model that a Chat call can ask for.
    model: Option<String>,
    needs_key: bool,
}

impl Welcome {
    pub(crate) fn new(origin: &Origin, table: &RouteTable, needs_key: bool) -> Self {
        let names = || {
            table
                .connections()
                .map(|connection| connection.name())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let origin = match origin {
            Origin::File(file) => format!("connections from {}: {}", file.display(), names()),
            Origin::Environment => format!("connections from the environment: {}", names()),
            Origin::Demo => "demo: no configuration and no provider key in the environment, so calls are answered by \
                             providers embedded in this program, over the real wire formats"
                .to_owned(),
        };
        Self {
            origin,
            model: example_model(table),
            needs_key,
        }
    }

    /// Says where the gateway is and how to try it, then the one line that scripts wait for.
    pub(crate) fn print(&self, place: &Listen) {
        let mut text = format!("{}\n", self.origin);
        if let Some(model) = &self.model {
            let key = if self.needs_key {
                " -H 'authorization: Bearer YOUR_CLIENT_KEY'"
            } else {
                ""
            };
            let at = match place {
                Listen::Tcp(address) => format!("http://{address}"),
                Listen::Unix(path) => {
                    format!("--unix-socket {} http://localhost", path.display())
                }
            };
            text.push_str(&format!(
                "try: curl -sS {at}/v1/chat/completions -H 'content-type: application/json'{key} \
                 -d '{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\"content\":\"Hello!\"}}]}}'\n"
            ));
        }
        text.push_str(&format!("listening on {place}\n"));
        // In one piece, so that no log line comes between.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

/// A model of the first rule or connection that a Chat call can reach.
fn example_model(table: &RouteTable) -> Option<String> {
    if table.routes().iter().any(leads_to_claude) {
        return Some("claude-sonnet-4-5".to_owned());
    }
    if let Some(rule) = table
        .routes()
        .iter()
        .find(|rule| !rule.pattern().contains('*'))
    {
        return Some(rule.pattern().to_owned());
    }
    let connection = table.connections().find(|connection| {
        connection
            .provider()
            .serves(tower_llm_gateway::Endpoint::Chat)
    })?;
    let model = match connection.provider() {
        Provider::OpenAi => "gpt-5.5",
        Provider::Anthropic => "claude-sonnet-4-5",
        Provider::Gemini => "gemini-3.8-flash",
        Provider::Groq => "openai/gpt-oss-120b",
        Provider::Perplexity => "sonar",
        Provider::AwsBedrock => "amazon.nova-lite-v1:0",
        _ => return None,
    };
    Some(format!("{}/{model}", connection.name()))
}

/// Whether `claude-sonnet-4-5` is a model there: Bedrock has other names for them.
fn leads_to_claude(rule: &Rule) -> bool {
    match rule.pattern() {
        "claude-sonnet-4-5" => true,
        "claude-*" => rule.targets().iter().all(|target| {
            let provider = target.connection().provider();
            provider != Provider::AwsBedrock && provider != Provider::AwsBedrockInvoke
        }),
        _ => false,
    }
}
