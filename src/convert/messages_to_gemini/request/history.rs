//! The conversation: what is where, before it is written.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::BytesMut;

use super::content::{self, Said, Text};
use super::results::ToolResult;
use crate::codec::write::Object;
use crate::convert::context::RequestContext;
use crate::convert::gemini_out::{Contents, Pairs, Section};
use crate::convert::messages_in::{
    At, Content, SERVER_BLOCKS, Speaker, cites, is_billing, kind_of, messages, misplaced, open,
    report_extras, text_of,
};
use crate::convert::report::Refusal;
use crate::convert::tool_names::ToolNames;
use crate::format::messages::request::{Block, Message, Request};
use crate::provider::chat_profile::ChatProfile;

/// The path of a block.
pub(super) const BLOCK: &str = "messages[].content[]";

/// The conversation.
pub(super) struct History<'r, 'a> {
    pub(super) names: &'r ToolNames,
    pub(super) profile: &'static ChatProfile,
    system: Vec<Text<'a>>,
    pub(super) entries: Vec<Entry<'a>>,
    pub(super) pairs: Pairs<'a>,
    /// The message that the model's open turn began with.
    pub(super) turn: Option<usize>,
    /// From this entry on the model is in its current turn: the user has said nothing since.
    current: usize,
    /// The signatures of calls by their ids: the inside of JSON strings.
    pub(super) signatures: HashMap<String, String>,
    /// The ids of calls at Google, where the client knows them by others.
    pub(super) ids: HashMap<String, Option<String>>,
}

/// A piece of the conversation.
#[derive(Debug)]
pub(super) enum Entry<'a> {
    User(Vec<Said<'a>>),
    Result(ToolResult<'a>),
    Assistant(Assistant<'a>),
}

/// What the model said.
#[derive(Debug, Default)]
pub(super) struct Assistant<'a> {
    /// The message that the model's turn began with.
    pub(super) turn: usize,
    pub(super) items: Vec<Item<'a>>,
    /// The parts as they came from Google: a JSON array.
    pub(super) parts: Option<String>,
    /// The signature of the text: the inside of a JSON string.
    pub(super) signature: Option<String>,
}

#[derive(Debug)]
pub(super) enum Item<'a> {
    Text(Text<'a>),
    Call {
        id: Cow<'a, str>,
        /// As it is sent.
        name: String,
        /// JSON text: an object.
        input: &'a str,
    },
}

impl<'r, 'a> History<'r, 'a> {
    /// Reads the conversation.
    ///
    /// # Errors
    /// A block cannot be sent, or a call or a result has no counterpart.
    pub(super) fn read(
        request: &Request<'a>,
        names: &'r ToolNames,
        cx: &mut RequestContext<'_>,
    ) -> Result<Self, Refusal> {
        let Some(profile) = cx.provider.spec().chat else {
            let message = format!("{} has no models of Gemini's", cx.provider);
            return Err(Refusal::unsupported("model", message));
        };
        let messages = messages(request)?;
        let mut history = Self {
            names,
            profile,
            system: Vec::new(),
            entries: Vec::new(),
            pairs: Pairs::default(),
            turn: None,
            current: 0,
            signatures: HashMap::new(),
            ids: HashMap::new(),
        };
        history.read_system(request, cx)?;
        for (index, message) in messages.iter().enumerate() {
            history.message(message, At::message(index), cx)?;
        }
        history
            .pairs
            .check("messages", history.turn)
            .map_err(|refusal| Refusal {
                message: format!("{}: {}", refusal.param, refusal.message).into(),
                ..refusal
            })?;
        if history.turn.is_some() {
            // Whether the model goes on from there is its own business.
            cx.report.approximate("messages");
        }
        Ok(history)
    }

    fn read_system(
        &mut self,
        request: &Request<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let Some(system) = request.system else {
            return Ok(());
        };
        match Content::read(system.get(), || "system".to_owned())? {
            Content::Text(text) => self.system.push(Text::of(text)),
            Content::Blocks(blocks) => {
                for (index, block) in blocks.iter().enumerate() {
                    report_lost(block, "system[]", cx);
                    match text_of(block, || format!("system[{index}]"))? {
                        Some(text) if is_billing(text) => cx.report.drop_field("system[]"),
                        text => self.system.extend(text.map(Text::of)),
                    }
                }
            }
        }
        Ok(())
    }

    fn message(
        &mut self,
        message: &Message<'a>,
        at: At,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let (speaker, content) = open(message, at, cx.report)?;
        match speaker {
            Speaker::User => self.user(content, at, cx),
            Speaker::Assistant => self.assistant(content, at, cx),
            Speaker::System => self.mid_system(content, at, cx),
        }
    }

    /// A system message between the others: Google has one place for all.
    fn mid_system(
        &mut self,
        content: Content<'a>,
        at: At,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        match content {
            Content::Text(text) => self.system.push(Text::of(text)),
            Content::Blocks(blocks) => {
                for (index, block) in blocks.iter().enumerate() {
                    report_lost(block, BLOCK, cx);
                    let text = text_of(block, || at.block(index).path())?;
                    self.system.extend(text.map(Text::of));
                }
            }
        }
        cx.report.approximate("messages[].role");
        Ok(())
    }

    /// A message of the user.
    fn user(
        &mut self,
        content: Content<'a>,
        at: At,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let mut said = Vec::new();
        // What stands beside a result does not end the model's turn.
        let mut speaks = true;
        match content {
            Content::Text(text) => said.push(Said::Text(Text::of(text))),
            Content::Blocks(blocks) => {
                for (index, block) in blocks.iter().enumerate() {
                    let at = at.block(index);
                    report_lost(block, BLOCK, cx);
                    match &*kind_of(block, at)? {
                        "tool_result" => {
                            speaks = false;
                            let result = ToolResult::read(block, at, self.profile, cx)?;
                            self.result(result, at)?;
                        }
                        kind if SERVER_BLOCKS.contains(&kind) => cx.report.drop_field(BLOCK),
                        kind @ ("tool_use" | "thinking" | "redacted_thinking") => {
                            return Err(misplaced(at, kind, "user"));
                        }
                        kind => said.extend(content::read(kind, block, at, self.profile, cx)?),
                    }
                }
            }
        }
        said.retain(|said| !matches!(said, Said::Text(text) if text.is_empty()));
        if !said.is_empty() {
            self.turn = None;
            self.entries.push(Entry::User(said));
            if speaks {
                self.current = self.entries.len();
            }
        }
        Ok(())
    }

    fn result(&mut self, result: ToolResult<'a>, at: At) -> Result<(), Refusal> {
        self.turn = None;
        let place = self.entries.len();
        let paired = self.pairs.result("messages", place, &result.id);
        paired.map_err(|_| {
            let path = at.member("tool_use_id");
            let message = format!("{path}: no call before has this id");
            Refusal::invalid(path, message)
        })?;
        self.entries.push(Entry::Result(result));
        Ok(())
    }

    /// Whether an entry belongs to the model's current turn.
    pub(super) fn is_current(&self, entry: usize) -> bool {
        entry >= self.current
    }

    /// Writes `systemInstruction`: one text for each block, wherever it stands.
    pub(super) fn write_system(&self, request: &mut Object<'_>) {
        let mut texts = self
            .system
            .iter()
            .filter(|text| !text.is_empty())
            .peekable();
        if texts.peek().is_none() {
            return;
        }
        let mut system = request.object("systemInstruction");
        let mut parts = system.array("parts");
        for text in texts.filter_map(Text::raw) {
            let mut part = parts.object();
            part.raw("text", text.json());
            part.end();
        }
        parts.end();
        system.end();
    }

    /// Writes the list of contents.
    ///
    /// # Errors
    /// There is none, or the model would speak first.
    pub(super) fn write(
        &self,
        out: &mut BytesMut,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let mut contents = Contents::begin(out);
        let mut turn = None;
        for (index, entry) in self.entries.iter().enumerate() {
            match entry {
                Entry::User(said) => {
                    self.end_turn(&mut turn, &mut contents, cx);
                    for said in said {
                        said.write(&mut contents);
                    }
                }
                // Written with the turn that they answer.
                Entry::Result(_) => self.end_turn(&mut turn, &mut contents, cx),
                Entry::Assistant(said) => {
                    turn = Some(said.turn);
                    self.write_assistant(said, self.is_current(index), &mut contents, cx);
                }
            }
        }
        self.end_turn(&mut turn, &mut contents, cx);
        match contents.end() {
            Some(Section::User) => Ok(()),
            None => Err(Refusal::invalid(
                "messages",
                "messages: they hold nothing that can be sent",
            )),
            Some(Section::Model | Section::Results) => {
                let what = "a message of the assistant before one of the user";
                let refusal = crate::convert::messages_in::unsupported;
                Err(refusal("messages[0]", cx.provider, what))
            }
        }
    }

    /// Writes the results of the model's turn that is at its end.
    fn end_turn(
        &self,
        turn: &mut Option<usize>,
        contents: &mut Contents<'_>,
        cx: &mut RequestContext<'_>,
    ) {
        if let Some(turn) = turn.take() {
            self.write_results(turn, contents, cx);
        }
    }
}

/// Reports the members of a block that Google has no place for.
pub(super) fn report_lost(block: &Block<'_>, path: &str, cx: &mut RequestContext<'_>) {
    for (is_lost, member) in [
        (block.cache_control.is_some(), "cache_control"),
        (block.citations.is_some_and(cites), "citations"),
    ] {
        if is_lost {
            cx.report.drop_field(format!("{path}.{member}"));
        }
    }
    report_extras(block, path, cx.report);
}
