//! Which headers cross the gateway, and which never do.

use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
    USER_AGENT,
};

use crate::convert::report::LossReport;
use crate::endpoint::Format;
use crate::price::Dollars;
use crate::provider::spec::{AuthScheme, Spec};
use crate::target::Target;

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
pub(crate) const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
pub(crate) const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");
pub(crate) const GATEWAY_PROVIDER: HeaderName = HeaderName::from_static("x-gateway-provider");
pub(crate) const GATEWAY_CONNECTION: HeaderName = HeaderName::from_static("x-gateway-connection");
pub(crate) const GATEWAY_MODEL: HeaderName = HeaderName::from_static("x-gateway-model");
pub(crate) const GATEWAY_ATTEMPTS: HeaderName = HeaderName::from_static("x-gateway-attempts");
pub(crate) const GATEWAY_DROPPED: HeaderName = HeaderName::from_static("x-gateway-dropped");
pub(crate) const GATEWAY_APPROXIMATED: HeaderName =
    HeaderName::from_static("x-gateway-approximated");
pub(crate) const GATEWAY_COST: HeaderName = HeaderName::from_static("x-gateway-cost");
pub(crate) const GATEWAY_REQUEST_ID: HeaderName = HeaderName::from_static("x-gateway-request-id");
pub(crate) const GATEWAY_MAX_RETRIES: HeaderName = HeaderName::from_static("x-gateway-max-retries");

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(crate) const EVENT_STREAM: HeaderValue =
    HeaderValue::from_static("text/event-stream; charset=utf-8");
pub(crate) const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
pub(crate) const FALSE: HeaderValue = HeaderValue::from_static("false");

/// Where clients put credentials: for this gateway, or by mistake for a provider.
const CREDENTIALS: [&str; 8] = [
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "cookie",
    "x-amz-security-token",
    "x-amz-date",
];

/// Removes every credential.
pub(crate) fn strip_credentials(headers: &mut HeaderMap) {
    // Mostly there is none: to look through the few names is less than to look for each.
    let is_credential = |name: &HeaderName| CREDENTIALS.contains(&name.as_str());
    if headers.keys().any(is_credential) {
        for name in CREDENTIALS {
            headers.remove(name);
        }
    }
}

/// Whether a header holds a credential.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn is_credential(name: &HeaderName) -> bool {
    CREDENTIALS.contains(&name.as_str())
}

/// The headers of a request to a provider: built afresh, so that nothing of the client's gets there by accident.
pub(crate) fn outbound(
    spec: &Spec,
    client: &HeaderMap,
    passthrough: bool,
    stream: bool,
) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(12);
    headers.insert(CONTENT_TYPE, JSON);
    // AWS's own SDKs send neither of these: the operation says what comes back.
    if spec.auth != AuthScheme::Aws {
        headers.insert(
            ACCEPT,
            HeaderValue::from_static(if stream {
                "text/event-stream"
            } else {
                "application/json"
            }),
        );
        // What has to be read on the way must not be compressed.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("tower-llm-gateway/", env!("CARGO_PKG_VERSION"))),
    );
    if passthrough {
        let hop_by_hop = listed_in_connection(client);
        for &name in spec.client_headers {
            if hop_by_hop
                .iter()
                .any(|listed| listed.eq_ignore_ascii_case(name))
            {
                continue;
            }
            for value in client.get_all(name) {
                headers.append(HeaderName::from_static(name), value.clone());
            }
        }
    }
    headers
}

/// The header names that any `connection` line lists.
fn listed_in_connection(headers: &HeaderMap) -> Vec<&str> {
    headers
        .get_all(http::header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .collect()
}

/// Copies those of a provider's answer headers that a client may see; bodies and their headers are the caller's business.
pub(crate) fn inbound(upstream: &HeaderMap, format: Format, out: &mut HeaderMap) {
    let hop_by_hop = listed_in_connection(upstream);
    for (name, value) in upstream {
        let text = name.as_str();
        let allowed = *name == RETRY_AFTER
            || *name == RETRY_AFTER_MS
            || *name == X_SHOULD_RETRY
            || text.starts_with("x-ratelimit-")
            // The OpenAI formats have names of their own for these; the conversion translates them.
            || (format == Format::Messages && text.starts_with("anthropic-ratelimit-"));
        if allowed
            && !hop_by_hop
                .iter()
                .any(|listed| listed.eq_ignore_ascii_case(text))
        {
            out.append(name.clone(), value.clone());
        }
    }
}

/// The header in which clients of `format` look for the id of their call.
pub(crate) fn request_id_name(format: Format) -> HeaderName {
    match format {
        Format::Chat | Format::Responses => X_REQUEST_ID,
        Format::Messages => REQUEST_ID,
    }
}

/// Says where a call went.
pub(crate) fn describe_target(headers: &mut HeaderMap, target: &Target, model: &str) {
    let connection = target.connection();
    headers.insert(
        GATEWAY_PROVIDER,
        HeaderValue::from_static(connection.provider().id()),
    );
    for (name, text) in [
        (GATEWAY_CONNECTION, connection.name()),
        (GATEWAY_MODEL, model),
    ] {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    }
}

/// Says what a call cost in dollars, where that is known before its answer goes out.
pub(crate) fn describe_cost(headers: &mut HeaderMap, cost: Option<Dollars>) {
    if let Some(value) = cost.and_then(|cost| HeaderValue::try_from(cost.to_string()).ok()) {
        headers.insert(GATEWAY_COST, value);
    }
}

/// Says what a conversion could not carry exactly.
pub(crate) fn describe_loss(headers: &mut HeaderMap, report: &LossReport) {
    for (name, paths) in [
        (GATEWAY_DROPPED, report.dropped()),
        (GATEWAY_APPROXIMATED, report.approximated()),
    ] {
        if let Some(list) = path_list(paths) {
            headers.insert(name, list);
        }
    }
}

/// The longest list of field paths in a header, in bytes.
const LIST_MAX: usize = 2048;

/// A comma list of field paths for a header; `None` when it would be empty.
///
/// Bytes that a header cannot carry, commas and percent signs are percent-encoded; what is over 2 KiB is cut at an entry
/// and ends in `...`.
pub(crate) fn path_list<S: AsRef<str>>(paths: &[S]) -> Option<HeaderValue> {
    if paths.is_empty() {
        return None;
    }
    let mut list = String::new();
    for path in paths {
        let start = list.len();
        if start > 0 {
            list.push(',');
        }
        for byte in path.as_ref().bytes() {
            if byte.is_ascii_graphic() && byte != b',' && byte != b'%' {
                list.push(char::from(byte));
            } else {
                list.push_str(&format!("%{byte:02X}"));
            }
        }
        if list.len() > LIST_MAX - "...".len() - 1 {
            list.truncate(start);
            list.push_str(if start > 0 { ",..." } else { "..." });
            break;
        }
    }
    HeaderValue::try_from(list).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Provider;

    #[test]
    fn only_listed_headers_go_out() {
        let mut client = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer canary"),
            ("x-api-key", "canary"),
            ("cookie", "canary"),
            ("openai-beta", "b=1"),
            ("openai-organization", "org"),
            ("anthropic-beta", "beta"),
            ("x-forwarded-for", "10.0.0.1"),
            ("expect", "100-continue"),
            ("connection", "OpenAI-Organization, close"),
        ] {
            client.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        let out = outbound(Provider::OpenAi.spec(), &client, true, true);
        let mut names: Vec<_> = out.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "accept",
                "accept-encoding",
                "content-type",
                "openai-beta",
                "user-agent"
            ]
        );
        assert!(
            !outbound(Provider::OpenAi.spec(), &client, false, true).contains_key("openai-beta")
        );
    }

    #[test]
    fn aws_gets_what_its_own_sdks_send() {
        let out = outbound(Provider::AwsBedrock.spec(), &HeaderMap::new(), false, true);
        let mut names: Vec<_> = out.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-type", "user-agent"]);
    }

    #[test]
    fn only_listed_headers_come_back() {
        let mut upstream = HeaderMap::new();
        for (name, value) in [
            ("set-cookie", "a"),
            ("server", "x"),
            ("retry-after", "3"),
            ("x-ratelimit-limit-requests", "7"),
            ("anthropic-ratelimit-tokens-reset", "never"),
            ("connection", "close"),
            ("connection", "X-RateLimit-Limit-Requests"),
        ] {
            upstream.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        let mut out = HeaderMap::new();
        inbound(&upstream, Format::Messages, &mut out);
        let mut names: Vec<_> = out.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["anthropic-ratelimit-tokens-reset", "retry-after"]);
    }

    #[test]
    fn path_lists() {
        assert_eq!(path_list::<&str>(&[]), None);
        assert_eq!(
            path_list(&["seed", "a,b", "é", "messages[].name"]).unwrap(),
            "seed,a%2Cb,%C3%A9,messages[].name"
        );
        let long = vec!["x".repeat(300); 20];
        let list = path_list(&long).unwrap();
        assert!(list.len() <= LIST_MAX && list.to_str().unwrap().ends_with(",..."));
        assert_eq!(path_list(&["y".repeat(5000)]).unwrap(), "...");
    }
}
