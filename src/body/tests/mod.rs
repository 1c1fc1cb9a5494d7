//! Streams on their way, poll by poll.

mod clocks;
mod cut_converted;
mod cut_relayed;
mod end;
mod merging;
mod peek;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use tokio::time::{Instant, advance};
use tokio_test::task::{Spawn, spawn};

use super::stream::{Stream, StreamSettings, Work};
use super::transcode::TranscodeBody;
use crate::convert::machine::{Dialect, Flow, Machine, StreamError};
use crate::endpoint::Format;
use crate::error::{BodyError, BoxError};
use crate::observe::UsageHandle;
use crate::provider::spec::Framing;
use crate::usage::Usage;

/// What a provider's body does when it is polled.
enum Step {
    Data(Bytes),
    Trailers,
    /// Nothing for now; the test polls again.
    Pending,
    /// Nothing until a time has passed.
    After(Duration),
    Break,
}
use Step::{After, Break, Pending, Trailers};

fn data(text: &str) -> Step {
    Step::Data(Bytes::copy_from_slice(text.as_bytes()))
}

/// A body of steps, at whose end the stream ends, unless it hangs.
struct Upstream {
    steps: VecDeque<Step>,
    hangs: bool,
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
    polls: usize,
    dropped: Arc<AtomicBool>,
}

impl Upstream {
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            hangs: false,
            sleep: None,
            polls: 0,
            dropped: Arc::default(),
        }
    }

    fn hanging(steps: impl IntoIterator<Item = Step>) -> Self {
        let mut upstream = Self::new(steps);
        upstream.hangs = true;
        upstream
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::Relaxed);
    }
}

impl Body for Upstream {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.polls += 1;
        if let Some(sleep) = &mut self.sleep {
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.sleep = None;
        }
        match self.steps.pop_front() {
            Some(Step::Data(bytes)) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Some(Trailers) => Poll::Ready(Some(Ok(Frame::trailers(http::HeaderMap::new())))),
            Some(Pending) => Poll::Pending,
            Some(After(time)) => {
                self.sleep = Some(Box::pin(tokio::time::sleep(time)));
                self.poll_frame(cx)
            }
            Some(Break) => Poll::Ready(Some(Err("reset".into()))),
            None if self.hangs => Poll::Pending,
            None => Poll::Ready(None),
        }
    }
}

/// Writes `<DATA>` for each event; some data make it do other things.
#[derive(Default)]
struct Fake {
    events: u64,
    complete: bool,
    panics_at_end: bool,
}

impl Machine for Fake {
    fn event(&mut self, _name: &str, data: &[u8], out: &mut BytesMut) -> Result<Flow, StreamError> {
        self.events += 1;
        match data {
            b"ping" => return Ok(Flow::Continue),
            b"error" => return Err(StreamError::malformed(Format::Chat, "said so")),
            b"panic" => {
                out.extend_from_slice(b"<half");
                panic!("a defect");
            }
            b"stop" => self.complete = true,
            b"panics-at-end" => self.panics_at_end = true,
            _ => {}
        }
        out.extend_from_slice(b"<");
        out.extend_from_slice(data);
        out.extend_from_slice(b">");
        Ok(if data == b"done" {
            Flow::Done
        } else {
            Flow::Continue
        })
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<(), StreamError> {
        assert!(!self.panics_at_end, "a defect");
        if !self.complete {
            return Err(StreamError::ended(Format::Chat));
        }
        out.extend_from_slice(b"<end>");
        Ok(())
    }

    fn fail(&mut self, error: &StreamError, out: &mut BytesMut) {
        assert!(!self.panics_at_end, "a defect");
        out.extend_from_slice(format!("<failed: {}>", error.error.message).as_bytes());
    }

    fn usage(&self) -> Usage {
        assert!(!self.panics_at_end, "a defect");
        Usage {
            output: Some(self.events),
            ..Usage::default()
        }
    }
}

/// A body under test, polled by a task that notes whether it was woken.
struct Probe {
    /// Until it is polled as a body.
    fresh: Option<TranscodeBody<Upstream>>,
    pinned: Option<Pin<Box<TranscodeBody<Upstream>>>>,
    task: Spawn<()>,
    dropped: Arc<AtomicBool>,
}

impl Probe {
    fn new(upstream: Upstream, stream: Stream) -> Self {
        let dropped = upstream.dropped.clone();
        Self {
            fresh: Some(TranscodeBody::new(upstream, stream)),
            pinned: None,
            task: spawn(()),
            dropped,
        }
    }

    fn body(&mut self) -> Pin<&mut TranscodeBody<Upstream>> {
        if let Some(fresh) = self.fresh.take() {
            self.pinned = Some(Box::pin(fresh));
        }
        self.pinned.as_mut().unwrap().as_mut()
    }

    fn poll(&mut self) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.body();
        let body = self.pinned.as_mut().unwrap();
        self.task.enter(|cx, _| body.as_mut().poll_frame(cx))
    }

    /// What a poll gives, which must be bytes.
    #[track_caller]
    fn frame(&mut self) -> Bytes {
        match self.poll() {
            Poll::Ready(Some(Ok(frame))) => frame.into_data().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn peek(&mut self) -> Poll<Result<(), StreamError>> {
        let body = self.fresh.as_mut().unwrap();
        self.task.enter(|cx, _| body.poll_peek(cx))
    }

    /// Everything up to the end, and the error there was.
    async fn all(&mut self) -> (String, Option<String>) {
        let mut text = Vec::new();
        let error = loop {
            match std::future::poll_fn(|cx| self.body().poll_frame(cx)).await {
                Some(Ok(frame)) => text.extend_from_slice(&frame.into_data().unwrap()),
                Some(Err(error)) => break Some(error.to_string()),
                None => break None,
            }
        };
        (String::from_utf8(text).unwrap(), error)
    }
}

fn settings(format: Format) -> StreamSettings {
    StreamSettings {
        format,
        event_limit: 1000,
        idle: Duration::from_secs(300),
        deadline: Instant::now() + Duration::from_secs(1800),
        keep_alive: None,
    }
}

fn converted_with(upstream: Upstream, settings: StreamSettings) -> Probe {
    let work = Work::Convert {
        machine: Box::new(Fake::default()),
        dialect: Dialect::Messages,
        framing: Framing::Sse,
    };
    Probe::new(
        upstream,
        Stream::new(work, settings, UsageHandle::default()),
    )
}

fn converted(steps: impl IntoIterator<Item = Step>) -> Probe {
    converted_with(Upstream::new(steps), settings(Format::Chat))
}

fn relayed_with(upstream: Upstream, settings: StreamSettings) -> Probe {
    let work = Work::relay(settings.format);
    Probe::new(
        upstream,
        Stream::new(work, settings, UsageHandle::default()),
    )
}

fn relayed(steps: impl IntoIterator<Item = Step>) -> Probe {
    relayed_with(Upstream::new(steps), settings(Format::Chat))
}

const CHUNK: &str = "data: {\"choices\":[]}\n\n";
const FINISH: &str = "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";
