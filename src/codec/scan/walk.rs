//! Walking through parts of a document that [`scan`](super::scan) has accepted.
//!
//! Nothing is checked again. On text that was not scanned these iterators end somewhere, with ranges inside the text.

use std::ops::Range;

use super::{Member, string};

/// The members of an object, in their order, same keys not merged; see [`members`].
#[derive(Debug, Clone)]
pub struct Members<'a>(Walker<'a>);

/// The elements of an array, in their order; see [`elements`].
#[derive(Debug, Clone)]
pub struct Elements<'a>(Walker<'a>);

/// Walks through the object that stands at `object`. Nothing comes when something else stands there.
///
/// A key that is no text, because a surrogate in it is alone, comes as it is spelled, its escapes not decoded.
#[must_use]
pub fn members(json: &[u8], object: Range<usize>) -> Members<'_> {
    Members(Walker::new(json, &object, b'{'))
}

/// Walks through the array that stands at `array`. Nothing comes when something else stands there.
#[must_use]
pub fn elements(json: &[u8], array: Range<usize>) -> Elements<'_> {
    Elements(Walker::new(json, &array, b'['))
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        let member = self.0.item().and_then(|()| self.0.member());
        if member.is_none() {
            self.0.finish();
        }
        member
    }
}

impl Iterator for Elements<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let element = self.0.item().and_then(|()| self.0.value());
        if element.is_none() {
            self.0.finish();
        }
        element
    }
}

impl std::iter::FusedIterator for Members<'_> {}
impl std::iter::FusedIterator for Elements<'_> {}

#[derive(Debug, Clone)]
struct Walker<'a> {
    /// The document up to the end of what is walked through.
    bytes: &'a [u8],
    at: usize,
    first: bool,
}

impl<'a> Walker<'a> {
    fn new(json: &'a [u8], span: &Range<usize>, open: u8) -> Self {
        let mut walker = Self {
            bytes: json.get(..span.end).unwrap_or_default(),
            at: span.start,
            first: true,
        };
        if walker.take(open).is_none() {
            walker.finish();
        }
        walker
    }

    /// Makes the walk end.
    fn finish(&mut self) {
        self.bytes = &[];
        self.at = 0;
    }

    fn token(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at).copied() {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.at += 1,
                other => return other,
            }
        }
    }

    /// Reads this one byte.
    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.token()? == wanted).then(|| self.at += 1)
    }

    /// Goes to where the next item begins; `None` at the end.
    fn item(&mut self) -> Option<()> {
        match self.token()? {
            b'}' | b']' => return None,
            _ if std::mem::take(&mut self.first) => {}
            _ => self.take(b',')?,
        }
        self.token().map(drop)
    }

    fn member(&mut self) -> Option<Member<'a>> {
        let start = self.at;
        self.take(b'"')?;
        let skipped = string::skip(self.bytes, self.at).ok()?;
        self.at = skipped.end;
        let name = start..self.at;
        let quoted = std::str::from_utf8(self.bytes.get(name.clone())?).ok()?;
        let key =
            string::decode(quoted, skipped.escaped).or_else(|| string::decode(quoted, false))?;
        self.take(b':')?;
        self.token()?;
        let value = self.value()?;
        Some(Member { key, name, value })
    }

    /// Reads a value.
    fn value(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.token()? {
                b'"' => self.at = string::skip(self.bytes, self.at + 1).ok()?.end,
                b'{' | b'[' => {
                    self.at += 1;
                    depth += 1;
                    continue;
                }
                b'}' | b']' => {
                    self.at += 1;
                    depth = depth.checked_sub(1)?;
                }
                b',' | b':' if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                b',' | b':' => return None,
                _ => self.scalar(),
            }
            if depth == 0 {
                return Some(start..self.at);
            }
        }
    }

    /// Reads a number or literal: what is neither structure nor space.
    fn scalar(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let len = rest.iter().position(|byte| {
            matches!(
                byte,
                b',' | b':' | b'"' | b'{' | b'}' | b'[' | b']' | b' ' | b'\n' | b'\t' | b'\r'
            )
        });
        self.at += len.unwrap_or(rest.len());
    }
}
