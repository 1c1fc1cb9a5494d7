//! Whole answers.

use super::reader::count_searches;
use super::{Head, Origin, Progress, Sink, Tokens, error};
use crate::convert::machine::StreamError;
use crate::format::error::ClientError;
use crate::format::gemini::{Answer, Candidate};

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Wholes<'a, S> {
    pub(crate) head: Head,
    pub(crate) candidates: Vec<Whole<'a, S>>,
    /// Why the prompt was blocked, decoded: there is no candidate then.
    pub(crate) blocked: Option<String>,
    pub(crate) tokens: Tokens,
}

/// A candidate of a whole answer, and what was told of it.
#[derive(Debug)]
pub(crate) struct Whole<'a, S> {
    /// Its number.
    pub(crate) index: u64,
    pub(crate) view: Candidate<'a>,
    pub(crate) progress: Progress,
    pub(crate) sink: S,
}

impl<'a, S: Sink> Wholes<'a, S> {
    /// Reads `body` and tells each candidate to a sink of its own.
    ///
    /// # Errors
    /// The body is no answer, is an error sent with a success status, or holds nothing.
    pub(crate) fn read(
        body: &'a [u8],
        origin: Origin,
        mut sink: impl FnMut() -> S,
    ) -> Result<Self, ClientError> {
        let no_answer = |what| error::malformed(origin, what).error;
        let Some(answer) = Answer::read(body) else {
            return Err(error::in_list(body, origin).map_or_else(
                || no_answer("the provider's answer is no answer of Gemini's"),
                |error| error.error,
            ));
        };
        if let Some(reported) = answer.error {
            return Err(error::in_stream(reported, origin).error);
        }
        let head = Head::read(&answer);
        let mut calls = 0;
        let mut candidates = Vec::new();
        for (place, view) in (0..).zip(answer.candidates()) {
            let mut progress = Progress::new(false);
            let mut sink = sink();
            sink.start(&head);
            progress
                .take(&view, &head, &mut calls, usize::MAX, origin, &mut sink)
                .map_err(|error| error.error)?;
            candidates.push(Whole {
                index: view.index.get().unwrap_or(place),
                view,
                progress,
                sink,
            });
        }
        let blocked = answer
            .block_reason()
            .filter(|_| candidates.is_empty())
            .map(|reason| reason.decode().into_owned());
        if candidates.is_empty() && blocked.is_none() {
            let message = Some("the provider's answer holds nothing");
            return Err(error::failure(origin, "empty_response", message).error);
        }
        // One candidate that serves is an answer.
        let failed = |whole: &Whole<'_, S>| whole.progress.failure(origin);
        if !candidates.iter().any(|whole| whole.progress.has_output())
            && let Some(StreamError { error, .. }) = candidates.iter().find_map(failed)
        {
            return Err(error);
        }
        let mut tokens = answer
            .usage_metadata
            .and_then(|usage| Tokens::read(usage.get()))
            .unwrap_or_default();
        let all = candidates.iter().map(|whole| &whole.progress);
        count_searches(&mut tokens.usage, all);
        Ok(Self {
            head,
            candidates,
            blocked,
            tokens,
        })
    }
}
