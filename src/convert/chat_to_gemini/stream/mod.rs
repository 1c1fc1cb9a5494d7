//! Streams: Gemini's chunks → Chat chunks.
//!
//! Each part becomes one chunk. What is known at the end only, citations among it, comes with the finish reason: OpenAI's
//! `stream()` helpers merge lists by an `index` that annotations do not have.

mod chunk;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod validate;

use bytes::BytesMut;

use self::chunk::Chunks;
use super::response::content::{self, Media, Offsets};
use super::response::{ORIGIN, extra, finish_reason, logprobs};
use super::state::State;
use crate::convert::chat_answer::reasoning::Fields;
use crate::convert::context::AnswerContext;
use crate::convert::gemini_in::{Head, Piece, Reader, Sink};
use crate::convert::machine::{Flow, Machine, StreamError};
use crate::endpoint::Format;
use crate::format::error::ClientError;
use crate::format::gemini::Candidate;
use crate::format::walk;
use crate::usage::Usage;

/// Converts the chunks of a stream.
#[derive(Debug)]
pub(crate) struct GeminiToChat {
    reader: Reader,
    said: Said,
    ended: bool,
}

/// What was said to the client.
#[derive(Debug)]
struct Said {
    state: State,
    fields: Fields,
    now: u64,
    base: String,
    chunks: Chunks,
    offsets: Offsets,
    /// Calls so far: the next one's index.
    calls: u64,
    /// Images so far: the next one's index.
    images: u64,
}

impl GeminiToChat {
    /// A converter for one answer; `limit` bounds what it holds for the next request, in bytes.
    pub(crate) fn new(state: State, cx: AnswerContext, limit: usize) -> Self {
        Self {
            reader: Reader::new(ORIGIN, limit),
            said: Said {
                fields: Fields::of(state.reasoning),
                now: cx.now,
                base: String::new(),
                chunks: Chunks::new(state.include_usage),
                offsets: Offsets::default(),
                calls: 0,
                images: 0,
                state,
            },
            ended: false,
        }
    }

    fn epilogue(&mut self, out: &mut BytesMut) {
        let progress = self.reader.progress();
        let said = &mut self.said;
        if let Some(reason) = self.reader.blocked() {
            said.chunks.delta(out, |delta| {
                delta.string("refusal", &content::blocked(reason));
            });
            said.chunks.finish(out, "content_filter", |_| {});
        } else {
            let annotations = said.offsets.annotations(&progress.citations());
            said.chunks.finish(out, finish_reason(progress), |delta| {
                if !annotations.is_empty() {
                    annotations.write(delta.key("annotations"));
                }
                extra::write(delta, progress);
            });
        }
        if said.state.include_usage {
            said.chunks.usage(out, &self.reader.tokens());
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
        self.ended = true;
    }
}

impl Machine for GeminiToChat {
    fn event(&mut self, name: &str, data: &[u8], out: &mut BytesMut) -> Result<Flow, StreamError> {
        if self.ended {
            return Ok(Flow::Done);
        }
        let written = out.len();
        let mut writer = Writer {
            said: &mut self.said,
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
        if !self.ended {
            self.reader.finish()?;
            self.epilogue(out);
        }
        Ok(())
    }

    fn fail(&mut self, error: &StreamError, out: &mut BytesMut) {
        if !self.ended {
            self.ended = true;
            error.error.write_event(Format::Chat, 0, out);
        }
    }

    fn usage(&self) -> Usage {
        self.reader.tokens().usage
    }
}

/// Writes what the reader tells.
struct Writer<'m, 'o> {
    said: &'m mut Said,
    out: &'o mut BytesMut,
}

impl Writer<'_, '_> {
    fn insert(&mut self, text: &str) {
        self.said.offsets.insert(text);
        self.said.chunks.delta(self.out, |delta| {
            delta.string("content", text);
        });
    }
}

impl Sink for Writer<'_, '_> {
    fn start(&mut self, head: &Head) {
        let said = &mut *self.said;
        said.base.clone_from(&head.base);
        let model = head.model.as_deref().unwrap_or(&said.state.model);
        said.chunks.set_head(&head.base, said.now, model);
    }

    fn piece(&mut self, piece: Piece<'_>) {
        let (said, out) = (&mut *self.said, &mut *self.out);
        match piece {
            Piece::Thought(text) if said.fields.any() => {
                said.chunks.delta(out, |delta| {
                    for key in said.fields.text_keys() {
                        delta.raw(key, text.json());
                    }
                });
            }
            Piece::Text(text) => {
                said.offsets.text(text);
                said.chunks.delta(out, |delta| {
                    delta.raw("content", text.json());
                });
            }
            Piece::Code(code) => self.insert(&content::code_text(&code)),
            Piece::CodeResult(result) => self.insert(&content::result_text(&result)),
            Piece::Call(call) => {
                said.chunks.delta(out, |delta| {
                    let mut list = delta.array("tool_calls");
                    let mut element = list.object();
                    element.uint("index", said.calls);
                    content::write_call(&mut element, &call, &said.state);
                    element.end();
                    list.end();
                });
                said.calls += 1;
            }
            Piece::Media(blob) => match Media::of(&blob) {
                Some(Media::Image { media_type, data }) => {
                    said.chunks.delta(out, |delta| {
                        let mut list = delta.array("images");
                        let mut element = list.object();
                        element.uint("index", said.images);
                        content::write_image(&mut element, media_type, data);
                        element.end();
                        list.end();
                    });
                    said.images += 1;
                }
                Some(Media::Audio { data }) => said.chunks.delta(out, |delta| {
                    content::write_audio(delta.key("audio"), &said.base, said.now, data);
                }),
                None => {}
            },
            // Thoughts that the client does not want; the others come with the finish reason, where they are needed.
            Piece::Thought(_) | Piece::Signature(_) | Piece::Step(_) => {}
        }
    }

    fn end(&mut self, candidate: &Candidate<'_>) {
        if candidate.logprobs_result.is_some() {
            self.said.chunks.logprobs(self.out, |out| {
                logprobs::write(out, candidate);
            });
        }
    }
}

/// Writes the whole answer `body` as one sequence of chunks, `[DONE]` included, for clients that asked for a stream where the
/// provider sent none; some relays send a list of all chunks.
///
/// # Errors
/// The body is no answer, is an error sent with a success status, or holds nothing; nothing was written.
pub(crate) fn replay(
    body: &[u8],
    state: State,
    cx: AnswerContext,
    out: &mut BytesMut,
) -> Result<Usage, ClientError> {
    let written = out.len();
    // The body was gathered under a limit already; what is held of it is never more.
    let mut machine = GeminiToChat::new(state, cx, usize::MAX);
    let mut write = || -> Result<(), StreamError> {
        let text = std::str::from_utf8(body).unwrap_or_default();
        let chunks = walk::elements(text).all(walk::is_object) && walk::is_array(text);
        if chunks && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
            for chunk in walk::elements(text) {
                machine.event("", chunk.as_bytes(), out)?;
            }
        } else {
            machine.event("", body, out)?;
        }
        machine.finish(out)
    };
    if let Err(error) = write() {
        out.truncate(written);
        return Err(error.error);
    }
    Ok(machine.usage())
}
