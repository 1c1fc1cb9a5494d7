//! Cut streams, relayed.

use super::*;

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
