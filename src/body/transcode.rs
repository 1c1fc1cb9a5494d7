//! A stream on its way from a provider to a client.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use super::stream::{End, Stream};
use crate::convert::machine::{Flow, StreamError};
use crate::error::{BodyError, BoxError};
use crate::shutdown::Ending;

/// The most frames that are merged into one.
const MERGED_FRAMES: usize = 64;
/// The most bytes that are merged into one frame.
const MERGED_BYTES: usize = 64 * 1024;
/// The most bytes that are read, and thrown away, so that a connection can be used again.
const DRAINED_BYTES: usize = 64 * 1024;
/// How long the provider's end is waited for, so that a connection can be used again.
const DRAINING: Duration = Duration::from_millis(250);
/// How often the task wakes itself to see whether more is ready, before it writes what it holds or arms a clock. hyper asks a
/// body twice in one turn of the connection's task, and no other task has its turn between the two.
const LOOKS: u8 = 2;
/// The most that is held back while the first event that says something is waited for.
const PEEKED_BYTES: usize = 64 * 1024;

pin_project! {
    /// A provider's stream, converted or relayed on the fly.
    ///
    /// Frames that are ready together leave as one: one write, one wake-up. Nothing is spawned, and nothing is read that the
    /// client does not ask for. Dropping the body drops the provider's.
    pub struct TranscodeBody<B> {
        inner: Inner<B>,
        // Armed when there is nothing to do, and re-armed when it fires, not on each event.
        #[pin]
        clock: Option<Sleep>,
        // When the gateway stops.
        #[pin]
        ending: Option<Ending>,
    }
}

struct Inner<B> {
    body: Option<B>,
    stream: Stream,
    phase: Phase,
    /// How often the task woke itself since something came, to see whether more is ready.
    looks: u8,
    /// Frames since the client last got something.
    frames: usize,
    /// When the provider last sent something.
    heard: Instant,
    /// When the client last got something.
    told: Instant,
}

#[derive(Debug)]
enum Phase {
    Open,
    /// The client's stream is complete; the provider's end is looked for, so that its connection can be used again.
    Draining {
        drained: usize,
        since: Instant,
    },
    /// What is held goes out, then the body ends.
    Closing,
    /// What is held goes out, then the error.
    Breaking {
        error: Option<BodyError>,
        waited: bool,
    },
    Closed,
}

impl<B> TranscodeBody<B> {
    pub(crate) fn new(body: B, stream: Stream) -> Self {
        let now = Instant::now();
        let inner = Inner {
            body: Some(body),
            stream,
            phase: Phase::Open,
            looks: 0,
            frames: 0,
            heard: now,
            told: now,
        };
        Self {
            inner,
            clock: None,
            ending: None,
        }
    }

    /// The same body, which ends with an error when `ending` resolves.
    pub(crate) fn until(mut self, ending: Option<Ending>) -> Self {
        self.ending = ending;
        self
    }

    #[cfg(test)]
    pub(super) fn upstream(&self) -> Option<&B> {
        self.inner.body.as_ref()
    }
}

impl<B> TranscodeBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    /// Reads until the first event that says something, and holds what it gives for the client.
    ///
    /// # Errors
    /// The stream begins with an error, or ended before it said anything: nothing must go to the client as a stream.
    pub(crate) fn poll_peek(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        let inner = &mut self.inner;
        for _ in 0..MERGED_FRAMES {
            if inner.stream.has_spoken()
                || inner.stream.held() > PEEKED_BYTES
                || !matches!(inner.phase, Phase::Open)
            {
                return Poll::Ready(Ok(()));
            }
            let Some(body) = inner.body.as_mut() else {
                return Poll::Ready(Ok(()));
            };
            let result = match Pin::new(body).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(frame))) => inner.feed(frame),
                Poll::Ready(Some(Err(error))) => {
                    tracing::debug!(target: "tower_llm_gateway::stream", error = %error.into(), "stream broke");
                    return Poll::Ready(Err(StreamError::ended(inner.stream.settings().format)));
                }
                // It said nothing: not even its end is one that the client should see as a stream's.
                Poll::Ready(None) => Err(StreamError::ended(inner.stream.settings().format)),
            };
            if let Err(error) = result {
                if !inner.stream.has_spoken() {
                    return Poll::Ready(Err(error));
                }
                inner.fail(&error);
            }
        }
        // Endless pings: let others have their turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<B: Body<Data = Bytes>> Inner<B> {
    fn feed(&mut self, frame: Frame<Bytes>) -> Result<(), StreamError> {
        self.heard = Instant::now();
        self.looks = 0;
        self.frames += 1;
        // Trailers have no meaning in a stream of events.
        let Ok(piece) = frame.into_data() else {
            return Ok(());
        };
        if self.stream.feed(piece)? == Flow::Done {
            self.finish(End::Done);
        }
        Ok(())
    }

    fn finish(&mut self, end: End) {
        self.phase = match end {
            End::Clean => Phase::Closing,
            End::Done => Phase::Draining {
                drained: 0,
                since: Instant::now(),
            },
            End::Broken(error) => Phase::Breaking {
                error: Some(error),
                waited: false,
            },
        };
        if !matches!(self.phase, Phase::Draining { .. }) {
            self.body = None;
        }
        self.stream.settle_usage();
    }

    fn fail(&mut self, error: &StreamError) {
        self.stream.fail(error);
        self.finish(End::Clean);
    }

    fn settle(&mut self, result: Result<End, StreamError>) {
        match result {
            Ok(end) => self.finish(end),
            Err(error) => self.fail(&error),
        }
    }

    fn flush(&mut self) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.looks = 0;
        self.frames = 0;
        self.told = Instant::now();
        Poll::Ready(Some(Ok(Frame::data(self.stream.take()))))
    }

    /// When something must happen even if the provider stays silent.
    fn next_alarm(&self) -> Instant {
        let settings = self.stream.settings();
        let idle = self
            .heard
            .checked_add(settings.idle)
            .unwrap_or(settings.deadline);
        let keep_alive = settings
            .keep_alive
            .and_then(|time| self.told.checked_add(time));
        idle.min(settings.deadline)
            .min(keep_alive.unwrap_or(settings.deadline))
    }

    /// Where the provider always has more, or the client takes so little that more is always ready, no clock is ever waited for:
    /// such a stream ends in its time too.
    fn look_up(&mut self, stopping: bool) {
        if !matches!(self.phase, Phase::Open) {
            return;
        }
        if self.heard >= self.stream.settings().deadline {
            let result = self.stream.timed_out();
            self.settle(result);
        } else if stopping {
            let result = self.stream.stopped();
            self.settle(result);
        }
    }

    /// What the time asks for.
    fn ring(&mut self, now: Instant) {
        let settings = self.stream.settings();
        let idle = self
            .heard
            .checked_add(settings.idle)
            .is_some_and(|alarm| now >= alarm);
        if idle || now >= settings.deadline {
            let result = self.stream.timed_out();
            self.settle(result);
        } else if let Some(time) = settings.keep_alive
            && self
                .told
                .checked_add(time)
                .is_some_and(|alarm| now >= alarm)
        {
            self.told = now;
            self.stream.keep_alive();
        }
    }
}

impl<B> Body for TranscodeBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut this = self.project();
        let inner = this.inner;
        loop {
            let held = inner.stream.held();
            match &mut inner.phase {
                Phase::Open => {
                    if held >= MERGED_BYTES || (inner.frames >= MERGED_FRAMES && held > 0) {
                        return inner.flush();
                    }
                    if inner.frames >= MERGED_FRAMES {
                        // Events without output: let others have their turn.
                        inner.frames = 0;
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    let Some(body) = inner.body.as_mut() else {
                        inner.phase = Phase::Closing;
                        continue;
                    };
                    match Pin::new(body).poll_frame(cx) {
                        Poll::Ready(Some(Ok(frame))) => {
                            if let Err(error) = inner.feed(frame) {
                                // Relayed streams have passed the error on already.
                                inner.relay_or_fail(&error);
                            }
                            let ending = this.ending.as_ref().as_pin_ref();
                            inner.look_up(ending.is_some_and(|ending| ending.is_due()));
                        }
                        Poll::Ready(Some(Err(error))) => {
                            let result = inner.stream.broken(error.into());
                            inner.settle(result);
                        }
                        Poll::Ready(None) => {
                            let result = inner.stream.end();
                            inner.settle(result);
                        }
                        Poll::Pending if held > 0 && inner.looks < LOOKS => {
                            // hyper hands over one frame per wake-up: look once more before writing.
                            inner.looks += 1;
                            cx.waker().wake_by_ref();
                            return Poll::Pending;
                        }
                        Poll::Pending if held > 0 => return inner.flush(),
                        Poll::Pending => {
                            let ending = this.ending.as_mut().as_pin_mut();
                            if ending.is_some_and(|ending| ending.poll(cx).is_ready()) {
                                this.ending.set(None);
                                let result = inner.stream.stopped();
                                inner.settle(result);
                                continue;
                            }
                            let alarm = inner.next_alarm();
                            if this.clock.is_none() {
                                this.clock.set(Some(sleep_until(alarm)));
                            }
                            let Some(mut clock) = this.clock.as_mut().as_pin_mut() else {
                                return Poll::Pending;
                            };
                            if clock.as_mut().poll(cx).is_pending() {
                                return Poll::Pending;
                            }
                            inner.ring(Instant::now());
                            clock.reset(inner.next_alarm());
                        }
                    }
                }
                Phase::Draining { .. } | Phase::Closing | Phase::Breaking { .. } if held > 0 => {
                    return inner.flush();
                }
                Phase::Draining { drained, since } => {
                    let next = inner
                        .body
                        .as_mut()
                        .map(|body| Pin::new(body).poll_frame(cx));
                    match next {
                        Some(Poll::Ready(Some(Ok(frame)))) if *drained < DRAINED_BYTES => {
                            *drained += frame.data_ref().map_or(1, |piece| piece.len().max(1));
                        }
                        Some(Poll::Pending) if inner.looks < LOOKS => {
                            inner.looks += 1;
                            cx.waker().wake_by_ref();
                            return Poll::Pending;
                        }
                        Some(Poll::Pending) => {
                            // The end often comes in a packet of its own.
                            let alarm = *since + DRAINING;
                            this.clock.set(Some(sleep_until(alarm)));
                            let clock = this.clock.as_mut().as_pin_mut();
                            if clock.is_some_and(|clock| clock.poll(cx).is_pending()) {
                                return Poll::Pending;
                            }
                            inner.finish(End::Clean);
                        }
                        _ => inner.finish(End::Clean),
                    }
                }
                Phase::Breaking { error, waited } => {
                    if !*waited {
                        // hyper throws away what it has not written yet once it sees an error.
                        *waited = true;
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    let error = error.take();
                    inner.phase = Phase::Closed;
                    return Poll::Ready(error.map(Err));
                }
                Phase::Closing => {
                    inner.phase = Phase::Closed;
                    inner.body = None;
                }
                Phase::Closed => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self.inner.phase {
            Phase::Closed => true,
            Phase::Closing => self.inner.stream.held() == 0,
            Phase::Open | Phase::Draining { .. } | Phase::Breaking { .. } => false,
        }
    }
}

impl<B: Body<Data = Bytes>> Inner<B> {
    /// An error that the provider's stream carried: converted streams end with it in the client's format, relayed ones
    /// have it among their bytes and go on.
    fn relay_or_fail(&mut self, error: &StreamError) {
        if self.stream.is_relayed() {
            self.stream.note_failure(error);
        } else {
            self.fail(error);
        }
    }
}

impl<B> fmt::Debug for TranscodeBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TranscodeBody")
            .field("phase", &self.inner.phase)
            .finish_non_exhaustive()
    }
}
