//! Token counts in the words of Responses.

use bytes::BytesMut;

use crate::codec::write::Object;
use crate::usage::Usage;

/// Writes OpenAI's `ResponseUsage`: the cached tokens are inside the input's, and every number is required.
///
/// `input_tokens_details.cache_creation` is an extension, carried because its parts are priced apart.
pub(super) fn write(out: &mut BytesMut, usage: &Usage) {
    let input = usage.prompt();
    let output = usage.output.unwrap_or(0);
    let mut object = Object::begin(out);
    object.uint("input_tokens", input);
    let mut details = object.object("input_tokens_details");
    details
        .uint("cached_tokens", usage.cache_read.unwrap_or(0))
        .uint("cache_write_tokens", usage.cache_write.unwrap_or(0));
    if usage.cache_write_5m.is_some() || usage.cache_write_1h.is_some() {
        let mut creation = details.object("cache_creation");
        creation
            .uint(
                "ephemeral_5m_input_tokens",
                usage.cache_write_5m.unwrap_or(0),
            )
            .uint(
                "ephemeral_1h_input_tokens",
                usage.cache_write_1h.unwrap_or(0),
            );
        creation.end();
    }
    details.end();
    object.uint("output_tokens", output);
    let mut details = object.object("output_tokens_details");
    details.uint("reasoning_tokens", usage.reasoning.unwrap_or(0));
    details.end();
    object.uint("total_tokens", input.saturating_add(output));
    object.end();
}
