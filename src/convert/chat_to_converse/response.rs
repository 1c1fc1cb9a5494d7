//! Whole answers: Converse → Chat.
//!
//! Sources: OpenAI's `ChatCompletion` type, the `ConverseResponse` shape of the `bedrock-runtime` service model.

use bytes::{BufMut, BytesMut};

use super::sink::{Page, Telling, Told};
use super::state::State;
use crate::codec::write::{self, Object};
use crate::convert::chat_answer::annotations::Annotations;
use crate::convert::chat_answer::call::Call;
use crate::convert::chat_answer::head::{write_id, write_model};
use crate::convert::chat_answer::reasoning::{Fields, Signed};
use crate::convert::chat_answer::usage;
use crate::convert::context::{AnswerContext, ConvertedAnswer};
use crate::convert::converse_in::{Head, Whole, shown};
use crate::endpoint::Format;
use crate::format::error::ClientError;
use crate::format::raw::RawStr;
use crate::format::walk;

/// Converts a whole answer.
///
/// # Errors
/// The body is no Converse answer, or says that the model's output cannot be understood.
pub(crate) fn convert(
    body: &[u8],
    state: &State,
    cx: AnswerContext,
) -> Result<ConvertedAnswer, ClientError> {
    let whole = Whole::read(body, cx, Format::Chat)?;
    let mut told = Told::new(state.clone());
    let mut message = Message::default();
    let mut telling = Telling {
        told: &mut told,
        page: &mut message,
    };
    whole.tell(&mut telling);
    if told.is_cut() {
        told.cut(&mut &mut message);
    }

    let mut out = BytesMut::with_capacity(body.len() + 512);
    let mut object = Object::begin(&mut out);
    let id = State::id(&whole.head);
    write_id(object.key("id"), RawStr::from_json(&id), cx.now);
    object
        .string("object", "chat.completion")
        .uint("created", cx.now);
    write_model(object.key("model"), RawStr::from_json(&state.model));
    let mut choices = object.array("choices");
    let mut choice = choices.object();
    choice.uint("index", 0);
    message.write(choice.key("message"), told.fields, state.legacy_functions);
    choice
        .raw("logprobs", "null")
        .string("finish_reason", message.reason);
    choice.end();
    choices.end();
    if let Some(counts) = &whole.ending.usage {
        usage::write(object.key("usage"), &shown(counts));
    }
    if let Some(tier) = whole.ending.service_tier {
        object.string("service_tier", tier.openai());
    }
    object.end();
    Ok(ConvertedAnswer {
        body: out.freeze(),
        usage: whole.ending.usage.unwrap_or_default(),
    })
}

/// The message, in pieces. Texts are the inside of JSON strings, lists the inside of JSON arrays.
#[derive(Debug, Default)]
struct Message {
    content: BytesMut,
    reasoning: BytesMut,
    blocks: BytesMut,
    details: BytesMut,
    calls: BytesMut,
    annotations: BytesMut,
    reason: &'static str,
}

impl Message {
    fn write(&self, out: &mut BytesMut, fields: Fields, legacy: bool) {
        let mut message = Object::begin(out);
        message.string("role", "assistant");
        let out = message.key("content");
        if self.content.is_empty() {
            out.extend_from_slice(b"null");
        } else {
            enclosed(out, b'"', &self.content, b'"');
        }
        message.raw("refusal", "null");
        if !self.reasoning.is_empty() {
            for key in fields.text_keys() {
                enclosed(message.key(key), b'"', &self.reasoning, b'"');
            }
        }
        for (key, list, wanted) in [
            ("thinking_blocks", &self.blocks, fields.blocks),
            ("reasoning_details", &self.details, fields.details),
        ] {
            if wanted && !list.is_empty() {
                enclosed(message.key(key), b'[', list, b']');
            }
        }
        if !self.annotations.is_empty() {
            message
                .key("annotations")
                .extend_from_slice(&self.annotations);
        }
        if !self.calls.is_empty() {
            if legacy {
                let call = std::str::from_utf8(&self.calls).unwrap_or_default();
                let function = walk::member(call, "function").unwrap_or("null");
                message.raw("function_call", function);
            } else {
                enclosed(message.key("tool_calls"), b'[', &self.calls, b']');
            }
        }
        message.end();
    }
}

fn enclosed(out: &mut BytesMut, open: u8, text: &[u8], close: u8) {
    out.put_u8(open);
    out.extend_from_slice(text);
    out.put_u8(close);
}

fn separate(list: &mut BytesMut) {
    if !list.is_empty() {
        list.put_u8(b',');
    }
}

impl Page for &mut Message {
    fn start(&mut self, _: &Head) {}

    fn text(&mut self, text: &str) {
        self.content.extend_from_slice(text.as_bytes());
    }

    fn reasoning(&mut self, text: &str) {
        self.reasoning.extend_from_slice(text.as_bytes());
    }

    fn signed(&mut self, index: u64, block: Signed<'_>) {
        separate(&mut self.blocks);
        block.write_block(&mut self.blocks, None);
        separate(&mut self.details);
        block.write_detail(&mut self.details, index);
    }

    fn call(&mut self, _: u64, call: &Call) {
        let out = &mut self.calls;
        separate(out);
        out.extend_from_slice(b"{\"id\":");
        out.extend_from_slice(call.id.as_bytes());
        out.extend_from_slice(if call.custom {
            b",\"type\":\"custom\",\"custom\":{\"name\":"
        } else {
            b",\"type\":\"function\",\"function\":{\"name\":"
        });
        write::string(out, &call.name);
        out.extend_from_slice(if call.custom {
            b",\"input\":\""
        } else {
            b",\"arguments\":\""
        });
    }

    fn input(&mut self, _: u64, _: &Call, text: &str) {
        self.calls.extend_from_slice(text.as_bytes());
    }

    fn end_call(&mut self) {
        self.calls.extend_from_slice(b"\"}}");
    }

    fn stopped(&mut self, annotations: &Annotations, reason: &'static str) {
        if !annotations.is_empty() {
            annotations.write(&mut self.annotations);
        }
        self.reason = reason;
    }
}
