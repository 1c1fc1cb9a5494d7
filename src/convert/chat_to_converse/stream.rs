//! Streams: Converse events → Chat chunks.

use bytes::BytesMut;

use super::sink::{Page, Telling, Told};
use super::state::State;
use crate::convert::chat_answer::annotations::Annotations;
use crate::convert::chat_answer::call::Call;
use crate::convert::chat_answer::chunk::Chunks;
use crate::convert::chat_answer::reasoning::{Fields, Signed};
use crate::convert::context::AnswerContext;
use crate::convert::converse_in::{Ending, Head, Reader, Whole, shown};
use crate::convert::machine::{Flow, Machine, StreamError};
use crate::endpoint::Format;
use crate::format::error::ClientError;
use crate::format::raw::RawStr;
use crate::usage::Usage;

/// Converts the events of a ConverseStream to chunks of a Chat stream.
#[derive(Debug)]
pub(crate) struct ConverseToChat {
    reader: Reader,
    client: Client,
    held_limit: usize,
}

impl ConverseToChat {
    /// A converter for one answer that holds back at most `held_limit` bytes.
    pub(crate) fn new(state: State, cx: AnswerContext, held_limit: usize) -> Self {
        Self {
            reader: Reader::new(cx, Format::Chat, held_limit),
            client: Client::new(state, cx),
            held_limit,
        }
    }
}

impl Machine for ConverseToChat {
    fn event(&mut self, name: &str, data: &[u8], out: &mut BytesMut) -> Result<Flow, StreamError> {
        if self.client.has_ended {
            return Ok(Flow::Done);
        }
        if self.client.told.held().saturating_add(data.len()) > self.held_limit {
            return Err(StreamError::malformed(
                Format::Chat,
                "the provider's answer holds back more than the gateway takes",
            ));
        }
        let flow = match self.reader.event(name, data, &mut self.client.to(out)) {
            // The answer is complete: only its counts are lost.
            Err(_) if self.client.told.has_stopped => Flow::Done,
            flow => flow?,
        };
        if self.client.told.is_cut() {
            // Whatever the provider still has to say, the client's message ends here.
            self.client.end(&Ending::default(), out);
            return Ok(Flow::Done);
        }
        if flow == Flow::Done {
            self.client.end(&self.reader.ending(), out);
        }
        Ok(flow)
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<(), StreamError> {
        if !self.client.has_ended {
            self.reader.finish()?;
            self.client.end(&self.reader.ending(), out);
        }
        Ok(())
    }

    fn fail(&mut self, error: &StreamError, out: &mut BytesMut) {
        if self.client.has_ended {
            return;
        }
        if self.client.told.has_stopped {
            // The answer is complete: only its counts are lost.
            self.client.end(&self.reader.ending(), out);
            return;
        }
        self.client.has_ended = true;
        error.error.write_event(Format::Chat, 0, out);
    }

    fn usage(&self) -> Usage {
        self.reader.usage()
    }
}

/// Writes a whole answer as the stream that the client asked for.
///
/// # Errors
/// It is no Converse answer, or says that the model's output cannot be understood; nothing was written.
pub(crate) fn replay(
    body: &[u8],
    state: State,
    cx: AnswerContext,
    out: &mut BytesMut,
) -> Result<Usage, ClientError> {
    let whole = Whole::read(body, cx, Format::Chat)?;
    let mut client = Client::new(state, cx);
    whole.tell(&mut client.to(out));
    client.end(&whole.ending, out);
    Ok(whole.ending.usage.unwrap_or_default())
}

/// The client's side of the stream.
#[derive(Debug)]
struct Client {
    told: Told,
    /// The name under which it knows the model: a JSON string.
    model: String,
    chunks: Chunks,
    /// The stream is complete, or ended with an error.
    has_ended: bool,
}

impl Client {
    fn new(mut state: State, cx: AnswerContext) -> Self {
        Self {
            model: std::mem::take(&mut state.model),
            chunks: Chunks::new(cx.now, state.include_usage),
            told: Told::new(state),
            has_ended: false,
        }
    }

    fn to<'t>(&'t mut self, out: &'t mut BytesMut) -> Telling<'t, Stream<'t>> {
        let page = Stream {
            model: &self.model,
            fields: self.told.fields,
            legacy: self.told.state.legacy_functions,
            chunks: &mut self.chunks,
            out,
        };
        Telling {
            told: &mut self.told,
            page,
        }
    }

    /// Completes the stream.
    fn end(&mut self, ending: &Ending, out: &mut BytesMut) {
        if !self.told.has_stopped {
            let Telling { told, mut page } = self.to(out);
            told.cut(&mut page);
        }
        if let Some(usage) = ending
            .usage
            .as_ref()
            .filter(|_| self.told.state.include_usage)
        {
            self.chunks.usage(out, &shown(usage));
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
        self.has_ended = true;
    }
}

/// The chunks of one answer.
#[derive(Debug)]
struct Stream<'t> {
    model: &'t str,
    fields: Fields,
    legacy: bool,
    chunks: &'t mut Chunks,
    out: &'t mut BytesMut,
}

impl Page for Stream<'_> {
    fn start(&mut self, head: &Head) {
        let id = State::id(head);
        self.chunks
            .set_head(RawStr::from_json(&id), RawStr::from_json(self.model));
        self.chunks
            .delta(self.out, &[r#""role":"assistant","content":"""#]);
    }

    fn text(&mut self, text: &str) {
        self.chunks.string(self.out, "content", text);
    }

    fn reasoning(&mut self, text: &str) {
        self.chunks.reasoning(self.out, self.fields, text);
    }

    fn signed(&mut self, index: u64, block: Signed<'_>) {
        self.chunks
            .signed_block(self.out, self.fields, index, block);
    }

    fn call(&mut self, ord: u64, call: &Call) {
        if self.legacy {
            self.chunks.legacy_call(self.out, call);
        } else {
            self.chunks.call(self.out, ord, call);
        }
    }

    fn input(&mut self, ord: u64, call: &Call, text: &str) {
        if call.custom {
            self.chunks.custom_input(self.out, ord, text);
        } else {
            self.chunks.arguments(self.out, ord, self.legacy, text);
        }
    }

    fn stopped(&mut self, annotations: &Annotations, reason: &'static str) {
        if !annotations.is_empty() {
            self.chunks.annotations(self.out, annotations);
        }
        self.chunks.finish(self.out, reason);
    }
}
