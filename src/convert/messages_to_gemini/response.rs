//! Whole answers: Gemini → message.
//!
//! Sources: Anthropic's `Message` type with its server tool blocks, Google's `GenerateContentResponse`.

use bytes::BytesMut;

use super::sources::{self, Cited};
use super::state::{self, ORIGIN, State};
use crate::convert::context::{AnswerContext, ConvertedAnswer};
use crate::convert::gemini_envelope::{self, Signature};
use crate::convert::gemini_in::{Head, Piece, Progress, Sink, Wholes};
use crate::convert::messages_out::blocks::{self, Citations, Content};
use crate::convert::messages_out::write_plain_message;
use crate::convert::messages_to_chat::ids::CallIds;
use crate::convert::scalars::scalars;
use crate::format::error::ClientError;

/// Converts a whole answer.
///
/// # Errors
/// The body is no answer, is an error sent with a success status, or holds nothing.
pub(crate) fn convert(
    body: &[u8],
    state: &State,
    cx: AnswerContext,
) -> Result<ConvertedAnswer, ClientError> {
    let answer = Wholes::read(body, ORIGIN, || Message::new(state))?;
    let first = answer.candidates.first();
    let progress = first.map(|first| &first.progress);
    let mut content = Content::default();
    let mut searched = false;
    if let Some(first) = first {
        searched = first.sink.write(&first.progress, &mut content);
    }
    let explanation = state::explanation(answer.blocked.as_deref(), progress);
    let usage = state::usage(answer.tokens.usage, searched);
    let mut out = BytesMut::with_capacity(body.len() + 512);
    write_plain_message(
        &mut out,
        &state.head(&answer.head, cx.now),
        content.json(),
        &state::stop(progress, explanation.as_deref()),
        &usage,
        None,
    );
    Ok(ConvertedAnswer {
        body: out.freeze(),
        usage,
    })
}

/// A message as it is told.
#[derive(Debug)]
struct Message<'s> {
    state: &'s State,
    base: String,
    ids: CallIds,
    /// The inside of a JSON string.
    thoughts: String,
    signatures: Vec<Signature>,
    blocks: Vec<Block>,
    /// The characters of the answer's text so far.
    characters: u64,
    /// How often code was run, and the block of the last run without a result yet.
    runs: u64,
    run: Option<String>,
}

#[derive(Debug)]
enum Block {
    Text {
        /// The inside of a JSON string.
        content: String,
        /// Where in the answer's text it begins and ends, in characters.
        start: u64,
        end: u64,
    },
    /// JSON text.
    Whole(BytesMut),
}

impl<'s> Message<'s> {
    fn new(state: &'s State) -> Self {
        Self {
            state,
            base: String::new(),
            ids: CallIds::default(),
            thoughts: String::new(),
            signatures: Vec::new(),
            blocks: Vec::new(),
            characters: 0,
            runs: 0,
            run: None,
        }
    }

    fn whole(&mut self, write: impl FnOnce(&mut BytesMut)) {
        let mut block = BytesMut::new();
        write(&mut block);
        self.blocks.push(Block::Whole(block));
    }

    /// Writes the blocks: what was thought, what was looked up, what was said. Tells whether there was a search.
    fn write(&self, progress: &Progress, content: &mut Content) -> bool {
        let carrier = if progress.replay().is_some() {
            state::carrier(progress)
        } else {
            let mut signatures = self.signatures.clone();
            let value = progress.signature().map(str::to_owned);
            signatures.extend(value.map(|value| Signature::Message { value }));
            let says = !(signatures.is_empty() && self.thoughts.is_empty());
            says.then(|| gemini_envelope::write(&signatures))
        };
        if let Some(carrier) = carrier {
            blocks::thinking(content.next(), &self.thoughts, &carrier);
        }
        let ran = sources::ran(progress, self.state, &self.base);
        for ran in &ran {
            blocks::server_tool_use(content.next(), &ran.id, ran.name, &ran.input);
            content.next().extend_from_slice(&ran.result);
        }
        let cited = Cited::of(progress);
        for block in &self.blocks {
            match block {
                Block::Whole(json) => content.next().extend_from_slice(json),
                Block::Text {
                    content: text,
                    start,
                    end,
                } => {
                    let mut citations = Citations::default();
                    if let Some(cited) = &cited {
                        cited.between(*start, *end, |url, title, words| {
                            citations.page(url, title, words);
                        });
                    }
                    blocks::text(content.next(), text, Some(&citations));
                }
            }
        }
        sources::has_search(&ran)
    }
}

impl Sink for Message<'_> {
    fn start(&mut self, head: &Head) {
        self.base.clone_from(&head.base);
    }

    fn piece(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Thought(text) => self.thoughts.push_str(text.content()),
            Piece::Text(text) => {
                let from = self.characters;
                self.characters = from.saturating_add(scalars(text));
                if let Some(Block::Text { content, end, .. }) = self.blocks.last_mut() {
                    content.push_str(text.content());
                    *end = self.characters;
                } else {
                    self.blocks.push(Block::Text {
                        content: text.content().to_owned(),
                        start: from,
                        end: self.characters,
                    });
                }
            }
            Piece::Call(call) => {
                let id = self.ids.show(&call.id, &self.base);
                if let Some(signature) = call.signature {
                    self.signatures.push(Signature::Call {
                        id: id.clone(),
                        value: signature.content().to_owned(),
                    });
                }
                let mut input = BytesMut::new();
                blocks::tool_input(&mut input, call.args);
                let input = std::str::from_utf8(&input).unwrap_or("{}");
                let name = self.state.tools.original(&call.name).to_owned();
                self.whole(|out| blocks::tool_use(out, &id, &name, input));
            }
            Piece::Code(code) => {
                let id = format!("srvtoolu_{}_code{}", self.base, self.runs);
                self.runs += 1;
                let input = sources::code_input(&code);
                self.whole(|out| blocks::server_tool_use(out, &id, "code_execution", &input));
                self.run = Some(id);
            }
            Piece::CodeResult(result) => {
                if let Some(id) = self.run.take() {
                    self.whole(|out| sources::write_code_result(out, &id, &result));
                }
            }
            // Signatures and steps are told at the end; Messages has no place for files that a model made.
            Piece::Signature(_) | Piece::Step(_) | Piece::Media(_) => {}
        }
    }
}
