//! What calls cost: a price table, which is data of the owner's, and the arithmetic, which is in whole numbers.
//!
//! Prices change and differ from contract to contract, so the library has none built in. A [`Price`] gives dollars per million
//! tokens for each category of [`Usage`] (fresh input, cache reads, cache writes of either lifetime, output, reasoning), a fee per
//! thousand web searches, other rates above a prompt's length, and other rates per service tier. What a provider itself says a
//! call cost (Perplexity does) wins over the table.

mod dollars;
mod table;

use std::collections::BTreeMap;

pub use dollars::{Dollars, InvalidAmount};
pub use table::PriceTable;

use crate::usage::{ServiceTier, Usage};

/// Tokens that a rate is given for.
const MILLION: u128 = 1_000_000;
/// Brings a fee per thousand searches to the same scale.
const SEARCHES: u128 = MILLION / 1000;

/// The prices of a model.
///
/// ```
/// use tower_llm_gateway::price::{Dollars, Price};
/// use tower_llm_gateway::Usage;
///
/// let mut price = Price::new("3".parse()?, "15".parse()?);
/// price.cache_read = Some("0.3".parse()?);
/// let mut usage = Usage::default();
/// usage.input = Some(1000);
/// usage.cache_read = Some(10_000);
/// usage.output = Some(200);
/// // 0.003 + 0.003 + 0.003
/// assert_eq!(price.cost(&usage), Some("0.009".parse()?));
/// # Ok::<(), tower_llm_gateway::price::InvalidAmount>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Price {
    /// Dollars per million input tokens that were neither read from nor written to a cache.
    pub input: Option<Dollars>,
    /// Dollars per million tokens read from a cache. Default: as `input`.
    pub cache_read: Option<Dollars>,
    /// Dollars per million tokens written to a cache for five minutes, or for a time that was not told. Default: as `input`.
    pub cache_write: Option<Dollars>,
    /// Dollars per million tokens written to a cache for one hour. Default: as `cache_write`.
    pub cache_write_1h: Option<Dollars>,
    /// Dollars per million output tokens.
    pub output: Option<Dollars>,
    /// Dollars per million output tokens that were spent on reasoning. Default: as `output`.
    pub reasoning: Option<Dollars>,
    /// Dollars per thousand web searches. Default: none.
    pub web_search: Option<Dollars>,
    /// Other rates for calls whose whole prompt has more tokens than this, each step over those below it; what they leave out
    /// stays.
    pub above: BTreeMap<PromptLength, Price>,
    /// Other rates for calls that were served by this tier; what they leave out stays.
    pub tiers: BTreeMap<ServiceTier, Price>,
}

/// A number of tokens in a prompt, above which other rates apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PromptLength(pub u64);

#[cfg(feature = "config")]
impl<'de> serde::Deserialize<'de> for PromptLength {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;

        // The key of a table: text.
        let key = String::deserialize(deserializer)?;
        let tokens = key.parse();
        tokens
            .map(Self)
            .map_err(|_| D::Error::custom("expected a number of tokens such as 200000"))
    }
}

/// The rates that apply to one call.
#[derive(Debug, Clone, Copy, Default)]
struct Rates {
    input: Option<Dollars>,
    cache_read: Option<Dollars>,
    cache_write: Option<Dollars>,
    cache_write_1h: Option<Dollars>,
    output: Option<Dollars>,
    reasoning: Option<Dollars>,
    web_search: Option<Dollars>,
}

impl Price {
    /// A price with these rates per million tokens, and no others.
    #[must_use]
    pub fn new(input: Dollars, output: Dollars) -> Self {
        Self {
            input: Some(input),
            output: Some(output),
            ..Self::default()
        }
    }

    /// What a call with this usage cost, to the nearest pico-dollar; `None` where nothing is known of its tokens, or where tokens
    /// were used that the price has no rate for.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Option<Dollars> {
        if !usage.is_known() {
            return None;
        }
        let mut rates = Rates::default();
        self.overlay(usage.prompt(), usage.service_tier, &mut rates);
        rates.cost(usage)
    }

    /// Puts what this price says over `rates`: its own rates, then those for a prompt of this length, then those of the tier.
    fn overlay(&self, prompt: u64, tier: Option<ServiceTier>, rates: &mut Rates) {
        for (slot, rate) in [
            (&mut rates.input, self.input),
            (&mut rates.cache_read, self.cache_read),
            (&mut rates.cache_write, self.cache_write),
            (&mut rates.cache_write_1h, self.cache_write_1h),
            (&mut rates.output, self.output),
            (&mut rates.reasoning, self.reasoning),
            (&mut rates.web_search, self.web_search),
        ] {
            *slot = rate.or(*slot);
        }
        for (_, step) in self.above.range(..PromptLength(prompt)) {
            step.overlay(prompt, None, rates);
        }
        if let Some(tier) = tier.and_then(|tier| self.tiers.get(&tier)) {
            tier.overlay(prompt, None, rates);
        }
    }
}

impl Rates {
    fn cost(&self, usage: &Usage) -> Option<Dollars> {
        let count = |tokens: Option<u64>| tokens.unwrap_or(0);
        let write_1h = count(usage.cache_write_1h);
        // The whole is told beside its parts, or alone.
        let write = count(usage.cache_write)
            .saturating_sub(write_1h)
            .max(count(usage.cache_write_5m));
        let reasoning = count(usage.reasoning).min(count(usage.output));
        let cache_write = self.cache_write.or(self.input);
        let searches = u128::from(count(usage.web_searches)).saturating_mul(SEARCHES);
        let fee = u128::from(self.web_search.unwrap_or_default().picos());
        let mut sum = searches.saturating_mul(fee);
        for (tokens, rate) in [
            (count(usage.input), self.input),
            (count(usage.cache_read), self.cache_read.or(self.input)),
            (write, cache_write),
            (write_1h, self.cache_write_1h.or(cache_write)),
            (count(usage.output) - reasoning, self.output),
            (reasoning, self.reasoning.or(self.output)),
        ] {
            if tokens > 0 {
                sum = sum.saturating_add(u128::from(tokens) * u128::from(rate?.picos()));
            }
        }
        Some(Dollars::saturating_from(
            sum.saturating_add(MILLION / 2) / MILLION,
        ))
    }
}

#[cfg(test)]
mod tests;
