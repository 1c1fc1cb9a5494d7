//! One candidate as it grows.

use std::borrow::Cow;

use super::citations::{Citation, Cited};
use super::replay::Parts;
use super::{Call, Finish, Head, Origin, Piece, Sink, error};
use crate::convert::machine::StreamError;
use crate::format::gemini::{Candidate, GroundingMetadata, Part};
use crate::format::raw::RawStr;

use serde_json::value::RawValue;

/// What is known of a candidate.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    streamed: bool,
    /// The answer's text without thoughts.
    text: String,
    /// See [`Cited`].
    starts: Vec<Option<usize>>,
    /// Whether there is anything but thoughts.
    has_output: bool,
    called: bool,
    /// The signature that no call has, as the inside of a JSON string: the last one.
    signature: Option<String>,
    finish: Option<Finish>,
    /// The provider's word for it, where that says more than [`Finish`].
    reason: Option<String>,
    finish_message: Option<String>,
    /// Objects, as JSON text.
    grounding: Option<String>,
    url_context: Option<String>,
    citations: Option<String>,
    /// A list, as JSON text: where a filter blocked something.
    safety: Option<String>,
    parts: Parts,
}

impl Progress {
    pub(super) fn new(streamed: bool) -> Self {
        Self {
            streamed,
            ..Self::default()
        }
    }

    /// Takes what came of the candidate and tells it to `sink`. `calls` counts the answer's calls; `limit` bounds what is
    /// held for the next request.
    pub(super) fn take(
        &mut self,
        candidate: &Candidate<'_>,
        head: &Head,
        calls: &mut u64,
        limit: usize,
        origin: Origin,
        sink: &mut impl Sink,
    ) -> Result<(), StreamError> {
        for (text, part) in candidate.parts() {
            self.parts.push(text, &part, self.streamed, limit);
            self.part(text, &part, head, calls, origin, sink)?;
        }
        if let Some(reason) = candidate.finish_reason.non_empty() {
            let reason = reason.decode();
            self.finish = Some(Finish::read(&reason));
            self.reason = (!Finish::is_plain(&reason)).then(|| reason.into_owned());
        }
        if let Some(message) = candidate.finish_message.non_empty() {
            self.finish_message = Some(message.decode().into_owned());
        }
        replace(&mut self.grounding, candidate.grounding_metadata);
        replace(&mut self.url_context, candidate.url_context_metadata);
        replace(&mut self.citations, candidate.citation_metadata);
        if candidate.is_flagged() {
            replace(&mut self.safety, candidate.safety_ratings);
        }
        sink.end(candidate);
        Ok(())
    }

    fn part(
        &mut self,
        text: &str,
        part: &Part<'_>,
        head: &Head,
        calls: &mut u64,
        origin: Origin,
        sink: &mut impl Sink,
    ) -> Result<(), StreamError> {
        let signature = part.thought_signature.non_empty();
        let mut start = None;
        if let Some(call) = part.function_call() {
            let Some(name) = call.name.non_empty().map(RawStr::decode) else {
                return Err(error::malformed(
                    origin,
                    "upstream tool call without a name",
                ));
            };
            let id = match call.id.non_empty() {
                Some(id) => id.decode(),
                None => Cow::Owned(format!("call_{}_{calls}", head.base)),
            };
            *calls += 1;
            self.called = true;
            self.has_output = true;
            let args = call.args.map(RawValue::get);
            sink.piece(Piece::Call(Call {
                id,
                name,
                args: args.filter(|args| *args != "null").unwrap_or("{}"),
                signature,
            }));
        } else {
            if let Some(text) = part.text.non_empty() {
                if part.is_thought() {
                    sink.piece(Piece::Thought(text));
                } else {
                    start = Some(self.text.len());
                    self.text.push_str(&text.decode());
                    self.has_output = true;
                    sink.piece(Piece::Text(text));
                }
            } else if let Some(code) = part.executable_code() {
                self.has_output = true;
                sink.piece(Piece::Code(code));
            } else if let Some(result) = part.code_result() {
                self.has_output = true;
                sink.piece(Piece::CodeResult(result));
            } else if let Some(media) = part.inline_data().filter(|_| !part.is_thought()) {
                self.has_output = true;
                sink.piece(Piece::Media(media));
            } else if part.is_server_step() {
                sink.piece(Piece::Step(text));
            }
            // The steps of Google's own tools keep theirs among the parts that come back.
            if let Some(signature) = signature.filter(|_| !part.is_server_step()) {
                self.signature = Some(signature.content().to_owned());
                sink.piece(Piece::Signature(signature));
            }
        }
        if !self.streamed {
            self.starts.push(start);
        }
        Ok(())
    }

    /// Whether the provider said why it stopped.
    pub(super) fn has_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// Whether there is anything but thoughts.
    pub(super) fn has_output(&self) -> bool {
        self.has_output
    }

    /// The error that stands for an answer which failed with nothing to show.
    pub(super) fn failure(&self, origin: Origin) -> Option<StreamError> {
        if self.has_output || self.finish != Some(Finish::Failed) {
            return None;
        }
        let reason = self.reason.as_deref().unwrap_or("OTHER");
        Some(error::failure(
            origin,
            reason,
            self.finish_message.as_deref(),
        ))
    }

    /// Whether a function of the client's was called.
    pub(crate) fn called(&self) -> bool {
        self.called
    }

    /// Why the model stopped; one that failed with something to show for it is done.
    pub(crate) fn finish(&self) -> Finish {
        match self.finish.unwrap_or_default() {
            Finish::Failed => Finish::Done,
            finish => finish,
        }
    }

    /// Google's own word for it, where that says more.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The signature of the answer itself, as the inside of a JSON string.
    pub(crate) fn signature(&self) -> Option<&str> {
        self.signature.as_deref()
    }

    /// `groundingMetadata`, as JSON text.
    pub(crate) fn grounding(&self) -> Option<&str> {
        self.grounding.as_deref()
    }

    /// `urlContextMetadata`, as JSON text.
    pub(crate) fn url_context(&self) -> Option<&str> {
        self.url_context.as_deref()
    }

    /// `citationMetadata`, as JSON text.
    pub(crate) fn citation_metadata(&self) -> Option<&str> {
        self.citations.as_deref()
    }

    /// `safetyRatings`, as JSON text, where a filter blocked something.
    pub(crate) fn safety(&self) -> Option<&str> {
        self.safety.as_deref()
    }

    /// The parts as they came, as the elements of a JSON array: where the next request must hold them.
    pub(crate) fn replay(&self) -> Option<&[u8]> {
        self.parts.needed()
    }

    /// The searches that were run.
    pub(crate) fn searches(&self) -> u64 {
        let grounding = self.grounding.as_deref().unwrap_or_default();
        let count = GroundingMetadata::read(grounding).queries().count();
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// The citations, in the order of Google's lists; their offsets count in the answer's text, code that was run left out.
    pub(crate) fn citations(&self) -> Vec<Citation> {
        let mut found = Vec::new();
        if self.grounding.is_none() && self.citations.is_none() {
            return found;
        }
        let mut cited = Cited::new(&self.text, &self.starts);
        if let Some(json) = &self.grounding {
            cited.grounding(json, &mut found);
        }
        if let Some(json) = &self.citations {
            cited.recited(json, &mut found);
        }
        found
    }
}

/// Takes over the last one that says anything.
fn replace(slot: &mut Option<String>, raw: Option<&RawValue>) {
    if let Some(json) = raw.map(RawValue::get)
        && !matches!(json, "null" | "{}" | "[]")
    {
        *slot = Some(json.to_owned());
    }
}
