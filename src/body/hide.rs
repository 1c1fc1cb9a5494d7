//! Leaving events out of a stream that is relayed, while every other byte stays as it is.

use std::mem;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// Holds the beginning of each event back until its end has shown whether it goes on.
#[derive(Debug, Default)]
pub(super) struct Hider {
    /// The beginning of an event whose end has not come.
    begun: BytesMut,
    /// The last piece ended with the CR of a hidden event: an LF right after it belongs to it.
    after_cr: bool,
}

/// What was found in a piece.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The events that are to be hidden, from the end of the event before (or the piece's beginning), in their order.
    pub(super) hidden: Vec<Range<usize>>,
    /// Where the last event of the piece ends; 0 where none does.
    pub(super) end: usize,
    /// Whether another event begins in what follows, or goes on.
    pub(super) begins: bool,
}

impl Hider {
    /// Bytes that are held back.
    pub(super) fn held(&self) -> usize {
        self.begun.len()
    }

    /// What is held back: there is nothing more to be hidden.
    pub(super) fn take(&mut self) -> Bytes {
        mem::take(&mut self.begun).freeze()
    }

    /// Takes a piece of the stream, and gives what of it and of those before it goes on.
    pub(super) fn pass(&mut self, piece: &Bytes, found: &Found, mut send: impl FnMut(Bytes)) {
        let mut at = 0;
        if !piece.is_empty() && mem::take(&mut self.after_cr) && piece.first() == Some(&b'\n') {
            at = 1;
        }
        for event in &found.hidden {
            if event.start == 0 {
                // It began in an earlier piece, or right here.
                let mut whole = mem::take(&mut self.begun);
                whole.extend_from_slice(piece.get(at..event.end).unwrap_or_default());
                whole.truncate(before_event(&whole));
                give(whole.freeze(), &mut send);
            } else {
                give(self.take(), &mut send);
                let own = piece.get(event.clone()).unwrap_or_default();
                let kept = event.start + before_event(own);
                give(part(piece, at..kept), &mut send);
            }
            at = event.end;
            self.after_cr = at == piece.len() && piece.ends_with(b"\r");
        }
        let sure = if found.begins {
            found.end.max(at)
        } else {
            piece.len()
        };
        if !found.begins || found.end > 0 {
            give(self.take(), &mut send);
            give(part(piece, at..sure), &mut send);
            at = sure;
        }
        self.begun
            .extend_from_slice(piece.get(at..).unwrap_or_default());
    }
}

fn part(piece: &Bytes, range: Range<usize>) -> Bytes {
    if range.start >= range.end || range.end > piece.len() {
        return Bytes::new();
    }
    piece.slice(range)
}

fn give(bytes: Bytes, send: &mut impl FnMut(Bytes)) {
    if !bytes.is_empty() {
        send(bytes);
    }
}

/// Where the last event of `text`, which is whole, begins: behind the blank line before it, and behind comments.
fn before_event(text: &[u8]) -> usize {
    let mut start = 0;
    let (mut at, mut blank) = (0, true);
    while let Some(length) = line(text.get(at..).unwrap_or_default()) {
        let first = text.get(at).copied();
        let is_blank = matches!(first, Some(b'\n' | b'\r'));
        at += length;
        // The blank line at the end is the event's own.
        if is_blank && at >= text.len() {
            break;
        }
        if is_blank {
            blank = true;
            start = at;
        } else if first == Some(b':') && blank {
            start = at;
        } else {
            blank = false;
        }
    }
    start
}

/// The length of the first line, its end included; `None` where there is none.
fn line(text: &[u8]) -> Option<usize> {
    let end = memchr::memchr2(b'\n', b'\r', text)?;
    let crlf = text.get(end..end + 2) == Some(b"\r\n");
    Some(end + 1 + usize::from(crlf))
}

#[cfg(test)]
#[path = "hide_tests.rs"]
mod tests;
