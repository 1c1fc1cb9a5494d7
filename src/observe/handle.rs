//! Where what was seen of an answer is left for the call's record.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::time::Instant;

use super::facts::Facts;
use crate::format::error::ClientError;
use crate::price::{Dollars, Price};
use crate::usage::Usage;

/// A place where the usage of a call appears once its body has ended or was dropped.
#[derive(Debug, Clone, Default)]
pub struct UsageHandle(Arc<Seen>);

/// What was seen of an answer.
#[derive(Debug, Default)]
struct Seen {
    usage: OnceLock<Usage>,
    facts: OnceLock<Facts>,
    /// When the first event of a stream came that says something.
    first_event: OnceLock<Instant>,
    /// The code or type of the error that a stream ended with.
    error: OnceLock<String>,
    /// The stream was complete, and nothing of it is held back.
    delivered: AtomicBool,
    /// What the target's model costs.
    price: Option<Arc<Price>>,
}

impl UsageHandle {
    /// The handle of a call whose tokens cost this.
    pub(crate) fn priced(price: Option<Arc<Price>>) -> Self {
        Self(Arc::new(Seen {
            price,
            ..Seen::default()
        }))
    }

    /// The usage, once the answer's body has ended or was dropped; `None` before that.
    #[must_use]
    pub fn get(&self) -> Option<Usage> {
        self.0.usage.get().copied()
    }

    /// What the call cost, once the answer's body has ended or was dropped: what the provider says, else what the price table
    /// says. `None` before that, and where neither says anything.
    #[must_use]
    pub fn cost(&self) -> Option<Dollars> {
        let usage = self.0.usage.get()?;
        usage.cost.or_else(|| self.0.price.as_ref()?.cost(usage))
    }

    pub(crate) fn set(&self, usage: Usage) {
        // The first one to say it wins: the end of a body comes before its drop.
        let _ = self.0.usage.set(usage);
    }

    pub(crate) fn set_facts(&self, facts: &Facts) {
        self.0.facts.get_or_init(|| facts.clone());
    }

    /// The first event of the stream that says something is there.
    pub(crate) fn speak(&self) {
        self.0.first_event.get_or_init(Instant::now);
    }

    /// The stream ends with this error.
    pub(crate) fn fail(&self, error: &ClientError) {
        let word = error.code.as_ref().unwrap_or(&error.kind);
        self.0.error.get_or_init(|| word.clone().into_owned());
    }

    /// The client has got all of the stream that is to be had.
    pub(crate) fn deliver(&self) {
        self.0.delivered.store(true, Ordering::Relaxed);
    }

    pub(crate) fn facts(&self) -> Facts {
        self.0.facts.get().cloned().unwrap_or_default()
    }

    pub(crate) fn first_event(&self) -> Option<Instant> {
        self.0.first_event.get().copied()
    }

    pub(crate) fn error(&self) -> Option<&str> {
        self.0.error.get().map(String::as_str)
    }

    pub(crate) fn is_delivered(&self) -> bool {
        self.0.delivered.load(Ordering::Relaxed)
    }
}
