//! Token counts in OpenAI's words.

use bytes::BytesMut;

use crate::codec::write::Object;
use crate::convert::gemini_in::Tokens;

/// Writes OpenAI's `CompletionUsage`. `tool_use_tokens` is an extension: what the results of Google's own tools added to the
/// prompt.
pub(in super::super) fn write(out: &mut BytesMut, tokens: &Tokens) {
    let usage = &tokens.usage;
    let prompt = usage.prompt();
    let output = usage.output.unwrap_or(0);
    let mut object = Object::begin(out);
    object
        .uint("prompt_tokens", prompt)
        .uint("completion_tokens", output)
        .uint("total_tokens", prompt.saturating_add(output));
    let mut details = object.object("prompt_tokens_details");
    details.uint("cached_tokens", usage.cache_read.unwrap_or(0));
    for (name, count) in [
        ("text_tokens", tokens.prompt_text),
        ("image_tokens", tokens.prompt_image),
        ("audio_tokens", tokens.prompt_audio),
        (
            "tool_use_tokens",
            Some(tokens.tool_use).filter(|count| *count > 0),
        ),
    ] {
        if let Some(count) = count {
            details.uint(name, count);
        }
    }
    details.end();
    let mut details = object.object("completion_tokens_details");
    details.uint("reasoning_tokens", usage.reasoning.unwrap_or(0));
    if let Some(audio) = tokens.output_audio {
        details.uint("audio_tokens", audio);
    }
    details.end();
    object.end();
}
