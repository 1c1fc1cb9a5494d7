//! What Chat Completions endpoints answer, brought into one order: the half of a conversion that does not depend on the
//! client's format.
//!
//! A [`Reader`] takes the chunks of a stream, in whatever pieces and order compatible servers send them, and tells a [`Sink`]
//! one block after the other: only one is open at a time, and it never opens again. [`Whole`] is the same for a whole answer.
//! Texts are the inside of JSON strings, escapes as they were written; names and ids are decoded.

pub(crate) mod error;
mod progress;
mod queue;
mod reader;
mod sources;
mod thoughts;
pub(in crate::convert) mod usage;
mod whole;

#[cfg(test)]
mod tests;

use crate::convert::gemini_envelope::Signature;
use crate::endpoint::Format;
use crate::format::chat::answer::Completion;
use crate::format::raw::RawStr;
use crate::provider::Provider;
use crate::provider::chat_profile::ChatProfile;
use crate::random;
use crate::usage::Usage;

pub(crate) use reader::Reader;
pub(crate) use sources::{Page, Sources, markers};
pub(crate) use whole::{Whole, WholeCall};

/// Whose answer is read, and for whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) provider: Provider,
    pub(crate) profile: &'static ChatProfile,
    /// Whether the model writes its reasoning between `<think>` tags at the start of its text.
    pub(crate) tagged: bool,
    /// The client's format, for errors.
    pub(crate) client: Format,
}

impl Origin {
    /// The answers of `model` at `provider`; `None` where that is no provider of Chat Completions.
    pub(crate) fn new(provider: Provider, model: &str, client: Format) -> Option<Self> {
        let profile = provider.spec().chat?;
        Some(Self {
            provider,
            profile,
            tagged: profile.tags_thoughts(model),
            client,
        })
    }
}

/// What a client's stream is made of.
pub(crate) trait Sink {
    /// The first chunk came.
    fn start(&mut self, head: &Head);

    /// The web was searched; told at most once, while no block is open.
    fn sources(&mut self, sources: &Sources);

    /// A block begins; all blocks before it are closed.
    fn open(&mut self, block: Opening<'_>);

    /// More of the open block's text: the inside of a JSON string.
    fn delta(&mut self, text: &str);

    /// The open block ends.
    fn close(&mut self, closing: Closing<'_>);
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening<'a> {
    Text,
    Refusal,
    Reasoning,
    /// A tool call; its deltas are its arguments. Where none come, it has none.
    Call {
        id: &'a str,
        name: &'a str,
    },
}

/// How a block ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Closing<'a> {
    /// Google's thought signatures, which only blocks of reasoning carry.
    pub(crate) signatures: &'a [Signature],
    /// What is known of the pages that a text cites.
    pub(crate) sources: &'a Sources,
    /// Whether the output limit or a filter cut it.
    pub(crate) cut: bool,
}

/// The head of an answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    /// What ids are made of: the answer's id without prefix and punctuation; by chance where it has none.
    pub(crate) base: String,
    /// Unix seconds.
    pub(crate) created: Option<u64>,
    /// A JSON string.
    pub(crate) model: Option<String>,
    /// The tokens, where the head tells them already.
    pub(crate) usage: Option<Usage>,
}

/// The longest id or model that is taken over: streams repeat them in every event.
const LONGEST: usize = 1024;

impl Head {
    fn read(completion: &Completion<'_>) -> Self {
        let fits = |text: &RawStr<'_>| text.content().len() <= LONGEST;
        Self {
            base: id_base(completion.id.non_empty().filter(fits)),
            created: completion.created.get(),
            model: completion
                .model
                .non_empty()
                .filter(fits)
                .map(|model| model.json().to_owned()),
            usage: None,
        }
    }

    /// The head of an answer that has none.
    fn unknown() -> Self {
        Self {
            base: id_base(None),
            ..Self::default()
        }
    }
}

/// What the ids of an answer are made of: the letters and digits of its own id; by chance where it has none.
pub(in crate::convert) fn id_base(id: Option<RawStr<'_>>) -> String {
    let id = id.map(RawStr::decode).unwrap_or_default();
    let id = id.strip_prefix("chatcmpl-").unwrap_or(&id);
    let base: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
    if base.is_empty() {
        let mut random = format!("{:016x}{:016x}", random::number(), random::number());
        random.truncate(24);
        return random;
    }
    base
}

/// Why the model stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Finish {
    /// It had finished, or called tools.
    #[default]
    Done,
    /// The output limit.
    Length,
    /// A content filter.
    Filtered,
}

impl Finish {
    fn read(reason: RawStr<'_>) -> Self {
        match &*reason.decode() {
            "length" | "max_tokens" => Self::Length,
            "content_filter" => Self::Filtered,
            _ => Self::Done,
        }
    }
}

/// What is known when a stream has ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ending {
    pub(crate) finish: Finish,
    /// Whether the client's tools were called.
    pub(crate) called: bool,
    /// `None` where the provider said nothing.
    pub(crate) usage: Option<Usage>,
    /// The provider's word for the capacity that served the call, decoded.
    pub(crate) service_tier: Option<String>,
}
