//! Streams: Anthropic's own events, as server-sent ones.

use bytes::BytesMut;

use crate::codec::sse::EventWriter;
use crate::convert::machine::{Flow, Machine, StreamError};
use crate::convert::passthrough::Tap;
use crate::endpoint::Format;
use crate::usage::Usage;

/// Passes the events on as they are.
#[derive(Debug)]
pub(crate) struct Events {
    tap: Tap,
    ended: bool,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self {
            tap: Tap::new(Format::Messages),
            ended: false,
        }
    }
}

impl Machine for Events {
    fn event(&mut self, name: &str, data: &[u8], out: &mut BytesMut) -> Result<Flow, StreamError> {
        self.tap.event(name, data)?;
        // Without a type, no client could read it.
        if name.is_empty() {
            return Ok(Flow::Continue);
        }
        out.reserve(name.len() + data.len() + 24);
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\n");
        let mut event = EventWriter::begin(out, None);
        event.buffer().extend_from_slice(data);
        event.end();
        if name == "message_stop" {
            self.ended = true;
            return Ok(Flow::Done);
        }
        Ok(Flow::Continue)
    }

    fn finish(&mut self, _out: &mut BytesMut) -> Result<(), StreamError> {
        if self.ended {
            return Ok(());
        }
        if !self.tap.is_complete() {
            return Err(StreamError::ended(Format::Messages));
        }
        // All of the answer came, with the reason for its end. It ends as it came: a mark of success would be none of Anthropic's.
        self.ended = true;
        Ok(())
    }

    fn fail(&mut self, error: &StreamError, out: &mut BytesMut) {
        self.ended = true;
        error.error.write_event(Format::Messages, 0, out);
    }

    fn usage(&self) -> Usage {
        self.tap.usage()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str =
        r#"{"type":"message_start","message":{"usage":{"input_tokens":10,"output_tokens":1}}}"#;
    const DELTA: &str = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":4}}"#;

    fn text(out: &BytesMut) -> String {
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn events_keep_their_bytes() {
        let mut machine = Events::new();
        let mut out = BytesMut::new();
        for (name, data) in [
            ("message_start", START),
            ("new_event", "{ \"type\" : \"new_event\" }"),
            ("", "{}"),
            ("message_delta", DELTA),
        ] {
            let flow = machine.event(name, data.as_bytes(), &mut out).unwrap();
            assert_eq!(flow, Flow::Continue);
        }
        let stop = br#"{"type":"message_stop"}"#;
        assert_eq!(
            machine.event("message_stop", stop, &mut out).unwrap(),
            Flow::Done
        );
        machine.finish(&mut out).unwrap();
        assert_eq!(
            text(&out),
            format!(
                "event: message_start\ndata: {START}\n\n\
                 event: new_event\ndata: {{ \"type\" : \"new_event\" }}\n\n\
                 event: message_delta\ndata: {DELTA}\n\n\
                 event: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n"
            )
        );
        let usage = machine.usage();
        assert_eq!((usage.input, usage.output), (Some(10), Some(4)));
    }

    #[test]
    fn an_end_without_a_stop_reason_is_an_error() {
        let mut machine = Events::new();
        let mut out = BytesMut::new();
        machine
            .event("message_start", START.as_bytes(), &mut out)
            .unwrap();
        let error = machine.finish(&mut out).unwrap_err();
        out.clear();
        machine.fail(&error, &mut out);
        assert!(text(&out).starts_with("event: error\ndata: {\"type\":\"error\""));
    }

    #[test]
    fn an_end_behind_the_stop_reason_is_left_as_it_is() {
        let mut machine = Events::new();
        let mut out = BytesMut::new();
        machine
            .event("message_delta", DELTA.as_bytes(), &mut out)
            .unwrap();
        let before = text(&out);
        machine.finish(&mut out).unwrap();
        assert_eq!(text(&out), before);
    }

    #[test]
    fn errors_are_told_in_order() {
        let mut machine = Events::new();
        let mut out = BytesMut::new();
        let data = br#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#;
        let error = machine.event("error", data, &mut out).unwrap_err();
        assert!(out.is_empty());
        assert_eq!(error.error.kind, "overloaded_error");
        assert_eq!(error.upstream_status.unwrap().as_u16(), 529);
    }
}
