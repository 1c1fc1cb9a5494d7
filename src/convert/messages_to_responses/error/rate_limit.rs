//! OpenAI's rate-limit headers as Anthropic's.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Writes the `anthropic-ratelimit-*` headers that stand for OpenAI's `x-ratelimit-*`.
///
/// OpenAI says in how long a limit is reset (`6m0s`), Anthropic when (RFC 3339). What cannot be read is left out.
pub(crate) fn rate_limit_headers(upstream: &HeaderMap, now_unix: u64, out: &mut HeaderMap) {
    const NAMES: [(&str, &str); 6] = [
        (
            "x-ratelimit-limit-requests",
            "anthropic-ratelimit-requests-limit",
        ),
        (
            "x-ratelimit-remaining-requests",
            "anthropic-ratelimit-requests-remaining",
        ),
        (
            "x-ratelimit-reset-requests",
            "anthropic-ratelimit-requests-reset",
        ),
        (
            "x-ratelimit-limit-tokens",
            "anthropic-ratelimit-tokens-limit",
        ),
        (
            "x-ratelimit-remaining-tokens",
            "anthropic-ratelimit-tokens-remaining",
        ),
        (
            "x-ratelimit-reset-tokens",
            "anthropic-ratelimit-tokens-reset",
        ),
    ];
    for (from, to) in NAMES {
        let Some(text) = upstream.get(from).and_then(|value| value.to_str().ok()) else {
            continue;
        };
        let value = if to.ends_with("-reset") {
            seconds(text).map(|more| rfc3339(now_unix.saturating_add(more)))
        } else {
            text.parse::<u64>().ok().map(|count| count.to_string())
        };
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            out.insert(HeaderName::from_static(to), value);
        }
    }
}

/// The seconds of a duration such as `1h2m3.5s`, `12ms` or `6m0s`, rounded up.
fn seconds(text: &str) -> Option<u64> {
    let mut milliseconds = 0.0_f64;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit) = rest.split_at_checked(end)?;
        let number: f64 = number.parse().ok()?;
        let end = unit
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(unit.len());
        let (unit, next) = unit.split_at_checked(end)?;
        milliseconds += number
            * match unit {
                "ms" => 1.0,
                "s" => 1000.0,
                "m" => 60_000.0,
                "h" => 3_600_000.0,
                "d" => 86_400_000.0,
                _ => return None,
            };
        rest = next;
    }
    // A year and more is no limit of OpenAI's.
    let whole = (milliseconds / 1000.0).ceil();
    (0.0..31_536_000.0)
        .contains(&whole)
        .then(|| std::time::Duration::from_secs_f64(whole).as_secs())
}

/// A time of the Unix clock as RFC 3339 date-time in UTC.
fn rfc3339(unix: u64) -> String {
    let (days, second) = (unix / 86_400, unix % 86_400);
    // Years that begin in March have their leap day at the end; 719 468 days lie between 0000-03-01 and 1970-01-01.
    let days = days.saturating_add(719_468);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, expected) in [
            ("1s", Some(1)),
            ("6m0s", Some(360)),
            ("1h2m3.5s", Some(3724)),
            ("12ms", Some(1)),
            ("0s", Some(0)),
            ("1d", Some(86_400)),
            ("", None),
            ("12", None),
            ("s", None),
            ("1x", None),
            ("999999999h", None),
            ("1.2.3s", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn times() {
        for (unix, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_825_600, "2000-02-29T12:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_795_362_911, "2026-11-22T15:55:11Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(unix), text);
        }
    }

    #[test]
    fn headers() {
        let mut upstream = HeaderMap::new();
        for (name, value) in [
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-tokens", "x"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ] {
            upstream.insert(name, HeaderValue::from_static(value));
        }
        let mut out = HeaderMap::new();
        rate_limit_headers(&upstream, 1_795_362_911, &mut out);
        let mut headers: Vec<(&str, &str)> = out
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        headers.sort_unstable();
        assert_eq!(
            headers,
            [
                ("anthropic-ratelimit-requests-limit", "60"),
                ("anthropic-ratelimit-tokens-reset", "2026-11-22T16:01:11Z"),
            ]
        );
    }
}
