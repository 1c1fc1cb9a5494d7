//! Token counts.

use crate::format::gemini::{ModalityCount, UsageMetadata};
use crate::format::view::object_in;
use crate::usage::Usage;

/// The counts of an answer, with what only Google tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tokens {
    /// In our categories; the results of Google's own tools are part of the prompt.
    pub(crate) usage: Usage,
    /// What the results of Google's own tools added to the prompt.
    pub(crate) tool_use: u64,
    /// The prompt without them, by modality; documents count as text.
    pub(crate) prompt_text: Option<u64>,
    pub(crate) prompt_image: Option<u64>,
    pub(crate) prompt_audio: Option<u64>,
    /// The answer's audio.
    pub(crate) output_audio: Option<u64>,
}

impl Tokens {
    /// The counts in a `usageMetadata` object; `None` where there are none.
    pub(super) fn read(json: &str) -> Option<Self> {
        let view: UsageMetadata<'_> = object_in(json)?;
        let prompt = view.prompt_token_count.get();
        let candidates = view.candidates_token_count.get();
        if prompt.is_none() && candidates.is_none() && view.total_token_count.get().is_none() {
            return None;
        }
        let prompt = prompt.unwrap_or(0);
        let candidates = candidates.unwrap_or(0);
        let thoughts = view.thoughts_token_count.get().unwrap_or(0);
        let tool_use = view.tool_use_prompt_token_count.get().unwrap_or(0);
        let cached = view.cached_content_token_count.get().unwrap_or(0);
        let all_input = prompt.saturating_add(tool_use);
        // Some models count thoughts among the candidates' tokens: the total tells.
        let included = view.total_token_count.get() == Some(all_input.saturating_add(candidates));
        let output = if included {
            candidates.max(thoughts)
        } else {
            candidates.saturating_add(thoughts)
        };
        let mut tokens = Self {
            usage: Usage {
                input: Some(all_input.saturating_sub(cached)),
                cache_read: Some(cached),
                output: Some(output),
                reasoning: Some(thoughts),
                ..Usage::default()
            },
            tool_use,
            ..Self::default()
        };
        for count in view.prompt_details() {
            match word(&count) {
                "TEXT" | "DOCUMENT" => add(&mut tokens.prompt_text, &count),
                "IMAGE" => add(&mut tokens.prompt_image, &count),
                "AUDIO" => add(&mut tokens.prompt_audio, &count),
                _ => {}
            }
        }
        for count in view.candidates_details() {
            if word(&count) == "AUDIO" {
                add(&mut tokens.output_audio, &count);
            }
        }
        Some(tokens)
    }
}

fn word<'a>(count: &ModalityCount<'a>) -> &'a str {
    count.modality.get().map_or("", |word| word.content())
}

fn add(slot: &mut Option<u64>, count: &ModalityCount<'_>) {
    if let Some(more) = count.token_count.get() {
        *slot = Some(slot.unwrap_or(0).saturating_add(more));
    }
}
