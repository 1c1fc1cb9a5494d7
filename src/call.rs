//! What travels between the layers in a request's and a response's extensions.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::time::Instant;

use crate::body::Payload;
use crate::convert::report::LossReport;
use crate::endpoint::Endpoint;
use crate::observe::{AttemptRecord, AttemptResult, Followers, UsageHandle};
use crate::provider::Provider;
use crate::route::content::Content;
use crate::settings::Lossy;
use crate::target::Target;

/// One call of a client, as `RouteLayer` understood it.
#[derive(Debug)]
pub struct Call {
    pub(crate) endpoint: Endpoint,
    pub(crate) request_id: HeaderValue,
    /// The model that the client asked for.
    pub(crate) model: String,
    /// What a target that sets no model of its own sends: the asked model without the connection's name before it.
    pub(crate) default_model: Arc<str>,
    pub(crate) stream: bool,
    /// The request has `background` or `conversation`: it must not be sent twice.
    pub(crate) stateful: bool,
    pub(crate) body: Payload,
    /// Where in the body the model's value stands.
    pub(crate) model_span: Range<usize>,
    pub(crate) query: Option<String>,
    /// The client's headers, of which few go further.
    pub(crate) headers: HeaderMap,
    pub(crate) targets: Arc<[Target]>,
    /// The position in `targets` that the first call goes to.
    pub(crate) first: usize,
    pub(crate) max_retries: Option<u32>,
    pub(crate) lossy: Option<Lossy>,
    pub(crate) deadline: Instant,
    /// The name of the client key that was used.
    pub(crate) client: Option<Arc<str>>,
    /// Requests handed to the client service so far.
    pub(crate) sent: AtomicU32,
    /// The target, in order of trial, that the call was last sent to; the first one before that.
    pub(crate) chosen: AtomicUsize,
    /// What the request that was last sent lost on the way, for answers that have no provider's response.
    pub(crate) report: Mutex<Arc<LossReport>>,
    /// The rule that the model was found by; see [`CallRecord::route`](crate::CallRecord::route).
    pub(crate) route: Arc<str>,
    pub(crate) tags: Vec<(Arc<str>, Arc<str>)>,
    /// The tries so far; the last one may be under way.
    pub(crate) tries: Mutex<Vec<Try>>,
    pub(crate) followers: Followers,
    /// The prompt's estimated tokens, once somebody asked.
    pub(crate) tokens: OnceLock<u64>,
    /// The try that is under way keeps the deadline itself: nobody above it needs a clock for that.
    pub(crate) timed: AtomicBool,
}

/// A try, and when it began.
#[derive(Debug)]
pub(crate) struct Try {
    began: Instant,
    record: AttemptRecord,
}

impl Call {
    /// The endpoint that was called.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// The model that the client asked for.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Whether the client asked for a stream.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        self.stream
    }

    /// When the call must have ended, retries and streaming included.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The name of the client key that was used, where there are keys.
    #[must_use]
    pub fn client(&self) -> Option<&str> {
        self.client.as_deref()
    }

    /// Requests handed to the client service so far.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Notes a request that is sent.
    pub(crate) fn note_sent(&self, attempt: &Attempt, report: &Arc<LossReport>) {
        self.chosen.store(attempt.trial, Ordering::Relaxed);
        self.sent.fetch_add(1, Ordering::Relaxed);
        *self.report.lock().unwrap_or_else(PoisonError::into_inner) = report.clone();
        self.push(attempt.record(true));
    }

    /// Notes what came of a try.
    pub(crate) fn note_result(
        &self,
        attempt: &Attempt,
        result: AttemptResult,
        status: Option<StatusCode>,
    ) {
        let skipped = result == AttemptResult::Failed(FailureClass::Unsupported);
        if skipped {
            self.push(attempt.record(false));
        }
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = tries.last_mut() else {
            return;
        };
        last.record.result = result;
        last.record.status = status;
        last.record.duration = (!skipped).then(|| last.began.elapsed());
        let record = last.record.clone();
        drop(tries);
        self.followers.tried(&record);
    }

    fn push(&self, record: AttemptRecord) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        tries.push(Try {
            began: Instant::now(),
            record,
        });
    }

    /// The tries so far.
    pub(crate) fn tries(&self) -> Vec<AttemptRecord> {
        let tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        tries.iter().map(|tried| tried.record.clone()).collect()
    }

    /// A name for the model at `target` that is fit for a label; see [`CallRecord::model_label`](crate::CallRecord::model_label).
    pub(crate) fn model_label(&self, target: &Target) -> Arc<str> {
        target.shared_model().unwrap_or_else(|| self.route.clone())
    }

    /// What the request that was last sent lost on the way.
    pub(crate) fn last_report(&self) -> Arc<LossReport> {
        self.report
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The prompt's estimated tokens.
    pub(crate) fn tokens(&self) -> u64 {
        *self.tokens.get_or_init(|| {
            let content = Content::new(self.body.bytes(), self.endpoint.format());
            content.tokens()
        })
    }

    /// How many targets there are.
    pub(crate) fn target_count(&self) -> usize {
        self.targets.len()
    }

    /// The target that comes at `trial` (0 = the first one tried): the drawn one first, the others in file order.
    pub(crate) fn target(&self, trial: usize) -> Option<&Target> {
        let position = match trial {
            0 => self.first,
            trial if trial <= self.first => trial - 1,
            trial => trial,
        };
        self.targets.get(position)
    }
}

/// One try of a call: which target it goes to. On the request from `RetryLayer` to `AuthLayer`, which removes it.
#[derive(Debug, Clone)]
pub struct Attempt {
    call: Arc<Call>,
    target: Target,
    pub(crate) trial: usize,
}

impl Attempt {
    /// The first try; `None` where a call has no target at all.
    pub(crate) fn first(call: Arc<Call>) -> Option<Self> {
        let target = call.target(0)?.clone();
        Some(Self {
            call,
            target,
            trial: 0,
        })
    }

    /// Whether there is another target after this one.
    pub(crate) fn has_next(&self) -> bool {
        self.trial + 1 < self.call.target_count()
    }

    /// Goes on to the next target that is not set aside and has room, or else to the last one, if there is one, or else to any
    /// whose configured capacity is not used up. What the try needs of that is taken.
    pub(crate) fn advance(&mut self) -> bool {
        let following = self.trial + 1..self.call.target_count();
        let tokens = || self.call.tokens();
        let best = following.clone().find(|trial| {
            self.call.target(*trial).is_some_and(|target| {
                let last = trial + 1 == following.end;
                let connection = target.connection();
                let free = connection.meter().has_room(tokens) && connection.health().admits();
                (last || free) && connection.meter().take(tokens)
            })
        });
        let trial = best.or_else(|| {
            following.into_iter().find(|trial| {
                let target = self.call.target(*trial);
                target.is_some_and(|target| target.connection().meter().take(tokens))
            })
        });
        let Some((trial, target)) = trial.and_then(|trial| Some((trial, self.call.target(trial)?)))
        else {
            return false;
        };
        self.target = target.clone();
        self.trial = trial;
        true
    }

    /// Takes what another try on the same target needs of its capacity, if that is there.
    pub(crate) fn take(&self) -> bool {
        let meter = self.target.connection().meter();
        meter.take(|| self.call.tokens())
    }

    /// Gives back what a try took that was not sent.
    pub(crate) fn give_back(&self) {
        let meter = self.target.connection().meter();
        meter.give_back(|| self.call.tokens());
    }

    /// The call that this is a try of.
    #[must_use]
    pub fn call(&self) -> &Arc<Call> {
        &self.call
    }

    /// Where this try goes.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The model's id at the provider.
    #[must_use]
    pub fn model(&self) -> &str {
        self.target.model_id().unwrap_or(&self.call.default_model)
    }

    pub(crate) fn shared_model(&self) -> Arc<str> {
        self.target
            .shared_model()
            .unwrap_or_else(|| self.call.default_model.clone())
    }

    fn record(&self, sent: bool) -> AttemptRecord {
        let connection = self.target.connection();
        AttemptRecord {
            provider: connection.provider(),
            connection: connection.shared_name(),
            model: self.shared_model(),
            sent,
            result: AttemptResult::Abandoned,
            status: None,
            duration: None,
            model_label: self.call.model_label(&self.target),
        }
    }
}

/// Why an answer is a failure that another try or target may mend. On the response, from `ConvertLayer` to `RetryLayer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    pub(crate) class: FailureClass,
    pub(crate) retry_after: Option<Duration>,
    /// The provider's own word on it (`x-should-retry`).
    pub(crate) should_retry: Option<bool>,
    /// The provider's own status, before it was brought to the client's format; `None` where it gave none.
    pub(crate) status: Option<StatusCode>,
}

/// What kind of failure an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureClass {
    /// The target cannot express the request: nothing was sent.
    Unsupported,
    /// The provider refused the call without working on it: 408, 409, 429, 503, 529.
    Refused,
    /// There is no money or no quota left: another try here cannot mend it, another target can.
    Exhausted,
    /// The provider refused the gateway's credential or signature, which may be mended by a fresh one: nothing was worked on.
    Credential,
    /// The provider may have worked on it: 500, 502, 504, an answer that cannot be understood.
    Ambiguous,
    /// The provider's answer is final.
    Final,
}

impl Failure {
    /// What kind of failure it is.
    #[must_use]
    pub fn class(&self) -> FailureClass {
        self.class
    }

    /// How long the provider asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The provider's own status.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }
}

/// What became of a call. On every response of a call that had a target.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Outcome {
    /// The provider that answered.
    pub provider: Provider,
    /// The connection over which it did.
    pub connection: Arc<str>,
    /// The model's id there.
    pub model: Arc<str>,
    /// What the conversion could not carry exactly.
    pub report: Arc<LossReport>,
    /// The tokens, once the body has ended or was dropped.
    pub usage: UsageHandle,
}

/// What an embedder wants for one call: put it into the request's extensions before the gateway sees it.
///
/// [`RouteLayer`](crate::RouteLayer), and so every [`Gateway`](crate::Gateway), takes all of it;
/// [`ConvertLayer::to`](crate::ConvertLayer::to) alone takes target, deadline and lossiness.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use std::time::Duration;
///
/// use http::Request;
/// use tower::ServiceExt;
/// use tower_llm_gateway::settings::Lossy;
/// use tower_llm_gateway::testing::{Reply, Upstream};
/// use tower_llm_gateway::{
///     CallOptions, CallRecord, Connection, Credential, ErrorClass, Gateway, Observer, Payload, Provider, Target,
/// };
///
/// #[derive(Debug, Default)]
/// struct Tags(Mutex<Vec<String>>);
///
/// impl Observer for Tags {
///     fn call_ended(&self, record: &CallRecord) {
///         let tags = record.tags.iter().map(|(name, value)| format!("{name}={value}"));
///         self.0.lock().unwrap().extend(tags);
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // No route leads anywhere, and no connection ever comes about.
/// let upstream = Upstream::always(Reply::fail(ErrorClass::NeverSent));
/// let tags = Arc::new(Tags::default());
/// let gateway = Gateway::builder().observer(tags.clone()).build(upstream.clone())?;
///
/// let claude = Connection::builder("tenants-own", Provider::Anthropic).credential(Credential::api_key("k")).build()?;
/// let options = CallOptions::new()
///     .target(Target::new(Arc::new(claude)).model("claude-haiku-4-5"))
///     .max_retries(0)
///     .deadline(Duration::from_secs(20))
///     .lossy(Lossy::Drop)
///     .tag("tenant", "t1");
/// let body = Payload::new(r#"{"model":"anything","messages":[{"role":"user","content":"Hi"}]}"#);
/// let request = Request::post("/v1/chat/completions").extension(options).body(body)?;
/// let response = gateway.oneshot(request).await?;
///
/// assert_eq!(response.status(), 502);
/// assert_eq!(response.headers()["x-gateway-connection"], "tenants-own");
/// assert_eq!(upstream.requests().len(), 1, "no further try");
/// drop(response);
/// assert_eq!(*tags.0.lock().unwrap(), ["tenant=t1"]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CallOptions {
    /// Further calls at most, over all targets; wins over the header `x-gateway-max-retries`.
    pub max_retries: Option<u32>,
    /// The time that the call may take in all; at most the configured total.
    pub deadline: Option<Duration>,
    /// What to do with fields whose loss changes the meaning.
    pub lossy: Option<Lossy>,
    /// Where the call goes, whatever the routes say.
    pub target: Option<Target>,
    /// What the call's record shall carry, by name.
    pub tags: Vec<(Arc<str>, Arc<str>)>,
}

impl CallOptions {
    /// No wishes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows at most `count` further calls.
    #[must_use]
    pub fn max_retries(mut self, count: u32) -> Self {
        self.max_retries = Some(count);
        self
    }

    /// Gives the call this much time in all.
    #[must_use]
    pub fn deadline(mut self, time: Duration) -> Self {
        self.deadline = Some(time);
        self
    }

    /// Says what to do with fields whose loss changes the meaning.
    #[must_use]
    pub fn lossy(mut self, lossy: Lossy) -> Self {
        self.lossy = Some(lossy);
        self
    }

    /// Sends the call to `target`, whatever the routes say.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// Attaches a word of the embedder's own to the call's record.
    #[must_use]
    pub fn tag(mut self, name: impl Into<Arc<str>>, value: impl Into<Arc<str>>) -> Self {
        self.tags.push((name.into(), value.into()));
        self
    }
}
