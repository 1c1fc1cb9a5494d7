//! What AWS itself counts, for where Anthropic's own numbers are missing.

use http::HeaderMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::codec::contains;
use crate::codec::scan::members;
use crate::codec::splice::{Edit, cuts, spliced};
use crate::format::messages::{Count, Counts};
use crate::usage::Usage;

/// What AWS adds to a stream's last event, and Anthropic's clients do not know.
const METRICS: &str = "amazon-bedrock-invocationMetrics";

/// AWS's own counts. The input is without what was read from or written to the cache.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metrics {
    input_token_count: Count,
    output_token_count: Count,
    cache_read_input_token_count: Count,
    cache_write_input_token_count: Count,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Last<'a> {
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, rename = "amazon-bedrock-invocationMetrics")]
    metrics: Option<&'a RawValue>,
}

/// Fills in what is missing.
pub(crate) fn fill(usage: &mut Usage, more: &Usage) {
    for (slot, value) in [
        (&mut usage.input, more.input),
        (&mut usage.output, more.output),
        (&mut usage.cache_read, more.cache_read),
        (&mut usage.cache_write, more.cache_write),
    ] {
        *slot = slot.or(value);
    }
}

/// The counts in the head of an answer.
pub(crate) fn of_headers(headers: &HeaderMap) -> Usage {
    let count = |name| headers.get(name)?.to_str().ok()?.trim().parse().ok();
    Usage {
        input: count("x-amzn-bedrock-input-token-count"),
        output: count("x-amzn-bedrock-output-token-count"),
        cache_read: count("x-amzn-bedrock-cache-read-input-token-count"),
        cache_write: count("x-amzn-bedrock-cache-write-input-token-count"),
        ..Usage::default()
    }
}

/// The counts in a stream's last event, from which AWS's own member is removed.
pub(crate) fn take(event: &mut Vec<u8>) -> Usage {
    let Ok(last) = serde_json::from_slice::<Last<'_>>(event) else {
        return Usage::default();
    };
    let mut counts = Counts::default();
    counts.update(last.usage);
    let mut usage = counts.usage();
    let metrics = last
        .metrics
        .and_then(|raw| serde_json::from_str::<Metrics>(raw.get()).ok());
    if let Some(metrics) = metrics {
        let metrics = Usage {
            input: metrics.input_token_count.get(),
            output: metrics.output_token_count.get(),
            cache_read: metrics.cache_read_input_token_count.get(),
            cache_write: metrics.cache_write_input_token_count.get(),
            ..Usage::default()
        };
        fill(&mut usage, &metrics);
    }
    if contains(event, METRICS.as_bytes()) {
        let list: Vec<_> = members(event, 0..event.len()).collect();
        let spans: Vec<_> = list.iter().map(|m| m.name.start..m.value.end).collect();
        let spans = cuts(&spans, |at| list.get(at).is_some_and(|m| m.key == METRICS));
        let edits: Vec<_> = spans
            .into_iter()
            .map(|span| Edit { span, with: b"" })
            .collect();
        let left = spliced(event, &edits);
        drop(list);
        if let Ok(left) = left {
            *event = left;
        }
    }
    usage
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn metrics_are_taken_out_of_the_last_event() {
        for (event, left) in [
            (
                r#"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":10,"outputTokenCount":4,"invocationLatency":702,"cacheReadInputTokenCount":3}}"#,
                r#"{"type":"message_stop"}"#,
            ),
            (
                r#"{"amazon-bedrock-invocationMetrics":{"inputTokenCount":10,"outputTokenCount":4,"cacheReadInputTokenCount":3}, "type" : "message_stop" }"#,
                r#"{"type" : "message_stop" }"#,
            ),
        ] {
            let mut bytes = event.as_bytes().to_vec();
            let usage = take(&mut bytes);
            assert_eq!(String::from_utf8(bytes).unwrap(), left);
            assert_eq!(usage.input, Some(10));
            assert_eq!(usage.output, Some(4));
            assert_eq!((usage.cache_read, usage.cache_write), (Some(3), None));
        }
        for event in [r#"{"type":"message_stop"}"#, "7", ""] {
            let mut bytes = event.as_bytes().to_vec();
            assert_eq!(take(&mut bytes), Usage::default());
            assert_eq!(bytes, event.as_bytes());
        }
    }

    #[test]
    fn anthropics_own_counts_go_before() {
        let event = br#"{"type":"message_stop","usage":{"input_tokens":1,"cache_read_input_tokens":9},"amazon-bedrock-invocationMetrics":{"inputTokenCount":10,"outputTokenCount":4}}"#;
        let usage = take(&mut event.to_vec());
        assert_eq!((usage.input, usage.output), (Some(1), Some(4)));
        assert_eq!(usage.cache_read, Some(9));
    }

    #[test]
    fn counts_in_the_head() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-amzn-bedrock-input-token-count", "12"),
            ("x-amzn-bedrock-output-token-count", "7"),
            ("x-amzn-bedrock-cache-read-input-token-count", "many"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let mut usage = of_headers(&headers);
        assert_eq!((usage.input, usage.output), (Some(12), Some(7)));
        assert_eq!(usage.cache_read, None);
        fill(
            &mut usage,
            &Usage {
                input: Some(1),
                cache_read: Some(2),
                ..Usage::default()
            },
        );
        assert_eq!((usage.input, usage.cache_read), (Some(12), Some(2)));
    }
}
