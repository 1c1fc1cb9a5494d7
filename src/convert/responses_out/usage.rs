//! Token counts in the words of Responses.

use bytes::BytesMut;

use crate::codec::write::Object;
use crate::convert::usage_out::write_prompt_details;
use crate::usage::Usage;

/// Writes OpenAI's `ResponseUsage`: the cached tokens are inside the input's, and every number is required.
///
/// `input_tokens_details.cache_creation` is an extension, carried because its parts are priced apart.
pub(super) fn write(out: &mut BytesMut, usage: &Usage) {
    let input = usage.prompt();
    let output = usage.output.unwrap_or(0);
    let mut object = Object::begin(out);
    object.uint("input_tokens", input);
    write_prompt_details(&mut object, "input_tokens_details", usage);
    object.uint("output_tokens", output);
    let mut details = object.object("output_tokens_details");
    details.uint("reasoning_tokens", usage.reasoning.unwrap_or(0));
    details.end();
    object.uint("total_tokens", input.saturating_add(output));
    object.end();
}
