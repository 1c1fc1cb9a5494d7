//! Google Gemini through its OpenAI-compatible endpoint. Source: Gemini API, "OpenAI compatibility".

use super::spec::{AuthScheme, Cell, Spec};

pub(crate) static SPEC: Spec = Spec {
    id: "gemini",
    base_url: Some("https://generativelanguage.googleapis.com/v1beta"),
    base_suffix: "/openai",
    auth: AuthScheme::Bearer,
    needs_key: true,
    client_headers: &[],
    request_id: "x-request-id",
    cells: [
        Cell::Passthrough {
            path: "/openai/chat/completions",
        },
        Cell::Unavailable,
        Cell::Unavailable,
        Cell::Unavailable,
    ],
};
