//! What Google's native API answers, brought into one order: the half of a conversion that does not depend on the client's
//! format.
//!
//! A [`Reader`] takes the chunks of a stream and tells a [`Sink`] one [`Piece`] after the other; [`Whole`] does the same for a
//! whole answer. What is only known at the end, sources and their citations among it, is in the [`Progress`] of the candidate.

mod citations;
mod error;
mod finish;
mod progress;
mod reader;
mod replay;
mod usage;
mod whole;

use std::borrow::Cow;

use crate::convert::chat_in;
use crate::endpoint::Format;
use crate::format::gemini::{Answer, Blob, Candidate, Code, CodeResult};
use crate::format::raw::RawStr;
use crate::provider::Provider;

pub(crate) use citations::Citation;
pub(crate) use error::convert as convert_error;
pub(crate) use finish::Finish;
pub(crate) use progress::Progress;
pub(crate) use reader::Reader;
pub(crate) use usage::Tokens;
pub(crate) use whole::{Whole, Wholes};

/// For whom an answer is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) provider: Provider,
    /// The client's format, for errors.
    pub(crate) client: Format,
}

impl Origin {
    /// Gemini's answers for a client of this format.
    pub(crate) const fn new(client: Format) -> Self {
        Self {
            provider: Provider::Gemini,
            client,
        }
    }
}

/// What an answer is told to.
pub(crate) trait Sink {
    /// The answer began; told once, before any piece.
    fn start(&mut self, head: &Head);

    /// The next piece of the candidate.
    fn piece(&mut self, piece: Piece<'_>);

    /// All pieces of a chunk were told; what else it says of the candidate is here.
    fn end(&mut self, _candidate: &Candidate<'_>) {}
}

/// The head of an answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    /// What ids are made of: the letters and digits of the answer's id; by chance where it has none.
    pub(crate) base: String,
    /// The model that answered: a JSON string.
    pub(crate) model: Option<String>,
}

/// The longest model that is taken over: streams repeat it in every event.
const LONGEST: usize = 1024;

impl Head {
    fn read(answer: &Answer<'_>) -> Self {
        let fits = |text: &RawStr<'_>| text.content().len() <= LONGEST;
        let model = answer.model_version.non_empty().filter(fits);
        Self {
            base: chat_in::id_base(answer.response_id.non_empty().filter(fits)),
            model: model.map(|model| model.json().to_owned()),
        }
    }
}

/// A piece of an answer.
#[derive(Debug, Clone)]
#[allow(
    dead_code,
    reason = "Chat clients get signatures and steps at the end, with all others"
)]
pub(crate) enum Piece<'a> {
    /// A summary of what the model thought; never empty.
    Thought(RawStr<'a>),
    /// Text; never empty.
    Text(RawStr<'a>),
    /// A call of one of the client's functions.
    Call(Call<'a>),
    /// Code that Google ran.
    Code(Code<'a>),
    /// What that gave.
    CodeResult(CodeResult<'a>),
    /// A file that the model made.
    Media(Blob<'a>),
    /// The signature of what was told last, or of the whole answer; calls have theirs with them.
    Signature(RawStr<'a>),
    /// A step of a tool that Google runs, as JSON text: for records, the client has no part in it.
    Step(&'a str),
}

/// A call of one of the client's functions.
#[derive(Debug, Clone)]
pub(crate) struct Call<'a> {
    /// Google's, or one made of the answer's id and the call's number.
    pub(crate) id: Cow<'a, str>,
    /// As the request named it.
    pub(crate) name: Cow<'a, str>,
    /// JSON text: an object.
    pub(crate) args: &'a str,
    pub(crate) signature: Option<RawStr<'a>>,
}
