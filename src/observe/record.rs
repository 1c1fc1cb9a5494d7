//! What is known of a call when it is over.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::call::FailureClass;
use crate::convert::report::LossReport;
use crate::endpoint::Endpoint;
use crate::error::ErrorClass;
use crate::price::Dollars;
use crate::provider::Provider;
use crate::usage::Usage;

/// One call, from its arrival to the end of its answer. It holds neither content nor credentials.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CallRecord {
    /// The client's `x-request-id`, or the id that the gateway gave the call.
    pub request_id: String,
    /// The endpoint; `None` for a path that is none.
    pub endpoint: Option<Endpoint>,
    /// The name of the client key that was used, where there are keys.
    pub client: Option<Arc<str>>,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// The model as the client asked for it. A client can write anything here: no label for metrics.
    pub requested_model: Option<String>,
    /// The rule that the model was found by: the route's pattern, or `CONNECTION/*`.
    pub route: Option<Arc<str>>,
    /// The provider that the call was last sent to.
    pub provider: Option<Provider>,
    /// The connection that the call was last sent over.
    pub connection: Option<Arc<str>>,
    /// The model's id there.
    pub model: Option<Arc<str>>,
    /// The model that the provider says has answered.
    pub answered_model: Option<String>,
    /// The id of the answer in its body.
    pub answer_id: Option<String>,
    /// The status that the client got; `None` when it left before there was one.
    pub status: Option<StatusCode>,
    /// Every try, the targets that could not express the request included.
    pub attempts: Vec<AttemptRecord>,
    /// What the conversion could not carry exactly.
    pub report: Arc<LossReport>,
    /// The tokens, as far as the provider told them.
    pub usage: Usage,
    /// What the call cost: what the provider says, else what the price table says.
    pub cost: Option<Dollars>,
    /// Why the model stopped, in the words of the client's format.
    pub finish_reason: Option<String>,
    /// The client's tools that the model called.
    pub tool_calls: Vec<ToolCall>,
    /// From the arrival to the first event of a stream that says something; `None` for answers that are no streams.
    pub time_to_first_event: Option<Duration>,
    /// From the arrival to the end.
    pub duration: Duration,
    /// How the answer ended.
    pub end: End,
    /// The code or type of the error that a stream ended with.
    pub stream_error: Option<String>,
    /// Which try of the client's own this is, by its word (`x-stainless-retry-count`); 0 for the first.
    pub client_retry: u32,
    /// What the embedder attached; see [`CallOptions::tag`](crate::CallOptions::tag).
    pub tags: Vec<(Arc<str>, Arc<str>)>,
    /// See [`CallRecord::model_label`].
    pub(crate) model_label: Option<Arc<str>>,
}

impl CallRecord {
    /// Whether the client left before it had the whole answer.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.end == End::Cancelled
    }

    /// Whether the client has got a whole answer of success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.end == End::Complete && self.status.is_some_and(|status| status.is_success())
    }

    /// A name for the model that only the owner's configuration decides on, so that metrics can bear it as a label: the target's
    /// model id, else the rule's pattern (`claude-*`, `CONNECTION/*`). `None` for calls that found no target.
    #[must_use]
    pub fn model_label(&self) -> Option<&str> {
        self.model_label.as_deref()
    }

    /// Requests that were handed to the client service.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.sent).count()
    }
}

/// How an answer ended for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// The client got the whole answer; it may be an error answer.
    Complete,
    /// A stream ended with an error, or broke.
    Broken,
    /// The client left before.
    Cancelled,
}

impl End {
    /// Its word in logs and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Broken => "broken",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One try of a call.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AttemptRecord {
    /// The provider.
    pub provider: Provider,
    /// The connection.
    pub connection: Arc<str>,
    /// The model's id there.
    pub model: Arc<str>,
    /// Whether a request was handed to the client service.
    pub sent: bool,
    /// What came of it.
    pub result: AttemptResult,
    /// The provider's own status, where it gave one that is a failure.
    pub status: Option<StatusCode>,
    /// From the sending to the answer's head, or to the first event of a stream that is waited for; `None` while it is out.
    pub duration: Option<Duration>,
    /// See [`AttemptRecord::model_label`].
    pub(crate) model_label: Arc<str>,
}

impl AttemptRecord {
    /// A name for the model that can be a label of metrics; see [`CallRecord::model_label`].
    #[must_use]
    pub fn model_label(&self) -> &str {
        &self.model_label
    }
}

/// What came of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AttemptResult {
    /// No answer came while the try was waited for: the client left, or the call's time was over.
    Abandoned,
    /// The provider answered.
    Answered,
    /// It failed, as an answer.
    Failed(FailureClass),
    /// It failed without an answer.
    Error(ErrorClass),
}

impl AttemptResult {
    /// Its word in logs and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Abandoned => "abandoned",
            Self::Answered => "answered",
            Self::Failed(FailureClass::Unsupported) => "unsupported",
            Self::Failed(FailureClass::Refused) => "refused",
            Self::Failed(FailureClass::Ambiguous) => "failed",
            Self::Failed(FailureClass::Exhausted) => "exhausted",
            Self::Failed(FailureClass::Credential) => "credential_refused",
            Self::Failed(FailureClass::Final) => "rejected",
            Self::Error(ErrorClass::NeverSent) => "never_sent",
            Self::Error(ErrorClass::Overloaded) => "shed",
            Self::Error(ErrorClass::Incomplete) => "incomplete",
            Self::Error(ErrorClass::Ambiguous) => "error",
            Self::Error(ErrorClass::Timeout) => "timeout",
            Self::Error(ErrorClass::Deadline) => "deadline",
            Self::Error(ErrorClass::Stopping) => "stopping",
            Self::Error(ErrorClass::Credentials) => "no_credential",
            Self::Error(ErrorClass::Misuse) => "misuse",
        }
    }
}

/// A call of one of the client's tools, without its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolCall {
    /// The call's id, as the client sees it.
    pub id: String,
    /// The tool's name, as the client gave it.
    pub name: String,
}
