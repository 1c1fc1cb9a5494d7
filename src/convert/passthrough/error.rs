use crate::{endpoint::Format, format::error::ClientError, provider::Provider};
use bytes::Bytes;
use http::StatusCode;
pub(crate) fn rewrite(_: Format, _: Provider, _: StatusCode, _: &[u8]) -> Option<ClientError> {
    None
}
pub(crate) fn redacted(body: &Bytes) -> Bytes {
    body.clone()
}
