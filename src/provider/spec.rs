//! What one provider wants: facts, as data.

use super::chat_profile::ChatProfile;
use super::path::Path;
use crate::endpoint::Endpoint;

/// How a provider takes its credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuthScheme {
    /// `authorization: Bearer KEY`
    Bearer,
    /// `x-api-key: KEY`
    XApiKey,
    /// `x-goog-api-key: KEY`
    XGoogApiKey,
    /// SigV4, or a Bedrock API key as bearer.
    Aws,
}

/// How a provider's streams are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Server-sent events.
    Sse,
    /// AWS's event stream: a frame is an event.
    EventStream,
    /// AWS's event stream, in whose frames another vendor's events are wrapped.
    InvokeChunks,
}

/// How one endpoint is served by one provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    /// The provider speaks the client's format: bytes pass through.
    Passthrough {
        /// Appended to the base URL's path.
        path: Path,
    },
    /// The formats differ.
    Convert {
        pair: Pair,
        /// Appended to the base URL's path.
        path: Path,
    },
    /// The provider has nothing of the kind, or this version cannot reach it.
    Unavailable,
}

/// A conversion, named client format first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pair {
    ChatToInvoke,
    ChatToConverse,
    ChatToGemini,
    ChatToMessages,
    /// The same format in AWS's envelope.
    MessagesToInvoke,
    /// Counting the tokens of a request instead of sending it.
    CountOnInvoke,
    CountOnConverse,
    ResponsesToInvoke,
    MessagesToChat,
    MessagesToConverse,
    MessagesToGemini,
    ResponsesToConverse,
    ResponsesToGemini,
    ResponsesToMessages,
    ResponsesToChat,
    MessagesToResponses,
}

/// Another API of a provider's, for the requests that an endpoint's own cell cannot serve.
#[derive(Debug)]
pub(crate) struct Native {
    /// Appended to the base URL's path.
    pub(crate) path: Path,
    pub(crate) auth: AuthScheme,
    /// `chat`, `responses`, `messages`.
    pub(crate) pairs: [Option<NativePair>; 3],
}

/// A conversion to another API of a provider's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NativePair {
    pub(crate) pair: Pair,
    /// Whether a request, whose body was scanned, needs it.
    pub(crate) wanted: fn(&[u8]) -> bool,
}

/// The facts about one provider.
#[derive(Debug)]
pub(crate) struct Spec {
    pub(crate) id: &'static str,
    /// What OpenTelemetry's conventions for generative AI call it: `gen_ai.provider.name`.
    #[cfg_attr(not(feature = "otel"), expect(dead_code, reason = "nobody is told"))]
    pub(crate) telemetry: &'static str,
    /// Where the provider lives; `None` where a connection must say so.
    pub(crate) base_url: Option<&'static str>,
    /// An ending of the base URL's path that is tolerated because users write it, and removed.
    pub(crate) base_suffix: &'static str,
    pub(crate) auth: AuthScheme,
    /// How its streams are framed, but for those that say of themselves that they are server-sent events.
    pub(crate) framing: Framing,
    /// Whether the provider wants a credential at all.
    pub(crate) needs_key: bool,
    /// The client's headers that belong to this provider and go to it, and to no other.
    pub(crate) client_headers: &'static [&'static str],
    /// The header in which it names its own id of a call.
    pub(crate) request_id: &'static str,
    /// `chat`, `responses`, `messages`, `count_tokens`.
    pub(crate) cells: [Cell; 4],
    /// Another API of its own, which some requests need.
    pub(crate) native: Option<&'static Native>,
    /// What its Chat Completions endpoint takes, where converters write for it.
    pub(crate) chat: Option<&'static ChatProfile>,
}

impl Spec {
    /// How a request to `endpoint` is served, and whether by the provider's native API. `body` was scanned already.
    pub(crate) fn serve(&self, endpoint: Endpoint, body: &[u8]) -> (Cell, bool) {
        if let Some(Native { path, pairs, .. }) = self.native {
            let [chat, responses, messages] = *pairs;
            let native = match endpoint {
                Endpoint::Chat => chat,
                Endpoint::Responses => responses,
                Endpoint::Messages => messages,
                Endpoint::CountTokens => None,
            };
            if let Some(NativePair { pair, wanted }) = native
                && wanted(body)
            {
                return (Cell::Convert { pair, path: *path }, true);
            }
        }
        (self.cell(endpoint), false)
    }

    /// How requests to `endpoint` are usually served.
    pub(crate) fn cell(&self, endpoint: Endpoint) -> Cell {
        let [chat, responses, messages, count_tokens] = self.cells;
        match endpoint {
            Endpoint::Chat => chat,
            Endpoint::Responses => responses,
            Endpoint::Messages => messages,
            Endpoint::CountTokens => count_tokens,
        }
    }
}
