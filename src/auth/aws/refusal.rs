//! What AWS says when it refuses a signature.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::DATE;

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

/// What the name of an error says that refuses a signature; names are without `Exception` at their end.
pub(super) fn fault(name: &str) -> Fault {
    let names = [
        "InvalidSignature",
        "RequestExpired",
        "SignatureDoesNotMatch",
    ];
    if names.iter().any(|known| name.eq_ignore_ascii_case(known)) {
        Fault::Signature
    } else {
        Fault::Credentials
    }
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
    fn names_that_mean_the_clock() {
        for (name, expected) in [
            ("InvalidSignature", Fault::Signature),
            ("signatureDoesNotMatch", Fault::Signature),
            ("RequestExpired", Fault::Signature),
            ("ExpiredToken", Fault::Credentials),
            ("UnrecognizedClient", Fault::Credentials),
            ("", Fault::Credentials),
        ] {
            assert_eq!(fault(name), expected, "{name}");
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
