//! The conversation: messages with the roles in turn, as Anthropic wants them.
//!
//! Blocks are written as they come. A message is opened by its first block, so that neighbours of one role merge and
//! messages without blocks vanish.

use bytes::BufMut;

use super::results::Call;
use super::system::{self, Piece};
use crate::convert::anthropic_out::cache::{Out, Section};
pub(super) use crate::convert::chat_request::roles::{Role, roles};
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::convert::tool_ids::ToolIds;
use crate::convert::tool_names::ToolNames;
use crate::format::chat::request::Message;
use crate::format::raw::RawStr;

/// Who speaks in an Anthropic message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    User,
    Assistant,
    System,
}

impl Speaker {
    fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::System => "system",
        }
    }
}

/// What the rest of the request must know of the conversation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    /// Not a single block was written.
    pub(super) is_empty: bool,
    /// Signed thinking was replayed.
    pub(super) replays_thinking: bool,
    /// The last message is the beginning of the answer.
    pub(super) is_prefilled: bool,
    /// The calls that wait for the model's next word were made without thinking.
    pub(super) loop_without_thinking: bool,
    /// There are calls or results.
    pub(super) has_calls: bool,
}

/// What is known of the assistant message that was opened last.
#[derive(Debug, Clone, Copy, Default)]
struct Turn {
    begins_with_thinking: bool,
    has_blocks: bool,
    answered: bool,
}

/// Writes the conversation.
#[derive(Debug)]
pub(super) struct Writer<'w, 'a, 'c> {
    pub(super) out: &'w mut Out,
    pub(super) cx: &'w mut RequestContext<'c>,
    pub(super) names: &'w ToolNames,
    pub(super) messages: &'w [Message<'a>],
    pub(super) roles: &'w [Role],
    pub(super) ids: ToolIds<'a>,
    /// The calls of the last assistant turn, until they are answered.
    pub(super) calls: Vec<Call<'a>>,
    /// The role of the message that is open.
    open: Option<Speaker>,
    /// System messages of the current user turn: they follow it.
    waiting: Vec<usize>,
    turn: Turn,
    replays_thinking: bool,
    has_calls: bool,
    /// The assistant message that was written last.
    assistant: usize,
    /// Where the text of the last block is, if it is a text.
    last_text: Option<std::ops::Range<usize>>,
}

impl<'w, 'a, 'c> Writer<'w, 'a, 'c> {
    pub(super) fn new(
        out: &'w mut Out,
        cx: &'w mut RequestContext<'c>,
        names: &'w ToolNames,
        messages: &'w [Message<'a>],
        roles: &'w [Role],
    ) -> Self {
        Self {
            out,
            cx,
            names,
            messages,
            roles,
            ids: ToolIds::default(),
            calls: Vec::new(),
            open: None,
            waiting: Vec::new(),
            turn: Turn::default(),
            replays_thinking: false,
            has_calls: false,
            assistant: 0,
            last_text: None,
        }
    }

    /// Writes all messages from `start` on.
    pub(super) fn write(&mut self, start: usize) -> Result<Facts, Refusal> {
        let mut at = start;
        while let Some(role) = self.roles.get(at) {
            if *role == Role::Assistant {
                self.assistant(at)?;
                at += 1;
                continue;
            }
            let rest = self.roles.get(at..).unwrap_or_default();
            let length = rest.iter().take_while(|r| **r != Role::Assistant).count();
            self.user_turn(at..at + length)?;
            at += length;
        }
        self.finish()
    }

    /// Writes the first `count` messages, which are system messages, as one of the user.
    pub(super) fn write_system_as_user(&mut self, count: usize) -> Result<Facts, Refusal> {
        for index in 0..count {
            self.system_blocks(index, Speaker::User, false)?;
        }
        self.finish()
    }

    fn user_turn(&mut self, range: std::ops::Range<usize>) -> Result<(), Refusal> {
        self.results(range.clone())?;
        for index in range {
            match self.roles.get(index) {
                Some(Role::User) => self.user(index)?,
                Some(Role::System) if self.cx.capabilities.mid_system => self.waiting.push(index),
                Some(Role::System) => self.system_in_user(index)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// A system message where the model takes none: a text of the user's that says so.
    fn system_in_user(&mut self, index: usize) -> Result<(), Refusal> {
        self.cx.report.approximate("messages[].role");
        self.system_blocks(index, Speaker::User, true)
    }

    /// Writes the system messages that wait for the end of the user's turn. They need a user message before them and an
    /// assistant's, or nothing, after them.
    fn flush_system(&mut self) -> Result<(), Refusal> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let follows_user = self.open == Some(Speaker::User);
        for index in std::mem::take(&mut self.waiting) {
            if follows_user {
                self.system_blocks(index, Speaker::System, false)?;
            } else {
                self.system_in_user(index)?;
            }
        }
        Ok(())
    }

    fn system_blocks(
        &mut self,
        index: usize,
        speaker: Speaker,
        labelled: bool,
    ) -> Result<(), Refusal> {
        let Some(message) = self.messages.get(index) else {
            return Ok(());
        };
        self.out.new_message();
        let mut pieces = Vec::new();
        system::each_piece(message, index, self.cx.report, |piece, _| {
            pieces.push(piece);
            Ok(())
        })?;
        for piece in pieces {
            match piece {
                Piece::Text(text) => {
                    let label = if labelled { "[System message]\\n" } else { "" };
                    self.labelled_text(speaker, label, text)?;
                }
                Piece::Mark(ttl) => {
                    system::mark(self.out, Section::Messages, ttl, self.cx.report);
                }
            }
        }
        Ok(())
    }

    /// Writes a text block, unless it is blank.
    pub(super) fn text(&mut self, speaker: Speaker, text: RawStr<'_>) -> Result<(), Refusal> {
        if text.is_blank() {
            return Ok(());
        }
        self.labelled_text(speaker, "", text)
    }

    fn labelled_text(
        &mut self,
        speaker: Speaker,
        label: &str,
        text: RawStr<'_>,
    ) -> Result<(), Refusal> {
        self.begin(speaker)?;
        self.out
            .buf
            .extend_from_slice(b"{\"type\":\"text\",\"text\":");
        let start = self.out.buf.len();
        self.out.buf.put_u8(b'"');
        self.out.buf.extend_from_slice(label.as_bytes());
        self.out.buf.extend_from_slice(text.content().as_bytes());
        self.out.buf.put_u8(b'"');
        self.last_text = Some(start..self.out.buf.len());
        self.out.end_block();
        Ok(())
    }

    /// Begins a block of `speaker`, in the open message or a new one.
    pub(super) fn begin(&mut self, speaker: Speaker) -> Result<(), Refusal> {
        if speaker == Speaker::Assistant {
            self.flush_system()?;
            if self.open.is_none() {
                // The first message must be the user's.
                self.cx.report.approximate("messages");
                self.switch(Speaker::User);
                self.out
                    .buf
                    .extend_from_slice(b"{\"type\":\"text\",\"text\":\".\"");
                self.out.end_unmarkable_block();
            }
        }
        self.last_text = None;
        if self.open == Some(speaker) {
            self.out.buf.put_u8(b',');
        } else {
            self.switch(speaker);
        }
        if speaker == Speaker::Assistant {
            self.turn.has_blocks = true;
        }
        Ok(())
    }

    fn switch(&mut self, speaker: Speaker) {
        if self.open.is_some() {
            self.out.buf.extend_from_slice(b"]},");
        }
        self.out.buf.extend_from_slice(b"{\"role\":\"");
        self.out.buf.extend_from_slice(speaker.word().as_bytes());
        self.out.buf.extend_from_slice(b"\",\"content\":[");
        self.open = Some(speaker);
        if speaker == Speaker::Assistant {
            self.turn = Turn::default();
        }
    }

    /// Notes which message an assistant's blocks come from.
    pub(super) fn enter_assistant(&mut self, index: usize) {
        self.assistant = index;
    }

    /// Begins a thinking block.
    pub(super) fn begin_thinking(&mut self) -> Result<(), Refusal> {
        self.begin(Speaker::Assistant)?;
        self.replays_thinking = true;
        Ok(())
    }

    /// Whether the next block of the assistant is the first one of its message.
    pub(super) fn is_first_of_turn(&self) -> bool {
        self.open != Some(Speaker::Assistant) || !self.turn.has_blocks
    }

    /// Notes that the assistant's message begins with thinking.
    pub(super) fn note_thinking_first(&mut self) {
        self.turn.begins_with_thinking = true;
    }

    /// Notes that there are calls.
    pub(super) fn note_call(&mut self) {
        self.has_calls = true;
    }

    /// Notes that the last assistant message's calls were answered.
    pub(super) fn note_answers(&mut self) {
        self.turn.answered = true;
    }

    fn finish(&mut self) -> Result<Facts, Refusal> {
        self.flush_system()?;
        self.refuse_open_calls()?;
        let is_prefilled = self.open == Some(Speaker::Assistant);
        if is_prefilled {
            if !self.cx.capabilities.prefill {
                return Err(Refusal::unsupported(
                    format!("messages[{}]", self.assistant),
                    "This model does not support assistant message prefill.",
                ));
            }
            self.trim_prefill();
        }
        if self.open.is_some() {
            self.out.buf.extend_from_slice(b"]}");
        }
        Ok(Facts {
            is_empty: self.open.is_none(),
            replays_thinking: self.replays_thinking,
            is_prefilled,
            loop_without_thinking: self.turn.answered && !self.turn.begins_with_thinking,
            has_calls: self.has_calls,
        })
    }

    /// Takes the white space off the end of the answer's beginning, which Anthropic refuses.
    fn trim_prefill(&mut self) {
        let Some(range) = self.last_text.take() else {
            return;
        };
        let written = self.out.buf.get(range.clone()).unwrap_or_default();
        let Some(text) = std::str::from_utf8(written)
            .ok()
            .and_then(RawStr::from_json)
        else {
            return;
        };
        let decoded = text.decode();
        let trimmed = decoded.trim_end();
        if trimmed.len() == decoded.len() {
            return;
        }
        let mut json = bytes::BytesMut::with_capacity(trimmed.len() + 2);
        crate::codec::write::string(&mut json, trimmed);
        if let Ok(json) = std::str::from_utf8(&json) {
            self.out.replace_before_marks(range, json);
            self.cx.report.approximate("messages[].content");
        }
    }
}
