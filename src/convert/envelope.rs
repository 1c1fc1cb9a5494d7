//! The gateway's own carrier of provider-signed state through a client's format: `tlg1.<kind>.<payload>`.

use crate::format::raw::RawStr;

/// What every carrier of the gateway begins with.
pub(crate) const PREFIX: &str = "tlg1.";

/// Whether an opaque string that a client replays is a carrier of the gateway, and thus nothing a provider signed.
pub(crate) fn is_envelope(opaque: RawStr<'_>) -> bool {
    opaque.content().starts_with(PREFIX) || opaque.decode().starts_with(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_seen_through_escapes() {
        for (json, expected) in [
            (r#""tlg1.openai.e30""#, true),
            (r#""\u0074lg1.openai.e30""#, true),
            (r#""EqQB""#, false),
            (r#""""#, false),
        ] {
            assert_eq!(
                is_envelope(RawStr::from_json(json).unwrap()),
                expected,
                "{json}"
            );
        }
    }
}
