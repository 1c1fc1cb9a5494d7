//! Token counts in OpenAI's words.

use bytes::BytesMut;

use crate::codec::write::Object;
use crate::usage::Usage;

/// Writes OpenAI's `CompletionUsage`: the cached tokens are inside the prompt's.
///
/// `prompt_tokens_details.cache_creation` and `server_tool_use` are extensions, carried because they are priced apart.
pub(crate) fn write(out: &mut BytesMut, usage: &Usage) {
    let prompt = usage.prompt();
    let output = usage.output.unwrap_or(0);
    let mut object = Object::begin(out);
    object
        .uint("prompt_tokens", prompt)
        .uint("completion_tokens", output)
        .uint("total_tokens", prompt.saturating_add(output));
    let mut details = object.object("prompt_tokens_details");
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
