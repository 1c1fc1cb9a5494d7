//! Lengths of time and sizes, as people write them.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A length of time: `"500ms"`, `"3s"`, `"30m"`, `"1h"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

/// A number of bytes: `1048576`, `"64KiB"`, `"32MiB"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteSize(pub usize);

/// `"off"`, or how often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeepAlive(pub Option<Duration>);

/// The number at the start of `text`, and what follows it.
fn split_number(text: &str) -> Option<(u64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    Some((digits.parse().ok()?, unit.trim()))
}

fn span(text: &str) -> Option<Duration> {
    let (number, unit) = split_number(text.trim())?;
    let seconds = |factor: u64| number.checked_mul(factor).map(Duration::from_secs);
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => seconds(1),
        "m" => seconds(60),
        "h" => seconds(3600),
        _ => None,
    }
    // More than a year is a slip, and could overflow a clock.
    .filter(|span| *span <= Duration::from_secs(366 * 86_400))
}

fn byte_size(text: &str) -> Option<usize> {
    let (number, unit) = split_number(text.trim())?;
    let factor: u64 = match unit {
        "" | "B" => 1,
        "KiB" => 1024,
        "MiB" => 1024 * 1024,
        "GiB" => 1024 * 1024 * 1024,
        _ => return None,
    };
    usize::try_from(number.checked_mul(factor)?).ok()
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let span = span(&text).ok_or_else(|| {
            D::Error::custom("expected a time such as \"500ms\", \"3s\" or \"30m\"")
        })?;
        Ok(Self(span))
    }
}

impl<'de> Deserialize<'de> for KeepAlive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "off" {
            return Ok(Self(None));
        }
        match span(&text) {
            Some(span) if !span.is_zero() => Ok(Self(Some(span))),
            _ => Err(D::Error::custom(
                "expected \"off\" or a time such as \"15s\"",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Size;

        impl Visitor<'_> for Size {
            type Value = ByteSize;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of bytes, or a size such as \"64KiB\" or \"32MiB\"")
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<ByteSize, E> {
                usize::try_from(value)
                    .map(ByteSize)
                    .map_err(|_| E::custom("a size cannot be negative"))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<ByteSize, E> {
                usize::try_from(value)
                    .map(ByteSize)
                    .map_err(|_| E::custom("a size this large cannot be"))
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<ByteSize, E> {
                byte_size(value)
                    .map(ByteSize)
                    .ok_or_else(|| E::custom("expected a size such as \"64KiB\" or \"32MiB\""))
            }
        }

        deserializer.deserialize_any(Size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (text, millis) in [
            ("500ms", Some(500)),
            ("3s", Some(3000)),
            (" 30m ", Some(1_800_000)),
            ("2 h", Some(7_200_000)),
            ("0s", Some(0)),
            ("3", None),
            ("s", None),
            ("", None),
            ("-1s", None),
            ("1.5s", None),
            ("999999999999h", None),
        ] {
            assert_eq!(span(text).map(|span| span.as_millis()), millis, "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("12", Some(12)),
            ("64KiB", Some(65536)),
            ("32 MiB", Some(33_554_432)),
            ("64KB", None),
            ("KiB", None),
            ("99999999999GiB", None),
        ] {
            assert_eq!(byte_size(text), bytes, "{text}");
        }
    }
}
