//! What AWS says when it refuses a signature.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::DATE;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::format::raw::RawStr;

/// A difference of the clocks that AWS would still accept.
const TOLERATED: Duration = Duration::from_secs(4 * 60);
/// A larger difference is no clock that is wrong.
const PLAUSIBLE: Duration = Duration::from_secs(24 * 3600);

/// What is wrong with a refused signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The credentials are not known, or not any more.
    Credentials,
    /// The signature itself, or its time.
    Signature,
}

/// What the name of an error says of the signature; `None`: nothing.
pub(super) fn fault(name: &str) -> Option<Fault> {
    match name {
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "UnrecognizedClientException" => Some(Fault::Credentials),
        "InvalidSignatureException"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "SignatureDoesNotMatch" => Some(Fault::Signature),
        _ => None,
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow, rename = "__type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    code: Option<&'a RawValue>,
}

/// The name of an error: from the header, else from the body, without the namespace before it and the address behind it.
pub(super) fn name<'a>(headers: &'a HeaderMap, body: &'a [u8]) -> Option<Cow<'a, str>> {
    let from_header = headers
        .get("x-amzn-errortype")
        .and_then(|value| value.to_str().ok())
        .map(Cow::Borrowed);
    let text = from_header.or_else(|| {
        let body: Body<'a> = serde_json::from_slice(body).ok()?;
        let raw = body.kind.or(body.code)?;
        Some(RawStr::new(raw)?.decode())
    })?;
    Some(match text {
        Cow::Borrowed(text) => Cow::Borrowed(bare(text)),
        Cow::Owned(text) => Cow::Owned(bare(&text).to_owned()),
    })
}

fn bare(text: &str) -> &str {
    let text = text.split(':').next().unwrap_or_default();
    text.rsplit('#').next().unwrap_or_default()
}

/// What must be added to this machine's clock to get the one of the answer's `date`, in seconds, where that is too much.
///
/// `now` is this machine's time, and `used` what had been added to it for the signature.
pub(super) fn skew(headers: &HeaderMap, now: SystemTime, used: i64) -> Option<i64> {
    let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    let skew = match date.duration_since(now) {
        Ok(ahead) => i64::try_from(ahead.as_secs()).ok()?,
        Err(behind) => -i64::try_from(behind.duration().as_secs()).ok()?,
    };
    let wrong = skew.abs_diff(used) > TOLERATED.as_secs();
    let plausible = skew.unsigned_abs() <= PLAUSIBLE.as_secs();
    (wrong && plausible).then_some(skew)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use http::HeaderValue;

    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        headers
    }

    #[test]
    fn names_are_found_in_head_and_body() {
        let none = HeaderMap::new();
        let known = headers(
            "x-amzn-errortype",
            "ExpiredTokenException:http://internal.amazon.com/coral/",
        );
        for (headers, body, expected) in [
            (&known, "{}", Some("ExpiredTokenException")),
            (
                &known,
                r#"{"__type":"Other"}"#,
                Some("ExpiredTokenException"),
            ),
            (
                &none,
                r#"{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"m"}"#,
                Some("UnrecognizedClientException"),
            ),
            (
                &none,
                r#"{"code":"RequestExpired"}"#,
                Some("RequestExpired"),
            ),
            (&none, r#"{"message":"ExpiredToken"}"#, None),
            (&none, "<html>", None),
        ] {
            assert_eq!(
                name(headers, body.as_bytes()).as_deref(),
                expected,
                "{body}"
            );
        }
    }

    #[test]
    fn names_that_mean_the_signature() {
        assert_eq!(fault("ExpiredToken"), Some(Fault::Credentials));
        assert_eq!(fault("SignatureDoesNotMatch"), Some(Fault::Signature));
        for other in ["AccessDeniedException", "ValidationException", ""] {
            assert_eq!(fault(other), None);
        }
    }

    #[test]
    fn only_a_large_and_plausible_difference_counts() {
        let date = UNIX_EPOCH + Duration::from_secs(1_795_352_400);
        let answer = headers("date", &httpdate::fmt_http_date(date));
        for (local, used, expected) in [
            (0, 0, None),
            (240, 0, None),
            (-240, 0, None),
            (241, 0, Some(-241)),
            (-600, 0, Some(600)),
            // Learned already.
            (-600, 600, None),
            (-600, 480, None),
            // The clock was set right meanwhile.
            (0, 600, Some(0)),
            (-86_400, 0, Some(86_400)),
            (-86_401, 0, None),
        ] {
            let now = if local < 0 {
                date - Duration::from_secs(i64::unsigned_abs(local))
            } else {
                date + Duration::from_secs(i64::unsigned_abs(local))
            };
            assert_eq!(skew(&answer, now, used), expected, "{local} {used}");
        }
        assert_eq!(skew(&HeaderMap::new(), date, 0), None);
        assert_eq!(skew(&headers("date", "yesterday"), date, 0), None);
    }
}
