//! Any other server with OpenAI's `/chat/completions` (vLLM, Ollama, OpenRouter …).

use super::chat_profile::{
    ChatProfile, Media, MidSystem, OutputTokens, Pdf, Reasoning, Thoughts, Visible,
};
use super::path::Path;
use super::spec::{AuthScheme, Cell, Framing, Pair, Spec};

pub(crate) static SPEC: Spec = Spec {
    id: "openai-compatible",
    telemetry: "openai-compatible",
    base_url: None,
    base_suffix: "",
    auth: AuthScheme::Bearer,
    framing: Framing::Sse,
    needs_key: false,
    client_headers: &[],
    request_id: "x-request-id",
    cells: [
        Cell::Passthrough {
            path: Path::Fixed("/chat/completions"),
        },
        Cell::Convert {
            pair: Pair::ResponsesToChat,
            path: Path::Fixed("/chat/completions"),
        },
        Cell::Convert {
            pair: Pair::MessagesToChat,
            path: Path::Fixed("/chat/completions"),
        },
        Cell::Unavailable,
    ],
    native: None,
    chat: Some(&CHAT),
};

/// Nothing is known of the server but that it speaks OpenAI's Chat: what is asked for is sent in OpenAI's own words.
static CHAT: ChatProfile = ChatProfile {
    max_tokens: "max_tokens",
    mid_system: MidSystem::Keep,
    alternates: false,
    prefill: true,
    null_content: true,
    stream_options: true,
    tools: true,
    strict_tools: true,
    json_object: true,
    strict_schema: true,
    user: true,
    top_k: false,
    logprobs: true,
    max_stop: None,
    service_tiers: &[],
    media: Media {
        image_detail: true,
        pdf: Pdf::File,
        file_url: false,
        text_files: true,
        audio: true,
    },
    search: &[],
    reasoning: &[(
        "*",
        Some(Reasoning {
            efforts: [
                Some("none"),
                Some("minimal"),
                Some("low"),
                Some("medium"),
                Some("high"),
                Some("xhigh"),
                Some("max"),
            ],
            visible: Visible::Unasked,
            replay: false,
        }),
    )],
    model_prefix: "",
    thought_signatures: false,
    unsigned_models: &[],
    thoughts: Thoughts::Field,
    output: OutputTokens::Whole,
    citation_markers: false,
};
