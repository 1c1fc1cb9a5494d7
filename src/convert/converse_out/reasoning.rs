//! Reasoning that clients send back, as blocks of Converse: unmodified, or not at all.
//!
//! Unsigned reasoning, and what another provider made, is not sent: Claude and OpenAI's models refuse the request for it. It
//! never becomes visible text.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use crate::convert::anthropic_envelope;
use crate::convert::converse_envelope::{self, Envelope};
use crate::convert::envelope::is_envelope;
use crate::format::raw::RawStr;
use crate::format::walk;
use crate::models::Replay;

/// A block of reasoning that the model takes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::convert) enum Reasoning<'a> {
    /// Both are the inside of JSON strings.
    Signed {
        text: Cow<'a, str>,
        signature: Cow<'a, str>,
    },
    /// Base64, which needs no escaping.
    Redacted(String),
}

impl Reasoning<'_> {
    /// Writes the block.
    pub(in crate::convert) fn write(&self, out: &mut BytesMut) {
        out.extend_from_slice(b"{\"reasoningContent\":{");
        match self {
            Self::Signed { text, signature } => {
                out.extend_from_slice(b"\"reasoningText\":{\"text\":\"");
                out.extend_from_slice(text.as_bytes());
                out.extend_from_slice(b"\",\"signature\":\"");
                out.extend_from_slice(signature.as_bytes());
                out.extend_from_slice(b"\"}");
            }
            Self::Redacted(content) => {
                out.extend_from_slice(b"\"redactedContent\":\"");
                out.extend_from_slice(content.as_bytes());
                out.put_u8(b'"');
            }
        }
        out.extend_from_slice(b"}}");
    }
}

/// A `thinking` block of Anthropic's; `None` where the model does not take it back. Its text may be empty: the client may
/// have asked not to see it.
pub(in crate::convert) fn from_thinking<'a>(
    text: Option<RawStr<'a>>,
    signature: Option<RawStr<'a>>,
    replay: Replay,
) -> Option<Reasoning<'a>> {
    let signature = signature.filter(|s| !s.is_blank() && !is_envelope(*s))?;
    (replay == Replay::Signed).then(|| Reasoning::Signed {
        text: Cow::Borrowed(text.map_or("", RawStr::content)),
        signature: Cow::Borrowed(signature.content()),
    })
}

/// The `data` of a `redacted_thinking` block: Anthropic's own, or the envelope of other models'. Empty where the model does not
/// take it back.
pub(in crate::convert) fn from_redacted(
    data: Option<RawStr<'_>>,
    replay: Replay,
) -> Vec<Reasoning<'static>> {
    let Some(data) = data.filter(|data| !data.is_empty() && replay != Replay::None) else {
        return Vec::new();
    };
    if let Some(envelope) = Envelope::open(data) {
        return opened(&envelope);
    }
    if is_envelope(data) {
        return Vec::new();
    }
    vec![Reasoning::Redacted(converse_envelope::redacted_content(
        &data.decode(),
    ))]
}

/// What a carrier in the `encrypted_content` of a Responses client holds; empty where the model does not take it back.
pub(in crate::convert) fn from_carrier(
    carrier: RawStr<'_>,
    replay: Replay,
) -> Vec<Reasoning<'static>> {
    if replay == Replay::None {
        return Vec::new();
    }
    if let Some(envelope) = Envelope::open(carrier) {
        return opened(&envelope);
    }
    let Some(envelope) = anthropic_envelope::Envelope::open(carrier) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (kind, block) in envelope.blocks() {
        let member = |name| walk::member(block, name).and_then(RawStr::from_json);
        match &*kind {
            "thinking" => {
                let block = from_thinking(member("thinking"), member("signature"), replay);
                found.extend(block.map(Reasoning::into_owned));
            }
            "redacted_thinking" => found.append(&mut from_redacted(member("data"), replay)),
            _ => {}
        }
    }
    found
}

fn opened(envelope: &Envelope) -> Vec<Reasoning<'static>> {
    envelope
        .redacted_contents()
        .map(|content| Reasoning::Redacted(content.content().to_owned()))
        .collect()
}

impl Reasoning<'_> {
    fn into_owned(self) -> Reasoning<'static> {
        match self {
            Self::Signed { text, signature } => Reasoning::Signed {
                text: Cow::Owned(text.into_owned()),
                signature: Cow::Owned(signature.into_owned()),
            },
            Self::Redacted(content) => Reasoning::Redacted(content),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPAQUE: &str =
        "\"tlg1.converse.eyJ2IjoxLCJibG9ja3MiOlt7InJlZGFjdGVkQ29udGVudCI6ImNuTnVYMkZpWTJRPSJ9XX0\"";
    const PLAIN: &str = "\"tlg1.plain.eyJ2IjoxLCJwIjoiYXdzLWJlZHJvY2sifQ\"";
    const NATIVE: &str = "\"RW5jcnlwdGVkVGhpbmtpbmdCbG9i\"";

    fn raw(json: &str) -> RawStr<'_> {
        RawStr::from_json(json).unwrap()
    }

    fn written<'a>(blocks: impl IntoIterator<Item = Reasoning<'a>>) -> String {
        let mut out = BytesMut::new();
        for block in blocks {
            block.write(&mut out);
        }
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn only_signed_thinking_goes_back_and_only_to_claude() {
        let signed = |text, signature, replay| {
            written(from_thinking(Some(raw(text)), Some(raw(signature)), replay))
        };
        assert_eq!(
            signed(r#""a\u00e9\n""#, r#""Eq\/B""#, Replay::Signed),
            r#"{"reasoningContent":{"reasoningText":{"text":"a\u00e9\n","signature":"Eq\/B"}}}"#
        );
        assert!(signed("\"\"", "\"EqQB\"", Replay::Signed).contains(r#""text":"""#));
        for (signature, replay) in [
            ("\"EqQB\"", Replay::Redacted),
            ("\"EqQB\"", Replay::None),
            ("\"\"", Replay::Signed),
            ("\" \"", Replay::Signed),
            (PLAIN, Replay::Signed),
            ("\"tlg1.gemini.e30\"", Replay::Signed),
        ] {
            assert_eq!(signed("\"t\"", signature, replay), "", "{signature}");
        }
        assert_eq!(
            from_thinking(Some(raw("\"t\"")), None, Replay::Signed),
            None
        );
    }

    #[test]
    fn redacted_reasoning_goes_back_as_it_came() {
        let native = r#"{"reasoningContent":{"redactedContent":"Ulc1amNubHdkR1ZrVkdocGJtdHBibWRDYkc5aQ=="}}"#;
        let opaque = r#"{"reasoningContent":{"redactedContent":"cnNuX2FiY2Q="}}"#;
        for (data, replay, expected) in [
            (NATIVE, Replay::Signed, native),
            (NATIVE, Replay::Redacted, native),
            (OPAQUE, Replay::Signed, opaque),
            (OPAQUE, Replay::Redacted, opaque),
            (NATIVE, Replay::None, ""),
            (OPAQUE, Replay::None, ""),
            (PLAIN, Replay::Signed, ""),
            ("\"tlg1.openai.e30\"", Replay::Redacted, ""),
            ("\"\"", Replay::Signed, ""),
        ] {
            assert_eq!(
                written(from_redacted(Some(raw(data)), replay)),
                expected,
                "{data} {replay:?}"
            );
        }
        assert!(from_redacted(None, Replay::Signed).is_empty());
    }

    #[test]
    fn carriers_of_both_kinds_are_opened() {
        let blocks = anthropic_envelope::write([
            r#"{"type":"thinking","thinking":"plan","signature":"EqQB"}"#,
            r#"{"type":"text","text":"not reasoning"}"#,
            r#"{"type":"redacted_thinking","data":"RW5jcnlwdGVkVGhpbmtpbmdCbG9i"}"#,
        ]);
        let carrier = format!("\"{blocks}\"");
        let all = written(from_carrier(raw(&carrier), Replay::Signed));
        assert_eq!(
            all,
            r#"{"reasoningContent":{"reasoningText":{"text":"plan","signature":"EqQB"}}}{"reasoningContent":{"redactedContent":"Ulc1amNubHdkR1ZrVkdocGJtdHBibWRDYkc5aQ=="}}"#
        );
        assert_eq!(from_carrier(raw(&carrier), Replay::Redacted).len(), 1);
        assert!(from_carrier(raw(&carrier), Replay::None).is_empty());
        assert_eq!(from_carrier(raw(OPAQUE), Replay::Redacted).len(), 1);
        assert!(from_carrier(raw("\"gAAAA\""), Replay::Signed).is_empty());
    }
}
