//! The system prompt.

use bytes::BufMut;

use super::Out;
use crate::codec::write;
use crate::convert::anthropic_out::cache::{Section, Ttl};
use crate::convert::report::LossReport;
use crate::format::raw::RawStr;

/// What stands for JSON mode, which Converse has only with a schema.
const JSON_INSTRUCTION: &str = "Respond with a single valid JSON object and nothing else.";

/// Writes `system`: one block for each text. Nothing is written where there is no text.
#[derive(Debug)]
pub(in crate::convert) struct System<'o> {
    out: &'o mut Out,
    any: bool,
    /// Whether the last block has its cache point, or none of it may get one.
    settled: bool,
}

impl<'o> System<'o> {
    pub(in crate::convert) fn new(out: &'o mut Out) -> Self {
        Self {
            out,
            any: false,
            settled: true,
        }
    }

    /// Adds a text, unless it is blank: Converse refuses those.
    pub(in crate::convert) fn text(&mut self, text: RawStr<'_>) {
        if text.is_blank() {
            return;
        }
        self.begin();
        self.out.buf.extend_from_slice(text.json().as_bytes());
        self.out.buf.put_u8(b'}');
    }

    /// Adds the instruction that stands for JSON mode.
    pub(in crate::convert) fn json_mode(&mut self) {
        self.begin();
        write::string(&mut self.out.buf, JSON_INSTRUCTION);
        self.out.buf.put_u8(b'}');
    }

    fn begin(&mut self) {
        if self.any {
            self.out.buf.put_u8(b',');
        } else {
            self.out.member("system").put_u8(b'[');
            self.any = true;
        }
        self.settled = false;
        self.out.buf.extend_from_slice(b"{\"text\":");
    }

    /// Puts a cache point behind the last text.
    pub(in crate::convert) fn mark(&mut self, ttl: Ttl, report: &mut LossReport) {
        if self.settled {
            // A second mark of the same text says nothing new; one without any text has no place.
            if !self.any {
                self.out.report_dropped(Section::System, report);
            }
            return;
        }
        if let Some(ttl) = self.out.permitted(Section::System, ttl, report) {
            self.out.point(Section::System, ttl);
        }
        self.settled = true;
    }

    /// Closes the list; false where there is none.
    pub(in crate::convert) fn finish(self) -> bool {
        if self.any {
            self.out.buf.put_u8(b']');
        }
        self.any
    }
}
