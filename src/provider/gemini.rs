//! Google Gemini: its OpenAI-compatible endpoint, and its native API for what that cannot do. Sources: Gemini API, "OpenAI
//! compatibility", and the reference of `generateContent`.

use super::chat_profile::{
    ChatProfile, Media, MidSystem, OutputTokens, Pdf, Reasoning, Thoughts, Visible,
};
use super::path::{ModelIds, Path};
use super::spec::{AuthScheme, Cell, Framing, Native, NativePair, Pair, Spec};
use crate::convert::gemini_out::trigger;

pub(crate) static SPEC: Spec = Spec {
    id: "gemini",
    telemetry: "gcp.gemini",
    base_url: Some("https://generativelanguage.googleapis.com/v1beta"),
    base_suffix: "/openai",
    auth: AuthScheme::Bearer,
    framing: Framing::Sse,
    needs_key: true,
    client_headers: &[],
    request_id: "x-request-id",
    cells: [
        Cell::Passthrough {
            path: Path::Fixed("/openai/chat/completions"),
        },
        Cell::Convert {
            pair: Pair::ResponsesToChat,
            path: Path::Fixed("/openai/chat/completions"),
        },
        Cell::Convert {
            pair: Pair::MessagesToChat,
            path: Path::Fixed("/openai/chat/completions"),
        },
        Cell::Unavailable,
    ],
    native: Some(&NATIVE),
    chat: Some(&CHAT),
};

/// For tools that only the native API knows.
static NATIVE: Native = Native {
    path: Path::Model {
        ids: ModelIds::Gemini,
        before: "/models/",
        plain: ":generateContent",
        // Without the query the stream is one JSON array.
        stream: ":streamGenerateContent?alt=sse",
    },
    auth: AuthScheme::XGoogApiKey,
    pairs: [
        Some(NativePair {
            pair: Pair::ChatToGemini,
            wanted: trigger::chat,
        }),
        Some(NativePair {
            pair: Pair::ResponsesToGemini,
            wanted: trigger::responses,
        }),
        Some(NativePair {
            pair: Pair::MessagesToGemini,
            wanted: trigger::messages,
        }),
    ],
};

/// Source of the efforts: Gemini API, "Thinking" and "OpenAI compatibility".
const LEVELS: Reasoning = Reasoning {
    efforts: [
        Some("low"),
        Some("low"),
        Some("low"),
        Some("medium"),
        Some("high"),
        Some("high"),
        Some("high"),
    ],
    visible: Visible::Level,
    replay: false,
};

/// The endpoint reads its requests with a strict schema: any member that it does not know is an error.
static CHAT: ChatProfile = ChatProfile {
    max_tokens: "max_tokens",
    // Of several system messages only the last would be honoured.
    mid_system: MidSystem::One,
    alternates: false,
    prefill: false,
    null_content: true,
    stream_options: true,
    tools: true,
    strict_tools: false,
    json_object: true,
    strict_schema: false,
    user: false,
    top_k: false,
    logprobs: false,
    max_stop: Some(5),
    service_tiers: &[],
    media: Media {
        image_detail: false,
        pdf: Pdf::ImageUrl,
        file_url: false,
        text_files: true,
        audio: true,
    },
    search: &[],
    reasoning: &[
        (
            "gemini-2.5-pro*",
            Some(Reasoning {
                efforts: [
                    None,
                    Some("low"),
                    Some("low"),
                    Some("medium"),
                    Some("high"),
                    Some("high"),
                    Some("high"),
                ],
                visible: Visible::Budget {
                    least: 128,
                    most: 32_768,
                },
                replay: false,
            }),
        ),
        (
            "gemini-2.5*",
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
                visible: Visible::Budget {
                    least: 0,
                    most: 24_576,
                },
                replay: false,
            }),
        ),
        (
            "gemini-3-pro*",
            Some(Reasoning {
                efforts: [
                    Some("low"),
                    Some("low"),
                    Some("low"),
                    Some("high"),
                    Some("high"),
                    Some("high"),
                    Some("high"),
                ],
                visible: Visible::Level,
                replay: false,
            }),
        ),
        ("gemini-1.*", None),
        ("gemini-1-*", None),
        ("gemini-2.*", None),
        ("gemini-2-*", None),
        ("gemini-*", Some(LEVELS)),
    ],
    model_prefix: "models/",
    thought_signatures: true,
    unsigned_models: &[
        "gemini-1.*",
        "gemini-1-*",
        "gemini-2.*",
        "gemini-2-*",
        "gemma*",
    ],
    thoughts: Thoughts::Flagged,
    output: OutputTokens::RestOfTotal,
    citation_markers: false,
};
