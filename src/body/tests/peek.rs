//! The first event.

use super::*;

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
