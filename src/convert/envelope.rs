//! The gateway's own carrier of provider-signed state through a client's format: `tlg1.<kind>.<payload>`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::BytesMut;

use crate::codec::write::Object;
use crate::format::raw::RawStr;
use crate::format::walk;

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

/// A carrier of blocks, each JSON text: `prefix` and base64url of `{"v":1,"blocks":[…]}`.
pub(crate) fn write_blocks<'b>(prefix: &str, blocks: impl IntoIterator<Item = &'b str>) -> String {
    let mut json = String::from(r#"{"v":1,"blocks":["#);
    for (at, block) in blocks.into_iter().enumerate() {
        if at > 0 {
            json.push(',');
        }
        json.push_str(block);
    }
    json.push_str("]}");
    let mut carrier = String::with_capacity(prefix.len() + json.len() / 3 * 4 + 4);
    carrier.push_str(prefix);
    URL_SAFE_NO_PAD.encode_string(&json, &mut carrier);
    carrier
}

/// What such a carrier holds, as JSON text; `None` for anything else: what another provider made, another version, or damaged
/// text.
pub(crate) fn open_blocks(prefix: &str, opaque: RawStr<'_>) -> Option<String> {
    let text = opaque.decode();
    let json = URL_SAFE_NO_PAD.decode(text.strip_prefix(prefix)?).ok()?;
    let json = String::from_utf8(json).ok()?;
    serde_json::from_str::<serde::de::IgnoredAny>(&json).ok()?;
    let known = walk::is_object(&json)
        && walk::member(&json, "v") == Some("1")
        && walk::member(&json, "blocks").is_some_and(walk::is_array);
    known.then_some(json)
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
