//! Token counts in OpenAI's words.

use bytes::BytesMut;

use crate::codec::write::Object;
use crate::convert::usage_out::write_prompt_details;
use crate::usage::Usage;

/// Writes OpenAI's `CompletionUsage`: the cached tokens are inside the prompt's.
///
/// `prompt_tokens_details.cache_creation` and `server_tool_use` are extensions, carried because they are priced apart.
pub(in crate::convert) fn write(out: &mut BytesMut, usage: &Usage) {
    let prompt = usage.prompt();
    let output = usage.output.unwrap_or(0);
    let mut object = Object::begin(out);
    object
        .uint("prompt_tokens", prompt)
        .uint("completion_tokens", output)
        .uint("total_tokens", prompt.saturating_add(output));
    write_prompt_details(&mut object, "prompt_tokens_details", usage);
    if let Some(reasoning) = usage.reasoning {
        let mut details = object.object("completion_tokens_details");
        details.uint("reasoning_tokens", reasoning);
        details.end();
    }
    if let Some(searches) = usage.web_searches.filter(|count| *count > 0) {
        let mut tools = object.object("server_tool_use");
        tools.uint("web_search_requests", searches);
        tools.end();
    }
    object.end();
}
