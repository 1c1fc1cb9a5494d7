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

#[tokio::test]
async fn ready_frames_leave_as_one() {
    let mut body = converted([
        data("data: a\n\nda"),
        data("ta: b\n\n"),
        data("data: stop\n\n"),
    ]);
    assert_eq!(body.frame(), "<a><b><stop><end>");
    assert!(body.body().is_end_stream());
    assert!(matches!(body.poll(), Poll::Ready(None)));
    assert!(!body.task.is_woken());
}

#[tokio::test]
async fn what_is_held_waits_for_one_more_look() {
    let mut body = converted([
        data("data: a\n\n"),
        Pending,
        // hyper asks twice in one turn.
        Pending,
        data("data: b\n\n"),
        Pending,
        Pending,
        data("data: c\n\n"),
        Pending,
        Pending,
        Pending,
        Pending,
    ]);
    // hyper has one frame per wake-up: the task wakes itself to look again.
    for _ in 0..6 {
        assert!(body.poll().is_pending());
        assert!(body.task.is_woken());
    }
    assert_eq!(body.frame(), "<a><b><c>");
    // With nothing held it waits for the provider.
    assert!(body.poll().is_pending());
    assert!(!body.task.is_woken());
}

#[tokio::test]
async fn what_is_held_leaves_where_nothing_more_came() {
    let mut body = converted([data("data: a\n\n"), Pending, Pending, Pending, Pending]);
    for _ in 0..2 {
        assert!(body.poll().is_pending());
        assert!(body.task.is_woken());
    }
    assert_eq!(body.frame(), "<a>");
}

#[tokio::test]
async fn what_comes_without_end_is_not_held_without_end() {
    let steps = (0..200).flat_map(|_| [data("data: a\n\n"), Pending]);
    let mut body = converted(steps);
    for _ in 0..63 {
        assert!(body.poll().is_pending());
    }
    assert_eq!(body.frame().len(), 64 * 3);
}

#[tokio::test]
async fn merging_is_bounded() {
    let frames = (0..200).map(|_| data("data: x\n\n"));
    let mut body = converted(frames);
    assert_eq!(body.frame().len(), 64 * 3);
    assert_eq!(body.frame().len(), 64 * 3);
    let large = format!(": {}\n\n", "c".repeat(40_000));
    let mut body = relayed((0..5).map(|_| data(&large)));
    assert_eq!(body.frame().len(), 2 * large.len());
}

#[tokio::test]
async fn events_without_output_yield() {
    let mut body = converted((0..1000).map(|_| data("data: ping\n\n")));
    for _ in 0..3 {
        assert!(body.poll().is_pending());
        assert!(body.task.is_woken());
    }
    let polls = body.body().upstream().unwrap().polls;
    assert_eq!(polls, 3 * 64);
}

#[tokio::test]
async fn a_relayed_frame_alone_is_not_copied() {
    let piece = Bytes::from(CHUNK.to_owned());
    let mut body = relayed([Step::Data(piece.clone()), Pending, Pending]);
    assert!(body.poll().is_pending());
    let sent = body.frame();
    assert_eq!((sent.as_ptr(), sent.len()), (piece.as_ptr(), piece.len()));
}

#[tokio::test]
async fn relayed_bytes_are_the_providers() {
    let odd = "\u{feff}: comment\r\n\r\nid: 7\r\nevent: never-heard-of\r\ndata: {\"choices\":[]}\r\n\r\nretry: 5\n\ndata: é\n\n";
    let text = format!("{odd}{FINISH}{DONE}data: after the end");
    for size in [1, 2, 3, 7, 1000] {
        let steps = text
            .as_bytes()
            .chunks(size)
            .map(|chunk| Step::Data(Bytes::copy_from_slice(chunk)));
        assert_eq!(relayed(steps).all().await, (text.clone(), None), "{size}");
    }
}

#[tokio::test]
async fn trailers_are_no_event() {
    let mut body = relayed([data(FINISH), Trailers]);
    assert_eq!(body.all().await, (FINISH.to_owned(), None));
}

// Cut streams, converted.

#[tokio::test]
async fn a_converted_stream_that_ends_early_says_so() {
    let failed = "<a><failed: upstream stream ended before completion>";
    for steps in [
        vec![data("data: a\n\n")],
        vec![data("data: a\n\n"), data("data: b\n")],
        vec![data("data: a\n\n"), Break],
        vec![data("data: a\n\n"), data("da"), Break],
    ] {
        assert_eq!(converted(steps).all().await, (failed.to_owned(), None));
    }
}

#[tokio::test]
async fn a_converted_stream_that_was_complete_ends_well() {
    let text = "<stop><end>".to_owned();
    assert_eq!(
        converted([data("data: stop\n\n")]).all().await,
        (text.clone(), None)
    );
    assert_eq!(
        converted([data("data: stop\n\n"), Break]).all().await,
        (text, None)
    );
}

#[tokio::test]
async fn a_converted_error_event_ends_the_stream() {
    let mut body = converted([
        data("data: a\n\ndata: error\n\ndata: b\n\n"),
        data("data: c\n\n"),
    ]);
    let dropped = body.dropped.clone();
    assert_eq!(body.all().await, ("<a><failed: said so>".to_owned(), None));
    assert!(dropped.load(Ordering::Relaxed));
}

#[tokio::test]
async fn an_event_over_the_limit_fails_a_converted_stream() {
    let large = format!("data: a\n\ndata: {}\n\n", "x".repeat(2000));
    let (text, error) = converted([data(&large)]).all().await;
    assert_eq!(
        (text.as_str(), error),
        (
            "<a><failed: the provider sent an event over the limit>",
            None
        )
    );
}

#[tokio::test]
async fn a_panic_is_contained() {
    let (text, error) = converted([data("data: a\n\ndata: panic\n\n")]).all().await;
    // The event at hand leaves no half of it behind.
    assert!(text.starts_with("<a>data: {\"error\":{"), "{text}");
    assert!(
        text.contains("internal_error") && text.ends_with("}\n\n"),
        "{text}"
    );
    assert_eq!(error, None);
    let (text, error) = converted([data("data: panics-at-end\n\n")]).all().await;
    assert!(
        text.starts_with("<panics-at-end>data: {\"error\":{"),
        "{text}"
    );
    assert_eq!(error, None);
    let (text, _) = converted([data("data: panics-at-end\n\ndata: error\n\n")])
        .all()
        .await;
    assert!(text.contains("said so"), "{text}");
}

// Cut streams, relayed.

#[tokio::test]
async fn a_relayed_stream_that_ends_between_events_gets_an_error_event() {
    let (text, error) = relayed([data(CHUNK)]).all().await;
    let added = text.strip_prefix(CHUNK).unwrap();
    assert!(
        added.starts_with("data: {\"error\":{") && added.ends_with("}\n\n"),
        "{added}"
    );
    assert!(
        added.contains("\"code\":\"upstream_stream_ended\""),
        "{added}"
    );
    assert_eq!(error, None);

    let event =
        "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":4}\n\n";
    let (text, _) = relayed_with(Upstream::new([data(event)]), settings(Format::Responses))
        .all()
        .await;
    let added = text.strip_prefix(event).unwrap();
    assert!(
        added.starts_with("event: error\ndata: {\"type\":\"error\",\"sequence_number\":5,"),
        "{added}"
    );

    let event = "event: message_start\ndata: {\"type\":\"message_start\"}\n\n";
    let (text, _) = relayed_with(Upstream::new([data(event)]), settings(Format::Messages))
        .all()
        .await;
    let added = text.strip_prefix(event).unwrap();
    assert!(
        added.starts_with(
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\""
        ),
        "{added}"
    );
}

#[tokio::test]
async fn a_relayed_stream_that_was_complete_ends_as_it_is() {
    for text in [
        FINISH.to_owned(),
        format!("{CHUNK}{DONE}"),
        format!("{FINISH}data: [DONE]\n"),
    ] {
        assert_eq!(relayed([data(&text)]).all().await, (text.clone(), None));
    }
}

#[tokio::test]
async fn a_relayed_stream_that_ends_inside_an_event_breaks_behind_every_byte() {
    for end in ["d", "data: {", "data: {}\n", ": comment"] {
        for cut in [None, Some(Break)] {
            let text = format!("{CHUNK}{end}");
            let (sent, error) = relayed([data(&text)].into_iter().chain(cut)).all().await;
            assert_eq!(sent, text);
            assert!(error.is_some(), "{end}");
        }
    }
    let (sent, error) = relayed([data(CHUNK), Break]).all().await;
    assert_eq!(
        (sent.as_str(), error.as_deref()),
        (CHUNK, Some("the provider's stream broke off"))
    );
}

/// Whatever the cut: every byte arrives, and the client can tell unless the stream was complete.
#[tokio::test]
async fn a_cut_at_any_byte_is_told() {
    let crlf = CHUNK.replace('\n', "\r\n");
    let before_finish = format!(": hi\n\n{CHUNK}{crlf}");
    let whole = format!("{before_finish}{FINISH}{DONE}");
    for cut in 0..=whole.len() {
        let text = &whole[..cut];
        let complete = cut >= before_finish.len() + FINISH.len();
        for steps in [vec![data(text)], vec![data(text), Break]] {
            let breaks = steps.len() == 2;
            let (sent, error) = relayed(steps).all().await;
            let added = sent.strip_prefix(text).unwrap();
            let told = error.is_some() || added.contains("upstream_stream_ended");
            assert_eq!(told, breaks || !complete, "{text:?}: {added:?} {error:?}");
            // An event of ours begins where an event can begin.
            let between = text.is_empty()
                || [": hi\n", "\n\n", "\r\n\r", "\r\n\r\n"]
                    .iter()
                    .any(|end| text.ends_with(end));
            assert!(added.is_empty() || between, "{text:?}: {added:?}");
        }
    }
}

#[tokio::test]
async fn an_error_comes_one_poll_after_the_last_bytes() {
    let mut body = relayed([data(CHUNK), Break]);
    assert_eq!(body.frame(), CHUNK);
    assert!(body.poll().is_pending());
    assert!(body.task.is_woken());
    assert!(matches!(body.poll(), Poll::Ready(Some(Err(_)))));
    assert!(matches!(body.poll(), Poll::Ready(None)));
}

#[tokio::test]
async fn a_relayed_error_event_passes_with_what_follows() {
    let text = format!("{CHUNK}data: {{\"error\":{{\"message\":\"m\"}}}}\n\n: more\n\n");
    assert_eq!(relayed([data(&text)]).all().await, (text.clone(), None));
}

#[tokio::test]
async fn an_event_that_is_too_large_to_be_watched_is_relayed_still() {
    let text = format!("data: {}\n\n{CHUNK}", "x".repeat(5000));
    let (sent, error) = relayed([data(&text)]).all().await;
    assert_eq!((sent, error), (text, None));
}

#[tokio::test]
async fn an_unwatched_body_is_relayed_and_breaks_behind_its_bytes() {
    let unwatched = |steps: Vec<Step>| {
        let head = Bytes::from_static(b"{\"no\":");
        let stream = Stream::unwatched(head, settings(Format::Chat), UsageHandle::default());
        Probe::new(Upstream::new(steps), stream)
    };
    assert_eq!(
        unwatched(vec![data("\"stream\"}")]).all().await,
        ("{\"no\":\"stream\"}".to_owned(), None)
    );
    let mut body = unwatched(vec![Pending, Pending, Pending, Break]);
    assert!(body.poll().is_pending());
    assert!(body.poll().is_pending());
    assert_eq!(body.frame(), "{\"no\":");
    assert!(body.poll().is_pending() && body.task.is_woken());
    assert!(matches!(body.poll(), Poll::Ready(Some(Err(_)))));
}

// Clocks.

#[tokio::test(start_paused = true)]
async fn a_silent_stream_ends_after_the_idle_time() {
    let started = Instant::now();
    let silence = || {
        Upstream::hanging([
            data("data: a\n\n"),
            After(Duration::from_secs(200)),
            data("data: b\n\n"),
        ])
    };
    let (text, error) = converted_with(silence(), settings(Format::Chat))
        .all()
        .await;
    assert_eq!(
        text,
        "<a><b><failed: the provider's stream stood still for too long>"
    );
    assert_eq!(error, None);
    assert_eq!(started.elapsed().as_secs(), 500);

    let (text, error) = relayed_with(Upstream::hanging([data(CHUNK)]), settings(Format::Chat))
        .all()
        .await;
    assert!(
        text.starts_with(CHUNK) && text.contains("\"code\":\"timeout\""),
        "{text}"
    );
    assert_eq!(error, None);

    let (text, error) = relayed_with(Upstream::hanging([data("data: {")]), settings(Format::Chat))
        .all()
        .await;
    assert_eq!(text, "data: {");
    assert!(error.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_complete_stream_that_is_not_closed_ends_well() {
    let text = format!("{FINISH}{DONE}");
    let body = Upstream::hanging([data(&text)]);
    assert_eq!(
        relayed_with(body, settings(Format::Chat)).all().await,
        (text, None)
    );
    let body = Upstream::hanging([data("data: stop\n\n")]);
    assert_eq!(
        converted_with(body, settings(Format::Chat)).all().await,
        ("<stop><end>".to_owned(), None)
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_lives_no_longer_than_the_call() {
    let started = Instant::now();
    let mut short = settings(Format::Chat);
    short.deadline = started + Duration::from_secs(10);
    let trickle = (0..100).flat_map(|_| [data("data: a\n\n"), After(Duration::from_secs(3))]);
    let (text, _) = converted_with(Upstream::new(trickle), short).all().await;
    assert_eq!(
        text,
        "<a><a><a><a><failed: the provider's stream stood still for too long>"
    );
    assert_eq!(started.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_would_overflow_is_none() {
    let mut endless = settings(Format::Chat);
    (endless.idle, endless.keep_alive) = (Duration::MAX, Some(Duration::MAX));
    let started = Instant::now();
    converted_with(Upstream::hanging([data("data: a\n\n")]), endless)
        .all()
        .await;
    assert_eq!(started.elapsed().as_secs(), 1800);
}

#[tokio::test(start_paused = true)]
async fn a_silent_converted_stream_is_kept_alive() {
    for (format, sign) in [
        (Format::Chat, ": keep-alive\n\n"),
        (Format::Responses, ": keep-alive\n\n"),
        (
            Format::Messages,
            "event: ping\ndata: {\"type\":\"ping\"}\n\n",
        ),
    ] {
        let mut settings = settings(format);
        settings.keep_alive = Some(Duration::from_secs(15));
        let upstream = || {
            Upstream::new([
                data("data: a\n\n"),
                After(Duration::from_secs(40)),
                data("data: stop\n\n"),
            ])
        };
        let (text, _) = converted_with(upstream(), settings).all().await;
        assert_eq!(text, format!("<a>{sign}{sign}<stop><end>"));
    }
    // Relayed streams are the provider's alone.
    let mut settings = settings(Format::Chat);
    settings.keep_alive = Some(Duration::from_secs(15));
    let upstream = Upstream::new([data(CHUNK), After(Duration::from_secs(40)), data(FINISH)]);
    assert_eq!(
        relayed_with(upstream, settings).all().await.0,
        format!("{CHUNK}{FINISH}")
    );
}

// The end.

#[tokio::test(start_paused = true)]
async fn the_providers_end_is_looked_for_after_the_clients() {
    let steps = || {
        [
            data("data: done\n\ndata: more\n\n"),
            Pending,
            data("data: ignored\n\n"),
            Pending,
        ]
    };
    let mut body = converted(steps());
    assert_eq!(body.frame(), "<done>");
    let dropped = body.dropped.clone();
    assert!(body.poll().is_pending());
    assert!(body.poll().is_pending());
    assert!(!dropped.load(Ordering::Relaxed));
    assert!(matches!(body.poll(), Poll::Ready(None)));
    assert!(dropped.load(Ordering::Relaxed));

    // But not for long.
    let mut body = converted_with(Upstream::hanging(steps()), settings(Format::Chat));
    assert_eq!(body.frame(), "<done>");
    for _ in 0..3 {
        assert!(body.poll().is_pending());
    }
    advance(Duration::from_secs(1)).await;
    assert!(body.task.is_woken());
    assert!(matches!(body.poll(), Poll::Ready(None)));

    // And not for much.
    let endless = (0..1000).map(|_| data(&"x".repeat(1000)));
    let mut body = converted([data("data: done\n\n")].into_iter().chain(endless));
    assert_eq!(body.frame(), "<done>");
    let dropped = body.dropped.clone();
    assert!(matches!(body.poll(), Poll::Ready(None)));
    assert!(dropped.load(Ordering::Relaxed));
}

#[tokio::test]
async fn dropping_the_body_drops_the_providers() {
    let upstream = Upstream::hanging([data("data: a\n\n")]);
    let dropped = upstream.dropped.clone();
    let mut body = converted_with(upstream, settings(Format::Chat));
    assert!(body.poll().is_pending());
    assert!(!dropped.load(Ordering::Relaxed));
    drop(body);
    assert!(dropped.load(Ordering::Relaxed));
}

fn counted(steps: Vec<Step>) -> (UsageHandle, Probe) {
    let usage = UsageHandle::default();
    let work = Work::Convert {
        machine: Box::new(Fake::default()),
        dialect: Dialect::Messages,
        framing: Framing::Sse,
    };
    let stream = Stream::new(work, settings(Format::Chat), usage.clone());
    (usage, Probe::new(Upstream::new(steps), stream))
}

#[tokio::test]
async fn the_usage_is_known_at_the_end_and_on_a_drop() {
    let (usage, mut body) = counted(vec![data("data: a\n\ndata: stop\n\n")]);
    body.all().await;
    assert_eq!(usage.get().unwrap().output, Some(2));

    let (usage, mut body) = counted(vec![data("data: a\n\n"), Pending]);
    assert!(body.poll().is_pending());
    assert_eq!(usage.get(), None);
    drop(body);
    assert_eq!(usage.get().unwrap().output, Some(1));

    // A machine that panics here as well takes nothing along.
    let (usage, mut body) = counted(vec![data("data: panics-at-end\n\n"), Pending]);
    assert!(body.poll().is_pending());
    drop(body);
    assert_eq!(usage.get(), None);
}

// The first event.

const PING: &str = "event: ping\ndata: {\"type\":\"ping\"}\n\n";

#[tokio::test]
async fn a_peek_waits_for_an_event_that_says_something() {
    let mut body = relayed_with(
        Upstream::new([
            data(": hi\n\n"),
            data(PING),
            Pending,
            data("data: {\"type\":\"mess"),
            data("age_stop\"}\n\n"),
        ]),
        settings(Format::Messages),
    );
    assert!(body.peek().is_pending());
    assert!(matches!(body.peek(), Poll::Ready(Ok(()))));
    let text = format!(": hi\n\n{PING}data: {{\"type\":\"message_stop\"}}\n\n");
    assert_eq!(body.all().await, (text, None));
}

#[tokio::test]
async fn a_first_event_that_is_an_error_is_no_stream() {
    let error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}\n\n";
    let mut body = relayed_with(
        Upstream::new([data(PING), data(error)]),
        settings(Format::Messages),
    );
    let Poll::Ready(Err(error)) = body.peek() else {
        panic!()
    };
    assert_eq!(error.upstream_status.unwrap().as_u16(), 529);
    let mut body = converted([data("data: error\n\n")]);
    assert!(matches!(body.peek(), Poll::Ready(Err(_))));
}

#[tokio::test]
async fn a_later_error_stays_in_the_stream() {
    let mut body = converted([data("data: a\n\ndata: error\n\n")]);
    assert!(matches!(body.peek(), Poll::Ready(Ok(()))));
    assert_eq!(body.all().await, ("<a><failed: said so>".to_owned(), None));
}

#[tokio::test]
async fn a_stream_that_says_nothing_is_an_error() {
    for steps in [
        vec![],
        vec![data(PING)],
        vec![data(PING), Break],
        vec![data("data: {")],
        vec![data("data: {"), Break],
    ] {
        let mut body = relayed_with(Upstream::new(steps), settings(Format::Messages));
        let Poll::Ready(Err(error)) = body.peek() else {
            panic!()
        };
        assert_eq!(error.error.status, 502);
    }
}

#[tokio::test]
async fn a_peek_of_endless_pings_yields_and_holds_little() {
    let mut body = relayed_with(
        Upstream::new((0..100_000).map(|_| data(PING))),
        settings(Format::Messages),
    );
    assert!(body.peek().is_pending());
    assert!(body.task.is_woken());
    while body.peek().is_pending() {}
    assert!(body.frame().len() < 128 * 1024);
}
