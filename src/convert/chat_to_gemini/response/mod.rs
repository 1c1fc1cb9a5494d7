//! Whole answers: Gemini → Chat.
//!
//! Sources: OpenAI's `ChatCompletion` type, Google's `GenerateContentResponse`. The pieces that streams have in common with
//! whole answers are in the sub-modules.

pub(in crate::convert) mod content;
pub(super) mod extra;
pub(super) mod logprobs;
pub(super) mod usage;

#[cfg(test)]
mod tests;

use bytes::{BufMut, BytesMut};

use self::content::{Media, Offsets};
use super::state::State;
use crate::codec::write::{self, Array, Object};
use crate::convert::chat_answer::reasoning::Fields;
use crate::convert::context::{AnswerContext, ConvertedAnswer};
use crate::convert::gemini_in::{Finish, Head, Origin, Piece, Progress, Sink, Whole, Wholes};
use crate::endpoint::Format;
use crate::format::error::ClientError;

/// For whom answers are read.
pub(super) const ORIGIN: Origin = Origin::new(Format::Chat);

/// Converts a whole answer.
///
/// # Errors
/// The body is no answer, is an error sent with a success status, or holds nothing.
pub(crate) fn convert(
    body: &[u8],
    state: &State,
    cx: AnswerContext,
) -> Result<ConvertedAnswer, ClientError> {
    let answer = Wholes::read(body, ORIGIN, || Message::new(state, cx))?;
    let mut out = BytesMut::with_capacity(body.len() + 512);
    let mut object = Object::begin(&mut out);
    object
        .string("id", &format!("chatcmpl-{}", answer.head.base))
        .string("object", "chat.completion")
        .uint("created", cx.now)
        .raw(
            "model",
            answer.head.model.as_deref().unwrap_or(&state.model),
        );
    let mut choices = object.array("choices");
    for candidate in &answer.candidates {
        write_choice(&mut choices, candidate, state);
    }
    if let Some(reason) = &answer.blocked {
        write_blocked(&mut choices, reason);
    }
    choices.end();
    usage::write(object.key("usage"), &answer.tokens);
    object.end();
    Ok(ConvertedAnswer {
        body: out.freeze(),
        usage: answer.tokens.usage,
    })
}

fn write_choice(choices: &mut Array<'_>, candidate: &Whole<'_, Message<'_>>, state: &State) {
    let (said, progress) = (&candidate.sink, &candidate.progress);
    let mut choice = choices.object();
    choice.uint("index", candidate.index);
    let mut message = choice.object("message");
    message.string("role", "assistant");
    if said.content.is_empty() {
        message.raw("content", "null");
    } else {
        quoted(message.key("content"), &said.content);
    }
    message.raw("refusal", "null");
    if !said.reasoning.is_empty() {
        for key in Fields::of(state.reasoning).text_keys() {
            quoted(message.key(key), &said.reasoning);
        }
    }
    list(&mut message, "images", &said.images);
    if !said.audio.is_empty() {
        message.key("audio").put_slice(&said.audio);
    }
    let annotations = said.offsets.annotations(&progress.citations());
    if !annotations.is_empty() {
        annotations.write(message.key("annotations"));
    }
    list(&mut message, "tool_calls", &said.calls);
    extra::write(&mut message, progress);
    message.end();
    logprobs::write(choice.key("logprobs"), &candidate.view);
    choice.string("finish_reason", finish_reason(progress));
    choice.end();
}

fn write_blocked(choices: &mut Array<'_>, reason: &str) {
    let mut choice = choices.object();
    choice.uint("index", 0);
    let mut message = choice.object("message");
    message
        .string("role", "assistant")
        .raw("content", "null")
        .string("refusal", &content::blocked(reason));
    message.end();
    choice
        .raw("logprobs", "null")
        .string("finish_reason", "content_filter");
    choice.end();
}

/// OpenAI's `finish_reason`.
pub(super) fn finish_reason(progress: &Progress) -> &'static str {
    match progress.finish() {
        Finish::Length => "length",
        Finish::Filtered => "content_filter",
        Finish::Done | Finish::Failed if progress.called() => "tool_calls",
        Finish::Done | Finish::Failed => "stop",
    }
}

fn quoted(out: &mut BytesMut, content: &[u8]) {
    out.put_u8(b'"');
    out.put_slice(content);
    out.put_u8(b'"');
}

fn list(message: &mut Object<'_>, key: &str, elements: &[u8]) {
    if !elements.is_empty() {
        let out = message.key(key);
        out.put_u8(b'[');
        out.put_slice(elements);
        out.put_u8(b']');
    }
}

/// A message as it is told: members are JSON text.
#[derive(Debug)]
struct Message<'s> {
    state: &'s State,
    now: u64,
    base: String,
    /// The inside of a JSON string.
    content: BytesMut,
    /// The inside of a JSON string.
    reasoning: BytesMut,
    /// Elements of an array.
    calls: BytesMut,
    /// Elements of an array.
    images: BytesMut,
    /// An object.
    audio: BytesMut,
    offsets: Offsets,
}

impl<'s> Message<'s> {
    fn new(state: &'s State, cx: AnswerContext) -> Self {
        Self {
            state,
            now: cx.now,
            base: String::new(),
            content: BytesMut::new(),
            reasoning: BytesMut::new(),
            calls: BytesMut::new(),
            images: BytesMut::new(),
            audio: BytesMut::new(),
            offsets: Offsets::default(),
        }
    }

    fn insert(&mut self, text: &str) {
        write::string_content(&mut self.content, text);
        self.offsets.insert(text);
    }
}

impl Sink for Message<'_> {
    fn start(&mut self, head: &Head) {
        self.base.clone_from(&head.base);
    }

    fn piece(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Thought(text) => self.reasoning.put_slice(text.content().as_bytes()),
            Piece::Text(text) => {
                self.content.put_slice(text.content().as_bytes());
                self.offsets.text(text);
            }
            Piece::Code(code) => self.insert(&content::code_text(&code)),
            Piece::CodeResult(result) => self.insert(&content::result_text(&result)),
            Piece::Call(call) => {
                let mut element = next(&mut self.calls);
                content::write_call(&mut element, &call, self.state);
                element.end();
            }
            Piece::Media(blob) => match Media::of(&blob) {
                Some(Media::Image { media_type, data }) => {
                    let mut element = next(&mut self.images);
                    content::write_image(&mut element, media_type, data);
                    element.end();
                }
                Some(Media::Audio { data }) => {
                    self.audio.clear();
                    content::write_audio(&mut self.audio, &self.base, self.now, data);
                }
                None => {}
            },
            // In `extra_content`, where they are needed.
            Piece::Signature(_) | Piece::Step(_) => {}
        }
    }
}

/// The next element of a list that is an object.
fn next(elements: &mut BytesMut) -> Object<'_> {
    if !elements.is_empty() {
        elements.put_u8(b',');
    }
    Object::begin(elements)
}
