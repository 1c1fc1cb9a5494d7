//! The parts that token counts have in more than one client format.

use crate::codec::write::Object;
use crate::usage::Usage;

/// Writes the split of the tokens written to a cache by lifetime, where the provider told it: Anthropic's
/// `cache_creation`. In OpenAI's formats it is an extension, carried because its parts are priced apart.
pub(super) fn write_cache_creation(object: &mut Object<'_>, usage: &Usage) {
    if usage.cache_write_5m.is_none() && usage.cache_write_1h.is_none() {
        return;
    }
    let mut creation = object.object("cache_creation");
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

/// Writes the member `name` with the cached parts of the prompt as OpenAI's formats count them.
pub(super) fn write_prompt_details(object: &mut Object<'_>, name: &str, usage: &Usage) {
    let mut details = object.object(name);
    details
        .uint("cached_tokens", usage.cache_read.unwrap_or(0))
        .uint("cache_write_tokens", usage.cache_write.unwrap_or(0));
    write_cache_creation(&mut details, usage);
    details.end();
}
