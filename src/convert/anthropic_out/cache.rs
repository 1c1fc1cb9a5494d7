//! The output buffer, and the cache marks in it.
//!
//! Anthropic takes four cache marks in a request, and none with the longer lifetime after one with the shorter. Which
//! marks stay is known at the end only; the few requests with too many are mended then.

use bytes::{BufMut, BytesMut};
use serde_json::value::RawValue;

use crate::convert::report::LossReport;
use crate::format::raw::RawStr;
use crate::format::walk;

/// How many cache marks Anthropic takes.
const MAX_MARKS: usize = 4;

const FIVE_MINUTES: &[u8] = b",\"cache_control\":{\"type\":\"ephemeral\"}";

/// The parts of a request in the order in which a prompt cache sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::convert) enum Section {
    Tools,
    System,
    Messages,
}

/// The client's fields that ask for marks on tools, and on texts and other blocks.
#[derive(Debug, Clone, Copy)]
pub(in crate::convert) struct MarkPaths {
    pub(in crate::convert) tools: &'static str,
    pub(in crate::convert) blocks: &'static str,
}

impl MarkPaths {
    pub(in crate::convert) fn of(self, section: Section) -> &'static str {
        match section {
            Section::Tools => self.tools,
            Section::System | Section::Messages => self.blocks,
        }
    }
}

/// How long a marked prefix lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::convert) enum Ttl {
    Unsaid,
    FiveMinutes,
    Hour,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    section: Section,
    start: usize,
    end: usize,
    hour: bool,
}

/// The output, which remembers where its cache marks are and whether the last block can still get one.
#[derive(Debug)]
pub(in crate::convert) struct Out {
    pub(in crate::convert) buf: BytesMut,
    marks: Vec<Mark>,
    /// The end of the last block, while it may be marked.
    markable: Option<usize>,
    /// The end of the last block that has its mark already.
    marked: Option<usize>,
    paths: MarkPaths,
}

/// A place in the output to go back to.
#[derive(Debug, Clone, Copy)]
pub(in crate::convert) struct Checkpoint {
    length: usize,
    marks: usize,
}

impl Out {
    /// An empty output; reports about marks name the client's fields by `paths`.
    pub(in crate::convert) fn with_capacity(capacity: usize, paths: MarkPaths) -> Self {
        Self {
            buf: BytesMut::with_capacity(capacity),
            marks: Vec::new(),
            markable: None,
            marked: None,
            paths,
        }
    }

    pub(in crate::convert) fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            length: self.buf.len(),
            marks: self.marks.len(),
        }
    }

    pub(in crate::convert) fn rewind(&mut self, to: Checkpoint) {
        self.buf.truncate(to.length);
        self.marks.truncate(to.marks);
        self.new_message();
    }

    /// Begins a member of the request that is not its first.
    pub(in crate::convert) fn member(&mut self, key: &str) {
        self.buf.extend_from_slice(b",\"");
        self.buf.extend_from_slice(key.as_bytes());
        self.buf.extend_from_slice(b"\":");
    }

    /// A mark that comes now belongs to none of the blocks written so far.
    pub(in crate::convert) fn new_message(&mut self) {
        self.markable = None;
        self.marked = None;
    }

    /// Closes a block that takes a mark.
    pub(in crate::convert) fn end_block(&mut self) {
        self.buf.put_u8(b'}');
        self.markable = Some(self.buf.len());
        self.marked = None;
    }

    /// Closes a block that takes no mark.
    pub(in crate::convert) fn end_unmarkable_block(&mut self) {
        self.buf.put_u8(b'}');
        self.new_message();
    }

    /// Marks the last block; false where there is none that takes it.
    pub(in crate::convert) fn mark(&mut self, section: Section, ttl: Ttl) -> bool {
        if self.marked == Some(self.buf.len()) {
            return true;
        }
        if self.markable != Some(self.buf.len()) {
            return false;
        }
        self.buf.truncate(self.buf.len().saturating_sub(1));
        let start = self.buf.len();
        self.buf.extend_from_slice(match ttl {
            Ttl::Unsaid => FIVE_MINUTES,
            Ttl::FiveMinutes => b",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"5m\"}",
            Ttl::Hour => b",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}",
        });
        self.marks.push(Mark {
            section,
            start,
            end: self.buf.len(),
            hour: ttl == Ttl::Hour,
        });
        self.buf.put_u8(b'}');
        self.markable = None;
        self.marked = Some(self.buf.len());
        true
    }

    /// Replaces `range`, which lies before every mark but those of its own block, and moves these along.
    pub(in crate::convert) fn replace_before_marks(
        &mut self,
        range: std::ops::Range<usize>,
        with: &str,
    ) {
        let after = self.buf.split_off(range.end.min(self.buf.len()));
        self.buf.truncate(range.start);
        self.buf.extend_from_slice(with.as_bytes());
        let end = self.buf.len();
        self.buf.extend_from_slice(&after);
        for mark in self.marks.iter_mut().filter(|mark| mark.start >= range.end) {
            mark.start = mark.start - range.end + end;
            mark.end = mark.end - range.end + end;
        }
    }

    /// Keeps the last four marks, three where the request also has Anthropic's `automatic` one, and shortens the lifetime
    /// of marks that follow a shorter one.
    pub(in crate::convert) fn settle_marks(&mut self, automatic: bool, report: &mut LossReport) {
        let limit = MAX_MARKS - usize::from(automatic);
        self.marks.sort_by_key(|mark| mark.section);
        let dropped = self.marks.len().saturating_sub(limit);
        let mut edits: Vec<(Mark, &[u8])> = Vec::new();
        let mut shorter = false;
        for (at, mark) in self.marks.iter().enumerate() {
            if at < dropped {
                report.drop_field(self.paths.of(mark.section));
                edits.push((*mark, b""));
            } else if mark.hour && shorter {
                report.approximate(self.paths.of(mark.section));
                edits.push((*mark, FIVE_MINUTES));
            } else {
                shorter |= !mark.hour;
            }
        }
        if edits.is_empty() {
            return;
        }
        edits.sort_by_key(|(mark, _)| mark.start);
        let mut mended = BytesMut::with_capacity(self.buf.len());
        let mut copied = 0;
        for (mark, text) in edits {
            mended.extend_from_slice(self.buf.get(copied..mark.start).unwrap_or_default());
            mended.extend_from_slice(text);
            copied = mark.end;
        }
        mended.extend_from_slice(self.buf.get(copied..).unwrap_or_default());
        self.buf = mended;
        self.marks.clear();
    }
}

/// The mark that a client asks for by `cache_control` (Anthropic's, an extension) or `prompt_cache_breakpoint`, members of
/// what is at `path`.
pub(in crate::convert) fn requested(
    cache_control: Option<&RawValue>,
    breakpoint: Option<&RawValue>,
    path: &str,
    report: &mut LossReport,
) -> Option<Ttl> {
    if let Some(control) = cache_control.map(RawValue::get) {
        if is_word(walk::member(control, "type"), "ephemeral") {
            let ttl = walk::member(control, "ttl");
            if is_word(ttl, "1h") {
                return Some(Ttl::Hour);
            }
            if is_word(ttl, "5m") {
                return Some(Ttl::FiveMinutes);
            }
            if ttl.is_some() {
                report.approximate(format!("{path}.cache_control"));
            }
            return Some(Ttl::Unsaid);
        }
        report.drop_field(format!("{path}.cache_control"));
    }
    let breakpoint = breakpoint?.get();
    let mode = walk::member(breakpoint, "mode");
    if !walk::is_object(breakpoint) || !(mode.is_none() || is_word(mode, "explicit")) {
        report.drop_field(format!("{path}.prompt_cache_breakpoint"));
        return None;
    }
    report.approximate(format!("{path}.prompt_cache_breakpoint"));
    // OpenAI's shortest lifetime is thirty minutes, which five cannot keep.
    Some(match walk::member(breakpoint, "ttl") {
        Some(_) => Ttl::Hour,
        None => Ttl::Unsaid,
    })
}

fn is_word(value: Option<&str>, word: &str) -> bool {
    value
        .and_then(RawStr::from_json)
        .is_some_and(|text| text.is(word))
}
