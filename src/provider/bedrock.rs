//! AWS Bedrock: Converse, and InvokeModel with Anthropic bodies. No cell is served in this version.

use super::spec::{AuthScheme, Cell, Framing, Spec};

pub(crate) static CONVERSE: Spec = spec("aws-bedrock", Framing::EventStream);
pub(crate) static INVOKE: Spec = spec("aws-bedrock-invoke", Framing::InvokeChunks);

const fn spec(id: &'static str, framing: Framing) -> Spec {
    Spec {
        id,
        base_url: None,
        base_suffix: "",
        auth: AuthScheme::Aws,
        framing,
        needs_key: true,
        client_headers: &[],
        request_id: "x-amzn-requestid",
        cells: [Cell::Unavailable; 4],
        chat: None,
    }
}
