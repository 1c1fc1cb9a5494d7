//! The system text: what stands before the conversation.

use std::ops::Range;

use bytes::BufMut;

use crate::convert::anthropic_out::cache::{Out, Section, Ttl};
pub(super) use crate::convert::chat_request::content::{
    Piece, each_piece, message_mark, part_mark, report_unknown, report_unknown_part, report_unused,
};
use crate::convert::context::RequestContext;
use crate::convert::report::{LossReport, Refusal};
use crate::format::chat::request::Message;

/// What stands for JSON mode, which Anthropic has only with a closed schema.
const JSON_INSTRUCTION: &[u8] =
    b"{\"type\":\"text\",\"text\":\"Respond with one JSON object and nothing else.\"";

/// Writes the texts of these messages as `system`, with the instruction for JSON mode last; false where there is nothing.
pub(super) fn write(
    out: &mut Out,
    messages: &[Message<'_>],
    range: Range<usize>,
    json_mode: bool,
    cx: &mut RequestContext<'_>,
) -> Result<bool, Refusal> {
    let mut any = false;
    for index in range {
        let Some(message) = messages.get(index) else {
            break;
        };
        out.new_message();
        each_piece(message, index, cx.report, |piece, report| {
            match piece {
                Piece::Text(text) => {
                    begin(out, &mut any);
                    out.buf.extend_from_slice(b"{\"type\":\"text\",\"text\":");
                    out.buf.extend_from_slice(text.json().as_bytes());
                    out.end_block();
                }
                Piece::Mark(ttl) => mark(out, Section::System, ttl, report),
            }
            Ok(())
        })?;
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

fn begin(out: &mut Out, any: &mut bool) {
    if *any {
        out.buf.put_u8(b',');
    } else {
        out.member("system");
        out.buf.put_u8(b'[');
        *any = true;
    }
}

/// Marks the last block, or reports that there is none.
pub(super) fn mark(out: &mut Out, section: Section, ttl: Ttl, report: &mut LossReport) {
    if !out.mark(section, ttl) {
        report.drop_field("messages[].content[].cache_control");
    }
}
