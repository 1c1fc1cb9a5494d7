//! What the answer's conversion needs to know of the request.

use crate::convert::converse_in::{Ending, Head, StopReason};
use crate::convert::messages_out::{self, Stop};
use crate::convert::tool_names::ToolNames;
use crate::format::raw::RawStr;
use crate::usage::Usage;

/// Made by the request's conversion, read by the answer's.
#[derive(Debug, Clone)]
pub(crate) struct State {
    /// The model that the client asked for, as a JSON string: Converse's answers name none.
    pub(crate) model: String,
    /// The tools' names as they were sent, where they differ from the client's.
    pub(crate) tools: ToolNames,
}

impl State {
    /// The head of the message.
    pub(super) fn head(&self, head: &Head, now: u64) -> messages_out::Head {
        // The base of ids is made of letters and digits.
        let id = format!("\"bdrk_{}\"", head.base);
        let model = RawStr::from_json(&self.model);
        messages_out::Head::new(RawStr::from_json(&id), "", model, now)
    }
}

/// Why the message ends.
pub(super) fn stop(ending: &Ending) -> Stop<'_> {
    let sequence = match ending.reason {
        StopReason::StopSequence => ending.stop_sequence.as_deref(),
        _ => None,
    };
    Stop::Word {
        reason: ending.reason.messages(),
        sequence,
    }
}

/// The tokens; all zero where the provider counted nothing.
pub(super) fn usage(ending: &Ending) -> Usage {
    ending.usage.unwrap_or_default()
}
