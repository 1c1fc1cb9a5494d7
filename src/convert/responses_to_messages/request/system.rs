//! The system text: instructions, and the system and developer messages before the conversation.

use bytes::BufMut;

use crate::convert::anthropic_out::cache::{Out, Section};
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::convert::responses_request::content::{Piece, each_piece};
use crate::convert::responses_request::heads::{Items, Kind};
use crate::format::raw::RawStr;

/// What stands for JSON mode, which Anthropic has only with a closed schema.
const JSON_INSTRUCTION: &[u8] =
    b"{\"type\":\"text\",\"text\":\"Respond with one JSON object and nothing else.\"";

/// Writes `system`: the instructions, the texts of the first `leading` items, and the instruction for JSON mode; false where
/// there is nothing.
pub(super) fn write(
    out: &mut Out,
    instructions: Option<RawStr<'_>>,
    items: &Items<'_>,
    leading: usize,
    json_mode: bool,
    cx: &mut RequestContext<'_>,
) -> Result<bool, Refusal> {
    let mut any = false;
    if let Some(text) = instructions.filter(|text| !text.is_blank()) {
        write_text(out, &mut any, text);
    }
    for (index, item) in items.list.iter().enumerate().take(leading) {
        if item.kind != Kind::System {
            continue;
        }
        out.new_message();
        let mut pieces = Vec::new();
        each_piece(item.text, index, cx, |piece| pieces.push(piece))?;
        for piece in pieces {
            match piece {
                Piece::Text(text) => write_text(out, &mut any, text),
                Piece::Mark(ttl) => {
                    if !out.mark(Section::System, ttl) {
                        cx.report
                            .drop_field("input[].content[].prompt_cache_breakpoint");
                    }
                }
            }
        }
    }
    if json_mode {
        begin(out, &mut any);
        out.buf.extend_from_slice(JSON_INSTRUCTION);
        out.end_unmarkable_block();
    }
    if any {
        out.buf.put_u8(b']');
    }
    Ok(any)
}

fn write_text(out: &mut Out, any: &mut bool, text: RawStr<'_>) {
    begin(out, any);
    out.buf.extend_from_slice(b"{\"type\":\"text\",\"text\":");
    out.buf.extend_from_slice(text.json().as_bytes());
    out.end_block();
}

fn begin(out: &mut Out, any: &mut bool) {
    if *any {
        out.buf.put_u8(b',');
    } else {
        out.member("system");
        out.buf.put_u8(b'[');
        *any = true;
    }
}
