//! Streams: ConverseStream events → Messages events.

use bytes::BytesMut;

use super::citations;
use super::state::{self, State};
use crate::convert::context::AnswerContext;
use crate::convert::converse_envelope::Redacted;
use crate::convert::converse_in::{Closing, Ending, Head, Opening, Reader, Sink, Whole};
use crate::convert::machine::{Flow, Machine, StreamError};
use crate::convert::messages_out::{Kind, MessageStream, blocks};
use crate::endpoint::Format;
use crate::format::converse::Citation;
use crate::format::error::ClientError;
use crate::usage::Usage;

/// Converts the events of a ConverseStream to the events of a Messages stream.
#[derive(Debug)]
pub(crate) struct ConverseToMessages {
    reader: Reader,
    told: Told,
}

impl ConverseToMessages {
    /// A converter for one answer that holds back at most `held_limit` bytes.
    pub(crate) fn new(state: State, cx: AnswerContext, held_limit: usize) -> Self {
        Self {
            reader: Reader::new(cx, Format::Messages, held_limit),
            told: Told::new(state, cx),
        }
    }
}

impl Machine for ConverseToMessages {
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
        self.reader.finish()?;
        self.told.end(&self.reader.ending(), out);
        Ok(())
    }

    fn fail(&mut self, error: &StreamError, out: &mut BytesMut) {
        self.told.stream.fail(out, &error.error);
    }

    fn usage(&self) -> Usage {
        self.reader.usage()
    }
}

/// Writes a whole answer as the stream that the client asked for.
///
/// # Errors
/// It is no Converse answer, or says that the model's output cannot be understood.
pub(crate) fn replay(
    body: &[u8],
    state: State,
    cx: AnswerContext,
    out: &mut BytesMut,
) -> Result<Usage, ClientError> {
    let whole = Whole::read(body, cx, Format::Messages)?;
    let mut told = Told::new(state, cx);
    whole.tell(&mut told.to(out));
    told.end(&whole.ending, out);
    Ok(state::usage(&whole.ending))
}

/// What the client was told.
#[derive(Debug)]
struct Told {
    state: State,
    cx: AnswerContext,
    stream: MessageStream,
}

impl Told {
    fn new(state: State, cx: AnswerContext) -> Self {
        Self {
            state,
            cx,
            stream: MessageStream::default(),
        }
    }

    fn to<'t>(&'t mut self, out: &'t mut BytesMut) -> Telling<'t> {
        Telling { told: self, out }
    }

    fn end(&mut self, ending: &Ending, out: &mut BytesMut) {
        self.stream
            .finish(out, &state::stop(ending), &state::usage(ending));
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
        let head = told.state.head(head, told.cx.now);
        told.stream.start_uncounted(self.out, &head);
    }

    fn open(&mut self, block: Opening<'_>) {
        let told = &mut *self.told;
        match block {
            Opening::Text => told.stream.open_text(self.out),
            Opening::Reasoning => told.stream.open_thinking(self.out),
            Opening::Call { id, name } => {
                let name = told.state.tools.original(name);
                told.stream.open_tool(self.out, id, name);
            }
        }
    }

    fn delta(&mut self, text: &str) {
        let stream = &mut self.told.stream;
        match stream.open() {
            Some(Kind::Text) => stream.text(self.out, text),
            Some(Kind::Thinking) => stream.thinking(self.out, text),
            Some(Kind::Tool) => stream.input_fragment(self.out, text),
            Some(Kind::Whole) | None => {}
        }
    }

    fn input(&mut self, json: &str) {
        self.told.stream.whole_input(self.out, json);
    }

    fn citation(&mut self, citation: &Citation<'_>) {
        let mut json = BytesMut::new();
        if citations::write(citation, &mut json) {
            self.told
                .stream
                .citation(self.out, |out| out.extend_from_slice(&json));
        }
    }

    fn close(&mut self, closing: Closing<'_>) {
        let stream = &mut self.told.stream;
        if stream.open() == Some(Kind::Thinking) {
            stream.signature_content(self.out, &state::signature(closing));
        }
        stream.close(self.out);
    }

    fn redacted(&mut self, redacted: &Redacted) {
        self.told.stream.whole_block(self.out, |out| {
            blocks::redacted_thinking(out, &redacted.data());
        });
    }
}
