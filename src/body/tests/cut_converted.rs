//! Cut streams, converted.

use super::*;

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
