//! The SSE decoder against a naive reading of the standard, for the whole stream, byte by byte, and cut at random.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_llm_gateway::codec::sse::{Decoder, EventTooLarge};

type Events = Vec<(String, Vec<u8>)>;

/// The events of the stream, the error that ended it, and whether it ended between events.
fn decode<'i>(
    limit: usize,
    inputs: impl IntoIterator<Item = &'i [u8]>,
) -> (Events, Option<EventTooLarge>, bool) {
    let mut decoder = Decoder::new(limit);
    let mut events = Events::new();
    for mut input in inputs {
        loop {
            match decoder.next(&mut input) {
                Ok(Some(event)) => events.push((event.name.to_owned(), event.data.to_vec())),
                Ok(None) => break,
                Err(error) => {
                    assert!(decoder.next(&mut &b"data: a\n\n"[..]).is_err());
                    return (events, Some(error), decoder.is_between_events());
                }
            }
        }
        assert!(input.is_empty());
    }
    (events, None, decoder.is_between_events())
}

/// Reads the stream as a text of lines, one step of the standard after the other.
fn reference(stream: &[u8]) -> Events {
    // As bytes map to the first 256 characters, str has the splitting that is wanted.
    let stream = stream.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(stream);
    let text: String = stream.iter().copied().map(char::from).collect();
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let bytes = |text: &str| -> Vec<u8> { text.chars().map(|char| char as u8).collect() };
    let mut lines: Vec<&str> = text.split('\n').collect();
    // What follows the last line end is no line.
    lines.pop();
    let mut events = Events::new();
    for block in lines.split_inclusive(|line| line.is_empty()) {
        let Some((&"", fields)) = block.split_last() else {
            continue;
        };
        let (mut name, mut data) = (Vec::new(), Vec::new());
        for line in fields {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => name = bytes(value),
                "data" => data.push(bytes(value)),
                _ => {}
            }
        }
        if !data.is_empty() {
            let name = String::from_utf8(name).unwrap_or_default();
            events.push((name, data.join(&b'\n')));
        }
    }
    events
}

// The first byte is the limit, the second the number of cuts, the next are the sizes of the pieces.
fuzz_target!(|input: &[u8]| {
    let [limit, cuts, rest @ ..] = input else {
        return;
    };
    let Some((sizes, stream)) = rest.split_at_checked(usize::from(cuts % 16)) else {
        return;
    };
    let mut pieces = Vec::new();
    let mut uncut = stream;
    for &size in sizes {
        let (piece, after) = uncut.split_at(usize::from(size).min(uncut.len()));
        pieces.push(piece);
        uncut = after;
    }
    pieces.push(uncut);

    let wanted = reference(stream);
    let whole = decode(stream.len(), [stream]);
    assert_eq!((&whole.0, whole.1), (&wanted, None));
    assert_eq!(decode(stream.len(), stream.chunks(1)), whole);
    assert_eq!(decode(stream.len(), pieces.iter().copied()), whole);

    let limit = usize::from(*limit);
    let limited = decode(limit, [stream]);
    assert!(wanted.starts_with(&limited.0));
    assert!(limited.1.is_some() || limited == whole);
    assert_eq!(decode(limit, stream.chunks(1)), limited);
    assert_eq!(decode(limit, pieces), limited);
});
