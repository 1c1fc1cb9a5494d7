//! Whole answers.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::reader::{arguments_of, is_truthy};
use super::thoughts::{self, Flagged, Tagged};
use super::{Closing, Ending, Finish, Head, Opening, Origin, Sink, Sources, error, usage};
use crate::convert::gemini_envelope::Signature;
use crate::format::chat::answer::{
    Completion, ContentPart, Function, Google, Message, ToolCall, XGroq, object, objects,
};
use crate::format::error::{ClientError, Fault};
use crate::format::raw::RawStr;
use crate::provider::chat_profile::Thoughts;
use crate::usage::{ServiceTier, Usage};

/// A whole answer. Texts are the inside of JSON strings.
#[derive(Debug, Default)]
pub(crate) struct Whole<'a> {
    pub(crate) head: Head,
    /// Empty where there is none.
    pub(crate) reasoning: String,
    pub(crate) text: Cow<'a, str>,
    pub(crate) refusal: Cow<'a, str>,
    pub(crate) calls: Vec<WholeCall<'a>>,
    /// Google's thought signatures, of calls and of the message.
    pub(crate) signatures: Vec<Signature>,
    pub(crate) sources: Sources,
    pub(crate) ending: Ending,
}

/// A tool call.
#[derive(Debug)]
pub(crate) struct WholeCall<'a> {
    pub(crate) id: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    /// The inside of a JSON string; may be empty.
    pub(crate) arguments: Cow<'a, str>,
}

impl<'a> Whole<'a> {
    /// Reads an answer's body.
    ///
    /// # Errors
    /// It is no completion, or an error sent with a success status.
    pub(crate) fn read(body: &'a [u8], origin: &Origin) -> Result<Self, ClientError> {
        let malformed = || {
            ClientError::gateway(
                origin.client,
                Fault::BadGateway,
                "the provider's answer is no chat completion",
            )
        };
        let body = body.trim_ascii();
        if body.first() == Some(&b'[') {
            return Err(error::in_list(body, origin.provider, origin.client)
                .map_or_else(malformed, |error| error.error));
        }
        if body.first() != Some(&b'{') {
            return Err(malformed());
        }
        let completion: Completion<'a> = serde_json::from_slice(body).map_err(|_| malformed())?;
        if let Some(reported) = completion.error.filter(|error| is_truthy(error)) {
            return Err(error::in_answer(reported, origin));
        }
        let choice = completion
            .choices
            .as_ref()
            .and_then(|choices| choices.first.as_ref())
            .ok_or_else(malformed)?;
        let output = origin.profile.output;
        let usage = usage::read(completion.usage, output).or_else(|| {
            object::<XGroq<'_>>(completion.x_groq)
                .and_then(|extra| usage::read(extra.usage, output))
        });
        let tier = completion.service_tier.non_empty().map(RawStr::decode);
        let usage = usage.map(|usage| Usage {
            service_tier: tier.as_deref().and_then(ServiceTier::from_name),
            ..usage
        });
        let mut whole = Self {
            head: Head {
                usage,
                ..Head::read(&completion)
            },
            ..Self::default()
        };
        // Perplexity's `delta` beside `message` is empty.
        let message: Option<Message<'a>> = object(choice.message);
        whole.sources.update(&completion, message.as_ref());
        if let Some(message) = message.or_else(|| choice.delta.clone()) {
            whole.take(&message, origin);
        }
        whole.ending = Ending {
            finish: choice
                .finish_reason
                .non_empty()
                .map(Finish::read)
                .unwrap_or_default(),
            called: !whole.calls.is_empty(),
            usage,
            service_tier: tier.map(Cow::into_owned),
        };
        Ok(whole)
    }

    /// What was used where the client is told `shown`: with the searches that it does not get to see.
    pub(crate) fn used(&self, shown: Usage) -> Usage {
        Usage {
            web_searches: shown.web_searches.or(self.sources.searched()),
            ..shown
        }
    }

    fn take(&mut self, message: &Message<'a>, origin: &Origin) {
        let reasoning = message.reasoning.non_empty();
        if let Some(text) = reasoning.or(message.reasoning_content.non_empty()) {
            self.reasoning.push_str(text.content());
        }
        let google = Google::of(message.extra_content);
        if let Some(content) = message.content {
            self.take_content(content, google.is_thought(), origin);
        }
        if let Some(text) = message.refusal.non_empty() {
            self.refusal = Cow::Borrowed(text.content());
        }
        for call in objects::<ToolCall<'a>>(message.tool_calls) {
            let function: Function<'a> = object(call.function).unwrap_or_default();
            let signature = Google::of(call.extra_content).thought_signature;
            self.take_call(call.id.non_empty(), &function, signature.non_empty());
        }
        if let Some(function) = object::<Function<'a>>(message.function_call) {
            self.take_call(None, &function, None);
        }
        if let Some(signature) = google.thought_signature.non_empty() {
            self.signatures.push(Signature::Message {
                value: signature.content().to_owned(),
            });
        }
    }

    fn take_call(
        &mut self,
        id: Option<RawStr<'a>>,
        function: &Function<'a>,
        signature: Option<RawStr<'a>>,
    ) {
        let id = id.map_or_else(
            || Cow::Owned(format!("call_{}_{}", self.head.base, self.calls.len())),
            RawStr::decode,
        );
        if let Some(signature) = signature {
            self.signatures.push(Signature::Call {
                id: id.clone().into_owned(),
                value: signature.content().to_owned(),
            });
        }
        self.calls.push(WholeCall {
            id,
            name: function.name.get().map(RawStr::decode).unwrap_or_default(),
            arguments: arguments_of(function.arguments),
        });
    }

    fn take_content(&mut self, content: &'a RawValue, thought: bool, origin: &Origin) {
        let mut flagged = Flagged::default();
        let mut tagged = origin.tagged.then(Tagged::default);
        let mut take = |whole: &mut Self, text: RawStr<'a>| {
            let each = |(kind, text): thoughts::Piece<'a>| whole.add(kind, text);
            if let Some(tagged) = &mut tagged {
                tagged.split(text, each);
            } else if origin.profile.thoughts == Thoughts::Flagged {
                // Not every whole answer says that it begins with one.
                let opens = text.content().starts_with("<thought>")
                    || text.content().starts_with(r"\u003cthought");
                flagged.split(text, thought || opens, each);
            } else {
                whole.add(thoughts::Kind::Text, Cow::Borrowed(text.content()));
            }
        };
        if let Some(text) = RawStr::new(content) {
            take(self, text);
        } else {
            for part in objects::<ContentPart<'a>>(Some(content)) {
                if let Some(text) = part.text.non_empty() {
                    take(self, text);
                }
                if let Some(text) = part.refusal.non_empty() {
                    self.refusal = Cow::Borrowed(text.content());
                }
            }
        }
        if let Some(mut tagged) = tagged {
            let (kind, text) = tagged.rest();
            self.add(kind, text);
        }
    }

    fn add(&mut self, kind: thoughts::Kind, text: Cow<'a, str>) {
        match kind {
            thoughts::Kind::Reasoning => self.reasoning.push_str(&text),
            thoughts::Kind::Text if self.text.is_empty() => self.text = text,
            thoughts::Kind::Text => self.text.to_mut().push_str(&text),
        }
    }

    /// Tells a sink the answer, block by block: sources, reasoning with all signatures, text, refusal, calls.
    pub(crate) fn tell(&self, sink: &mut impl Sink) {
        sink.start(&self.head);
        if self.sources.is_known() {
            sink.sources(&self.sources);
        }
        let last = if !self.calls.is_empty() {
            self.calls.len() + 3
        } else if !self.refusal.is_empty() {
            3
        } else if !self.text.is_empty() {
            2
        } else {
            1
        };
        let limited = self.ending.finish != Finish::Done;
        let mut block = |opening: Opening<'_>, text: &str, place: usize| {
            let signatures = match opening {
                Opening::Reasoning => &self.signatures[..],
                _ => &[],
            };
            sink.open(opening);
            if !text.is_empty() {
                sink.delta(text);
            }
            sink.close(Closing {
                signatures,
                sources: &self.sources,
                cut: limited && place == last,
            });
        };
        if !(self.reasoning.is_empty() && self.signatures.is_empty()) {
            block(Opening::Reasoning, &self.reasoning, 1);
        }
        if !self.text.is_empty() {
            block(Opening::Text, &self.text, 2);
        }
        if !self.refusal.is_empty() {
            block(Opening::Refusal, &self.refusal, 3);
        }
        for (place, call) in (4..).zip(&self.calls) {
            let opening = Opening::Call {
                id: &call.id,
                name: &call.name,
            };
            block(opening, &call.arguments, place);
        }
    }
}
