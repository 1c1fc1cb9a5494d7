//! Errors of Chat providers in Anthropic's words.

use http::StatusCode;

use super::state::State;
use crate::convert::chat_in;
use crate::endpoint::Format;
use crate::format::error::ClientError;

/// Converts the body of an answer with an error status.
pub(crate) fn convert(status: StatusCode, body: &[u8], state: &State) -> ClientError {
    chat_in::error::convert(status, body, state.origin.provider, Format::Messages)
}
