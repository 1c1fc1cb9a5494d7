//! How often a connection's tries failed over the last minutes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The time that is counted together, in seconds.
const SLOT: u64 = 5;
/// The longest time that is remembered.
const LONGEST: Duration = Duration::from_secs(3600);

/// The tries of one connection. Nothing is counted until somebody watches.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    /// For how many seconds tries are remembered.
    horizon: AtomicU64,
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    /// When slot 0 began.
    origin: Option<Instant>,
    /// From the oldest to the newest.
    slots: VecDeque<Slot>,
}

#[derive(Debug)]
struct Slot {
    number: u64,
    counts: Counts,
}

/// Tries, and how many of them failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) tries: u64,
    pub(crate) failed: u64,
}

impl Slots {
    /// The slot of this moment.
    fn now(&mut self) -> u64 {
        let now = Instant::now();
        let origin = *self.origin.get_or_insert(now);
        now.saturating_duration_since(origin).as_secs() / SLOT
    }
}

impl Failures {
    /// Remembers the tries of at least the last `over` from now on.
    pub(crate) fn watch(&self, over: Duration) {
        let seconds = over.min(LONGEST).as_secs().max(SLOT);
        self.horizon.fetch_max(seconds, Ordering::Relaxed);
    }

    /// A try is over.
    pub(crate) fn note(&self, failed: bool) {
        let horizon = self.horizon.load(Ordering::Relaxed);
        if horizon == 0 {
            return;
        }
        let mut state = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let number = state.now();
        let oldest = number.saturating_sub(horizon / SLOT);
        while state.slots.front().is_some_and(|slot| slot.number < oldest) {
            state.slots.pop_front();
        }
        if state.slots.back().is_none_or(|slot| slot.number != number) {
            let counts = Counts::default();
            state.slots.push_back(Slot { number, counts });
        }
        if let Some(Slot { counts, .. }) = state.slots.back_mut() {
            counts.tries += 1;
            counts.failed += u64::from(failed);
        }
    }

    /// The tries of the last `over`, to a few seconds.
    pub(crate) fn counts(&self, over: Duration) -> Counts {
        let mut state = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = state.now().saturating_sub(over.as_secs() / SLOT);
        let recent = state.slots.iter().filter(|slot| slot.number >= oldest);
        recent.fold(Counts::default(), |sum, Slot { counts, .. }| Counts {
            tries: sum.tries + counts.tries,
            failed: sum.failed + counts.failed,
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn old_tries_are_forgotten() {
        let failures = Failures::default();
        let minute = Duration::from_secs(60);
        failures.note(true);
        assert_eq!(failures.counts(minute), Counts::default(), "nobody watches");
        failures.watch(minute);
        failures.watch(Duration::from_secs(1));
        let counts = |tries, failed| Counts { tries, failed };
        failures.note(true);
        failures.note(false);
        assert_eq!(failures.counts(minute), counts(2, 1));
        advance(Duration::from_secs(40)).await;
        failures.note(true);
        assert_eq!(failures.counts(minute), counts(3, 2));
        assert_eq!(failures.counts(Duration::from_secs(20)), counts(1, 1));
        advance(Duration::from_secs(40)).await;
        assert_eq!(failures.counts(minute), counts(1, 1));
        failures.note(false);
        assert_eq!(failures.slots.lock().unwrap().slots.len(), 2);
        advance(Duration::from_secs(3600)).await;
        assert_eq!(failures.counts(minute), Counts::default());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_is_bounded() {
        let failures = Failures::default();
        failures.watch(Duration::MAX);
        for _ in 0..2000 {
            failures.note(false);
            advance(Duration::from_secs(SLOT)).await;
        }
        let kept = failures.slots.lock().unwrap().slots.len();
        assert!(kept <= 722, "{kept}");
    }
}
