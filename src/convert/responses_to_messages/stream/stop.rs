//! Blocks stop: what they held back goes to the client.

use bytes::BytesMut;

use super::block::{Cited, OpenBlock};
use super::server::Pending;
use super::{MessagesToResponses, custom, escaped, server};
use crate::codec::write::Object;
use crate::convert::anthropic_envelope;
use crate::convert::responses_out::{Index, ItemStatus, url_citation};

impl MessagesToResponses {
    pub(in crate::convert::responses_to_messages) fn block_stop(
        &mut self,
        index: u64,
        out: &mut BytesMut,
    ) {
        let Some(block) = self.open.remove(index) else {
            return;
        };
        self.held = self.held.saturating_sub(block.held());
        match block {
            OpenBlock::Text { start, cited } => self.annotate(start, &cited, out),
            OpenBlock::Thinking {
                item,
                text,
                signature,
            } => {
                if !signature.is_empty() {
                    let envelope = anthropic_envelope::thinking(&text, &signature);
                    self.writer.set_encrypted_content(item, envelope);
                }
                self.stop(item, ItemStatus::Completed, out);
            }
            OpenBlock::Redacted { item, data } => {
                if !data.is_empty() {
                    let envelope = anthropic_envelope::redacted_thinking(&data);
                    self.writer.set_encrypted_content(item, envelope);
                }
                self.stop(item, ItemStatus::Completed, out);
            }
            OpenBlock::Function {
                item,
                input,
                streamed,
            } => {
                if !streamed {
                    self.writer.arguments(item, &escaped(&input), out);
                }
                self.stop(item, ItemStatus::Completed, out);
            }
            OpenBlock::Custom { item, input, .. } => {
                let unwrapped = custom::unwrap(&input);
                self.writer.input(item, &unwrapped.input, out);
                let status = if unwrapped.whole {
                    ItemStatus::Completed
                } else {
                    ItemStatus::Incomplete
                };
                self.stop(item, status, out);
            }
            OpenBlock::Server {
                json,
                input,
                search,
                id,
            } => {
                let json = server::with_input(&json, &input);
                let waiting = search.map(|(item, opens_page)| {
                    let what = server::what(&json, opens_page);
                    self.writer.searching(item, out);
                    self.pending.push(Pending {
                        id: id.clone(),
                        item,
                        opens_page,
                        what,
                    });
                    id
                });
                self.carry(waiting, json);
            }
            OpenBlock::Hidden => {}
        }
    }

    /// Notes that an item is complete; it ends when it is known not to be the last one.
    pub(super) fn stop(&mut self, item: Index, status: ItemStatus, out: &mut BytesMut) {
        self.settle(out);
        self.stopped = Some((item, status));
    }

    /// Sends the citations of a text that begins at `start` and ends here.
    pub(super) fn annotate(&mut self, start: u64, cited: &[Cited], out: &mut BytesMut) {
        let Some(message) = self.message else { return };
        for cited in cited {
            let json = match cited {
                Cited::Page { url, title } => url_citation(url, title, start, self.text_length),
                Cited::File { id, name } => {
                    let mut json = BytesMut::new();
                    let mut object = Object::begin(&mut json);
                    object
                        .string("type", "file_citation")
                        .raw("file_id", id)
                        .raw("filename", name)
                        .uint("index", self.text_length);
                    object.end();
                    String::from_utf8_lossy(&json).into_owned()
                }
            };
            self.writer.annotation(message, &json, out);
        }
    }
}
