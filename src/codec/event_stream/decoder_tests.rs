use bytes::BytesMut;
use proptest::prelude::*;

use super::super::{Message, Value, encode, encode_error, encode_event, encode_exception};
use super::*;

/// An event, as AWS's SDK for Python writes and reads it.
const EVENT: &str = "000000760000005296d5fade0b3a6576656e742d7479706507000c6d65737361676553746172740d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22726f6c65223a22617373697374616e74227d6fa8c599";
/// An exception, likewise.
const EXCEPTION: &str = "0000008900000061e3615c440f3a657863657074696f6e2d747970650700137468726f74746c696e67457863657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74797065070009657863657074696f6e7b226d657373616765223a2022736c6f7720646f776e227da1eca625";

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

type Owned = (Vec<(String, String)>, Vec<u8>);

/// The frames of the pieces, the error that ended them, and whether they ended between frames.
fn decode<'i>(
    limit: usize,
    pieces: impl IntoIterator<Item = &'i [u8]>,
) -> (Vec<Owned>, Option<FrameError>, bool) {
    let mut decoder = Decoder::new(limit);
    let mut frames = Vec::new();
    for mut piece in pieces {
        loop {
            match decoder.next(&mut piece) {
                Ok(Some(frame)) => {
                    let headers = frame
                        .headers
                        .map(|(name, value)| (name.to_owned(), format!("{value:?}")));
                    frames.push((headers.collect(), frame.payload.to_vec()));
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.next(&mut &b""[..]).err(), Some(error));
                    assert!(!decoder.is_between_frames());
                    return (frames, Some(error), false);
                }
            }
        }
        assert!(piece.is_empty());
    }
    (frames, None, decoder.is_between_frames())
}

fn failure(bytes: &[u8]) -> Option<FrameError> {
    let whole = decode(LARGEST_FRAME, [bytes]);
    assert_eq!(decode(LARGEST_FRAME, bytes.chunks(1)), whole);
    whole.1
}

/// A frame with these header bytes and lengths, and right checksums.
fn forged(total: u32, headers_length: u32, rest: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    frame.extend(total.to_be_bytes());
    frame.extend(headers_length.to_be_bytes());
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame.extend(rest);
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame
}

fn with_headers(block: &[u8]) -> Vec<u8> {
    let length = u32::try_from(block.len()).unwrap();
    forged(16 + length, length, block)
}

#[test]
fn known_frames() {
    let event = hex(EVENT);
    let mut decoder = Decoder::new(LARGEST_FRAME);
    let mut input = &event[..];
    let frame = decoder.next(&mut input).unwrap().unwrap();
    let names: Vec<_> = frame.headers.map(|(name, _)| name).collect();
    assert_eq!(names, [":event-type", ":content-type", ":message-type"]);
    assert_eq!(frame.headers.get("x"), None);
    let payload = &br#"{"role":"assistant"}"#[..];
    assert_eq!(
        frame.message(),
        Message::Event {
            name: "messageStart",
            payload
        }
    );
    // No copy was made.
    assert!(event.as_ptr_range().contains(&frame.payload.as_ptr()));

    let exception = hex(EXCEPTION);
    let frame = decoder.next(&mut &exception[..]).unwrap().unwrap();
    assert_eq!(
        frame.message(),
        Message::Exception {
            name: "throttlingException",
            payload: br#"{"message": "slow down"}"#
        }
    );
    assert!(decoder.is_between_frames());
}

#[test]
fn the_encoder_writes_the_known_frames() {
    let mut out = BytesMut::new();
    encode_event("messageStart", br#"{"role":"assistant"}"#, &mut out).unwrap();
    assert_eq!(out, hex(EVENT));
    out.clear();
    encode_exception(
        "throttlingException",
        br#"{"message": "slow down"}"#,
        &mut out,
    )
    .unwrap();
    assert_eq!(out, hex(EXCEPTION));
    out.clear();
    encode_error("InternalFailure", "oh", &mut out).unwrap();
    let mut decoder = Decoder::new(LARGEST_FRAME);
    let frame = decoder.next(&mut &out[..]).unwrap().unwrap();
    assert_eq!(
        frame.message(),
        Message::Error {
            code: "InternalFailure",
            message: "oh"
        }
    );
}

#[test]
fn frames_cut_at_every_byte() {
    let mut stream = hex(EVENT);
    stream.extend(hex(EXCEPTION));
    stream.extend(forged(16, 0, b""));
    let whole = decode(LARGEST_FRAME, [&stream[..]]);
    assert_eq!((whole.0.len(), whole.1, whole.2), (3, None, true));
    for at in 0..=stream.len() {
        let (head, tail) = stream.split_at(at);
        assert_eq!(decode(LARGEST_FRAME, [head, tail]), whole, "{at}");
        let (frames, error, between) = decode(LARGEST_FRAME, [head]);
        assert_eq!(error, None);
        assert!(whole.0.starts_with(&frames));
        assert_eq!(between, [0, 118, 255, 271].contains(&at), "{at}");
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let event = hex(EVENT);
    for at in 0..event.len() {
        for bit in 0..8 {
            let mut bad = event.clone();
            bad[at] ^= 1 << bit;
            let expected = if at < PRELUDE {
                FrameError::PreludeChecksum
            } else {
                FrameError::Checksum
            };
            assert_eq!(failure(&bad), Some(expected), "{at} {bit}");
        }
    }
}

#[test]
fn impossible_lengths_end_the_stream_at_the_twelfth_byte() {
    for (total, headers, error) in [
        (
            u32::MAX,
            0,
            FrameError::TooLarge {
                limit: LARGEST_FRAME,
            },
        ),
        (0, 0, FrameError::Length),
        (15, 0, FrameError::Length),
        (16, 1, FrameError::Length),
        (100, 85, FrameError::Length),
        (1 << 20, (128 << 10) + 1, FrameError::Length),
    ] {
        let frame = forged(total, headers, b"");
        assert_eq!(failure(&frame[..11]), None);
        assert_eq!(failure(&frame[..12]), Some(error), "{total} {headers}");
    }
    // Not even a right checksum saves a stream whose lengths were corrupted on the way.
    let mut corrupt = hex(EVENT);
    corrupt[0] = 0x7f;
    assert_eq!(failure(&corrupt[..12]), Some(FrameError::PreludeChecksum));
}

#[test]
fn the_limit_is_the_callers() {
    let event = hex(EVENT);
    assert_eq!(decode(event.len(), [&event[..]]).1, None);
    let limit = event.len() - 1;
    for piece in [&event[..12], &event] {
        let error = decode(limit, [piece]).1;
        assert_eq!(error, Some(FrameError::TooLarge { limit }));
    }
}

#[test]
fn every_type_of_header() {
    let headers = [
        ("yes", Value::Bool(true)),
        ("no", Value::Bool(false)),
        ("i8", Value::I8(-1)),
        ("i16", Value::I16(-2)),
        ("i32", Value::I32(3)),
        ("i64", Value::I64(i64::MIN)),
        ("bytes", Value::Bytes(&[1, 2])),
        ("text", Value::String("é")),
        ("time", Value::Timestamp(1)),
        ("uuid", Value::Uuid([7; 16])),
    ];
    let mut out = BytesMut::new();
    encode(&headers, b"x", &mut out).unwrap();
    let mut decoder = Decoder::new(LARGEST_FRAME);
    let frame = decoder.next(&mut &out[..]).unwrap().unwrap();
    assert_eq!(frame.headers.collect::<Vec<_>>(), headers);
    assert_eq!(frame.headers.text("text"), Some("é"));
    assert_eq!(frame.headers.text("i8"), None);
    assert_eq!(frame.payload, b"x");
}

#[test]
fn broken_headers_are_refused() {
    let many: Vec<u8> = (0..40_u8)
        .chain([5])
        .flat_map(|at| [2, b'a', at, 0])
        .collect();
    for block in [
        &b"\x00\x00"[..],
        b"\x01",
        b"\x01a",
        b"\x02a\x00",
        b"\x01a\x0a",
        b"\x01\xff\x00",
        b"\x01a\x02",
        b"\x01a\x03\x00",
        b"\x01a\x04\x00\x00\x00",
        b"\x01a\x05\x00\x00\x00\x00\x00\x00\x00",
        b"\x01a\x06\x00\x02x",
        b"\x01a\x07\x00",
        b"\x01a\x07\x00\x01\xff",
        b"\x01a\x09aaaaaaaaaaaaaaa",
        b"\x01a\x00\x01a\x01",
        &many,
    ] {
        assert_eq!(
            failure(&with_headers(block)),
            Some(FrameError::Headers),
            "{block:?}"
        );
    }
    assert_eq!(failure(&with_headers(b"\x01a\x00\x01b\x01")), None);
    assert_eq!(failure(&with_headers(&many[..160])), None);
}

#[test]
fn frames_that_cannot_be_written() {
    let long = "x".repeat(256);
    let bytes = vec![0; 65_536];
    for header in [
        ("", Value::Bool(true)),
        (&*long, Value::Bool(true)),
        ("a", Value::Bytes(&bytes)),
    ] {
        let mut out = BytesMut::from("kept");
        assert!(encode(&[header], b"", &mut out).is_err());
        assert_eq!(out, "kept");
    }
}

#[test]
fn a_large_frame_leaves_little_behind() {
    let mut out = BytesMut::new();
    encode_event("chunk", &vec![b'x'; 1 << 20], &mut out).unwrap();
    let mut decoder = Decoder::new(LARGEST_FRAME);
    let (mut head, mut tail) = out.split_at(100);
    assert!(decoder.next(&mut head).unwrap().is_none());
    assert!(!decoder.is_between_frames());
    assert!(decoder.next(&mut tail).unwrap().is_some());
    assert!(decoder.next(&mut &b""[..]).unwrap().is_none());
    assert!(decoder.held.capacity() <= KEPT_CAPACITY);
}

proptest! {
    #[test]
    fn any_bytes(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        size in 1_usize..40,
    ) {
        let whole = decode(LARGEST_FRAME, [&bytes[..]]);
        prop_assert_eq!(decode(LARGEST_FRAME, bytes.chunks(size)), whole);
    }

    #[test]
    fn any_frames(
        frames in prop::collection::vec(
            (prop::collection::btree_map("[a-z:]{1,12}", ".{0,20}", 0..5), prop::collection::vec(any::<u8>(), 0..300)),
            0..6,
        ),
        size in 1_usize..200,
        junk in prop::collection::vec(any::<u8>(), 0..30),
    ) {
        let mut wire = BytesMut::new();
        for (headers, payload) in &frames {
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| (&**name, Value::String(value)))
                .collect();
            encode(&headers, payload, &mut wire).unwrap();
        }
        let (read, error, between) = decode(LARGEST_FRAME, wire.chunks(size));
        prop_assert_eq!((error, between), (None, true));
        prop_assert_eq!(read.len(), frames.len());
        for ((headers, payload), (expected, content)) in read.iter().zip(&frames) {
            prop_assert_eq!(payload, content);
            prop_assert_eq!(headers.len(), expected.len());
        }
        // Whatever follows does not touch what came before.
        wire.extend_from_slice(&junk);
        let (again, _, between) = decode(LARGEST_FRAME, wire.chunks(size));
        prop_assert!(again.starts_with(&read));
        prop_assert_eq!(between && again.len() == read.len(), junk.is_empty());
    }
}
