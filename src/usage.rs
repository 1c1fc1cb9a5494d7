//! Token counts of one call.

use std::sync::{Arc, OnceLock};

/// The tokens of one call, in disjoint categories that every provider's counts are brought to.
///
/// `None` means that the provider did not say. The whole prompt is [`Usage::prompt`]; `reasoning` is a part of `output`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Input tokens that were neither read from nor written to a cache.
    pub input: Option<u64>,
    /// Input tokens read from a prompt cache.
    pub cache_read: Option<u64>,
    /// Input tokens written to a prompt cache, all lifetimes together.
    pub cache_write: Option<u64>,
    /// The part of `cache_write` that lives five minutes.
    pub cache_write_5m: Option<u64>,
    /// The part of `cache_write` that lives one hour.
    pub cache_write_1h: Option<u64>,
    /// Output tokens, reasoning included.
    pub output: Option<u64>,
    /// The part of `output` that was spent on reasoning.
    pub reasoning: Option<u64>,
    /// Web searches that the provider ran.
    pub web_searches: Option<u64>,
}

impl Usage {
    /// All input tokens: fresh, read from a cache, and written to one.
    #[must_use]
    pub fn prompt(&self) -> u64 {
        self.input
            .unwrap_or(0)
            .saturating_add(self.cache_read.unwrap_or(0))
            .saturating_add(self.cache_write.unwrap_or(0))
    }

    /// Whether the provider reported anything at all.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.input.is_some() || self.output.is_some()
    }
}

/// A place where the usage of a call appears once its body has ended or was dropped.
#[derive(Debug, Clone, Default)]
pub struct UsageHandle(Arc<OnceLock<Usage>>);

impl UsageHandle {
    /// The usage, once the answer's body has ended or was dropped; `None` before that.
    #[must_use]
    pub fn get(&self) -> Option<Usage> {
        self.0.get().copied()
    }

    pub(crate) fn set(&self, usage: Usage) {
        // The first one to say it wins: the end of a body comes before its drop.
        let _ = self.0.set(usage);
    }
}
