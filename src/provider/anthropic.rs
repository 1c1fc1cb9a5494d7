//! Anthropic. Sources: Anthropic API reference, "Messages", "Versions", "Beta headers".

use super::path::Path;
use super::spec::{AuthScheme, Cell, Framing, Pair, Spec};

/// The version that requests carry where nobody says another: the last one that takes sampling parameters.
pub(crate) const VERSION: &str = "2023-06-01";

pub(crate) static SPEC: Spec = Spec {
    id: "anthropic",
    telemetry: "anthropic",
    base_url: Some("https://api.anthropic.com"),
    base_suffix: "/v1",
    auth: AuthScheme::XApiKey,
    framing: Framing::Sse,
    needs_key: true,
    client_headers: &["anthropic-beta", "anthropic-version", "idempotency-key"],
    request_id: "request-id",
    cells: [
        Cell::Convert {
            pair: Pair::ChatToMessages,
            path: Path::Fixed("/v1/messages"),
        },
        Cell::Convert {
            pair: Pair::ResponsesToMessages,
            path: Path::Fixed("/v1/messages"),
        },
        Cell::Passthrough {
            path: Path::Fixed("/v1/messages"),
        },
        Cell::Passthrough {
            path: Path::Fixed("/v1/messages/count_tokens"),
        },
    ],
    native: None,
    chat: None,
};
