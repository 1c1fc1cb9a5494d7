//! One waker for many tasks that wait for the same thing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// Wakes every task that is registered, once.
#[derive(Debug, Default)]
pub(super) struct Bell {
    wakers: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    wakers: HashMap<u64, Waker>,
    names: u64,
}

impl Bell {
    /// A name to register under.
    pub(super) fn name(&self) -> u64 {
        let mut waiting = self.lock();
        waiting.names = waiting.names.wrapping_add(1);
        waiting.names
    }

    /// Asks to be woken, in place of what was registered under this name before.
    pub(super) fn register(&self, name: u64, waker: &Waker) {
        self.lock()
            .wakers
            .entry(name)
            .and_modify(|known| known.clone_from(waker))
            .or_insert_with(|| waker.clone());
    }

    /// Takes a registration back; whether it was still there.
    pub(super) fn remove(&self, name: u64) -> bool {
        self.lock().wakers.remove(&name).is_some()
    }

    pub(super) fn ring(&self) {
        let wakers = std::mem::take(&mut self.lock().wakers);
        for waker in wakers.into_values() {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}
