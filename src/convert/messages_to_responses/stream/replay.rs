//! A whole answer written as a stream, for clients that asked for one where the provider sent none.

use bytes::BytesMut;

use super::super::response;
use super::super::state::State;
use super::ResponsesToMessages;
use crate::convert::context::AnswerContext;
use crate::format::error::ClientError;
use crate::usage::Usage;

/// Writes the whole answer `body` as one sequence of events.
///
/// # Errors
/// The body is no Responses answer, or is an error sent with a success status; nothing was written.
pub(crate) fn replay(
    body: &[u8],
    state: State,
    cx: AnswerContext,
    out: &mut BytesMut,
) -> Result<Usage, ClientError> {
    let (answer, _) = response::read(body)?;
    let written = out.len();
    // The body was gathered under a limit already; what is held of it is never more.
    let mut machine = ResponsesToMessages::new(state, cx).with_held_limit(usize::MAX);
    if let Err(error) = machine.terminal(&answer, response::status(&answer), out) {
        out.truncate(written);
        return Err(error.error);
    }
    Ok(machine.usage)
}
