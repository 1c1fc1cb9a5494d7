use proptest::prelude::*;

use super::*;

type Owned = (String, Vec<u8>);

/// Feeds the inputs one after the other.
fn decode<'i>(
    decoder: &mut Decoder,
    inputs: impl IntoIterator<Item = &'i [u8]>,
) -> (Vec<Owned>, Option<EventTooLarge>) {
    let mut events = Vec::new();
    for mut input in inputs {
        loop {
            match decoder.next(&mut input) {
                Ok(Some(event)) => events.push((event.name.to_owned(), event.data.to_vec())),
                Ok(None) => break,
                Err(error) => return (events, Some(error)),
            }
        }
        assert!(input.is_empty());
    }
    (events, None)
}

/// The format as the standard describes it, on the whole stream at once.
fn reference(stream: &[u8]) -> Vec<Owned> {
    let stream = stream.strip_prefix(BOM).unwrap_or(stream);
    let mut lines = vec![Vec::new()];
    let mut bytes = stream.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\n' => lines.push(Vec::new()),
            b'\r' => {
                bytes.next_if_eq(&b'\n');
                lines.push(Vec::new());
            }
            _ => lines.last_mut().unwrap().push(byte),
        }
    }
    // What follows the last line end is no line.
    lines.pop();
    let (mut events, mut name, mut data) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        if line.is_empty() {
            if data.pop().is_some() {
                events.push((String::from_utf8(name).unwrap_or_default(), data));
            }
            (name, data) = (Vec::new(), Vec::new());
            continue;
        }
        let colon = line.iter().position(|&byte| byte == b':');
        let field = &line[..colon.unwrap_or(line.len())];
        let mut value = colon.map_or(&[][..], |colon| &line[colon + 1..]);
        if value.first() == Some(&b' ') {
            value = &value[1..];
        }
        match field {
            b"event" => name = value.to_vec(),
            b"data" => {
                data.extend_from_slice(value);
                data.push(b'\n');
            }
            _ => {}
        }
    }
    events
}

/// A stream, and the name and data of the events in it.
type Case = (&'static [u8], &'static [(&'static str, &'static str)]);

const CASES: &[Case] = &[
    // Lines and line ends.
    (b"data: a\n\n", &[("", "a")]),
    (b"data: a\r\r", &[("", "a")]),
    (b"data: a\r\n\r\n", &[("", "a")]),
    (b"data: a\n\r\n", &[("", "a")]),
    (b"data: a\r\n\n", &[("", "a")]),
    (b"data: a\r\n\r", &[("", "a")]),
    (b"data: a\n\r", &[("", "a")]),
    (b"data: a\r\n\rdata: b\n\n", &[("", "a"), ("", "b")]),
    (b"data: a\r\rdata: b\r\r", &[("", "a"), ("", "b")]),
    (b"data: a\r\ndata: b\r\n\r\n", &[("", "a\nb")]),
    (b"data: a\rdata: b\ndata: c\r\n\r", &[("", "a\nb\nc")]),
    (
        b"data: a\x0bb\x0cc\xc2\x85d\n\n",
        &[("", "a\x0bb\x0cc\u{85}d")],
    ),
    (b"data: a\0b\n\n", &[("", "a\0b")]),
    // The byte order mark.
    (b"\xEF\xBB\xBFdata: a\n\n", &[("", "a")]),
    (b"\xEF\xBB\xBF\xEF\xBB\xBFdata: a\n\n", &[]),
    (b"\xEF\xBB\xBF\n\ndata: a\n\n", &[("", "a")]),
    (b"\n\xEF\xBB\xBFdata: a\n\n", &[]),
    (b"data: a\n\n\xEF\xBB\xBFdata: b\n\n", &[("", "a")]),
    (b"\xEF\xBBdata: a\n\ndata: b\n\n", &[("", "b")]),
    (b"\xEF\xBB\xBFevent: e\ndata: a\n\n", &[("e", "a")]),
    (b"data: \xEF\xBB\xBFa\n\n", &[("", "\u{feff}a")]),
    // Space after the colon.
    (b"data:a\n\n", &[("", "a")]),
    (b"data:  a \n\n", &[("", " a ")]),
    (b"data:\ta\n\n", &[("", "\ta")]),
    (b"data: \n\n", &[("", "")]),
    (b"data:a: b:c\n\n", &[("", "a: b:c")]),
    // Without data there is no event.
    (b"", &[]),
    (b"\n\n\n\n", &[]),
    (b"event: a\n\n", &[]),
    (b"event: a\n\ndata: b\n\n", &[("", "b")]),
    (b"id: 1\n\n", &[]),
    (b"data\n\n", &[("", "")]),
    (b"data:\n\n", &[("", "")]),
    (b"data\n\ndata\ndata\n\ndata:", &[("", ""), ("", "\n")]),
    (b"data:\ndata: a\ndata\n\n", &[("", "\na\n")]),
    (
        b"data: YHOO\ndata: +2\ndata: 10\n\n",
        &[("", "YHOO\n+2\n10")],
    ),
    // Names.
    (b"event: a\ndata: b\n\n", &[("a", "b")]),
    (b"data: b\nevent: a\n\n", &[("a", "b")]),
    (b"event:a\ndata: b\n\ndata: c\n\n", &[("a", "b"), ("", "c")]),
    (b"event: a\nevent: b\ndata: c\n\n", &[("b", "c")]),
    (b"event: a\nevent\ndata: c\n\n", &[("", "c")]),
    (b"event:  a \ndata: c\n\n", &[(" a ", "c")]),
    (b"event: \xc3\xa9\ndata: c\n\n", &[("\u{e9}", "c")]),
    (b"event: \xff\ndata: c\n\n", &[("", "c")]),
    // Comments and other fields.
    (b": c\n\ndata: a\n\n", &[("", "a")]),
    (b":\n\n:\n\n", &[]),
    (b": OPENROUTER PROCESSING\n\ndata: a\n\n", &[("", "a")]),
    (b"data: a\n: data: c\ndata: b\n\n", &[("", "a\nb")]),
    (b":data: a\n\n", &[]),
    (b"id: 1\nretry: 5\ndata: a\nid\n\n", &[("", "a")]),
    (b"Data: a\nEVENT: b\n\n", &[]),
    (b"data : a\n data: b\ndata2: c\ndat: d\nevents: e\n\n", &[]),
    (b"<html>\n\ndata: a\n\n", &[("", "a")]),
    // The end.
    (b"data: a\n\ndata: b", &[("", "a")]),
    (b"data: a\n\ndata: b\n", &[("", "a")]),
    (b"data: a\n\ndata: b\r\n", &[("", "a")]),
    (b"data: a\n\nevent: b\n", &[("", "a")]),
    (b"data: [DONE]\n\n", &[("", "[DONE]")]),
];

#[test]
fn conformance() {
    for (stream, wanted) in CASES {
        let wanted: Vec<Owned> = wanted
            .iter()
            .map(|(name, data)| ((*name).to_owned(), data.as_bytes().to_vec()))
            .collect();
        let shown = String::from_utf8_lossy(stream);
        let whole = decode(&mut Decoder::new(1000), [*stream]);
        assert_eq!(whole, (wanted.clone(), None), "whole: {shown:?}");
        let bytes = decode(&mut Decoder::new(1000), stream.chunks(1));
        assert_eq!(bytes, (wanted.clone(), None), "bytewise: {shown:?}");
        for cut in 0..=stream.len() {
            let (a, b) = stream.split_at(cut);
            let cut = decode(&mut Decoder::new(1000), [a, b]);
            assert_eq!(cut, (wanted.clone(), None), "cut: {shown:?}");
        }
        assert_eq!(reference(stream), wanted, "reference: {shown:?}");
    }
}

#[test]
fn an_event_in_one_input_is_not_copied() {
    let stream = b"event: e\r\ndata: {\"a\":1}\r\n\r\n: x\n\nevent: f\ndata: 2\n\n";
    let mut decoder = Decoder::new(100);
    let mut input = &stream[..];
    while let Some(event) = decoder.next(&mut input).unwrap() {
        let inside = stream.as_ptr_range();
        assert!(inside.contains(&event.name.as_ptr()));
        assert!(inside.contains(&event.data.as_ptr()));
    }
    assert_eq!(decoder.line.capacity(), 0);
    assert_eq!(decoder.held.data.capacity(), 0);
    assert_eq!(decoder.held.name.capacity(), 0);
}

#[test]
fn buffers_are_reused_and_large_ones_given_back() {
    let mut decoder = Decoder::new(1 << 20);
    let stream = b"event: e\ndata: 12345\n\n";
    decode(&mut decoder, stream.chunks(3));
    decode(&mut decoder, stream.chunks(3));
    let mut capacities = [decoder.line.capacity(), decoder.held.data.capacity()];
    capacities.sort_unstable();
    for _ in 0..100 {
        decode(&mut decoder, stream.chunks(3));
    }
    let mut later = [decoder.line.capacity(), decoder.held.data.capacity()];
    later.sort_unstable();
    assert_eq!(capacities, later);

    let large = [b"data: ", &[b'x'; 100_000][..], b"\n\n"].concat();
    let (events, error) = decode(&mut decoder, large.chunks(1000));
    assert_eq!((events.len(), error), (1, None));
    assert!(decoder.line.capacity() <= KEPT_CAPACITY);
    assert!(decoder.held.data.capacity() <= KEPT_CAPACITY);
}

#[test]
fn whether_an_event_has_begun() {
    for (stream, between) in [
        (&b""[..], true),
        (b"\xEF\xBB\xBF", true),
        (b"\n", true),
        (b"\r", true),
        (b"data: a\n\n", true),
        (b"data: a\r\n\r", true),
        (b"data: a\r\n\r\n", true),
        (b"data: a\r\r", true),
        (b": comment\n", true),
        (b": comment\r", true),
        (b"data: a\n\n: comment\n\n", true),
        (b"event: a\n\n", true),
        (b"id: 1\n\n", true),
        (b"\xEF", false),
        (b"d", false),
        (b": comment", false),
        (b"data: a", false),
        (b"data: a\n", false),
        (b"data: a\r\n", false),
        (b"data: a\r", false),
        (b"data: a\n: comment\n", false),
        (b"event: a\n", false),
        (b"id: 1\n", false),
        (b"data: a\n\ndata: b\n", false),
        (b"data: a\n\n\xEF\xBB\xBF", false),
    ] {
        for size in [1, 2, 100] {
            let mut decoder = Decoder::new(100);
            decode(&mut decoder, stream.chunks(size));
            let shown = String::from_utf8_lossy(stream);
            assert_eq!(decoder.is_between_events(), between, "{shown:?}");
        }
    }
}

#[test]
fn the_limit_counts_name_data_and_line() {
    // At most 10 bytes.
    for (stream, events, fails) in [
        (&b"data: 7890\n\n"[..], 1, false),
        (b"data: 78901\n\n", 0, true),
        (b": 34567890\n\n", 0, false),
        (b": 345678901\n\n", 0, true),
        (b"id: 567890\n\n", 0, false),
        (b"id: 5678901\n\n", 0, true),
        (b"event:ab\ndata:890\n\n", 1, false),
        (b"event:ab\ndata:8901\n\n", 0, true),
        (b"data:ab\nevent:90\n\n", 1, false),
        (b"data:a\ndata:789\n\n", 1, false),
        (b"data:ab\ndata:89\ndata:\n\n", 1, false),
        (b"data:ab\ndata:89\ndata:a\n\n", 0, true),
        (b"data:1\n\ndata:789012\n\n", 1, true),
        (b"event:7890\nevent\ndata:7890\n\n", 1, false),
        (b":\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n:\n", 0, false),
        (b"data: 789012345", 0, true),
        (b"78901234567890", 0, true),
    ] {
        let shown = String::from_utf8_lossy(stream);
        for size in [1, 2, 3, 100] {
            let mut decoder = Decoder::new(10);
            let (found, error) = decode(&mut decoder, stream.chunks(size));
            assert_eq!(error.is_some(), fails, "{shown:?}");
            assert_eq!(found.len(), events, "{shown:?}");
            assert!(decoder.line.len() <= 10);
            assert_eq!(
                decoder.next(&mut &b"data: a\n\n"[..]).is_err(),
                fails,
                "not sticky: {shown:?}"
            );
            assert!(!fails || !decoder.is_between_events());
        }
    }
    let error = decode(&mut Decoder::new(10), [&b"data: 78901"[..]])
        .1
        .unwrap();
    assert_eq!(error.limit(), 10);
    assert_eq!(error.to_string(), "an event of the stream exceeds 10 bytes");
}

#[test]
fn endless_input_is_refused_within_the_limit() {
    const LIMIT: usize = 64 * 1024;
    for (head, more) in [
        (&b"data: "[..], &b"xxxxxxx"[..]),
        (b": ", b"xxxxxxx"),
        (b"", b"xxxxxxx"),
        (b"", b"data:\n"),
        (b"", b"data: x\n"),
    ] {
        let mut decoder = Decoder::new(LIMIT);
        decode(&mut decoder, [head]);
        let mut sent = 0;
        while decode(&mut decoder, [more]).1.is_none() {
            sent += more.len();
            assert!(sent <= LIMIT * more.len(), "{more:?}");
        }
        assert_eq!(decoder.line.capacity() + decoder.held.data.capacity(), 0);
    }
}

/// Streams made of what matters to the format.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(&["\n", "\r", "\r\n", "\n\n", "\r\n\r\n"][..]).prop_map(|end| end.as_bytes().to_vec()),
        4 => prop::sample::select(&["data", "data:", "data: ", "event", "event: ", "id: ", ":", " ", "x", "é"][..])
            .prop_map(|field| field.as_bytes().to_vec()),
        1 => Just(BOM.to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
        1 => "[a-z{}\":]{0,40}".prop_map(String::into_bytes),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Cuts a stream at these places.
fn cut(stream: &[u8], cuts: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    places.extend([0, stream.len()]);
    places.sort_unstable();
    places
        .windows(2)
        .map(|pair| stream[pair[0]..pair[1]].to_vec())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_chunking_gives_the_events_of_the_reference(
        stream in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let wanted = (reference(&stream), None);
        prop_assert_eq!(&decode(&mut Decoder::new(10_000), [&stream[..]]), &wanted);
        prop_assert_eq!(&decode(&mut Decoder::new(10_000), stream.chunks(1)), &wanted);
        let chunks = cut(&stream, &cuts);
        prop_assert_eq!(&decode(&mut Decoder::new(10_000), chunks.iter().map(Vec::as_slice)), &wanted);
    }

    #[test]
    fn the_limit_strikes_at_the_same_event_in_any_chunking(
        stream in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        limit in 0_usize..30,
    ) {
        let whole = decode(&mut Decoder::new(limit), [&stream[..]]);
        prop_assert_eq!(&decode(&mut Decoder::new(limit), stream.chunks(1)), &whole);
        let chunks = cut(&stream, &cuts);
        prop_assert_eq!(&decode(&mut Decoder::new(limit), chunks.iter().map(Vec::as_slice)), &whole);
        let all = reference(&stream);
        prop_assert!(all.starts_with(&whole.0));
        prop_assert!(whole.1.is_some() || all.len() == whole.0.len());
    }

    #[test]
    fn whether_an_event_has_begun_is_the_same_in_any_chunking(stream in stream()) {
        let mut whole = Decoder::new(10_000);
        decode(&mut whole, [&stream[..]]);
        let mut bytes = Decoder::new(10_000);
        decode(&mut bytes, stream.chunks(1));
        prop_assert_eq!(whole.is_between_events(), bytes.is_between_events());
        // Between events, a further event reads as if it stood alone.
        if whole.is_between_events() && !stream.is_empty() {
            let (events, _) = decode(&mut whole, [&b"event: e\ndata: d\n\n"[..]]);
            prop_assert_eq!(events, [("e".to_owned(), b"d".to_vec())]);
        }
    }
}
