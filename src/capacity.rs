//! How many requests and tokens a connection may have per minute: what was configured, and what its provider says.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName};
use tokio::time::Instant;

use crate::convert::{rate_limit, rfc3339};

/// The time that limits are for.
const MINUTE: Duration = Duration::from_secs(60);

/// How much a connection may be used. Without a limit it is not counted.
///
/// Each limit is a bucket that holds a minute's worth and fills steadily. Calls steer to another target of their route before a
/// bucket is empty; where all targets' buckets are, clients get a 429 and nothing is sent. Every process counts for itself.
///
/// ```
/// use tower_llm_gateway::{Connection, Credential, Provider, target::Capacity};
///
/// let connection = Connection::builder("main", Provider::OpenAi)
///     .credential(Credential::api_key("sk-…"))
///     .capacity(Capacity::new().requests_per_minute(500).tokens_per_minute(200_000))
///     .build()?;
/// # Ok::<(), tower_llm_gateway::InvalidConnection>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Capacity {
    /// Requests to the provider, retries included.
    pub requests_per_minute: Option<u64>,
    /// Tokens in and out: the prompt's estimate when a call begins, what the provider counted once it has ended.
    pub tokens_per_minute: Option<u64>,
}

impl Capacity {
    /// No limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows this many requests a minute; at least one.
    #[must_use]
    pub fn requests_per_minute(mut self, requests: u64) -> Self {
        self.requests_per_minute = Some(requests);
        self
    }

    /// Allows this many tokens a minute; at least one.
    #[must_use]
    pub fn tokens_per_minute(mut self, tokens: u64) -> Self {
        self.tokens_per_minute = Some(tokens);
        self
    }

    /// The key of a limit that nothing could pass.
    pub(crate) fn invalid(&self) -> Option<&'static str> {
        [
            ("requests_per_minute", self.requests_per_minute),
            ("tokens_per_minute", self.tokens_per_minute),
        ]
        .into_iter()
        .find_map(|(key, limit)| (limit == Some(0)).then_some(key))
    }
}

/// What is used of a connection's capacity.
#[derive(Default)]
pub(crate) struct Meter {
    capacity: Capacity,
    /// The provider has told a limit of its own.
    told: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    requests: Bucket,
    tokens: Bucket,
    told_requests: Option<Told>,
    told_tokens: Option<Told>,
    told_input: Option<Told>,
}

/// A bucket that fills steadily, as the time at which it will be full.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    full_at: Option<Instant>,
}

impl Bucket {
    /// The time until `amount` fits; a bucket that is full lets everything through, so that nothing waits for ever.
    fn wait(self, amount: u64, limit: u64, now: Instant) -> Duration {
        let lack = self.lack(now);
        if lack.is_zero() {
            return lack;
        }
        let too_late = (lack + time_of(amount, limit)).saturating_sub(MINUTE);
        too_late.min(lack)
    }

    fn lack(self, now: Instant) -> Duration {
        let full_at = self.full_at.unwrap_or(now);
        full_at.saturating_duration_since(now)
    }

    fn take(&mut self, amount: u64, limit: u64, now: Instant) {
        // A day's debt is as good as any larger one.
        let lack = (self.lack(now) + time_of(amount, limit)).min(MINUTE * 1440);
        self.full_at = Some(now + lack);
    }

    fn put(&mut self, amount: u64, limit: u64, now: Instant) {
        let lack = self.lack(now).saturating_sub(time_of(amount, limit));
        self.full_at = Some(now + lack);
    }
}

/// The time in which `amount` comes in; a day at most.
fn time_of(amount: u64, limit: u64) -> Duration {
    let nanos = 60_000_000_000_u128 * u128::from(amount) / u128::from(limit.max(1));
    u64::try_from(nanos).map_or(MINUTE * 1440, |nanos| {
        Duration::from_nanos(nanos).min(MINUTE * 1440)
    })
}

/// What a provider said of one of its limits.
#[derive(Debug, Clone, Copy)]
struct Told {
    remaining: u64,
    /// What there will be at `full_at`, where the provider says it.
    limit: Option<u64>,
    said_at: Instant,
    full_at: Instant,
}

impl Told {
    /// What there is by now: it comes back steadily, or all at once where the limit is not known.
    fn remaining(&self, now: Instant) -> u64 {
        if now >= self.full_at {
            return u64::MAX;
        }
        let whole = (self.full_at - self.said_at).as_millis();
        let passed = now.saturating_duration_since(self.said_at).as_millis();
        let limit = self.limit.unwrap_or(self.remaining);
        let missing = u128::from(limit.saturating_sub(self.remaining));
        let back = missing * passed / whole.max(1);
        self.remaining
            .saturating_add(u64::try_from(back).unwrap_or(u64::MAX))
    }
}

impl Meter {
    pub(crate) fn new(capacity: Capacity) -> Self {
        Self {
            capacity,
            ..Self::default()
        }
    }

    fn is_unlimited(&self) -> bool {
        self.capacity == Capacity::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is room for another call of so many tokens, by all that is known. The tokens are only asked for where
    /// there is a limit to them.
    pub(crate) fn has_room(&self, tokens: impl Fn() -> u64) -> bool {
        self.wait(&tokens).is_zero() && self.told_room(&tokens)
    }

    /// Whether the provider's own words leave room.
    fn told_room(&self, tokens: impl Fn() -> u64) -> bool {
        if !self.told.load(Ordering::Relaxed) {
            return true;
        }
        let now = Instant::now();
        let (requests, of_tokens) = {
            let state = self.state();
            let left = |told: &Option<Told>| told.map_or(u64::MAX, |told| told.remaining(now));
            let of_tokens = left(&state.told_tokens).min(left(&state.told_input));
            (left(&state.told_requests), of_tokens)
        };
        requests > 0 && of_tokens > 0 && (of_tokens == u64::MAX || of_tokens >= tokens())
    }

    /// The time until the configured limits leave room.
    pub(crate) fn wait(&self, tokens: impl Fn() -> u64) -> Duration {
        if self.is_unlimited() {
            return Duration::ZERO;
        }
        let need = self.need(tokens);
        self.wait_of(&self.state(), need, Instant::now())
    }

    /// The tokens, where they matter.
    fn need(&self, tokens: impl Fn() -> u64) -> u64 {
        self.capacity.tokens_per_minute.map_or(0, |_| tokens())
    }

    fn wait_of(&self, state: &State, tokens: u64, now: Instant) -> Duration {
        let wait = |limit: Option<u64>, bucket: Bucket, amount| {
            limit.map_or(Duration::ZERO, |limit| bucket.wait(amount, limit, now))
        };
        wait(self.capacity.requests_per_minute, state.requests, 1).max(wait(
            self.capacity.tokens_per_minute,
            state.tokens,
            tokens,
        ))
    }

    /// Takes what a call needs, if the configured limits leave room.
    pub(crate) fn take(&self, tokens: impl Fn() -> u64) -> bool {
        let told = self.told.load(Ordering::Relaxed);
        if self.is_unlimited() && !told {
            return true;
        }
        let need = self.need(tokens);
        let now = Instant::now();
        let mut state = self.state();
        if !self.wait_of(&state, need, now).is_zero() {
            return false;
        }
        if let Some(limit) = self.capacity.requests_per_minute {
            state.requests.take(1, limit, now);
        }
        if let Some(limit) = self.capacity.tokens_per_minute {
            state.tokens.take(need, limit, now);
        }
        // Calls under way count until the provider says something newer.
        if let Some(told) = &mut state.told_requests {
            told.remaining = told.remaining.saturating_sub(1);
        }
        true
    }

    /// Gives back what a call took that was not sent.
    pub(crate) fn give_back(&self, tokens: impl Fn() -> u64) {
        if self.is_unlimited() {
            return;
        }
        let need = self.need(tokens);
        let now = Instant::now();
        let mut state = self.state();
        if let Some(limit) = self.capacity.requests_per_minute {
            state.requests.put(1, limit, now);
        }
        if let Some(limit) = self.capacity.tokens_per_minute {
            state.tokens.put(need, limit, now);
        }
    }

    /// A call for which `estimate` was taken cost `tokens`.
    pub(crate) fn settle(&self, estimate: impl Fn() -> u64, tokens: u64) {
        let Some(limit) = self.capacity.tokens_per_minute else {
            return;
        };
        let (estimate, now) = (estimate(), Instant::now());
        let bucket = &mut self.state().tokens;
        bucket.take(tokens.saturating_sub(estimate), limit, now);
        bucket.put(estimate.saturating_sub(tokens), limit, now);
    }

    /// Reads what the provider says of its own limits in an answer's head.
    ///
    /// Sources: OpenAI's and Groq's `x-ratelimit-*`, Anthropic's `anthropic-ratelimit-*`.
    pub(crate) fn observe(&self, headers: &HeaderMap, now_unix: u64) {
        // Many answers say nothing of limits; the names are put together only for those that do.
        let is_of_limits = |name: &HeaderName| {
            let name = name.as_str();
            name.starts_with("x-ratelimit-") || name.starts_with("anthropic-ratelimit-")
        };
        if !headers.keys().any(is_of_limits) {
            return;
        }
        let requests = told(headers, "requests", now_unix);
        let tokens = told(headers, "tokens", now_unix);
        let input = told(headers, "input-tokens", now_unix);
        if requests.or(tokens).or(input).is_none() {
            return;
        }
        let mut state = self.state();
        state.told_requests = requests;
        state.told_tokens = tokens;
        state.told_input = input;
        self.told.store(true, Ordering::Relaxed);
    }
}

/// What the headers say about one limit.
fn told(headers: &HeaderMap, what: &str, now_unix: u64) -> Option<Told> {
    let text = |name: String| headers.get(name)?.to_str().ok();
    let openai = |which: &str| text(format!("x-ratelimit-{which}-{what}"));
    let anthropic = |which: &str| text(format!("anthropic-ratelimit-{what}-{which}"));
    let count = |which: &str| {
        let text = openai(which).or_else(|| anthropic(which));
        text?.trim().parse::<u64>().ok()
    };
    let remaining = count("remaining")?;
    let reset = openai("reset").and_then(rate_limit::seconds).or_else(|| {
        let at = rfc3339::parse(anthropic("reset")?)?;
        Some(at.saturating_sub(now_unix))
    });
    let said_at = Instant::now();
    // All limits are for a minute or longer; without a word on it a minute is not too early. Longer than an hour nothing is
    // believed without being tried again.
    let reset = reset.map_or(MINUTE, |seconds| Duration::from_secs(seconds.min(3600)));
    Some(Told {
        remaining,
        limit: count("limit"),
        said_at,
        full_at: said_at + reset,
    })
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::time::advance;

    use super::*;

    fn headers(all: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in all {
            headers.insert(*name, value.parse().unwrap());
        }
        headers
    }

    fn taken(meter: &Meter, tokens: u64) -> usize {
        (0..1000).take_while(|_| meter.take(|| tokens)).count()
    }

    #[tokio::test(start_paused = true)]
    async fn requests_come_back_steadily() {
        let meter = Meter::new(Capacity::new().requests_per_minute(6));
        let never = || unreachable!("nobody limits tokens");
        assert!(meter.has_room(never));
        assert_eq!(taken(&meter, 0), 6);
        assert!(!meter.has_room(never));
        assert_eq!(meter.wait(never), Duration::from_secs(10));
        advance(Duration::from_secs(4)).await;
        assert_eq!(meter.wait(never), Duration::from_secs(6));
        advance(Duration::from_secs(16)).await;
        assert_eq!(taken(&meter, 0), 2);
        meter.give_back(|| 0);
        assert_eq!(taken(&meter, 0), 1);
        advance(Duration::from_secs(3600)).await;
        assert_eq!(taken(&meter, 0), 6, "no more than a minute's worth");
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_are_estimated_and_settled() {
        let meter = Meter::new(Capacity::new().tokens_per_minute(1000));
        assert_eq!(taken(&meter, 400), 2);
        assert_eq!(meter.wait(|| 400), Duration::from_secs(12));
        assert!(meter.take(|| 200));
        // It was less after all.
        meter.settle(|| 400, 100);
        assert!(meter.take(|| 300) && !meter.take(|| 1));
        // Or more: a debt.
        meter.settle(|| 400, 1400);
        assert_eq!(meter.wait(|| 0), Duration::from_secs(60));
        advance(Duration::from_secs(120)).await;
        // What is larger than the bucket goes through when that is full.
        assert!(meter.take(|| 5000));
        assert_eq!(meter.wait(|| 5000), Duration::from_secs(300));
    }

    #[tokio::test(start_paused = true)]
    async fn what_openai_says_steers_but_never_refuses() {
        let meter = Meter::default();
        let none = || 0;
        meter.observe(&headers(&[("content-type", "x")]), 0);
        assert!(meter.has_room(|| unreachable!("nothing is known")));
        meter.observe(
            &headers(&[
                ("x-ratelimit-limit-requests", "60"),
                ("x-ratelimit-remaining-requests", "1"),
                ("x-ratelimit-reset-requests", "1m0s"),
            ]),
            0,
        );
        assert!(meter.has_room(none) && meter.take(none));
        assert!(!meter.has_room(none), "calls under way count");
        assert!(meter.take(none), "nothing is refused");
        advance(Duration::from_secs(2)).await;
        assert!(meter.has_room(none), "it comes back steadily");
    }

    #[tokio::test(start_paused = true)]
    async fn what_anthropic_says_counts_until_its_reset() {
        let meter = Meter::default();
        meter.observe(
            &headers(&[
                ("anthropic-ratelimit-input-tokens-remaining", "500"),
                (
                    "anthropic-ratelimit-input-tokens-reset",
                    "1970-01-01T00:01:40Z",
                ),
            ]),
            70,
        );
        assert!(meter.has_room(|| 500) && !meter.has_room(|| 501));
        advance(Duration::from_secs(29)).await;
        assert!(!meter.has_room(|| 501));
        advance(Duration::from_secs(1)).await;
        assert!(meter.has_room(|| 501));
        meter.observe(
            &headers(&[
                ("x-ratelimit-remaining-tokens", "0"),
                ("x-ratelimit-reset-tokens", "?"),
            ]),
            0,
        );
        assert!(!meter.has_room(|| 0));
        advance(Duration::from_secs(60)).await;
        assert!(meter.has_room(|| 0));
    }

    proptest! {
        #[test]
        fn any_numbers_do(limit: u64, amounts in proptest::collection::vec(any::<u64>(), 0..8), text in "[0-9a-z.:TZ-]{0,12}") {
            let meter = Meter::new(Capacity::new().requests_per_minute(limit).tokens_per_minute(limit));
            let mut headers = HeaderMap::new();
            for name in ["x-ratelimit-remaining-tokens", "x-ratelimit-limit-tokens", "x-ratelimit-reset-tokens"] {
                headers.insert(name, text.parse().unwrap());
            }
            for amount in amounts {
                meter.observe(&headers, amount);
                let room = meter.has_room(|| amount);
                prop_assert!(meter.take(|| amount) || !room);
                meter.settle(|| amount, limit);
                meter.give_back(|| amount);
            }
        }
    }
}
