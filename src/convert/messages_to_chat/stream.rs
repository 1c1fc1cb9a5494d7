//! Streams: Chat chunks → Messages events.

use bytes::BytesMut;

use super::closing;
use super::ids::CallIds;
use super::search::{cited, needs_text, searches};
use super::state::State;
use crate::convert::chat_in::{Closing, Ending, Head, Opening, Reader, Sink, Sources, Whole};
use crate::convert::context::AnswerContext;
use crate::convert::machine::{Flow, Machine, StreamError};
use crate::convert::messages_out::{MessageStream, blocks};
use crate::format::error::ClientError;
use crate::usage::Usage;

/// Converts the chunks of a Chat stream to the events of a Messages stream.
#[derive(Debug)]
pub(crate) struct ChatToMessages {
    reader: Reader,
    told: Told,
}

impl ChatToMessages {
    /// A converter for one answer that holds back at most `held_limit` bytes.
    pub(crate) fn new(state: State, cx: AnswerContext, held_limit: usize) -> Self {
        Self {
            reader: Reader::new(state.origin, held_limit),
            told: Told::new(state, cx),
        }
    }
}

impl Machine for ChatToMessages {
    fn event(&mut self, name: &str, data: &[u8], out: &mut BytesMut) -> Result<Flow, StreamError> {
        if self.told.stream.has_ended() {
            return Ok(Flow::Done);
        }
        let flow = self.reader.event(name, data, &mut self.told.to(out))?;
        if flow == Flow::Done {
            self.told.end(&self.reader.ending(), out);
        }
        Ok(flow)
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<(), StreamError> {
        if self.told.stream.has_ended() {
            return Ok(());
        }
        self.reader.finish(&mut self.told.to(out))?;
        self.told.end(&self.reader.ending(), out);
        Ok(())
    }

    fn fail(&mut self, error: &StreamError, out: &mut BytesMut) {
        self.told.stream.fail(out, &error.error);
    }

    fn usage(&self) -> Usage {
        let mut usage = self.reader.usage();
        usage.web_searches = usage.web_searches.or(self.told.searches);
        usage
    }
}

/// Writes a whole answer as the stream that the client asked for.
///
/// # Errors
/// It is no completion, or an error sent with a success status.
pub(crate) fn replay(
    body: &[u8],
    state: State,
    cx: AnswerContext,
    out: &mut BytesMut,
) -> Result<Usage, ClientError> {
    let whole = Whole::read(body, &state.origin)?;
    let mut told = Told::new(state, cx);
    whole.tell(&mut told.to(out));
    told.end(&whole.ending, out);
    Ok(whole.used(closing::usage(whole.ending.usage, told.searches)))
}

/// What the client was told.
#[derive(Debug)]
struct Told {
    state: State,
    cx: AnswerContext,
    stream: MessageStream,
    /// What ids are made of.
    base: String,
    ids: CallIds,
    open: Open,
    /// The open text, where its end needs it.
    text: String,
    /// How many searches were shown.
    searches: Option<u64>,
}

/// The open block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Reasoning,
    /// A call without any arguments yet.
    NewCall,
    Call,
}

impl Told {
    fn new(state: State, cx: AnswerContext) -> Self {
        Self {
            state,
            cx,
            stream: MessageStream::default(),
            base: String::new(),
            ids: CallIds::default(),
            open: Open::Text,
            text: String::new(),
            searches: None,
        }
    }

    fn to<'t>(&'t mut self, out: &'t mut BytesMut) -> Telling<'t> {
        Telling { told: self, out }
    }

    fn end(&mut self, ending: &Ending, out: &mut BytesMut) {
        let usage = closing::usage(ending.usage, self.searches);
        self.stream.finish(out, &closing::stop(ending), &usage);
    }
}

/// Tells the client what comes.
struct Telling<'t> {
    told: &'t mut Told,
    out: &'t mut BytesMut,
}

impl Sink for Telling<'_> {
    fn start(&mut self, head: &Head) {
        let told = &mut *self.told;
        told.base.clone_from(&head.base);
        // The last event tells what of the prompt came out of a cache; here it is one number.
        let usage = head.usage.map(|usage| Usage {
            input: Some(usage.prompt()),
            ..Usage::default()
        });
        let head = closing::head(head, &told.state, told.cx.now);
        told.stream.start(self.out, &head, usage.as_ref());
    }

    fn sources(&mut self, sources: &Sources) {
        let told = &mut *self.told;
        if !told.state.wants_search {
            return;
        }
        for (number, search) in (0_u64..).zip(searches(sources)) {
            let id = format!("srvtoolu_{}_{number}", told.base);
            told.stream.open_server_tool(self.out, &id, "web_search");
            if !search.query.is_empty() {
                let mut input = BytesMut::new();
                search.write_input(&mut input);
                let input = std::str::from_utf8(&input).unwrap_or_default();
                told.stream.whole_input(self.out, input);
            }
            told.stream.close(self.out);
            told.stream
                .whole_block(self.out, |out| search.write_result(out, &id));
            told.searches = Some(number + 1);
        }
    }

    fn open(&mut self, block: Opening<'_>) {
        let told = &mut *self.told;
        match block {
            Opening::Text | Opening::Refusal => {
                told.open = Open::Text;
                told.text.clear();
                told.stream.open_text(self.out);
            }
            Opening::Reasoning => {
                told.open = Open::Reasoning;
                told.stream.open_thinking(self.out);
            }
            Opening::Call { id, name } => {
                told.open = Open::NewCall;
                let id = told.ids.show(id, &told.base);
                let name = told.state.tools.original(name);
                told.stream.open_tool(self.out, &id, name);
            }
        }
    }

    fn delta(&mut self, text: &str) {
        let told = &mut *self.told;
        match told.open {
            Open::Text => {
                if needs_text(told.state.origin.profile) {
                    told.text.push_str(text);
                }
                told.stream.text(self.out, text);
            }
            Open::Reasoning => told.stream.thinking(self.out, text),
            // No arguments, as some servers write them.
            Open::NewCall if text == "null" => {}
            Open::NewCall | Open::Call => {
                told.open = Open::Call;
                told.stream.input(self.out, text);
            }
        }
    }

    fn close(&mut self, end: Closing<'_>) {
        let told = &mut *self.told;
        match told.open {
            Open::Text => {
                for page in cited(&told.text, end.sources, told.state.origin.profile) {
                    told.stream.citation(self.out, |out| {
                        blocks::page_citation(out, &page.url, &page.title, &page.quote);
                    });
                }
            }
            Open::Reasoning => {
                let signature =
                    closing::signature(end.signatures, &mut told.ids, &told.base, &told.state);
                told.stream.signature(self.out, &signature);
            }
            Open::NewCall | Open::Call => {}
        }
        told.stream.close(self.out);
    }
}
