//! Any other server with OpenAI's `/chat/completions` (vLLM, Ollama, OpenRouter …).

use super::spec::{AuthScheme, Cell, Spec};

pub(crate) static SPEC: Spec = Spec {
    id: "openai-compatible",
    base_url: None,
    base_suffix: "",
    auth: AuthScheme::Bearer,
    needs_key: false,
    client_headers: &[],
    request_id: "x-request-id",
    cells: [
        Cell::Passthrough {
            path: "/chat/completions",
        },
        Cell::Unavailable,
        Cell::Unavailable,
        Cell::Unavailable,
    ],
};
