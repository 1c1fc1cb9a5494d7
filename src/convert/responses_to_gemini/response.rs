//! Whole answers: Gemini → Responses, also written as a stream.

use bytes::BytesMut;

use super::sink::{Items, Whole};
use super::state::State;
use super::stream::GeminiToResponses;
use crate::convert::context::{AnswerContext, ConvertedAnswer};
use crate::convert::gemini_in::{Origin, Wholes};
use crate::convert::machine::{Machine, StreamError};
use crate::convert::responses_out::End;
use crate::endpoint::Format;
use crate::format::error::ClientError;
use crate::format::walk;
use crate::usage::Usage;

/// For whom answers are read.
pub(super) const ORIGIN: Origin = Origin::new(Format::Responses);

/// Reads an answer into the items that `new` makes.
fn read(body: &[u8], new: impl Fn() -> Items) -> Result<(Whole, End, Usage), ClientError> {
    let begin = || Whole {
        items: new(),
        out: BytesMut::new(),
    };
    let answer = Wholes::read(body, ORIGIN, begin)?;
    let first = answer.candidates.into_iter().min_by_key(|one| one.index);
    let (whole, end) = if let Some(mut candidate) = first {
        let Whole { items, out } = &mut candidate.sink;
        let end = items.conclude(&candidate.progress, out);
        (candidate.sink, end)
    } else {
        let mut whole = begin();
        whole.items.begin(&answer.head, &mut whole.out);
        let reason = answer.blocked.unwrap_or_default();
        let end = whole.items.block(&reason, &mut whole.out);
        (whole, end)
    };
    Ok((whole, end, answer.tokens.usage))
}

/// Converts a whole answer.
///
/// # Errors
/// The body is no answer, is an error sent with a success status, or holds nothing.
pub(crate) fn convert(
    body: &[u8],
    state: &State,
    cx: AnswerContext,
) -> Result<ConvertedAnswer, ClientError> {
    let new = || Items::new(state.clone(), cx).without_events();
    let (mut whole, end, usage) = read(body, new)?;
    let mut out = BytesMut::with_capacity(body.len() + body.len() / 2 + 2048);
    whole.items.response.whole(end, &usage, &mut out);
    Ok(ConvertedAnswer {
        body: out.freeze(),
        usage,
    })
}

/// Writes a whole answer as the stream that the client asked for; some relays send a list of all chunks.
///
/// # Errors
/// As [`convert`]; nothing was written.
pub(crate) fn replay(
    body: &[u8],
    state: &State,
    cx: AnswerContext,
    out: &mut BytesMut,
) -> Result<Usage, ClientError> {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let chunks = walk::is_array(text) && walk::elements(text).all(walk::is_object);
    if chunks && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        return replay_chunks(text, state, cx, out);
    }
    let (mut whole, end, usage) = read(body, || Items::new(state.clone(), cx))?;
    whole.items.response.finish(end, &usage, &mut whole.out);
    out.extend_from_slice(&whole.out);
    Ok(usage)
}

fn replay_chunks(
    chunks: &str,
    state: &State,
    cx: AnswerContext,
    out: &mut BytesMut,
) -> Result<Usage, ClientError> {
    let written = out.len();
    // The body was gathered under a limit already; what is held of it is never more.
    let mut machine = GeminiToResponses::new(state.clone(), cx, usize::MAX);
    let mut write = || -> Result<(), StreamError> {
        for chunk in walk::elements(chunks) {
            machine.event("", chunk.as_bytes(), out)?;
        }
        machine.finish(out)
    };
    if let Err(error) = write() {
        out.truncate(written);
        return Err(error.error);
    }
    Ok(machine.usage())
}
