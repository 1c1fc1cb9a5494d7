//! Token counts of Chat answers.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::format::chat::answer::object;
use crate::format::messages::Count;
use crate::format::openai_usage::{self, Details};
use crate::price::Dollars;
use crate::provider::chat_profile::OutputTokens;
use crate::usage::Usage;

/// OpenAI's `CompletionUsage`, with what Perplexity adds.
#[derive(Default, Deserialize)]
#[serde(default)]
struct View<'a> {
    prompt_tokens: Count,
    completion_tokens: Count,
    total_tokens: Count,
    #[serde(borrow)]
    prompt_tokens_details: Option<&'a RawValue>,
    #[serde(borrow)]
    completion_tokens_details: Option<&'a RawValue>,
    /// Perplexity.
    reasoning_tokens: Count,
    /// Perplexity.
    num_search_queries: Count,
    /// Perplexity.
    #[serde(borrow)]
    search_context_size: Option<&'a RawValue>,
    /// Perplexity: [`Cost`]; some relays: a number of dollars.
    #[serde(borrow)]
    cost: Option<&'a RawValue>,
}

/// What Perplexity says that a call cost, in dollars.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Cost<'a> {
    #[serde(borrow)]
    total_cost: Option<&'a RawValue>,
}

/// The amount that `raw` tells; none where it is anything else.
fn dollars(raw: Option<&RawValue>) -> Option<Dollars> {
    let amount = match object::<Cost<'_>>(raw) {
        Some(cost) => cost.total_cost,
        None => raw,
    };
    amount?.get().parse().ok()
}

/// The counts that a `usage` object has.
#[derive(Debug, Clone, Copy)]
struct Counts {
    prompt: Option<u64>,
    completion: Option<u64>,
    total: Option<u64>,
    prompt_details: Details,
    completion_details: Details,
    /// Perplexity's count of reasoning beside the completion.
    reasoning: Option<u64>,
    searches: Option<u64>,
    cost: Option<Dollars>,
    is_perplexity: bool,
}

impl Counts {
    fn read(raw: Option<&RawValue>) -> Option<Self> {
        let view: View<'_> = object(raw)?;
        let reasoning = view.reasoning_tokens.get();
        let searches = view.num_search_queries.get();
        Some(Self {
            prompt: view.prompt_tokens.get(),
            completion: view.completion_tokens.get(),
            total: view.total_tokens.get(),
            prompt_details: Details::read(view.prompt_tokens_details),
            completion_details: Details::read(view.completion_tokens_details),
            reasoning,
            searches,
            cost: dollars(view.cost),
            is_perplexity: view.search_context_size.is_some()
                || reasoning.is_some()
                || searches.is_some(),
        })
    }

    /// The counts in our categories; what was not said stays unsaid.
    fn usage(self, output: OutputTokens) -> Usage {
        let mut usage = openai_usage::disjoint(
            self.prompt,
            self.completion,
            self.prompt_details,
            self.completion_details,
        );
        usage.web_searches = self.searches;
        usage.cost = self.cost;
        match output {
            OutputTokens::Whole => {}
            OutputTokens::RestOfTotal => {
                if let (Some(prompt), Some(completion), Some(total)) =
                    (self.prompt, self.completion, self.total)
                    && total > prompt.saturating_add(completion)
                {
                    let all = total.saturating_sub(prompt);
                    let hidden = all.saturating_sub(completion);
                    usage.output = Some(all);
                    usage.reasoning = usage.reasoning.or(Some(hidden));
                }
            }
            OutputTokens::PlusReasoning => {
                usage.reasoning = self.reasoning.or(usage.reasoning);
                let more = usage.reasoning.unwrap_or(0);
                usage.output = usage.output.map(|output| output.saturating_add(more));
            }
        }
        usage
    }
}

/// The counts of a `usage` object of a provider that counts like this; `None` where it counts nothing, and 0 for what it
/// leaves out.
pub(super) fn read(raw: Option<&RawValue>, output: OutputTokens) -> Option<Usage> {
    let mut counts = Counts::read(raw)?;
    if counts.prompt.is_none() && counts.completion.is_none() {
        return None;
    }
    counts.prompt.get_or_insert(0);
    counts.completion.get_or_insert(0);
    let mut usage = counts.usage(output);
    usage.cache_read.get_or_insert(0);
    usage.cache_write.get_or_insert(0);
    usage.reasoning.get_or_insert(0);
    Some(usage)
}

/// The counts of a `usage` object of any provider; its members tell how it counts.
pub(in crate::convert) fn read_any(raw: &RawValue) -> Option<Usage> {
    let counts = Counts::read(Some(raw))?;
    // Perplexity reports reasoning beside the completion. Gemini leaves thoughts out of the completion, but not out of
    // the total, which is the sum of both counts everywhere else.
    let output = if counts.is_perplexity {
        OutputTokens::PlusReasoning
    } else {
        OutputTokens::RestOfTotal
    };
    Some(counts.usage(output))
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
