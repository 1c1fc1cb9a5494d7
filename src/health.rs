//! Whether a connection's provider answers, as far as its last calls tell: a target that keeps failing is set aside.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row, without a sign of life between them, that set a connection aside.
const TOLERATED: u32 = 3;
/// The first cool-down; each further one is twice as long.
const SHORTEST: Duration = Duration::from_secs(5);
/// The longest cool-down, whatever the provider asks for.
const LONGEST: Duration = Duration::from_secs(60);
/// How long a probe may take before another call may be one.
const PROBE: Duration = Duration::from_secs(10);

/// The health of one connection. It only steers among several targets: an only or last target is always tried.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// Something failed since the last success: only then is the rest worth a look.
    troubled: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Failures since the last success.
    failures: u32,
    /// Cool-downs since the last success.
    rounds: u32,
    /// Set aside until then; then one call at a time may probe.
    until: Option<Instant>,
    /// When the running probe is given up.
    probe: Option<Instant>,
}

impl Health {
    /// Whether a call may go here now. Once a cool-down is over, one call at a time is let through, as a probe.
    pub(crate) fn admits(&self) -> bool {
        if !self.troubled.load(Ordering::Relaxed) {
            return true;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match (state.until, state.probe) {
            (None, _) => true,
            (Some(until), _) if now < until => false,
            (Some(_), Some(given_up)) if now < given_up => false,
            (Some(_), _) => {
                state.probe = Some(now + PROBE);
                true
            }
        }
    }

    /// Whether calls are kept away, or only probes go through.
    pub(crate) fn is_cooling(&self) -> bool {
        self.troubled.load(Ordering::Relaxed)
            && self
                .state
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .until
                .is_some()
    }

    /// The provider answered.
    pub(crate) fn succeeded(&self) {
        if self.troubled.swap(false, Ordering::Relaxed) {
            *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
        }
    }

    /// The provider failed a call, and maybe said for how long it wants to be left alone.
    pub(crate) fn failed(&self, retry_after: Option<Duration>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.troubled.store(true, Ordering::Relaxed);
        state.failures = state.failures.saturating_add(1);
        let now = Instant::now();
        let probed = state.until.is_some_and(|until| now >= until);
        let wait = match retry_after {
            Some(asked) => asked.min(LONGEST),
            None if probed || (state.until.is_none() && state.failures >= TOLERATED) => SHORTEST
                .saturating_mul(2_u32.saturating_pow(state.rounds))
                .min(LONGEST),
            None => return,
        };
        if wait.is_zero() {
            return;
        }
        state.rounds = state.rounds.saturating_add(1);
        state.probe = None;
        let until = now + wait;
        state.until = Some(state.until.map_or(until, |set| set.max(until)));
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_set_a_connection_aside() {
        let health = Health::default();
        for _ in 1..TOLERATED {
            health.failed(None);
            assert!(health.admits());
        }
        health.failed(None);
        assert!(!health.admits() && health.is_cooling());
        advance(SHORTEST).await;
        assert!(health.admits(), "one probe");
        assert!(!health.admits(), "and no other call beside it");
        health.failed(None);
        advance(SHORTEST).await;
        assert!(!health.admits(), "the second cool-down is longer");
        advance(SHORTEST).await;
        assert!(health.admits());
        health.succeeded();
        assert!(health.admits() && health.admits() && !health.is_cooling());
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_between_failures_forgives_them() {
        let health = Health::default();
        for _ in 0..10 {
            health.failed(None);
            health.failed(None);
            health.succeeded();
        }
        assert!(health.admits());
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_asks_for_time_gets_it_at_once() {
        let health = Health::default();
        health.failed(Some(Duration::from_secs(20)));
        advance(Duration::from_secs(19)).await;
        assert!(!health.admits());
        advance(Duration::from_secs(1)).await;
        assert!(health.admits());
        health.succeeded();
        health.failed(Some(Duration::from_secs(3600)));
        advance(LONGEST).await;
        assert!(health.admits(), "never longer than the longest cool-down");
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_never_ends_makes_room_for_another() {
        let health = Health::default();
        health.failed(Some(Duration::from_secs(5)));
        advance(Duration::from_secs(5)).await;
        assert!(health.admits());
        advance(PROBE).await;
        assert!(health.admits());
    }
}
