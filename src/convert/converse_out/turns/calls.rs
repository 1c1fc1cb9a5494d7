//! Calls of the client's tools, and their results.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use super::{Kind, Role, Turns, Unpaired};
use crate::codec::write;
use crate::convert::converse_out::ids;
use crate::format::raw::RawStr;

/// The longest id of a call that Converse takes.
const LONGEST_ID: usize = 64;

/// A call that must be answered in the next turn of the user.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) key: Cow<'a, str>,
    /// The id as it was sent.
    sent: Cow<'a, str>,
    name: Cow<'a, str>,
    pub(super) at: usize,
    pub(super) is_answered: bool,
}

/// A result under way.
#[derive(Debug, Default)]
pub(super) struct Answer {
    has_content: bool,
    is_repeated: bool,
    /// Where results become texts: what of it is no text.
    rest: Vec<(Kind, BytesMut)>,
}

impl<'a> Turns<'_, 'a> {
    /// Begins a call: the caller writes its input, one JSON object, then calls [`Turns::end_call`]. `key` is what its result
    /// names it by, `name` the client's name of the tool, `at` its place in the client's list.
    pub(in crate::convert) fn begin_call(
        &mut self,
        key: impl Into<Cow<'a, str>>,
        name: impl Into<Cow<'a, str>>,
        at: usize,
    ) -> Result<(), Unpaired> {
        let (key, name) = (key.into(), name.into());
        self.begin(Role::Assistant)?;
        if !self.called.contains(&name) {
            self.called.insert(name.clone());
            self.facts.called.push(name.clone().into_owned());
        }
        let sent = self.ids.unique(sent_id(key.clone()), LONGEST_ID);
        if !self.calls_as_text {
            self.facts.has_calls = true;
            self.facts.has_changed_ids |= sent != key;
            let buf = &mut self.out.buf;
            buf.extend_from_slice(b"{\"toolUse\":{\"toolUseId\":");
            write::string(buf, &sent);
            buf.extend_from_slice(b",\"name\":");
            write::string(buf, &ids::name(&name));
            buf.extend_from_slice(b",\"input\":");
        }
        let index = self.calls.len();
        self.waiting
            .entry(key.clone())
            .or_default()
            .push_back(index);
        self.calls.push(Call {
            key,
            sent,
            name,
            at,
            is_answered: false,
        });
        Ok(())
    }

    /// Ends the call that was begun.
    pub(in crate::convert) fn end_call(&mut self) {
        if !self.calls_as_text {
            self.out.buf.extend_from_slice(b"}}");
            self.end(Kind::Call);
            return;
        }
        self.facts.has_written_calls = true;
        let input = self.out.buf.split_off(self.start);
        let input = String::from_utf8_lossy(&input);
        let name = self.calls.last().map_or("", |call| &*call.name);
        let text = format!("[called {name} with {input}]");
        self.write_text(&text);
    }

    /// Begins the result of the call `key`: then come [`Turns::result_text`] and [`Turns::result_block`], and
    /// [`Turns::end_result`].
    pub(in crate::convert) fn begin_result(&mut self, key: &str) -> Result<(), Unpaired> {
        let index = self.next_call(key).ok_or(Unpaired::Orphan)?;
        self.begin(Role::User)?;
        let call = self.calls.get_mut(index).ok_or(Unpaired::Orphan)?;
        self.answer = Answer {
            is_repeated: call.is_answered,
            ..Answer::default()
        };
        call.is_answered = true;
        let buf = &mut self.out.buf;
        if self.calls_as_text {
            buf.extend_from_slice(b"{\"text\":\"[result of ");
            write::string_content(buf, &call.name);
            buf.extend_from_slice(b": ");
        } else {
            buf.extend_from_slice(b"{\"toolResult\":{\"toolUseId\":");
            write::string(buf, &call.sent);
            buf.extend_from_slice(b",\"content\":[");
        }
        Ok(())
    }

    /// The call that the next result with this id answers: the first without one, else the last.
    fn next_call(&mut self, key: &str) -> Option<usize> {
        let waiting = self.waiting.get_mut(key)?;
        let first = waiting.front().and_then(|index| self.calls.get(*index));
        if waiting.len() > 1 && first.is_some_and(|call| call.is_answered) {
            waiting.pop_front();
        }
        waiting.front().copied()
    }

    /// Adds a text to the result under way, unless it is blank.
    pub(in crate::convert) fn result_text(&mut self, text: RawStr<'_>) {
        if text.is_blank() {
            return;
        }
        if !self.calls_as_text {
            let buf = self.result_block(Kind::Text);
            buf.extend_from_slice(b"{\"text\":");
            buf.extend_from_slice(text.json().as_bytes());
            buf.put_u8(b'}');
            return;
        }
        if self.answer.has_content {
            self.out.buf.extend_from_slice(b"\\n");
        }
        self.answer.has_content = true;
        self.out.buf.extend_from_slice(text.content().as_bytes());
    }

    /// Begins an element of the result under way; the caller writes one JSON object.
    pub(in crate::convert) fn result_block(&mut self, kind: Kind) -> &mut BytesMut {
        let answer = &mut self.answer;
        if self.calls_as_text {
            answer.rest.push((kind, BytesMut::new()));
            return answer
                .rest
                .last_mut()
                .map_or(&mut self.out.buf, |(_, buf)| buf);
        }
        if answer.has_content {
            self.out.buf.put_u8(b',');
        }
        answer.has_content = true;
        &mut self.out.buf
    }

    /// Ends the result under way. `is_error` is what the client's format says of it, where it says anything.
    pub(in crate::convert) fn end_result(
        &mut self,
        is_error: Option<bool>,
    ) -> Result<(), Unpaired> {
        let answer = std::mem::take(&mut self.answer);
        if answer.is_repeated {
            // The first one holds.
            self.facts.has_repeated_results = true;
            self.out.buf.truncate(self.start.saturating_sub(1));
            return Ok(());
        }
        let buf = &mut self.out.buf;
        if self.calls_as_text {
            self.facts.has_written_calls = true;
            if !answer.has_content && answer.rest.is_empty() {
                buf.extend_from_slice(b"(empty)");
            }
            buf.extend_from_slice(b"]\"}");
            self.end(Kind::Text);
            for (kind, json) in answer.rest {
                self.begin(Role::User)?;
                self.out.buf.extend_from_slice(&json);
                self.end(kind);
            }
            return Ok(());
        }
        if !answer.has_content {
            buf.extend_from_slice(b"{\"text\":\"(empty)\"}");
        }
        buf.extend_from_slice(match is_error {
            None => b"]}}",
            Some(true) => b"],\"status\":\"error\"}}",
            Some(false) => b"],\"status\":\"success\"}}",
        });
        self.end(Kind::Result);
        Ok(())
    }
}

fn sent_id(key: Cow<'_, str>) -> Cow<'_, str> {
    match key {
        Cow::Borrowed(key) => ids::id(key),
        Cow::Owned(key) => Cow::Owned(ids::id(&key).into_owned()),
    }
}
