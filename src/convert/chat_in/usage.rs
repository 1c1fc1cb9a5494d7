//! Token counts.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::format::chat::answer::object;
use crate::format::messages::Count;
use crate::provider::chat_profile::OutputTokens;
use crate::usage::Usage;

#[derive(Default, Deserialize)]
#[serde(default)]
struct View<'a> {
    prompt_tokens: Count,
    completion_tokens: Count,
    total_tokens: Count,
    /// Perplexity.
    reasoning_tokens: Count,
    /// Perplexity.
    num_search_queries: Count,
    #[serde(borrow)]
    prompt_tokens_details: Option<&'a RawValue>,
    #[serde(borrow)]
    completion_tokens_details: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    cached_tokens: Count,
    cache_write_tokens: Count,
    reasoning_tokens: Count,
}

/// The counts of a `usage` object; `None` where it counts nothing.
pub(super) fn read(raw: Option<&RawValue>, output: OutputTokens) -> Option<Usage> {
    let view: View<'_> = object(raw)?;
    if view.prompt_tokens.get().is_none() && view.completion_tokens.get().is_none() {
        return None;
    }
    let prompt: Details = object(view.prompt_tokens_details).unwrap_or_default();
    let details: Details = object(view.completion_tokens_details).unwrap_or_default();
    let all = view.prompt_tokens.get().unwrap_or(0);
    let completion = view.completion_tokens.get().unwrap_or(0);
    let total = view.total_tokens.get().unwrap_or(0);
    let (output, reasoning) = match output {
        OutputTokens::Whole => (completion, details.reasoning_tokens.get().unwrap_or(0)),
        OutputTokens::RestOfTotal => {
            let output = if total > all.saturating_add(completion) {
                total - all
            } else {
                completion
            };
            let hidden = output.saturating_sub(completion);
            (output, details.reasoning_tokens.get().unwrap_or(hidden))
        }
        OutputTokens::PlusReasoning => {
            let reasoning = view
                .reasoning_tokens
                .get()
                .or(details.reasoning_tokens.get())
                .unwrap_or(0);
            (completion.saturating_add(reasoning), reasoning)
        }
    };
    let cached = prompt.cached_tokens.get().unwrap_or(0);
    let written = prompt.cache_write_tokens.get().unwrap_or(0);
    Some(Usage {
        input: Some(all.saturating_sub(cached).saturating_sub(written)),
        cache_read: Some(cached),
        cache_write: Some(written),
        output: Some(output),
        reasoning: Some(reasoning),
        web_searches: view.num_search_queries.get(),
        ..Usage::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(json: &str, output: OutputTokens) -> Option<(u64, u64, u64, u64, u64)> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        let usage = read(Some(&raw), output)?;
        Some((
            usage.input?,
            usage.cache_read?,
            usage.cache_write?,
            usage.output?,
            usage.reasoning?,
        ))
    }

    #[test]
    fn each_provider_counts_its_own_way() {
        let whole = OutputTokens::Whole;
        let total = OutputTokens::RestOfTotal;
        let plus = OutputTokens::PlusReasoning;
        for (json, output, expected) in [
            (
                r#"{"prompt_tokens":100,"completion_tokens":30,"total_tokens":130,"prompt_tokens_details":{"cached_tokens":64,"cache_write_tokens":6},"completion_tokens_details":{"reasoning_tokens":10}}"#,
                whole,
                Some((30, 64, 6, 30, 10)),
            ),
            (
                r#"{"prompt_tokens":80,"completion_tokens":24,"total_tokens":150}"#,
                total,
                Some((80, 0, 0, 70, 46)),
            ),
            (
                r#"{"prompt_tokens":80,"completion_tokens":24,"total_tokens":104}"#,
                total,
                Some((80, 0, 0, 24, 0)),
            ),
            (
                r#"{"prompt_tokens":6,"completion_tokens":9,"total_tokens":15,"reasoning_tokens":5}"#,
                plus,
                Some((6, 0, 0, 14, 5)),
            ),
            (
                r#"{"prompt_tokens":3,"completion_tokens":null}"#,
                whole,
                Some((3, 0, 0, 0, 0)),
            ),
            ("{}", whole, None),
            ("[]", whole, None),
            ("\"x\"", whole, None),
            (
                r#"{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":9}}"#,
                whole,
                Some((0, 9, 0, 2, 0)),
            ),
        ] {
            assert_eq!(counts(json, output), expected, "{json}");
        }
    }
}
