//! Anthropic's own content blocks in the gateway's carrier: `tlg1.anthropic.<base64url of {"v":1,"blocks":[…]}>`.
//!
//! Clients that keep OpenAI's `encrypted_content` keep thinking with its signatures, and what server tools found, byte for
//! byte. Nothing is encrypted: the content is opaque or visible to the client already.

use std::borrow::Cow;

use super::envelope;

use crate::format::raw::RawStr;
use crate::format::walk;

const PREFIX: &str = "tlg1.anthropic.";

/// The carrier of these blocks, each JSON text.
pub(crate) fn write<'b>(blocks: impl IntoIterator<Item = &'b str>) -> String {
    envelope::write_blocks(PREFIX, blocks)
}

/// The carrier of signed thinking; both are the inside of JSON strings.
pub(crate) fn thinking(text: &str, signature: &str) -> String {
    let block = format!(r#"{{"type":"thinking","thinking":"{text}","signature":"{signature}"}}"#);
    write([block.as_str()])
}

/// The carrier of thinking that cannot be read; the inside of a JSON string.
pub(crate) fn redacted_thinking(data: &str) -> String {
    let block = format!(r#"{{"type":"redacted_thinking","data":"{data}"}}"#);
    write([block.as_str()])
}

/// Whether blocks of this type stand for what Anthropic's own tools, or its compaction, did in a turn.
pub(crate) fn is_server_block(kind: &str) -> bool {
    matches!(
        kind,
        "server_tool_use" | "mcp_tool_use" | "compaction" | "container_upload"
    ) || (kind != "tool_result" && kind.ends_with("_tool_result"))
}

/// What a carrier holds.
#[derive(Debug)]
pub(crate) struct Envelope(String);

impl Envelope {
    /// Opens a carrier; `None` for anything else: what another provider made, another version, or damaged text.
    pub(crate) fn open(opaque: RawStr<'_>) -> Option<Self> {
        envelope::open_blocks(PREFIX, opaque).map(Self)
    }

    /// The blocks: type and JSON text.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
        let blocks = walk::member(&self.0, "blocks").unwrap_or_default();
        walk::elements(blocks).filter_map(|block| {
            let kind = walk::member(block, "type").and_then(RawStr::from_json)?;
            Some((kind.decode(), block))
        })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn open(carrier: &str) -> Option<Vec<String>> {
        let json = serde_json::to_string(carrier).unwrap();
        let envelope = Envelope::open(RawStr::from_json(&json).unwrap())?;
        Some(
            envelope
                .blocks()
                .map(|(_, block)| block.to_owned())
                .collect(),
        )
    }

    #[test]
    fn blocks_come_back_byte_for_byte() {
        let blocks = [
            r#"{"type":"thinking","thinking":"Look at the file.","signature":"EqQB"}"#,
            r#"{ "b":1.50, "type":"redacted_thinking","data":"\u00e9" }"#,
        ];
        assert_eq!(open(&write(blocks)).unwrap(), blocks);
        assert_eq!(
            write([blocks[0]]),
            "tlg1.anthropic.eyJ2IjoxLCJibG9ja3MiOlt7InR5cGUiOiJ0aGlua2luZyIsInRoaW5raW5nIjoiTG9vayBhdCB0aGUgZmlsZS4iLCJzaWduYXR1cmUiOiJFcVFCIn1dfQ"
        );
    }

    #[test]
    fn what_others_made_is_not_opened() {
        let encoded = |json: &str| format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(json));
        for carrier in [
            "gAAAAABo".to_owned(),
            String::new(),
            "tlg1.openai.eyJ2IjoxLCJibG9ja3MiOltdfQ".to_owned(),
            "tlg1.anthropic.!".to_owned(),
            encoded("{"),
            encoded("[]"),
            encoded(r#"{"v":2,"blocks":[]}"#),
            encoded(r#"{"v":1,"blocks":{}}"#),
            encoded(r#"{"v":1,"blocks":[]} x"#),
        ] {
            assert_eq!(open(&carrier), None, "{carrier}");
        }
        assert_eq!(open(&encoded(r#"{"v":1,"blocks":[1,{}]}"#)), Some(vec![]));
    }
}
