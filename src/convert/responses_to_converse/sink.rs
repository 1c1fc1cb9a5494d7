//! The blocks of a Converse answer as output items of a response.

use bytes::BytesMut;
use serde::de::IgnoredAny;

use super::state::State;
use crate::convert::anthropic_envelope;
use crate::convert::chat_out::escaped;
use crate::convert::context::AnswerContext;
use crate::convert::converse_envelope::Redacted;
use crate::convert::converse_in::{Closing, Ending, Head, Opening, Sink, shown};
use crate::convert::responses_out::{Call, End, Index, ItemStatus, ResponseWriter, url_citation};
use crate::convert::scalars::scalars_inside;
use crate::convert::wrapped_input;
use crate::format::converse::Citation;
use crate::format::raw::RawStr;
use crate::usage::Usage;

/// Makes the response.
#[derive(Debug)]
pub(super) struct Items {
    pub(super) response: ResponseWriter,
    state: State,
    /// The message that takes the next text: neighbouring texts are parts of one.
    message: Option<Index>,
    open: Option<Open>,
    /// Bytes that wait for the open block's end.
    held: usize,
}

/// The block that grows.
#[derive(Debug)]
enum Open {
    Text {
        index: Index,
        cited: Vec<Cited>,
    },
    Reasoning(Index),
    Function(Index),
    Custom {
        index: Index,
        /// The JSON object that the input was wrapped in: the inside of a JSON string.
        arguments: String,
    },
}

/// A page that a text cites: JSON strings.
#[derive(Debug)]
struct Cited {
    url: String,
    title: String,
}

/// [`Items`] with the place where the events go.
pub(super) struct Sending<'s> {
    items: &'s mut Items,
    out: &'s mut BytesMut,
}

impl Items {
    /// For a stream.
    pub(super) fn new(state: State, cx: AnswerContext) -> Self {
        Self {
            response: ResponseWriter::new(state.echo.clone(), cx.now).without_custom_status(),
            state,
            message: None,
            open: None,
            held: 0,
        }
    }

    /// For a whole answer.
    pub(super) fn without_events(mut self) -> Self {
        self.response = self.response.without_events();
        self
    }

    /// The bytes that are held: the response repeats its items at its end.
    pub(super) fn held(&self) -> usize {
        self.held.saturating_add(self.response.held())
    }

    pub(super) fn sending<'s>(&'s mut self, out: &'s mut BytesMut) -> Sending<'s> {
        Sending { items: self, out }
    }

    pub(super) fn set_head(&mut self, head: &Head) {
        let model = RawStr::from_json(&self.state.model);
        self.response.set_head(Some(&head.base), model, None);
    }

    /// What the end says of the whole response, and the counts that it shows.
    pub(super) fn conclude(&mut self, ending: &Ending) -> (End, Usage) {
        let tier = ending.service_tier.map(|tier| tier.openai());
        self.response.set_service_tier(tier);
        let end = match ending.reason.responses() {
            None => End::Completed,
            Some(reason) => End::Incomplete(reason),
        };
        (end, shown(&ending.usage.unwrap_or_default()))
    }

    fn call(&self, id: &str, sent: &str) -> (Call, bool) {
        let quoted = |text: &str| format!("\"{}\"", escaped(text));
        let tool = self.state.tools.get(sent);
        let call = Call {
            call_id_json: quoted(id),
            name_json: quoted(tool.map_or(sent, |tool| &tool.name)),
            namespace_json: tool.and_then(|tool| tool.namespace.as_deref()).map(quoted),
        };
        (call, tool.is_some_and(|tool| tool.custom))
    }

    /// What comes now is no text.
    fn end_message(&mut self, out: &mut BytesMut) {
        if let Some(message) = self.message.take() {
            self.response.end(message, ItemStatus::Completed, out);
        }
    }
}

impl Sending<'_> {
    /// Ends a text: what it cites is told of all of it.
    fn end_text(&mut self, index: Index, cited: &[Cited]) {
        let response = &mut self.items.response;
        if !cited.is_empty() {
            let end = scalars_inside(response.grown(index));
            for page in cited {
                let json = url_citation(&page.url, &page.title, 0, end);
                response.annotation(index, &json, self.out);
            }
        }
        response.end_part(index, self.out);
    }
}

/// Whether arguments (the inside of a JSON string) are whole JSON: the output limit may have cut them.
fn are_whole(arguments: &str) -> bool {
    let json = format!("\"{arguments}\"");
    let decoded = RawStr::from_json(&json)
        .map(RawStr::decode)
        .unwrap_or_default();
    decoded.trim().is_empty() || serde_json::from_str::<IgnoredAny>(&decoded).is_ok()
}

fn status(whole: bool) -> ItemStatus {
    if whole {
        ItemStatus::Completed
    } else {
        ItemStatus::Incomplete
    }
}

impl Sink for Sending<'_> {
    fn start(&mut self, head: &Head) {
        self.items.set_head(head);
        self.items.response.start(self.out);
    }

    fn open(&mut self, block: Opening<'_>) {
        let items = &mut *self.items;
        if block != Opening::Text {
            items.end_message(self.out);
        }
        items.open = Some(match block {
            Opening::Text => {
                let index = match items.message {
                    Some(index) => index,
                    None => items.response.message(self.out),
                };
                items.message = Some(index);
                items.response.text_part(index, self.out);
                let cited = Vec::new();
                Open::Text { index, cited }
            }
            Opening::Reasoning => Open::Reasoning(items.response.reasoning(self.out)),
            Opening::Call { id, name } => {
                let (call, custom) = items.call(id, name);
                if custom {
                    Open::Custom {
                        index: items.response.custom(call, self.out),
                        arguments: String::new(),
                    }
                } else {
                    Open::Function(items.response.function(call, self.out))
                }
            }
        });
    }

    fn delta(&mut self, more: &str) {
        let items = &mut *self.items;
        match &mut items.open {
            Some(Open::Text { index, .. }) => items.response.text(*index, more, self.out),
            Some(Open::Reasoning(index)) => items.response.summary(*index, more, self.out),
            Some(Open::Function(index)) => items.response.arguments(*index, more, self.out),
            Some(Open::Custom { arguments, .. }) => {
                arguments.push_str(more);
                items.held = items.held.saturating_add(more.len());
            }
            None => {}
        }
    }

    fn citation(&mut self, citation: &Citation<'_>) {
        // Documents have no address that an annotation could name.
        if let (Some(Open::Text { cited, .. }), Some(url)) = (&mut self.items.open, citation.url())
        {
            let title = citation.title.get().map_or("\"\"", RawStr::json);
            let page = Cited {
                url: url.json().to_owned(),
                title: title.to_owned(),
            };
            self.items.held = self
                .items
                .held
                .saturating_add(page.url.len() + page.title.len());
            cited.push(page);
        }
    }

    fn close(&mut self, closing: Closing<'_>) {
        self.items.held = 0;
        let Some(open) = self.items.open.take() else {
            return;
        };
        let (index, status) = match open {
            Open::Text { index, cited } => return self.end_text(index, &cited),
            Open::Reasoning(index) => {
                let response = &mut self.items.response;
                if let Some(signature) = closing.signature {
                    let envelope = anthropic_envelope::thinking(response.grown(index), signature);
                    response.set_encrypted_content(index, envelope);
                }
                (index, ItemStatus::Completed)
            }
            Open::Function(index) => {
                let whole = are_whole(self.items.response.grown(index));
                (index, status(whole))
            }
            Open::Custom { index, arguments } => {
                let unwrapped = wrapped_input::unwrap(&arguments);
                let response = &mut self.items.response;
                response.input(index, &unwrapped.input, self.out);
                let whole = unwrapped.whole || arguments.is_empty();
                (index, status(whole))
            }
        };
        self.items.response.end(index, status, self.out);
    }

    fn redacted(&mut self, redacted: &Redacted) {
        self.items.end_message(self.out);
        let response = &mut self.items.response;
        let index = response.reasoning(self.out);
        response.set_encrypted_content(index, redacted.encrypted_content());
        response.end(index, ItemStatus::Completed, self.out);
    }

    fn stopped(&mut self, _ending: &Ending) {
        self.items.end_message(self.out);
    }
}
