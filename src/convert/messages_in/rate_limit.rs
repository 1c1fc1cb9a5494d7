//! Anthropic's rate-limit headers as OpenAI's.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Writes the `x-ratelimit-*` headers that stand for Anthropic's `anthropic-ratelimit-requests-*` and `-tokens-*`.
///
/// Anthropic says when a limit is reset (RFC 3339), OpenAI in how long (`12s`). What cannot be read is left out.
pub(crate) fn rate_limit_headers(upstream: &HeaderMap, now_unix: u64, out: &mut HeaderMap) {
    const NAMES: [(&str, &str); 6] = [
        (
            "anthropic-ratelimit-requests-limit",
            "x-ratelimit-limit-requests",
        ),
        (
            "anthropic-ratelimit-requests-remaining",
            "x-ratelimit-remaining-requests",
        ),
        (
            "anthropic-ratelimit-requests-reset",
            "x-ratelimit-reset-requests",
        ),
        (
            "anthropic-ratelimit-tokens-limit",
            "x-ratelimit-limit-tokens",
        ),
        (
            "anthropic-ratelimit-tokens-remaining",
            "x-ratelimit-remaining-tokens",
        ),
        (
            "anthropic-ratelimit-tokens-reset",
            "x-ratelimit-reset-tokens",
        ),
    ];
    for (from, to) in NAMES {
        let Some(text) = upstream.get(from).and_then(|value| value.to_str().ok()) else {
            continue;
        };
        let value = if from.ends_with("-reset") {
            unix_seconds(text).map(|at| format!("{}s", at.saturating_sub(now_unix)))
        } else {
            text.parse::<u64>().ok().map(|count| count.to_string())
        };
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            out.insert(HeaderName::from_static(to), value);
        }
    }
}

/// The Unix time of an RFC 3339 date-time, a fraction of a second rounded up.
fn unix_seconds(text: &str) -> Option<u64> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let mut date = date.splitn(3, '-');
    let year: i64 = digits(date.next()?, 4)?;
    let month: i64 = digits(date.next()?, 2)?;
    let day: i64 = digits(date.next()?, 2)?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let zone_at = time.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = time.split_at_checked(zone_at)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut clock = clock.splitn(3, ':');
    let hour: i64 = digits(clock.next()?, 2)?;
    let minute: i64 = digits(clock.next()?, 2)?;
    let second: i64 = digits(clock.next()?, 2)?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let offset = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => 0,
        (sign, offset) => {
            let (hours, minutes) = offset.split_once(':')?;
            let offset = digits(hours, 2)? * 3600 + digits(minutes, 2)? * 60;
            if sign == "-" { -offset } else { offset }
        }
    };
    let up = i64::from(fraction.bytes().any(|digit| (b'1'..=b'9').contains(&digit)));
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second + up;
    u64::try_from(seconds - offset).ok()
}

/// A number of exactly `width` digits.
fn digits(text: &str, width: usize) -> Option<i64> {
    let all = text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, counted in years that begin in March, so that a leap day is
/// a year's last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let leap_days = year / 4 - year / 100 + year / 400;
    // 719 468 days lie between 0000-03-01 and 1970-01-01.
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T12:00:00Z", Some(951_825_600)),
            ("2000-03-01T00:00:00Z", Some(951_868_800)),
            ("2026-11-22T15:55:11Z", Some(1_795_362_911)),
            ("2026-11-22T15:55:11.25Z", Some(1_795_362_912)),
            ("2026-11-22T15:55:11.000Z", Some(1_795_362_911)),
            ("2026-11-22T17:55:11+02:00", Some(1_795_362_911)),
            ("2026-11-22T14:25:11-01:30", Some(1_795_362_911)),
            ("1960-01-01T00:00:00Z", None),
            ("2026-13-22T15:55:11Z", None),
            ("2026-11-22T15:55:11", None),
            ("2026-11-22", None),
            ("12", None),
            ("", None),
            ("2026-11-22T15:55:11é", None),
        ] {
            assert_eq!(unix_seconds(text), seconds, "{text}");
        }
    }

    #[test]
    fn headers() {
        let mut upstream = HeaderMap::new();
        for (name, value) in [
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "x"),
            ("anthropic-ratelimit-requests-reset", "2026-11-22T15:55:23Z"),
            ("anthropic-ratelimit-tokens-remaining", "0"),
            ("anthropic-ratelimit-tokens-reset", "2020-01-01T00:00:00Z"),
            ("anthropic-ratelimit-input-tokens-limit", "7"),
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
                ("x-ratelimit-limit-requests", "50"),
                ("x-ratelimit-remaining-tokens", "0"),
                ("x-ratelimit-reset-requests", "12s"),
                ("x-ratelimit-reset-tokens", "0s"),
            ]
        );
    }
}
