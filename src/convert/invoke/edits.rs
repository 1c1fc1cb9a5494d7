//! A list of edits to a body that grows in any order.

use std::borrow::Cow;
use std::ops::Range;

use crate::codec::splice::{Edit, SpliceError, cuts, spliced};

/// Edits to a body.
#[derive(Debug, Default)]
pub(super) struct Edits {
    list: Vec<(Range<usize>, Cow<'static, [u8]>)>,
}

impl Edits {
    /// Puts something else in the place of `span`.
    pub(super) fn replace(&mut self, span: Range<usize>, with: impl Into<Cow<'static, [u8]>>) {
        self.list.push((span, with.into()));
    }

    /// Adds something before the byte at `at`.
    pub(super) fn insert(&mut self, at: usize, what: impl Into<Cow<'static, [u8]>>) {
        self.replace(at..at, what);
    }

    /// Removes those of a list's parts that `goes` names by their place, each with a comma.
    pub(super) fn cut(&mut self, parts: &[Range<usize>], goes: impl Fn(usize) -> bool) {
        for span in cuts(parts, goes) {
            self.replace(span, &b""[..]);
        }
    }

    /// The edits inside `part`, which are no longer in these.
    pub(super) fn within(&mut self, part: &Range<usize>) -> Self {
        let (inside, outside) = std::mem::take(&mut self.list)
            .into_iter()
            .partition(|(span, _)| part.start <= span.start && span.end <= part.end);
        self.list = outside;
        Self { list: inside }
    }

    /// Makes the edits in a copy of `part` of `body`; all of them are in it.
    pub(super) fn apply(mut self, body: &[u8], part: Range<usize>) -> Result<Vec<u8>, SpliceError> {
        self.list.sort_by_key(|(span, _)| (span.start, span.end));
        let moved = |span: &Range<usize>| {
            let from = |at: usize| at.checked_sub(part.start).ok_or(SpliceError::OutOfBounds);
            Ok(from(span.start)?..from(span.end)?)
        };
        let edits = self.list.iter().map(|(span, with)| {
            Ok(Edit {
                span: moved(span)?,
                with,
            })
        });
        let edits = edits.collect::<Result<Vec<_>, _>>()?;
        let source = body.get(part.clone()).ok_or(SpliceError::OutOfBounds)?;
        spliced(source, &edits)
    }
}
