//! Token counts, and what a model says beside its message.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::format::chat::answer::{object, objects};
use crate::format::messages::{Count, Text};
use crate::usage::Usage;

/// Converse's `TokenUsage`. `inputTokens` leaves cache reads and writes out, so the categories are disjoint already;
/// `totalTokens` is not read, as it is not the sum in every model.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct TokenUsage<'a> {
    input_tokens: Count,
    output_tokens: Count,
    cache_read_input_tokens: Count,
    cache_write_input_tokens: Count,
    /// The tokens written to a cache, by lifetime.
    #[serde(borrow)]
    cache_details: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CacheDetail<'a> {
    #[serde(borrow)]
    ttl: Text<'a>,
    input_tokens: Count,
}

impl TokenUsage<'_> {
    /// The counts that `raw` holds; `None` where it counts nothing.
    pub(crate) fn read(raw: Option<&RawValue>) -> Option<Usage> {
        let counts: TokenUsage<'_> = object(raw)?;
        let (input, output) = (counts.input_tokens.get(), counts.output_tokens.get());
        if input.is_none() && output.is_none() {
            return None;
        }
        let written = counts.cache_write_input_tokens.get().unwrap_or(0);
        let (mut short, mut long, mut any) = (0_u64, 0_u64, false);
        for detail in objects::<CacheDetail<'_>>(counts.cache_details) {
            let slot = match detail.ttl.get() {
                Some(ttl) if ttl.is("1h") => &mut long,
                _ => &mut short,
            };
            *slot = slot.saturating_add(detail.input_tokens.get().unwrap_or(0));
            any = true;
        }
        // A split that does not add up would bill other tokens than those written.
        let split = any && short.saturating_add(long) == written;
        Some(Usage {
            input: Some(input.unwrap_or(0)),
            cache_read: Some(counts.cache_read_input_tokens.get().unwrap_or(0)),
            cache_write: Some(written),
            cache_write_5m: split.then_some(short),
            cache_write_1h: split.then_some(long),
            output: Some(output.unwrap_or(0)),
            ..Usage::default()
        })
    }
}

/// What `additionalModelResponseFields` holds of what the gateway asks for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AdditionalFields<'a> {
    /// The stop sequence that Claude met.
    pub(crate) stop_sequence: Text<'a>,
    /// The part of the output tokens that was spent on reasoning.
    pub(crate) thinking_tokens: Option<u64>,
}

impl<'a> AdditionalFields<'a> {
    /// Reads the fields; none where `raw` is no object.
    pub(crate) fn read(raw: Option<&'a RawValue>) -> Self {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Fields<'a> {
            #[serde(borrow)]
            stop_sequence: Text<'a>,
            #[serde(borrow)]
            usage: Option<&'a RawValue>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct ModelUsage<'a> {
            #[serde(borrow)]
            output_tokens_details: Option<&'a RawValue>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Details {
            thinking_tokens: Count,
        }
        let fields: Fields<'a> = object(raw).unwrap_or_default();
        let details = object::<ModelUsage<'_>>(fields.usage)
            .and_then(|usage| object::<Details>(usage.output_tokens_details))
            .unwrap_or_default();
        Self {
            stop_sequence: fields.stop_sequence,
            thinking_tokens: details.thinking_tokens.get(),
        }
    }
}

/// The word in a `serviceTier` object.
pub(crate) fn service_tier(raw: Option<&RawValue>) -> Text<'_> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Tier<'a> {
        #[serde(borrow, rename = "type")]
        kind: Text<'a>,
    }
    object::<Tier<'_>>(raw).unwrap_or_default().kind
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(json: &str) -> Option<Usage> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        TokenUsage::read(Some(&raw))
    }

    #[test]
    fn counts_are_disjoint_and_a_split_must_add_up() {
        let usage = counts(
            r#"{"inputTokens":30,"outputTokens":77,"totalTokens":1,"cacheReadInputTokens":2000,"cacheWriteInputTokens":48,
            "cacheDetails":[{"ttl":"1h","inputTokens":40},{"ttl":"5m","inputTokens":8}]}"#,
        )
        .unwrap();
        assert_eq!(usage.input, Some(30));
        assert_eq!(usage.prompt(), 2078);
        assert_eq!(
            (usage.cache_write_5m, usage.cache_write_1h),
            (Some(8), Some(40))
        );
        for details in [r#"[{"ttl":"5m","inputTokens":8}]"#, "[]", "null", "5"] {
            let usage = counts(&format!(
                r#"{{"inputTokens":1,"cacheWriteInputTokens":9,"cacheDetails":{details}}}"#
            ))
            .unwrap();
            assert_eq!((usage.cache_write_5m, usage.cache_write_1h), (None, None));
            assert_eq!((usage.output, usage.cache_read), (Some(0), Some(0)));
        }
        for nothing in [
            "{}",
            "[]",
            r#"{"totalTokens":3}"#,
            r#"{"inputTokens":null}"#,
        ] {
            assert_eq!(counts(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn additional_fields() {
        let read = |json: &str| {
            let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
            let fields = AdditionalFields::read(Some(&raw));
            let stop = fields
                .stop_sequence
                .get()
                .map(|text| text.json().to_owned());
            (stop, fields.thinking_tokens)
        };
        assert_eq!(
            read(
                r#"{"stop_sequence":"a\n","usage":{"output_tokens_details":{"thinking_tokens":21}}}"#
            ),
            (Some(r#""a\n""#.to_owned()), Some(21))
        );
        for other in ["{}", "5", r#"{"stop_sequence":null,"usage":[]}"#] {
            assert_eq!(read(other), (None, None), "{other}");
        }
    }
}
