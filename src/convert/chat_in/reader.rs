//! Streams.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::queue::{Plain, Queue};
use super::thoughts::{self, Flagged, Tagged};
use super::{Ending, Finish, Head, Origin, Sink, Sources, error, usage};
use crate::convert::chat_out::escaped;
use crate::convert::gemini_envelope::Signature;
use crate::convert::machine::{Flow, StreamError};
use crate::format::chat::answer::{
    Completion, ContentPart, Function, Google, Message, ToolCall, XGroq, object, objects,
};
use crate::format::raw::RawStr;
use crate::provider::chat_profile::Thoughts;
use crate::usage::{ServiceTier, Usage};

/// Reads the chunks of one stream.
#[derive(Debug)]
pub(crate) struct Reader {
    origin: Origin,
    held_limit: usize,
    /// See [`Head::base`]; empty until the first chunk.
    base: String,
    started: bool,
    queue: Queue,
    slots: Vec<Slot>,
    calls: u64,
    flagged: Flagged,
    tagged: Option<Tagged>,
    /// The signature of the message's own text.
    signature: Option<String>,
    /// Signatures that came after the call they belong to.
    late: Vec<Signature>,
    finish: Option<Finish>,
    usage: Option<Usage>,
    /// The usage is only Groq's own.
    usage_is_extra: bool,
    service_tier: Option<String>,
    sources: Sources,
    ended: bool,
}

/// Where a call's pieces go.
#[derive(Debug)]
struct Slot {
    key: Key,
    /// Its id at the provider; may be empty.
    id: String,
    /// The call's number in the queue.
    call: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Index(u64),
    /// Calls without an index are found by id, or are the last one.
    Unnumbered,
    /// The deprecated `function_call`.
    Legacy,
}

impl Reader {
    /// A reader that holds back at most `held_limit` bytes.
    pub(crate) fn new(origin: Origin, held_limit: usize) -> Self {
        Self {
            origin,
            held_limit,
            base: String::new(),
            started: false,
            queue: Queue::default(),
            slots: Vec::new(),
            calls: 0,
            flagged: Flagged::default(),
            tagged: origin.tagged.then(Tagged::default),
            signature: None,
            late: Vec::new(),
            finish: None,
            usage: None,
            usage_is_extra: false,
            service_tier: None,
            sources: Sources::default(),
            ended: false,
        }
    }

    /// The tokens seen so far.
    pub(crate) fn usage(&self) -> Usage {
        let mut usage = self.usage.unwrap_or_default();
        usage.service_tier = self
            .service_tier
            .as_deref()
            .and_then(ServiceTier::from_name);
        usage.web_searches = usage.web_searches.or(self.sources.searched());
        usage
    }

    /// Takes one event. After [`Flow::Done`] everything was told; see [`Reader::ending`].
    ///
    /// # Errors
    /// The provider reported an error, or sent what cannot be understood. The sink was told nothing of this event.
    pub(crate) fn event(
        &mut self,
        name: &str,
        data: &[u8],
        sink: &mut impl Sink,
    ) -> Result<Flow, StreamError> {
        if self.ended {
            return Ok(Flow::Done);
        }
        let data = data.trim_ascii();
        if data.is_empty() {
            return Ok(Flow::Continue);
        }
        if data.starts_with(b"[DONE]") {
            self.check_names()?;
            self.end(sink);
            return Ok(Flow::Done);
        }
        let completion = self.read(name, data)?;
        let head = (!self.started).then(|| Head::read(&completion));
        if let Some(head) = &head {
            head.base.clone_into(&mut self.base);
        }
        let complete = self.take(&completion)?;
        if complete {
            self.check_names()?;
        }
        if let Some(mut head) = head {
            head.usage = self.usage;
            self.started = true;
            sink.start(&head);
        }
        if complete {
            self.end(sink);
            return Ok(Flow::Done);
        }
        if self.queue.pump(None, &self.sources, sink) {
            self.sources.annotations.clear();
        }
        Ok(Flow::Continue)
    }

    /// The stream ended cleanly.
    ///
    /// # Errors
    /// It was not complete.
    pub(crate) fn finish(&mut self, sink: &mut impl Sink) -> Result<(), StreamError> {
        if self.ended {
            return Ok(());
        }
        if self.finish.is_none() {
            return Err(StreamError::ended(self.origin.client));
        }
        self.check_names()?;
        self.end(sink);
        Ok(())
    }

    /// What is known at the end.
    pub(crate) fn ending(&self) -> Ending {
        Ending {
            finish: self.finish.unwrap_or_default(),
            called: self.calls > 0,
            usage: self.usage,
            service_tier: self.service_tier.clone(),
        }
    }

    fn end(&mut self, sink: &mut impl Sink) {
        self.ended = true;
        if !self.started {
            self.started = true;
            sink.start(&Head::unknown());
        }
        if let Some(mut tagged) = self.tagged.take() {
            let (kind, text) = tagged.rest();
            self.queue.text(plain(kind), &text);
        }
        for signature in self.late.drain(..) {
            self.queue.sign(signature);
        }
        if let Some(value) = self.signature.take() {
            self.queue.sign(Signature::Message { value });
        }
        let finish = self.finish.unwrap_or_default();
        self.queue.pump(Some(finish), &self.sources, sink);
        self.queue.tell_sources(&self.sources, sink);
    }

    fn malformed(&self, what: &'static str) -> StreamError {
        StreamError::malformed(self.origin.client, what)
    }

    /// A call without a name cannot be shown.
    fn check_names(&self) -> Result<(), StreamError> {
        if self.queue.has_nameless_call() {
            return Err(self.malformed("upstream tool call without a name"));
        }
        Ok(())
    }

    fn read<'a>(&self, name: &str, data: &'a [u8]) -> Result<Completion<'a>, StreamError> {
        if data.first() == Some(&b'[') {
            // Google wraps errors into a list.
            return Err(
                error::in_list(data, self.origin.provider, self.origin.client)
                    .unwrap_or_else(|| self.malformed("malformed upstream event")),
            );
        }
        let completion: Option<Completion<'a>> = (data.first() == Some(&b'{'))
            .then(|| serde_json::from_slice(data).ok())
            .flatten();
        let Some(completion) = completion else {
            return Err(if name == "error" {
                error::in_stream(None, self.origin.provider, self.origin.client)
            } else {
                self.malformed("malformed upstream event")
            });
        };
        let reported = completion
            .error
            .filter(|error| is_truthy(error))
            .or_else(|| {
                object::<XGroq<'_>>(completion.x_groq)
                    .and_then(|extra| extra.error)
                    .filter(|error| is_truthy(error))
            });
        if reported.is_some() || name == "error" {
            return Err(error::in_stream(
                reported.or(serde_json::from_slice(data).ok()),
                self.origin.provider,
                self.origin.client,
            ));
        }
        Ok(completion)
    }

    /// Takes a chunk; tells whether it is the last one.
    fn take(&mut self, completion: &Completion<'_>) -> Result<bool, StreamError> {
        self.take_usage(completion);
        if let Some(tier) = completion.service_tier.non_empty() {
            self.service_tier = Some(tier.decode().into_owned());
        }
        let choice = completion.choices.as_ref().and_then(|c| c.first.as_ref());
        let delta = choice.and_then(|choice| choice.delta.as_ref());
        self.sources.update(completion, delta);
        if let Some(delta) = delta {
            self.take_delta(delta)?;
        }
        if let Some(reason) = choice.and_then(|choice| choice.finish_reason.non_empty()) {
            self.finish = Some(Finish::read(reason));
        }
        let late: usize = self.late.iter().map(Signature::size).sum();
        let held = self.queue.held()
            + self.sources.size()
            + self.tagged.as_ref().map_or(0, Tagged::size)
            + self.signature.as_ref().map_or(0, String::len)
            + late;
        if held > self.held_limit {
            return Err(
                self.malformed("the provider's answer holds back more than the gateway takes")
            );
        }
        let only_usage = completion
            .choices
            .as_ref()
            .is_some_and(|choices| choices.first.is_none())
            && completion.usage.is_some_and(|usage| usage.get() != "null");
        Ok(only_usage && self.finish.is_some())
    }

    fn take_usage(&mut self, completion: &Completion<'_>) {
        let output = self.origin.profile.output;
        if let Some(usage) = usage::read(completion.usage, output) {
            self.usage = Some(usage);
            self.usage_is_extra = false;
        } else if (self.usage.is_none() || self.usage_is_extra)
            && let Some(extra) = object::<XGroq<'_>>(completion.x_groq)
            && let Some(usage) = usage::read(extra.usage, output)
        {
            self.usage = Some(usage);
            self.usage_is_extra = true;
        }
    }

    fn take_delta(&mut self, delta: &Message<'_>) -> Result<(), StreamError> {
        let reasoning = delta.reasoning.non_empty();
        if let Some(text) = reasoning.or(delta.reasoning_content.non_empty()) {
            self.queue.text(Plain::Reasoning, text.content());
        }
        let google = Google::of(delta.extra_content);
        if let Some(content) = delta.content {
            self.take_content(content, google.is_thought());
        }
        if let Some(text) = delta.refusal.non_empty() {
            self.queue.text(Plain::Refusal, text.content());
        }
        if let Some(signature) = google.thought_signature.non_empty() {
            self.signature = Some(signature.content().to_owned());
        }
        if delta.tool_calls.is_some() {
            for call in objects::<ToolCall<'_>>(delta.tool_calls) {
                self.take_call(&call)?;
            }
        }
        if let Some(function) = object::<Function<'_>>(delta.function_call) {
            self.take_legacy_call(&function)?;
        }
        Ok(())
    }

    fn take_content(&mut self, content: &RawValue, thought: bool) {
        if let Some(text) = RawStr::new(content) {
            self.take_text(text, thought);
            return;
        }
        // Some servers send parts.
        for part in objects::<ContentPart<'_>>(Some(content)) {
            if let Some(text) = part.text.non_empty() {
                self.take_text(text, thought);
            }
            if let Some(text) = part.refusal.non_empty() {
                self.queue.text(Plain::Refusal, text.content());
            }
        }
    }

    fn take_text(&mut self, text: RawStr<'_>, thought: bool) {
        if text.is_empty() {
            return;
        }
        let queue = &mut self.queue;
        let each = |(kind, text): thoughts::Piece<'_>| queue.text(plain(kind), &text);
        if let Some(tagged) = &mut self.tagged {
            tagged.split(text, each);
        } else if self.origin.profile.thoughts == Thoughts::Flagged {
            self.flagged.split(text, thought, each);
        } else {
            queue.text(Plain::Text, text.content());
        }
    }

    fn take_call(&mut self, call: &ToolCall<'_>) -> Result<(), StreamError> {
        let id = call.id.non_empty().map(RawStr::decode).unwrap_or_default();
        let function: Function<'_> = object(call.function).unwrap_or_default();
        let name = function.name.non_empty().map(RawStr::decode);
        let signature = Google::of(call.extra_content)
            .thought_signature
            .non_empty()
            .map(|signature| signature.content().to_owned());
        let found = match call.index.get() {
            Some(index) => self
                .find(|slot| slot.key == Key::Index(index))
                // Some relays number every call 0.
                .filter(|slot| {
                    let another = !id.is_empty() && !slot.id.is_empty() && slot.id != *id;
                    !(another && name.is_some())
                }),
            None if !id.is_empty() => self.find(|slot| slot.id == *id),
            None if name.is_some() => None,
            None => self.find(|slot| slot.key != Key::Legacy),
        };
        let number = if let Some(number) = found.map(|slot| slot.call) {
            if let Some(value) = signature {
                let slot = self.find(|slot| slot.call == number);
                let id = slot.map_or_else(String::new, |slot| slot.id.clone());
                self.late.push(Signature::Call { id, value });
            }
            number
        } else {
            let key = call.index.get().map_or(Key::Unnumbered, Key::Index);
            self.begin_call(key, &id, signature)?
        };
        self.add(number, name.as_deref(), function.arguments)
    }

    /// The latest slot of this kind.
    fn find(&self, is: impl Fn(&Slot) -> bool) -> Option<&Slot> {
        self.slots.iter().rev().find(|slot| is(slot))
    }

    fn begin_call(
        &mut self,
        key: Key,
        id: &str,
        signature: Option<String>,
    ) -> Result<u64, StreamError> {
        if !self.queue.has_room() {
            return Err(self.malformed("the provider's answer has too many tool calls"));
        }
        let id = if id.is_empty() {
            self.invented_id()
        } else {
            id.to_owned()
        };
        if let Some(value) = signature {
            let id = id.clone();
            self.queue.sign(Signature::Call { id, value });
        }
        let call = self.queue.call(id.clone());
        self.calls += 1;
        self.slots.push(Slot { key, id, call });
        Ok(call)
    }

    fn invented_id(&self) -> String {
        format!("call_{}_{}", self.base, self.calls)
    }

    fn take_legacy_call(&mut self, function: &Function<'_>) -> Result<(), StreamError> {
        let found = self.find(|slot| slot.key == Key::Legacy);
        let number = match found.map(|slot| slot.call) {
            Some(number) => number,
            None => self.begin_call(Key::Legacy, "", None)?,
        };
        let name = function.name.non_empty().map(RawStr::decode);
        self.add(number, name.as_deref(), function.arguments)
    }

    fn add(
        &mut self,
        number: u64,
        name: Option<&str>,
        arguments: Option<&RawValue>,
    ) -> Result<(), StreamError> {
        let arguments = arguments_of(arguments);
        self.queue
            .add(number, name, &arguments)
            .map_err(|_| self.malformed("upstream tool arguments after their end"))
    }
}

/// A call's arguments as the inside of a JSON string; some servers send the object itself.
pub(super) fn arguments_of(arguments: Option<&RawValue>) -> Cow<'_, str> {
    match arguments {
        None => Cow::Borrowed(""),
        Some(raw) => match RawStr::new(raw) {
            Some(text) => Cow::Borrowed(text.content()),
            None if raw.get() == "null" => Cow::Borrowed(""),
            None => escaped(raw.get()),
        },
    }
}

fn plain(kind: thoughts::Kind) -> Plain {
    match kind {
        thoughts::Kind::Text => Plain::Text,
        thoughts::Kind::Reasoning => Plain::Reasoning,
    }
}

/// Whether an `error` member says that there is an error.
pub(super) fn is_truthy(error: &RawValue) -> bool {
    !matches!(error.get(), "null" | "false" | "\"\"" | "{}" | "0" | "[]")
}
