//! The parts of an answer as they came, for clients that send them back: the steps of Google's own tools must return unchanged.

use bytes::{BufMut, BytesMut};

use crate::convert::compact::compact;
use crate::format::gemini::Part;
use crate::format::walk;

/// The parts so far, as the elements of a JSON array.
#[derive(Debug, Default)]
pub(super) struct Parts {
    json: BytesMut,
    /// There is a part that must come back.
    needed: bool,
    /// The last part is nothing but text, thought or not: more of its kind joins it.
    open: Option<bool>,
    /// They were more than is held.
    lost: bool,
}

impl Parts {
    /// Takes the next part. In a stream texts come in pieces, which are joined (`join`).
    pub(super) fn push(&mut self, text: &str, part: &Part<'_>, join: bool, limit: usize) {
        if self.lost {
            return;
        }
        self.needed |= part.is_code() || part.is_server_step();
        let alone = || walk::members(text).count() == 1 + usize::from(part.is_thought());
        let plain = part.text.get().filter(|_| alone());
        // Streams end with a text that is empty and has nothing else to it. In a request it would be an error.
        if plain.is_some_and(|text| text.content().is_empty()) {
            return;
        }
        let plain = plain.filter(|_| join);
        match (plain, self.open) {
            (Some(more), Some(thought)) if thought == part.is_thought() => {
                // Behind the text, before the quote and the bracket that end it.
                let end = self.json.len().saturating_sub(2);
                self.json.truncate(end);
                self.json.extend_from_slice(more.content().as_bytes());
                self.json.extend_from_slice(b"\"}");
            }
            (Some(first), _) => {
                self.separate();
                let head = if part.is_thought() {
                    "{\"thought\":true,\"text\":"
                } else {
                    "{\"text\":"
                };
                self.json.extend_from_slice(head.as_bytes());
                self.json.extend_from_slice(first.json().as_bytes());
                self.json.put_u8(b'}');
                self.open = Some(part.is_thought());
            }
            (None, _) => {
                self.separate();
                compact(&mut self.json, text);
                self.open = None;
            }
        }
        if self.json.len() > limit {
            *self = Self {
                lost: true,
                ..Self::default()
            };
        }
    }

    fn separate(&mut self) {
        if !self.json.is_empty() {
            self.json.put_u8(b',');
        }
    }

    /// Writes them as a JSON array, where the next request needs them; tells whether it did.
    pub(super) fn needed(&self) -> Option<&[u8]> {
        self.needed.then_some(&*self.json)
    }
}
