//! The cells to try: each endpoint on each provider, with models that stand for their kind.

use serde_json::{Value, json};
use tower_llm_gateway::Provider;

/// A page on one pair of formats.
#[derive(Debug)]
pub(crate) struct Pair {
    /// The page's file, without its extension.
    pub(crate) page: &'static str,
    /// The data file of the endpoint's fields.
    pub(crate) fields: &'static str,
    pub(crate) targets: &'static [Target],
    /// Where clients send it, if not where the endpoint's data says.
    pub(crate) path: Option<&'static str>,
    /// Groups of fields that the endpoint does not have.
    pub(crate) without: &'static [&'static str],
    /// The provider's format, and which of the targets answers in its table.
    pub(crate) answers: Option<(&'static str, usize)>,
    /// What every request carries, as JSON.
    pub(crate) always: fn() -> Value,
}

/// A provider and a model.
pub(crate) type Target = (Provider, &'static str);

const COMMON: Pair = Pair {
    page: "",
    fields: "",
    targets: &[],
    path: None,
    without: &[],
    answers: None,
    always: || json!({}),
};

const BEDROCK_CLAUDE: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";
const CONVERSE: &[Target] = &[
    (Provider::AwsBedrock, BEDROCK_CLAUDE),
    (Provider::AwsBedrock, "amazon.nova-pro-v1:0"),
    (Provider::AwsBedrock, "openai.gpt-oss-120b-1:0"),
];
const INVOKE: &[Target] = &[(Provider::AwsBedrockInvoke, BEDROCK_CLAUDE)];
const ANTHROPIC: &[Target] = &[
    (Provider::Anthropic, "claude-sonnet-4-5"),
    (Provider::Anthropic, "claude-opus-4-7"),
];
const CHAT: &[Target] = &[
    (Provider::Gemini, "gemini-3-pro-preview"),
    (Provider::Groq, "openai/gpt-oss-120b"),
    (Provider::Perplexity, "sonar-reasoning-pro"),
    (Provider::OpenAiCompatible, "qwen3"),
];
const GEMINI: &[Target] = &[
    (Provider::Gemini, "gemini-2.5-flash"),
    (Provider::Gemini, "gemini-3-pro-preview"),
];

/// Every conversion.
pub(crate) const PAIRS: &[Pair] = &[
    Pair {
        page: "chat-to-messages",
        answers: Some(("messages", 0)),
        fields: "chat",
        targets: ANTHROPIC,
        ..COMMON
    },
    Pair {
        page: "chat-to-invoke",
        answers: Some(("messages", 0)),
        fields: "chat",
        targets: INVOKE,
        ..COMMON
    },
    Pair {
        page: "chat-to-converse",
        answers: Some(("converse", 0)),
        fields: "chat",
        targets: CONVERSE,
        ..COMMON
    },
    Pair {
        page: "chat-to-gemini",
        answers: Some(("gemini", 1)),
        fields: "chat",
        targets: GEMINI,
        // Only requests with a tool of Google's go to the native API.
        always: || json!({"web_search_options": {}}),
        ..COMMON
    },
    Pair {
        page: "responses-to-messages",
        answers: Some(("messages", 0)),
        fields: "responses",
        targets: ANTHROPIC,
        ..COMMON
    },
    Pair {
        page: "responses-to-invoke",
        answers: Some(("messages", 0)),
        fields: "responses",
        targets: INVOKE,
        ..COMMON
    },
    Pair {
        page: "responses-to-converse",
        answers: Some(("converse", 0)),
        fields: "responses",
        targets: CONVERSE,
        ..COMMON
    },
    Pair {
        page: "responses-to-chat",
        answers: Some(("chat", 0)),
        fields: "responses",
        targets: CHAT,
        ..COMMON
    },
    Pair {
        page: "responses-to-gemini",
        answers: Some(("gemini", 1)),
        fields: "responses",
        targets: GEMINI,
        always: || json!({"tools": [{"type": "web_search"}]}),
        ..COMMON
    },
    Pair {
        page: "messages-to-responses",
        answers: Some(("responses", 0)),
        fields: "messages",
        targets: &[(Provider::OpenAi, "gpt-5.6"), (Provider::OpenAi, "gpt-4.1")],
        ..COMMON
    },
    Pair {
        page: "messages-to-chat",
        answers: Some(("chat", 0)),
        fields: "messages",
        targets: CHAT,
        ..COMMON
    },
    Pair {
        page: "messages-to-converse",
        answers: Some(("converse", 0)),
        fields: "messages",
        targets: CONVERSE,
        ..COMMON
    },
    Pair {
        page: "messages-to-invoke",
        answers: Some(("messages", 0)),
        fields: "messages",
        targets: INVOKE,
        ..COMMON
    },
    Pair {
        page: "messages-to-gemini",
        answers: Some(("gemini", 1)),
        fields: "messages",
        targets: GEMINI,
        always: || json!({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
        ..COMMON
    },
    Pair {
        page: "count-tokens",
        fields: "messages",
        targets: &[
            (Provider::AwsBedrock, BEDROCK_CLAUDE),
            (Provider::AwsBedrockInvoke, BEDROCK_CLAUDE),
        ],
        path: Some("/v1/messages/count_tokens"),
        without: &["Sampling and length", "Streaming"],
        ..COMMON
    },
];

/// The cells in which bytes pass through: the fields' data file, where clients send it, and the providers.
pub(crate) const PASSTHROUGH: &[(&str, &str, &[Provider])] = &[
    (
        "chat",
        "/v1/chat/completions",
        &[
            Provider::OpenAi,
            Provider::Gemini,
            Provider::Groq,
            Provider::Perplexity,
            Provider::OpenAiCompatible,
        ],
    ),
    ("responses", "/v1/responses", &[Provider::OpenAi]),
    ("messages", "/v1/messages", &[Provider::Anthropic]),
    (
        "messages",
        "/v1/messages/count_tokens",
        &[Provider::Anthropic],
    ),
];
