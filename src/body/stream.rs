//! What happens to the bytes of a stream, without the body around it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use super::frames::{Frames, Next};
use super::hide::{Found, Hider};
use crate::convert::machine::{Dialect, Flow, Machine, StreamError};
use crate::convert::passthrough::{Tap, is_keep_alive};
use crate::endpoint::Format;
use crate::error::{BodyError, BoxError};
use crate::format::error::{ClientError, Fault};
use crate::observe::{UsageHandle, Watch};
use crate::provider::spec::Framing;
use crate::usage::Usage;

/// What is done with a stream's events.
pub(crate) enum Work {
    /// They become events of another format, which is the client's.
    Convert {
        machine: Box<dyn Machine>,
        /// The vocabulary of the provider's events.
        dialect: Dialect,
        framing: Framing,
    },
    /// Their bytes go on as they are, and are only watched.
    Relay(Box<Tap>),
}

impl Work {
    /// Relays a stream of `format`.
    pub(crate) fn relay(format: Format) -> Self {
        Self::Relay(Box::new(Tap::new(format)))
    }
}

/// What an event may have beside what the decoder counts: names of fields, and comments.
const AROUND: usize = 64 * 1024;

/// The figures of a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamSettings {
    /// The client's format.
    pub(crate) format: Format,
    /// One event, in bytes.
    pub(crate) event_limit: usize,
    /// Between two pieces of the provider's stream.
    pub(crate) idle: Duration,
    /// When the call must have ended.
    pub(crate) deadline: Instant,
    pub(crate) keep_alive: Option<Duration>,
}

/// How a stream's end is to be told.
#[derive(Debug)]
pub(crate) enum End {
    /// The body ends.
    Clean,
    /// The client's stream is complete, the provider's may go on.
    Done,
    /// The body ends with an error, behind the bytes that are held.
    Broken(BodyError),
}

/// A stream between a provider and a client.
pub(crate) struct Stream {
    frames: Frames,
    work: Work,
    settings: StreamSettings,
    /// Bytes for the client.
    out: BytesMut,
    /// One piece of a relayed stream, alone so far, for the client; before `out`.
    piece: Option<Bytes>,
    /// Hides the usage of a relayed stream, which the client did not ask for.
    hider: Option<Hider>,
    /// An event was too large to be watched: the rest of a relayed stream goes on unwatched.
    blind: bool,
    /// An event that says something came.
    spoken: bool,
    /// The machine panicked: it is not asked any more.
    defective: bool,
    /// The client's stream is whole.
    complete: bool,
    /// What the client's events say of the answer.
    watch: Watch,
    usage: UsageHandle,
}

impl Stream {
    pub(crate) fn new(work: Work, settings: StreamSettings, usage: UsageHandle) -> Self {
        let framing = match &work {
            Work::Convert { framing, .. } => *framing,
            Work::Relay(_) => Framing::Sse,
        };
        Self {
            frames: Frames::new(framing, settings.format, settings.event_limit),
            work,
            settings,
            out: BytesMut::new(),
            piece: None,
            hider: None,
            blind: false,
            spoken: false,
            defective: false,
            complete: false,
            watch: Watch::new(settings.format),
            usage,
        }
    }

    /// The same stream, relayed without the chunk that holds nothing but usage.
    pub(crate) fn hiding_usage(mut self) -> Self {
        self.hider = Some(Hider::default());
        self
    }

    /// A body that is no stream of events, relayed without a look at it; `head` was read already.
    pub(crate) fn unwatched(head: Bytes, settings: StreamSettings, usage: UsageHandle) -> Self {
        let mut stream = Self::new(Work::relay(settings.format), settings, usage);
        stream.blind = true;
        stream.spoken = true;
        stream.hold(head);
        stream
    }

    pub(crate) fn settings(&self) -> &StreamSettings {
        &self.settings
    }

    /// Whether the provider's bytes go on as they are.
    pub(crate) fn is_relayed(&self) -> bool {
        matches!(self.work, Work::Relay(_))
    }

    /// Whether an event came that is neither comment nor ping.
    pub(crate) fn has_spoken(&self) -> bool {
        self.spoken
    }

    /// Bytes that are held for the client.
    pub(crate) fn held(&self) -> usize {
        self.out.len() + self.piece.as_ref().map_or(0, Bytes::len)
    }

    /// The bytes for the client.
    pub(crate) fn take(&mut self) -> Bytes {
        self.piece
            .take()
            .unwrap_or_else(|| self.out.split().freeze())
    }

    /// Takes a piece of the provider's stream.
    ///
    /// # Errors
    /// The stream is over for the client. Where nothing was spoken yet, the caller may make a plain error of it, else it
    /// calls [`Stream::fail`].
    pub(crate) fn feed(&mut self, piece: Bytes) -> Result<Flow, StreamError> {
        let spoken = self.spoken;
        let fed = self.work_on(piece);
        if self.spoken && !spoken && !self.blind {
            self.usage.speak();
        }
        self.complete |= matches!(fed, Ok(Flow::Done));
        fed
    }

    fn work_on(&mut self, piece: Bytes) -> Result<Flow, StreamError> {
        match &mut self.work {
            Work::Convert {
                machine, dialect, ..
            } => {
                let (frames, out, spoken) = (&mut self.frames, &mut self.out, &mut self.spoken);
                let (machine, dialect) = (machine.as_mut(), *dialect);
                let before = out.len();
                let mut kept = before;
                let converted =
                    contain(|| convert(frames, machine, &piece, out, &mut kept, spoken, dialect));
                let converted = converted.unwrap_or_else(|| Err(self.defect(kept)));
                self.watch
                    .events(self.out.get(before..).unwrap_or_default());
                converted
            }
            Work::Relay(tap) => {
                let mut found = Found::default();
                let first = (!self.blind).then(|| {
                    watch(
                        &mut self.frames,
                        tap,
                        &mut self.watch,
                        &self.usage,
                        &piece,
                        &mut self.spoken,
                        &mut self.blind,
                        self.settings.format,
                        &mut found,
                    )
                });
                self.relay(piece, &found);
                first.unwrap_or(Ok(()))?;
                Ok(Flow::Continue)
            }
        }
    }

    /// Holds what may go on of a relayed piece.
    fn relay(&mut self, piece: Bytes, found: &Found) {
        let Some(mut hider) = self.hider.take() else {
            return self.hold(piece);
        };
        hider.pass(&piece, found, |part| self.hold(part));
        if hider.held() > self.settings.event_limit.saturating_add(AROUND) {
            // Comments without end: nothing is hidden any more.
            self.hold(hider.take());
        } else {
            self.hider = Some(hider);
        }
    }

    /// The stream is over: what was held back goes on as it is.
    fn reveal(&mut self) {
        if let Some(mut hider) = self.hider.take()
            && hider.held() > 0
        {
            self.hold(hider.take());
        }
    }

    /// Holds a piece as it is; it is copied only where it has company.
    fn hold(&mut self, piece: Bytes) {
        if self.piece.is_none() && self.out.is_empty() {
            self.piece = Some(piece);
            return;
        }
        if let Some(first) = self.piece.take() {
            self.out.reserve(first.len() + piece.len());
            self.out.extend_from_slice(&first);
        }
        self.out.extend_from_slice(&piece);
    }

    /// The provider's stream ended.
    pub(crate) fn end(&mut self) -> Result<End, StreamError> {
        self.reveal();
        match &mut self.work {
            Work::Convert { .. } => self.complete(),
            Work::Relay(tap) if self.blind || tap.is_complete() => Ok(End::Clean),
            Work::Relay(_) if self.frames.is_between() => {
                Err(StreamError::ended(self.settings.format))
            }
            Work::Relay(_) => Ok(End::Broken(BodyError::new(
                "the provider's stream ended inside an event",
                None,
            ))),
        }
    }

    /// The provider's stream broke.
    pub(crate) fn broken(&mut self, error: BoxError) -> Result<End, StreamError> {
        self.reveal();
        match &self.work {
            // What came may be complete: then how it ended does not matter.
            Work::Convert { .. } => self.complete(),
            Work::Relay(_) => Ok(End::Broken(BodyError::new(
                "the provider's stream broke off",
                Some(error),
            ))),
        }
    }

    /// A clock ran out.
    pub(crate) fn timed_out(&mut self) -> Result<End, StreamError> {
        let message = "the provider's stream stood still for too long";
        self.interrupted(Fault::Timeout, message)
    }

    /// The gateway stops.
    pub(crate) fn stopped(&mut self) -> Result<End, StreamError> {
        self.interrupted(
            Fault::Stopping,
            "the gateway stopped before the end of this stream",
        )
    }

    fn interrupted(&mut self, fault: Fault, message: &'static str) -> Result<End, StreamError> {
        self.reveal();
        let complete = match &self.work {
            Work::Relay(_) if self.blind || !self.frames.is_between() => {
                return Ok(End::Broken(BodyError::new(message, None)));
            }
            Work::Relay(tap) => tap.is_complete(),
            Work::Convert { .. } => self.complete().is_ok(),
        };
        if complete {
            return Ok(End::Clean);
        }
        let error = ClientError::gateway(self.settings.format, fault, message);
        Err(StreamError {
            upstream_status: None,
            class: None,
            error,
        })
    }

    /// Completes a converted stream, if the provider's was complete.
    fn complete(&mut self) -> Result<End, StreamError> {
        let Work::Convert { machine, .. } = &mut self.work else {
            return Ok(End::Clean);
        };
        let kept = self.out.len();
        let out = &mut self.out;
        match contain(|| machine.finish(out)) {
            Some(finished) => {
                finished?;
                self.complete = true;
                self.watch.events(self.out.get(kept..).unwrap_or_default());
                Ok(End::Clean)
            }
            None => Err(self.defect(kept)),
        }
    }

    /// The machine panicked: what it wrote of the event at hand is taken back.
    fn defect(&mut self, kept: usize) -> StreamError {
        self.out.truncate(kept);
        self.defective = true;
        let message = "the gateway failed to convert this stream";
        StreamError {
            upstream_status: None,
            class: None,
            error: ClientError::gateway(self.settings.format, Fault::Internal, message),
        }
    }

    /// Ends the client's stream with an error event.
    pub(crate) fn fail(&mut self, error: &StreamError) {
        self.usage.fail(&error.error);
        let mut sequence_number = 0;
        match &mut self.work {
            Work::Convert { machine, .. } if !self.defective => {
                let kept = self.out.len();
                let out = &mut self.out;
                if contain(|| machine.fail(error, out)).is_some() {
                    return;
                }
                self.defect(kept);
            }
            Work::Convert { .. } => {}
            Work::Relay(tap) => sequence_number = tap.next_sequence_number(),
        }
        if let Some(piece) = self.piece.take() {
            self.out.extend_from_slice(&piece);
        }
        error
            .error
            .write_event(self.settings.format, sequence_number, &mut self.out);
    }

    /// Notes an error that the client has among the relayed bytes.
    pub(crate) fn note_failure(&self, error: &StreamError) {
        self.usage.fail(&error.error);
    }

    /// Publishes the usage, as far as it is known. The first time counts.
    pub(crate) fn settle_usage(&self) {
        if let Some(usage) = contain(|| self.seen()) {
            self.usage.set(usage);
        }
        self.usage.set_facts(self.watch.facts());
    }

    /// Shows the client that the connection lives.
    pub(crate) fn keep_alive(&mut self) {
        if matches!(self.work, Work::Convert { .. }) {
            self.out.extend_from_slice(match self.settings.format {
                Format::Chat | Format::Responses => b": keep-alive\n\n".as_slice(),
                Format::Messages => b"event: ping\ndata: {\"type\":\"ping\"}\n\n".as_slice(),
            });
        }
    }

    fn seen(&self) -> Usage {
        match &self.work {
            Work::Convert { machine, .. } => {
                let mut usage = machine.usage();
                self.frames.complete_usage(&mut usage);
                usage
            }
            Work::Relay(tap) => tap.usage(),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Also of a stream that the client did not read to its end: what was used was used.
        self.settle_usage();
        // Clients may leave once they have the last event, without waiting for the end.
        let complete = match &self.work {
            Work::Convert { .. } => self.complete,
            Work::Relay(tap) => tap.is_complete(),
        };
        if complete && self.held() == 0 {
            self.usage.deliver();
        }
    }
}

/// Runs a machine. A defect in it must not take the client's whole connection down with it: `None` when it panicked.
fn contain<T>(run: impl FnOnce() -> T) -> Option<T> {
    let result = catch_unwind(AssertUnwindSafe(run));
    if result.is_err() {
        tracing::error!(target: "tower_llm_gateway::stream", "a stream conversion panicked");
    }
    result.ok()
}

/// Converts a piece; `kept` is how much of `out` is whole events.
fn convert(
    frames: &mut Frames,
    machine: &mut dyn Machine,
    piece: &[u8],
    out: &mut BytesMut,
    kept: &mut usize,
    spoken: &mut bool,
    dialect: Dialect,
) -> Result<Flow, StreamError> {
    let mut input = piece;
    loop {
        match frames.next(&mut input)? {
            Next::UsedUp => return Ok(Flow::Continue),
            Next::Unknown => {}
            Next::Event { name, data } => {
                let speaks = *spoken || !is_keep_alive(dialect, name, data);
                let flow = machine.event(name, data, out)?;
                *kept = out.len();
                *spoken |= speaks;
                if flow == Flow::Done {
                    return Ok(Flow::Done);
                }
            }
        }
    }
}

/// Watches a piece of a relayed stream; an error is one of ours only as the very first event.
#[expect(
    clippy::too_many_arguments,
    reason = "the parts of a stream, borrowed apart"
)]
fn watch(
    frames: &mut Frames,
    tap: &mut Tap,
    facts: &mut Watch,
    usage: &UsageHandle,
    piece: &[u8],
    spoken: &mut bool,
    blind: &mut bool,
    format: Format,
    found: &mut Found,
) -> Result<(), StreamError> {
    let mut input = piece;
    let mut first = Ok(());
    loop {
        match frames.next(&mut input) {
            Ok(Next::UsedUp) => {
                found.begins = !frames.is_between();
                return first;
            }
            Ok(Next::Unknown) => {}
            Ok(Next::Event { name, data }) => {
                let speaks = *spoken || !is_keep_alive(format.into(), name, data);
                let seen = tap.event(name, data);
                let end = piece.len() - input.len();
                if tap.saw_usage_alone() {
                    found.hidden.push(found.end..end);
                }
                found.end = end;
                facts.event(name, data);
                if !*spoken {
                    first = seen;
                } else if let Err(error) = &seen {
                    usage.fail(&error.error);
                }
                *spoken |= speaks && first.is_ok();
                first.clone()?;
            }
            Err(_) => {
                *blind = true;
                *spoken = true;
                return Ok(());
            }
        }
    }
}
