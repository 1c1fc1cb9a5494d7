//! The vendors' official Python SDKs against the gateway program, in three settings: straight against the scripted upstream (which shows
//! that the scripts and the upstream are right, and what the clients send), through the gateway to its demo providers, and through
//! the gateway to the scripted upstream. Without Python or its packages the tests are skipped, unless `REQUIRE_SDKS=1`.

// The scripted upstream frames its streams with the demo's encoder.
#![allow(clippy::duplicate_mod)]

#[path = "../examples/gateway/demo/mod.rs"]
mod demo;
pub mod support;

#[path = "sdk/bedrock.rs"]
mod bedrock;
#[path = "sdk/cells.rs"]
mod cells;
#[path = "sdk/judge.rs"]
mod judge;
#[path = "sdk/matrix/mod.rs"]
mod matrix;
#[path = "sdk/native.rs"]
mod native;

use std::time::{Duration, Instant};

use support::gateway::Gateway;
use support::upstream::{Recorded, Upstream};
use support::{fake, venv};

/// What the clients know; it must never reach a provider.
const CLIENT_KEY: &str = "sk-client-canary-4b1d77f2e0c9a863";
/// What the gateway knows; it must never reach a client or the log. The demo providers take it.
const PROVIDER_KEY: &str = "demo-sk-provider-canary-9e27c0de55aa41b3";
/// The name of the gateway's AWS credentials, which is no secret.
const ACCESS_KEY_ID: &str = demo::ACCESS_KEY_ID;
/// The secret of these; it must not be told either.
const SECRET_ACCESS_KEY: &str = demo::SECRET_ACCESS_KEY;
/// How soon after a client has gone its call at the provider must be gone. Generous for a busy machine, yet far below the minute after
/// which the scripted upstream gives up.
const PROMPT: Duration = Duration::from_secs(3);

/// Nothing besides.
const PLAIN: &str = "{}";

const CHAT: &str = "openai_chat.py";
const MESSAGES: &str = "anthropic_messages.py";
const RESPONSES: &str = "openai_responses.py";

/// What every provider of Chat can do.
const CHAT_BASIC: &[&str] = &[
    "plain",
    "stream_raw",
    "stream_equals_plain",
    "stream_helper",
    "unicode",
];
/// Tools.
const CHAT_TOOLS: &[&str] = &[
    "tool_loop",
    "tool_loop_stream",
    "tool_helper_stream",
    "tools_parallel",
    "tools_parallel_stream",
];
/// What OpenAI and the converted providers can do besides.
const CHAT_FULL: &[&str] = &[
    "tool_loop_dumped",
    "stream_strict",
    "stream_usage",
    "structured",
    "image",
    "pdf",
    "refusal",
    "max_tokens",
];
const CHAT_THINKING: &[&str] = &["thinking_loop", "thinking_stream", "thinking_altered"];
/// What only a gateway does.
const GATEWAY: &[&str] = &["gateway_headers", "retries", "first_error"];
/// What Messages clients do everywhere.
const MESSAGES_BASIC: &[&str] = &[
    "plain",
    "bearer",
    "stream_raw",
    "stream_helper",
    "stream_equals_plain",
    "history",
    "document_text",
    "max_tokens",
    "usage_equal",
    "unicode",
];
const MESSAGES_TOOLS: &[&str] = &[
    "tool_loop",
    "tool_loop_stream",
    "tool_result_parts",
    "tools_parallel",
    "tools_parallel_stream",
];
const MESSAGES_ALL: &[&str] = &[
    "stream_input_tokens",
    "thinking_loop",
    "thinking_altered",
    "count_tokens",
    "image",
    "pdf",
    "refusal",
    "structured",
];
/// What Responses clients do everywhere.
const RESPONSES_BASIC: &[&str] = &[
    "plain",
    "stream_raw",
    "stream_helper",
    "stream_equals_plain",
    "roles",
    "history",
    "max_tokens",
    "usage_equal",
    "unicode",
];
const RESPONSES_TOOLS: &[&str] = &[
    "tool_loop",
    "tool_loop_objects",
    "tool_loop_stream",
    "tool_loop_helper",
    "tool_result_parts",
    "tools_parallel",
    "tools_parallel_stream",
    "structured_tools",
    "custom_tool",
];
const RESPONSES_ALL: &[&str] = &[
    "reasoning",
    "reasoning_loop",
    "reasoning_signed",
    "reasoning_altered",
    "custom_tool_thinking",
    "image",
    "pdf",
    "refusal",
    "structured",
];
/// Faults of the scripted upstream, as seen through a gateway.
const FAULTS: &[&str] = &[
    "overloaded",
    "ratelimit",
    "key_refused",
    "first_error",
    "error_event",
    "cut_clean",
    "cut_fin",
    "cut_reset",
];

/// A run of a script.
struct Run<'a> {
    script: &'a str,
    base: &'a str,
    key: &'a str,
    model: &'a str,
    /// The prefix of the words that make the provider misbehave.
    trigger: &'a str,
    /// JSON that every request has besides.
    extra: &'a str,
}

/// Runs scenarios of a script; false when they were skipped.
fn run(what: &Run<'_>, sets: &[&[&str]]) -> bool {
    let Run {
        script,
        base,
        key,
        model,
        trigger,
        extra,
    } = *what;
    // What OpenAI's Responses take at least; the others are not that long.
    let cut_at = match (script, trigger) {
        (MESSAGES | RESPONSES, "demo") if !model.contains("gpt-") || model.contains("gpt-oss") => {
            "5"
        }
        _ => "16",
    };
    let only = sets.concat().join(",");
    let arguments = [
        "--base",
        base,
        "--key",
        key,
        "--model",
        model,
        "--trigger",
        trigger,
        "--cut-at",
        cut_at,
        "--only",
        &only,
        "--with",
        extra,
    ];
    let Some(finished) = venv::script(script, &arguments) else {
        return false;
    };
    // A script that ran nothing would pass as well.
    for name in sets.concat() {
        let line = format!("ok {name}");
        assert!(
            finished.stdout.lines().any(|l| l == line),
            "{name} did not run"
        );
    }
    true
}

/// Runs scenarios against the demo providers.
fn demo(script: &str, model: &str, sets: &[&[&str]]) {
    demo_with(script, model, PLAIN, sets);
}

/// The same with more in every request.
fn demo_with(script: &str, model: &str, extra: &str, sets: &[&[&str]]) {
    if venv::python().is_none() {
        return;
    }
    let gateway = Gateway::demo();
    let what = Run {
        script,
        base: gateway.url(),
        key: "any-key",
        model,
        trigger: "demo",
        extra,
    };
    run(&what, sets);
    assert!(!gateway.log().contains("panicked"), "{}", gateway.log());
    let (status, log) = gateway.stop();
    assert!(status.success(), "{status}: {log}");
}

/// A gateway in front of a scripted upstream. The gateway ends first.
struct Scripted {
    gateway: Gateway,
    upstream: Upstream,
    /// JSON that every request has besides.
    extra: &'static str,
}

impl Scripted {
    /// `None`: skipped.
    fn start() -> Option<Self> {
        venv::python()?;
        let upstream = Upstream::start(fake::answer);
        let url = upstream.url();
        let gateway = Gateway::with_config(format!(
            r#"
client_keys = [{{ name = "tests", key = "{CLIENT_KEY}" }}]

[retry]
backoff_min = "10ms"
backoff_max = "50ms"

[connections.scripted-openai]
provider = "openai"
base_url = "{url}/v1"
api_key = "{PROVIDER_KEY}"
headers = {{ "openai-organization" = "org-fixed" }}

[connections.scripted-anthropic]
provider = "anthropic"
base_url = "{url}"
api_key = "{PROVIDER_KEY}"

[connections.scripted-gemini]
provider = "gemini"
base_url = "{url}/v1beta"
api_key = "{PROVIDER_KEY}"

[connections.scripted-groq]
provider = "groq"
base_url = "{url}/openai/v1"
api_key = "{PROVIDER_KEY}"

[connections.scripted-perplexity]
provider = "perplexity"
base_url = "{url}"
api_key = "{PROVIDER_KEY}"

[connections.scripted-compatible]
provider = "openai-compatible"
base_url = "{url}/v1"
api_key = "{PROVIDER_KEY}"

[connections.scripted-bedrock]
provider = "aws-bedrock"
base_url = "{url}"
region = "eu-west-1"
access_key_id = "{ACCESS_KEY_ID}"
secret_access_key = "{SECRET_ACCESS_KEY}"

[connections.scripted-invoke]
provider = "aws-bedrock-invoke"
base_url = "{url}"
region = "eu-west-1"
api_key = "{PROVIDER_KEY}"

[[routes]]
model = "us.anthropic.*"
targets = [{{ connection = "scripted-bedrock" }}]

[[routes]]
model = "eu.anthropic.*"
targets = [{{ connection = "scripted-invoke" }}]

[[routes]]
model = "gemini-*"
targets = [{{ connection = "scripted-gemini" }}]

[[routes]]
model = "openai/*"
targets = [{{ connection = "scripted-groq" }}]

[[routes]]
model = "sonar*"
targets = [{{ connection = "scripted-perplexity" }}]

[[routes]]
model = "compatible-*"
targets = [{{ connection = "scripted-compatible" }}]

[[routes]]
model = "alias-gpt"
targets = [{{ connection = "scripted-openai", model = "gpt-5.5-exact" }}]

[[routes]]
model = "alias-claude"
targets = [{{ connection = "scripted-anthropic", model = "claude-sonnet-4-5" }}]

[[routes]]
model = "claude-*"
targets = [{{ connection = "scripted-anthropic" }}]

[[routes]]
model = "gpt-*"
targets = [{{ connection = "scripted-openai" }}]
"#
        ));
        Some(Self {
            gateway,
            upstream,
            extra: PLAIN,
        })
    }

    fn with(self, extra: &'static str) -> Self {
        Self { extra, ..self }
    }

    fn run(&self, script: &str, model: &str, sets: &[&[&str]]) {
        let what = Run {
            script,
            base: self.gateway.url(),
            key: CLIENT_KEY,
            model,
            trigger: "scripted",
            extra: self.extra,
        };
        run(&what, sets);
    }

    /// One scenario in which the client leaves: its call at the upstream must go too, and must not be made again.
    fn left(&self, script: &str, model: &str, scenario: &str) {
        let before = self.upstream.requests().len();
        self.run(script, model, &[&[scenario]]);
        let left = Instant::now();
        let at = self.upstream.wait_cancelled(before);
        let late = at.saturating_duration_since(left);
        assert!(
            late < PROMPT,
            "{scenario}: the upstream's call lasted {late:?} longer"
        );
        assert_eq!(
            self.upstream.requests().len(),
            before + 1,
            "{scenario}: called again after the client left"
        );
    }

    /// What holds for every request that a provider got, whatever the cell; and nothing secret is in the log.
    fn check(&self, provider: &str) -> Vec<Recorded> {
        let requests = self.upstream.requests();
        assert!(!requests.is_empty());
        for request in &requests {
            check_request(provider, request, &self.upstream);
        }
        assert_eq!(self.upstream.errors(), Vec::<String>::new());
        judge::requests(&requests);
        check_log(&self.gateway);
        requests
    }
}

/// Nothing secret is in the log, and nothing panicked.
fn check_log(gateway: &Gateway) {
    let log = gateway.log();
    for secret in [CLIENT_KEY, PROVIDER_KEY, SECRET_ACCESS_KEY] {
        assert!(!log.contains(secret), "a key is in the log:\n{log}");
    }
    assert!(!log.contains("panicked"), "{log}");
}

/// What holds for every request that this provider got from the gateway.
fn check_request(provider: &str, request: &Recorded, upstream: &Upstream) {
    let head = String::from_utf8_lossy(&request.head);
    let bearer = format!("Bearer {PROVIDER_KEY}");
    let is_native = request.target.contains("enerateContent");
    let keys = ["x-api-key", "x-goog-api-key", "authorization"];
    let keys = keys.map(|name| request.header(name));
    match (provider, keys) {
        ("anthropic", [Some(key), None, None]) => assert_eq!(key, PROVIDER_KEY, "{head}"),
        ("gemini", [None, Some(key), None]) if is_native => {
            assert_eq!(key, PROVIDER_KEY, "{head}");
        }
        ("aws-bedrock", [None, None, Some(signature)]) => {
            let start = format!("AWS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/");
            assert!(signature.starts_with(&start), "{head}");
            assert!(
                signature.contains("/eu-west-1/bedrock/aws4_request"),
                "{head}"
            );
            assert!(request.header("x-amz-date").is_some(), "{head}");
        }
        (_, [None, None, Some(key)]) => assert_eq!(key, bearer, "{head}"),
        (_, keys) => panic!("{provider} gets no such keys: {keys:?}: {head}"),
    }
    assert_eq!(
        request.header("anthropic-version").is_some(),
        provider == "anthropic",
        "{head}"
    );
    let organization = (provider == "openai").then_some("org-fixed");
    assert_eq!(
        request.header("openai-organization"),
        organization,
        "{head}"
    );
    assert!(
        !request.contains(CLIENT_KEY),
        "the client's key went upstream: {head}"
    );
    // AWS is sent nothing that proxies might change, and that has a meaning by itself.
    let coding = (!provider.starts_with("aws-")).then_some("identity");
    assert_eq!(request.header("accept-encoding"), coding, "{head}");
    assert_eq!(
        request.header("content-type"),
        Some("application/json"),
        "{head}"
    );
    assert_eq!(
        request.header("host"),
        Some(upstream.addr().to_string().as_str()),
        "{head}"
    );
    assert!(!request.chunked, "{head}");
    let length = request.body.len().to_string();
    assert_eq!(
        request.header("content-length"),
        Some(length.as_str()),
        "{head}"
    );
    for (name, _) in &request.headers {
        let name = name.to_ascii_lowercase();
        assert!(!name.starts_with("x-gateway-"), "{head}");
        let hop = ["connection", "keep-alive", "te", "expect", "cookie"];
        assert!(!hop.contains(&name.as_str()), "{head}");
    }
}

/// What the same scenarios send without a gateway between.
fn direct(script: &str, base: &str, model: &str, sets: &[&[&str]]) -> Option<Vec<Recorded>> {
    let upstream = Upstream::start(fake::answer);
    let what = Run {
        script,
        base: &format!("{}{base}", upstream.url()),
        key: CLIENT_KEY,
        model,
        trigger: "scripted",
        extra: PLAIN,
    };
    run(&what, sets).then(|| upstream.requests())
}

/// Passthrough: each request equals what the client sends without a gateway, but for the model.
fn assert_passed_through(ours: &[Recorded], theirs: &[Recorded], from: &str, to: &str) {
    assert_eq!(ours.len(), theirs.len());
    for (our, their) in ours.iter().zip(theirs) {
        assert_eq!(our.target, their.target);
        let (old, new) = (
            format!("\"model\":\"{from}\""),
            format!("\"model\":\"{to}\""),
        );
        assert_eq!(their.text().matches(&old).count(), 1, "{}", their.text());
        assert_eq!(our.text(), their.text().replace(&old, &new));
        for name in ["anthropic-version", "anthropic-beta"] {
            assert_eq!(our.header(name), their.header(name), "{name}");
        }
    }
}

#[test]
fn direct_chat() {
    let sets = [
        CHAT_BASIC,
        CHAT_TOOLS,
        CHAT_FULL,
        CHAT_THINKING,
        &["error_event", "cut_fin", "cut_reset", "bad_value"],
    ];
    direct(CHAT, "", "gpt-5.5", &sets);
}

#[test]
fn direct_messages() {
    let faults = [
        "error_event",
        "cut_fin",
        "cut_reset",
        "bad_model",
        "bad_limit",
    ];
    let sets = [MESSAGES_BASIC, MESSAGES_TOOLS, MESSAGES_ALL, &faults];
    direct(MESSAGES, "", "claude-sonnet-4-5", &sets);
}

#[test]
fn direct_responses() {
    let faults = ["error_event", "cut_fin", "cut_reset", "bad_model"];
    let sets = [RESPONSES_BASIC, RESPONSES_TOOLS, RESPONSES_ALL, &faults];
    direct(RESPONSES, "", "gpt-5.5", &sets);
}

#[test]
fn demo_chat_converted() {
    let more = [
        "refusal_finish",
        "bad_model",
        "bad_request",
        "overloaded",
        "ratelimit",
        "cut",
        "cut_helper",
        "error_event",
    ];
    let sets = [
        CHAT_BASIC,
        CHAT_TOOLS,
        CHAT_FULL,
        CHAT_THINKING,
        GATEWAY,
        &more,
    ];
    demo(CHAT, "claude-sonnet-4-5", &sets);
}

#[test]
fn demo_chat_openai() {
    let more = [
        "bad_model",
        "bad_value",
        "overloaded",
        "ratelimit",
        "cut",
        "cut_helper",
        "error_event",
    ];
    demo(
        CHAT,
        "gpt-5.5",
        &[CHAT_BASIC, CHAT_TOOLS, CHAT_FULL, GATEWAY, &more],
    );
}

/// Gemini's compatible endpoint streams calls without an index, which passthrough leaves as it is: no streamed tools here.
#[test]
fn demo_chat_gemini() {
    let more = ["tool_loop", "tools_parallel", "cut"];
    demo(CHAT, "gemini-3.8-flash", &[CHAT_BASIC, &more]);
}

#[test]
fn demo_chat_groq() {
    demo(
        CHAT,
        "groq/llama-3.3-70b-versatile",
        &[CHAT_BASIC, CHAT_TOOLS, &["cut"]],
    );
}

#[test]
fn demo_chat_perplexity() {
    demo(CHAT, "sonar", &[CHAT_BASIC, &["cut"]]);
}

#[test]
fn demo_messages() {
    let more = [
        "gateway_headers",
        "thinking",
        "web_search",
        "stop_sequence",
        "usage_cached",
        "tools_serial",
        "tool_choice",
        "bad_model",
        "bad_request",
        "bad_limit",
        "overloaded",
        "ratelimit",
        "retries",
        "first_error",
        "cut",
        "error_event",
    ];
    let sets = [MESSAGES_BASIC, MESSAGES_TOOLS, MESSAGES_ALL, &more];
    demo(MESSAGES, "claude-sonnet-4-5", &sets);
    // A model that decides by itself how much to think.
    demo(
        MESSAGES,
        "claude-opus-4-6",
        &[&["thinking_adaptive", "adaptive_loop", "omitted_loop"]],
    );
}

#[test]
fn demo_responses() {
    let more = [
        "tools_serial",
        "tool_choice",
        "orphans",
        "web_search",
        "usage_cached",
        "gateway_headers",
        "bad_model",
        "bad_request",
        "bad_value",
        "overloaded",
        "ratelimit",
        "retries",
        "first_error",
        "cut",
        "error_event",
    ];
    let sets = [RESPONSES_BASIC, RESPONSES_TOOLS, RESPONSES_ALL, &more];
    demo(RESPONSES, "gpt-5.5", &sets);
}

#[test]
fn scripted_chat_converted() {
    let Some(scripted) = Scripted::start() else {
        return;
    };
    let more = [
        "refusal_finish",
        "bad_model",
        "wrong_key",
        "bad_request",
        "cut_helper",
    ];
    let sets = [CHAT_BASIC, CHAT_TOOLS, CHAT_FULL, CHAT_THINKING, &more];
    scripted.run(CHAT, "alias-claude", &sets);
    for request in scripted.check("anthropic") {
        assert_eq!(request.target, "/v1/messages");
        assert_eq!(request.header("anthropic-version"), Some("2023-06-01"));
        assert_eq!(request.json()["model"], "claude-sonnet-4-5");
        assert!(request.json()["max_tokens"].is_u64());
    }
}

#[test]
fn scripted_chat_passthrough() {
    let Some(scripted) = Scripted::start() else {
        return;
    };
    let sets = [CHAT_BASIC, CHAT_TOOLS, CHAT_FULL, CHAT_THINKING];
    scripted.run(CHAT, "alias-gpt", &sets);
    let ours = scripted.check("openai");
    let theirs = direct(CHAT, "", "alias-gpt", &sets).expect("the SDKs are there");
    assert_passed_through(&ours, &theirs, "alias-gpt", "gpt-5.5-exact");
    scripted.run(
        CHAT,
        "alias-gpt",
        &[&[
            "bad_model",
            "wrong_key",
            "bad_value",
            "cut_helper",
            "models",
        ]],
    );
}

#[test]
fn scripted_messages_passthrough() {
    let Some(scripted) = Scripted::start() else {
        return;
    };
    let sets = [MESSAGES_BASIC, MESSAGES_TOOLS, MESSAGES_ALL];
    scripted.run(MESSAGES, "alias-claude", &sets);
    let ours = scripted.check("anthropic");
    let theirs = direct(MESSAGES, "", "alias-claude", &sets).expect("the SDKs are there");
    assert_passed_through(&ours, &theirs, "alias-claude", "claude-sonnet-4-5");
    scripted.run(
        MESSAGES,
        "alias-claude",
        &[&["bad_model", "wrong_key", "bad_limit", "models"]],
    );
}

#[test]
fn scripted_responses_passthrough() {
    let Some(scripted) = Scripted::start() else {
        return;
    };
    let sets = [RESPONSES_BASIC, RESPONSES_TOOLS, RESPONSES_ALL];
    scripted.run(RESPONSES, "alias-gpt", &sets);
    let ours = scripted.check("openai");
    let theirs = direct(RESPONSES, "", "alias-gpt", &sets).expect("the SDKs are there");
    assert_passed_through(&ours, &theirs, "alias-gpt", "gpt-5.5-exact");
    scripted.run(RESPONSES, "alias-gpt", &[&["bad_model", "wrong_key"]]);
}

/// Faults of a provider: the SDK raises, and a stream that broke never looks finished.
fn faults(script: &str, model: &str, provider: &str, names: &[&str]) {
    let Some(scripted) = Scripted::start() else {
        return;
    };
    scripted.run(script, model, &[names]);
    scripted.check(provider);
}

#[test]
fn scripted_faults_chat_converted() {
    faults(CHAT, "claude-sonnet-4-5", "anthropic", FAULTS);
}

#[test]
fn scripted_faults_chat_passthrough() {
    faults(CHAT, "gpt-5.5", "openai", FAULTS);
}

#[test]
fn scripted_faults_messages_passthrough() {
    faults(MESSAGES, "claude-sonnet-4-5", "anthropic", FAULTS);
}

#[test]
fn scripted_faults_responses_converted() {
    faults(RESPONSES, "claude-sonnet-4-5", "anthropic", FAULTS);
}

#[test]
fn scripted_faults_responses_passthrough() {
    faults(RESPONSES, "gpt-5.5", "openai", FAULTS);
}

/// Two retries of the gateway's, none of the client's: three calls in all, not nine.
fn retries(script: &str, model: &str) {
    retries_with(script, model, PLAIN);
}

/// The same with more in every request.
fn retries_with(script: &str, model: &str, extra: &'static str) {
    let Some(scripted) = Scripted::start() else {
        return;
    };
    let scripted = scripted.with(extra);
    scripted.run(script, model, &[&["retries"]]);
    let requests = scripted.upstream.requests();
    assert_eq!(requests.len(), 3, "{script} {model}");
    assert!(
        requests
            .iter()
            .all(|request| request.body == requests[0].body)
    );
}

#[test]
fn scripted_retries_converted() {
    retries(CHAT, "claude-sonnet-4-5");
}

#[test]
fn scripted_retries_passthrough() {
    retries(CHAT, "gpt-5.5");
    retries(MESSAGES, "claude-sonnet-4-5");
}

/// A client that leaves takes its call at the provider with it: in mid-stream, before the first event, before the head.
fn leaves(script: &str, model: &str) {
    leaves_with(script, model, PLAIN);
}

/// The same with more in every request.
fn leaves_with(script: &str, model: &str, extra: &'static str) {
    let Some(scripted) = Scripted::start() else {
        return;
    };
    let scripted = scripted.with(extra);
    for scenario in ["drop_stream", "drop_before_event", "drop_before_head"] {
        scripted.left(script, model, scenario);
    }
    // Nothing is left that would keep the program, or that calls again later.
    let Scripted {
        gateway, upstream, ..
    } = scripted;
    let (status, log) = gateway.stop();
    assert!(status.success(), "{status}: {log}");
    assert_eq!(upstream.requests().len(), 3);
}

#[test]
fn scripted_client_leaves_converted() {
    leaves(CHAT, "claude-sonnet-4-5");
}

#[test]
fn scripted_client_leaves_passthrough() {
    leaves(CHAT, "gpt-5.5");
    leaves(MESSAGES, "claude-sonnet-4-5");
    leaves(RESPONSES, "gpt-5.5");
}
