//! The error of the layers below `RouteLayer`, and how failures are classed.

use std::error::Error as StdError;
use std::fmt;

/// A boxed error, as Tower's layers pass it.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// How far a call to a provider got: what decides whether it may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// Nothing of the request was processed: no connection, or the peer refused it unread. Always safe to send again.
    NeverSent,
    /// The service around the HTTP client takes no more calls now (tower's `LoadShed`): nothing was sent.
    Overloaded,
    /// The connection broke before an answer's head, which a reused connection does when the peer had just closed it.
    Incomplete,
    /// The request may have been processed.
    Ambiguous,
    /// A time limit of the gateway passed while it waited for the provider.
    Timeout,
    /// The whole call's deadline passed: there is no time left for another try.
    Deadline,
    /// There are no credentials to authenticate to the provider with: nothing was sent.
    Credentials,
    /// The gateway stops: its owner ended the open calls.
    Stopping,
    /// The call has no meaning below this layer, such as a request without a target. A defect of the stack around it.
    Misuse,
}

/// Why a call to a provider gave no answer.
///
/// Says nothing of the request's content or of credentials; the client service's own error is its [`source`](StdError::source).
#[derive(Debug)]
pub struct Error {
    class: ErrorClass,
    what: &'static str,
    source: Option<BoxError>,
}

impl Error {
    /// An error of this class, raised by the HTTP client.
    #[must_use]
    pub fn new(class: ErrorClass, source: impl Into<BoxError>) -> Self {
        let what = match class {
            ErrorClass::NeverSent => "the provider could not be reached",
            ErrorClass::Overloaded => "too many calls are open",
            ErrorClass::Incomplete => "the connection to the provider broke before its answer",
            ErrorClass::Ambiguous => "the call to the provider failed",
            ErrorClass::Timeout | ErrorClass::Deadline => "the provider did not answer in time",
            ErrorClass::Credentials => "there are no credentials for the provider",
            ErrorClass::Stopping => "the gateway stops",
            ErrorClass::Misuse => "the gateway's layers are not assembled as they must be",
        };
        Self {
            class,
            what,
            source: Some(source.into()),
        }
    }

    pub(crate) fn plain(class: ErrorClass, what: &'static str) -> Self {
        Self {
            class,
            what,
            source: None,
        }
    }

    /// How far the call got.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        self.class
    }

    /// Whether a time limit passed.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.class, ErrorClass::Timeout | ErrorClass::Deadline)
    }

    /// Whether nothing of the request was processed.
    #[must_use]
    pub fn is_never_sent(&self) -> bool {
        matches!(
            self.class,
            ErrorClass::NeverSent | ErrorClass::Overloaded | ErrorClass::Credentials
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_ref()
            .map(|source| &**source as &(dyn StdError + 'static))
    }
}

/// An answer's body that could not be delivered whole.
#[derive(Debug)]
pub struct BodyError {
    what: &'static str,
    source: Option<BoxError>,
}

impl BodyError {
    pub(crate) fn new(what: &'static str, source: Option<BoxError>) -> Self {
        Self { what, source }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl StdError for BodyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_ref()
            .map(|source| &**source as &(dyn StdError + 'static))
    }
}

/// An error with all that is behind it, for logs.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn StdError + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
