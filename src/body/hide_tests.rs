use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::*;
use crate::body::stream::{End, Stream, StreamSettings, Work};
use crate::endpoint::Format;
use crate::observe::UsageHandle;

#[test]
fn events_begin_behind_comments_and_blank_lines() {
    for (text, expected) in [
        ("data: x\n\n", 0),
        (": c\n\ndata: x\n\n", 5),
        (": c\ndata: x\n\n", 4),
        ("\r\n: c\r\n\r\ndata: x\r\n\r\n", 9),
        ("\rdata: x\r\r", 1),
        ("id: 1\n\ndata: x\n\n", 7),
        ("event: e\n: c\ndata: x\n\n", 0),
    ] {
        assert_eq!(before_event(text.as_bytes()), expected, "{text:?}");
    }
}

fn stream(usage: &UsageHandle, event_limit: usize) -> Stream {
    let hour = Duration::from_secs(3600);
    let settings = StreamSettings {
        format: Format::Chat,
        event_limit,
        idle: hour,
        deadline: Instant::now() + hour,
        keep_alive: None,
    };
    Stream::new(Work::relay(Format::Chat), settings, usage.clone()).hiding_usage()
}

/// What the client gets of these pieces, and whether the end is a clean one.
fn relayed<'a>(stream: &mut Stream, pieces: impl IntoIterator<Item = &'a [u8]>) -> (String, bool) {
    let mut out = Vec::new();
    for piece in pieces {
        stream.feed(Bytes::copy_from_slice(piece)).unwrap();
        out.extend_from_slice(&stream.take());
    }
    let end = stream.end();
    out.extend_from_slice(&stream.take());
    (
        String::from_utf8(out).unwrap(),
        matches!(end, Ok(End::Clean)),
    )
}

const CHUNK: &str = r#"data: {"id":"c","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}],"usage":null}"#;
const LAST: &str =
    r#"data:{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#;
const USAGE: &str = r#"data: {"id":"c","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}"#;
const BOTH: &str = r#"data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}"#;
const EMPTY: &str = r#"data: {"id":"c","choices":[],"prompt_filter_results":[],"usage":null}"#;

/// A stream with these line ends, and what of it the client is to see.
fn script(end: &str, usage: &str) -> (String, String) {
    let event = |text: &str| format!("{}{end}{end}", text.replace('\n', end));
    let before = [
        event(": hello"),
        event(EMPTY),
        event(CHUNK),
        event(&format!("event: x\n: inside\nid: 1\n{LAST}\nretry: 5")),
        event("id: 2"),
        event(": waiting"),
    ]
    .concat();
    let after = [event(": bye"), event("data: [DONE]")].concat();
    let all = [before.as_str(), &event(usage), &after].concat();
    (all, before + &after)
}

proptest! {
    #[test]
    fn only_the_chunk_of_usage_is_missing_however_the_stream_is_cut(
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        named in any::<bool>(),
    ) {
        let usage = if named { format!("event: u\n{USAGE}\nid: 9") } else { USAGE.to_owned() };
        let (all, expected) = script(end, &usage);
        let all = all.as_bytes();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(all.len())).collect();
        cuts.sort_unstable();
        cuts.push(all.len());
        let mut from = 0;
        let pieces = cuts.into_iter().map(|to| {
            let piece = &all[from..to];
            from = to;
            piece
        });
        let handle = UsageHandle::default();
        let mut stream = stream(&handle, 64 * 1024);
        let (seen, clean) = relayed(&mut stream, pieces);
        prop_assert_eq!(seen, expected);
        prop_assert!(clean);
        drop(stream);
        prop_assert_eq!(handle.get().unwrap().prompt(), 7);
    }
}

#[test]
fn every_cut_in_two() {
    for end in ["\n", "\r\n", "\r"] {
        let (all, expected) = script(end, USAGE);
        for at in 0..all.len() {
            let (first, rest) = all.as_bytes().split_at(at);
            let mut stream = stream(&UsageHandle::default(), 64 * 1024);
            assert_eq!(relayed(&mut stream, [first, rest]).0, expected, "{at}");
        }
        let mut stream = stream(&UsageHandle::default(), 64 * 1024);
        assert_eq!(relayed(&mut stream, all.as_bytes().chunks(1)).0, expected);
    }
}

#[test]
fn a_chunk_with_choices_and_usage_goes_on() {
    let text = format!("{CHUNK}\n\n{BOTH}\n\n{EMPTY}\n\ndata: [DONE]\n\n");
    for size in [1, 7, 1000] {
        let handle = UsageHandle::default();
        let mut stream = stream(&handle, 64 * 1024);
        assert_eq!(relayed(&mut stream, text.as_bytes().chunks(size)).0, text);
        drop(stream);
        assert_eq!(handle.get().unwrap().output, Some(3));
    }
}

#[test]
fn what_goes_on_does_not_wait_for_what_comes_later() {
    let mut stream = stream(&UsageHandle::default(), 64 * 1024);
    let mut seen = |text: &str| {
        stream
            .feed(Bytes::copy_from_slice(text.as_bytes()))
            .unwrap();
        String::from_utf8(stream.take().to_vec()).unwrap()
    };
    assert_eq!(seen(": a\n\n"), ": a\n\n");
    assert_eq!(
        seen(&format!("{CHUNK}\n\ndata: {{")),
        format!("{CHUNK}\n\n")
    );
    assert_eq!(seen("}\n"), "");
    assert_eq!(seen("\n: b\n"), "data: {}\n\n: b\n");
    assert_eq!(seen(&format!("{USAGE}\n")), "");
    assert_eq!(seen("\ndata: [DONE]\n\n"), "data: [DONE]\n\n");
}

#[test]
fn a_stream_that_ends_in_an_event_gives_what_there_was() {
    let text = format!("{CHUNK}\n\n{LAST}\n\n{}", &USAGE[..30]);
    let mut whole = stream(&UsageHandle::default(), 64 * 1024);
    assert_eq!(relayed(&mut whole, [text.as_bytes()]), (text.clone(), true));
    let text = format!("{CHUNK}\n\ndata: {{\"cho");
    let mut cut = stream(&UsageHandle::default(), 64 * 1024);
    assert_eq!(relayed(&mut cut, [text.as_bytes()]), (text.clone(), false));
}

#[test]
fn nothing_is_held_without_bounds() {
    let mut stream = stream(&UsageHandle::default(), 1000);
    stream.feed(Bytes::from_static(b"data: {\n")).unwrap();
    let comment = format!(": {}\n", "x".repeat(500));
    for _ in 0..200 {
        stream
            .feed(Bytes::copy_from_slice(comment.as_bytes()))
            .unwrap();
    }
    assert_eq!(stream.take().len(), 8 + 200 * comment.len());
    // An event over the limit: the rest goes on unwatched.
    let mut stream = self::stream(&UsageHandle::default(), 1000);
    let large = format!("data: {}\n\n{USAGE}\n\n", "x".repeat(2000));
    assert_eq!(relayed(&mut stream, large.as_bytes().chunks(700)).0, large);
}
