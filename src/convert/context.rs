//! What a conversion knows besides the bytes it converts.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::report::LossReport;
use crate::models::Capabilities;
use crate::provider::Provider;
use crate::target::Options;

/// What a request conversion knows of its target.
#[derive(Debug)]
pub(crate) struct RequestContext<'a> {
    /// The model's id at the provider.
    pub(crate) model: &'a str,
    pub(crate) provider: Provider,
    /// The connection's and the target's switches.
    pub(crate) options: &'a Options,
    /// The client's headers.
    pub(crate) headers: &'a HeaderMap,
    /// What the model can do.
    pub(crate) capabilities: &'a Capabilities,
    /// Whether fields whose loss changes the meaning but which the specification lets an owner give up may be dropped
    /// (`lossy = "drop"`) instead of refused.
    pub(crate) lossy: bool,
    pub(crate) report: &'a mut LossReport,
}

/// A converted request.
#[derive(Debug)]
pub(crate) struct ConvertedRequest<S> {
    pub(crate) body: Bytes,
    /// Headers that the provider's format wants for this request (`anthropic-version`, `anthropic-beta` …).
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// What the conversion of the answer needs to know of the request.
    pub(crate) state: S,
}

/// What the conversion of an answer knows besides its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerContext {
    /// Unix seconds of the gateway's clock.
    pub(crate) now: u64,
    /// The provider's own id of the call, from its header: for answers that have none in their body.
    pub(crate) request_id: Option<UpstreamId>,
}

impl AnswerContext {
    /// An answer without an id in its header.
    pub(crate) const fn at(now: u64) -> Self {
        Self {
            now,
            request_id: None,
        }
    }
}

/// A provider's id of a call, fit to be part of an id in the client's format: at most [`UpstreamId::LONGEST`] letters and digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct UpstreamId {
    text: [u8; Self::LONGEST],
    len: usize,
}

impl UpstreamId {
    pub(crate) const LONGEST: usize = 64;

    /// The letters and digits of a header's value; `None` where it has none.
    pub(crate) fn read(value: &HeaderValue) -> Option<Self> {
        let mut id = Self {
            text: [0; Self::LONGEST],
            len: 0,
        };
        let usable = value
            .as_bytes()
            .iter()
            .filter(|b| b.is_ascii_alphanumeric());
        for (slot, byte) in id.text.iter_mut().zip(usable) {
            *slot = *byte;
            id.len += 1;
        }
        (id.len > 0).then_some(id)
    }

    pub(crate) fn as_str(&self) -> &str {
        self.text
            .get(..self.len)
            .and_then(|text| std::str::from_utf8(text).ok())
            .unwrap_or_default()
    }
}

impl std::fmt::Debug for UpstreamId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A converted answer.
#[derive(Debug)]
pub(crate) struct ConvertedAnswer {
    pub(crate) body: Bytes,
    pub(crate) usage: crate::usage::Usage,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_calls_are_cut_to_letters_and_digits() {
        let read = |text: &str| UpstreamId::read(&HeaderValue::from_str(text).unwrap());
        let uuid = read("3fa85f64-5717-4562-b3fc-2c963f66afa6").unwrap();
        assert_eq!(uuid.as_str(), "3fa85f6457174562b3fc2c963f66afa6");
        assert_eq!(read(&"a".repeat(100)).unwrap().as_str(), "a".repeat(64));
        assert!(read("-_\"").is_none());
    }
}
