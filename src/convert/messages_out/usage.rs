//! Token counts in Anthropic's words.

use bytes::BytesMut;

use crate::codec::write::Object;
use crate::convert::usage_out::write_cache_creation;
use crate::usage::Usage;

/// The counts of a message that has only begun: nobody knows them yet.
pub(super) const UNKNOWN: Usage = Usage {
    input: None,
    cache_read: None,
    cache_write: None,
    cache_write_5m: None,
    cache_write_1h: None,
    output: None,
    reasoning: None,
    web_searches: None,
    service_tier: None,
    cost: None,
};

/// Writes Anthropic's `Usage`; the counters that every message has are 0 where nothing is known.
pub(super) fn write(out: &mut BytesMut, usage: &Usage, service_tier: Option<&str>) {
    let mut object = Object::begin(out);
    object
        .uint("input_tokens", usage.input.unwrap_or(0))
        .uint(
            "cache_creation_input_tokens",
            usage.cache_write.unwrap_or(0),
        )
        .uint("cache_read_input_tokens", usage.cache_read.unwrap_or(0))
        .uint("output_tokens", usage.output.unwrap_or(0));
    write_cache_creation(&mut object, usage);
    if let Some(reasoning) = usage.reasoning {
        let mut details = object.object("output_tokens_details");
        details.uint("thinking_tokens", reasoning);
        details.end();
    }
    if let Some(searches) = usage.web_searches.filter(|count| *count > 0) {
        let mut tools = object.object("server_tool_use");
        tools
            .uint("web_search_requests", searches)
            .uint("web_fetch_requests", 0);
        tools.end();
    }
    if let Some(tier) = service_tier {
        object.string("service_tier", tier);
    }
    object.end();
}
