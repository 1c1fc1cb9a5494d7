//! What goes wrong on demand, beyond what goes wrong everywhere.
//!
//! `demo:throw-NAME` (an exception of this name as the answer), `demo:first-NAME` and `demo:middle-NAME` (a member of the stream that is
//! an exception, first or in the middle), and for the middle of a stream also `unmodelled` (an error of no name), `event` (an exception that
//! calls itself an event), `payload`, `prelude`, `length` (broken messages) and `frame` (an end inside of a message).

use http::StatusCode;
use serde_json::{Value, json};

use super::super::answer::Trouble;
use super::super::check::Refusal;
use super::frame::{self, Damage};

/// The exceptions of the Bedrock runtime: name, status, and whether streams have them.
const EXCEPTIONS: &[(&str, u16, bool)] = &[
    ("AccessDeniedException", 403, false),
    ("ExpiredTokenException", 403, false),
    ("InternalServerException", 500, true),
    ("ModelErrorException", 424, false),
    ("ModelNotReadyException", 429, false),
    ("ModelStreamErrorException", 424, true),
    ("ModelTimeoutException", 408, true),
    ("ResourceNotFoundException", 404, false),
    ("ServiceQuotaExceededException", 400, false),
    ("ServiceUnavailableException", 503, true),
    ("ThrottlingException", 429, true),
    ("UnrecognizedClientException", 403, false),
    ("ValidationException", 400, true),
];

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An error response.
    Throw(&'static str, u16),
    /// This exception is all that the stream has.
    First(&'static str),
    /// This exception ends the stream in its middle.
    Middle(&'static str),
    Unmodelled,
    /// An exception that is sent as if it were an event.
    Event,
    Damage(Damage),
    /// An end between two messages.
    Cut,
    /// An end inside of a message.
    Frame,
}

/// What a text asks to go wrong, in these words or in those of every dialect.
pub(crate) fn fault(last_user: &str, trouble: Option<Trouble>) -> Option<Fault> {
    let named = last_user.split_whitespace().find_map(|word| {
        let word = word.strip_prefix("demo:")?;
        let exception = |name: &str| {
            let found = EXCEPTIONS
                .iter()
                .find(|(known, ..)| known.eq_ignore_ascii_case(name));
            found.map(|(name, status, _)| (*name, *status))
        };
        if let Some(name) = word.strip_prefix("throw-") {
            return exception(name).map(|(name, status)| Fault::Throw(name, status));
        }
        if let Some(name) = word.strip_prefix("first-") {
            return exception(name).map(|(name, _)| Fault::First(name));
        }
        Some(match word.strip_prefix("middle-")? {
            "unmodelled" => Fault::Unmodelled,
            "event" => Fault::Event,
            "payload" => Fault::Damage(Damage::Payload),
            "prelude" => Fault::Damage(Damage::Prelude),
            "length" => Fault::Damage(Damage::Length),
            "frame" => Fault::Frame,
            name => return exception(name).map(|(name, _)| Fault::Middle(name)),
        })
    });
    let common = trouble.map(|trouble| match trouble {
        Trouble::Overloaded => Fault::Throw("ServiceUnavailableException", 503),
        Trouble::RateLimit => Fault::Throw("ThrottlingException", 429),
        Trouble::ErrorEvent => Fault::Middle("ModelStreamErrorException"),
        Trouble::FirstEventError => Fault::First("ServiceUnavailableException"),
        Trouble::Cut => Fault::Cut,
    });
    named.or(common)
}

/// What an exception says.
fn words(name: &str) -> Value {
    let message = match name {
        "ThrottlingException" => "Too many requests, please wait before trying again.",
        "ServiceUnavailableException" => "Bedrock is unable to process your request.",
        "ModelStreamErrorException" => {
            return json!({
                "message": "The model returned an error while streaming.",
                "originalStatusCode": 500, "originalMessage": "The demo was asked to fail.",
            });
        }
        "ValidationException" => "The demo was asked to refuse this.",
        _ => "The demo was asked to fail.",
    };
    json!({"message": message})
}

/// `ThrottlingException` as `throttlingException`.
fn member(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("{}{rest}", first.to_ascii_lowercase())
}

impl Fault {
    /// The error response, when it is to be one. A stream that cannot have this exception answers with it, too.
    pub(crate) fn refusal(self, is_streamed: bool) -> Option<Refusal> {
        let of = |name: &'static str, status: u16| {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let message = words(name);
            Refusal::new(
                status,
                name,
                message["message"].as_str().unwrap_or_default(),
            )
        };
        match self {
            Self::Throw(name, status) => Some(of(name, status)),
            Self::First(name) | Self::Middle(name) => {
                let (name, status, streams) =
                    EXCEPTIONS.iter().find(|(known, ..)| *known == name)?;
                (is_streamed && !streams).then(|| of(name, *status))
            }
            _ => None,
        }
    }

    /// The stream with it.
    pub(super) fn apply(self, mut frames: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let half = frames.len().div_ceil(2);
        let next = frames.get(half).cloned().unwrap_or_default();
        let end = match self {
            Self::Throw(..) => return frames,
            Self::First(name) => return vec![frame::exception(&member(name), &words(name))],
            Self::Middle(name) => frame::exception(&member(name), &words(name)),
            Self::Unmodelled => frame::error("InternalFailure", "The demo was asked to fail."),
            Self::Event => frame::event("throttlingException", &words("ThrottlingException")),
            Self::Damage(how) => frame::damage(next, how),
            Self::Cut => Vec::new(),
            Self::Frame => next.get(..next.len() / 2).unwrap_or_default().to_vec(),
        };
        frames.truncate(half);
        if !end.is_empty() {
            frames.push(end);
        }
        frames
    }
}
