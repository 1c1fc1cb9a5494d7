//! How reasoning of Converse travels through the clients' formats, and back.
//!
//! Converse wraps what Claude cannot show into bytes: Anthropic's own `data` is the ASCII text of these bytes, and goes to
//! clients bare, so that a conversation can move between Anthropic's API, InvokeModel and Converse. What is no text of
//! Anthropic's (OpenAI's and xAI's models) travels in `tlg1.converse.<base64url of {"v":1,"blocks":[…]}>`, where the blocks
//! are the members of Converse's `reasoningContent`.
//!
//! | client's format | signed | redacted, Anthropic's | redacted, another's |
//! |---|---|---|---|
//! | Messages, Chat | a `thinking` block | `redacted_thinking.data`, bare | the envelope as `data` |
//! | Responses | [`anthropic_envelope::thinking`] | [`anthropic_envelope::redacted_thinking`] | the envelope |

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD};
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

use super::{anthropic_envelope, envelope};
use crate::format::raw::RawStr;
use crate::format::walk;

const PREFIX: &str = "tlg1.converse.";
/// The shortest text that is taken for Anthropic's own.
const SHORTEST_NATIVE: usize = 16;

/// Takes padded text and text without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reasoning that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Redacted {
    /// Anthropic's own text: base64, so it needs no escaping.
    Native(String),
    /// Bytes of another maker.
    Opaque(Vec<u8>),
}

impl Redacted {
    /// What the bytes of a `redactedContent` are.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        let native = bytes.len() >= SHORTEST_NATIVE
            && bytes.len().is_multiple_of(4)
            && STANDARD.decode(&bytes).is_ok();
        if !native {
            return Self::Opaque(bytes);
        }
        match String::from_utf8(bytes) {
            Ok(text) => Self::Native(text),
            Err(error) => Self::Opaque(error.into_bytes()),
        }
    }

    /// What stands in `data` of a `redacted_thinking` block, for Messages and Chat clients; it needs no escaping.
    pub(crate) fn data(&self) -> Cow<'_, str> {
        match self {
            Self::Native(text) => Cow::Borrowed(text),
            Self::Opaque(bytes) => Cow::Owned(opaque(bytes)),
        }
    }

    /// What stands in `encrypted_content` of a reasoning item, for Responses clients; it needs no escaping.
    pub(crate) fn encrypted_content(&self) -> String {
        match self {
            Self::Native(text) => anthropic_envelope::redacted_thinking(text),
            Self::Opaque(bytes) => opaque(bytes),
        }
    }
}

/// The bytes of a `redactedContent`, or of a piece of one; `None` where it is no base64.
pub(crate) fn decode(redacted_content: RawStr<'_>) -> Option<Vec<u8>> {
    LENIENT.decode(redacted_content.decode().as_bytes()).ok()
}

/// A `redactedContent` with Anthropic's own `data` (decoded).
pub(crate) fn redacted_content(data: &str) -> String {
    STANDARD.encode(data)
}

fn opaque(bytes: &[u8]) -> String {
    let block = format!(r#"{{"redactedContent":"{}"}}"#, STANDARD.encode(bytes));
    envelope::write_blocks(PREFIX, [block.as_str()])
}

/// What an envelope holds.
#[derive(Debug)]
pub(crate) struct Envelope(String);

impl Envelope {
    /// Opens an envelope; `None` for anything else: what another provider made, another version, or damaged text.
    pub(crate) fn open(opaque: RawStr<'_>) -> Option<Self> {
        envelope::open_blocks(PREFIX, opaque).map(Self)
    }

    /// The values of `redactedContent`, base64; only those that Converse would take.
    pub(crate) fn redacted_contents(&self) -> impl Iterator<Item = RawStr<'_>> {
        let blocks = walk::member(&self.0, "blocks").unwrap_or_default();
        walk::elements(blocks)
            .filter_map(|block| RawStr::from_json(walk::member(block, "redactedContent")?))
            .filter(|content| {
                STANDARD
                    .decode(content.content())
                    .is_ok_and(|b| !b.is_empty())
            })
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn open(envelope: &str) -> Option<Vec<String>> {
        let json = serde_json::to_string(envelope).unwrap();
        let envelope = Envelope::open(RawStr::from_json(&json).unwrap())?;
        let contents = envelope.redacted_contents();
        Some(contents.map(|text| text.content().to_owned()).collect())
    }

    #[test]
    fn what_anthropic_wrote_is_bare_and_the_rest_is_packed() {
        let native = Redacted::of(b"RW5jcnlwdGVkVGhpbmtpbmdCbG9i".to_vec());
        assert_eq!(native.data(), "RW5jcnlwdGVkVGhpbmtpbmdCbG9i");
        assert_eq!(
            native.encrypted_content(),
            "tlg1.anthropic.eyJ2IjoxLCJibG9ja3MiOlt7InR5cGUiOiJyZWRhY3RlZF90aGlua2luZyIsImRhdGEiOiJSVzVqY25sd2RHVmtWR2hwYm10cGJtZENiRzlpIn1dfQ"
        );
        assert_eq!(
            redacted_content("RW5jcnlwdGVkVGhpbmtpbmdCbG9i"),
            "Ulc1amNubHdkR1ZrVkdocGJtdHBibWRDYkc5aQ=="
        );

        let opaque = Redacted::of(b"rsn_abcd".to_vec());
        let packed =
            "tlg1.converse.eyJ2IjoxLCJibG9ja3MiOlt7InJlZGFjdGVkQ29udGVudCI6ImNuTnVYMkZpWTJRPSJ9XX0";
        assert_eq!(opaque.data(), packed);
        assert_eq!(opaque.encrypted_content(), packed);
        assert_eq!(open(packed).unwrap(), ["cnNuX2FiY2Q="]);
    }

    #[test]
    fn only_long_base64_text_is_anthropics() {
        for (bytes, native) in [
            (&b"RW5jcnlwdGVkVGhp"[..], true),
            (b"RW5jcnlwdGVkVGhpbmtpbmdCbG9iQQ==", true),
            (b"RW5jcnlwdGVk", false),
            (b"RW5jcnlwdGVkVGhpbmtpbmdCbG9iQ", false),
            (b"RW5jcnlwdGVkVGh_", false),
            (b"{\"id\":\"rsn_1234\"", false),
            (&[0xff; 32], false),
            (b"", false),
        ] {
            let is = matches!(Redacted::of(bytes.to_vec()), Redacted::Native(_));
            assert_eq!(is, native, "{bytes:?}");
        }
    }

    #[test]
    fn what_others_made_is_not_opened() {
        let encoded = |json: &str| format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(json));
        for envelope in [
            "EqQB".to_owned(),
            String::new(),
            "tlg1.anthropic.eyJ2IjoxLCJibG9ja3MiOltdfQ".to_owned(),
            "tlg1.converse.!".to_owned(),
            encoded("{"),
            encoded("[]"),
            encoded(r#"{"v":2,"blocks":[]}"#),
            encoded(r#"{"v":1,"blocks":{}}"#),
        ] {
            assert_eq!(open(&envelope), None, "{envelope}");
        }
        let mixed = encoded(
            r#"{"v":1,"blocks":[1,{"text":"x"},{"redactedContent":"!"},{"redactedContent":""},{"redactedContent":"cg=="}]}"#,
        );
        assert_eq!(open(&mixed).unwrap(), ["cg=="]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_come_back(bytes in proptest::collection::vec(proptest::num::u8::ANY, 1..40)) {
            let sent = STANDARD.encode(&bytes);
            let json = format!("\"{sent}\"");
            let decoded = decode(RawStr::from_json(&json).unwrap()).unwrap();
            let back = match Redacted::of(decoded) {
                Redacted::Native(text) => vec![redacted_content(&text)],
                opaque @ Redacted::Opaque(_) => open(&opaque.data()).unwrap(),
            };
            proptest::prop_assert_eq!(back, vec![sent]);
        }
    }
}
