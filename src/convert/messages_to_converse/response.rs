//! Whole answers: Converse answer → message.

use bytes::BytesMut;

use super::citations;
use super::state::{self, State};
use crate::convert::context::{AnswerContext, ConvertedAnswer};
use crate::convert::converse_envelope::Redacted;
use crate::convert::converse_in::{Closing, Head, Opening, Sink, Whole};
use crate::convert::messages_out::blocks::{self, Citations, Content};
use crate::convert::messages_out::write_plain_message;
use crate::endpoint::Format;
use crate::format::converse::Citation;
use crate::format::error::ClientError;

/// Converts a whole answer.
///
/// # Errors
/// It is no Converse answer, or says that the model's output cannot be understood.
pub(crate) fn convert(
    body: &[u8],
    state: &State,
    cx: AnswerContext,
) -> Result<ConvertedAnswer, ClientError> {
    let whole = Whole::read(body, cx, Format::Messages)?;
    let mut message = Message {
        state,
        content: Content::default(),
        open: Open::Nothing,
        text: String::new(),
        citations: Citations::default(),
    };
    whole.tell(&mut message);
    let usage = state::usage(&whole.ending);
    let mut out = BytesMut::with_capacity(body.len() + 512);
    write_plain_message(
        &mut out,
        &state.head(&whole.head, cx.now),
        message.content.json(),
        &state::stop(&whole.ending),
        &usage,
        whole.ending.service_tier.map(|tier| tier.messages()),
    );
    Ok(ConvertedAnswer {
        body: out.freeze(),
        usage,
    })
}

/// The message as far as it was told.
struct Message<'s> {
    state: &'s State,
    content: Content,
    open: Open,
    /// The open block's text, the inside of a JSON string; a call's input, JSON text.
    text: String,
    citations: Citations,
}

enum Open {
    Nothing,
    Text,
    Reasoning,
    Call { id: String, name: String },
}

impl Sink for Message<'_> {
    fn start(&mut self, _head: &Head) {}

    fn open(&mut self, block: Opening<'_>) {
        self.text.clear();
        self.citations = Citations::default();
        self.open = match block {
            Opening::Text => Open::Text,
            Opening::Reasoning => Open::Reasoning,
            Opening::Call { id, name } => Open::Call {
                id: id.to_owned(),
                name: self.state.tools.original(name).to_owned(),
            },
        };
    }

    fn delta(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn input(&mut self, json: &str) {
        self.text.push_str(json);
    }

    fn citation(&mut self, citation: &Citation<'_>) {
        let mut json = BytesMut::new();
        if citations::write(citation, &mut json) {
            self.citations.next().extend_from_slice(&json);
        }
    }

    fn close(&mut self, closing: Closing<'_>) {
        match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Nothing => {}
            Open::Text => blocks::text(self.content.next(), &self.text, Some(&self.citations)),
            Open::Reasoning => {
                let signature = state::signature(closing);
                blocks::thinking_content(self.content.next(), &self.text, &signature);
            }
            Open::Call { id, name } => {
                let mut input = BytesMut::new();
                blocks::tool_input(&mut input, &self.text);
                let input = std::str::from_utf8(&input).unwrap_or("{}");
                blocks::tool_use(self.content.next(), &id, &name, input);
            }
        }
    }

    fn redacted(&mut self, redacted: &Redacted) {
        blocks::redacted_thinking(self.content.next(), &redacted.data());
    }
}
