//! Rate-limit headers of one vendor as those of the other.
//!
//! Anthropic says when a limit is reset (RFC 3339), OpenAI in how long (`6m0s`). What cannot be read is left out.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::rfc3339;

/// What a header says about a limit.
#[derive(Debug, Clone, Copy)]
enum Says {
    Count,
    Reset,
}

/// The headers that mean the same: OpenAI's name, and Anthropic's.
const HEADERS: [(Says, &str, &str); 6] = [
    (
        Says::Count,
        "x-ratelimit-limit-requests",
        "anthropic-ratelimit-requests-limit",
    ),
    (
        Says::Count,
        "x-ratelimit-remaining-requests",
        "anthropic-ratelimit-requests-remaining",
    ),
    (
        Says::Reset,
        "x-ratelimit-reset-requests",
        "anthropic-ratelimit-requests-reset",
    ),
    (
        Says::Count,
        "x-ratelimit-limit-tokens",
        "anthropic-ratelimit-tokens-limit",
    ),
    (
        Says::Count,
        "x-ratelimit-remaining-tokens",
        "anthropic-ratelimit-tokens-remaining",
    ),
    (
        Says::Reset,
        "x-ratelimit-reset-tokens",
        "anthropic-ratelimit-tokens-reset",
    ),
];

/// Writes the `x-ratelimit-*` headers that stand for Anthropic's `anthropic-ratelimit-requests-*` and `-tokens-*`.
pub(crate) fn anthropic_to_openai(upstream: &HeaderMap, now_unix: u64, out: &mut HeaderMap) {
    for (says, openai, anthropic) in HEADERS {
        translate(upstream, (anthropic, openai), says, out, |text| {
            rfc3339::parse(text).map(|at| format!("{}s", at.saturating_sub(now_unix)))
        });
    }
}

/// Writes the `anthropic-ratelimit-*` headers that stand for OpenAI's `x-ratelimit-*`.
pub(crate) fn openai_to_anthropic(upstream: &HeaderMap, now_unix: u64, out: &mut HeaderMap) {
    for (says, openai, anthropic) in HEADERS {
        translate(upstream, (openai, anthropic), says, out, |text| {
            seconds(text).map(|more| rfc3339::format(now_unix.saturating_add(more)))
        });
    }
}

fn translate(
    upstream: &HeaderMap,
    (from, to): (&str, &'static str),
    says: Says,
    out: &mut HeaderMap,
    reset: impl FnOnce(&str) -> Option<String>,
) {
    let Some(text) = upstream.get(from).and_then(|value| value.to_str().ok()) else {
        return;
    };
    let value = match says {
        Says::Count => text.parse::<u64>().ok().map(|count| count.to_string()),
        Says::Reset => reset(text),
    };
    if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
        out.insert(HeaderName::from_static(to), value);
    }
}

/// The seconds of a duration such as `1h2m3.5s`, `12ms` or `6m0s`, rounded up.
pub(crate) fn seconds(text: &str) -> Option<u64> {
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

    fn translated(
        headers: &[(&'static str, &'static str)],
        translate: fn(&HeaderMap, u64, &mut HeaderMap),
    ) -> Vec<(String, String)> {
        let mut upstream = HeaderMap::new();
        for (name, value) in headers {
            upstream.insert(*name, HeaderValue::from_static(value));
        }
        let mut out = HeaderMap::new();
        translate(&upstream, 1_795_362_911, &mut out);
        let mut headers: Vec<_> = out
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        headers.sort_unstable();
        headers
    }

    fn owned(headers: &[(&str, &str)]) -> Vec<(String, String)> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        headers.iter().map(own).collect()
    }

    #[test]
    fn for_clients_of_openai() {
        let upstream = [
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "x"),
            ("anthropic-ratelimit-requests-reset", "2026-11-22T15:55:23Z"),
            ("anthropic-ratelimit-tokens-remaining", "0"),
            ("anthropic-ratelimit-tokens-reset", "2020-01-01T00:00:00Z"),
            ("anthropic-ratelimit-input-tokens-limit", "7"),
        ];
        let expected = [
            ("x-ratelimit-limit-requests", "50"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-requests", "12s"),
            ("x-ratelimit-reset-tokens", "0s"),
        ];
        assert_eq!(translated(&upstream, anthropic_to_openai), owned(&expected));
    }

    #[test]
    fn for_clients_of_anthropic() {
        let upstream = [
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-tokens", "x"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ];
        let expected = [
            ("anthropic-ratelimit-requests-limit", "60"),
            ("anthropic-ratelimit-tokens-reset", "2026-11-22T16:01:11Z"),
        ];
        assert_eq!(translated(&upstream, openai_to_anthropic), owned(&expected));
    }
}
