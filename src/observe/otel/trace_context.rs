//! W3C Trace Context in headers: whose trace a call belongs to, and which one it goes on with.

use std::fmt::Write;
use std::str::FromStr;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The span that `headers` name as the parent; `None` where they name none, or not as the standard demands.
///
/// Source: W3C Trace Context, level 2.
pub(super) fn extract(headers: &HeaderMap) -> Option<SpanContext> {
    let mut parents = headers.get_all(&TRACEPARENT).iter();
    let parent = parents.next()?.to_str().ok()?.trim();
    if parents.next().is_some() {
        return None;
    }
    let mut parts = parent.splitn(5, '-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    // Later versions may have more to say, this one must not.
    let is_known = version != "ff" && (version != "00" || parts.next().is_none());
    let lengths = [(version, 2), (trace, 32), (span, 16), (flags, 2)];
    let is_hex = lengths.iter().all(|(part, length)| {
        part.len() == *length
            && part
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    });
    if !is_known || !is_hex {
        return None;
    }
    let flags = u8::from_str_radix(flags, 16).ok()?;
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(flags) & TraceFlags::SAMPLED,
        true,
        state(headers),
    );
    context.is_valid().then_some(context)
}

/// The vendors' own parts; none at all where they cannot be read.
fn state(headers: &HeaderMap) -> TraceState {
    let lines: Option<Vec<&str>> = headers
        .get_all(&TRACESTATE)
        .iter()
        .map(|line| line.to_str().ok())
        .collect();
    let text = lines.unwrap_or_default().join(",");
    TraceState::from_str(&text).unwrap_or_default()
}

/// Names `context` as the parent of what is done with a request.
pub(super) fn inject(context: &SpanContext, headers: &mut HeaderMap) {
    if !context.is_valid() {
        return;
    }
    let mut parent = String::with_capacity(55);
    let _ = write!(
        parent,
        "00-{}-{}-{:02x}",
        context.trace_id(),
        context.span_id(),
        context.trace_flags() & TraceFlags::SAMPLED
    );
    if let Ok(parent) = HeaderValue::try_from(parent) {
        headers.insert(TRACEPARENT, parent);
    }
    let state = context.trace_state().header();
    if !state.is_empty()
        && let Ok(state) = HeaderValue::try_from(state)
    {
        headers.insert(TRACESTATE, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn read(lines: &[(&'static str, &str)]) -> Option<SpanContext> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        extract(&headers)
    }

    #[test]
    fn what_is_read_is_what_is_written() {
        let context = read(&[
            ("traceparent", PARENT),
            ("tracestate", "a=1,b=2"),
            ("tracestate", "c=3"),
        ])
        .unwrap();
        assert!(context.is_sampled() && context.is_remote());
        let mut headers = HeaderMap::new();
        inject(&context, &mut headers);
        assert_eq!(headers["traceparent"], PARENT);
        assert_eq!(headers["tracestate"], "a=1,b=2,c=3");
    }

    #[test]
    fn only_what_the_standard_allows_is_read() {
        for (parent, expected) in [
            (PARENT.to_owned(), true),
            (PARENT.replace("-01", "-00"), true),
            (PARENT.replace("-01", "-ff"), true),
            // A later version.
            (PARENT.replacen("00", "cc", 1), true),
            (
                format!("{}-what-ever", PARENT.replacen("00", "cc", 1)),
                true,
            ),
            (format!("{PARENT}-what-ever"), false),
            (PARENT.replacen("00", "ff", 1), false),
            (PARENT.to_uppercase(), false),
            (
                PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
                false,
            ),
            (PARENT.replace("00f067aa0ba902b7", &"0".repeat(16)), false),
            (PARENT.replace("-01", ""), false),
            (PARENT.replace("-01", "-1"), false),
            (PARENT.replace('4', "+"), false),
            (String::new(), false),
        ] {
            assert_eq!(
                read(&[("traceparent", &parent)]).is_some(),
                expected,
                "{parent}"
            );
        }
        assert!(read(&[("traceparent", PARENT), ("traceparent", PARENT)]).is_none());
        let odd = read(&[("traceparent", PARENT), ("tracestate", "no state at all")]).unwrap();
        assert_eq!(odd.trace_state().header(), "");
        let mut headers = HeaderMap::new();
        inject(&SpanContext::empty_context(), &mut headers);
        assert!(headers.is_empty());
    }
}
