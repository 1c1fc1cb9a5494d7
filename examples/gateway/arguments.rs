//! The command line.

use std::path::PathBuf;

const HELP: &str = "\
A gateway for large language models: OpenAI Chat Completions, OpenAI Responses and Anthropic Messages in,
any of its providers out.

Usage: gateway [--config FILE] [--listen ADDR] [--check]
       gateway --health [--listen ADDR]

  --config FILE   the configuration (TOML); without it, connections come from the environment
                  (OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY, GROQ_API_KEY, PERPLEXITY_API_KEY;
                  for Bedrock AWS_REGION with AWS's own credentials or AWS_BEARER_TOKEN_BEDROCK),
                  and without any of these from embedded demo providers, which need no key
  --listen ADDR   where to listen, such as 127.0.0.1:8080, [::1]:0 (port 0: any free port) or
                  unix:/run/gateway.sock; wins over the configuration
  --check         check the configuration, name the file, line and key of the first mistake, and stop
  --health        ask the gateway that listens at ADDR (default 127.0.0.1:8080) whether it is alive, and stop
  --version       print the version and stop
  --help          print this and stop

Clients call /v1/chat/completions, /v1/responses, /v1/messages, /v1/messages/count_tokens and /v1/models;
/healthz, /readyz and /metrics are for those who watch it. README.md has every key of the configuration.

The log goes to stderr; RUST_LOG sets its level (default: warn,gateway=info,tower_llm_gateway=info).
SIGTERM and ctrl-c stop it: open streams may end within the grace period.
SIGHUP, or a change of the file, makes it read the configuration again; one that cannot be used changes nothing.
HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY are obeyed; SSL_CERT_FILE names further certificates to trust.
OTEL_EXPORTER_OTLP_ENDPOINT makes it export spans and metrics by OTLP (HTTP); /metrics has the metrics in any case.
Exit codes: 0 stopped, checked or alive; 1 not alive; 2 a start that cannot be made.";

/// What the command line says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) config: Option<PathBuf>,
    pub(crate) listen: Option<String>,
    pub(crate) check: bool,
    pub(crate) health: bool,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    Run(Arguments),
    Show(&'static str),
}

impl Arguments {
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Parsed, String> {
        let mut parsed = Self::default();
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let (name, inline) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            let mut value = || {
                inline
                    .clone()
                    .or_else(|| arguments.next())
                    .ok_or(format!("{name} needs a value"))
            };
            match name {
                "--config" => parsed.config = Some(value()?.into()),
                "--listen" => parsed.listen = Some(value()?),
                "--check" | "--health" | "--version" | "-V" | "--help" | "-h"
                    if inline.is_some() =>
                {
                    return Err(format!("{name} takes no value"));
                }
                "--check" => parsed.check = true,
                "--health" => parsed.health = true,
                "--version" | "-V" => {
                    return Ok(Parsed::Show(concat!("gateway ", env!("CARGO_PKG_VERSION"))));
                }
                "--help" | "-h" => return Ok(Parsed::Show(HELP)),
                _ => return Err(format!("unknown argument {argument:?}; see --help")),
            }
        }
        Ok(Parsed::Run(parsed))
    }
}
