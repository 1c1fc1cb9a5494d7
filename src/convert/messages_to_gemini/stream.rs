//! Streams: Gemini's chunks → Messages events.
//!
//! What Google's tools found is known at the end only: the citations come in the text block that is open then, the blocks of the
//! tools behind it.

use bytes::BytesMut;

use super::sources::{self, Cited};
use super::state::{self, ORIGIN, State};
use crate::convert::context::AnswerContext;
use crate::convert::gemini_envelope::{self, Signature};
use crate::convert::gemini_in::{self, Call, Head, Piece, Reader, Sink};
use crate::convert::machine::{Flow, Machine, StreamError};
use crate::convert::messages_out::{Kind, MessageStream, blocks};
use crate::convert::messages_to_chat::ids::CallIds;
use crate::convert::scalars::scalars;
use crate::format::error::ClientError;
use crate::usage::Usage;

/// Converts the chunks of a stream.
#[derive(Debug)]
pub(crate) struct GeminiToMessages {
    reader: Reader,
    told: Told,
    searched: bool,
}

/// What the client was told.
#[derive(Debug)]
struct Told {
    state: State,
    now: u64,
    stream: MessageStream,
    /// What ids are made of.
    base: String,
    ids: CallIds,
    /// The characters of the answer's text so far, and those before the open text block.
    characters: u64,
    before: u64,
    /// How often code was run, and the block of the last run without a result yet.
    runs: u64,
    run: Option<String>,
}

impl GeminiToMessages {
    /// A converter for one answer; `limit` bounds what it holds for the next request, in bytes.
    pub(crate) fn new(state: State, cx: AnswerContext, limit: usize) -> Self {
        Self {
            reader: Reader::new(ORIGIN, limit),
            told: Told {
                state,
                now: cx.now,
                stream: MessageStream::default(),
                base: String::new(),
                ids: CallIds::default(),
                characters: 0,
                before: 0,
                runs: 0,
                run: None,
            },
            searched: false,
        }
    }

    fn epilogue(&mut self, out: &mut BytesMut) {
        let told = &mut self.told;
        let blocked = self.reader.blocked();
        let progress = Some(self.reader.progress()).filter(|_| blocked.is_none());
        if let Some(progress) = progress {
            if told.stream.open() == Some(Kind::Text)
                && let Some(cited) = Cited::of(progress)
            {
                cited.between(told.before, told.characters, |url, title, words| {
                    told.stream.citation(out, |out| {
                        blocks::page_citation(out, url, title, words);
                    });
                });
            }
            match state::carrier(progress) {
                Some(carrier) => told.sign(out, &carrier),
                None => told.settle(out),
            }
            let ran = sources::ran(progress, &told.state, &told.base);
            for ran in &ran {
                told.stream.open_server_tool(out, &ran.id, ran.name);
                told.stream.whole_input(out, &ran.input);
                told.stream
                    .whole_block(out, |out| out.extend_from_slice(&ran.result));
            }
            self.searched = sources::has_search(&ran);
        } else {
            told.settle(out);
        }
        let explanation = state::explanation(blocked, progress);
        let usage = state::usage(self.reader.tokens().usage, self.searched);
        let stop = state::stop(progress, explanation.as_deref());
        self.told.stream.finish(out, &stop, &usage);
    }
}

impl Machine for GeminiToMessages {
    fn event(&mut self, name: &str, data: &[u8], out: &mut BytesMut) -> Result<Flow, StreamError> {
        if self.told.stream.has_ended() {
            return Ok(Flow::Done);
        }
        let written = out.len();
        let mut writer = Writer {
            told: &mut self.told,
            out,
        };
        match self.reader.event(name, data, &mut writer) {
            Ok(()) => Ok(Flow::Continue),
            Err(error) => {
                out.truncate(written);
                Err(error)
            }
        }
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<(), StreamError> {
        if !self.told.stream.has_ended() {
            self.reader.finish()?;
            self.epilogue(out);
        }
        Ok(())
    }

    fn fail(&mut self, error: &StreamError, out: &mut BytesMut) {
        self.told.stream.fail(out, &error.error);
    }

    fn usage(&self) -> Usage {
        state::usage(self.reader.tokens().usage, self.searched)
    }
}

impl Told {
    /// Signs what was thought, where that is the open block: no client may get thinking without a signature.
    fn settle(&mut self, out: &mut BytesMut) {
        if self.stream.open() == Some(Kind::Thinking) {
            self.stream.signature(out, &gemini_envelope::write(&[]));
            self.stream.close(out);
        }
    }

    /// Hands `carrier` to the client, in the open thinking block or in one of its own.
    fn sign(&mut self, out: &mut BytesMut, carrier: &str) {
        if self.stream.open() != Some(Kind::Thinking) {
            self.stream.open_thinking(out);
        }
        self.stream.signature(out, carrier);
        self.stream.close(out);
    }

    fn call(&mut self, call: &Call<'_>, out: &mut BytesMut) {
        let id = self.ids.show(&call.id, &self.base);
        match call.signature {
            Some(signature) => {
                let signature = Signature::Call {
                    id: id.clone(),
                    value: signature.content().to_owned(),
                };
                self.sign(out, &gemini_envelope::write(&[signature]));
            }
            None => self.settle(out),
        }
        let name = self.state.tools.original(&call.name);
        self.stream.open_tool(out, &id, name);
        let mut input = BytesMut::with_capacity(call.args.len());
        blocks::tool_input(&mut input, call.args);
        self.stream
            .whole_input(out, std::str::from_utf8(&input).unwrap_or("{}"));
        self.stream.close(out);
    }
}

/// Tells the client what the reader tells.
struct Writer<'m, 'o> {
    told: &'m mut Told,
    out: &'o mut BytesMut,
}

impl Sink for Writer<'_, '_> {
    fn start(&mut self, head: &Head) {
        let told = &mut *self.told;
        told.base.clone_from(&head.base);
        let head = told.state.head(head, told.now);
        told.stream.start(self.out, &head, None);
    }

    fn piece(&mut self, piece: Piece<'_>) {
        let (told, out) = (&mut *self.told, &mut *self.out);
        match piece {
            Piece::Thought(text) => {
                if told.stream.open() != Some(Kind::Thinking) {
                    told.stream.open_thinking(out);
                }
                told.stream.thinking(out, text.content());
            }
            Piece::Text(text) => {
                if told.stream.open() != Some(Kind::Text) {
                    told.settle(out);
                    told.stream.open_text(out);
                    told.before = told.characters;
                }
                told.stream.text(out, text.content());
                told.characters = told.characters.saturating_add(scalars(text));
            }
            Piece::Call(call) => told.call(&call, out),
            Piece::Code(code) => {
                told.settle(out);
                let id = format!("srvtoolu_{}_code{}", told.base, told.runs);
                told.runs += 1;
                told.stream.open_server_tool(out, &id, "code_execution");
                told.stream.whole_input(out, &sources::code_input(&code));
                told.stream.close(out);
                told.run = Some(id);
            }
            Piece::CodeResult(result) => {
                if let Some(id) = told.run.take() {
                    told.settle(out);
                    told.stream.whole_block(out, |out| {
                        sources::write_code_result(out, &id, &result);
                    });
                }
            }
            // Signatures and steps are told at the end; Messages has no place for files that a model made.
            Piece::Signature(_) | Piece::Step(_) | Piece::Media(_) => {}
        }
    }
}

/// Writes the whole answer `body` as one sequence of events, for clients that asked for a stream where the provider sent none; some
/// relays send a list of all chunks.
///
/// # Errors
/// The body is no answer, is an error sent with a success status, or holds nothing; nothing was written.
pub(crate) fn replay(
    body: &[u8],
    state: State,
    cx: AnswerContext,
    out: &mut BytesMut,
) -> Result<Usage, ClientError> {
    // The body was gathered under a limit already; what is held of it is never more.
    let mut machine = GeminiToMessages::new(state, cx, usize::MAX);
    gemini_in::feed_whole(&mut machine, body, out)?;
    Ok(machine.usage())
}
