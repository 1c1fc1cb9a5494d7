//! The endpoints that clients call, and the formats they speak.

use std::fmt;

use http::{HeaderMap, Uri};

/// The format that a client speaks: its requests, answers, stream events and error bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// OpenAI Chat Completions.
    Chat,
    /// OpenAI Responses.
    Responses,
    /// Anthropic Messages.
    Messages,
}

impl Format {
    /// What the client of a request speaks: by its path, and where that is unknown by the header that only Anthropic's have.
    pub(crate) fn of_request(uri: &Uri, headers: &HeaderMap) -> Self {
        match Endpoint::from_path(uri.path()) {
            Some(endpoint) => endpoint.format(),
            None if headers.contains_key("anthropic-version") => Self::Messages,
            None => Self::Chat,
        }
    }
}

/// An endpoint of the gateway, one for each path that clients `POST` to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `POST /v1/chat/completions`
    Chat,
    /// `POST /v1/responses`
    Responses,
    /// `POST /v1/messages`
    Messages,
    /// `POST /v1/messages/count_tokens`
    CountTokens,
}

impl Endpoint {
    /// Every endpoint.
    pub const ALL: [Self; 4] = [
        Self::Chat,
        Self::Responses,
        Self::Messages,
        Self::CountTokens,
    ];

    /// The endpoint at `path` (without the query string), if there is one.
    #[must_use]
    pub fn from_path(path: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|endpoint| endpoint.path() == path)
    }

    /// The path that clients call.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Responses => "/v1/responses",
            Self::Messages => "/v1/messages",
            Self::CountTokens => "/v1/messages/count_tokens",
        }
    }

    /// Its word in logs and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
            Self::Messages => "messages",
            Self::CountTokens => "count_tokens",
        }
    }

    /// The format that clients of this endpoint speak.
    #[must_use]
    pub fn format(self) -> Format {
        match self {
            Self::Chat => Format::Chat,
            Self::Responses => Format::Responses,
            Self::Messages | Self::CountTokens => Format::Messages,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_leads_back_to_its_endpoint() {
        for endpoint in Endpoint::ALL {
            assert_eq!(Endpoint::from_path(endpoint.path()), Some(endpoint));
        }
        assert_eq!(Endpoint::from_path("/v1/embeddings"), None);
        assert_eq!(Endpoint::from_path("/v1/messages/"), None);
    }
}
