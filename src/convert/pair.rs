//! The pairs of formats: one arm for each.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};

use super::chat_to_messages::{self, state::State as ChatToMessages};
use super::context::{AnswerContext, ConvertedAnswer, ConvertedRequest, RequestContext};
use super::machine::Machine;
use super::report::Refusal;
use super::responses_to_messages::{self, state::State as ResponsesToMessages};
use crate::endpoint::Format;
use crate::format::error::ClientError;
use crate::provider::spec::Pair;
use crate::usage::Usage;

/// A conversion under way: the pair, and what its answer needs to know of the request.
#[derive(Debug, Clone)]
pub(crate) enum Conversion {
    ChatToMessages(ChatToMessages),
    ResponsesToMessages(ResponsesToMessages),
}

impl Conversion {
    /// Converts a request.
    pub(crate) fn request(
        pair: Pair,
        body: &[u8],
        cx: &mut RequestContext<'_>,
    ) -> Result<ConvertedRequest<Self>, Refusal> {
        match pair {
            Pair::ChatToMessages => {
                let ConvertedRequest {
                    body,
                    headers,
                    state,
                } = chat_to_messages::request::convert(body, cx)?;
                Ok(ConvertedRequest {
                    body,
                    headers,
                    state: Self::ChatToMessages(state),
                })
            }
            Pair::ResponsesToMessages => {
                let ConvertedRequest {
                    body,
                    headers,
                    state,
                } = responses_to_messages::request::convert(body, cx)?;
                Ok(ConvertedRequest {
                    body,
                    headers,
                    state: Self::ResponsesToMessages(state),
                })
            }
        }
    }

    /// The format that the provider answers in, as far as its stream's events are concerned.
    pub(crate) fn upstream_format(&self) -> Format {
        match self {
            Self::ChatToMessages(_) | Self::ResponsesToMessages(_) => Format::Messages,
        }
    }

    /// Converts a whole answer.
    pub(crate) fn answer(
        &self,
        body: &[u8],
        cx: AnswerContext,
    ) -> Result<ConvertedAnswer, ClientError> {
        match self {
            Self::ChatToMessages(state) => chat_to_messages::response::convert(body, state, cx),
            Self::ResponsesToMessages(state) => {
                responses_to_messages::response::convert(body, state, cx)
            }
        }
    }

    /// Writes a whole answer as the stream that the client asked for.
    pub(crate) fn replay(
        &self,
        body: &[u8],
        cx: AnswerContext,
        out: &mut BytesMut,
    ) -> Result<Usage, ClientError> {
        match self {
            Self::ChatToMessages(state) => {
                chat_to_messages::stream::replay(body, state.clone(), cx, out)
            }
            Self::ResponsesToMessages(state) => {
                responses_to_messages::response::replay(body, state.clone(), cx, out)
            }
        }
    }

    /// The machine that converts a stream; what it holds back is bounded by `limit` bytes.
    pub(crate) fn machine(self, cx: AnswerContext, limit: usize) -> Box<dyn Machine> {
        match self {
            Self::ChatToMessages(state) => Box::new(
                chat_to_messages::stream::MessagesToChat::new(state, cx).with_held_limit(limit),
            ),
            Self::ResponsesToMessages(state) => Box::new(
                responses_to_messages::stream::MessagesToResponses::new(state, cx)
                    .with_held_limit(limit),
            ),
        }
    }

    /// Converts an error answer.
    pub(crate) fn error(&self, status: StatusCode, body: &Bytes) -> ClientError {
        match self {
            Self::ChatToMessages(_) => chat_to_messages::error::convert(status, body),
            Self::ResponsesToMessages(_) => responses_to_messages::error::convert(status, body),
        }
    }

    /// Translates the provider's rate-limit headers.
    pub(crate) fn rate_limits(&self, upstream: &HeaderMap, now: u64, out: &mut HeaderMap) {
        match self {
            Self::ChatToMessages(_) => {
                chat_to_messages::error::rate_limit_headers(upstream, now, out)
            }
            Self::ResponsesToMessages(_) => {
                responses_to_messages::error::rate_limit_headers(upstream, now, out);
            }
        }
    }
}
