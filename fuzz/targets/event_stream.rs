//! The decoder of AWS event streams against AWS's own, for the whole stream, byte by byte, and cut at random; and the encoder.
#![no_main]

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_types::event_stream::HeaderValue;
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use tower_llm_gateway::codec::event_stream::{Decoder, FrameError, LARGEST_FRAME, Value, encode};

/// A frame: its headers, spelled out, and its payload.
type Frame = (Vec<(String, String)>, Vec<u8>);

/// The frames of the stream, the error that ended it, and whether it ended between frames.
fn decode<'i>(
    limit: usize,
    inputs: impl IntoIterator<Item = &'i [u8]>,
) -> (Vec<Frame>, Option<FrameError>, bool) {
    let mut decoder = Decoder::new(limit);
    let mut frames = Vec::new();
    for mut input in inputs {
        loop {
            match decoder.next(&mut input) {
                Ok(Some(frame)) => {
                    let headers = frame
                        .headers
                        .map(|(name, value)| (name.to_owned(), spell(&value)));
                    frames.push((headers.collect(), frame.payload.to_vec()));
                    let _ = frame.message();
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.next(&mut &b""[..]).err(), Some(error));
                    return (frames, Some(error), decoder.is_between_frames());
                }
            }
        }
        assert!(input.is_empty());
    }
    (frames, None, decoder.is_between_frames())
}

fn spell(value: &Value<'_>) -> String {
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::I8(number) => format!("i8 {number}"),
        Value::I16(number) => format!("i16 {number}"),
        Value::I32(number) => format!("i32 {number}"),
        Value::I64(number) => format!("i64 {number}"),
        Value::Bytes(bytes) => format!("bytes {bytes:?}"),
        Value::String(text) => format!("text {text}"),
        Value::Timestamp(time) => format!("time {time}"),
        Value::Uuid(id) => format!("uuid {}", u128::from_be_bytes(*id)),
        _ => unreachable!("a new type"),
    }
}

/// What AWS's decoder makes of the stream, and whether it failed.
fn reference(stream: &[u8]) -> (Vec<Frame>, bool) {
    let mut decoder = MessageFrameDecoder::new();
    let mut input = stream;
    let mut frames = Vec::new();
    loop {
        match decoder.decode_frame(&mut input) {
            Ok(DecodedFrame::Complete(message)) => {
                let headers = message.headers().iter().map(|header| {
                    let value = match header.value() {
                        HeaderValue::Bool(flag) => flag.to_string(),
                        HeaderValue::Byte(number) => format!("i8 {number}"),
                        HeaderValue::Int16(number) => format!("i16 {number}"),
                        HeaderValue::Int32(number) => format!("i32 {number}"),
                        HeaderValue::Int64(number) => format!("i64 {number}"),
                        HeaderValue::ByteArray(bytes) => format!("bytes {:?}", &bytes[..]),
                        HeaderValue::String(text) => format!("text {}", text.as_str()),
                        HeaderValue::Timestamp(time) => {
                            format!("time {}", time.to_millis().unwrap())
                        }
                        HeaderValue::Uuid(id) => format!("uuid {id}"),
                        _ => unreachable!("a new type"),
                    };
                    (header.name().as_str().to_owned(), value)
                });
                frames.push((headers.collect(), message.payload().to_vec()));
            }
            Ok(DecodedFrame::Incomplete) => return (frames, false),
            Err(_) => return (frames, true),
        }
    }
}

/// A frame with these bytes, and right checksums unless `faults` says otherwise.
fn frame(headers: &[u8], payload: &[u8], faults: u8) -> Vec<u8> {
    let total = u32::try_from(16 + headers.len() + payload.len()).unwrap();
    let length = u32::try_from(headers.len()).unwrap();
    let mut out = Vec::new();
    out.extend(total.wrapping_add(u32::from(faults & 1) << 3).to_be_bytes());
    out.extend(length.wrapping_add(u32::from(faults & 2)).to_be_bytes());
    let prelude = crc(&out);
    out.extend((prelude ^ u32::from(faults & 4)).to_be_bytes());
    out.extend(headers);
    out.extend(payload);
    let sum = crc(&out);
    out.extend((sum ^ u32::from(faults & 8)).to_be_bytes());
    out
}

/// CRC-32 as the standard's text has it.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    })
}

// The first byte is the number of cuts, the next are the sizes of the pieces; then come frames: faults, the lengths of headers and
// payload, and both; what is no frame any more stands at the end as it is.
fuzz_target!(|input: &[u8]| {
    let [cuts, rest @ ..] = input else {
        return;
    };
    let Some((sizes, mut rest)) = rest.split_at_checked(usize::from(cuts % 16)) else {
        return;
    };
    let mut stream = Vec::new();
    while let [faults, headers, payload, content @ ..] = rest {
        let Some((headers, content)) = content.split_at_checked(usize::from(*headers)) else {
            break;
        };
        let Some((payload, content)) = content.split_at_checked(usize::from(*payload)) else {
            break;
        };
        stream.extend(frame(headers, payload, *faults));
        rest = content;
    }
    stream.extend(rest);

    let mut pieces = Vec::new();
    let mut uncut = &stream[..];
    for &size in sizes {
        let (piece, after) = uncut.split_at(usize::from(size).min(uncut.len()));
        pieces.push(piece);
        uncut = after;
    }
    pieces.push(uncut);

    let whole = decode(LARGEST_FRAME, [&stream[..]]);
    assert_eq!(decode(LARGEST_FRAME, stream.chunks(1)), whole);
    assert_eq!(decode(LARGEST_FRAME, pieces), whole);
    let (frames, error, between) = whole;
    let limited = decode(64, [&stream[..]]);
    assert!(frames.starts_with(&limited.0));

    let (wanted, failed) = reference(&stream);
    // AWS's decoder takes two headers of the same name, a name without a letter, and waits for what a wrong length promises.
    assert!(wanted.starts_with(&frames));
    if error.is_none() {
        assert_eq!(frames, wanted);
        assert!(!failed);
        let read: usize = frames.iter().map(|frame| encoded(frame).len()).sum();
        assert_eq!(between, read == stream.len());
    }
    if failed {
        assert!(error.is_some());
    }

    // What was read is written as it was.
    let again: Vec<u8> = frames.iter().flat_map(encoded).collect();
    assert!(stream.starts_with(&again));
});

/// A frame that was read, written again.
fn encoded((headers, payload): &Frame) -> Vec<u8> {
    let values: Vec<Vec<u8>> = headers
        .iter()
        .map(|(_, value)| match value.strip_prefix("bytes [") {
            Some(list) => list
                .trim_end_matches(']')
                .split(", ")
                .filter_map(|byte| byte.parse().ok())
                .collect(),
            None => Vec::new(),
        })
        .collect();
    let headers = headers.iter().zip(&values).map(|((name, value), bytes)| {
        let (kind, rest) = value.split_once(' ').unwrap_or((value, ""));
        let value = match kind {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "i8" => Value::I8(rest.parse().unwrap()),
            "i16" => Value::I16(rest.parse().unwrap()),
            "i32" => Value::I32(rest.parse().unwrap()),
            "i64" => Value::I64(rest.parse().unwrap()),
            "bytes" => Value::Bytes(bytes),
            "text" => Value::String(rest),
            "time" => Value::Timestamp(rest.parse().unwrap()),
            _ => Value::Uuid(rest.parse::<u128>().unwrap().to_be_bytes()),
        };
        (name.as_str(), value)
    });
    let headers: Vec<_> = headers.collect();
    let mut out = BytesMut::new();
    encode(&headers, payload, &mut out).unwrap();
    out.to_vec()
}
