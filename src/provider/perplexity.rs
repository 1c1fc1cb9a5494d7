//! Perplexity. Source: Perplexity API reference, "Chat completions".

use super::spec::{AuthScheme, Cell, Spec};

pub(crate) static SPEC: Spec = Spec {
    id: "perplexity",
    base_url: Some("https://api.perplexity.ai"),
    base_suffix: "",
    auth: AuthScheme::Bearer,
    needs_key: true,
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
