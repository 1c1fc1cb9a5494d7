//! The writer.

use bytes::{BufMut, BytesMut};
use memchr::memchr2;

/// Writes one event whose data is JSON.
///
/// ```
/// use bytes::BytesMut;
/// use tower_llm_gateway::codec::sse::EventWriter;
///
/// let mut out = BytesMut::new();
/// let mut event = EventWriter::begin(&mut out, Some("ping"));
/// event.buffer().extend_from_slice(b"{}");
/// event.end();
/// assert_eq!(&out[..], b"event: ping\ndata: {}\n\n");
/// ```
#[derive(Debug)]
#[must_use = "an event is not complete before `end`"]
pub struct EventWriter<'a> {
    out: &'a mut BytesMut,
    /// Where the data starts in `out`.
    data: usize,
}

impl<'a> EventWriter<'a> {
    /// Begins an event, up to where its data goes.
    pub fn begin(out: &'a mut BytesMut, name: Option<&'static str>) -> Self {
        if let Some(name) = name {
            out.extend_from_slice(b"event: ");
            out.extend_from_slice(name.as_bytes());
            out.put_u8(b'\n');
        }
        out.extend_from_slice(b"data: ");
        let data = out.len();
        Self { out, data }
    }

    /// Where the data is written, at the end.
    pub fn buffer(&mut self) -> &mut BytesMut {
        self.out
    }

    /// Ends the event.
    ///
    /// JSON that was copied from elsewhere may hold line breaks between its tokens, and only there. They would break
    /// the event apart, so they become spaces.
    pub fn end(self) {
        let mut rest = self.out.get_mut(self.data..).unwrap_or_default();
        while let Some(at) = memchr2(b'\n', b'\r', rest) {
            let Some((line_break, after)) =
                rest.get_mut(at..).and_then(|rest| rest.split_first_mut())
            else {
                break;
            };
            *line_break = b' ';
            rest = after;
        }
        self.out.extend_from_slice(b"\n\n");
    }
}

/// Writes a comment, which every client ignores. The text is one line.
pub fn comment(out: &mut BytesMut, text: &'static str) {
    out.extend_from_slice(b": ");
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::sse::{Decoder, Event};

    fn event(name: Option<&'static str>, data: &[u8]) -> BytesMut {
        let mut out = BytesMut::from(&b"before\n"[..]);
        let mut event = EventWriter::begin(&mut out, name);
        event.buffer().extend_from_slice(data);
        event.end();
        out
    }

    #[test]
    fn events_with_and_without_a_name() {
        assert_eq!(event(None, b"{}"), "before\ndata: {}\n\n");
        assert_eq!(
            event(Some("message_stop"), b"{}"),
            "before\nevent: message_stop\ndata: {}\n\n"
        );
        assert_eq!(event(None, b""), "before\ndata: \n\n");
    }

    #[test]
    fn line_breaks_between_tokens_become_spaces() {
        assert_eq!(
            event(None, b"\n{\r\n \"a\":\r1\n}\n"),
            "before\ndata:  {   \"a\": 1 } \n\n"
        );
    }

    #[test]
    fn comments() {
        let mut out = BytesMut::new();
        comment(&mut out, "keepalive");
        assert_eq!(out, ": keepalive\n\n");
    }

    #[test]
    fn the_decoder_reads_what_was_written() {
        let mut out = BytesMut::new();
        comment(&mut out, "hello");
        for name in [None, Some("x")] {
            let mut event = EventWriter::begin(&mut out, name);
            event.buffer().extend_from_slice(b"[1,\r\n2]");
            event.end();
        }
        let mut decoder = Decoder::new(100);
        let mut input = &out[..];
        for name in ["", "x"] {
            assert_eq!(
                decoder.next(&mut input),
                Ok(Some(Event {
                    name,
                    data: b"[1,  2]"
                }))
            );
        }
        assert_eq!(decoder.next(&mut input), Ok(None));
    }
}
