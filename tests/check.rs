//! What the program says of a configuration that it cannot use: the file, the line, the key, and what is wrong.

pub mod support;

use support::gateway::Gateway;

/// Checks a file and gives the exit code and what was said, with `FILE` for the file's name.
fn check(config: &str) -> (Option<i32>, String) {
    let finished = Gateway::builder()
        .config(config)
        .env("KEY", "k")
        .arg("--check")
        .run();
    let said = finished.stderr.trim_end().to_owned();
    let shown = match (said.find("gateway: "), said.find(".toml")) {
        (Some(0), Some(end)) => format!("FILE{}", &said[end + ".toml".len()..]),
        _ => said,
    };
    (finished.code(), shown)
}

/// A usable file, into which each case puts one mistake.
const USABLE: &str = r#"client_keys = ["k1", { name = "ci", key = "k2" }]
[connections.main]
provider = "anthropic"
api_key_env = "KEY"
headers = { x-team = "search" }
capacity = { requests_per_minute = 60 }
options = { inject_usage = true, family = "claude-sonnet-4-5" }

[[routes]]
model = "claude-*"
when = { min_input_tokens = 1, error_rate = { connection = "main", above_percent = 20, over = "5m" } }
defaults = { max_tokens = 100, reasoning_effort = "low", cache_marks = { ttl = "1h" } }
targets = [
  { connection = "main", weight = 1 },
  { connection = "main", model = "m", headers = { x-kind = "b" }, defaults = { cache_marks = false } },
]

[prices."claude-*"]
input = 3
output = 15
above.200000 = { input = 6 }
tiers.batch = { output = 7.5 }
"#;

#[test]
fn a_usable_file_is_usable() {
    assert_eq!(check(USABLE), (Some(0), String::new()));
}

#[test]
fn mistakes_are_told_with_file_line_and_key() {
    let mut others = Vec::new();
    for (right, wrong, expected) in [
        // Keys that nobody knows.
        (
            "min_input_tokens = 1,",
            "input_tokens = 1,",
            "FILE, line 11: routes.0.when.input_tokens: unknown field",
        ),
        (
            "above_percent",
            "percent",
            "FILE, line 11: routes.0.when.error_rate.percent: unknown field",
        ),
        (
            "reasoning_effort = \"low\"",
            "effort = \"low\"",
            "FILE, line 12: routes.0.defaults.effort: unknown field",
        ),
        (
            "{ ttl = \"1h\" }",
            "{ last = true }",
            "FILE, line 12: routes.0.defaults.cache_marks.last: unknown field",
        ),
        (
            "weight = 1",
            "wait = 1",
            "FILE, line 14: routes.0.targets.0.wait: unknown field",
        ),
        (
            "requests_per_minute = 60",
            "rpm = 60",
            "FILE, line 6: connections.main.capacity.rpm: unknown field",
        ),
        (
            "inject_usage",
            "ask_usage",
            "FILE, line 7: connections.main.options.ask_usage: unknown field",
        ),
        (
            "input = 3",
            "inputs = 3",
            "FILE, line 19: prices.claude-*.inputs: unknown field",
        ),
        (
            "batch = { output",
            "batch = { outputs",
            "FILE, line 22: prices.claude-*.tiers.batch.outputs: unknown field",
        ),
        // Values of another kind.
        (
            "max_tokens = 100",
            "max_tokens = \"many\"",
            "FILE, line 12: routes.0.defaults.max_tokens: invalid type: string, expected u32",
        ),
        (
            "reasoning_effort = \"low\"",
            "reasoning_effort = \"little\"",
            "FILE, line 12: routes.0.defaults.reasoning_effort: unknown variant `little`, expected one of `low`",
        ),
        (
            "{ ttl = \"1h\" }",
            "{ ttl = \"2h\" }",
            "FILE, line 12: routes.0.defaults.cache_marks.ttl: unknown variant `2h`, expected `5m` or `1h`",
        ),
        (
            "{ ttl = \"1h\" }",
            "\"1h\"",
            "FILE, line 12: routes.0.defaults.cache_marks: invalid type: string, expected true, false or a table of cache marks",
        ),
        (
            "inject_usage = true",
            "inject_usage = 1",
            "FILE, line 7: connections.main.options.inject_usage: invalid type: integer `1`, expected a boolean",
        ),
        (
            "requests_per_minute = 60",
            "requests_per_minute = -1",
            "FILE, line 6: connections.main.capacity.requests_per_minute: invalid value: integer `-1`, expected",
        ),
        (
            "over = \"5m\"",
            "over = \"5 minutes\"",
            "FILE, line 11: routes.0.when.error_rate.over: expected a time such as \"500ms\"",
        ),
        (
            "input = 3",
            "input = -3",
            "FILE, line 19: prices.claude-*.input: ",
        ),
        (
            "above.200000",
            "above.many",
            "FILE, line 21: prices.claude-*.above.many: ",
        ),
        (
            "tiers.batch",
            "tiers.bulk",
            "FILE, line 22: prices.claude-*.tiers.bulk: unknown variant `bulk`",
        ),
        (
            "x-team = \"search\"",
            "x-team = 1",
            "FILE, line 5: connections.main.headers.x-team: invalid type: integer `1`, expected a string",
        ),
        (
            "\"k1\", ",
            "1, ",
            "FILE, line 1: client_keys: expected a key, or a table with `name` and `key`",
        ),
        // Values that cannot be.
        (
            "min_input_tokens = 1,",
            "min_input_tokens = 9, max_input_tokens = 8,",
            "FILE, line 11: routes.0.when.min_input_tokens: must not be over max_input_tokens",
        ),
        (
            "{ connection = \"main\", above",
            "{ connection = \"other\", above",
            "FILE, line 11: routes.0.when.error_rate.connection: there is no connection called \"other\"",
        ),
        (
            "above_percent = 20",
            "above_percent = 100",
            "FILE, line 11: routes.0.when.error_rate.above_percent: must be from 0 to 99",
        ),
        (
            "over = \"5m\"",
            "over = \"2h\"",
            "FILE, line 11: routes.0.when.error_rate.over: must be from \"1s\" to \"1h\"",
        ),
        (
            "max_tokens = 100",
            "max_tokens = 0",
            "FILE, line 12: routes.0.defaults.max_tokens: must not be zero",
        ),
        (
            "{ connection = \"main\", weight",
            "{ connection = \"other\", weight",
            "FILE, line 14: routes.0.targets.0.connection: there is no connection called \"other\"",
        ),
        (
            "{ x-kind = \"b\" }",
            "{ \"x kind\" = \"b\" }",
            "FILE, line 15: routes.0.targets.1.headers: ",
        ),
        (
            "x-team",
            "\"x team\"",
            "FILE, line 5: connections.main.headers: ",
        ),
        (
            "requests_per_minute = 60",
            "requests_per_minute = 0",
            "FILE, line 6: connections.main.capacity.requests_per_minute: ",
        ),
        (
            "claude-sonnet-4-5",
            "cluade-sonnet",
            "FILE, line 7: connections.main.options.family: no model and no family is called \"cluade-sonnet\"",
        ),
        (
            "output = 15\n",
            "",
            "FILE, line 18: prices.claude-*.output: must be given",
        ),
        (
            "api_key_env = \"KEY\"",
            "api_key_env = \"NOT_SET\"",
            "FILE, line 4: connections.main.api_key_env: the environment variable NOT_SET is not set",
        ),
        (
            "\"anthropic\"",
            "\"antropic\"",
            "FILE, line 3: connections.main.provider: ",
        ),
        (
            "[connections.main]\n",
            "[retry]\nmax_retries = 11\n[connections.main]\n",
            "FILE, line 3: retry.max_retries: must be from 0 to 10",
        ),
        (
            "[connections.main]\n",
            "listen = \"nowhere\"\n[connections.main]\n",
            "FILE, line 2: listen: ",
        ),
        (
            "client_keys = [\"k1\", { name = \"ci\", key = \"k2\" }]\n",
            "listen = \"0.0.0.0:1\"\n",
            "FILE, line 1: listen: without client_keys everybody",
        ),
        // No TOML at all.
        ("[connections.main]", "[connections.main", "FILE, line 2: "),
    ] {
        assert!(USABLE.contains(right), "{right}");
        let (code, said) = check(&USABLE.replacen(right, wrong, 1));
        assert_eq!(code, Some(2), "{wrong}: {said}");
        if !said.starts_with(expected) {
            others.push(format!("{said}\nnot: {expected}"));
        }
    }
    assert!(others.is_empty(), "{}", others.join("\n\n"));
}

#[test]
fn what_might_be_a_secret_is_not_shown() {
    for wrong in [
        USABLE.replace("[\"k1\", { name = \"ci\", key = \"k2\" }]", "\"canary\""),
        USABLE.replace("{ x-team = \"search\" }", "\"canary\""),
        USABLE.replace("api_key_env = \"KEY\"", "api_key = \"canary\\n\""),
        USABLE.replace("api_key_env = \"KEY\"", "api_key = { canary = 1 }"),
        USABLE.replace("api_key_env = \"KEY\"", "api_key = \"canary"),
    ] {
        let (code, said) = check(&wrong);
        assert_eq!(code, Some(2), "{said}");
        assert!(!said.contains("\"canary"), "{said}");
    }
}

#[test]
fn help_names_every_argument_and_variable() {
    let help = Gateway::builder().arg("--help").run();
    assert_eq!(help.code(), Some(0));
    for word in [
        "--config",
        "--listen",
        "--check",
        "--health",
        "--version",
        "--help",
        "RUST_LOG",
        "SIGTERM",
        "SIGHUP",
        "OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
        "GEMINI_API_KEY",
        "GROQ_API_KEY",
        "PERPLEXITY_API_KEY",
        "AWS_REGION",
        "AWS_BEARER_TOKEN_BEDROCK",
        "HTTPS_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "/v1/chat/completions",
        "/v1/responses",
        "/v1/messages",
        "/v1/models",
        "/metrics",
        "/healthz",
        "/readyz",
        "Exit codes",
    ] {
        assert!(help.stdout.contains(word), "{word}\n{}", help.stdout);
    }
    assert!(help.stdout.lines().all(|line| line.chars().count() <= 120));
}
