//! Numbers for ids, weights and jitter; not for secrets.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A number that differs from call to call and from process to process.
pub(crate) fn number() -> u64 {
    // The standard library seeds every `RandomState` differently; SipHash spreads the seed.
    RandomState::new().build_hasher().finish()
}
