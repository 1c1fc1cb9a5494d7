//! The gateway that is measured.

use std::sync::Arc;

use tower_llm_gateway::{Connection, Credential, Gateway, GatewayBuilder, Provider, Rule, Target};

/// A gateway with a connection to every provider; routes are named after them.
pub(crate) fn providers(upstream: &str) -> GatewayBuilder {
    let mut builder = Gateway::builder();
    for provider in Provider::ALL {
        let mut connection =
            Connection::builder(provider.id(), provider).base_url(format!("{upstream}/v1"));
        connection = match provider {
            Provider::AwsBedrock | Provider::AwsBedrockInvoke => connection
                .base_url(upstream)
                .region("us-east-1")
                .credential(Credential::aws_keys(
                    "AKIDEXAMPLE",
                    "secret",
                    None::<String>,
                )),
            _ => connection.credential(Credential::api_key("provider-key")),
        };
        let connection = Arc::new(connection.build().expect("a connection"));
        let mut target = Target::new(connection.clone());
        target = target.model(match provider {
            Provider::AwsBedrock | Provider::AwsBedrockInvoke => {
                "anthropic.claude-sonnet-4-5-20250929-v1:0"
            }
            Provider::Anthropic => "claude-sonnet-4-5",
            Provider::Gemini => "gemini-2.5-pro",
            _ => "some-model",
        });
        builder = builder
            .connection(connection)
            .rule(Rule::new(provider.id(), [target]));
    }
    builder
}
