use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use http::StatusCode;

use super::*;
use crate::codec::event_stream::{encode_error, encode_event, encode_exception};

const LIMIT: usize = 4096;

/// The events of the pieces, and the error that ended them.
fn read<'i>(
    framing: Framing,
    pieces: impl IntoIterator<Item = &'i [u8]>,
) -> (Vec<(String, String)>, Option<StreamError>, bool) {
    let mut frames = Frames::new(framing, Format::Messages, LIMIT);
    let mut events = Vec::new();
    for mut piece in pieces {
        loop {
            match frames.next(&mut piece) {
                Ok(Next::UsedUp) => break,
                Ok(Next::Unknown) => {}
                Ok(Next::Event { name, data }) => {
                    let data = String::from_utf8(data.to_vec()).unwrap();
                    events.push((name.to_owned(), data));
                }
                Err(error) => return (events, Some(error), frames.is_between()),
            }
        }
    }
    (events, None, frames.is_between())
}

fn owned(events: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, data): &(&str, &str)| ((*name).to_owned(), (*data).to_owned());
    events.iter().map(owned).collect()
}

fn chunk(data: &str, out: &mut BytesMut) {
    let bytes = STANDARD.encode(data);
    let payload = format!(r#"{{"p":"abcdefghijk","bytes":"{bytes}"}}"#);
    encode_event("chunk", payload.as_bytes(), out).unwrap();
}

#[test]
fn frames_are_events() {
    let mut wire = BytesMut::new();
    encode_event("messageStart", br#"{"role":"assistant"}"#, &mut wire).unwrap();
    encode_event("somethingNew", b"{}", &mut wire).unwrap();
    let events = owned(&[
        ("messageStart", r#"{"role":"assistant"}"#),
        ("somethingNew", "{}"),
    ]);
    for size in [1, 7, wire.len()] {
        let (read, error, between) = read(Framing::EventStream, wire.chunks(size));
        assert_eq!((read, error, between), (events.clone(), None, true));
    }
}

#[test]
fn chunks_are_unwrapped() {
    let mut wire = BytesMut::new();
    chunk(r#"{"type":"ping"}"#, &mut wire);
    encode_event("somethingNew", b"{}", &mut wire).unwrap();
    chunk(
        "{\"index\" : 0,\n\"type\":\"content_block_stop\"}",
        &mut wire,
    );
    chunk(r#"{"no":"type"}"#, &mut wire);
    // Escaped as JSON allows, of which base64 has one character.
    let slashes = STANDARD.encode(r#"{"type":"???"}"#).replace('/', "\\/");
    assert!(slashes.contains("\\/"));
    let payload = format!(r#"{{"bytes":"{slashes}"}}"#);
    encode_event("chunk", payload.as_bytes(), &mut wire).unwrap();
    let events = owned(&[
        ("ping", r#"{"type":"ping"}"#),
        (
            "content_block_stop",
            "{\"index\" : 0,\n\"type\":\"content_block_stop\"}",
        ),
        ("", r#"{"no":"type"}"#),
        ("???", r#"{"type":"???"}"#),
    ]);
    for size in [1, 7, wire.len()] {
        let (read, error, between) = read(Framing::InvokeChunks, wire.chunks(size));
        assert_eq!((read, error, between), (events.clone(), None, true));
    }
}

#[test]
fn chunks_that_cannot_be_read_end_the_stream() {
    for payload in [
        "",
        "{}",
        "[]",
        r#"{"bytes":null}"#,
        r#"{"bytes":7}"#,
        r#"{"bytes":"e30"}"#,
        r#"{"bytes":"%%%%"}"#,
        r#"{"bytes":""}"#,
        r#"{"bytes":"AAAA"}"#,
    ] {
        let mut wire = BytesMut::new();
        encode_event("chunk", payload.as_bytes(), &mut wire).unwrap();
        let (_, error, _) = read(Framing::InvokeChunks, [&wire[..]]);
        let error = error.expect(payload);
        assert_eq!(error.error.status, StatusCode::BAD_GATEWAY);
        assert_eq!(error.error.kind, "api_error");
    }
}

#[test]
fn exceptions_and_errors_end_the_stream() {
    let because = br#"{"message":"slow down"}"#;
    let mut exception = BytesMut::new();
    encode_exception("throttlingException", because, &mut exception).unwrap();
    let mut named_like_one = BytesMut::new();
    encode_event("throttlingException", because, &mut named_like_one).unwrap();
    let mut error = BytesMut::new();
    encode_error("ThrottlingException", "slow down", &mut error).unwrap();
    for framing in [Framing::EventStream, Framing::InvokeChunks] {
        for wire in [&exception, &named_like_one, &error] {
            let (events, error, _) = read(framing, wire.chunks(9));
            let error = error.unwrap();
            assert!(events.is_empty());
            assert_eq!(error.upstream_status, Some(StatusCode::TOO_MANY_REQUESTS));
            assert_eq!(error.error.kind, "rate_limit_error");
            assert_eq!(error.error.message, "slow down");
        }
    }
}

#[test]
fn corrupt_streams_end_at_once() {
    let mut good = BytesMut::new();
    encode_event("messageStart", b"{}", &mut good).unwrap();
    let mut long = BytesMut::new();
    encode_event("messageStart", &[b' '; LIMIT], &mut long).unwrap();
    let mut length = good.clone();
    length[0] = 0xff;
    let mut payload = good.clone();
    let last = payload.len() - 5;
    payload[last] ^= 1;
    for (bad, read_of_it, says) in [
        (&length, 12, "corrupt"),
        (&payload, payload.len(), "corrupt"),
        (&long, 12, "over the limit"),
    ] {
        let mut wire = good.to_vec();
        wire.extend_from_slice(&bad[..read_of_it]);
        for size in [1, wire.len()] {
            let (events, error, between) = read(Framing::EventStream, wire.chunks(size));
            assert_eq!((events.len(), between), (1, false));
            let error = error.unwrap();
            assert!(error.error.message.contains(says), "{error:?}");
            assert_eq!(error.upstream_status, None);
        }
    }
    assert!(!read(Framing::EventStream, [&good[..20]]).2);
}
