//! The record of a call on its way: delivered when it is dropped, once, whatever became of the call.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::StatusCode;

use super::service::Arrival;
use crate::call::{Call, Outcome};
use crate::observe::{
    AttemptRecord, AttemptResult, CallRecord, End, Facts, Followers, Observers, is_logged, log,
};

/// What is known of a call so far. It lives in the call's future, then in its answer's body.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) arrival: Arrival,
    observers: Observers,
    followers: Followers,
    call: Option<Arc<Call>>,
    outcome: Option<Outcome>,
    status: Option<StatusCode>,
    relayed: bool,
    /// When there is room for the call, where there is none now.
    pub(super) retry_after: Option<Duration>,
    /// How the body ended, as far as it was seen to.
    pub(super) end: Option<End>,
}

impl Record {
    pub(super) fn new(arrival: Arrival, observers: Observers, followers: Followers) -> Self {
        Self {
            arrival,
            observers,
            followers,
            call: None,
            outcome: None,
            status: None,
            relayed: false,
            retry_after: None,
            end: None,
        }
    }

    pub(super) fn followers(&self) -> &Followers {
        &self.followers
    }

    /// The call was understood.
    pub(super) fn understood(&mut self, call: &Arc<Call>) {
        self.call = Some(call.clone());
    }

    pub(super) fn call(&self) -> Option<&Arc<Call>> {
        self.call.as_ref()
    }

    /// The client gets the head of an answer from below.
    pub(super) fn relayed(&mut self, status: StatusCode, outcome: Option<Outcome>) {
        self.relayed = true;
        self.answered(status, outcome);
    }

    /// The client gets this head.
    pub(super) fn answered(&mut self, status: StatusCode, outcome: Option<Outcome>) {
        self.status = Some(status);
        self.outcome = outcome;
    }

    /// Tells the connection what the call used of its capacity.
    fn settle(&self) {
        let usage = self.outcome.as_ref().map(|outcome| &outcome.usage);
        let usage = usage.and_then(|handle| handle.get()).unwrap_or_default();
        if let Some(call) = &self.call
            && let Some(target) = call.target(call.chosen.load(Ordering::Relaxed))
            && usage.is_known()
        {
            let spent = usage.prompt().saturating_add(usage.output.unwrap_or(0));
            target.connection().meter().settle(|| call.tokens(), spent);
        }
    }

    fn finish(&mut self) -> CallRecord {
        let outcome = self.outcome.take();
        let call = self.call.take();
        let mut attempts = call.as_ref().map(|call| call.tries()).unwrap_or_default();
        if self.relayed
            && let Some(AttemptRecord { result, .. }) = attempts.last_mut()
            && *result == AttemptResult::Abandoned
        {
            // A stack without the layer that judges tries.
            *result = AttemptResult::Answered;
        }
        let handle = outcome.as_ref().map(|outcome| &outcome.usage);
        let usage = handle.and_then(|handle| handle.get()).unwrap_or_default();
        let stream_error = handle.and_then(|handle| handle.error()).map(str::to_owned);
        let end = match self.end {
            _ if self.status.is_none() => End::Cancelled,
            Some(End::Broken) => End::Broken,
            _ if stream_error.is_some() => End::Broken,
            Some(end) => end,
            None if handle.is_some_and(|handle| handle.is_delivered()) => End::Complete,
            None => End::Cancelled,
        };
        let Facts {
            id,
            model,
            finish_reason,
            tool_calls,
        } = handle.map(|handle| handle.facts()).unwrap_or_default();
        let target = call
            .as_ref()
            .and_then(|call| call.target(call.chosen.load(Ordering::Relaxed)));
        let connection = target.map(|target| target.connection());
        let upstream_model = call.as_ref().zip(target).map(|(call, target)| {
            let own = target.shared_model();
            own.unwrap_or_else(|| call.default_model.clone())
        });
        let started = self.arrival.started;
        CallRecord {
            request_id: self.arrival.request_id_text().to_owned(),
            endpoint: self.arrival.endpoint,
            client: self.arrival.client.clone(),
            stream: call.as_ref().is_some_and(|call| call.stream),
            requested_model: call.as_ref().map(|call| call.model.clone()),
            route: call.as_ref().map(|call| call.route.clone()),
            provider: connection.map(|connection| connection.provider()),
            connection: connection.map(|connection| connection.shared_name()),
            model: upstream_model,
            answered_model: model,
            answer_id: id,
            status: self.status,
            attempts,
            report: match (&outcome, &call) {
                (Some(outcome), _) => outcome.report.clone(),
                (None, Some(call)) => call.last_report(),
                (None, None) => Arc::default(),
            },
            usage,
            cost: handle.and_then(|handle| handle.cost()),
            finish_reason,
            tool_calls,
            time_to_first_event: handle
                .and_then(|handle| handle.first_event())
                .map(|at| at.saturating_duration_since(started)),
            duration: started.elapsed(),
            end,
            stream_error,
            client_retry: self.arrival.client_retry,
            tags: call
                .as_ref()
                .map(|call| call.tags.clone())
                .unwrap_or_default(),
            model_label: call
                .as_ref()
                .zip(target)
                .map(|(call, target)| call.model_label(target)),
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.settle();
        // Not even put together where nobody listens.
        if self.observers.is_empty() && self.followers.is_empty() && !is_logged() {
            return;
        }
        let record = self.finish();
        log(&record);
        self.followers.ended(&record);
        self.observers.ended(&record);
    }
}
