//! The gateway's own carrier of provider-signed state through a client's format: `tlg1.<kind>.<payload>`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::BytesMut;

use crate::codec::write::Object;
use crate::format::raw::RawStr;

/// What every carrier of the gateway begins with.
pub(crate) const PREFIX: &str = "tlg1.";

/// Whether an opaque string that a client replays is a carrier of the gateway, and thus nothing a provider signed.
pub(crate) fn is_envelope(opaque: RawStr<'_>) -> bool {
    opaque.content().starts_with(PREFIX) || opaque.decode().starts_with(PREFIX)
}

/// A carrier that holds nothing but the id of the provider that answered: what Messages clients get in place of a signature where
/// reasoning has none. Some clients drop blocks without a signature, and Anthropic refuses them.
pub(crate) fn plain(provider: &str) -> String {
    let mut json = BytesMut::new();
    let mut object = Object::begin(&mut json);
    object.uint("v", 1).string("p", provider);
    object.end();
    let mut carrier = format!("{PREFIX}plain.");
    URL_SAFE_NO_PAD.encode_string(&json, &mut carrier);
    carrier
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_carrier_names_the_provider() {
        assert_eq!(
            plain("aws-bedrock"),
            "tlg1.plain.eyJ2IjoxLCJwIjoiYXdzLWJlZHJvY2sifQ"
        );
    }

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
