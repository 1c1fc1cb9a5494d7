//! Token counts of answers that pass through.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::endpoint::Format;
use crate::format::messages::{Count, Counts};
use crate::usage::Usage;

/// The counts of a whole answer; unknown where the answer has none.
pub(crate) fn answer_usage(format: Format, body: &[u8]) -> Usage {
    let Ok(answer) = serde_json::from_slice::<Holder<'_>>(body) else {
        return Usage::default();
    };
    match format {
        Format::Chat => chat(&answer).unwrap_or_default(),
        Format::Responses => answer.usage.map(responses).unwrap_or_default(),
        Format::Messages => {
            let mut counts = Counts::default();
            counts.update(answer.usage);
            counts.usage()
        }
    }
}

/// What holds token counts: an answer or a chunk.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Holder<'a> {
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
    /// Groq's own member, which has the counts where `usage` is missing.
    #[serde(borrow)]
    pub(super) x_groq: Option<&'a RawValue>,
}

/// OpenAI's `CompletionUsage`, with what Perplexity adds.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ChatCounts<'a> {
    prompt_tokens: Count,
    completion_tokens: Count,
    total_tokens: Count,
    #[serde(borrow)]
    prompt_tokens_details: Option<&'a RawValue>,
    #[serde(borrow)]
    completion_tokens_details: Option<&'a RawValue>,
    reasoning_tokens: Count,
    num_search_queries: Count,
    #[serde(borrow)]
    search_context_size: Option<&'a RawValue>,
}

/// OpenAI's `ResponseUsage`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ResponsesCounts<'a> {
    input_tokens: Count,
    output_tokens: Count,
    #[serde(borrow)]
    input_tokens_details: Option<&'a RawValue>,
    #[serde(borrow)]
    output_tokens_details: Option<&'a RawValue>,
}

/// The details of either side, in both formats.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    cached_tokens: Count,
    cache_write_tokens: Count,
    reasoning_tokens: Count,
}

impl Details {
    fn read(raw: Option<&RawValue>) -> Self {
        raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default()
    }
}

/// The counts of a Chat answer or chunk, whichever provider made it; `None` when it has none.
pub(super) fn chat(holder: &Holder<'_>) -> Option<Usage> {
    let raw = match (holder.usage, holder.x_groq) {
        (Some(usage), _) => usage,
        (None, Some(x_groq)) => {
            serde_json::from_str::<Holder<'_>>(x_groq.get())
                .ok()?
                .usage?
        }
        (None, None) => return None,
    };
    let counts: ChatCounts<'_> = serde_json::from_str(raw.get()).ok()?;
    let prompt = Details::read(counts.prompt_tokens_details);
    let completion = Details::read(counts.completion_tokens_details);
    let mut usage = openai(
        counts.prompt_tokens,
        counts.completion_tokens,
        &prompt,
        &completion,
    );
    let is_perplexity = counts.search_context_size.is_some()
        || counts.reasoning_tokens.get().is_some()
        || counts.num_search_queries.get().is_some();
    if is_perplexity {
        // Perplexity reports reasoning beside the completion.
        usage.web_searches = counts.num_search_queries.get();
        if let Some(reasoning) = counts.reasoning_tokens.get() {
            usage.reasoning = Some(reasoning);
            usage.output = usage.output.map(|output| output.saturating_add(reasoning));
        }
    } else if let (Some(input), Some(output), Some(total)) = (
        counts.prompt_tokens.get(),
        counts.completion_tokens.get(),
        counts.total_tokens.get(),
    ) && total > input.saturating_add(output)
    {
        // Gemini leaves thoughts out of the completion, but not out of the total.
        let all = total.saturating_sub(input);
        usage.output = Some(all);
        usage.reasoning = usage.reasoning.or(Some(all.saturating_sub(output)));
    }
    Some(usage)
}

/// The counts of a Responses answer.
pub(super) fn responses(raw: &RawValue) -> Usage {
    let counts: ResponsesCounts<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
    openai(
        counts.input_tokens,
        counts.output_tokens,
        &Details::read(counts.input_tokens_details),
        &Details::read(counts.output_tokens_details),
    )
}

/// OpenAI's prompt count includes the cached tokens; ours are disjoint.
fn openai(prompt: Count, completion: Count, input: &Details, output: &Details) -> Usage {
    let cached = input.cached_tokens.get();
    let written = input.cache_write_tokens.get();
    Usage {
        input: prompt.get().map(|prompt| {
            prompt
                .saturating_sub(cached.unwrap_or(0))
                .saturating_sub(written.unwrap_or(0))
        }),
        cache_read: cached,
        cache_write: written,
        output: completion.get(),
        reasoning: output.reasoning_tokens.get(),
        ..Usage::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_providers_counts() {
        let usage = |input, output| Usage {
            input: Some(input),
            output: Some(output),
            ..Usage::default()
        };
        for (format, body, expected) in [
            // OpenAI
            (
                Format::Chat,
                r#"{"usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,"prompt_tokens_details":{"cached_tokens":60,"cache_write_tokens":10},"completion_tokens_details":{"reasoning_tokens":5}}}"#,
                Usage {
                    cache_read: Some(60),
                    cache_write: Some(10),
                    reasoning: Some(5),
                    ..usage(30, 20)
                },
            ),
            // Gemini
            (
                Format::Chat,
                r#"{"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":75}}"#,
                Usage {
                    reasoning: Some(45),
                    ..usage(10, 65)
                },
            ),
            // Groq
            (
                Format::Chat,
                r#"{"x_groq":{"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"queue_time":0.5}}}"#,
                usage(10, 2),
            ),
            (
                Format::Chat,
                r#"{"usage":{"prompt_tokens":10,"completion_tokens":2},"x_groq":{"usage":{"prompt_tokens":99}}}"#,
                usage(10, 2),
            ),
            // Perplexity
            (
                Format::Chat,
                r#"{"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":130,"citation_tokens":100,"reasoning_tokens":7,"num_search_queries":3,"search_context_size":"low"}}"#,
                Usage {
                    reasoning: Some(7),
                    web_searches: Some(3),
                    ..usage(10, 27)
                },
            ),
            (
                Format::Responses,
                r#"{"usage":{"input_tokens":50,"input_tokens_details":{"cached_tokens":8},"output_tokens":9,"output_tokens_details":{"reasoning_tokens":4},"total_tokens":59}}"#,
                Usage {
                    cache_read: Some(8),
                    reasoning: Some(4),
                    ..usage(42, 9)
                },
            ),
            (
                Format::Messages,
                r#"{"usage":{"input_tokens":5,"cache_read_input_tokens":6,"output_tokens":7}}"#,
                Usage {
                    cache_read: Some(6),
                    ..usage(5, 7)
                },
            ),
            (Format::Chat, "{}", Usage::default()),
            (Format::Chat, r#"{"usage":7}"#, Usage::default()),
            (Format::Responses, "junk", Usage::default()),
            (Format::Messages, r#"{"usage":null}"#, Usage::default()),
        ] {
            assert_eq!(answer_usage(format, body.as_bytes()), expected, "{body}");
        }
    }
}
