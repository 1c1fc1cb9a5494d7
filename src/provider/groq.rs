//! Groq. Source: Groq API reference, "Chat completions".

use super::chat_profile::{
    ChatProfile, Media, MidSystem, OutputTokens, Pdf, Reasoning, Search, Thoughts, Visible,
};
use super::path::Path;
use super::spec::{AuthScheme, Cell, Framing, Pair, Spec};

pub(crate) static SPEC: Spec = Spec {
    id: "groq",
    telemetry: "groq",
    base_url: Some("https://api.groq.com/openai/v1"),
    base_suffix: "",
    auth: AuthScheme::Bearer,
    framing: Framing::Sse,
    needs_key: true,
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

/// The models that take no efforts but on and off.
const ON_OR_OFF: Reasoning = Reasoning {
    efforts: [
        Some("none"),
        Some("default"),
        Some("default"),
        Some("default"),
        Some("default"),
        Some("default"),
        Some("default"),
    ],
    visible: Visible::Format,
    replay: false,
};

static CHAT: ChatProfile = ChatProfile {
    max_tokens: "max_completion_tokens",
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
    logprobs: false,
    max_stop: Some(4),
    service_tiers: &[
        ("auto", "auto"),
        ("default", "on_demand"),
        ("flex", "flex"),
        ("priority", "performance"),
        ("fast", "performance"),
    ],
    media: Media {
        image_detail: true,
        pdf: Pdf::None,
        file_url: false,
        text_files: true,
        audio: false,
    },
    search: &[
        ("groq/compound*", Search::Settings),
        ("compound*", Search::Settings),
        ("openai/gpt-oss*", Search::Tools),
    ],
    reasoning: &[
        (
            "openai/gpt-oss*",
            Some(Reasoning {
                efforts: [
                    Some("low"),
                    Some("low"),
                    Some("low"),
                    Some("medium"),
                    Some("high"),
                    Some("high"),
                    Some("high"),
                ],
                visible: Visible::Include,
                replay: true,
            }),
        ),
        (
            "qwen/qwen3.8*",
            Some(Reasoning {
                efforts: [
                    Some("none"),
                    Some("low"),
                    Some("low"),
                    Some("medium"),
                    Some("high"),
                    Some("high"),
                    Some("high"),
                ],
                visible: Visible::Format,
                replay: false,
            }),
        ),
        ("qwen/qwen3*", Some(ON_OR_OFF)),
    ],
    model_prefix: "",
    thought_signatures: false,
    unsigned_models: &[],
    thoughts: Thoughts::Field,
    output: OutputTokens::Whole,
    citation_markers: false,
};
