//! Faults that pass: the one thing that is remembered between requests.

use std::sync::{Mutex, PoisonError};

/// What failed and is to succeed when it comes again; the oldest are forgotten.
static FAILED: Mutex<Vec<u64>> = Mutex::new(Vec::new());

/// How many are remembered.
const MOST: usize = 256;

/// Whether this comes for the first time since it last succeeded.
pub(super) fn is_first(what: u64) -> bool {
    let mut failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(at) = failed.iter().position(|known| *known == what) {
        failed.remove(at);
        return false;
    }
    if failed.len() == MOST {
        failed.remove(0);
    }
    failed.push(what);
    true
}
