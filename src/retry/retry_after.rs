//! How long a provider asks to wait.

use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName};

use crate::headers::RETRY_AFTER_MS;

/// The wait in `headers`: `retry-after-ms` (OpenAI) in milliseconds, else `retry-after` (RFC 9110) in seconds or as a
/// date. A date that is over asks for no wait at all; what cannot be read asks for nothing.
pub(crate) fn parse(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: HeaderName| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    if let Some(wait) = text(RETRY_AFTER_MS).and_then(|text| number(text, 0.001)) {
        return Some(wait);
    }
    let text = text(RETRY_AFTER)?;
    if let Some(wait) = number(text, 1.0) {
        return Some(wait);
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

fn number(text: &str, unit: f64) -> Option<Duration> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value: f64 = plain.then(|| text.parse().ok()).flatten()?;
    Duration::try_from_secs_f64(value * unit).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn wait(headers: &[(&'static str, &'static str)]) -> Option<u128> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_static(value));
        }
        let now = httpdate::parse_http_date("Sun, 22 Nov 2026 10:00:00 GMT").unwrap();
        parse(&map, now).map(|wait| wait.as_millis())
    }

    #[test]
    fn spellings() {
        for (value, millis) in [
            ("3", Some(3000)),
            ("0", Some(0)),
            (" 2 ", Some(2000)),
            ("1.5", Some(1500)),
            ("Sun, 22 Nov 2026 10:00:07 GMT", Some(7000)),
            ("Sunday, 22-Nov-26 10:00:07 GMT", Some(7000)),
            ("Sun Nov 22 10:00:07 2026", Some(7000)),
            ("Sun, 22 Nov 2026 09:00:00 GMT", Some(0)),
            ("-1", None),
            ("", None),
            ("soon", None),
            ("1e9", None),
            ("inf", None),
            (".", None),
            ("99999999999999999999999999", None),
        ] {
            assert_eq!(wait(&[("retry-after", value)]), millis, "{value}");
        }
        assert_eq!(
            wait(&[("retry-after-ms", "250"), ("retry-after", "9")]),
            Some(250)
        );
        assert_eq!(
            wait(&[("retry-after-ms", "x"), ("retry-after", "9")]),
            Some(9000)
        );
        assert_eq!(wait(&[]), None);
    }
}
