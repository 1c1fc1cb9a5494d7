//! Errors of Google's native API in the client's words: they look as those of its OpenAI-compatible endpoint.

use std::borrow::Cow;

use http::StatusCode;
use serde_json::value::RawValue;

use super::Origin;
use crate::convert::chat_in;
use crate::convert::machine::StreamError;
use crate::endpoint::Format;
use crate::format::error::{ClientError, Fault};

/// Converts the body of an answer with an error status: an object, or a list that holds one.
pub(crate) fn convert(status: StatusCode, body: &[u8], client: Format) -> ClientError {
    let origin = Origin::new(client);
    chat_in::error::convert(status, body, origin.provider, client)
}

/// Converts an error that stands where a chunk should.
pub(super) fn in_stream(error: &RawValue, origin: Origin) -> StreamError {
    chat_in::error::in_stream(Some(error), origin.provider, origin.client)
}

/// Converts a list that holds an error; `None` where it is something else.
pub(super) fn in_list(data: &[u8], origin: Origin) -> Option<StreamError> {
    chat_in::error::in_list(data, origin.provider, origin.client)
}

/// What came is no answer.
pub(super) fn malformed(origin: Origin, what: &'static str) -> StreamError {
    StreamError::malformed(origin.client, what)
}

/// The model stopped with nothing to show for it: worth another try, where an empty answer would end an agent's work.
pub(super) fn failure(origin: Origin, code: &str, message: Option<&str>) -> StreamError {
    let message = match message {
        Some(message) => Cow::Owned(message.to_owned()),
        None => Cow::Owned(format!("the model gave no answer: {code}")),
    };
    let mut error = ClientError::gateway(origin.client, Fault::BadGateway, message);
    if error.code.is_some() {
        error.code = Some(Cow::Owned(code.to_ascii_lowercase()));
    }
    StreamError {
        upstream_status: None,
        class: None,
        error,
    }
}
