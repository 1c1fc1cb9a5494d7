//! User messages: the results of the calls before them, then what the user says.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

use bytes::BufMut;
use serde_json::value::RawValue;

use super::messages::{Role, Speaker, Writer};
use super::parts::Slot;
use super::{path, system};
use crate::codec::write;
use crate::convert::anthropic_out::cache::Section;
use crate::convert::chat_request::pairing;
use crate::convert::report::Refusal;
use crate::format::raw::RawStr;
use crate::format::walk;

/// A call that must be answered in the next user message.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// A `function_call`, answered by its function's name.
    pub(super) legacy: bool,
    /// The id at the client, or the function's name.
    pub(super) key: Cow<'a, str>,
    /// The id as it was sent.
    pub(super) sent: Cow<'a, str>,
    /// The message that made it.
    pub(super) message: usize,
}

/// An answer to a call.
#[derive(Debug)]
struct Answer<'a> {
    legacy: bool,
    key: Cow<'a, str>,
    message: usize,
}

impl<'a> Writer<'_, 'a, '_> {
    /// Writes the results among these messages, in the order of the calls that they answer.
    pub(super) fn results(&mut self, range: Range<usize>) -> Result<(), Refusal> {
        let mut answers = Vec::new();
        for index in range {
            let (Some(role), Some(message)) = (self.roles.get(index), self.messages.get(index))
            else {
                break;
            };
            let (legacy, key) = match role {
                Role::Tool => {
                    let Some(id) = message.tool_call_id else {
                        return Err(path::missing(path::message(index, "tool_call_id")));
                    };
                    (false, id.decode())
                }
                Role::Function => {
                    let name = message.name.and_then(RawStr::new);
                    let Some(name) = name else {
                        return Err(path::missing(path::message(index, "name")));
                    };
                    (true, name.decode())
                }
                Role::System | Role::User | Role::Assistant => continue,
            };
            answers.push(Answer {
                legacy,
                key,
                message: index,
            });
        }
        let calls = std::mem::take(&mut self.calls);
        if calls.is_empty() && answers.is_empty() {
            return Ok(());
        }
        let in_order = calls.len() == answers.len()
            && calls
                .iter()
                .zip(&answers)
                .all(|(call, answer)| compare(call, answer) == Ordering::Equal);
        if in_order {
            for (call, answer) in calls.iter().zip(&answers) {
                self.result(&call.sent, answer.message)?;
            }
        } else {
            for (call, message) in calls.iter().zip(self.pair(&calls, answers)?) {
                self.result(&call.sent, message)?;
            }
        }
        self.note_answers();
        Ok(())
    }

    /// The message that answers each call. Calls with the same id are answered one after another; the last of several
    /// answers to one call counts.
    fn pair(
        &mut self,
        calls: &[Call<'a>],
        mut answers: Vec<Answer<'a>>,
    ) -> Result<Vec<usize>, Refusal> {
        let mut order: Vec<(usize, &Call<'a>)> = calls.iter().enumerate().collect();
        order.sort_by(|(_, a), (_, b)| (a.legacy, &a.key).cmp(&(b.legacy, &b.key)));
        answers.sort_by(|a, b| (a.legacy, &a.key).cmp(&(b.legacy, &b.key)));
        let mut found = vec![0; calls.len()];
        let mut calls_left = order.as_slice();
        let mut answers_left = answers.as_slice();
        while let Some((_, call)) = calls_left.first() {
            if let Some(answer) = answers_left.first()
                && compare(call, answer) == Ordering::Greater
            {
                return Err(pairing::orphan(answer.legacy, answer.message));
            }
            let same = |other: &&(usize, &Call<'a>)| {
                other.1.legacy == call.legacy && other.1.key == call.key
            };
            let asked = calls_left.iter().take_while(same).count();
            let given = answers_left
                .iter()
                .take_while(|answer| compare(call, answer) == Ordering::Equal)
                .count();
            if given < asked {
                return Err(pairing::unanswered(call.legacy, &call.key, call.message));
            }
            if given > asked {
                self.cx.report.approximate("messages[].tool_call_id");
            }
            let (group, rest) = calls_left.split_at(asked);
            let (matching, others) = answers_left.split_at(given);
            for (number, (position, _)) in group.iter().enumerate() {
                let answer = if number + 1 == asked {
                    matching.last()
                } else {
                    matching.get(number)
                };
                if let (Some(slot), Some(answer)) = (found.get_mut(*position), answer) {
                    *slot = answer.message;
                }
            }
            calls_left = rest;
            answers_left = others;
        }
        match answers_left.first() {
            Some(answer) => Err(pairing::orphan(answer.legacy, answer.message)),
            None => Ok(found),
        }
    }

    fn result(&mut self, id: &str, index: usize) -> Result<(), Refusal> {
        let Some(message) = self.messages.get(index) else {
            return Ok(());
        };
        self.begin(Speaker::User)?;
        self.out
            .buf
            .extend_from_slice(b"{\"type\":\"tool_result\",\"tool_use_id\":");
        write::string(&mut self.out.buf, id);
        let mut mark = None;
        let content = message.content.map(RawValue::get).unwrap_or_default();
        if let Some(text) = RawStr::from_json(content) {
            if !text.is_blank() {
                self.out.buf.extend_from_slice(b",\"content\":");
                self.out.buf.extend_from_slice(content.as_bytes());
            }
        } else if walk::is_array(content) {
            let mut slot = Slot::Result {
                any: false,
                mark: None,
            };
            self.parts(content, index, &mut slot)?;
            if let Slot::Result { any, mark: inner } = slot {
                mark = inner;
                if any {
                    self.out.buf.put_u8(b']');
                }
            }
        } else if !content.is_empty() {
            return Err(path::wrong_type(path::message(index, "content")));
        }
        self.out.end_block();
        let mark = system::message_mark(message, self.cx.report).or(mark);
        if let Some(ttl) = mark {
            system::mark(self.out, Section::Messages, ttl, self.cx.report);
        }
        let role = self.roles.get(index);
        if message.name.is_some() && role == Some(&Role::Tool) {
            self.cx.report.drop_field("messages[].name");
        }
        system::report_unknown(message, self.cx.report);
        Ok(())
    }

    /// Writes what the user says.
    pub(super) fn user(&mut self, index: usize) -> Result<(), Refusal> {
        let Some(message) = self.messages.get(index) else {
            return Ok(());
        };
        self.out.new_message();
        let content = message.content.map(RawValue::get).unwrap_or_default();
        if let Some(text) = RawStr::from_json(content) {
            self.text(Speaker::User, text)?;
        } else if walk::is_array(content) {
            self.parts(content, index, &mut Slot::User)?;
        } else if !content.is_empty() {
            return Err(path::wrong_type(path::message(index, "content")));
        }
        if let Some(ttl) = system::message_mark(message, self.cx.report) {
            system::mark(self.out, Section::Messages, ttl, self.cx.report);
        }
        system::report_unused(message, self.cx.report);
        Ok(())
    }

    /// Refuses a conversation that ends with calls.
    pub(super) fn refuse_open_calls(&self) -> Result<(), Refusal> {
        self.calls.first().map_or(Ok(()), |call| {
            Err(pairing::unanswered(call.legacy, &call.key, call.message))
        })
    }
}

fn compare(call: &Call<'_>, answer: &Answer<'_>) -> Ordering {
    (call.legacy, &call.key).cmp(&(answer.legacy, &answer.key))
}
