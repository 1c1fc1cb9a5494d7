//! What whole answers and streams end with, and how thinking is signed.

use super::ids::CallIds;
use super::state::State;
use crate::convert::chat_in::{Ending, Finish, Head};
use crate::convert::envelope;
use crate::convert::gemini_envelope::{self, Signature};
use crate::convert::messages_out;
use crate::convert::messages_out::Stop;
use crate::format::raw::RawStr;
use crate::usage::Usage;

/// Why the message ends. Which stop sequence was met, Chat does not tell.
pub(super) fn stop(ending: &Ending) -> Stop<'static> {
    match ending.finish {
        Finish::Length => Stop::MaxTokens,
        Finish::Filtered => Stop::Refusal { explanation: None },
        Finish::Done if ending.called => Stop::ToolUse,
        Finish::Done => Stop::EndTurn,
    }
}

/// The tokens as the client gets them; `searches` is how many searches the answer shows.
pub(super) fn usage(known: Option<Usage>, searches: Option<u64>) -> Usage {
    let mut usage = known.unwrap_or_default();
    usage.reasoning = usage.reasoning.filter(|count| *count > 0);
    usage.web_searches = usage.web_searches.or(searches);
    usage
}

/// The head of the message.
pub(super) fn head(head: &Head, state: &State, now: u64) -> messages_out::Head {
    // The base of ids is made of letters and digits.
    let id = format!("\"{}\"", head.base);
    let model = head.model.as_deref().unwrap_or(&state.model);
    messages_out::Head::new(RawStr::from_json(&id), "", RawStr::from_json(model), now)
}

/// The signature of a thinking block: Google's own in the gateway's carrier, or a carrier of nothing, since no block may be
/// without a signature.
pub(super) fn signature(
    signatures: &[Signature],
    ids: &mut CallIds,
    base: &str,
    state: &State,
) -> String {
    if state.origin.profile.thought_signatures {
        return gemini_envelope::write(&ids.sign(signatures, base));
    }
    envelope::plain(state.origin.provider.id())
}
