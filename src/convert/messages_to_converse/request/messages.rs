//! The conversation: Anthropic's messages as the turns of a Converse request.

use serde_json::value::RawValue;

use super::content;
use crate::convert::anthropic_out::cache::{Ttl, requested};
use crate::convert::context::RequestContext;
use crate::convert::converse_out::Out;
use crate::convert::converse_out::documents::Names;
use crate::convert::converse_out::reasoning::{Reasoning, from_redacted, from_thinking};
use crate::convert::converse_out::turns::{Facts, Kind, Role, Turns, Unpaired};
use crate::convert::messages_in::{
    At, Content, SERVER_BLOCKS, Speaker, cites, kind_of, messages, misplaced, missing, open,
    report_extras, text_of, unsupported,
};
use crate::convert::path::wrong_type;
use crate::convert::report::Refusal;
use crate::format::messages::request::{Block, Message, Request};
use crate::format::raw::RawStr;
use crate::format::walk;
use crate::models::Replay;
use crate::target::UnsupportedTools;

const BLOCK: &str = "messages[].content[]";
const INNER: &str = "messages[].content[].content[]";

/// Writes `messages`. With `calls_as_text`, calls and their results are written as texts.
pub(super) fn write<'a>(
    request: &Request<'a>,
    out: &mut Out,
    calls_as_text: bool,
    cx: &mut RequestContext<'_>,
) -> Result<Facts, Refusal> {
    let messages = messages(request)?;
    let automatic = automatic_mark(request, out, cx);
    let strips = cx.options.strip_foreign_reasoning == Some(true);
    let mut writer = Writer {
        anthropic: out.rules.anthropic,
        turns: Turns::begin_list(out, calls_as_text),
        names: Names::default(),
        replay_from: if strips { last_words(messages) } else { 0 },
        replay: cx.capabilities.bedrock.replay,
        cx,
    };
    for (index, message) in messages.iter().enumerate() {
        writer.message(message, At::message(index))?;
    }
    writer.finish(automatic, messages)
}

/// Anthropic's automatic cache mark, which moves along with the conversation.
fn automatic_mark(request: &Request<'_>, out: &Out, cx: &mut RequestContext<'_>) -> Option<Ttl> {
    let ttl = requested(request.cache_control, None, "", cx.report)?;
    if out.rules.cache_content {
        cx.report.approximate("cache_control");
        return Some(ttl);
    }
    cx.report.drop_field("cache_control");
    None
}

/// The place of the last message in which the user says something; reasoning before it is not needed any more.
fn last_words(messages: &[Message<'_>]) -> usize {
    let speaks = |content: &RawValue| {
        RawStr::new(content).is_some()
            || walk::elements(content.get()).any(|block| {
                walk::member(block, "type")
                    .and_then(RawStr::from_json)
                    .is_some_and(|kind| kind.is("text"))
            })
    };
    messages
        .iter()
        .rposition(|message| {
            message.role.is_some_and(|role| role.is("user")) && message.content.is_some_and(speaks)
        })
        .unwrap_or(0)
}

pub(super) struct Writer<'o, 'a, 'r, 'c> {
    turns: Turns<'o, 'a>,
    pub(super) names: Names,
    /// Whether the model takes Anthropic's members.
    pub(super) anthropic: bool,
    /// The first message whose reasoning is sent back.
    replay_from: usize,
    replay: Replay,
    pub(super) cx: &'r mut RequestContext<'c>,
}

impl<'a> Writer<'_, 'a, '_, '_> {
    fn message(&mut self, message: &Message<'a>, at: At) -> Result<(), Refusal> {
        let (speaker, content) = open(message, at, self.cx.report)?;
        match speaker {
            Speaker::User => self.user(content, at),
            Speaker::Assistant => self.assistant(content, at),
            Speaker::System => self.mid_system(content, at),
        }
    }

    /// A system message between the others.
    fn mid_system(&mut self, content: Content<'a>, at: At) -> Result<(), Refusal> {
        let refused = |unpaired| refusal(unpaired, at);
        match content {
            Content::Text(text) => self.turns.system_text(text).map_err(refused),
            Content::Blocks(blocks) => {
                for (index, block) in blocks.iter().enumerate() {
                    self.report_lost(block, BLOCK);
                    let text = text_of(block, || at.block(index).path())?;
                    if let Some(text) = text {
                        self.turns.system_text(text).map_err(refused)?;
                    }
                    self.mark(block);
                }
                Ok(())
            }
        }
    }

    /// A message of the user.
    fn user(&mut self, content: Content<'a>, at: At) -> Result<(), Refusal> {
        self.turns.user_message();
        let blocks = match content {
            Content::Text(text) => return self.text(Role::User, text, at),
            Content::Blocks(blocks) => blocks,
        };
        for (index, block) in blocks.iter().enumerate() {
            let at = at.block(index);
            self.report_lost(block, BLOCK);
            match &*kind_of(block, at)? {
                "text" => self.text(Role::User, required_text(block, at)?, at)?,
                "tool_result" => {
                    self.result(block, at)?;
                    continue;
                }
                kind @ ("tool_use" | "thinking" | "redacted_thinking") => {
                    return Err(misplaced(at, kind, "user"));
                }
                kind if is_server_block(kind) => self.server_block(kind, Role::User, at)?,
                kind => {
                    let piece = content::read(kind, block, at, self)?;
                    self.turns
                        .begin(Role::User)
                        .map_err(|unpaired| refusal(unpaired, at))?;
                    piece.write(self.turns.buf());
                    self.turns.end(piece.kind());
                }
            }
            self.mark(block);
        }
        Ok(())
    }

    fn text(&mut self, role: Role, text: RawStr<'a>, at: At) -> Result<(), Refusal> {
        let written = self.turns.text(role, text);
        written.map(drop).map_err(|unpaired| refusal(unpaired, at))
    }

    /// The result of a call. Cache marks inside it go behind it.
    fn result(&mut self, block: &Block<'a>, at: At) -> Result<(), Refusal> {
        let Some(id) = block.tool_use_id else {
            return Err(missing(at.member("tool_use_id")));
        };
        let refused = |unpaired| refusal(unpaired, at);
        self.turns.begin_result(&id.decode()).map_err(refused)?;
        let mut mark = None;
        if let Some(content) = block.content {
            match Content::read(content.get(), || at.member("content"))? {
                Content::Text(text) => self.turns.result_text(text),
                Content::Blocks(blocks) => {
                    for (index, inner) in blocks.iter().enumerate() {
                        self.report_lost(inner, INNER);
                        self.inner(inner, at.inner(index))?;
                        mark = requested(inner.cache_control, None, INNER, self.cx.report).or(mark);
                    }
                }
            }
        }
        self.turns.end_result(block.is_error).map_err(refused)?;
        let own = requested(block.cache_control, None, BLOCK, self.cx.report);
        if let Some(ttl) = own.or(mark) {
            self.turns.mark(ttl, self.cx.report);
        }
        Ok(())
    }

    /// A block of a result.
    fn inner(&mut self, block: &Block<'a>, at: At) -> Result<(), Refusal> {
        match &*kind_of(block, at)? {
            "text" => self.turns.result_text(required_text(block, at)?),
            "tool_reference" => {
                let Some(name) = block.tool_name else {
                    return Err(missing(at.member("tool_name")));
                };
                self.cx.report.approximate(INNER);
                let text = format!("\"[tool: {}]\"", name.content());
                if let Some(text) = RawStr::from_json(&text) {
                    self.turns.result_text(text);
                }
            }
            kind @ "browser_state" => match block.text {
                Some(text) => {
                    self.cx.report.approximate(INNER);
                    self.turns.result_text(text);
                }
                None => return Err(content::unknown(kind, at, self.cx)),
            },
            kind => {
                let piece = content::read(kind, block, at, self)?;
                piece.write(self.turns.result_block(piece.kind()));
            }
        }
        Ok(())
    }

    /// A message of the assistant.
    fn assistant(&mut self, content: Content<'a>, at: At) -> Result<(), Refusal> {
        let blocks = match content {
            Content::Text(text) => return self.text(Role::Assistant, text, at),
            Content::Blocks(blocks) => blocks,
        };
        for (index, block) in blocks.iter().enumerate() {
            let at = at.block(index);
            self.report_lost(block, BLOCK);
            match &*kind_of(block, at)? {
                "text" => self.text(Role::Assistant, required_text(block, at)?, at)?,
                "thinking" => {
                    let found = from_thinking(block.thinking, block.signature, self.replay);
                    self.reasoning(found, "messages[].content[].thinking", at)?;
                }
                "redacted_thinking" => {
                    let found = from_redacted(block.data, self.replay);
                    self.reasoning(found, "messages[].content[].data", at)?;
                }
                "tool_use" => self.call(block, at)?,
                // What a server's compaction left of the conversation before it.
                "compaction" => {
                    self.cx.report.approximate(BLOCK);
                    if let Some(text) = block.content.and_then(RawStr::new) {
                        self.text(Role::Assistant, text, at)?;
                    }
                }
                "tool_result" => return Err(misplaced(at, "tool_result", "assistant")),
                kind if is_server_block(kind) => self.server_block(kind, Role::Assistant, at)?,
                kind => {
                    let what = format!("a block of type `{kind}` of the assistant's");
                    return Err(unsupported(at.path(), self.cx.provider, &what));
                }
            }
            self.mark(block);
        }
        Ok(())
    }

    /// Reasoning that goes back; without any, `path` is reported.
    fn reasoning(
        &mut self,
        found: impl IntoIterator<Item = Reasoning<'a>>,
        path: &'static str,
        at: At,
    ) -> Result<(), Refusal> {
        let mut any = false;
        if at.message >= self.replay_from {
            for reasoning in found {
                self.turns
                    .begin(Role::Assistant)
                    .map_err(|unpaired| refusal(unpaired, at))?;
                reasoning.write(self.turns.buf());
                self.turns.end(Kind::Reasoning);
                any = true;
            }
        }
        if !any {
            self.cx.report.drop_field(path);
        }
        Ok(())
    }

    /// A call of a client's tool.
    fn call(&mut self, block: &Block<'a>, at: At) -> Result<(), Refusal> {
        let Some(id) = block.id else {
            return Err(missing(at.member("id")));
        };
        let Some(name) = block.name else {
            return Err(missing(at.member("name")));
        };
        let input = block.input.map_or("{}", RawValue::get);
        if !walk::is_object(input) {
            return Err(wrong_type(at.member("input")));
        }
        self.turns
            .begin_call(id.decode(), name.decode(), at.message)
            .map_err(|unpaired| refusal(unpaired, at))?;
        self.turns.buf().extend_from_slice(input.as_bytes());
        self.turns.end_call();
        Ok(())
    }

    /// A block of a tool that Anthropic ran itself: refused, or replaced by a note.
    fn server_block(&mut self, kind: &str, role: Role, at: At) -> Result<(), Refusal> {
        let drops = self.cx.options.unsupported_tools == Some(UnsupportedTools::Drop);
        if !drops && !self.cx.lossy {
            let what = format!("a block of type `{kind}`");
            return Err(unsupported(at.path(), self.cx.provider, &what));
        }
        self.cx.report.drop_field(BLOCK);
        let Some(name) = kind.strip_suffix("_tool_result") else {
            return Ok(());
        };
        let note = format!("[server tool {name} result omitted]");
        let written = self.turns.plain_text(role, &note);
        written.map_err(|unpaired| refusal(unpaired, at))
    }

    pub(super) fn report_lost(&mut self, block: &Block<'_>, path: &str) {
        let is_text = block.kind.is_some_and(|kind| kind.is("text"));
        if is_text && block.citations.is_some_and(cites) {
            self.cx.report.drop_field(format!("{path}.citations"));
        }
        report_extras(block, path, self.cx.report);
    }

    /// The cache mark of a block goes behind it.
    fn mark(&mut self, block: &Block<'_>) {
        if let Some(ttl) = requested(block.cache_control, None, BLOCK, self.cx.report) {
            self.turns.mark(ttl, self.cx.report);
        }
    }

    fn finish(
        mut self,
        automatic: Option<Ttl>,
        messages: &[Message<'_>],
    ) -> Result<Facts, Refusal> {
        if let Some(ttl) = automatic {
            let by_assistant = |m: &Message<'_>| m.role.is_some_and(|role| role.is("assistant"));
            if messages.last().is_some_and(by_assistant) {
                self.cx.report.drop_field("cache_control");
            } else {
                self.turns.mark(ttl, self.cx.report);
            }
        }
        let last = At::message(messages.len().saturating_sub(1));
        let facts = self
            .turns
            .finish()
            .map_err(|unpaired| refusal(unpaired, last))?;
        if facts.is_empty {
            let message = "messages: they hold nothing that can be sent";
            return Err(Refusal::invalid("messages", message));
        }
        let report = &mut *self.cx.report;
        for (happened, path) in [
            (facts.is_continued, "messages"),
            (facts.has_folded_system, "messages[].role"),
            (facts.is_trimmed, "messages[].content"),
            (facts.has_changed_ids, "messages[].content[].id"),
        ] {
            if happened {
                report.approximate(path);
            }
        }
        if facts.has_repeated_results {
            report.drop_field(BLOCK);
        }
        Ok(facts)
    }
}

fn is_server_block(kind: &str) -> bool {
    SERVER_BLOCKS.contains(&kind) || (kind != "tool_result" && kind.ends_with("_tool_result"))
}

fn required_text<'a>(block: &Block<'a>, at: At) -> Result<RawStr<'a>, Refusal> {
    block.text.ok_or_else(|| missing(at.member("text")))
}

/// The refusal of calls and results that do not belong together.
fn refusal(unpaired: Unpaired, at: At) -> Refusal {
    match unpaired {
        Unpaired::Orphan => {
            let path = at.member("tool_use_id");
            let message = format!("{path}: no call in the message before has this id");
            Refusal::invalid(path, message)
        }
        Unpaired::Unanswered { key, at } => {
            let path = format!("messages[{at}]");
            let message = format!("{path}: the call `{key}` has no result in the next message");
            Refusal::invalid(path, message)
        }
    }
}
