//! What the token counts of OpenAI's two formats have in common.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::messages::Count;
use crate::usage::Usage;

/// The details of either side: of `prompt_tokens` or `input_tokens`, of `completion_tokens` or `output_tokens`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Details {
    cached_tokens: Count,
    cache_write_tokens: Count,
    reasoning_tokens: Count,
}

impl Details {
    /// The details that `raw` holds; none where it holds anything else.
    pub(crate) fn read(raw: Option<&RawValue>) -> Self {
        raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default()
    }
}

/// OpenAI counts cached tokens inside the prompt and reasoning inside the output; our prompt categories are disjoint.
pub(crate) fn disjoint(
    prompt: Option<u64>,
    output: Option<u64>,
    prompt_details: Details,
    output_details: Details,
) -> Usage {
    let cached = prompt_details.cached_tokens.get();
    let written = prompt_details.cache_write_tokens.get();
    Usage {
        input: prompt.map(|all| {
            all.saturating_sub(cached.unwrap_or(0))
                .saturating_sub(written.unwrap_or(0))
        }),
        cache_read: cached,
        cache_write: written,
        output,
        reasoning: output_details.reasoning_tokens.get(),
        ..Usage::default()
    }
}
