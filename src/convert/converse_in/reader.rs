//! Streams.

use std::borrow::Cow;

use super::blocks::{Blocks, Implicit};
use super::{Ending, Head, ServiceTier, Sink, StopReason};
use crate::convert::context::AnswerContext;
use crate::convert::converse_envelope;
use crate::convert::machine::{Flow, StreamError};
use crate::endpoint::Format;
use crate::format::converse::{
    AdditionalFields, Citation, Delta, Event, ReasoningDelta, TokenUsage, ToolUse, service_tier,
};
use crate::format::raw::RawStr;
use crate::usage::Usage;

/// Reads the events of one ConverseStream.
///
/// Errors that the provider sends as messages of their own never come here: the framing tells them.
#[derive(Debug)]
pub(crate) struct Reader {
    client: Format,
    held_limit: usize,
    head: Head,
    started: bool,
    blocks: Blocks,
    /// The client's tools that were called.
    calls: u64,
    /// `None` until the model stopped.
    ending: Option<Ending>,
    thinking_tokens: Option<u64>,
    usage: Option<Usage>,
    service_tier: Option<ServiceTier>,
    /// `metadata` came, which is the last event.
    described: bool,
}

impl Reader {
    /// A reader that holds back at most `held_limit` bytes; its errors are in the words of `client`.
    pub(crate) fn new(cx: AnswerContext, client: Format, held_limit: usize) -> Self {
        Self {
            client,
            held_limit,
            head: Head::new(cx),
            started: false,
            blocks: Blocks::default(),
            calls: 0,
            ending: None,
            thinking_tokens: None,
            usage: None,
            service_tier: None,
            described: false,
        }
    }

    /// The tokens, once they are known.
    pub(crate) fn usage(&self) -> Usage {
        self.counted().unwrap_or_default()
    }

    fn counted(&self) -> Option<Usage> {
        let mut usage = self.usage?;
        usage.reasoning = self.thinking_tokens;
        usage.service_tier = self.service_tier.map(ServiceTier::billed);
        Some(usage)
    }

    /// The head that the sink was, or will be, told.
    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    /// Takes one event. After [`Flow::Done`] everything was told; see [`Reader::ending`].
    ///
    /// # Errors
    /// The event cannot be understood, or says that the model's output cannot be. The sink was told nothing of it.
    pub(crate) fn event(
        &mut self,
        name: &str,
        data: &[u8],
        sink: &mut impl Sink,
    ) -> Result<Flow, StreamError> {
        if self.is_done() {
            return Ok(Flow::Done);
        }
        let known = matches!(
            name,
            "messageStart"
                | "contentBlockStart"
                | "contentBlockDelta"
                | "contentBlockStop"
                | "messageStop"
                | "metadata"
        );
        if !known {
            tracing::debug!(target: "tower_llm_gateway::stream", event = name, "unknown event of Converse");
            return Ok(Flow::Continue);
        }
        let event = Event::read(data).ok_or_else(|| self.malformed("malformed upstream event"))?;
        if self.blocks.held().saturating_add(data.len()) > self.held_limit {
            return Err(
                self.malformed("the provider's answer holds back more than the gateway takes")
            );
        }
        let index = event.content_block_index.get().unwrap_or(0);
        // Once the model has stopped, nothing belongs to its message.
        let stopped = self.ending.is_some();
        match name {
            "messageStart" => self.start(sink),
            "contentBlockStart" if !stopped => {
                let call = event.start.unwrap_or_default().tool_use;
                self.block_start(index, call, sink)?;
            }
            "contentBlockDelta" if !stopped => {
                if let Some(delta) = &event.delta {
                    self.block_delta(index, delta, sink)?;
                }
            }
            "contentBlockStop" if !stopped => {
                self.start(sink);
                self.blocks.end(index, sink);
            }
            "messageStop" if !stopped => self.message_stop(&event, sink)?,
            "metadata" => {
                self.start(sink);
                self.described = true;
                self.usage = TokenUsage::read(event.usage).or(self.usage);
                let tier = service_tier(event.service_tier).get();
                self.service_tier = tier.and_then(ServiceTier::read).or(self.service_tier);
            }
            _ => {}
        }
        Ok(if self.is_done() {
            Flow::Done
        } else {
            Flow::Continue
        })
    }

    /// The stream ended cleanly. It was complete where the model said why it stopped, even if nothing was counted.
    ///
    /// # Errors
    /// It was not complete.
    pub(crate) fn finish(&self) -> Result<(), StreamError> {
        match self.ending {
            Some(_) => Ok(()),
            None => Err(ended(self.client)),
        }
    }

    /// What is known at the end.
    pub(crate) fn ending(&self) -> Ending {
        Ending {
            usage: self.counted(),
            service_tier: self.service_tier,
            ..self.ending.clone().unwrap_or_default()
        }
    }

    fn is_done(&self) -> bool {
        self.ending.is_some() && self.described
    }

    fn malformed(&self, what: &'static str) -> StreamError {
        StreamError::malformed(self.client, what)
    }

    fn start(&mut self, sink: &mut impl Sink) {
        if !self.started {
            self.started = true;
            sink.start(&self.head);
        }
    }

    fn check_room(&self) -> Result<(), StreamError> {
        if self.blocks.has_room() {
            Ok(())
        } else {
            Err(self.malformed("too many open content blocks"))
        }
    }

    fn block_start(
        &mut self,
        index: u64,
        call: Option<ToolUse<'_>>,
        sink: &mut impl Sink,
    ) -> Result<(), StreamError> {
        let call = call.filter(|call| !is_server_tool(call));
        let Some(call) = call else {
            // What the provider's own tools do and find, and what no client's format has: its pieces are passed over.
            self.start(sink);
            self.blocks.end(index, sink);
            return Ok(());
        };
        self.check_room()?;
        let name = called_name(&call).map_err(|what| self.malformed(what))?;
        let id = call_id(&call, &self.head, self.calls);
        self.calls += 1;
        self.start(sink);
        self.blocks.call(index, id, name, sink);
        Ok(())
    }

    fn block_delta(
        &mut self,
        index: u64,
        delta: &Delta<'_>,
        sink: &mut impl Sink,
    ) -> Result<(), StreamError> {
        self.check_room()?;
        let reasoning = delta.reasoning_content.unwrap_or_default();
        let redacted = match reasoning.redacted_content.non_empty() {
            Some(piece) => Some(
                converse_envelope::decode(piece)
                    .ok_or_else(|| self.malformed("malformed upstream reasoning"))?,
            ),
            None => None,
        };
        self.start(sink);
        let blocks = &mut self.blocks;
        if let Some(text) = delta.text.non_empty() {
            blocks.text(index, Implicit::Text, text.content(), sink);
        } else if let Some(fragment) = delta.tool_use.and_then(|call| call.input) {
            let fragment = RawStr::new(fragment).map_or("", RawStr::content);
            if !blocks.input(index, fragment, sink) {
                tracing::debug!(target: "tower_llm_gateway::stream", index, "tool input outside of a call");
            }
        } else if let Some(raw) = delta.citation {
            if let Some(citation) = Citation::read(raw) {
                blocks.citation(index, raw, &citation, sink);
            }
        } else if let Some(bytes) = redacted {
            blocks.redacted(index, &bytes, sink);
        } else {
            self.reason(index, &reasoning, sink);
        }
        Ok(())
    }

    fn reason(&mut self, index: u64, reasoning: &ReasoningDelta<'_>, sink: &mut impl Sink) {
        if let Some(text) = reasoning.text.non_empty() {
            self.blocks
                .text(index, Implicit::Reasoning, text.content(), sink);
        }
        if let Some(signature) = reasoning.signature.non_empty() {
            self.blocks.sign(index, signature.content(), sink);
        }
    }

    fn message_stop(&mut self, event: &Event<'_>, sink: &mut impl Sink) -> Result<(), StreamError> {
        let reason = StopReason::read(event.stop_reason.get())
            .map_err(|malformed| malformed.stream_error(self.client))?;
        self.start(sink);
        self.blocks.end_all(sink);
        let fields = AdditionalFields::read(event.additional_model_response_fields);
        self.thinking_tokens = fields.thinking_tokens;
        let ending = self
            .ending
            .insert(Ending::new(reason, self.calls > 0, &fields));
        sink.stopped(ending);
        Ok(())
    }
}

/// The stream ended before the model said why it stopped.
pub(super) fn ended(client: Format) -> StreamError {
    let mut ended = StreamError::ended(client);
    ended.error.message = Cow::Borrowed("upstream stream ended before messageStop");
    if client != Format::Messages {
        // What Bedrock calls a stream that broke off.
        ended.error.code = Some(Cow::Borrowed("model_stream_error"));
    }
    ended
}

/// Whether a call is of a tool that the provider runs itself: the client may not run it.
pub(super) fn is_server_tool(call: &ToolUse<'_>) -> bool {
    call.kind
        .get()
        .is_some_and(|kind| kind.is("server_tool_use"))
}

/// The name of the tool that is called, decoded; a call without one cannot be shown.
pub(super) fn called_name(call: &ToolUse<'_>) -> Result<String, &'static str> {
    match call.name.non_empty() {
        Some(name) => Ok(name.decode().into_owned()),
        None => Err("upstream tool call without a name"),
    }
}

/// The call's id, decoded; one is made where it has none.
pub(super) fn call_id(call: &ToolUse<'_>, head: &Head, number: u64) -> String {
    match call.tool_use_id.non_empty() {
        Some(id) => id.decode().into_owned(),
        None => format!("call_{}_{number}", head.base),
    }
}
