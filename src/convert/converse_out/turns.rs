//! The conversation: messages of the user and of the assistant in turn, as Converse wants them.
//!
//! Blocks are written as they come. A message is opened by its first block, so that neighbours of one role merge and messages
//! without blocks vanish. A message whose blocks must stand in another order, or get cache points, is written anew when it ends.

mod calls;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;

use bytes::{BufMut, BytesMut};

use self::calls::{Answer, Call};
use super::Out;
use crate::codec::write;
use crate::convert::anthropic_out::cache::{Section, Ttl};
use crate::convert::report::LossReport;
use crate::convert::tool_ids::ToolIds;
use crate::format::raw::RawStr;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::convert) enum Role {
    User,
    Assistant,
}

/// What a block is, as far as its place depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::convert) enum Kind {
    Text,
    /// A document: its message must hold a text, too.
    Document,
    /// `reasoningContent`: no cache point may follow it.
    Reasoning,
    /// Everything else that a converter writes itself.
    Other,
    Call,
    Result,
}

/// Calls and results that do not belong together: Bedrock refuses them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::convert) enum Unpaired {
    /// A result of no call in the assistant's turn before it; the caller knows which one it began.
    Orphan,
    /// A call without a result in the user's turn after it.
    Unanswered {
        /// The call's id at the client.
        key: String,
        /// Where it stands in the client's list.
        at: usize,
    },
}

/// What the rest of the request must know of the conversation, and what was changed in it.
#[derive(Debug, Clone, Default)]
pub(in crate::convert) struct Facts {
    /// Not a single block was written.
    pub(in crate::convert) is_empty: bool,
    /// There are calls, and they are sent as such.
    pub(in crate::convert) has_calls: bool,
    /// The calls and results were written as texts.
    pub(in crate::convert) has_written_calls: bool,
    /// The client's names of the tools that were called, each once.
    pub(in crate::convert) called: Vec<String>,
    /// The last message is the beginning of the answer.
    pub(in crate::convert) is_prefilled: bool,
    /// White space was taken off the end of the answer's beginning.
    pub(in crate::convert) is_trimmed: bool,
    /// The conversation began with the assistant: a message of the user was put before it.
    pub(in crate::convert) is_continued: bool,
    /// Further results of a call that has one already were left out.
    pub(in crate::convert) has_repeated_results: bool,
    /// Ids of calls were changed into such that Converse takes.
    pub(in crate::convert) has_changed_ids: bool,
    /// A system message became a text of the user.
    pub(in crate::convert) has_folded_system: bool,
    /// Reasoning is replayed.
    pub(in crate::convert) replays_reasoning: bool,
    /// The calls that wait for the model's next word were made without reasoning before them.
    pub(in crate::convert) loop_without_reasoning: bool,
}

/// A block of the open message.
#[derive(Debug)]
struct Block {
    /// Without the commas around it.
    range: Range<usize>,
    kind: Kind,
    mark: Option<Ttl>,
}

/// Writes `messages`.
#[derive(Debug)]
pub(in crate::convert) struct Turns<'o, 'a> {
    out: &'o mut Out,
    calls_as_text: bool,
    open: Option<Role>,
    /// Where the block under way begins.
    start: usize,
    blocks: Vec<Block>,
    /// A message of the user began, and no block of the user's came since.
    owes_user: bool,
    ids: ToolIds<'a>,
    /// The calls of the last turn of the assistant.
    calls: Vec<Call<'a>>,
    /// The same by their ids at the client, the next one to be answered first; the last one stays when it is answered.
    waiting: HashMap<Cow<'a, str>, VecDeque<usize>>,
    answer: Answer,
    /// System messages that follow the user's turn.
    system: Vec<Cow<'a, str>>,
    called: HashSet<Cow<'a, str>>,
    /// Whether the last turn of the assistant begins with reasoning.
    begins_with_reasoning: bool,
    facts: Facts,
}

impl<'o, 'a> Turns<'o, 'a> {
    /// Begins `messages`. With `calls_as_text`, calls and results are written as texts, for models that may call no tool and
    /// cannot be told so.
    pub(in crate::convert) fn begin_list(out: &'o mut Out, calls_as_text: bool) -> Self {
        out.member("messages").put_u8(b'[');
        Self {
            out,
            calls_as_text,
            open: None,
            start: 0,
            blocks: Vec::new(),
            owes_user: false,
            ids: ToolIds::default(),
            calls: Vec::new(),
            waiting: HashMap::new(),
            answer: Answer::default(),
            system: Vec::new(),
            called: HashSet::new(),
            begins_with_reasoning: false,
            facts: Facts {
                is_empty: true,
                ..Facts::default()
            },
        }
    }

    /// Notes that a message of the user begins. Where nothing of it is left, and none of its neighbours is the user's, a
    /// text stands for it.
    pub(in crate::convert) fn user_message(&mut self) {
        self.owes_user = true;
    }

    /// The buffer, between `begin` and `end`.
    pub(in crate::convert) fn buf(&mut self) -> &mut BytesMut {
        &mut self.out.buf
    }

    /// Begins a block: the caller writes one JSON object, then calls [`Turns::end`].
    pub(in crate::convert) fn begin(&mut self, role: Role) -> Result<(), Unpaired> {
        if role == Role::User {
            self.owes_user = false;
        } else {
            self.settle_user()?;
            if self.open.is_none() {
                self.facts.is_continued = true;
                self.switch(Role::User)?;
                self.write_text("(continued)");
            }
        }
        if self.open == Some(role) {
            self.out.buf.put_u8(b',');
        } else {
            self.switch(role)?;
        }
        self.start = self.out.buf.len();
        Ok(())
    }

    /// Ends the block that was begun.
    pub(in crate::convert) fn end(&mut self, kind: Kind) {
        self.facts.replays_reasoning |= kind == Kind::Reasoning;
        self.blocks.push(Block {
            range: self.start..self.out.buf.len(),
            kind,
            mark: None,
        });
    }

    /// Adds a text, unless it is blank: Converse refuses those. Whether it did.
    pub(in crate::convert) fn text(
        &mut self,
        role: Role,
        text: RawStr<'_>,
    ) -> Result<bool, Unpaired> {
        if text.is_blank() {
            return Ok(false);
        }
        self.begin(role)?;
        let buf = &mut self.out.buf;
        buf.extend_from_slice(b"{\"text\":");
        buf.extend_from_slice(text.json().as_bytes());
        buf.put_u8(b'}');
        self.end(Kind::Text);
        Ok(true)
    }

    /// Adds a text of the gateway's own.
    pub(in crate::convert) fn plain_text(
        &mut self,
        role: Role,
        text: &str,
    ) -> Result<(), Unpaired> {
        self.begin(role)?;
        self.write_text(text);
        Ok(())
    }

    /// Writes a text as the block under way.
    fn write_text(&mut self, text: &str) {
        self.start = self.out.buf.len();
        self.out.buf.extend_from_slice(b"{\"text\":");
        write::string(&mut self.out.buf, text);
        self.out.buf.put_u8(b'}');
        self.end(Kind::Text);
    }

    /// Adds a text of a system message that stands between the others: in its place as a text of the user that says so, or
    /// behind the user's turn as a message of its own. Blank texts are left out.
    pub(in crate::convert) fn system_text(&mut self, text: RawStr<'a>) -> Result<(), Unpaired> {
        if text.is_blank() {
            return Ok(());
        }
        if self.out.rules.native_system {
            self.system.push(Cow::Borrowed(text.json()));
            return Ok(());
        }
        self.folded_system_text(text)
    }

    fn folded_system_text(&mut self, text: RawStr<'_>) -> Result<(), Unpaired> {
        self.facts.has_folded_system = true;
        self.begin(Role::User)?;
        let buf = &mut self.out.buf;
        buf.extend_from_slice(b"{\"text\":\"<system>\\n");
        buf.extend_from_slice(text.content().as_bytes());
        buf.extend_from_slice(b"\\n</system>\"}");
        self.end(Kind::Text);
        Ok(())
    }

    /// Asks for a cache point behind the last block; a second one there says nothing new. Where there is no block in the open
    /// message, or the model takes no cache points, that is reported.
    pub(in crate::convert) fn mark(&mut self, ttl: Ttl, report: &mut LossReport) {
        let Some(ttl) = self.out.permitted(Section::Messages, ttl, report) else {
            return;
        };
        match self.blocks.last_mut() {
            Some(block) => block.mark = block.mark.or(Some(ttl)),
            None => self.out.report_dropped(Section::Messages, report),
        }
    }

    /// Writes what stands for a message of the user of which nothing is left, and system messages that have no turn of the
    /// user before them.
    fn settle_user(&mut self) -> Result<(), Unpaired> {
        if self.open != Some(Role::User) {
            for text in std::mem::take(&mut self.system) {
                if let Some(text) = RawStr::from_json(&text) {
                    self.folded_system_text(text)?;
                }
            }
        }
        if std::mem::take(&mut self.owes_user) && self.open != Some(Role::User) {
            self.plain_text(Role::User, "(empty)")?;
        }
        Ok(())
    }

    fn switch(&mut self, role: Role) -> Result<(), Unpaired> {
        if self.open.is_some() {
            self.close()?;
            self.out.buf.put_u8(b',');
        }
        self.out.buf.extend_from_slice(match role {
            Role::User => b"{\"role\":\"user\",\"content\":[",
            Role::Assistant => b"{\"role\":\"assistant\",\"content\":[",
        });
        self.open = Some(role);
        self.facts.is_empty = false;
        if role == Role::Assistant {
            self.calls.clear();
            self.waiting.clear();
        }
        Ok(())
    }

    /// Ends the open message.
    fn close(&mut self) -> Result<(), Unpaired> {
        if self.open == Some(Role::User) {
            if let Some(call) = self.calls.iter().find(|call| !call.is_answered) {
                return Err(Unpaired::Unanswered {
                    key: call.key.clone().into_owned(),
                    at: call.at,
                });
            }
            self.attach_text();
        } else {
            let first = self.blocks.first().map(|block| block.kind);
            self.begins_with_reasoning = first == Some(Kind::Reasoning);
        }
        self.arrange();
        self.blocks.clear();
        self.out.buf.extend_from_slice(b"]}");
        if self.open == Some(Role::User) {
            for text in std::mem::take(&mut self.system) {
                let buf = &mut self.out.buf;
                buf.extend_from_slice(b",{\"role\":\"system\",\"content\":[{\"text\":");
                buf.extend_from_slice(text.as_bytes());
                buf.extend_from_slice(b"}]}");
            }
        }
        Ok(())
    }

    /// Puts a text behind documents that have none beside them.
    fn attach_text(&mut self) {
        let has = |kind| self.blocks.iter().any(|block| block.kind == kind);
        if !has(Kind::Document) || has(Kind::Text) {
            return;
        }
        let mark = self.blocks.last_mut().and_then(|last| last.mark.take());
        self.out.buf.put_u8(b',');
        self.write_text("(see attached)");
        if let Some(last) = self.blocks.last_mut() {
            last.mark = mark;
        }
    }

    /// Brings the open message's blocks into the order that Converse wants, with their cache points.
    fn arrange(&mut self) {
        let leads = |kind| match self.open {
            Some(Role::User) => kind == Kind::Result,
            _ => kind == Kind::Text,
        };
        // Results lead in a message of the user; texts do before the first call in one of the assistant.
        let from = match self.open {
            Some(Role::User) => Some(0),
            _ => self.blocks.iter().position(|b| b.kind == Kind::Call),
        };
        let rest = from.and_then(|from| self.blocks.get_mut(from..));
        let rest = rest.unwrap_or_default();
        let in_order = rest.is_sorted_by_key(|block| !leads(block.kind));
        if !in_order {
            rest.sort_by_key(|block| !leads(block.kind));
        }
        if in_order && self.blocks.iter().all(|block| block.mark.is_none()) {
            return;
        }
        self.move_marks_before_reasoning();
        let start = self.blocks.iter().map(|block| block.range.start).min();
        let start = start.unwrap_or(self.out.buf.len());
        let written = self.out.buf.split_off(start);
        for (index, block) in self.blocks.iter().enumerate() {
            if index > 0 {
                self.out.buf.put_u8(b',');
            }
            let range = block.range.start - start..block.range.end - start;
            let json = written.get(range).unwrap_or_default();
            self.out.buf.extend_from_slice(json);
            if let Some(ttl) = block.mark {
                self.out.point(Section::Messages, ttl);
            }
        }
    }

    /// No cache point may follow reasoning: it goes before the run, or is lost where nothing stands there.
    fn move_marks_before_reasoning(&mut self) {
        let mut before: Option<usize> = None;
        for index in 0..self.blocks.len() {
            let Some(block) = self.blocks.get_mut(index) else {
                break;
            };
            if block.kind != Kind::Reasoning {
                before = Some(index);
                continue;
            }
            let Some(mark) = block.mark.take() else {
                continue;
            };
            match before.and_then(|before| self.blocks.get_mut(before)) {
                Some(block) => block.mark = block.mark.or(Some(mark)),
                None => self.out.lose_point(),
            }
        }
    }

    /// Ends the list.
    pub(in crate::convert) fn finish(mut self) -> Result<Facts, Unpaired> {
        self.settle_user()?;
        if let Some(call) = self.calls.iter().find(|call| !call.is_answered) {
            return Err(Unpaired::Unanswered {
                key: call.key.clone().into_owned(),
                at: call.at,
            });
        }
        match self.open {
            Some(Role::Assistant) => {
                self.facts.is_prefilled = true;
                self.trim_prefill();
            }
            Some(Role::User) => {
                let answers = self.blocks.iter().any(|block| block.kind == Kind::Result);
                self.facts.loop_without_reasoning = answers && !self.begins_with_reasoning;
            }
            None => {}
        }
        if self.open.is_some() {
            self.close()?;
        }
        self.out.buf.put_u8(b']');
        Ok(self.facts)
    }

    /// Takes the white space off the end of the answer's beginning, which Claude refuses.
    fn trim_prefill(&mut self) {
        let Some(last) = self.blocks.last().filter(|b| b.kind == Kind::Text) else {
            return;
        };
        let (start, mark) = (last.range.start, last.mark);
        let block = self.out.buf.split_off(start);
        let text = block
            .strip_prefix(b"{\"text\":")
            .and_then(|block| block.strip_suffix(b"}"))
            .and_then(|text| std::str::from_utf8(text).ok())
            .and_then(RawStr::from_json)
            .map(RawStr::decode);
        let trimmed = text.as_deref().map(str::trim_end);
        match trimmed {
            Some(trimmed) if Some(trimmed) != text.as_deref() => {
                self.facts.is_trimmed = true;
                self.blocks.pop();
                self.write_text(trimmed);
                if let Some(last) = self.blocks.last_mut() {
                    last.mark = mark;
                }
            }
            _ => self.out.buf.extend_from_slice(&block),
        }
    }
}
