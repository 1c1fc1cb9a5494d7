//! `web_search_options` as Anthropic's web search tool.

use bytes::BufMut;

use super::tools::report_unknown;
use crate::convert::anthropic_out::cache::Out;
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::format::chat::request::{Request, WebSearchOptions};
use crate::provider::Provider;

/// Refuses web search where the target has none, and reports what of it is lost.
pub(super) fn check(
    options: &WebSearchOptions<'_>,
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    if cx.provider == Provider::AwsBedrockInvoke {
        return Err(Refusal::unsupported(
            "web_search_options",
            "Bedrock has no web search",
        ));
    }
    let format = request.response_format.as_ref();
    let format = format.and_then(|format| format.kind);
    if format.is_some_and(|kind| kind.is("json_schema")) {
        return Err(Refusal::unsupported(
            "response_format",
            "Anthropic gives no citations, and thus no web search, with a JSON schema",
        ));
    }
    cx.report.approximate("web_search_options");
    if options.search_context_size.is_some() {
        cx.report
            .drop_field("web_search_options.search_context_size");
    }
    report_unknown(&options.unknown, "web_search_options.", cx);
    Ok(())
}

/// Anthropic's basic web search: later versions run code, which not every host does.
pub(super) fn write(out: &mut Out, options: &WebSearchOptions<'_>, cx: &mut RequestContext<'_>) {
    let buf = &mut out.buf;
    buf.extend_from_slice(b"{\"type\":\"web_search_20250305\",\"name\":\"web_search\"");
    if let Some(location) = &options.user_location {
        buf.extend_from_slice(b",\"user_location\":{\"type\":\"approximate\"");
        if let Some(place) = &location.approximate {
            for (name, value) in [
                ("country", place.country),
                ("city", place.city),
                ("region", place.region),
                ("timezone", place.timezone),
            ] {
                let Some(value) = value else { continue };
                buf.extend_from_slice(b",\"");
                buf.extend_from_slice(name.as_bytes());
                buf.extend_from_slice(b"\":");
                buf.extend_from_slice(value.json().as_bytes());
            }
            let field = "web_search_options.user_location.approximate.";
            report_unknown(&place.unknown, field, cx);
        }
        buf.put_u8(b'}');
        report_unknown(&location.unknown, "web_search_options.user_location.", cx);
    }
    out.buf.put_u8(b'}');
}
