//! The messages, one after the other.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::parts::Place;
use crate::convert::chat_request::content::{self, Piece};
use crate::convert::chat_request::roles::Role;
use crate::convert::chat_request::{pairing, path};
use crate::convert::context::RequestContext;
use crate::convert::converse_out::Out;
use crate::convert::converse_out::documents::Names;
use crate::convert::converse_out::turns::{self, Facts, Turns, Unpaired};
use crate::convert::report::Refusal;
use crate::format::chat::request::Message;
use crate::format::raw::RawStr;
use crate::format::walk;
use crate::models::Replay;

/// Writes the conversation.
#[derive(Debug)]
pub(super) struct Writer<'w, 'a, 'c> {
    pub(super) turns: Turns<'w, 'a>,
    pub(super) cx: &'w mut RequestContext<'c>,
    pub(super) messages: &'w [Message<'a>],
    roles: &'w [Role],
    /// The names of the documents.
    pub(super) names: Names,
    /// What the model takes back of its reasoning.
    pub(super) replay: Replay,
    /// Reasoning before this message is not sent back.
    pub(super) reasons_from: usize,
    /// Calls by the deprecated `function_call` that may be answered now.
    pub(super) legacy: Vec<LegacyCall<'a>>,
    /// How many such calls there were.
    pub(super) legacy_calls: usize,
}

/// A call that is answered by its function's name.
#[derive(Debug)]
pub(super) struct LegacyCall<'a> {
    pub(super) name: Cow<'a, str>,
    /// The id that it was given.
    pub(super) key: String,
    pub(super) is_answered: bool,
}

impl<'w, 'a, 'c> Writer<'w, 'a, 'c> {
    pub(super) fn new(
        out: &'w mut Out,
        cx: &'w mut RequestContext<'c>,
        messages: &'w [Message<'a>],
        roles: &'w [Role],
        calls_as_text: bool,
    ) -> Self {
        let strips = cx.options.strip_foreign_reasoning == Some(true);
        let last_words = roles.iter().rposition(|role| *role == Role::User);
        Self {
            turns: Turns::begin_list(out, calls_as_text),
            replay: cx.capabilities.bedrock.replay,
            cx,
            messages,
            roles,
            names: Names::default(),
            reasons_from: last_words.filter(|_| strips).unwrap_or(0),
            legacy: Vec::new(),
            legacy_calls: 0,
        }
    }

    /// Writes all messages from `start` on.
    pub(super) fn write(mut self, start: usize) -> Result<Facts, Refusal> {
        for (index, role) in self.roles.iter().enumerate().skip(start) {
            match role {
                Role::System => self.system(index)?,
                Role::User => self.user(index)?,
                Role::Assistant => self.assistant(index)?,
                Role::Tool => self.tool(index)?,
                Role::Function => self.function(index)?,
            }
        }
        self.finish()
    }

    /// Writes the first `count` messages, which are system messages, as one of the user.
    pub(super) fn write_system_as_user(mut self, count: usize) -> Result<Facts, Refusal> {
        for (index, message) in self.messages.iter().enumerate().take(count) {
            for piece in pieces(message, index, self.cx)? {
                match piece {
                    Piece::Text(text) => {
                        self.turns
                            .text(turns::Role::User, text)
                            .map_err(|unpaired| self.refusal(index, unpaired))?;
                    }
                    Piece::Mark(ttl) => self.turns.mark(ttl, self.cx.report),
                }
            }
        }
        self.finish()
    }

    fn finish(self) -> Result<Facts, Refusal> {
        let legacy = self.legacy;
        self.turns
            .finish()
            .map_err(|unpaired| refusal(&legacy, 0, unpaired))
    }

    /// The refusal of calls and results that do not belong together, met at message `index`.
    pub(super) fn refusal(&self, index: usize, unpaired: Unpaired) -> Refusal {
        refusal(&self.legacy, index, unpaired)
    }

    fn system(&mut self, index: usize) -> Result<(), Refusal> {
        let Some(message) = self.messages.get(index) else {
            return Ok(());
        };
        for piece in pieces(message, index, self.cx)? {
            match piece {
                Piece::Text(text) => self
                    .turns
                    .system_text(text)
                    .map_err(|unpaired| self.refusal(index, unpaired))?,
                Piece::Mark(ttl) => self.turns.mark(ttl, self.cx.report),
            }
        }
        Ok(())
    }

    fn user(&mut self, index: usize) -> Result<(), Refusal> {
        let Some(message) = self.messages.get(index) else {
            return Ok(());
        };
        self.turns.user_message();
        self.content(message, index, &mut Place::User)?;
        self.mark_message(message);
        content::report_unused(message, self.cx.report);
        Ok(())
    }

    pub(super) fn role(&self, index: usize) -> Option<Role> {
        self.roles.get(index).copied()
    }

    /// Asks for the cache point that a message wants behind it.
    pub(super) fn mark_message(&mut self, message: &Message<'_>) {
        if let Some(ttl) = content::message_mark(message, self.cx.report) {
            self.turns.mark(ttl, self.cx.report);
        }
    }

    fn tool(&mut self, index: usize) -> Result<(), Refusal> {
        let Some(message) = self.messages.get(index) else {
            return Ok(());
        };
        let Some(id) = message.tool_call_id else {
            return Err(path::missing(path::message(index, "tool_call_id")));
        };
        if message.name.is_some() {
            self.cx.report.drop_field("messages[].name");
        }
        self.result(message, index, &id.decode())
    }

    /// The deprecated way to answer a `function_call`.
    fn function(&mut self, index: usize) -> Result<(), Refusal> {
        let Some(message) = self.messages.get(index) else {
            return Ok(());
        };
        let Some(name) = message.name.and_then(RawStr::new) else {
            return Err(path::missing(path::message(index, "name")));
        };
        let open = |call: &&mut LegacyCall<'_>| name.is(&call.name);
        let call = match self
            .legacy
            .iter()
            .position(|c| !c.is_answered && name.is(&c.name))
        {
            Some(at) => self.legacy.get_mut(at),
            None => self.legacy.iter_mut().rfind(open),
        };
        let Some(call) = call else {
            return Err(pairing::orphan(true, index));
        };
        call.is_answered = true;
        let key = call.key.clone();
        self.result(message, index, &key)
    }

    fn result(&mut self, message: &Message<'a>, index: usize, key: &str) -> Result<(), Refusal> {
        self.turns
            .begin_result(key)
            .map_err(|unpaired| self.refusal(index, unpaired))?;
        let mut place = Place::Result { mark: None };
        self.content(message, index, &mut place)?;
        self.turns
            .end_result(None)
            .map_err(|unpaired| self.refusal(index, unpaired))?;
        if let Place::Result { mark: Some(ttl) } = place {
            self.turns.mark(ttl, self.cx.report);
        }
        self.mark_message(message);
        content::report_unknown(message, self.cx.report);
        Ok(())
    }

    /// Writes what a message of the user's or a result holds.
    fn content(
        &mut self,
        message: &Message<'a>,
        index: usize,
        place: &mut Place,
    ) -> Result<(), Refusal> {
        let content = message.content.map(RawValue::get).unwrap_or_default();
        if let Some(text) = RawStr::from_json(content) {
            self.text(text, index, *place)
        } else if walk::is_array(content) {
            self.parts(content, index, place)
        } else if content.is_empty() {
            Ok(())
        } else {
            Err(path::wrong_type(path::message(index, "content")))
        }
    }
}

fn pieces<'a>(
    message: &Message<'a>,
    index: usize,
    cx: &mut RequestContext<'_>,
) -> Result<Vec<Piece<'a>>, Refusal> {
    let mut pieces = Vec::new();
    content::each_piece(message, index, cx.report, |piece, _| {
        pieces.push(piece);
        Ok(())
    })?;
    Ok(pieces)
}

fn refusal(legacy: &[LegacyCall<'_>], index: usize, unpaired: Unpaired) -> Refusal {
    match unpaired {
        Unpaired::Orphan => pairing::orphan(false, index),
        Unpaired::Unanswered { key, at } => {
            let legacy = legacy.iter().any(|call| call.key == key);
            pairing::unanswered(legacy, &key, at)
        }
    }
}
