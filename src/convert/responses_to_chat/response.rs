//! Whole answers: Chat → Responses, also written as a stream.

use bytes::BytesMut;

use super::sink::Items;
use super::state::State;
use crate::convert::chat_in::Whole;
use crate::convert::context::{AnswerContext, ConvertedAnswer};
use crate::format::error::ClientError;
use crate::usage::Usage;

/// Converts a whole answer.
///
/// # Errors
/// The body is no completion, or is an error sent with a success status.
pub(crate) fn convert(
    body: &[u8],
    state: &State,
    cx: AnswerContext,
) -> Result<ConvertedAnswer, ClientError> {
    let whole = Whole::read(body, &state.origin)?;
    let mut items = Items::new(state.clone(), cx).without_events();
    let mut out = BytesMut::with_capacity(body.len() + 2048);
    whole.tell(&mut items.sending(&mut out));
    items.say_something(&mut out);
    let (end, usage) = items.conclude(&whole.ending);
    items.response.whole(end, &usage, &mut out);
    Ok(ConvertedAnswer {
        body: out.freeze(),
        usage: whole.used(usage),
    })
}

/// Writes a whole answer as the stream that the client asked for.
///
/// # Errors
/// As [`convert`]; nothing was written.
pub(crate) fn replay(
    body: &[u8],
    state: &State,
    cx: AnswerContext,
    out: &mut BytesMut,
) -> Result<Usage, ClientError> {
    let whole = Whole::read(body, &state.origin)?;
    let mut items = Items::new(state.clone(), cx);
    whole.tell(&mut items.sending(out));
    items.say_something(out);
    let (end, usage) = items.conclude(&whole.ending);
    items.response.finish(end, &usage, out);
    Ok(whole.used(usage))
}
