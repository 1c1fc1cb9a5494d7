//! The end of a stream, and what is known by then.

use super::*;

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
