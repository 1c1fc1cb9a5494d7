//! When a call is tried again, and where.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{Request, Response};
use tokio::time::Instant;
use tower::retry::Policy;
use tower::retry::budget::Budget;

use super::delay::{Delay, asked, backoff};
use crate::body::Payload;
use crate::call::{Attempt, Failure, FailureClass};
use crate::error::{Error, ErrorClass};
use crate::headers::{FALSE, X_SHOULD_RETRY};
use crate::observe::AttemptResult;
use crate::settings::RetrySettings;

/// The policy of one call: made for each call, with the state of its tries.
#[derive(Debug)]
pub struct RetryPolicy<B> {
    settings: RetrySettings,
    /// Further tries that were begun.
    retries: u32,
    /// The extra try after a connection that broke before an answer was used.
    reconnected: bool,
    /// The extra try with a fresh credential was used on this target.
    renewed: bool,
    /// Waits so far on this target.
    waits: u32,
    /// The last failure that a provider gave while another target is tried; the first refusal where none was asked yet.
    last: Option<Result<Response<B>, Error>>,
}

impl<B> RetryPolicy<B> {
    pub(super) fn new(settings: RetrySettings) -> Self {
        Self {
            settings,
            retries: 0,
            reconnected: false,
            renewed: false,
            waits: 0,
            last: None,
        }
    }
}

impl<B> Clone for RetryPolicy<B> {
    /// A policy with the same rules and no state: tower clones the policy for each call.
    fn clone(&self) -> Self {
        Self::new(self.settings)
    }
}

/// What a result means for the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The provider answered: the call is over.
    Success,
    /// The provider's answer is final, though a failure.
    Final,
    /// The target cannot express the request.
    Skip,
    /// Another try may mend it.
    Retry {
        /// Nothing was processed: a repetition cannot do harm.
        safe: bool,
        /// The connection broke before an answer, as stale ones do.
        stale: bool,
        retry_after: Option<Duration>,
    },
    /// Only another target may mend it.
    Elsewhere,
    /// A fresh credential may mend it, on the same target.
    Renew,
}

/// Tells the connection what became of a try.
fn note<B>(result: &Result<Response<B>, Error>, attempt: &Attempt) {
    let (failed, retry_after) = match result {
        Err(error) => match error.class() {
            ErrorClass::NeverSent
            | ErrorClass::Credentials
            | ErrorClass::Incomplete
            | ErrorClass::Ambiguous
            | ErrorClass::Timeout => (true, None),
            // Nothing that the provider did.
            ErrorClass::Overloaded
            | ErrorClass::Deadline
            | ErrorClass::Stopping
            | ErrorClass::Misuse => return,
        },
        Ok(response) => match response.extensions().get::<Failure>() {
            None => (false, None),
            Some(failure) => match failure.class {
                // Nothing was sent.
                FailureClass::Unsupported => return,
                FailureClass::Refused | FailureClass::Ambiguous | FailureClass::Exhausted => {
                    (true, failure.retry_after)
                }
                // It answers, even if it does not like the request.
                FailureClass::Final | FailureClass::Credential => (false, None),
            },
        },
    };
    let connection = attempt.target().connection();
    connection.failures().note(failed);
    if failed {
        connection.health().failed(retry_after);
    } else {
        connection.health().succeeded();
    }
}

fn judge<B>(result: &Result<Response<B>, Error>, ambiguous: bool) -> Verdict {
    let retry = |safe, stale, retry_after| Verdict::Retry {
        safe,
        stale,
        retry_after,
    };
    match result {
        Err(error) => match error.class() {
            ErrorClass::NeverSent | ErrorClass::Credentials => retry(true, false, None),
            ErrorClass::Overloaded => Verdict::Elsewhere,
            ErrorClass::Incomplete if ambiguous => retry(false, true, None),
            ErrorClass::Ambiguous | ErrorClass::Timeout if ambiguous => retry(false, false, None),
            _ => Verdict::Final,
        },
        Ok(response) => match response.extensions().get::<Failure>() {
            None => Verdict::Success,
            Some(failure) => match (failure.class, failure.should_retry) {
                (FailureClass::Unsupported, _) => Verdict::Skip,
                (FailureClass::Exhausted, _) => Verdict::Elsewhere,
                (FailureClass::Credential, _) => Verdict::Renew,
                (FailureClass::Refused, None | Some(true)) | (FailureClass::Final, Some(true)) => {
                    retry(false, false, failure.retry_after)
                }
                (FailureClass::Ambiguous, None | Some(true)) if ambiguous => {
                    retry(false, false, failure.retry_after)
                }
                _ => Verdict::Final,
            },
        },
    }
}

impl<B> Policy<Request<Payload>, Response<B>, Error> for RetryPolicy<B> {
    type Future = Delay;

    fn retry(
        &mut self,
        request: &mut Request<Payload>,
        result: &mut Result<Response<B>, Error>,
    ) -> Option<Self::Future> {
        let verdict = judge(result, self.settings.ambiguous);
        let attempt = request.extensions_mut().get_mut::<Attempt>()?;
        note(result, attempt);
        record(result, attempt);
        match verdict {
            Verdict::Success => {
                attempt.target().connection().budget().deposit();
                None
            }
            Verdict::Final => {
                self.conclude(result);
                None
            }
            Verdict::Skip => {
                // Nothing was sent.
                attempt.give_back();
                if attempt.advance() {
                    if self.last.is_none() {
                        self.keep(result);
                    }
                    return Some(Delay::none());
                }
                self.conclude(result);
                None
            }
            Verdict::Elsewhere => {
                // No wait here would help, should the others have no capacity left.
                let never = Some(Duration::MAX);
                let delay = attempt
                    .has_next()
                    .then(|| self.again(attempt, false, false, never))
                    .flatten();
                match &delay {
                    Some(_) => self.keep(result),
                    None => self.conclude(result),
                }
                delay
            }
            Verdict::Renew => {
                let delay = (!self.renewed).then(|| self.at_once(attempt)).flatten();
                self.renewed = true;
                match &delay {
                    Some(_) => self.keep(result),
                    None => self.conclude(result),
                }
                delay
            }
            Verdict::Retry {
                safe,
                stale,
                retry_after,
            } => {
                let delay = self.again(attempt, safe, stale, retry_after);
                match &delay {
                    Some(_) => self.keep(result),
                    None => self.conclude(result),
                }
                delay
            }
        }
    }

    fn clone_request(&mut self, request: &Request<Payload>) -> Option<Request<Payload>> {
        Some(request.clone())
    }
}

/// Tells the call's record what came of a try.
fn record<B>(result: &Result<Response<B>, Error>, attempt: &Attempt) {
    let (result, status) = match result {
        Err(error) => (AttemptResult::Error(error.class()), None),
        Ok(response) => match response.extensions().get::<Failure>() {
            None => (AttemptResult::Answered, None),
            Some(failure) => (AttemptResult::Failed(failure.class), failure.status),
        },
    };
    attempt.call().note_result(attempt, result, status);
}

impl<B> RetryPolicy<B> {
    /// Whether and when there is another try; `attempt` is turned to its target.
    fn again(
        &mut self,
        attempt: &mut Attempt,
        safe: bool,
        stale: bool,
        retry_after: Option<Duration>,
    ) -> Option<Delay> {
        let call = attempt.call().clone();
        // A call that the provider may keep the state of is not sent twice.
        if call.stateful && !safe {
            return None;
        }
        if Instant::now() >= call.deadline {
            return None;
        }
        let allowed = self.allowed(attempt);
        if stale
            && !self.reconnected
            && let Some(delay) = self.at_once(attempt)
        {
            // Outside the backoff: the peer had just closed a connection that was at rest.
            self.reconnected = true;
            return Some(delay);
        }
        if self.retries >= allowed {
            return None;
        }
        let mut next = attempt.clone();
        // Where the others have no capacity left, this one goes on as if it were the last.
        if attempt.has_next() && next.advance() {
            // The next target pays for the try that it gets.
            if next.target().connection().budget().withdraw() {
                *attempt = next;
                self.retries += 1;
                self.waits = 0;
                self.reconnected = false;
                self.renewed = false;
                return Some(Delay::none());
            }
            next.give_back();
            return None;
        }
        let wait = match retry_after {
            Some(time) if time > self.settings.retry_after_cap => return None,
            Some(time) => asked(time),
            None => backoff(
                self.waits,
                self.settings.backoff_min,
                self.settings.backoff_max,
            ),
        };
        let in_time = Instant::now()
            .checked_add(wait)
            .is_some_and(|then| then < call.deadline);
        if !in_time || !attempt.target().connection().budget().withdraw() || !attempt.take() {
            return None;
        }
        self.retries += 1;
        self.waits = self.waits.saturating_add(1);
        tracing::debug!(
            target: "tower_llm_gateway::retry",
            request_id = call.request_id.to_str().unwrap_or_default(),
            sent = call.sent.load(Ordering::Relaxed),
            wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            "trying again"
        );
        Some(Delay::wait(wait))
    }

    /// Another try on the same target without a wait, where there are tries left.
    fn at_once(&mut self, attempt: &Attempt) -> Option<Delay> {
        let possible = Instant::now() < attempt.call().deadline
            && self.retries < self.allowed(attempt)
            && attempt.target().connection().budget().withdraw()
            && attempt.take();
        possible.then(|| {
            self.retries += 1;
            Delay::none()
        })
    }

    /// Further tries that the call may have in all.
    fn allowed(&self, attempt: &Attempt) -> u32 {
        let asked = attempt.call().max_retries;
        asked.unwrap_or(self.settings.max_retries)
    }

    /// Keeps a failure in case that no further try gives a better one.
    fn keep(&mut self, result: &mut Result<Response<B>, Error>) {
        let superseded = Err(Error::plain(
            ErrorClass::Ambiguous,
            "superseded by another try",
        ));
        self.last = Some(std::mem::replace(result, superseded));
    }

    /// The call ends with a failure: the last one that a provider gave, or the first refusal where none was asked.
    fn conclude(&mut self, result: &mut Result<Response<B>, Error>) {
        let skipped = matches!(judge(result, true), Verdict::Skip);
        if skipped && let Some(last) = self.last.take() {
            *result = last;
        }
        if let Ok(response) = result
            && let Some(failure) = response.extensions().get::<Failure>()
            && (failure.should_retry == Some(true)
                || matches!(
                    failure.class,
                    FailureClass::Refused
                        | FailureClass::Ambiguous
                        | FailureClass::Exhausted
                        | FailureClass::Credential
                ))
        {
            // Our own tries are spent, whatever the provider says; both vendors' SDKs obey this.
            response.headers_mut().insert(X_SHOULD_RETRY, FALSE);
        }
    }
}
