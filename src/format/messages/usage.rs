//! Token counts of Messages answers.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Count, Text};
use crate::usage::Usage;

/// What a message's `usage` said so far.
///
/// A stream reports it twice (`message_start`, `message_delta`), cumulatively: a counter that is present replaces the one
/// before, never adds to it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    raw: Usage,
    tier: Option<ServiceTier>,
}

/// The capacity that served a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServiceTier {
    Standard,
    Priority,
    Batch,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct View<'a> {
    input_tokens: Count,
    cache_creation_input_tokens: Count,
    cache_read_input_tokens: Count,
    output_tokens: Count,
    #[serde(borrow)]
    cache_creation: Option<&'a RawValue>,
    #[serde(borrow)]
    output_tokens_details: Option<&'a RawValue>,
    #[serde(borrow)]
    server_tool_use: Option<&'a RawValue>,
    #[serde(borrow)]
    service_tier: Text<'a>,
}

/// The objects inside `usage`; their members have different names, so one view reads them all.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    ephemeral_5m_input_tokens: Count,
    ephemeral_1h_input_tokens: Count,
    thinking_tokens: Count,
    web_search_requests: Count,
}

impl Counts {
    /// Takes over the counters that `usage` has; the others keep their value.
    pub(crate) fn update(&mut self, usage: Option<&RawValue>) {
        let Some(view) = usage.and_then(|raw| serde_json::from_str::<View<'_>>(raw.get()).ok())
        else {
            return;
        };
        let raw = &mut self.raw;
        view.input_tokens.overwrite(&mut raw.input);
        view.cache_creation_input_tokens
            .overwrite(&mut raw.cache_write);
        view.cache_read_input_tokens.overwrite(&mut raw.cache_read);
        view.output_tokens.overwrite(&mut raw.output);
        for details in [
            view.cache_creation,
            view.output_tokens_details,
            view.server_tool_use,
        ] {
            let Some(details) =
                details.and_then(|raw| serde_json::from_str::<Details>(raw.get()).ok())
            else {
                continue;
            };
            details
                .ephemeral_5m_input_tokens
                .overwrite(&mut raw.cache_write_5m);
            details
                .ephemeral_1h_input_tokens
                .overwrite(&mut raw.cache_write_1h);
            details.thinking_tokens.overwrite(&mut raw.reasoning);
            details.web_search_requests.overwrite(&mut raw.web_searches);
        }
        if let Some(tier) = view.service_tier.get() {
            let tier = tier.decode();
            raw.service_tier = crate::usage::ServiceTier::from_name(&tier);
            self.tier = match &*tier {
                "standard" => Some(ServiceTier::Standard),
                "priority" => Some(ServiceTier::Priority),
                "batch" => Some(ServiceTier::Batch),
                _ => None,
            };
        }
    }

    /// The counts so far. What the split by lifetime leaves over of the tokens written to the cache counts as living five
    /// minutes, the default lifetime.
    pub(crate) fn usage(&self) -> Usage {
        let mut usage = self.raw;
        if usage.cache_write_5m.is_some() || usage.cache_write_1h.is_some() {
            let short = usage.cache_write_5m.unwrap_or(0);
            let long = usage.cache_write_1h.unwrap_or(0);
            let split = short.saturating_add(long);
            let total = usage.cache_write.unwrap_or(split).max(split);
            usage.cache_write = Some(total);
            usage.cache_write_5m = Some(total.saturating_sub(long));
            usage.cache_write_1h = Some(long);
        }
        usage
    }

    /// The capacity that served the call, where it was said.
    pub(crate) fn service_tier(&self) -> Option<ServiceTier> {
        self.tier
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(updates: &[&str]) -> Usage {
        let mut counts = Counts::default();
        for update in updates {
            counts.update(Some(serde_json::from_str(update).unwrap()));
        }
        counts.usage()
    }

    #[test]
    fn later_counters_replace_and_missing_ones_stay() {
        let usage = counts(&[
            r#"{"input_tokens":12,"cache_read_input_tokens":500,"output_tokens":1}"#,
            r#"{"input_tokens":null,"cache_creation_input_tokens":7,"output_tokens":55,"output_tokens_details":{"thinking_tokens":9}}"#,
        ]);
        assert_eq!(usage.input, Some(12));
        assert_eq!(usage.cache_read, Some(500));
        assert_eq!(usage.cache_write, Some(7));
        assert_eq!(usage.output, Some(55));
        assert_eq!(usage.reasoning, Some(9));
        assert_eq!(usage.prompt(), 519);
    }

    #[test]
    fn the_rest_of_the_cache_split_lives_five_minutes() {
        let usage = counts(&[
            r#"{"cache_creation_input_tokens":300,"cache_creation":{"ephemeral_5m_input_tokens":50,"ephemeral_1h_input_tokens":200}}"#,
        ]);
        assert_eq!(usage.cache_write_5m, Some(100));
        assert_eq!(usage.cache_write_1h, Some(200));
        let usage = counts(&[r#"{"cache_creation":{"ephemeral_1h_input_tokens":200}}"#]);
        assert_eq!(usage.cache_write, Some(200));
        assert_eq!(usage.cache_write_5m, Some(0));
    }

    #[test]
    fn odd_counters_read_as_absent() {
        assert_eq!(
            counts(&[r#"{"input_tokens":-1,"output_tokens":"many","cache_creation":[]}"#]),
            Usage::default()
        );
        assert_eq!(counts(&["7"]), Usage::default());
    }
}
