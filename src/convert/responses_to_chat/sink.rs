//! The blocks of a Chat answer as output items of a response.

use bytes::BytesMut;

use super::state::{State, Tool};
use crate::codec::write::Object;
use crate::convert::chat_in::{
    Closing, Ending, Finish, Head, Opening, Page, Sink, Sources, markers,
};
use crate::convert::chat_out::escaped;
use crate::convert::context::AnswerContext;
use crate::convert::gemini_envelope;
use crate::convert::responses_out::{Call, End, Index, ItemStatus, ResponseWriter, url_citation};
use crate::convert::wrapped_input;
use crate::format::raw::RawStr;
use crate::usage::Usage;

/// Makes the response.
#[derive(Debug)]
pub(super) struct Items {
    pub(super) response: ResponseWriter,
    state: State,
    open: Option<Open>,
    /// Whether there is a message or a call.
    spoke: bool,
}

/// The item that grows.
#[derive(Debug)]
enum Open {
    Text {
        index: Index,
        /// What was written so far, where markers are looked for.
        text: Option<String>,
    },
    Refusal(Index),
    Reasoning(Index),
    Function(Index),
    Custom {
        index: Index,
        /// The JSON object that the input was wrapped in.
        arguments: String,
    },
}

/// [`Items`] with the place where the events go.
pub(super) struct Sending<'s> {
    pub(super) items: &'s mut Items,
    pub(super) out: &'s mut BytesMut,
}

impl Items {
    /// For a stream.
    pub(super) fn new(state: State, cx: AnswerContext) -> Self {
        let mut response = ResponseWriter::new(state.echo.clone(), cx.now);
        response.set_service_tier(Some("default"));
        Self {
            response,
            state,
            open: None,
            spoke: false,
        }
    }

    /// For a whole answer.
    pub(super) fn without_events(mut self) -> Self {
        self.response = self.response.without_events();
        self
    }

    /// The bytes that wait: those of a call's input for its end, and all that was said for the last event, which repeats it.
    pub(super) fn held(&self) -> usize {
        let open = match &self.open {
            Some(Open::Custom { arguments, .. }) => arguments.len(),
            Some(Open::Text { text, .. }) => text.as_ref().map_or(0, String::len),
            Some(Open::Refusal(_) | Open::Reasoning(_) | Open::Function(_)) | None => 0,
        };
        open.saturating_add(self.response.held())
    }

    pub(super) fn sending<'s>(&'s mut self, out: &'s mut BytesMut) -> Sending<'s> {
        Sending { items: self, out }
    }

    /// An answer that neither says nor calls anything says an empty text.
    pub(super) fn say_something(&mut self, out: &mut BytesMut) {
        if !self.spoke {
            let index = self.response.message(out);
            self.response.text_part(index, out);
            self.response.end(index, ItemStatus::Completed, out);
        }
    }

    /// What the end says of the whole response.
    pub(super) fn conclude(&mut self, ending: &Ending) -> (End, Usage) {
        if let Some(tier) = &ending.service_tier {
            self.response.set_service_tier(Some(self.tier(tier)));
        }
        let end = match ending.finish {
            Finish::Done => End::Completed,
            Finish::Length => End::Incomplete("max_output_tokens"),
            Finish::Filtered => End::Incomplete("content_filter"),
        };
        (end, ending.usage.unwrap_or_default())
    }

    /// The tier in OpenAI's words.
    fn tier(&self, theirs: &str) -> &'static str {
        let tiers = self.state.origin.profile.service_tiers;
        let known = ["default", "auto", "flex", "priority"];
        tiers
            .iter()
            .find(|(_, sent)| *sent == theirs)
            .map(|(own, _)| *own)
            .or_else(|| known.into_iter().find(|own| *own == theirs))
            .unwrap_or("default")
    }

    fn call(&self, id: &str, sent: &str) -> (Call, bool) {
        let quoted = |text: &str| format!("\"{}\"", escaped(text));
        let tool = self.state.tools.get(sent);
        let call = Call {
            call_id_json: quoted(id),
            name_json: quoted(tool.map_or(sent, |tool: &Tool| &tool.name)),
            namespace_json: tool.and_then(|tool| tool.namespace.as_deref()).map(quoted),
        };
        (call, tool.is_some_and(|tool| tool.custom))
    }

    /// `action` of a search.
    fn action(&self, query: &str, pages: &[Page<'_>]) -> String {
        let mut json = BytesMut::new();
        let mut action = Object::begin(&mut json);
        let query = format!("\"{query}\"");
        action.string("type", "search").raw("query", &query);
        if query.len() > 2 {
            // `query` is deprecated; older clients know nothing else.
            let mut queries = action.array("queries");
            queries.raw(&query);
            queries.end();
        }
        if self.state.include_sources {
            let mut sources = action.array("sources");
            for page in pages.iter().filter(|page| !page.url.is_empty()) {
                let mut source = sources.object();
                source.string("type", "url").raw("url", page.url.json());
                source.end();
            }
            sources.end();
        }
        action.end();
        String::from_utf8_lossy(&json).into_owned()
    }
}

impl Sending<'_> {
    fn annotate(&mut self, index: Index, text: Option<&str>, sources: &Sources) {
        let response = &mut self.items.response;
        for cited in sources.annotations() {
            let json = url_citation(&cited.url, &cited.title, cited.start, cited.end);
            response.annotation(index, &json, self.out);
        }
        let Some(text) = text else { return };
        let pages = sources.pages();
        for marker in markers(text, pages.len()) {
            if let Some(page) = pages.get(marker.page) {
                let title = page.title.map_or("\"\"", RawStr::json);
                let json = url_citation(page.url.json(), title, marker.start, marker.end);
                response.annotation(index, &json, self.out);
            }
        }
    }
}

impl Sink for Sending<'_> {
    fn start(&mut self, head: &Head) {
        let model = head.model.as_deref().and_then(RawStr::from_json);
        let response = &mut self.items.response;
        response.set_head(Some(&head.base), model, head.created);
        response.start(self.out);
    }

    fn sources(&mut self, sources: &Sources) {
        let mut actions: Vec<String> = sources
            .searches()
            .iter()
            .map(|search| self.items.action(&search.query, &search.pages()))
            .collect();
        if actions.is_empty() {
            actions.push(self.items.action("", &sources.pages()));
        }
        for action in actions {
            let response = &mut self.items.response;
            let index = response.web_search(self.out);
            response.searching(index, self.out);
            response.searched(index, self.out);
            response.set_action(index, action);
            response.end(index, ItemStatus::Completed, self.out);
        }
    }

    fn open(&mut self, block: Opening<'_>) {
        let items = &mut *self.items;
        let response = &mut items.response;
        items.open = Some(match block {
            Opening::Text => {
                let index = response.message(self.out);
                response.text_part(index, self.out);
                let marked = items.state.origin.profile.citation_markers;
                Open::Text {
                    index,
                    text: marked.then(String::new),
                }
            }
            Opening::Refusal => Open::Refusal(response.message(self.out)),
            Opening::Reasoning => Open::Reasoning(response.reasoning(self.out)),
            Opening::Call { id, name } => {
                let (call, custom) = items.call(id, name);
                let response = &mut items.response;
                if custom {
                    Open::Custom {
                        index: response.custom(call, self.out),
                        arguments: String::new(),
                    }
                } else {
                    Open::Function(response.function(call, self.out))
                }
            }
        });
        items.spoke |= block != Opening::Reasoning;
    }

    fn delta(&mut self, more: &str) {
        let summarises = self.items.state.origin.profile.summarises();
        let response = &mut self.items.response;
        match &mut self.items.open {
            Some(Open::Text { index, text }) => {
                if let Some(text) = text {
                    text.push_str(more);
                }
                response.text(*index, more, self.out);
            }
            Some(Open::Refusal(index)) => response.refusal(*index, more, self.out),
            Some(Open::Reasoning(index)) if summarises => {
                response.summary(*index, more, self.out);
            }
            Some(Open::Reasoning(index)) => response.reasoning_text(*index, more, self.out),
            Some(Open::Function(index)) => response.arguments(*index, more, self.out),
            Some(Open::Custom { arguments, .. }) => arguments.push_str(more),
            None => {}
        }
    }

    fn close(&mut self, closing: Closing<'_>) {
        let status = if closing.cut {
            ItemStatus::Incomplete
        } else {
            ItemStatus::Completed
        };
        let Some(open) = self.items.open.take() else {
            return;
        };
        let index = match open {
            Open::Text { index, text } => {
                self.annotate(index, text.as_deref(), closing.sources);
                index
            }
            Open::Reasoning(index) => {
                if !closing.signatures.is_empty() {
                    let carrier = gemini_envelope::write(closing.signatures);
                    self.items.response.set_encrypted_content(index, carrier);
                }
                index
            }
            Open::Custom { index, arguments } => {
                let input = wrapped_input::unwrap(&arguments).input;
                self.items.response.input(index, &input, self.out);
                index
            }
            Open::Refusal(index) | Open::Function(index) => index,
        };
        self.items.response.end(index, status, self.out);
    }
}
