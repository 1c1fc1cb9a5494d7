//! Who wants to know of calls: every call gives one [`CallRecord`] to every [`Observer`], exactly once, when its answer has ended
//! or was dropped, whatever became of it: refused, cancelled before its head, broken in the middle, or whole.
//!
//! What passes through is watched without touching a byte. Counting and exporting is not the gateway's business: adapters turn
//! records into events of `tracing` (always there, at the target `tower_llm_gateway::call`), into metrics of the `metrics` facade
//! (feature `metrics`, [`Metrics`]) and into OpenTelemetry's spans and metrics (feature `otel`, [`Otel`]); the exporter is the
//! program's own.
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU64, Ordering};
//!
//! use tower_llm_gateway::Gateway;
//! use tower_llm_gateway::observe::{CallRecord, Observer};
//!
//! #[derive(Debug, Default)]
//! struct Tokens(AtomicU64);
//!
//! impl Observer for Tokens {
//!     fn call_ended(&self, record: &CallRecord) {
//!         self.0.fetch_add(record.usage.prompt(), Ordering::Relaxed);
//!     }
//! }
//!
//! let tokens = Arc::new(Tokens::default());
//! let gateway = Gateway::builder().observer(tokens.clone());
//! # drop(gateway);
//! ```

mod facts;
mod handle;
mod log;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "otel")]
mod otel;
mod record;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::{HeaderMap, Method};

pub(crate) use facts::{Facts, Watch};
pub use handle::UsageHandle;
pub(crate) use log::{is_logged, log};
#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub use metrics::Metrics;
#[cfg(feature = "otel")]
#[cfg_attr(docsrs, doc(cfg(feature = "otel")))]
pub use otel::Otel;
pub use record::{AttemptRecord, AttemptResult, CallRecord, End, ToolCall};

use crate::call::Attempt;
use crate::endpoint::Endpoint;

/// Is told of every call.
///
/// It is called in the middle of serving: it must be quick and must not block. A panic in it is caught and logged.
pub trait Observer: fmt::Debug + Send + Sync {
    /// A call has arrived. What is returned follows this one call on its way; most observers need none.
    fn call_began(&self, arrival: &Arrival<'_>) -> Option<Box<dyn CallObserver>> {
        let _ = arrival;
        None
    }

    /// A call is over.
    fn call_ended(&self, record: &CallRecord);
}

/// Follows one call on its way; see [`Observer::call_began`]. When the call is over, it is dropped.
pub trait CallObserver: Send + Sync {
    /// A request is about to be sent to a provider. Headers may be added to it, such as `traceparent`; they pass through the
    /// layer that signs.
    fn sending(&self, attempt: &Attempt, headers: &mut HeaderMap) {
        let _ = (attempt, headers);
    }

    /// A try has its result, as far as an answer's head tells it.
    fn tried(&self, attempt: &AttemptRecord) {
        let _ = attempt;
    }

    /// The call is over. Comes right before [`Observer::call_ended`].
    fn ended(&self, record: &CallRecord) {
        let _ = record;
    }
}

/// A call that has just arrived.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Arrival<'a> {
    /// The id that the call has in logs.
    pub request_id: &'a str,
    /// The endpoint; `None` for a path that is none.
    pub endpoint: Option<Endpoint>,
    /// The request's method.
    pub method: &'a Method,
    /// The client's headers. They hold its key.
    pub headers: &'a HeaderMap,
}

/// The observers of a gateway.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observers(Arc<Vec<Arc<dyn Observer>>>);

impl Observers {
    pub(crate) fn add(&mut self, observer: Arc<dyn Observer>) {
        Arc::make_mut(&mut self.0).push(observer);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn began(&self, arrival: &Arrival<'_>) -> Followers {
        let mut followers = Vec::new();
        for observer in &*self.0 {
            contain(|| followers.extend(observer.call_began(arrival)));
        }
        Followers((!followers.is_empty()).then(|| followers.into()))
    }

    pub(crate) fn ended(&self, record: &CallRecord) {
        for observer in &*self.0 {
            contain(|| observer.call_ended(record));
        }
    }
}

/// What follows one call.
#[derive(Clone, Default)]
pub(crate) struct Followers(Option<Arc<[Box<dyn CallObserver>]>>);

impl Followers {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn sending(&self, attempt: &Attempt, headers: &mut HeaderMap) {
        for follower in self.0.iter().flat_map(|followers| &**followers) {
            contain(|| follower.sending(attempt, headers));
        }
    }

    pub(crate) fn tried(&self, attempt: &AttemptRecord) {
        for follower in self.0.iter().flat_map(|followers| &**followers) {
            contain(|| follower.tried(attempt));
        }
    }

    pub(crate) fn ended(&self, record: &CallRecord) {
        for follower in self.0.iter().flat_map(|followers| &**followers) {
            contain(|| follower.ended(record));
        }
    }
}

impl fmt::Debug for Followers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.as_ref().map_or(0, |followers| followers.len());
        write!(f, "Followers({count})")
    }
}

/// Runs an observer. What goes wrong in it must not go wrong for the client.
fn contain(run: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(run)).is_err() {
        tracing::error!(target: "tower_llm_gateway::observe", "an observer panicked");
    }
}
