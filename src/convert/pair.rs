//! The pairs of formats: one arm for each.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};

use super::anthropic_error;
use super::bedrock_error;
use super::chat_in;
use super::chat_to_converse::{self, state::State as ChatToConverse};
use super::chat_to_gemini::{self, state::State as ChatToGemini};
use super::chat_to_messages::{self, state::State as ChatToMessages};
use super::context::{AnswerContext, ConvertedAnswer, ConvertedRequest, RequestContext};
use super::gemini_in;
use super::invoke::{self, count};
use super::machine::{Dialect, Machine};
use super::messages_to_chat::{self, state::State as MessagesToChat};
use super::messages_to_converse::{self, state::State as MessagesToConverse};
use super::messages_to_gemini::{self, state::State as MessagesToGemini};
use super::messages_to_responses::{self, state::State as MessagesToResponses};
use super::rate_limit;
use super::report::Refusal;
use super::responses_to_chat::{self, state::State as ResponsesToChat};
use super::responses_to_converse::{self, state::State as ResponsesToConverse};
use super::responses_to_gemini::{self, state::State as ResponsesToGemini};
use super::responses_to_messages::{self, state::State as ResponsesToMessages};
use crate::endpoint::Format;
use crate::format::error::ClientError;
use crate::provider::spec::Pair;
use crate::usage::Usage;

/// A conversion under way: the pair, and what its answer needs to know of the request.
#[derive(Debug, Clone)]
pub(crate) enum Conversion {
    /// Counting tokens: the answer is a number.
    Count,
    MessagesToInvoke,
    ChatToConverse(ChatToConverse),
    ChatToGemini(ChatToGemini),
    ChatToMessages(ChatToMessages),
    MessagesToChat(MessagesToChat),
    MessagesToConverse(MessagesToConverse),
    MessagesToGemini(MessagesToGemini),
    MessagesToResponses(MessagesToResponses),
    ResponsesToChat(ResponsesToChat),
    ResponsesToConverse(ResponsesToConverse),
    ResponsesToGemini(ResponsesToGemini),
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
            Pair::CountOnConverse | Pair::CountOnInvoke => Ok(ConvertedRequest {
                body: match pair {
                    Pair::CountOnConverse => {
                        messages_to_converse::request::convert_count(body, cx)?
                    }
                    _ => count::on_invoke(body, cx)?,
                },
                headers: Vec::new(),
                state: Self::Count,
            }),
            Pair::MessagesToInvoke => {
                let ConvertedRequest { body, headers, .. } = invoke::request::convert(body, cx)?;
                Ok(ConvertedRequest {
                    body,
                    headers,
                    state: Self::MessagesToInvoke,
                })
            }
            Pair::ChatToInvoke => {
                let converted = Self::request(Pair::ChatToMessages, body, cx)?;
                invoke::request::of_chat(converted, body, cx)
            }
            Pair::ResponsesToInvoke => {
                let converted = Self::request(Pair::ResponsesToMessages, body, cx)?;
                invoke::request::of_responses(converted, body, cx)
            }
            Pair::ChatToConverse => {
                let ConvertedRequest {
                    body,
                    headers,
                    state,
                } = chat_to_converse::request::convert(body, cx)?;
                Ok(ConvertedRequest {
                    body,
                    headers,
                    state: Self::ChatToConverse(state),
                })
            }
            Pair::ChatToGemini => {
                let ConvertedRequest {
                    body,
                    headers,
                    state,
                } = chat_to_gemini::request::convert(body, cx)?;
                Ok(ConvertedRequest {
                    body,
                    headers,
                    state: Self::ChatToGemini(state),
                })
            }
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
            Pair::MessagesToChat => {
                let ConvertedRequest {
                    body,
                    headers,
                    state,
                } = messages_to_chat::request::convert(body, cx)?;
                Ok(ConvertedRequest {
                    body,
                    headers,
                    state: Self::MessagesToChat(state),
                })
            }
            Pair::MessagesToConverse => {
                let ConvertedRequest {
                    body,
                    headers,
                    state,
                } = messages_to_converse::request::convert(body, cx)?;
                Ok(ConvertedRequest {
                    body,
                    headers,
                    state: Self::MessagesToConverse(state),
                })
            }
            Pair::MessagesToGemini => {
                let ConvertedRequest {
                    body,
                    headers,
                    state,
                } = messages_to_gemini::request::convert(body, cx)?;
                Ok(ConvertedRequest {
                    body,
                    headers,
                    state: Self::MessagesToGemini(state),
                })
            }
            Pair::MessagesToResponses => {
                let ConvertedRequest {
                    body,
                    headers,
                    state,
                } = messages_to_responses::request::convert(body, cx)?;
                Ok(ConvertedRequest {
                    body,
                    headers,
                    state: Self::MessagesToResponses(state),
                })
            }
            Pair::ResponsesToChat => {
                let ConvertedRequest {
                    body,
                    headers,
                    state,
                } = responses_to_chat::request::convert(body, cx)?;
                Ok(ConvertedRequest {
                    body,
                    headers,
                    state: Self::ResponsesToChat(state),
                })
            }
            Pair::ResponsesToConverse => {
                let ConvertedRequest {
                    body,
                    headers,
                    state,
                } = responses_to_converse::request::convert(body, cx)?;
                Ok(ConvertedRequest {
                    body,
                    headers,
                    state: Self::ResponsesToConverse(state),
                })
            }
            Pair::ResponsesToGemini => {
                let ConvertedRequest {
                    body,
                    headers,
                    state,
                } = responses_to_gemini::request::convert(body, cx)?;
                Ok(ConvertedRequest {
                    body,
                    headers,
                    state: Self::ResponsesToGemini(state),
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

    /// The vocabulary of the provider's stream.
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::ChatToGemini(_) | Self::MessagesToGemini(_) | Self::ResponsesToGemini(_) => {
                Dialect::Gemini
            }
            Self::MessagesToChat(_) | Self::ResponsesToChat(_) => Dialect::Chat,
            Self::ChatToConverse(_)
            | Self::MessagesToConverse(_)
            | Self::ResponsesToConverse(_) => Dialect::Converse,
            Self::MessagesToResponses(_) => Dialect::Responses,
            Self::ChatToMessages(_)
            | Self::ResponsesToMessages(_)
            | Self::MessagesToInvoke
            | Self::Count => Dialect::Messages,
        }
    }

    /// Converts a whole answer.
    pub(crate) fn answer(
        &self,
        body: &[u8],
        cx: AnswerContext,
    ) -> Result<ConvertedAnswer, ClientError> {
        match self {
            Self::Count => count::answer(body),
            Self::MessagesToInvoke => invoke::response::convert(body),
            Self::ChatToConverse(state) => chat_to_converse::response::convert(body, state, cx),
            Self::ChatToGemini(state) => chat_to_gemini::response::convert(body, state, cx),
            Self::ChatToMessages(state) => chat_to_messages::response::convert(body, state, cx),
            Self::MessagesToChat(state) => messages_to_chat::response::convert(body, state, cx),
            Self::MessagesToConverse(state) => {
                messages_to_converse::response::convert(body, state, cx)
            }
            Self::MessagesToGemini(state) => messages_to_gemini::response::convert(body, state, cx),
            Self::MessagesToResponses(state) => {
                messages_to_responses::response::convert(body, state, cx)
            }
            Self::ResponsesToChat(state) => responses_to_chat::response::convert(body, state, cx),
            Self::ResponsesToConverse(state) => {
                responses_to_converse::response::convert(body, state, cx)
            }
            Self::ResponsesToGemini(state) => {
                responses_to_gemini::response::convert(body, state, cx)
            }
            Self::ResponsesToMessages(state) => {
                responses_to_messages::response::convert(body, state, cx)
            }
        }
    }

    /// Whether whole answers become streams where the client asked for one; else they pass as they are.
    pub(crate) fn replays(&self) -> bool {
        !matches!(self, Self::Count | Self::MessagesToInvoke)
    }

    /// Writes a whole answer as the stream that the client asked for.
    pub(crate) fn replay(
        &self,
        body: &[u8],
        cx: AnswerContext,
        out: &mut BytesMut,
    ) -> Result<Usage, ClientError> {
        match self {
            Self::Count | Self::MessagesToInvoke => {
                let answer = self.answer(body, cx)?;
                out.extend_from_slice(&answer.body);
                Ok(answer.usage)
            }
            Self::ChatToConverse(state) => {
                chat_to_converse::stream::replay(body, state.clone(), cx, out)
            }
            Self::ChatToGemini(state) => {
                chat_to_gemini::stream::replay(body, state.clone(), cx, out)
            }
            Self::ChatToMessages(state) => {
                chat_to_messages::stream::replay(body, state.clone(), cx, out)
            }
            Self::MessagesToChat(state) => {
                messages_to_chat::stream::replay(body, state.clone(), cx, out)
            }
            Self::MessagesToConverse(state) => {
                messages_to_converse::stream::replay(body, state.clone(), cx, out)
            }
            Self::MessagesToGemini(state) => {
                messages_to_gemini::stream::replay(body, state.clone(), cx, out)
            }
            Self::MessagesToResponses(state) => {
                messages_to_responses::stream::replay(body, state.clone(), cx, out)
            }
            Self::ResponsesToChat(state) => {
                responses_to_chat::response::replay(body, state, cx, out)
            }
            Self::ResponsesToConverse(state) => {
                responses_to_converse::response::replay(body, state, cx, out)
            }
            Self::ResponsesToGemini(state) => {
                responses_to_gemini::response::replay(body, state, cx, out)
            }
            Self::ResponsesToMessages(state) => {
                responses_to_messages::response::replay(body, state.clone(), cx, out)
            }
        }
    }

    /// The machine that converts a stream; what it holds back is bounded by `limit` bytes.
    pub(crate) fn machine(self, cx: AnswerContext, limit: usize) -> Box<dyn Machine> {
        match self {
            Self::Count | Self::MessagesToInvoke => Box::new(invoke::stream::Events::new()),
            Self::ChatToConverse(state) => Box::new(chat_to_converse::stream::ConverseToChat::new(
                state, cx, limit,
            )),
            Self::ChatToGemini(state) => {
                Box::new(chat_to_gemini::stream::GeminiToChat::new(state, cx, limit))
            }
            Self::ChatToMessages(state) => Box::new(
                chat_to_messages::stream::MessagesToChat::new(state, cx).with_held_limit(limit),
            ),
            Self::MessagesToChat(state) => Box::new(messages_to_chat::stream::ChatToMessages::new(
                state, cx, limit,
            )),
            Self::MessagesToConverse(state) => Box::new(
                messages_to_converse::stream::ConverseToMessages::new(state, cx, limit),
            ),
            Self::MessagesToGemini(state) => Box::new(
                messages_to_gemini::stream::GeminiToMessages::new(state, cx, limit),
            ),
            Self::MessagesToResponses(state) => Box::new(
                messages_to_responses::stream::ResponsesToMessages::new(state, cx)
                    .with_held_limit(limit),
            ),
            Self::ResponsesToChat(state) => Box::new(
                responses_to_chat::stream::ChatToResponses::new(state, cx, limit),
            ),
            Self::ResponsesToConverse(state) => Box::new(
                responses_to_converse::stream::ConverseToResponses::new(state, cx, limit),
            ),
            Self::ResponsesToGemini(state) => Box::new(
                responses_to_gemini::stream::GeminiToResponses::new(state, cx, limit),
            ),
            Self::ResponsesToMessages(state) => Box::new(
                responses_to_messages::stream::MessagesToResponses::new(state, cx)
                    .with_held_limit(limit),
            ),
        }
    }

    /// Converts an error answer; some providers name the error in a header.
    pub(crate) fn error(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> ClientError {
        match self {
            Self::ChatToConverse(_) => bedrock_error::convert(status, headers, body, Format::Chat),
            Self::ChatToGemini(_) => gemini_in::convert_error(status, body, Format::Chat),
            Self::ChatToMessages(_) | Self::ResponsesToMessages(_) => {
                anthropic_error::convert(status, body)
            }
            Self::MessagesToChat(state) => messages_to_chat::error::convert(status, body, state),
            Self::Count | Self::MessagesToConverse(_) | Self::MessagesToInvoke => {
                bedrock_error::convert(status, headers, body, Format::Messages)
            }
            Self::ResponsesToConverse(_) => {
                bedrock_error::convert(status, headers, body, Format::Responses)
            }
            Self::MessagesToGemini(_) => gemini_in::convert_error(status, body, Format::Messages),
            Self::ResponsesToGemini(_) => gemini_in::convert_error(status, body, Format::Responses),
            Self::MessagesToResponses(_) => messages_to_responses::error::convert(status, body),
            Self::ResponsesToChat(state) => {
                chat_in::error::convert(status, body, state.origin.provider, Format::Responses)
            }
        }
    }

    /// Translates the provider's rate-limit headers.
    pub(crate) fn rate_limits(&self, upstream: &HeaderMap, now: u64, out: &mut HeaderMap) {
        match self {
            Self::ChatToMessages(_) | Self::ResponsesToMessages(_) => {
                rate_limit::anthropic_to_openai(upstream, now, out)
            }
            // OpenAI's own headers go on as they are; Bedrock and Google have none.
            Self::ChatToConverse(_)
            | Self::ChatToGemini(_)
            | Self::Count
            | Self::MessagesToChat(_)
            | Self::MessagesToConverse(_)
            | Self::MessagesToGemini(_)
            | Self::MessagesToInvoke
            | Self::ResponsesToChat(_)
            | Self::ResponsesToConverse(_)
            | Self::ResponsesToGemini(_) => {}
            Self::MessagesToResponses(_) => rate_limit::openai_to_anthropic(upstream, now, out),
        }
    }
}
