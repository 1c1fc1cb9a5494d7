//! What Converse answers, brought into one order: the half of a conversion that does not depend on the client's format.
//!
//! A [`Reader`] takes the events of a stream and tells a [`Sink`] one block after the other: only one is open at a time, and
//! it never opens again. [`Whole`] tells a whole answer in the same order by the same rules. Texts are the inside of JSON
//! strings, escapes as they were written; names and ids are decoded.

mod blocks;
mod reader;
mod stop;
mod whole;

#[cfg(test)]
mod tests;

use super::chat_out::escaped;
use super::context::AnswerContext;
use super::converse_envelope::Redacted;
use crate::format::converse::{AdditionalFields, Citation};
use crate::format::raw::RawStr;
use crate::random;
use crate::usage::Usage;

pub(crate) use reader::Reader;
pub(crate) use stop::{ServiceTier, StopReason};
pub(crate) use whole::Whole;

/// What a client's answer is made of.
pub(crate) trait Sink {
    /// The message begins; told once, before all else.
    fn start(&mut self, head: &Head);

    /// A block begins; all blocks before it are closed.
    fn open(&mut self, block: Opening<'_>);

    /// More of the open block: its text, or a fragment of a call's input, which may be empty.
    fn delta(&mut self, text: &str);

    /// All of the open call's input, as JSON text; instead of deltas, in whole answers only.
    fn input(&mut self, json: &str) {
        self.delta(&escaped(json));
    }

    /// The open text cites something.
    fn citation(&mut self, citation: &Citation<'_>);

    /// The open block ends.
    fn close(&mut self, closing: Closing<'_>);

    /// A block of reasoning that cannot be read; it comes whole, while no block is open.
    fn redacted(&mut self, redacted: &Redacted);

    /// The model stopped; all blocks are closed. The usage may come later, see [`Reader::ending`].
    fn stopped(&mut self, _ending: &Ending) {}
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening<'a> {
    Text,
    Reasoning,
    /// A call of a client's tool, by the name under which the provider knows it. Where no input comes, it has none.
    Call {
        id: &'a str,
        name: &'a str,
    },
}

/// How a block ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Closing<'a> {
    /// The signature of reasoning; `None` where it is not signed.
    pub(crate) signature: Option<&'a str>,
}

/// The head of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// What ids are made of: the provider's id of the call, letters and digits; by chance where it has none.
    pub(crate) base: String,
}

impl Head {
    pub(crate) fn new(cx: AnswerContext) -> Self {
        let base = match &cx.request_id {
            Some(id) => id.as_str().to_owned(),
            None => format!("{:016x}{:016x}", random::number(), random::number()),
        };
        Self { base }
    }
}

/// The counts that clients of OpenAI's formats see: how the tokens written to the cache part by lifetime has no place there.
pub(crate) fn shown(usage: &Usage) -> Usage {
    Usage {
        cache_write_5m: None,
        cache_write_1h: None,
        ..*usage
    }
}

/// What is known when an answer has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ending {
    /// Why the model stopped, in keeping with what it called.
    pub(crate) reason: StopReason,
    /// The stop sequence that it met: a JSON string.
    pub(crate) stop_sequence: Option<String>,
    /// `None` where the provider said nothing.
    pub(crate) usage: Option<Usage>,
    pub(crate) service_tier: Option<ServiceTier>,
}

impl Ending {
    /// What stands beside a stop reason.
    fn new(reason: StopReason, called: bool, fields: &AdditionalFields<'_>) -> Self {
        Self {
            reason: reason.given(called),
            stop_sequence: fields
                .stop_sequence
                .get()
                .map(|stop| RawStr::json(stop).to_owned()),
            usage: None,
            service_tier: None,
        }
    }
}
