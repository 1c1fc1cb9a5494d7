//! The conversation: messages with the roles in turn, as Anthropic wants them.
//!
//! Blocks are written as they come. A message is opened by its first block, so that neighbours of one role merge and
//! messages without blocks vanish. The order inside an assistant's turn is kept: signatures depend on it.

use bytes::{BufMut, BytesMut};

use crate::codec::write;
use crate::convert::anthropic_out::cache::{Out, Section, Ttl};
use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::convert::responses_request::content::{Piece, each_piece};
use crate::convert::responses_request::heads::{Items, Kind};
use crate::convert::responses_request::tools::Tools;
use crate::convert::tool_ids::ToolIds;
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
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// Not a single block was written.
    pub(super) is_empty: bool,
    /// Signed thinking was replayed.
    pub(super) replays_thinking: bool,
    /// A summary that Anthropic made of an earlier conversation was replayed.
    pub(super) replays_compaction: bool,
    /// The last message is the beginning of the answer.
    pub(super) is_prefilled: bool,
    /// The calls that wait for the model's next word were made without thinking.
    pub(super) loop_without_thinking: bool,
    /// The names of the tools that were called, as sent.
    pub(super) called: Vec<String>,
}

/// A call that must be answered in the next user message.
#[derive(Debug)]
pub(super) struct Call {
    /// The id at the client.
    pub(super) original: String,
    /// The id as it was sent.
    pub(super) sent: String,
    pub(super) custom: bool,
    /// The item that made it.
    pub(super) item: usize,
}

/// What is known of the assistant message that was opened last.
#[derive(Debug, Clone, Copy, Default)]
struct Turn {
    begins_with_thinking: bool,
    has_blocks: bool,
    has_server_blocks: bool,
    answered: bool,
}

/// Writes the conversation.
#[derive(Debug)]
pub(super) struct Writer<'w, 'a, 'c> {
    pub(super) out: &'w mut Out,
    pub(super) cx: &'w mut RequestContext<'c>,
    pub(super) tools: &'w Tools<'a>,
    pub(super) items: &'w mut Items<'a>,
    pub(super) ids: ToolIds<'a>,
    /// The calls of the open assistant turn.
    pub(super) calls: Vec<Call>,
    pub(super) facts: Facts,
    /// The role of the message that is open.
    open: Option<Speaker>,
    /// System messages of the current user turn: they follow it.
    waiting: Vec<usize>,
    turn: Turn,
    /// The item that the assistant's last blocks came from.
    assistant: usize,
    /// Where the text of the last block is, if it is a text.
    last_text: Option<std::ops::Range<usize>>,
}

impl<'w, 'a, 'c> Writer<'w, 'a, 'c> {
    pub(super) fn new(
        out: &'w mut Out,
        cx: &'w mut RequestContext<'c>,
        tools: &'w Tools<'a>,
        items: &'w mut Items<'a>,
    ) -> Self {
        Self {
            out,
            cx,
            tools,
            items,
            ids: ToolIds::default(),
            calls: Vec::new(),
            facts: Facts::default(),
            open: None,
            waiting: Vec::new(),
            turn: Turn::default(),
            assistant: 0,
            last_text: None,
        }
    }

    /// Writes all items from `start` on.
    pub(super) fn write(mut self, start: usize) -> Result<Facts, Refusal> {
        for index in start..self.items.list.len() {
            let Some((kind, text)) = self.item(index) else {
                break;
            };
            match kind {
                Kind::Assistant => {
                    self.enter_assistant(index);
                    self.assistant_message(text, index)?;
                }
                Kind::Reasoning => {
                    self.enter_assistant(index);
                    self.reasoning(text, index)?;
                }
                Kind::FunctionCall | Kind::CustomCall => {
                    self.enter_assistant(index);
                    self.call(text, index, kind == Kind::CustomCall)?;
                }
                Kind::Compaction => {
                    self.enter_assistant(index);
                    self.compaction(text, index)?;
                }
                Kind::McpCall => {
                    self.enter_assistant(index);
                    self.mcp_call(text, index)?;
                }
                Kind::User => {
                    self.end_assistant_turn()?;
                    self.user_message(text, index)?;
                }
                Kind::System => {
                    self.end_assistant_turn()?;
                    if self.cx.capabilities.mid_system {
                        self.waiting.push(index);
                    } else {
                        self.system_in_user(index)?;
                    }
                }
                // Written with the calls that it answers.
                Kind::Output { .. } => self.end_assistant_turn()?,
                Kind::AdditionalTools | Kind::ConfigurationUpdate => {}
                Kind::Left => self.cx.report.drop_field("input[].type"),
            }
        }
        self.finish()
    }

    /// Writes one message of the user's.
    pub(super) fn write_text(mut self, text: RawStr<'_>) -> Result<Facts, Refusal> {
        self.text(Speaker::User, text)?;
        self.finish()
    }

    /// Writes texts that belong to the system as one message of the user's.
    pub(super) fn write_system_as_user(
        mut self,
        instructions: Option<RawStr<'_>>,
        leading: usize,
    ) -> Result<Facts, Refusal> {
        if let Some(text) = instructions {
            self.text(Speaker::User, text)?;
        }
        for index in 0..leading {
            if self
                .item(index)
                .is_some_and(|(kind, _)| kind == Kind::System)
            {
                self.system_blocks(index, Speaker::User, false)?;
            }
        }
        self.finish()
    }

    fn item(&self, index: usize) -> Option<(Kind, &'a str)> {
        let item = self.items.list.get(index)?;
        Some((item.kind, item.text))
    }

    fn enter_assistant(&mut self, index: usize) {
        self.assistant = index;
        self.out.new_message();
    }

    /// A system message where the model takes none: a text of the user's that says so.
    fn system_in_user(&mut self, index: usize) -> Result<(), Refusal> {
        self.cx.report.approximate("input[].role");
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
        let Some((_, text)) = self.item(index) else {
            return Ok(());
        };
        self.out.new_message();
        let mut pieces = Vec::new();
        each_piece(text, index, self.cx, |piece| pieces.push(piece))?;
        for piece in pieces {
            match piece {
                Piece::Text(text) => {
                    let label = if labelled { "[System message]\\n" } else { "" };
                    self.labelled_text(speaker, label, text)?;
                }
                Piece::Mark(ttl) => self.mark(ttl),
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
        let buf = &mut self.out.buf;
        buf.extend_from_slice(b"{\"type\":\"text\",\"text\":");
        let start = buf.len();
        buf.put_u8(b'"');
        buf.extend_from_slice(label.as_bytes());
        buf.extend_from_slice(text.content().as_bytes());
        buf.put_u8(b'"');
        self.last_text = Some(start..buf.len());
        self.out.end_block();
        Ok(())
    }

    /// Marks the last block, or reports that there is none.
    pub(super) fn mark(&mut self, ttl: Ttl) {
        if !self.out.mark(Section::Messages, ttl) {
            self.cx
                .report
                .drop_field("input[].content[].prompt_cache_breakpoint");
        }
    }

    /// Begins a block of `speaker`, in the open message or a new one.
    pub(super) fn begin(&mut self, speaker: Speaker) -> Result<(), Refusal> {
        if speaker == Speaker::Assistant {
            self.flush_system()?;
            if self.open.is_none() {
                // The first message must be the user's.
                self.cx.report.approximate("input");
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

    /// Writes one of Anthropic's own blocks as it was.
    pub(super) fn raw_block(&mut self, kind: &str, json: &str) -> Result<(), Refusal> {
        let thinking = matches!(kind, "thinking" | "redacted_thinking");
        let first = self.open != Some(Speaker::Assistant) || !self.turn.has_blocks;
        self.begin(Speaker::Assistant)?;
        if thinking {
            self.facts.replays_thinking = true;
            self.turn.begins_with_thinking |= first;
        } else {
            self.turn.has_server_blocks = true;
        }
        self.facts.replays_compaction |= kind == "compaction";
        self.out.buf.extend_from_slice(json.as_bytes());
        self.out.new_message();
        Ok(())
    }

    /// Notes that the last assistant message's calls were answered.
    pub(super) fn note_answers(&mut self) {
        self.turn.answered = true;
    }

    fn finish(mut self) -> Result<Facts, Refusal> {
        self.end_assistant_turn()?;
        self.flush_system()?;
        // A turn that Anthropic paused goes on where it was; any other text of the assistant's at the end is the beginning of
        // the answer.
        if self.open == Some(Speaker::Assistant) && !self.turn.has_server_blocks {
            if !self.cx.capabilities.prefill {
                return Err(Refusal::unsupported(
                    format!("input[{}]", self.assistant),
                    "This model does not support assistant message prefill.",
                ));
            }
            self.facts.is_prefilled = true;
            self.trim_prefill();
        }
        if self.open.is_some() {
            self.out.buf.extend_from_slice(b"]}");
        }
        self.facts.is_empty = self.open.is_none();
        self.facts.loop_without_thinking = self.turn.answered && !self.turn.begins_with_thinking;
        Ok(self.facts)
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
        let mut json = BytesMut::with_capacity(trimmed.len() + 2);
        write::string(&mut json, trimmed);
        if let Ok(json) = std::str::from_utf8(&json) {
            self.out.replace_before_marks(range, json);
            self.cx.report.approximate("input[].content");
        }
    }
}
