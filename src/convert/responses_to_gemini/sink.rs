//! The pieces of a Gemini answer as output items of a response.
//!
//! All text is one message, which stays open to the end: the places that Google cites count in all of it, and are told last.
//! Then come the search that was made, and the carrier of what the next request must hold.

use bytes::BytesMut;

use super::state::State;
use crate::codec::write::Object;
use crate::convert::chat_out::escaped;
use crate::convert::chat_to_gemini::response::content::{Offsets, blocked, code_text, result_text};
use crate::convert::compact::compact_as_string;
use crate::convert::context::AnswerContext;
use crate::convert::gemini_envelope::{self, Signature};
use crate::convert::gemini_in::{self, Finish, Head, Piece, Progress, Sink};
use crate::convert::responses_out::{Call, End, Index, ItemStatus, ResponseWriter, url_citation};
use crate::convert::wrapped_input;
use crate::format::gemini::GroundingMetadata;
use crate::format::raw::RawStr;

/// Makes the response.
#[derive(Debug)]
pub(super) struct Items {
    pub(super) response: ResponseWriter,
    state: State,
    message: Option<Index>,
    reasoning: Option<Index>,
    offsets: Offsets,
    /// Whether there is a call.
    called: bool,
}

/// [`Items`] with the place where the events go.
pub(super) struct Sending<'s> {
    pub(super) items: &'s mut Items,
    pub(super) out: &'s mut BytesMut,
}

/// [`Items`] of a whole answer, with the events of their own.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) items: Items,
    pub(super) out: BytesMut,
}

impl Items {
    /// For a stream.
    pub(super) fn new(state: State, cx: AnswerContext) -> Self {
        Self {
            response: ResponseWriter::new(state.echo.clone(), cx.now).without_custom_status(),
            state,
            message: None,
            reasoning: None,
            offsets: Offsets::default(),
            called: false,
        }
    }

    /// For a whole answer.
    pub(super) fn without_events(mut self) -> Self {
        self.response = self.response.without_events();
        self
    }

    pub(super) fn sending<'s>(&'s mut self, out: &'s mut BytesMut) -> Sending<'s> {
        Sending { items: self, out }
    }

    pub(super) fn begin(&mut self, head: &Head, out: &mut BytesMut) {
        let model = head.model.as_deref().unwrap_or(&self.state.model);
        let model = RawStr::from_json(model);
        self.response.set_head(Some(&head.base), model, None);
        self.response.start(out);
    }

    /// An answer that there is none, since the prompt was blocked.
    pub(super) fn block(&mut self, reason: &str, out: &mut BytesMut) -> End {
        self.end_reasoning(out);
        let text = blocked(reason);
        let index = match self.message.take() {
            Some(index) => index,
            None => self.response.message(out),
        };
        self.response.refusal(index, &escaped(&text), out);
        self.response.end(index, ItemStatus::Completed, out);
        End::Incomplete("content_filter")
    }

    /// Writes what is known at the end only.
    pub(super) fn conclude(&mut self, progress: &Progress, out: &mut BytesMut) -> End {
        let end = match progress.finish() {
            Finish::Length => End::Incomplete("max_output_tokens"),
            Finish::Filtered => End::Incomplete("content_filter"),
            Finish::Done | Finish::Failed => End::Completed,
        };
        let status = match end {
            End::Completed => ItemStatus::Completed,
            End::Incomplete(_) => ItemStatus::Incomplete,
        };
        self.end_reasoning(out);
        if self.message.is_none() && !self.called {
            // An answer that neither says nor calls anything says an empty text.
            let index = self.response.message(out);
            self.response.text_part(index, out);
            self.message = Some(index);
        }
        if let Some(index) = self.message.take() {
            for citation in progress.citations() {
                let (start, end) = self.offsets.place(&citation);
                let json = url_citation(&citation.url, &citation.title, start, end);
                self.response.annotation(index, &json, out);
            }
            self.response.end(index, status, out);
        }
        self.search(progress, out);
        let carrier = if let Some(parts) = progress.replay() {
            Some(gemini_envelope::write_parts(parts))
        } else {
            let signature = progress.signature();
            signature.map(|value| {
                let value = value.to_owned();
                gemini_envelope::write(&[Signature::Message { value }])
            })
        };
        if let Some(carrier) = carrier {
            let index = self.response.reasoning(out);
            self.response.set_encrypted_content(index, carrier);
            self.response.end(index, ItemStatus::Completed, out);
        }
        end
    }

    /// Tells of the search that the answer was made from.
    fn search(&mut self, progress: &Progress, out: &mut BytesMut) {
        let metadata = GroundingMetadata::read(progress.grounding().unwrap_or_default());
        let queries: Vec<RawStr<'_>> = metadata.queries().collect();
        if queries.is_empty() && metadata.pages().next().is_none() {
            return;
        }
        let mut json = BytesMut::new();
        let mut action = Object::begin(&mut json);
        // `query` is deprecated; older clients know nothing else.
        let first = queries.first().map_or("\"\"", |query| query.json());
        action.string("type", "search").raw("query", first);
        if !queries.is_empty() {
            let mut list = action.array("queries");
            for query in queries {
                list.raw(query.json());
            }
            list.end();
        }
        if self.state.sources {
            let mut sources = action.array("sources");
            for url in metadata.pages().filter_map(|page| page.uri.non_empty()) {
                let mut source = sources.object();
                source.string("type", "url").raw("url", url.json());
                source.end();
            }
            sources.end();
        }
        action.end();
        let response = &mut self.response;
        let index = response.web_search(out);
        response.searching(index, out);
        response.searched(index, out);
        response.set_action(index, String::from_utf8_lossy(&json).into_owned());
        response.end(index, ItemStatus::Completed, out);
    }

    fn end_reasoning(&mut self, out: &mut BytesMut) {
        if let Some(index) = self.reasoning.take() {
            self.response.end(index, ItemStatus::Completed, out);
        }
    }

    fn text(&mut self, text: &str, out: &mut BytesMut) {
        self.end_reasoning(out);
        let index = match self.message {
            Some(index) => index,
            None => self.response.message(out),
        };
        self.message = Some(index);
        self.response.text(index, text, out);
    }

    /// Text that is none of the model's.
    fn insert(&mut self, text: &str, out: &mut BytesMut) {
        self.offsets.insert(text);
        self.text(&escaped(text), out);
    }

    fn call(&mut self, call: &gemini_in::Call<'_>, out: &mut BytesMut) {
        self.called = true;
        if let Some(signature) = call.signature {
            let index = match self.reasoning.take() {
                Some(index) => index,
                None => self.response.reasoning(out),
            };
            let carrier = gemini_envelope::write(&[Signature::Call {
                id: call.id.clone().into_owned(),
                value: signature.content().to_owned(),
            }]);
            self.response.set_encrypted_content(index, carrier);
            self.reasoning = Some(index);
        }
        self.end_reasoning(out);
        let quoted = |text: &str| format!("\"{}\"", escaped(text));
        let tool = self.state.tools.get(&call.name);
        let custom = tool.is_some_and(|tool| tool.custom);
        let told = Call {
            call_id_json: quoted(&call.id),
            name_json: quoted(tool.map_or(&call.name, |tool| &tool.name)),
            namespace_json: tool.and_then(|tool| tool.namespace.as_deref()).map(quoted),
        };
        let mut arguments = BytesMut::with_capacity(call.args.len() + 16);
        compact_as_string(&mut arguments, call.args);
        let arguments = std::str::from_utf8(&arguments).unwrap_or_default();
        let arguments = arguments
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or_default();
        let response = &mut self.response;
        let index = if custom {
            let index = response.custom(told, out);
            response.input(index, &wrapped_input::unwrap(arguments).input, out);
            index
        } else {
            let index = response.function(told, out);
            response.arguments(index, arguments, out);
            index
        };
        response.end(index, ItemStatus::Completed, out);
    }

    fn piece(&mut self, piece: &Piece<'_>, out: &mut BytesMut) {
        match piece {
            Piece::Thought(text) => {
                let index = match self.reasoning {
                    Some(index) => index,
                    None => self.response.reasoning(out),
                };
                self.reasoning = Some(index);
                self.response.summary(index, text.content(), out);
            }
            Piece::Text(text) => {
                self.offsets.text(*text);
                self.text(text.content(), out);
            }
            Piece::Code(code) => self.insert(&code_text(code), out),
            Piece::CodeResult(result) => self.insert(&result_text(result), out),
            Piece::Call(call) => self.call(call, out),
            // No tool of a response's makes files here; the others come at the end, where they are needed.
            Piece::Media(_) | Piece::Signature(_) | Piece::Step(_) => {}
        }
    }
}

impl Sink for Sending<'_> {
    fn start(&mut self, head: &Head) {
        self.items.begin(head, self.out);
    }

    fn piece(&mut self, piece: Piece<'_>) {
        self.items.piece(&piece, self.out);
    }
}

impl Sink for Whole {
    fn start(&mut self, head: &Head) {
        self.items.begin(head, &mut self.out);
    }

    fn piece(&mut self, piece: Piece<'_>) {
        self.items.piece(&piece, &mut self.out);
    }
}
