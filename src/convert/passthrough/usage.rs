//! Token counts of answers that pass through.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::convert::chat_in::{self, Sources};
use crate::endpoint::Format;
use crate::format::chat::answer::{Choice, Message, list, object};
use crate::format::messages::{Counts, Text};
use crate::format::responses::Answer;
use crate::format::walk;
use crate::usage::{ServiceTier, Usage};

/// The counts of a whole answer; unknown where the answer has none.
pub(crate) fn answer_usage(format: Format, body: &[u8]) -> Usage {
    if format == Format::Responses {
        return responses(body);
    }
    let Some(answer) = Holder::of(body) else {
        return Usage::default();
    };
    match format {
        Format::Chat | Format::Responses => {
            let mut usage = chat(&answer).unwrap_or_default();
            usage.web_searches = usage.web_searches.or_else(|| searches(body));
            usage
        }
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
    #[serde(borrow)]
    pub(super) service_tier: Text<'a>,
}

/// The choices of a Chat answer.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Choices<'a> {
    #[serde(borrow)]
    choices: Option<&'a RawValue>,
}

impl<'a> Holder<'a> {
    /// The members of a whole answer: its long texts are passed over, not read.
    fn of(body: &'a [u8]) -> Option<Self> {
        let mut holder = Self::default();
        for (key, value) in walk::members(std::str::from_utf8(body).ok()?) {
            if value == "null" {
                continue;
            }
            match &*key.decode() {
                "usage" => holder.usage = serde_json::from_str(value).ok(),
                "x_groq" => holder.x_groq = serde_json::from_str(value).ok(),
                "service_tier" => {
                    holder.service_tier = serde_json::from_str(value).unwrap_or_default();
                }
                _ => {}
            }
        }
        Some(holder)
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
    let mut usage = chat_in::usage::read_any(raw)?;
    usage.service_tier = tier(holder.service_tier);
    Some(usage)
}

/// The tier that a Chat answer or chunk names.
pub(super) fn tier(name: Text<'_>) -> Option<ServiceTier> {
    ServiceTier::from_name(&name.get()?.decode())
}

/// The searches that Groq says it ran for a whole answer.
fn searches(body: &[u8]) -> Option<u64> {
    if !crate::codec::contains(body, b"\"executed_tools\"") {
        return None;
    }
    let answer: Choices<'_> = serde_json::from_slice(body).ok()?;
    let mut sources = Sources::default();
    for choice in list(answer.choices) {
        let choice: Choice<'_> = object(Some(choice)).unwrap_or_default();
        let message: Message<'_> = object(choice.message).unwrap_or_default();
        sources.update_executed(message.executed_tools);
    }
    sources.searched()
}

/// The counts of a Responses answer.
pub(super) fn responses(answer: &[u8]) -> Usage {
    let answer: Answer<'_> = serde_json::from_slice(answer).unwrap_or_default();
    let mut usage = answer.counts().usage;
    usage.web_searches = usage.web_searches.or_else(|| answer.searches());
    usage
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
