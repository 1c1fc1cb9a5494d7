//! Whole answers: Messages → Chat.
//!
//! Sources: OpenAI's `ChatCompletion` type, Anthropic's `Message` type. The pieces that streams have in common with whole
//! answers are in the sub-modules.

mod cut;
pub(super) mod reasoning;
pub(super) mod tools;

#[cfg(test)]
mod tests;

use bytes::{BufMut, BytesMut};
use http::StatusCode;
use serde_json::value::RawValue;

use self::cut::Cut;
use super::state::State;
use crate::codec::write::{self, Object};
use crate::convert::anthropic_error;
use crate::convert::chat_answer::annotations::Annotations;
use crate::convert::chat_answer::head::{write_id, write_model};
use crate::convert::chat_answer::reasoning::{Fields, SEPARATOR};
use crate::convert::chat_answer::usage;
use crate::convert::context::{AnswerContext, ConvertedAnswer};
use crate::convert::scalars::scalars;
use crate::endpoint::Format;
use crate::format::error::{ClientError, Fault};
use crate::format::messages::{
    Answer, Block, Citation, Counts, ServiceTier, StopDetails, StopReason,
};
use crate::format::raw::RawStr;

/// Converts a whole answer.
///
/// # Errors
/// The body is no Messages answer, or is an error sent with a success status.
pub(crate) fn convert(
    body: &[u8],
    state: &State,
    cx: AnswerContext,
) -> Result<ConvertedAnswer, ClientError> {
    let answer = read(body)?;
    let blocks = answer.content.as_deref().unwrap_or_default();
    let (blocks, cut) = Cut::at_stop(blocks, &state.stops);
    let mut counts = Counts::default();
    counts.update(answer.usage);
    let usage = counts.usage();
    let stop = match cut {
        Some(_) => Some(StopReason::Finished),
        None => answer.stop_reason.get().map(StopReason::read),
    };

    let mut out = BytesMut::with_capacity(body.len() + 512);
    let mut object = Object::begin(&mut out);
    write_id(object.key("id"), answer.id.get(), cx.now);
    object
        .string("object", "chat.completion")
        .uint("created", cx.now);
    write_model(object.key("model"), answer.model.get());
    let mut choices = object.array("choices");
    let mut choice = choices.object();
    choice.uint("index", 0);
    let mut message = choice.object("message");
    let called = write_message(&mut message, blocks, cut.as_ref(), state);
    let refusal = (stop == Some(StopReason::Refusal))
        .then(|| StopDetails::read(answer.stop_details).explanation.get())
        .flatten();
    message.raw("refusal", refusal.map_or("null", RawStr::json));
    message.end();
    choice
        .raw("logprobs", "null")
        .string("finish_reason", finish_reason(stop, called, state));
    choice.end();
    choices.end();
    if let Some(tier) = service_tier(&counts) {
        object.string("service_tier", tier);
    }
    usage::write(object.key("usage"), &usage);
    object.end();
    Ok(ConvertedAnswer {
        body: out.freeze(),
        usage,
    })
}

/// Reads a whole answer.
pub(super) fn read(body: &[u8]) -> Result<Answer<'_>, ClientError> {
    let malformed = || {
        ClientError::gateway(
            Format::Chat,
            Fault::BadGateway,
            "the provider's answer is no Messages answer",
        )
    };
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(malformed());
    }
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|_| malformed())?;
    match answer.kind.get() {
        Some(kind) if kind.is("error") => {
            Err(anthropic_error::convert(StatusCode::BAD_GATEWAY, body))
        }
        Some(kind) if kind.is("message") => Ok(answer),
        _ if answer.content.is_some() => Ok(answer),
        _ => Err(malformed()),
    }
}

/// Writes the message's members but `refusal`; tells whether it calls one of the client's tools.
fn write_message(
    message: &mut Object<'_>,
    blocks: &[Block<'_>],
    cut: Option<&Cut>,
    state: &State,
) -> bool {
    message.string("role", "assistant");
    let called = blocks.iter().any(|block| is(block, "tool_use"));
    let annotations = write_content(message, blocks, cut, called);
    write_reasoning(message, blocks, Fields::of(state.reasoning));
    if !annotations.is_empty() {
        annotations.write(message.key("annotations"));
    }
    if called {
        let mut calls = blocks.iter().filter(|block| is(block, "tool_use"));
        if state.legacy_functions {
            if let Some(block) = calls.next() {
                let call = tools::call(block, 0, state);
                call.write_function(message.key("function_call"), input_of(block));
            }
        } else {
            let mut array = message.array("tool_calls");
            for (ord, block) in (0..).zip(calls) {
                let mut element = array.object();
                let call = tools::call(block, ord, state);
                call.write(&mut element, input_of(block));
                element.end();
            }
            array.end();
        }
    }
    called
}

/// Writes `content`, with the text that was cut at its end; returns the citations, with their place in it.
fn write_content(
    message: &mut Object<'_>,
    blocks: &[Block<'_>],
    cut: Option<&Cut>,
    called: bool,
) -> Annotations {
    let mut annotations = Annotations::default();
    let mut texts = blocks
        .iter()
        .filter(|block| is(block, "text"))
        .filter_map(|block| Some((block, block.text.get()?)))
        .peekable();
    let out = message.key("content");
    if called && texts.peek().is_none() && cut.is_none() {
        out.extend_from_slice(b"null");
        return annotations;
    }
    let mut length = 0;
    out.put_u8(b'"');
    for (block, text) in texts {
        let start = length;
        out.extend_from_slice(text.content().as_bytes());
        length += scalars(text);
        for citation in Citation::list(block.citations) {
            annotations.push(citation, start, length);
        }
    }
    if let Some(Cut { text }) = cut {
        write::string_content(out, text);
    }
    out.put_u8(b'"');
    annotations
}

fn write_reasoning(message: &mut Object<'_>, blocks: &[Block<'_>], fields: Fields) {
    let mut texts = blocks
        .iter()
        .filter(|block| is(block, "thinking"))
        .filter_map(|block| block.thinking.non_empty())
        .peekable();
    if texts.peek().is_some() {
        for key in fields.text_keys() {
            let out = message.key(key);
            out.put_u8(b'"');
            for (at, text) in texts.clone().enumerate() {
                if at > 0 {
                    out.extend_from_slice(SEPARATOR.as_bytes());
                }
                out.extend_from_slice(text.content().as_bytes());
            }
            out.put_u8(b'"');
        }
    }
    let mut signed = blocks.iter().filter_map(reasoning::signed).peekable();
    if signed.peek().is_none() {
        return;
    }
    if fields.blocks {
        let mut array = message.array("thinking_blocks");
        for block in signed.clone() {
            block.write_block(array.element(), None);
        }
        array.end();
    }
    if fields.details {
        let mut array = message.array("reasoning_details");
        for (index, block) in (0..).zip(signed) {
            block.write_detail(array.element(), index);
        }
        array.end();
    }
}

/// Whether the block is of type `kind`.
pub(super) fn is(block: &Block<'_>, kind: &str) -> bool {
    block.kind.get().is_some_and(|found| found.is(kind))
}

fn input_of<'a>(block: &Block<'a>) -> &'a str {
    block.input.map_or("{}", RawValue::get)
}

/// OpenAI's `finish_reason`; `called` when the message calls one of the client's tools.
pub(super) fn finish_reason(stop: Option<StopReason>, called: bool, state: &State) -> &'static str {
    let calls = if state.legacy_functions {
        "function_call"
    } else {
        "tool_calls"
    };
    match stop {
        // What is cut or unfinished can be continued; "stop" would hide that.
        Some(StopReason::Length | StopReason::Paused) => "length",
        Some(StopReason::Refusal) => "content_filter",
        Some(StopReason::ToolUse) => calls,
        Some(StopReason::Finished) | None if called => calls,
        Some(StopReason::Finished) | None => "stop",
    }
}

fn service_tier(counts: &Counts) -> Option<&'static str> {
    match counts.service_tier()? {
        ServiceTier::Standard => Some("default"),
        ServiceTier::Priority => Some("priority"),
        ServiceTier::Batch => None,
    }
}
