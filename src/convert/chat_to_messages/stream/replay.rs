//! A whole answer written as a stream, for clients that asked for one where the provider sent none.

use bytes::BytesMut;

use super::super::response;
use super::super::state::State;
use super::MessagesToChat;
use crate::convert::context::AnswerContext;
use crate::convert::machine::StreamError;
use crate::format::error::ClientError;
use crate::format::messages::StopReason;
use crate::usage::Usage;

/// Writes the whole answer `body` as one sequence of chunks, `[DONE]` included.
///
/// # Errors
/// The body is no Messages answer, or is an error sent with a success status; nothing was written.
pub(crate) fn replay(
    body: &[u8],
    state: State,
    cx: AnswerContext,
    out: &mut BytesMut,
) -> Result<Usage, ClientError> {
    let answer = response::read(body)?;
    let written = out.len();
    // The body was gathered under a limit already; what is held of it is never more.
    let mut machine = MessagesToChat::new(state, cx).with_held_limit(usize::MAX);
    machine.message_start(&answer, out);
    if let Some(reason) = answer.stop_reason.get() {
        machine.message_stopped(StopReason::read(reason), answer.stop_details);
    }
    let mut write = || -> Result<(), StreamError> {
        for (index, block) in (0..).zip(answer.content.as_deref().unwrap_or_default()) {
            machine.block_start(index, block, out)?;
            if machine.is_cut() {
                break;
            }
            machine.block_stop(index, out)?;
        }
        machine.epilogue(out)
    };
    if let Err(error) = write() {
        out.truncate(written);
        return Err(error.error);
    }
    Ok(machine.counts.usage())
}
