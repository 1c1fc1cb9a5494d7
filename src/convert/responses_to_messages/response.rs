//! Whole answers: Messages → Responses. A whole answer is what a stream of the same blocks would end with.

use bytes::BytesMut;
use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::state::State;
use super::stream::MessagesToResponses;
use crate::convert::anthropic_error;
use crate::convert::context::{AnswerContext, ConvertedAnswer};
use crate::endpoint::Format;
use crate::format::error::{ClientError, Fault};
use crate::format::messages::{Answer, Text};
use crate::usage::Usage;

/// Anthropic's `Message`, its blocks as they were written: carriers need them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Whole<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    model: Text<'a>,
    #[serde(borrow)]
    content: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    stop_reason: Text<'a>,
    #[serde(borrow)]
    stop_details: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

/// Converts a whole answer.
///
/// # Errors
/// The body is no Messages answer, or is an error sent with a success status.
pub(crate) fn convert(
    body: &[u8],
    state: &State,
    cx: AnswerContext,
) -> Result<ConvertedAnswer, ClientError> {
    let mut machine = MessagesToResponses::new(state.clone(), cx).without_events();
    let mut out = BytesMut::with_capacity(body.len() + body.len() / 2 + 2048);
    drive(&mut machine, body, &mut out)?;
    machine.write_whole(&mut out);
    Ok(ConvertedAnswer {
        body: out.freeze(),
        usage: machine.counted(),
    })
}

/// Writes a whole answer as a stream, for clients that asked for one where the provider sent none.
///
/// # Errors
/// The body is no Messages answer, or is an error sent with a success status; nothing was written.
pub(crate) fn replay(
    body: &[u8],
    state: State,
    cx: AnswerContext,
    out: &mut BytesMut,
) -> Result<Usage, ClientError> {
    let written = out.len();
    let mut machine = MessagesToResponses::new(state, cx).with_held_limit(usize::MAX);
    if let Err(error) = drive(&mut machine, body, out) {
        out.truncate(written);
        return Err(error);
    }
    machine.epilogue(out);
    Ok(machine.counted())
}

/// Feeds the blocks of a whole answer to the machine for streams, up to its end.
fn drive(
    machine: &mut MessagesToResponses,
    body: &[u8],
    out: &mut BytesMut,
) -> Result<(), ClientError> {
    let answer = read(body)?;
    let head = Answer {
        id: answer.id,
        model: answer.model,
        usage: answer.usage,
        ..Answer::default()
    };
    machine.message_start(&head, out);
    machine.message_stopped(answer.stop_reason.get(), answer.stop_details);
    for (index, raw) in (0..).zip(answer.content.iter().flatten()) {
        machine
            .block_start(index, raw.get(), out)
            .map_err(|error| error.error)?;
        machine.block_stop(index, out);
    }
    Ok(())
}

fn read(body: &[u8]) -> Result<Whole<'_>, ClientError> {
    let malformed = || {
        ClientError::gateway(
            Format::Responses,
            Fault::BadGateway,
            "the provider's answer is no Messages answer",
        )
    };
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(malformed());
    }
    let answer: Whole<'_> = serde_json::from_slice(body).map_err(|_| malformed())?;
    match answer.kind.get() {
        Some(kind) if kind.is("error") => {
            Err(anthropic_error::convert(StatusCode::BAD_GATEWAY, body))
        }
        Some(kind) if kind.is("message") => Ok(answer),
        _ if answer.content.is_some() => Ok(answer),
        _ => Err(malformed()),
    }
}
