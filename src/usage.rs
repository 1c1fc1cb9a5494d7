//! Token counts of one call.

use crate::price::Dollars;

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
    /// The capacity that served the call, which may have prices of its own.
    pub service_tier: Option<ServiceTier>,
    /// What the call cost, where the provider itself says so.
    pub cost: Option<Dollars>,
}

/// The capacity that served a call, as far as prices depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum ServiceTier {
    /// What everybody gets.
    Standard,
    /// Faster, and dearer.
    Priority,
    /// Slower, and cheaper.
    Flex,
    /// Whenever there is room.
    Batch,
    /// Capacity that was bought beforehand.
    Reserved,
}

impl ServiceTier {
    /// The tier in a provider's words; `None` for words that no price depends on (`auto`).
    ///
    /// Sources: `service_tier` of OpenAI's answers, of Groq's and of Anthropic's `Usage`, `serviceTier` of Converse.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "standard" | "default" | "on_demand" => Self::Standard,
            "priority" | "fast" | "performance" => Self::Priority,
            "flex" => Self::Flex,
            "batch" => Self::Batch,
            "reserved" | "scale" => Self::Reserved,
            _ => return None,
        })
    }
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
