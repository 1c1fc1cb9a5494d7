//! Amounts of money, without a float anywhere.

use std::fmt;
use std::str::FromStr;

/// An amount of US dollars, held in whole pico-dollars (10⁻¹² dollars), up to some 18 million dollars.
///
/// ```
/// use tower_llm_gateway::price::Dollars;
///
/// let price: Dollars = "0.0375".parse()?;
/// assert_eq!(price.picos(), 37_500_000_000);
/// assert_eq!(price.to_string(), "0.0375");
/// # Ok::<(), tower_llm_gateway::price::InvalidAmount>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dollars(u64);

/// Decimal places that are held.
const PLACES: usize = 12;
/// Pico-dollars in a dollar.
const DOLLAR: u64 = 1_000_000_000_000;

impl Dollars {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many pico-dollars.
    #[must_use]
    pub const fn from_picos(picos: u64) -> Self {
        Self(picos)
    }

    /// The amount in pico-dollars.
    #[must_use]
    pub const fn picos(self) -> u64 {
        self.0
    }

    /// The sum; the largest amount where it does not fit.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// An amount from a sum in pico-dollars; the largest amount where it does not fit.
    pub(super) fn saturating_from(picos: u128) -> Self {
        Self(u64::try_from(picos).unwrap_or(u64::MAX))
    }
}

/// Reads a decimal number as JSON writes it, exponents included; what is below a pico-dollar is rounded, half up.
impl FromStr for Dollars {
    type Err = InvalidAmount;

    fn from_str(text: &str) -> Result<Self, InvalidAmount> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                let exponent: i32 = exponent.parse().map_err(|_| InvalidAmount)?;
                (mantissa, exponent)
            }
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = || whole.bytes().chain(fraction.bytes());
        if digits().next().is_none() || !digits().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidAmount);
        }
        // How many of the digits stand for whole pico-dollars.
        let kept =
            i64::try_from(whole.len() + PLACES).map_err(|_| InvalidAmount)? + i64::from(exponent);
        let mut picos: u128 = 0;
        let mut place = 0;
        for byte in digits() {
            let digit = u128::from(byte - b'0');
            if place < kept {
                picos = picos
                    .checked_mul(10)
                    .and_then(|picos| picos.checked_add(digit))
                    .ok_or(InvalidAmount)?;
            } else if place == kept && digit >= 5 {
                picos += 1;
            }
            place += 1;
        }
        while place < kept && picos > 0 {
            picos = picos.checked_mul(10).ok_or(InvalidAmount)?;
            place += 1;
        }
        u64::try_from(picos).map(Self).map_err(|_| InvalidAmount)
    }
}

/// A decimal number of dollars without zeros at its end.
impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, mut rest) = (self.0 / DOLLAR, self.0 % DOLLAR);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let mut places = PLACES;
        while rest.is_multiple_of(10) {
            rest /= 10;
            places -= 1;
        }
        write!(f, "{whole}.{rest:0places$}")
    }
}

/// Text that is no amount: no decimal number, negative, or too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidAmount;

impl fmt::Display for InvalidAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected an amount of dollars such as 3, 0.25 or \"0.0375\"")
    }
}

impl std::error::Error for InvalidAmount {}

#[cfg(feature = "config")]
impl<'de> serde::Deserialize<'de> for Dollars {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Amount;

        impl serde::de::Visitor<'_> for Amount {
            type Value = Dollars;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&InvalidAmount, f)
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Dollars, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Dollars, E> {
                self.visit_str(&value.to_string())
            }

            // The shortest decimal number that reads as the same float is the one that stands in the file.
            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Dollars, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Dollars, E> {
                value.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Amount)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn picos(text: &str) -> Option<u64> {
        text.parse::<Dollars>().ok().map(Dollars::picos)
    }

    #[test]
    fn amounts_are_read_exactly() {
        for (text, expected) in [
            ("0", Some(0)),
            ("3", Some(3 * DOLLAR)),
            ("3.0", Some(3 * DOLLAR)),
            ("0.0375", Some(37_500_000_000)),
            (".5", Some(DOLLAR / 2)),
            ("5.", Some(5 * DOLLAR)),
            ("5e-05", Some(50_000_000)),
            ("1.5E+2", Some(150 * DOLLAR)),
            ("12.5e-3", Some(12_500_000_000)),
            ("0.0000000000014", Some(1)),
            ("0.0000000000015", Some(2)),
            ("0.00000000000049", Some(0)),
            ("1e-13", Some(0)),
            ("9e-13", Some(1)),
            ("1e-400", Some(0)),
            ("0e99", Some(0)),
            ("18446744.073709551615", Some(u64::MAX)),
            ("18446744.073709551616", None),
            ("1e30", None),
            ("-1", None),
            ("", None),
            (".", None),
            ("1e", None),
            ("1,5", None),
            ("NaN", None),
            ("inf", None),
            ("1e99999999999", None),
        ] {
            assert_eq!(picos(text), expected, "{text}");
        }
    }

    #[test]
    fn amounts_are_written_without_needless_zeros() {
        for (picos, text) in [
            (0, "0"),
            (DOLLAR, "1"),
            (1, "0.000000000001"),
            (12_500_000_000, "0.0125"),
            (3 * DOLLAR + DOLLAR / 10, "3.1"),
        ] {
            assert_eq!(Dollars(picos).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(picos: u64) {
            prop_assert_eq!(Dollars(picos).to_string().parse(), Ok(Dollars(picos)));
        }

        #[test]
        fn any_text_is_an_amount_or_refused(text in "[0-9.eE+-]{0,30}|.{0,12}") {
            let _ = text.parse::<Dollars>();
        }
    }
}
