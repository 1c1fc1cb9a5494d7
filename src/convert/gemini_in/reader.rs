//! Streams.

use super::{Head, Origin, Progress, Sink, Tokens, error};
use crate::convert::machine::StreamError;
use crate::format::gemini::Answer;
use crate::usage::Usage;

/// Reads the chunks of one stream. There is no event that ends it: it is complete where the provider said why it stopped.
#[derive(Debug)]
pub(crate) struct Reader {
    origin: Origin,
    held_limit: usize,
    head: Option<Head>,
    /// The first candidate, which is the only one in streams.
    progress: Progress,
    calls: u64,
    /// Why the prompt was blocked, decoded.
    blocked: Option<String>,
    tokens: Option<Tokens>,
}

impl Reader {
    /// A reader that holds at most `held_limit` bytes for the next request.
    pub(crate) fn new(origin: Origin, held_limit: usize) -> Self {
        Self {
            origin,
            held_limit,
            head: None,
            progress: Progress::new(true),
            calls: 0,
            blocked: None,
            tokens: None,
        }
    }

    /// Takes one event.
    ///
    /// # Errors
    /// The provider reported an error, or sent what cannot be understood. The stream is over; what the sink was told of this
    /// event must be taken back.
    pub(crate) fn event(
        &mut self,
        name: &str,
        data: &[u8],
        sink: &mut impl Sink,
    ) -> Result<(), StreamError> {
        let data = data.trim_ascii();
        // Some relays end the stream as OpenAI does.
        if data.is_empty() || data.starts_with(b"[DONE]") {
            return Ok(());
        }
        let malformed = || error::malformed(self.origin, "malformed upstream event");
        if data.first() == Some(&b'[') {
            return Err(error::in_list(data, self.origin).unwrap_or_else(malformed));
        }
        let Some(answer) = Answer::read(data) else {
            return Err(malformed());
        };
        if let Some(reported) = answer.error {
            return Err(error::in_stream(reported, self.origin));
        }
        if name == "error" {
            return Err(malformed());
        }
        let head = match &mut self.head {
            Some(head) => head,
            slot => {
                let head = slot.insert(Head::read(&answer));
                sink.start(head);
                head
            }
        };
        if let Some(reason) = answer.block_reason() {
            self.blocked = Some(reason.decode().into_owned());
        }
        if let Some(tokens) = answer
            .usage_metadata
            .and_then(|usage| Tokens::read(usage.get()))
        {
            self.tokens = Some(tokens);
        }
        let first = answer
            .candidates()
            .find(|candidate| candidate.index.get().unwrap_or(0) == 0);
        let Some(candidate) = first else {
            return Ok(());
        };
        self.progress.take(
            &candidate,
            head,
            &mut self.calls,
            self.held_limit,
            self.origin,
            sink,
        )?;
        // Nothing can follow: told at once, so that as the first event it is worth another try.
        match self.progress.failure(self.origin) {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    /// The stream ended cleanly: it was complete.
    ///
    /// # Errors
    /// It was not, or the answer failed with nothing to show.
    pub(crate) fn finish(&self) -> Result<(), StreamError> {
        if let Some(failure) = self.progress.failure(self.origin) {
            return Err(failure);
        }
        if !self.progress.has_finished() && self.blocked.is_none() {
            return Err(StreamError::ended(self.origin.client));
        }
        Ok(())
    }

    /// What is known of the answer.
    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Why the prompt was blocked, where it was and there is no answer.
    pub(crate) fn blocked(&self) -> Option<&str> {
        self.blocked
            .as_deref()
            .filter(|_| !self.progress.has_finished())
    }

    /// The tokens seen so far, with what only Google tells.
    pub(crate) fn tokens(&self) -> Tokens {
        let mut tokens = self.tokens.unwrap_or_default();
        count_searches(&mut tokens.usage, [&self.progress]);
        tokens
    }
}

/// Notes the searches that were run: Google bills them apart.
pub(super) fn count_searches<'p>(
    usage: &mut Usage,
    candidates: impl IntoIterator<Item = &'p Progress>,
) {
    let searches: u64 = candidates.into_iter().map(Progress::searches).sum();
    if searches > 0 {
        usage.web_searches = Some(searches);
    }
}
