//! The shape of a stream conversion: a machine without IO.

use bytes::BytesMut;
use http::StatusCode;

use crate::call::FailureClass;
use crate::endpoint::Format;
use crate::format::error::{ClientError, Fault};
use crate::usage::Usage;

/// The vocabulary of a provider's stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// OpenAI's Chat Completions.
    Chat,
    /// OpenAI's Responses.
    Responses,
    /// Anthropic's Messages.
    Messages,
    /// AWS's Converse.
    Converse,
    /// Google's `generateContent`.
    Gemini,
}

impl From<Format> for Dialect {
    fn from(format: Format) -> Self {
        match format {
            Format::Chat => Self::Chat,
            Format::Responses => Self::Responses,
            Format::Messages => Self::Messages,
        }
    }
}

/// Whether a machine wants more events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// More events are welcome.
    Continue,
    /// The client's stream is complete: whatever the provider still sends is ignored.
    Done,
}

/// Turns one provider's stream events into the client's, whatever carried them (SSE, AWS event stream …).
///
/// Total: any event in any order gives a legal sequence in the client's format, and never a panic.
pub(crate) trait Machine: Send {
    /// Takes one event: its name (empty where the framing has none) and its data, and appends the client's events to `out`.
    ///
    /// # Errors
    /// The provider reported an error, or sent what cannot be understood. Nothing was appended for it: the caller either
    /// makes a plain HTTP error of it (nothing went to the client yet) or calls [`Machine::fail`].
    fn event(&mut self, name: &str, data: &[u8], out: &mut BytesMut) -> Result<Flow, StreamError>;

    /// The provider's stream ended cleanly: writes what completes the client's stream.
    ///
    /// # Errors
    /// The stream was not complete; see [`StreamError::ended`].
    fn finish(&mut self, out: &mut BytesMut) -> Result<(), StreamError>;

    /// Ends the client's stream with `error`, in the client's format; nothing follows it.
    fn fail(&mut self, error: &StreamError, out: &mut BytesMut);

    /// The tokens seen so far.
    fn usage(&self) -> Usage;
}

/// An error inside a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamError {
    /// The provider's own status for it, where it said one or its error type implies one: what a retry is decided by.
    pub(crate) upstream_status: Option<StatusCode>,
    /// What it means for another try, where the status says too little.
    pub(crate) class: Option<FailureClass>,
    /// The error as the client sees it; its status is used where no byte went to the client yet.
    pub(crate) error: ClientError,
}

impl StreamError {
    /// The provider sent something that cannot be understood.
    pub(crate) fn malformed(format: Format, what: &'static str) -> Self {
        Self {
            upstream_status: None,
            class: None,
            error: ClientError::gateway(format, Fault::BadGateway, what),
        }
    }

    /// The provider's stream ended before it was complete.
    pub(crate) fn ended(format: Format) -> Self {
        Self {
            upstream_status: None,
            class: None,
            error: ClientError::gateway(
                format,
                Fault::StreamEnded,
                "upstream stream ended before completion",
            ),
        }
    }
}
