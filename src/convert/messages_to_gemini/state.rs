//! What the answer's conversion needs to know of the request, and what every answer ends with.

use crate::convert::gemini_envelope::{self, Signature};
use crate::convert::gemini_in::{Finish, Head, Origin, Progress};
use crate::convert::messages_out::{self, Stop};
use crate::convert::tool_names::ToolNames;
use crate::endpoint::Format;
use crate::format::raw::RawStr;
use crate::usage::Usage;

/// For whom answers are read.
pub(super) const ORIGIN: Origin = Origin::new(Format::Messages);

/// Made by the request's conversion, read by the answer's.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// The model that was asked for, for answers that do not name theirs: a JSON string.
    pub(crate) model: String,
    /// Google's search was asked for: the client reads the blocks of one.
    pub(crate) wants_search: bool,
    /// The functions' names as they were sent, and what they stand for.
    pub(crate) tools: ToolNames,
}

impl State {
    /// The head of the message.
    pub(super) fn head(&self, head: &Head, now: u64) -> messages_out::Head {
        // The base of ids is made of letters and digits.
        let id = format!("\"{}\"", head.base);
        let model = head.model.as_deref().unwrap_or(&self.model);
        messages_out::Head::new(RawStr::from_json(&id), "", RawStr::from_json(model), now)
    }
}

/// Why an answer that was filtered ends, as a JSON string; `blocked` is why there is none.
pub(super) fn explanation(blocked: Option<&str>, progress: Option<&Progress>) -> Option<String> {
    let text = match (blocked, progress) {
        (Some(reason), _) => format!("Prompt blocked by Gemini: {reason}"),
        (None, Some(progress)) if progress.finish() == Finish::Filtered => {
            format!("Answer stopped by Gemini: {}", progress.reason()?)
        }
        _ => return None,
    };
    serde_json::to_string(&text).ok()
}

/// Why the message ends. Which stop sequence was met, Gemini does not tell.
pub(super) fn stop<'e>(progress: Option<&Progress>, explanation: Option<&'e str>) -> Stop<'e> {
    let Some(progress) = progress else {
        return Stop::Refusal { explanation };
    };
    match progress.finish() {
        Finish::Length => Stop::MaxTokens,
        Finish::Filtered => Stop::Refusal { explanation },
        Finish::Done | Finish::Failed if progress.called() => Stop::ToolUse,
        Finish::Done | Finish::Failed => Stop::EndTurn,
    }
}

/// The tokens as the client gets them; `searched` tells whether the answer shows a search.
pub(super) fn usage(known: Usage, searched: bool) -> Usage {
    Usage {
        reasoning: known.reasoning.filter(|count| *count > 0),
        web_searches: known.web_searches.or(searched.then_some(1)),
        ..known
    }
}

/// The carrier of what the next request must hold of the answer beside its calls' own signatures; `None` where that is nothing.
pub(super) fn carrier(progress: &Progress) -> Option<String> {
    if let Some(parts) = progress.replay() {
        return Some(gemini_envelope::write_parts(parts));
    }
    let value = progress.signature()?.to_owned();
    Some(gemini_envelope::write(&[Signature::Message { value }]))
}
