//! Whole answers: Converse → Responses, also written as a stream.

use bytes::BytesMut;

use super::sink::Items;
use super::state::State;
use crate::convert::context::{AnswerContext, ConvertedAnswer};
use crate::convert::converse_in::Whole;
use crate::endpoint::Format;
use crate::format::error::ClientError;
use crate::usage::Usage;

/// Converts a whole answer.
///
/// # Errors
/// The body is no Converse answer, or says that the model's output cannot be understood.
pub(crate) fn convert(
    body: &[u8],
    state: &State,
    cx: AnswerContext,
) -> Result<ConvertedAnswer, ClientError> {
    let whole = Whole::read(body, cx, Format::Responses)?;
    let mut items = Items::new(state.clone(), cx).without_events();
    let mut out = BytesMut::with_capacity(body.len() + body.len() / 2 + 2048);
    whole.tell(&mut items.sending(&mut out));
    let (end, usage) = items.conclude(&whole.ending);
    items.response.whole(end, &usage, &mut out);
    Ok(ConvertedAnswer {
        body: out.freeze(),
        usage: whole.ending.usage.unwrap_or_default(),
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
    let whole = Whole::read(body, cx, Format::Responses)?;
    let mut items = Items::new(state.clone(), cx);
    whole.tell(&mut items.sending(out));
    let (end, usage) = items.conclude(&whole.ending);
    items.response.finish(end, &usage, out);
    Ok(whole.ending.usage.unwrap_or_default())
}
