//! OpenAI. Sources: OpenAI API reference, "Chat", "Responses", "Authentication".

use super::path::Path;
use super::spec::{AuthScheme, Cell, Framing, Pair, Spec};

pub(crate) static SPEC: Spec = Spec {
    id: "openai",
    telemetry: "openai",
    base_url: Some("https://api.openai.com/v1"),
    base_suffix: "",
    auth: AuthScheme::Bearer,
    framing: Framing::Sse,
    needs_key: true,
    client_headers: &[
        "openai-beta",
        "openai-organization",
        "openai-project",
        "idempotency-key",
    ],
    request_id: "x-request-id",
    cells: [
        Cell::Passthrough {
            path: Path::Fixed("/chat/completions"),
        },
        Cell::Passthrough {
            path: Path::Fixed("/responses"),
        },
        Cell::Convert {
            pair: Pair::MessagesToResponses,
            path: Path::Fixed("/responses"),
        },
        Cell::Unavailable,
    ],
    native: None,
    chat: None,
};
