//! What a frame says, in the words of AWS services.

use super::decoder::Frame;

/// What a frame says, by its headers `:message-type`, `:event-type`, `:exception-type`, `:error-code` and `:error-message`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// An event. What is neither of the other two counts as one.
    Event {
        /// `:event-type`; empty where there is none.
        name: &'a str,
        /// Mostly JSON.
        payload: &'a [u8],
    },
    /// An error that the service's model knows. It ends the stream.
    Exception {
        /// `:exception-type`; empty where there is none.
        name: &'a str,
        /// Mostly JSON.
        payload: &'a [u8],
    },
    /// Any other error. It ends the stream.
    Error {
        /// `:error-code`; empty where there is none.
        code: &'a str,
        /// `:error-message`; empty where there is none.
        message: &'a str,
    },
}

impl<'a> Frame<'a> {
    /// What the frame says.
    #[must_use]
    pub fn message(&self) -> Message<'a> {
        let text = |name| self.headers.text(name).unwrap_or_default();
        match text(":message-type") {
            "exception" => Message::Exception {
                name: text(":exception-type"),
                payload: self.payload,
            },
            "error" => Message::Error {
                code: text(":error-code"),
                message: text(":error-message"),
            },
            _ => Message::Event {
                name: text(":event-type"),
                payload: self.payload,
            },
        }
    }
}
