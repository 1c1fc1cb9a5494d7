//! Perplexity. Source: Perplexity API reference, "Chat completions".

use super::chat_profile::{
    ChatProfile, Media, MidSystem, OutputTokens, Pdf, Reasoning, Search, Thoughts, Visible,
};
use super::path::Path;
use super::spec::{AuthScheme, Cell, Framing, Pair, Spec};

pub(crate) static SPEC: Spec = Spec {
    id: "perplexity",
    telemetry: "perplexity",
    base_url: Some("https://api.perplexity.ai"),
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

/// The models that reason, and write that at the start of their text.
const REASONING: &[&str] = &["*reasoning*", "*deep-research*"];

const EFFORTS: Reasoning = Reasoning {
    efforts: [
        None,
        Some("minimal"),
        Some("low"),
        Some("medium"),
        Some("high"),
        Some("high"),
        Some("high"),
    ],
    visible: Visible::Unasked,
    replay: false,
};

static CHAT: ChatProfile = ChatProfile {
    max_tokens: "max_tokens",
    mid_system: MidSystem::User,
    alternates: true,
    prefill: false,
    null_content: false,
    // Usage comes unasked, on every chunk.
    stream_options: false,
    tools: false,
    strict_tools: false,
    json_object: false,
    strict_schema: true,
    user: false,
    top_k: true,
    logprobs: true,
    max_stop: None,
    service_tiers: &[],
    media: Media {
        image_detail: false,
        pdf: Pdf::FileUrl,
        file_url: true,
        text_files: false,
        audio: false,
    },
    search: &[("*", Search::Options)],
    reasoning: &[
        ("*reasoning*", Some(EFFORTS)),
        ("*deep-research*", Some(EFFORTS)),
    ],
    model_prefix: "",
    thought_signatures: false,
    unsigned_models: &[],
    thoughts: Thoughts::Tagged(REASONING),
    output: OutputTokens::PlusReasoning,
    citation_markers: true,
};
