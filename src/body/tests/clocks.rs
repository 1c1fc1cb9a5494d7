//! Silence and time.

use super::*;

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

/// Whoever takes little, or sends without a pause, has nothing to wait for: no clock would ever be asked.
#[tokio::test(start_paused = true)]
async fn a_stream_that_never_pauses_lives_no_longer_than_the_call() {
    let endless = || Upstream::new((0..64 * 100).map(|_| data("data: a\n\n")));
    let mut short = settings(Format::Chat);
    short.deadline = Instant::now() + Duration::from_secs(10);
    let mut probe = converted_with(endless(), short);
    let mut frames = Vec::new();
    while let Poll::Ready(Some(frame)) = probe.poll() {
        frames.push(frame.unwrap().into_data().unwrap());
        advance(Duration::from_secs(3)).await;
    }
    // Four in time, and the one that says that it is over.
    assert_eq!(frames.len(), 5, "{frames:?}");
    assert!(frames[4].ends_with(b"stood still for too long>"));

    let stop = crate::Shutdown::new();
    let mut probe = converted_with(endless(), settings(Format::Chat));
    probe.fresh = probe.fresh.map(|body| body.until(Some(stop.ending())));
    assert!(probe.frame().ends_with(b"<a>"));
    stop.end_calls();
    let last = probe.frame();
    assert!(last.ends_with(b"stopped before the end of this stream>"));
    assert!(matches!(probe.poll(), Poll::Ready(None)));
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
