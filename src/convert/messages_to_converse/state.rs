//! What the answer's conversion needs to know of the request.

use std::borrow::Cow;

use crate::convert::converse_in::{Closing, Ending, Head, StopReason};
use crate::convert::envelope;
use crate::convert::messages_out::{self, Stop};
use crate::convert::tool_names::ToolNames;
use crate::format::raw::RawStr;
use crate::provider::Provider;
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

/// What stands for the signature of thinking, the inside of a JSON string: never nothing.
pub(super) fn signature(closing: Closing<'_>) -> Cow<'_, str> {
    closing.signature.map_or_else(
        || Cow::Owned(envelope::plain(Provider::AwsBedrock.id())),
        Cow::Borrowed,
    )
}

/// The tokens; all zero where the provider counted nothing.
pub(super) fn usage(ending: &Ending) -> Usage {
    ending.usage.unwrap_or_default()
}
