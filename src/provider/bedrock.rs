//! AWS Bedrock: Converse, and InvokeModel with Anthropic bodies. No cell is served in this version.

use super::spec::{AuthScheme, Cell, Spec};

pub(crate) static CONVERSE: Spec = spec("aws-bedrock");
pub(crate) static INVOKE: Spec = spec("aws-bedrock-invoke");

const fn spec(id: &'static str) -> Spec {
    Spec {
        id,
        base_url: None,
        base_suffix: "",
        auth: AuthScheme::Aws,
        needs_key: true,
        client_headers: &[],
        request_id: "x-amzn-requestid",
        cells: [Cell::Unavailable; 4],
        native: None,
        chat: None,
    }
}
